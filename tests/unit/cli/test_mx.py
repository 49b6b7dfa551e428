"""``bounceledger mx``: domains, and lists before their first send."""

import json
from pathlib import Path
from typing import Any

import pytest

from bounceledger.domains.judge import FLAGS
from bounceledger.domains.lookup import Lookup, Server
from bounceledger.domains.resolver import Resolver
from bounceledger.state import DomainVerdict
from bounceledger_cli.domain_report import MEANINGS
from tests.ses_documents import bounce
from tests.unit.cli.runner import Ran, Terminal, run

ZONE = {
    ("company.test", "MX"): Lookup(
        code="NOERROR", exchanges=((10, "mx1.company.test"), (20, "mx2.company.test")), ttl=60
    ),
    ("mx1.company.test", "A"): Lookup(code="NOERROR", addresses=("44.128.0.1",), ttl=60),
    ("mx2.company.test", "A"): Lookup(code="NOERROR", addresses=("10.0.0.1",), ttl=60),
    ("noreply.company.test", "MX"): Lookup(code="NOERROR", exchanges=((0, "."),), ttl=60),
    ("web.test", "A"): Lookup(code="NOERROR", addresses=("44.128.0.2",), ttl=60),
    ("failing.test", "MX"): Lookup(code="SERVFAIL"),
    ("evil.test", "MX"): Lookup(
        code="NOERROR", exchanges=((10, "[bold]x\\027[31m.test"), (20, "\x1b[2J.test")), ttl=60
    ),
}


def network(server: Server, name: str, rdtype: str, within: float) -> Lookup:
    if (name, rdtype) in ZONE:
        return ZONE[name, rdtype]
    exists = name == "com" or any(known == name for known, _ in ZONE)
    return Lookup(code="NODATA" if exists else "NXDOMAIN", ttl=60)


def look(*argv: str, resolver: Resolver | None = None, **options: Any) -> Ran:
    resolver = resolver or Resolver((Server("192.0.2.53"),), transport=network)
    return run("mx", *argv, resolver=resolver, **options)


# -------------------------------------------------------------------------------- mx


def test_a_domain_is_shown_with_verdict_hosts_and_alternate() -> None:
    """A person reads what is known without looking codes up."""
    # WHEN a dead domain and a living one are asked for, one by an address
    ran = look("noreply.company.test", "Ann@Company.test")

    # THEN the table has all that is known, in plain words
    assert ran.code == 0
    for words in (
        "accepts no mail",
        "null MX",
        "company.test accepts mail",
        "accepts mail",
        "mx2.company.test",
        "44.128.0.1",
        "not_public: an address that the Internet does not route",
    ):
        assert words in " ".join(ran.out.split()), words


def test_json_is_one_line_per_domain() -> None:
    # WHEN domains are asked for in JSON
    ran = look("--json", "noreply.company.test", "web.test", "gone.test")

    # THEN each line holds verdict, words and evidence
    found = {record["domain"]: record for record in ran.records}
    assert found["noreply.company.test"]["verdict"] == "null_mx"
    assert found["noreply.company.test"]["alternate_domain"] == "company.test"
    assert found["noreply.company.test"]["evidence"]["records"][0]["preference"] == 0
    assert found["web.test"]["meaning"].startswith("may accept mail")
    assert found["gone.test"]["evidence"]["answers"] == {"MX gone.test": "NXDOMAIN"}
    assert ran.code == 0


def test_a_domain_without_an_answer_is_unknown_and_the_exit_code_is_1() -> None:
    ran = look("failing.test")
    assert ran.code == 1
    assert "unknown: no reliable DNS answer" in ran.out
    assert "SERVFAIL" in ran.out


def test_control_characters_in_dns_do_not_reach_the_terminal() -> None:
    """Host names in MX records are chosen by strangers."""
    # GIVEN mail hosts whose names hold markup and control characters
    ran = look("evil.test")

    # THEN they are shown as they are
    assert "\x1b" not in ran.out
    assert "[bold]x" in ran.out.replace("\n", "")


def test_what_is_not_a_domain_is_rejected() -> None:
    assert run("mx", "no domain", "--resolver", "192.0.2.53").code == 2


def test_a_resolver_must_be_an_ip_address() -> None:
    assert run("mx", "a.test", "--resolver", "dns.test").code == 2


