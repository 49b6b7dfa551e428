"""``bounceledger mx`` and ``bounceledger recheck``, with their output and exit codes."""

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
    """A stream that reports to be a terminal."""

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


def test_a_domain_is_shown_with_its_verdict_hosts_and_alternate() -> None:
    """The table answers what to do without a look into the documentation."""
    # GIVEN a domain with a null MX and one with mail hosts
    # WHEN both are looked up, one by an address
    ran = look("noreply.company.test", "Ann@Company.test")

    # THEN the table shows verdict, hosts, flags and alternate in plain words
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


def test_json_has_one_line_per_domain() -> None:
    """Scripts read the same facts line by line."""
    # GIVEN three domains
    # WHEN they are looked up with JSON output
    ran = look("--json", "noreply.company.test", "web.test", "gone.test")

    # THEN each line holds verdict, words and evidence
    found = {record["domain"]: record for record in ran.records}
    assert found["noreply.company.test"]["verdict"] == "null_mx"
    assert found["noreply.company.test"]["alternate_domain"] == "company.test"
    assert found["noreply.company.test"]["records"][0]["preference"] == 0
    assert found["web.test"]["meaning"].startswith("may accept mail")
    assert found["gone.test"]["answers"] == {"MX gone.test": "NXDOMAIN"}
    assert ran.code == 0


def test_a_domain_without_an_answer_is_unknown_and_sets_the_exit_code() -> None:
    """A script can tell `not known` from `dead`."""
    # GIVEN a domain whose lookup fails
    # WHEN it is looked up
    ran = look("failing.test")

    # THEN the output and the exit code say that nothing is known
    assert ran.code == 1
    assert "not known" in ran.out
    assert "SERVFAIL" in ran.out


def test_dns_names_cannot_control_the_terminal() -> None:
    """Names in DNS come from strangers, and may hold escape sequences and markup."""
    # GIVEN mail hosts whose names hold markup and control characters
    # WHEN the domain is looked up
    ran = look("evil.test")

    # THEN the markup is shown literally, and no control character is printed
    assert "\x1b" not in ran.out
    assert "[bold]x" in ran.out.replace("\n", "")


def test_an_invalid_domain_is_wrong_usage() -> None:
    """Bad input has its own exit code."""
    # GIVEN an argument that is not a domain
    # WHEN it is looked up
    # THEN the exit code is that of wrong usage
    assert main(["mx", "no domain", "--resolver", "192.0.2.53"], console=quiet()) == 2


def test_a_resolver_that_is_not_an_ip_address_is_wrong_usage() -> None:
    """A resolver's name would itself need DNS."""
    # GIVEN a host name as resolver
    # WHEN a domain is looked up
    # THEN the exit code is that of wrong usage
    assert main(["mx", "a.test", "--resolver", "dns.test"], console=quiet()) == 2


def test_a_call_without_domains_is_wrong_usage() -> None:
    """An empty argument list is probably a mistake in a script."""
    # GIVEN neither a domain nor a list
    # WHEN the command runs
    # THEN the exit code is that of wrong usage
    assert main(["mx", "--resolver", "192.0.2.53"], console=quiet()) == 2


def test_a_machine_without_a_resolver_is_told_to_name_one() -> None:
    """The error names the option that solves it."""
    # GIVEN no resolver
    console = quiet()

    # WHEN a domain is looked up
    # THEN the error names the option
    with pytest.raises(CommandError, match="--resolver"):
        mx.run(arguments(mx, ["a.test"]), console, resolver=Resolver(()))


def quiet() -> Console:
    return Console(io.StringIO(), io.StringIO(), io.StringIO())


