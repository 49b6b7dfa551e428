"""``bounceledger list``: the suppressed addresses, and the domains that people added."""

import csv
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import click

from bounceledger_cli.console import Console
from bounceledger_cli.deployment import Deployment, api_errors
from bounceledger_cli.errors import CommandError
from bounceledger_cli.options import DAY, KnownNames, api_options, lead_source
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.progress import counting
from bounceledger_cli.wording import counted

if TYPE_CHECKING:
    from bounceledger_client import Api, ListedAddress

AT_A_TERMINAL = 1000
"""Addresses of a table, which is drawn when all of them are known."""


def _reasons() -> Iterable[str]:
    from bounceledger.api.requests import LISTED_REASONS

    return LISTED_REASONS


def _categories() -> Iterable[str]:
    from bounceledger.verdict import Cause

    return Cause


@make_command(
    "list",
    details=f"""
        Prints a table at a terminal, and CSV in a pipe or a file. In CSV, as in the API's, a cell
        that a spreadsheet would run as a formula begins with an apostrophe; --json has the
        addresses as they are.

        A domain that a person added, which suppresses everyone there, is a line of its own: in the
        table as @example.com, in CSV in the last column, "domain".

        A list is no snapshot: an address that changes meanwhile may be there twice or be missed.
        At a terminal, a table has {AT_A_TERMINAL:,} addresses unless --limit says otherwise.

        The caller needs execute-api:Invoke on GET /v1/suppressions/list or, with --source, on
        GET /v1/sources/*/suppressions, and cloudformation:DescribeStacks for --stack.
        """,
    examples="""
        bounceledger list --stack bounceledger
        bounceledger list --source webinar-2026 --reason hard_bounce --from 2026-11-01
        bounceledger list --csv > suppressed.csv
        bounceledger list --reason manual --json
        """,
)
@click.option(
    "--source",
    metavar="NAME",
    help="Only addresses about which this lead source has evidence.",
)
@click.option(
    "--reason",
    type=KnownNames(_reasons),
    metavar="NAME",
    help="Only addresses with this reason, such as hard_bounce or manual.",
)
@click.option(
    "--category",
    type=KnownNames(_categories),
    metavar="NAME",
    help="Only addresses with this category, such as mailbox_unknown.",
)
@click.option(
    "--from",
    "first",
    type=DAY,
    metavar="DAY",
    help="Only addresses last seen on this UTC day or later, such as 2026-11-01.",
)
@click.option("--to", "last", type=DAY, metavar="DAY", help="Likewise, on this day or earlier.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Addresses at most (default: all; {AT_A_TERMINAL:,} in a table at a terminal).",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, also at a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one per address.")
@api_options
def command(
    console: Console,
    *,
    source: str | None,
    reason: str | None,
    category: str | None,
    first: date | None,
    last: date | None,
    limit: int | None,
    as_csv: bool,
    as_json: bool,
    deployment: Deployment,
    api: "Api | None" = None,
) -> int:
    """Print the addresses.

    Args:
        console: where to write.
        source: a lead source; None for all.
        reason: a reason; None for any.
        category: a category; None for any.
        first: first UTC day on which they were last seen; None for any.
        last: last one; None for any.
        limit: addresses at most; None for the usual number.
        as_csv: print CSV.
        as_json: print JSON.
        deployment: the API.
        api: the API; that of `deployment` by default.

    Raises:
        CommandError: wrong options, or the API cannot be used.
    """
    if as_csv and as_json:
        raise CommandError("use either --csv or --json, not both")
    if first and last and first > last:
        raise CommandError(f"--from {first} is later than --to {last}")
    is_table = not (as_csv or as_json) and console.stdout.isatty()
    most = limit or (AT_A_TERMINAL if is_table else None)
    with api_errors():
        from bounceledger_client import SuppressionList

        suppressions = SuppressionList(api or deployment.api())
        # Lines that appear one by one at the terminal are progress enough.
        with counting(console, hidden=not is_table and console.stdout.isatty()) as show:
            examined = 0

            def on_page(entries: int) -> None:
                nonlocal examined
                examined += entries
                show(f"{counted(examined, 'entry', 'entries')} examined")

            found = suppressions.suppressions(
                source=lead_source(source) if source else None,
                reason=reason,
                category=category,
                first=first,
                last=last,
                limit=most,
                on_page=on_page,
            )
            if as_json:
                for one in found:
                    console.json(dict(one.fields))
            elif not is_table:
                _write_csv(console, found)
            else:
                shown = list(found)
    if is_table:
        _print_table(console, shown)
        if not limit and len(shown) == most:
            console.note(f"At most {most:,} are shown here; for more, pass --limit or --csv.")
    return 0


def _write_csv(console: Console, rows: Iterable["ListedAddress"]) -> None:
    from bounceledger.api.csv_pages import COLUMNS, cell

    writer = csv.writer(console.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([cell(row.fields.get(column)) for column in COLUMNS] for row in rows)


def _print_table(console: Console, rows: list["ListedAddress"]) -> None:
    from bounceledger_cli.tables import print_table

    if not rows:
        console.line("No suppressed addresses found.")
        return
    print_table(
        console,
        ("address", "reason", "category", "last seen", "until", "lead source"),
        [
            (
                f"@{row.domain}" if row.domain else row.address,
                row.reason or "",
                row.category or "",
                f"{row.last_seen:%Y-%m-%d}" if row.last_seen else "",
                f"{row.suppressed_until:%Y-%m-%d}" if row.suppressed_until else "",
                row.lead_source or "",
            )
            for row in rows
        ],
        least_needed=("lead source", "until"),
        whole="address",
    )
    console.line()
    domains = sum(row.domain is not None for row in rows)
    numbers = [
        counted(number, *words)
        for number, words in (
            (len(rows) - domains, ("address", "addresses")),
            (domains, ("domain", "domains")),
        )
        if number
    ]
    console.line(" and ".join(numbers))
