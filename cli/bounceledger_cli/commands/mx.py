"""``bounceledger mx``: what DNS says about mail for domains."""

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import click

from bounceledger_cli.console import Console
from bounceledger_cli.errors import CommandError
from bounceledger_cli.files import open_input, shown_name
from bounceledger_cli.options import INPUT_FILE
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.progress import progress
from bounceledger_cli.wording import counted

if TYPE_CHECKING:
    from bounceledger.domains.resolver import Resolver
    from bounceledger.state import Probe
    from bounceledger_cli.domain_list import DomainList

_LEAST = 20
"""Domains from which there is a progress bar."""
_SHOWN = 10
"""Bad lines of a list that are reported one by one."""


@make_command(
    "mx",
    details="""
        Give domains as arguments, or check a whole list with --file before you first send
        to it. For a list, the command shows the domains that do not accept mail, and totals
        by lead source.

        A list has an address or a domain per line, or is a CSV file (commas, semicolons or
        tabs) with a column such as address or email and, if you like, lead_source. Lines
        that begin with # are skipped.
        """,
    examples="""
        bounceledger mx noreply.company.com company.com
        bounceledger mx --json company.com --resolver 9.9.9.9 --resolver 1.1.1.1
        bounceledger mx --file leads.csv
        """,
    exit_codes={
        0: "every domain was resolved, whether or not it accepts mail",
        1: "some domains have no reliable answer, or some input is not an address or domain",
        2: "wrong usage or input",
    },
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", help="A domain or an email address.")
@click.option("--file", type=INPUT_FILE, metavar="FILE", help="A list; - for standard input.")
@click.option(
    "--all",
    "show_all",
    is_flag=True,
    help="With --file, show every domain, not only the problem ones.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON Lines, one per domain, in completion order.",
)
@click.option(
    "--resolver",
    "resolvers",
    multiple=True,
    metavar="IP[:PORT]",
    help="DNS resolver to use; may be repeated (default: this machine's resolvers).",
)
def command(
    console: Console,
    *,
    domains: tuple[str, ...],
    file: str | None,
    show_all: bool,
    as_json: bool,
    resolvers: tuple[str, ...],
    resolver: "Resolver | None" = None,
) -> int:
    """Check the domains and print what was found.

    Args:
        console: where to read and write.
        domains: domains or addresses.
        file: name of a list.
        show_all: show every domain of the list.
        as_json: print JSON.
        resolvers: addresses of resolvers.
        resolver: the resolver; by default as `resolvers` say.

    Raises:
        CommandError: there is nothing to check, no resolver, or the list cannot be read.
        SettingsError: a resolver is not an IP address, with or without a port.
    """
    from bounceledger.domains.probe import probe_many
    from bounceledger.domains.resolver import Resolver
    from bounceledger.state import DomainVerdict
    from bounceledger_cli import domain_report as report

    resolver = resolver or Resolver.of(resolvers)
    if not resolver.servers:
        raise CommandError("no DNS resolver configured on this machine; pass one with --resolver")
    given = _read(console, domains, file)
    probes: dict[str, Probe] = {}
    with ExitStack() as stack:
        results = stack.enter_context(closing(probe_many(given.domains, resolver=resolver)))
        advance = stack.enter_context(progress(console, len(given.domains), least=_LEAST))
        for domain, probe in results:
            probes[domain] = probe
            if as_json:
                for record in report.domain_records(domain, probe, given):
                    console.json(record)
            advance(len(probes))
    if not as_json:
        every = file is None or show_all
        shown = report.select(given, probes, every=every)
        report.print_domains(console, shown)
        if file is not None:
            if shown:
                console.line()
            report.print_summary(console, given, probes)
    _report_bad_input(console, given, file)
    unknown = any(probe.verdict is DomainVerdict.UNKNOWN for probe in probes.values())
    return 1 if unknown or given.bad_arguments or given.bad_lines else 0


def _read(console: Console, domains: tuple[str, ...], file: str | None) -> "DomainList":
    from bounceledger_cli.address_lists import AddressList
    from bounceledger_cli.domain_list import DomainList

    given = DomainList()
    given.add_arguments(domains)
    if file is not None:
        with open_input(file, console) as stream:
            given.add_list(AddressList(stream, name=shown_name(file)))
    if not given.domains and given.bad_arguments:
        bad = [f"{text}: {reason}" for text, reason in given.bad_arguments]
        raise CommandError("; ".join(bad))
    if not given.domains and not given.bad_lines:
        if file is None:
            raise CommandError("nothing to check: give a domain, or a list with --file")
        raise CommandError(f"{shown_name(file)} holds no addresses")
    return given


def _report_bad_input(console: Console, given: "DomainList", file: str | None) -> None:
    for text, reason in given.bad_arguments:
        console.error(f"{text}: {reason}")
    for line, reason in given.bad_lines[:_SHOWN]:
        console.error(f"{shown_name(file or '')}: line {line}: {reason}")
    more = len(given.bad_lines) - _SHOWN
    if more > 0:
        console.error(f"and {counted(more, 'more line')} without a valid address")
