"""``bounceledger mx`` and ``bounceledger recheck`` as a person at a terminal meets them."""

import argparse
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bounceledger.domains.judge import FLAGS
from bounceledger.domains.lookup import Lookup, Server
from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.resolver import Resolver
from bounceledger.state import DomainVerdict
from bounceledger_cli.commands import mx, recheck
from bounceledger_cli.console import CommandError, Console
from bounceledger_cli.main import main

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


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def arguments(command: Any, argv: Iterable[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(list(argv))


def look(*argv: str, stdin: str = "", stderr: io.StringIO | None = None) -> Ran:
    console = Console(io.StringIO(stdin), io.StringIO(), stderr or io.StringIO())
    resolver = Resolver((Server("192.0.2.53"),), transport=network)
    code = mx.run(arguments(mx, argv), console, resolver=resolver)
    return Ran(code, console.stdout.getvalue(), console.stderr.getvalue())


# -------------------------------------------------------------------------------- mx


def test_a_domain_is_shown_with_its_verdict_in_words_hosts_and_other_way_in() -> None:
    # WHEN a dead domain and a living one are asked for, one by an address
    ran = look("noreply.company.test", "Ann@Company.test")

    # THEN the table has all that is known, in plain words
    assert ran.code == 0
    for words in (
        "takes no mail",
        "null MX",
        "write to company.test",
        "accepts mail",
        "mx2.company.test",
        "44.128.0.1",
        "not_public: an address that the Internet does not route",
    ):
        assert words in " ".join(ran.out.split()), words


def test_json_is_one_line_a_domain() -> None:
    # WHEN domains are asked for in JSON
    ran = look("--json", "noreply.company.test", "web.test", "gone.test")

    # THEN each line holds verdict, words and evidence
    found = {record["domain"]: record for record in ran.records}
    assert found["noreply.company.test"]["verdict"] == "null_mx"
    assert found["noreply.company.test"]["alternate_domain"] == "company.test"
    assert found["noreply.company.test"]["records"][0]["preference"] == 0
    assert found["web.test"]["meaning"].startswith("may accept mail")
    assert found["gone.test"]["answers"] == {"MX gone.test": "NXDOMAIN"}
    assert ran.code == 0


def test_a_domain_without_answer_is_said_to_be_unknown_and_shows_in_the_exit_code() -> None:
    ran = look("failing.test")
    assert ran.code == 1
    assert "not known" in ran.out
    assert "SERVFAIL" in ran.out


def test_what_strangers_wrote_into_dns_steers_no_terminal() -> None:
    # GIVEN mail hosts whose names hold markup and control characters
    ran = look("evil.test")

    # THEN they are shown as they are
    assert "\x1b" not in ran.out
    assert "[bold]x" in ran.out.replace("\n", "")


def test_what_is_no_domain_is_refused() -> None:
    assert main(["mx", "no domain", "--resolver", "192.0.2.53"], console=quiet()) == 2


def test_a_resolver_that_is_none_is_refused() -> None:
    assert main(["mx", "a.test", "--resolver", "dns.test"], console=quiet()) == 2


def test_nothing_to_ask_for_is_wrong_usage() -> None:
    assert main(["mx", "--resolver", "192.0.2.53"], console=quiet()) == 2


def test_nobody_to_ask_is_said_so() -> None:
    console = quiet()
    with pytest.raises(CommandError, match="--resolver"):
        mx.run(arguments(mx, ["a.test"]), console, resolver=Resolver(()))


def quiet() -> Console:
    return Console(io.StringIO(), io.StringIO(), io.StringIO())


def test_every_verdict_and_flag_has_words() -> None:
    assert set(mx.WORDS) == set(DomainVerdict)
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
    # GIVEN a list with a column of addresses and one of lead sources
    leads = tmp_path / "leads.csv"
    leads.write_text("\ufeff" + LEADS)

    # WHEN it is screened
    ran = look("--file", str(leads))

    # THEN the domains that do not accept mail are shown, those that do are not
    assert "gone.test" in ran.out
    assert "mx1.company.test" not in ran.out

    # AND the addresses are summed by lead source
    rows = [line.replace("│", " ").split() for line in ran.out.splitlines()]
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
def test_headers_delimiters_and_comments_are_those_that_people_export(mark) -> None:
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


@pytest.mark.parametrize("header", ["Email Address", "e_mail", "EMAIL", "Recipient", "address"])
def test_a_column_of_addresses_goes_by_many_names(header) -> None:
    ran = look("--json", "--file", "-", stdin=f"Id,{header}\n1,ann@company.test\n")
    assert [record["domain"] for record in ran.records] == ["company.test"]


def test_one_bad_domain_is_named_and_the_others_are_answered() -> None:
    # WHEN one of two arguments is no domain
    ran = look("--json", "no domain\x1b", "COMPANY.test.")

    # THEN the other has its answer, with what was asked
    assert [(r["domain"], r["asked"]) for r in ran.records] == [("company.test", "COMPANY.test.")]

    # AND the bad one is named, harmlessly, and shows in the exit code
    assert "no domain\\x1b" in ran.err
    assert ran.code == 1


def test_a_domain_named_beside_a_list_is_shown_and_is_no_source() -> None:
    # GIVEN a living domain, named in another spelling, and a list
    ran = look("Company.TEST", "--file", "-", stdin="Email,Source\nx@gone.test,Fair\n")

    # THEN it is shown, but not counted among the list's
    assert "mx1.company.test" in ran.out
    assert "1 addresses at 1 domains" in ran.out
    assert "(named)" not in ran.out


def test_names_are_not_folded_where_nobody_watches() -> None:
    # GIVEN a host name wider than a terminal
    name = ".".join(["long" * 15] * 3) + ".test"

    # THEN it stands in a pipe as it is
    assert name in look(name).out


def test_many_bad_lines_are_counted_not_listed() -> None:
    ran = look("--file", "-", stdin="bad\n" * 100 + "company.test\n")
    assert ran.err.count("line ") == 10
    assert "90 more lines" in ran.err


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        look("--file", str(tmp_path / "gone.csv"))
    with pytest.raises(CommandError, match="not CSV"):
        look("--file", "-", stdin="a" * 200_000)


def test_a_person_who_watches_a_long_list_sees_a_bar_on_stderr() -> None:
    # GIVEN more domains than one waits for, and a terminal
    names = [f"d{n}.test" for n in range(30)]
    watched, unwatched = look(*names, stderr=Terminal()), look(*names)

    # THEN a bar was drawn there, and nowhere else
    assert "30/30" in watched.err
    assert unwatched.err == ""


# ---------------------------------------------------------------------------- recheck


class Due:
    """Two domains that were due yesterday."""

    def due_rechecks(self, day: date) -> Iterator[str]:
        if day == date(2026, 11, 30):
            yield from ("a.test", "b.test")


class Sent:
    def __init__(self) -> None:
        self.requests: list[ProbeRequest] = []

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        self.requests.extend(requests)


def again(*argv: str) -> tuple[Sent, Console]:
    sent, console = Sent(), quiet()
    assert recheck.run(arguments(recheck, argv), console, rechecks=Due(), probes=sent) == 0
    return sent, console


def test_domains_that_are_due_are_sent_and_named() -> None:
    # WHEN the day after is rechecked by hand
    sent, console = again("--day", "2026-12-01")

    # THEN the domains that were missed are sent
    assert sent.requests == [ProbeRequest("a.test"), ProbeRequest("b.test")]
    assert console.stdout.getvalue() == "a.test\nb.test\n"


def test_a_dry_run_sends_nothing() -> None:
    sent, console = again("--day", "2026-12-01", "--dry-run")
    assert sent.requests == []
    assert console.stdout.getvalue() == "a.test\nb.test\n"
    assert "2 domains due" in console.stderr.getvalue()


def test_days_too_long_past_are_not_due() -> None:
    long_after = date(2026, 11, 30) + timedelta(days=40)
    assert again("--day", long_after.isoformat())[0].requests == []


def test_a_table_that_is_not_named_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN neither a variable nor an option that names the table
    monkeypatch.delenv("TABLE_NAME", raising=False)
    console = quiet()

    # THEN the message names both
    assert main(["recheck", "--dry-run"], console=console) == 2
    assert "TABLE_NAME" in console.stderr.getvalue()
    assert "--table" in console.stderr.getvalue()