def test_nothing_to_check_is_wrong_usage() -> None:
    # WHEN neither a domain nor a list is given THEN the message says what to give
    ran = look()
    assert ran.code == 2
    assert "nothing to check: give a domain, or a list with --file" in ran.err


def test_an_empty_list_is_reported_as_such() -> None:
    # WHEN a list exists but is empty THEN the message is about the list
    ran = look("--file", "-", stdin="# nothing yet\n")
    assert (ran.code, ran.err) == (1, "bounceledger: standard input is empty\n")
    ran = look("--file", "-", stdin="Email;Source\n")
    assert (ran.code, ran.err) == (1, "bounceledger: standard input has a header but no rows\n")


def test_a_machine_without_resolver_is_reported() -> None:
    # GIVEN a machine without DNS resolvers WHEN run THEN the message names the option
    ran = look("a.test", resolver=Resolver(()))
    assert ran.code == 2
    assert "no DNS resolver configured on this machine; pass one with --resolver" in ran.err


def test_every_verdict_and_flag_has_words() -> None:
    assert set(MEANINGS) == set(DomainVerdict)
    assert all(FLAGS.values())


# ----------------------------------------------------------------------------- a list

LEADS = """\
Name,Email,Lead_Source
Ann,ann@company.test,Webinar 7
Bob,BOB@noreply.company.test,Webinar 7
Cid,cid@gone.test,Fair
Dot,dot@company.test,Fair
Eve,nobody,Fair

Fay,fay@failing.test,
"""


def test_a_list_is_screened_before_its_first_send(tmp_path: Path) -> None:
    """The dead share of a list is known by lead source before it costs reputation."""
    # GIVEN a list with a column of addresses and one of lead sources
    leads = tmp_path / "leads.csv"
    leads.write_text("\ufeff" + LEADS)

    # WHEN it is screened
    ran = look("--file", str(leads))

    # THEN the domains that do not accept mail are shown, those that do are not
    assert "gone.test" in ran.out
    assert "mx1.company.test" not in ran.out

    # AND the addresses are summed by lead source
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["fair", "2", "1", "0", "1", "0", "50.0%"] in rows
    assert ["webinar-7", "2", "1", "0", "1", "0", "50.0%"] in rows
    assert ["unattributed", "1", "0", "0", "0", "1", "0.0%"] in rows
    assert ["all", "5", "2", "0", "2", "1", "40.0%"] in rows
    assert "5 addresses at 4 domains" in ran.out

    # AND a line without address is named, and shows in the exit code
    assert "line 6:" in ran.err
    assert ran.code == 1


def test_with_all_every_domain_of_a_list_is_shown(tmp_path: Path) -> None:
    leads = tmp_path / "leads.csv"
    leads.write_text(LEADS)
    assert "mx1.company.test" in look("--file", str(leads), "--all").out


def test_a_plain_list_from_standard_input_has_one_sum() -> None:
    # GIVEN addresses and domains, one a line
    ran = look("--file", "-", stdin="ann@company.test\ngone.test\n")

    # THEN they are summed together
    assert "2 addresses at 2 domains" in ran.out
    assert "unattributed" not in ran.out
    assert ran.code == 0


def test_json_of_a_list_counts_the_addresses_by_source() -> None:
    ran = look("--json", "--file", "-", stdin=LEADS)
    found = {record["domain"]: record for record in ran.records}
    assert found["company.test"]["listed"] == {"webinar-7": 1, "fair": 1}


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_lists_are_read_as_spreadsheets_export_them(mark: str) -> None:
    # GIVEN a list as a spreadsheet writes it, with comments
    rows = [["# of May"], ["Name", " E-Mail ", "Lead Source"], ["Ann", "ann@company.test", "Fair"]]
    rows += [["# Bob", "bob@gone.test", "Fair"], ["Cid", "nobody", "Fair"]]
    text = "\ufeff\n" + "".join(mark.join(row) + "\n" for row in rows)

    # WHEN it is screened
    ran = look("--json", "--file", "-", stdin=text)

    # THEN the address and its source are found, and the bad line has its own number
    assert [(record["domain"], record["listed"]) for record in ran.records] == [
        ("company.test", {"fair": 1})
    ]
    assert "line 6:" in ran.err


