"""``bounceledger counts``: outcomes of mail to lead sources' leads."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import click

from bounceledger_cli.console import Console
from bounceledger_cli.count_tables import (
    SORTS,
    Row,
    as_percent,
    in_order,
    print_counts,
    print_final_day,
    print_incomplete,
    print_overflow,
)
from bounceledger_cli.days import Clock, Days, utc_now
from bounceledger_cli.deployment import Deployment
from bounceledger_cli.options import day_options, deployment_options, json_option, lead_source
from bounceledger_cli.parsing import command as make_command

if TYPE_CHECKING:
    from datetime import date

    from bounceledger.ledger import Counts

CATEGORY = "category_"
"""Prefix of the counters of bounces by category."""


class Counting(Protocol):
    """What the command needs of a `bounceledger.ledger.Ledger`."""

    def counts(self, source: str, first: "date", last: "date") -> "Counts":
        """Outcomes by day."""
        ...


@make_command(
    "counts",
    details="""
        Every message counts on the UTC day on which it was mailed, whenever its outcome was
        reported. Rates are relative to the sum of deliveries and bounces. One lead source is
        shown by day, with the number of distinct addresses; several are compared, the one with
        the highest rate of hard bounces first. With --json there is one line for each lead
        source.
        """,
    examples="""
        bounceledger counts webinar-2026 --stack bounceledger
        bounceledger counts webinar-2026 fair-2026 list-7 --sort complaint
        bounceledger counts webinar-2026 --table SuppressionTable --json
        bounceledger counts webinar-2026 --from 2026-11-01 --to 2026-11-30
        """,
)
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    metavar="SOURCE...",
    help="Lead sources, such as webinar-2026.",
)
@day_options
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    metavar="KEY",
    help="hard, soft, block, complaint (rates), delivered or name, which for days is the date"
    " (default: hard for lead sources, name for days).",
)
@json_option
@deployment_options(partitions=True)
def command(
    console: Console,
    *,
    sources: tuple[str, ...],
    days: Days,
    sort: str | None,
    as_json: bool,
    deployment: Deployment,
    ledger: Counting | None = None,
    clock: Clock = utc_now,
) -> int:
    """Print the counts.

    Args:
        console: where to write.
        sources: lead sources.
        days: the days.
        sort: one of `SORTS`; None for the usual order.
        as_json: print JSON.
        deployment: the table.
        ledger: the ledger; that of `deployment` by default.
        clock: the time.

    Raises:
        CommandError: wrong days or source, no table is given, or AWS failed.
        SettingsError: an environment variable is malformed.
        LedgerError: the table cannot be read.
    """
    from bounceledger.api import responses

    today = clock().date()
    first, last = days.resolve(today)
    names = list(dict.fromkeys(map(lead_source, sources)))
    ledger = ledger or deployment.ledger()
    found = {name: ledger.counts(name, first, last) for name in names}
    totals = {name: _total(counts) for name, counts in found.items()}
    order = [name for name, _ in in_order(list(totals.items()), sort or "hard")]
    period = f"{first} to {last} (UTC)"
    if as_json:
        for name in order:
            console.json(responses.counts(found[name], first, last))
    elif not any(totals.values()):
        console.line(f"No events recorded for {', '.join(names)}, {period}.")
    elif len(names) == 1:
        [(name, counts)] = found.items()
        by_day = [(day.isoformat(), counts.days[day]) for day in sorted(counts.days)]
        print_counts(console, "day", in_order(by_day, sort or "name"), title=f"{name}, {period}")
        _print_categories(console, totals[name])
        _print_addresses(console, counts)
    else:
        rows: list[Row] = [(name, totals[name]) for name in order]
        print_counts(console, "lead source", rows, title=f"{len(names)} lead sources, {period}")
    if not as_json:
        _print_claims(console, found.values(), sum(totals.values(), Counter()))
        print_overflow(console, max(counts.overflow for counts in found.values()))
        if any(totals.values()):
            print_final_day(console, last, found[names[0]].final_from, today)
    return 0


def _total(counts: "Counts") -> Counter[str]:
    totals: Counter[str] = Counter()
    for day in counts.days.values():
        totals.update(day)
    return totals


def _print_categories(console: Console, totals: Mapping[str, int]) -> None:
    from bounceledger_cli.tables import print_table

    categories: dict[str, Any] = {
        name.removeprefix(CATEGORY): value
        for name, value in sorted(totals.items(), key=lambda item: (-item[1], item[0]))
        if name.startswith(CATEGORY)
    }
    if categories:
        console.line()
        print_table(console, ("category", "events"), list(categories.items()))


def _print_addresses(console: Console, counts: "Counts") -> None:
    found = counts.addresses()
    dead = sum(found.dead.values())
    if not found.mailed:
        return
    about = "about " if found.mailed_error else ""
    console.line()
    console.line(f"Distinct addresses: {about}{found.mailed} with an answer,")
    console.line(f"{dead} of them dead ({as_percent(dead / found.mailed)} %).")
    if found.unanswered:
        console.line(
            f"Another {about}{found.unanswered} had no answer: messages were blocked or expired,"
        )
        console.line("or DNS refuted what was said of the domain.")
    if found.unconfirmed:
        console.line(f"Another {found.unconfirmed} are dead if DNS confirms it.")


def _print_claims(console: Console, found: Iterable["Counts"], totals: Mapping[str, int]) -> None:
    refuted, unconfirmed = (totals.get(f"claims_{name}", 0) for name in ("refuted", "unconfirmed"))
    if refuted or unconfirmed:
        console.line()
        console.line(f"Claims that a domain is dead: {refuted} refuted by DNS and left out,")
        console.line(f"{unconfirmed} neither confirmed nor refuted, and counted as hard.")
    if not all(counts.claims_complete for counts in found):
        print_incomplete(console)
