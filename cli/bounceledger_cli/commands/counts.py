"""``bounceledger counts``: outcomes of mail to lead sources' leads."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import click

from bounceledger_cli.console import Console
from bounceledger_cli.days import Clock, Days, utc_now
from bounceledger_cli.deployment import Deployment
from bounceledger_cli.errors import CommandError
from bounceledger_cli.options import day_options, deployment_options, json_option
from bounceledger_cli.parsing import command as make_command

if TYPE_CHECKING:
    from datetime import date

    from bounceledger.ledger import Counts

OUTCOMES = (
    "delivered",
    "hard",
    "soft",
    "block",
    "echo",
    "complaint",
    "delayed",
    "rejected",
    "unmatched",
    "suppressed",
)
"""Columns of the table, in this order; a column without any count is left out."""

LEAST_NEEDED = ("unmatched", "delayed", "rejected", "echo", "suppressed", "complaint", "block")
"""Columns that a terminal without room for all goes without, in this order."""

SORTS = ("hard", "soft", "block", "complaint", "delivered", "name")
"""What rows are sorted by; rates and numbers begin with the highest."""

CATEGORY = "category_"
"""Prefix of the counters of bounces by category."""

type Row = tuple[str, Mapping[str, int]]
"""A lead source or a day, and its counters."""


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
    names = list(dict.fromkeys(map(_source, sources)))
    ledger = ledger or deployment.ledger()
    found = {name: ledger.counts(name, first, last) for name in names}
    totals = {name: _total(counts) for name, counts in found.items()}
    order = [name for name, _ in _sorted(list(totals.items()), sort or "hard")]
    period = f"{first} to {last} (UTC)"
    if as_json:
        for name in order:
            console.json(responses.counts(found[name], first, last))
    elif not any(totals.values()):
        console.line(f"No events recorded for {', '.join(names)}, {period}.")
    elif len(names) == 1:
        [(name, counts)] = found.items()
        by_day = [(day.isoformat(), counts.days[day]) for day in sorted(counts.days)]
        _print(console, "day", _sorted(by_day, sort or "name"), title=f"{name}, {period}")
        _print_categories(console, totals[name])
        _print_addresses(console, counts)
    else:
        rows: list[Row] = [(name, totals[name]) for name in order]
        _print(console, "lead source", rows, title=f"{len(names)} lead sources, {period}")
    if not as_json:
        _print_claims(console, found.values(), sum(totals.values(), Counter()))
        _print_overflow(console, max(counts.overflow for counts in found.values()))
    final_from = found[names[0]].final_from
    if final_from and today < final_from and any(totals.values()) and not as_json:
        console.line()
        console.line(_final_words(last, final_from))
    return 0


def _source(text: str) -> str:
    from bounceledger.addresses import clean_lead_source

    name = clean_lead_source(text)
    if not name:
        raise CommandError(f"not a valid lead source name: {text!r}")
    return name


def _total(counts: "Counts") -> Counter[str]:
    totals: Counter[str] = Counter()
    for day in counts.days.values():
        totals.update(day)
    return totals


def _sorted(rows: Sequence[Row], key: str) -> list[Row]:
    """Rows with the highest rate or number first, or by name; equal ones by name."""
    from bounceledger.state.rates import rates

    by_name = sorted(rows, key=lambda row: row[0])
    if key == "name":
        return by_name

    def rank(row: Row) -> tuple[float, int]:
        counters = row[1]
        return (rates(counters).get(key) or 0.0, counters.get(key, 0))

    return sorted(by_name, key=rank, reverse=True)


def _print(console: Console, first: str, rows: Sequence[Row], *, title: str) -> None:
    from bounceledger.state.rates import RATES, rates
    from bounceledger_cli.tables import print_table

    lines = [*rows, ("total", sum((Counter(counters) for _, counters in rows), Counter()))]
    names = [name for name in OUTCOMES if any(counters.get(name) for _, counters in lines)]
    if not names:
        console.line(f"No deliveries or bounces counted for {title}.")
        return
    counted = [(label, *(counters.get(name, 0) for name in names)) for label, counters in lines]
    print_table(console, (first, *names), counted, title=title, least_needed=LEAST_NEEDED)
    console.line()
    shares = [
        (label, *(_percent(share) for share in rates(counters).values()))
        for label, counters in lines
    ]
    headings = (first, *(f"{name} %" for name in RATES))
    print_table(console, headings, shares, title="as % of deliveries + bounces")


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
    console.line(f"{dead} of them dead ({_percent(dead / found.mailed)} %).")
    if found.blocked_only:
        console.line(
            f"Another {about}{found.blocked_only} got only blocks, which say nothing about them."
        )


def _print_claims(console: Console, found: Iterable["Counts"], totals: Mapping[str, int]) -> None:
    refuted, unconfirmed = (totals.get(f"claims_{name}", 0) for name in ("refuted", "unconfirmed"))
    if refuted or unconfirmed:
        console.line()
        console.line(f"Claims that a domain is dead: {refuted} refuted by DNS and left out,")
        console.line(f"{unconfirmed} neither confirmed nor refuted, and counted.")
    if not all(counts.claims_complete for counts in found):
        console.line("There were too many claims to look at all; ask for fewer days.")


def _print_overflow(console: Console, overflow: int) -> None:
    if overflow:
        console.line()
        console.line(f"There were too many new lead sources: {overflow} events are recorded")
        console.line("under the lead source 'other', and missing from those sources' own counts.")


def _final_words(last: "date", final_from: "date") -> str:
    days = (final_from - last).days
    return f"A day is final {days} days later; all of these are from {final_from} on."


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