def test_every_verdict_and_flag_has_a_description() -> None:
    """A new verdict or flag cannot be added without words for people."""
    # GIVEN every verdict and flag
    # WHEN their descriptions are looked up
    # THEN none is missing
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
    """Addresses are counted by lead source, so a bad list is found before it is mailed."""
    # GIVEN a list with a column of addresses and one of lead sources
    leads = tmp_path / "leads.csv"
    leads.write_text("\ufeff" + LEADS)

    # WHEN it is screened
    ran = look("--file", str(leads))

    # THEN the domains that do not accept mail are shown, those that do are not
    assert "gone.test" in ran.out
    assert "mx1.company.test" not in ran.out

    # AND the addresses are counted by lead source
    rows = [line.replace("│", " ").split() for line in ran.out.splitlines()]
    assert ["fair", "2", "1", "0", "1", "0", "50.0%"] in rows
    assert ["webinar-7", "2", "1", "0", "1", "0", "50.0%"] in rows
    assert ["unattributed", "1", "0", "0", "0", "1", "0.0%"] in rows
    assert ["all", "5", "2", "0", "2", "1", "40.0%"] in rows
    assert "5 addresses at 4 domains" in ran.out

    # AND a line without an address is reported, and sets the exit code
    assert "line 6:" in ran.err
    assert ran.code == 1


def test_with_all_every_domain_of_a_list_is_shown(tmp_path: Path) -> None:
    """By default only domains without mail are shown; `--all` shows the rest."""
    # GIVEN a list
    leads = tmp_path / "leads.csv"
    leads.write_text(LEADS)

    # WHEN it is screened with --all
    # THEN the hosts of domains that accept mail are shown
    assert "mx1.company.test" in look("--file", str(leads), "--all").out


def test_a_plain_list_from_standard_input_has_one_total() -> None:
    """A list without columns works in a pipe."""
    # GIVEN addresses and domains, one per line
    # WHEN they are screened
    ran = look("--file", "-", stdin="ann@company.test\ngone.test\n")

    # THEN they have one total
    assert "2 addresses at 2 domains" in ran.out
    assert "unattributed" not in ran.out
    assert ran.code == 0


def test_json_of_a_list_counts_the_addresses_by_source() -> None:
    """Scripts get the counts by lead source too."""
    # GIVEN a list with lead sources
    # WHEN it is screened with JSON output
    ran = look("--json", "--file", "-", stdin=LEADS)

    # THEN each domain has its number of addresses by source
    found = {record["domain"]: record for record in ran.records}
    assert found["company.test"]["listed"] == {"webinar-7": 1, "fair": 1}


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_lists_are_read_as_spreadsheets_export_them(mark) -> None:
    """Nobody should have to edit an export before screening it."""
    # GIVEN a list as a spreadsheet exports it, with comments
    rows = [["# of May"], ["Name", " E-Mail ", "Lead Source"], ["Ann", "ann@company.test", "Fair"]]
    rows += [["# Bob", "bob@gone.test", "Fair"], ["Cid", "nobody", "Fair"]]
    text = "\ufeff\n" + "".join(mark.join(row) + "\n" for row in rows)

    # WHEN it is screened
    ran = look("--json", "--file", "-", stdin=text)

    # THEN the address and its source are found, and the invalid line is reported by number
    assert [(record["domain"], record["listed"]) for record in ran.records] == [
        ("company.test", {"fair": 1})
    ]
    assert "line 6:" in ran.err


@pytest.mark.parametrize("header", ["Email Address", "e_mail", "EMAIL", "Recipient", "address"])
def test_the_address_column_may_have_many_names(header) -> None:
    """Exports name the address column differently."""
    # GIVEN a list with a header for the address column
    # WHEN it is screened
    ran = look("--json", "--file", "-", stdin=f"Id,{header}\n1,ann@company.test\n")

    # THEN the addresses are found
    assert [record["domain"] for record in ran.records] == ["company.test"]


def test_one_invalid_domain_is_reported_and_the_others_are_answered() -> None:
    """One typo does not cost the rest of the run."""
    # GIVEN two arguments, one of which is not a domain
    # WHEN they are looked up
    ran = look("--json", "no domain\x1b", "COMPANY.test.")

    # THEN the other has its answer, with the argument as it was given
    assert [(r["domain"], r["asked"]) for r in ran.records] == [("company.test", "COMPANY.test.")]

    # AND the invalid one is reported with its control character escaped, and sets the exit code
    assert "no domain\\x1b" in ran.err
    assert ran.code == 1


