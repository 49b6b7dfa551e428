"""``bounceledger mx``: what DNS says about mail for domains."""

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import click

from bounceledger_cli.console import Console
from bounceledger_cli.errors import CommandError
from bounceledger_cli.files import open_input, shown_name
from bounceledger_cli.inputs import read_rows
from bounceledger_cli.options import INPUT_FILE, column_option, encoding_option
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.progress import progress
from bounceledger_cli.wording import counted

if TYPE_CHECKING:
    from bounceledger.domains.resolver import Resolver
    from bounceledger_cli.domain_list import DomainList

SORTS = ("dead", "unknown", "addresses", "name")
"""What lead sources are sorted by; shares and numbers begin with the highest."""
_LEAST = 20
"""Domains from which there is a progress bar."""


@make_command(
    "mx",
    details="""
        Give domains as arguments, or check a whole list with --file before you first send
        to it. For a list, the command shows the domains that do not accept mail, and totals
        by lead source.

        A list has an address or a domain per line, or is a CSV file (commas, semicolons or
        tabs) or JSON Lines with a column such as address, email or domain and, if you like,
        lead_source or source. SES events in JSON are read as ingest reads them. Lines that
        begin with # are skipped.
        """,
    examples="""
        bounceledger mx noreply.company.com company.com
        bounceledger mx --json company.com --resolver 9.9.9.9 --resolver 1.1.1.1
        bounceledger mx --file leads.csv
        """,
    exit_codes={
        0: "every domain was resolved, whether or not it accepts mail",
        1: "some domains have no answer, some rows have no address, or the list is empty",
        2: "wrong usage or input",
    },
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", help="A domain or an email address.")
@click.option("--file", type=INPUT_FILE, metavar="FILE", help="A list; - for standard input.")
@column_option
@click.option(
    "--source-column",
    metavar="NAME",
    help="Column or JSON field with the lead source (default: lead_source or source).",
)
@encoding_option
@click.option(
    "--all",
    "show_all",
    is_flag=True,
    help="With --file, show every domain, not only the problem ones.",
)
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default=SORTS[0],
    metavar="KEY",
    help="Order of lead sources: dead (share of dead addresses, the default), unknown,"
    " addresses or name.",
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
    column: str | None,
    source_column: str | None,
    encoding: str | None,
    show_all: bool,
    sort: str,
    as_json: bool,
    resolvers: tuple[str, ...],
    resolver: "Resolver | None" = None,
) -> int:
    """Check the domains and print what was found.

    Args:
        console: where to read and write.
        domains: domains or addresses.
        file: name of a list.
        column: its column with addresses or domains; None for the usual names.
        source_column: its column with lead sources; likewise.
        encoding: its encoding; None to find it out.
        show_all: show every domain of the list.
        sort: order of the lead sources, one of `SORTS`.
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
    from bounceledger_cli.address_lists import read_entries, wanted_address
    from bounceledger_cli.domain_list import DomainList

    resolver = resolver or Resolver.of(resolvers)
    if not resolver.servers:
        raise CommandError("no DNS resolver configured on this machine; pass one with --resolver")
    given = DomainList()
    given.add_arguments(domains)
    if file is not None:
        wanted = wanted_address(column)
        with open_input(file, console, encoding=encoding or "") as decoded:
            rows = read_rows(decoded, wanted, name=shown_name(file), extension_of=file)
            given.add_list(read_entries(rows, wanted, source_column))
    _require_something(given, file)
    every = file is None or show_all
    findings = report.Findings(given, every=every)
    with ExitStack() as stack:
        results = stack.enter_context(closing(probe_many(given.domains, resolver=resolver)))
        advance = stack.enter_context(progress(console, len(given.domains), least=_LEAST))
        for domain, probe in results:
            findings.add(domain, probe)
            if as_json:
                for record in report.domain_records(domain, probe, given):
                    console.json(record)
            advance(len(findings.verdicts))
    if not resolver.replied:
        findings.no_server_replied()
    if not as_json:
        report.print_domains(console, findings.shown)
        if file is not None:
            report.print_summary(console, findings, sort)
    if findings.unchecked:
        console.error(report.resolver_warning(findings.unchecked))
    _report_bad_input(console, given, file)
    unknown = DomainVerdict.UNKNOWN in findings.verdicts.values()
    return 1 if unknown or given.bad_arguments or given.bad_row_count else 0


def _require_something(given: "DomainList", file: str | None) -> None:
    """Raise CommandError where there is nothing to check."""
    if given.domains or given.bad_row_count:
        return
    if given.bad_arguments:
        raise CommandError("; ".join(f"{text}: {reason}" for text, reason in given.bad_arguments))
    if file is None:
        raise CommandError("nothing to check: give a domain, or a list with --file")


def _report_bad_input(console: Console, given: "DomainList", file: str | None) -> None:
    from bounceledger_cli.address_lists import NO_SOURCE

    name = shown_name(file or "")
    for text, reason in given.bad_arguments:
        console.error(f"{text}: {reason}")
    for row in given.bad_rows:
        console.error(row.describe(name))
    if (more := given.bad_row_count - len(given.bad_rows)) > 0:
        console.error(f"and {counted(more, 'more line')} without a valid address")
    for entry in given.unusable_sources:
        console.error(
            f"{name}: line {entry.line}: lead source {entry.unusable_source!r} has no letter or"
            f" digit; counted as {NO_SOURCE}"
        )
    if (more := given.unusable_source_count - len(given.unusable_sources)) > 0:
        console.error(f"and {counted(more, 'more line')} with such a lead source")