@pytest.mark.parametrize("indent", [None, 2])
def test_ses_events_count_whom_they_are_about(indent: int | None) -> None:
    """An export of events is a list as well: on one line each, or spread over lines."""
    # GIVEN a bounce and a delivery, and one that can be neither
    bounced = bounce("ann@company.test", lead_source="Fair")
    delivered = {
        "eventType": "Delivery",
        "delivery": {"recipients": ["bob@gone.test", "cid@gone.test"]},
        "mail": {"tags": {"lead_source": ["webinar-7"]}},
    }
    events = [{"Type": "Notification", "Message": json.dumps(bounced)}, delivered]
    text = "".join(json.dumps(one, indent=indent) + "\n" for one in [*events, {"eventType": 5}])

    # WHEN they are checked
    ran = look("--json", "--file", "-", stdin=text)

    # THEN each address counts at its domain, for the lead source of its message
    assert {record["domain"]: record["listed"] for record in ran.records} == {
        "company.test": {"fair": 1},
        "gone.test": {"webinar-7": 2},
    }

    # AND the third is reported
    assert "eventType must be a string" in ran.err
    assert ran.code == 1


@pytest.mark.parametrize("header", ["Email Address", "e_mail", "EMAIL", "Recipient", "address"])
def test_a_column_of_addresses_goes_by_many_names(header: str) -> None:
    ran = look("--json", "--file", "-", stdin=f"Id,{header}\n1,ann@company.test\n")
    assert [record["domain"] for record in ran.records] == ["company.test"]


def test_one_bad_domain_is_named_and_the_others_are_answered() -> None:
    # WHEN one of two arguments is not a domain
    ran = look("--json", "no domain\x1b", "COMPANY.test.")

    # THEN the other has its answer, with what was asked
    assert [(r["domain"], r["asked"]) for r in ran.records] == [("company.test", "COMPANY.test.")]

    # AND the bad one is named, harmlessly, and shows in the exit code
    assert "no domain\\x1b" in ran.err
    assert ran.code == 1


def test_a_domain_given_beside_a_list_is_shown_and_not_counted() -> None:
    # GIVEN a living domain, named in another spelling, and a list
    ran = look("Company.TEST", "--file", "-", stdin="Email,Source\nx@gone.test,Fair\n")

    # THEN it is shown, but not counted among the list's
    assert "mx1.company.test" in ran.out
    assert "1 address at 1 domain\n" in ran.out
    assert "(named)" not in ran.out


def test_names_are_not_folded_in_a_pipe() -> None:
    """Other programs read the lines."""
    # GIVEN a host name wider than a terminal
    name = ".".join(["long" * 15] * 3) + ".test"

    # THEN it stands in a pipe as it is
    assert name in look(name).out


def test_many_bad_lines_are_counted_not_listed() -> None:
    ran = look("--file", "-", stdin="bad\n" * 100 + "company.test\n")
    assert ran.err.count("line ") == 10
    assert "and 90 more lines without a valid address" in ran.err


def test_a_missing_or_binary_file_is_rejected(tmp_path: Path) -> None:
    # WHEN a list cannot be read THEN the message says why
    missing = look("--file", str(tmp_path / "gone.csv"))
    assert missing.code == 2
    assert "gone.csv: No such file" in missing.err
    binary = look("--file", "-", stdin=b"PK\x03\x04" + bytes(100))
    assert binary.code == 2
    assert "standard input is not text but an Excel workbook" in binary.err
    endless = look("--file", "-", stdin="a" * 200_000)
    assert endless.code == 1
    assert "standard input: line 1: address is" in endless.err


def test_output_fits_80_columns_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a terminal of 80 columns
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")

    # WHEN domains of every verdict are shown
    names = ("noreply.company.test", "company.test", "web.test", "failing.test", "gone.test")
    ran = look(*names, stdout=Terminal())

    # THEN no line is wider, or ends with a space
    assert max(map(len, ran.out.splitlines())) <= 80
    assert all(line == line.rstrip() for line in ran.out.splitlines())


