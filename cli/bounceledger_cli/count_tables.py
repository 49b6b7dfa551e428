"""Tables of outcomes and rates, by lead source or by day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from bounceledger_cli.console import Console

OUTCOMES = (
    "delivered",
    "hard",
    "soft",
    "block",
    "echo",
    "complaint",
    "unsubscribe",
    "delayed",
    "rejected",
    "unmatched",
    "suppressed",
)
"""Columns of the table, in this order; a column without any count is left out."""

LEAST_NEEDED = (
    *("unmatched", "delayed", "rejected", "echo", "suppressed", "unsubscribe", "complaint"),
    "block",
)
"""Columns that a terminal without room for all goes without, in this order."""

SORTS = ("hard", "soft", "block", "complaint", "delivered", "name")
"""What rows are sorted by; rates and numbers begin with the highest."""

type Row = tuple[str, Mapping[str, int]]
"""A lead source or a day, and its counters."""


def in_order(rows: Sequence[Row], key: str) -> list[Row]:
    """Rows with the highest rate or number first, or by name; equal ones by name."""
    from bounceledger.state.rates import rates

    by_name = sorted(rows, key=lambda row: row[0])
    if key == "name":
        return by_name

    def rank(row: Row) -> tuple[float, int]:
        counters = row[1]
        return (rates(counters).get(key) or 0.0, counters.get(key, 0))

    return sorted(by_name, key=rank, reverse=True)


def print_counts(console: Console, first: str, rows: Sequence[Row], *, title: str) -> None:
    """Print the outcomes, then the rates, each with a total.

    Args:
        console: where to print.
        first: heading of the first column.
        rows: the rows, in their order.
        title: what they are about.
    """
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
        (label, *(as_percent(share) for share in rates(counters).values()))
        for label, counters in lines
    ]
    headings = (first, *(f"{name} %" for name in RATES))
    print_table(console, headings, shares, title="as % of deliveries + bounces")


def print_incomplete(console: Console) -> None:
    """Say that not all claims about domains were looked at."""
    console.line("There were too many claims to look at all; ask for fewer days.")


def print_overflow(console: Console, overflow: int) -> None:
    """Say how many events are recorded under another source than their own."""
    if overflow:
        console.line()
        console.line(f"There were too many new lead sources: {overflow} events are recorded")
        console.line("under the lead source 'other', and missing from those sources' own counts.")


def print_final_day(console: Console, last: date, final_from: date | None, today: date) -> None:
    """Say from when on the counts are final, unless they are."""
    if final_from and today < final_from:
        days = (final_from - last).days
        console.line()
        console.line(f"A day is final {days} days later; all of these are from {final_from} on.")


def as_percent(share: float | None) -> str:
    """A share as a number of percent with two decimals; a dash for none."""
    return "-" if share is None else f"{100 * share:.2f}"