def test_a_domain_given_beside_a_list_is_shown_and_not_counted() -> None:
    """Arguments are shown, and only the list is counted."""
    # GIVEN a domain in another spelling as an argument, and a list
    # WHEN both are looked up
    ran = look("Company.TEST", "--file", "-", stdin="Email,Source\nx@gone.test,Fair\n")

    # THEN the domain is shown, but not counted with the list
    assert "mx1.company.test" in ran.out
    assert "1 addresses at 1 domains" in ran.out
    assert "(named)" not in ran.out


def test_long_names_are_not_wrapped_in_a_pipe() -> None:
    """Output in a pipe can be searched line by line."""
    # GIVEN a host name wider than a terminal
    name = ".".join(["long" * 15] * 3) + ".test"

    # WHEN it is looked up and the output is not a terminal
    # THEN it is printed on one line
    assert name in look(name).out


def test_invalid_lines_beyond_ten_are_counted_not_listed() -> None:
    """A wrong file does not flood the terminal."""
    # GIVEN a list with a hundred invalid lines
    # WHEN it is screened
    ran = look("--file", "-", stdin="bad\n" * 100 + "company.test\n")

    # THEN ten are listed and the rest is counted
    assert ran.err.count("line ") == 10
    assert "90 more lines" in ran.err


def test_a_missing_file_or_one_that_is_not_csv_is_an_error(tmp_path: Path) -> None:
    """The reason is a sentence, not a traceback."""
    # GIVEN a file that does not exist, and one that is not CSV
    # WHEN they are screened
    # THEN the error says which it is
    with pytest.raises(CommandError, match="No such file"):
        look("--file", str(tmp_path / "gone.csv"))
    with pytest.raises(CommandError, match="not CSV"):
        look("--file", "-", stdin="a" * 200_000)


def test_a_long_list_shows_a_progress_bar_on_a_terminal() -> None:
    """A person sees progress, and a pipe stays clean."""
    # GIVEN 30 domains
    names = [f"d{n}.test" for n in range(30)]

    # WHEN they are looked up with and without a terminal
    watched, unwatched = look(*names, stderr=Terminal()), look(*names)

    # THEN only the terminal shows a progress bar
    assert "30/30" in watched.err
    assert unwatched.err == ""


# ---------------------------------------------------------------------------- recheck


class Due:
    """A fake ledger in which two domains were due yesterday."""

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


def test_domains_that_are_due_are_sent_and_printed() -> None:
    """A manual recheck covers the days that the schedule missed."""
    # GIVEN two domains that were due the day before
    # WHEN a recheck is started manually
    sent, console = again("--day", "2026-12-01")

    # THEN both are queued and printed
    assert sent.requests == [ProbeRequest("a.test"), ProbeRequest("b.test")]
    assert console.stdout.getvalue() == "a.test\nb.test\n"


def test_a_dry_run_sends_nothing() -> None:
    """It shows what is due and changes nothing."""
    # GIVEN two domains that are due
    # WHEN a recheck is started with --dry-run
    sent, console = again("--day", "2026-12-01", "--dry-run")

    # THEN they are printed and not queued
    assert sent.requests == []
    assert console.stdout.getvalue() == "a.test\nb.test\n"
    assert "2 domains due" in console.stderr.getvalue()


def test_days_more_than_30_ago_are_not_due() -> None:
    """The command looks back as far as the schedule does."""
    # GIVEN domains that were due 40 days ago
    long_after = date(2026, 11, 30) + timedelta(days=40)

    # WHEN a recheck is started manually
    # THEN they are not queued
    assert again("--day", long_after.isoformat())[0].requests == []


def test_a_missing_table_name_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable and the option."""
    # GIVEN neither a variable nor an option that names the table
    monkeypatch.delenv("TABLE_NAME", raising=False)
    console = quiet()

    # WHEN the command runs
    # THEN the message names both
    assert main(["recheck", "--dry-run"], console=console) == 2
    assert "TABLE_NAME" in console.stderr.getvalue()
    assert "--table" in console.stderr.getvalue()