def test_a_long_list_shows_progress_at_a_terminal_only() -> None:
    # GIVEN more domains than one waits for, and a terminal
    names = [f"d{n}.test" for n in range(30)]
    watched, unwatched = look(*names, stderr=Terminal()), look(*names)

    # THEN a bar was drawn there, and nowhere else
    assert "30/30" in watched.err
    assert unwatched.err == ""


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["fair", "webinar-7", "list"]),
        ("unknown", ["list", "fair", "webinar-7"]),
        ("addresses", ["webinar-7", "fair", "list"]),
        ("name", ["fair", "list", "webinar-7"]),
    ],
)
def test_lead_sources_are_sorted_by_what_is_worst(sort: str, expected: list[str]) -> None:
    """A list has hundreds of vendors; the ones to talk to stand first."""
    # GIVEN vendors with 2 of 2, 1 of 3 and 0 of 1 dead addresses
    rows = [("Fair", "gone.test")] * 2 + [("Webinar 7", "company.test")] * 2
    rows += [("Webinar 7", "gone.test"), ("List", "failing.test")]
    text = "Source,Email\n" + "".join(f"{source},x@{domain}\n" for source, domain in rows)

    # WHEN the list is screened THEN they stand in that order, above the total
    ran = look("--file", "-", *(["--sort", sort] if sort else []), stdin=text)
    first = [line.split(" ")[0] for line in ran.out.splitlines()]
    assert [name for name in first if name in {*expected, "all"}] == [*expected, "all"]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_resolver_that_cannot_be_used_is_said_once(options: tuple[str, ...]) -> None:
    """It says nothing about the domains, so it is not a line for each of them."""

    # GIVEN a network in which every name exists
    def portal(server: Server, name: str, rdtype: str, within: float) -> Lookup:
        return Lookup(code="NOERROR", addresses=("192.0.2.80",), ttl=60)

    resolver = Resolver((Server("192.0.2.53"),), transport=portal)
    text = "".join(f"x@d{number}.test\n" for number in range(50))

    # WHEN a list is screened there THEN it is said once that nothing was checked
    ran = look("--file", "-", *options, stdin=text, resolver=resolver)
    assert ran.code == 1
    assert ran.err == (
        "bounceledger: 50 domains were not checked: no resolver answers, or its answers are the"
        " same for every name; try --resolver\n"
    )
    assert options or "d7.test" not in ran.out


def test_the_totals_fit_80_columns_with_long_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name may be folded; a number may not be cut."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    source = "webinar-with-a-very-long-name-that-goes-on-to-sixty-four-letters"
    text = "Source,Email\n" + f"{source},x@company.test\n" * 10_000
    watched = look("--file", "-", stdin=text, stdout=Terminal())
    assert max(map(len, watched.out.splitlines())) <= 80
    assert "\u2026" not in watched.out
    assert source in look("--file", "-", stdin=text).out


@pytest.mark.parametrize("options", [(), ("--all",)], ids=["problems", "all"])
def test_a_resolver_that_never_replies_is_said_once(options: tuple[str, ...]) -> None:
    """A firewall drops what goes to port 53: nothing is known of any domain."""

    # GIVEN a resolver without a reply to anything
    def silence(server: Server, name: str, rdtype: str, within: float) -> Lookup:
        return Lookup(code="TIMEOUT", server=str(server))

    resolver = Resolver((Server("192.0.2.53"),), transport=silence)
    text = "".join(f"u@d{number}.test\n" for number in range(5))

    # WHEN a list is screened THEN the cause is said once
    ran = look("--file", "-", *options, stdin=text, resolver=resolver)
    assert ran.code == 1
    assert ran.err.count("5 domains were not checked: no resolver answers") == 1
    assert ("d1.test  unknown" in ran.out) == bool(options)

    # AND so it is for arguments
    ran = look("a.test", "b.test", resolver=Resolver((Server("192.0.2.53"),), transport=silence))
    assert ran.err.count("2 domains were not checked: no resolver answers") == 1


def test_a_domain_whose_own_servers_do_not_reply_is_not_a_resolver_that_does_not() -> None:
    # GIVEN a resolver that waits in vain for one domain's name servers
    def network_without_one(server: Server, name: str, rdtype: str, within: float) -> Lookup:
        silent = name == "slow.test"
        return Lookup(code="TIMEOUT") if silent else network(server, name, rdtype, within)

    resolver = Resolver((Server("192.0.2.53"),), transport=network_without_one)

    # WHEN it is asked for THEN the domain is shown, and the resolver is not blamed
    ran = look("--file", "-", stdin="slow.test\n", resolver=resolver)
    assert ran.code == 1
    assert "slow.test  unknown: no reliable DNS answer (TIMEOUT)" in ran.out
    assert "not checked" not in ran.err
