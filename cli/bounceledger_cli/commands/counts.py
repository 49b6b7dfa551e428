"""``bounceledger counts``: outcomes of mail to a lead source's leads, by day."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

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
    "suppressed",
)
"""Columns of the table, in this order; a column without any count is left out."""

BOUNCES = ("hard", "soft", "block", "echo")
"""Together with deliveries, the denominator of a rate."""

RATES = ("hard", "soft", "block", "complaint")

CATEGORY = "category_"
"""Prefix of the counters of bounces by category."""


class Counting(Protocol):
    """What the command needs of a `bounceledger.ledger.Ledger`."""

    def counts(self, source: str, first: "date", last: "date") -> "Counts":
        """Outcomes by day."""
        ...


@make_command(
    "counts",
    details="Rates are shares of deliveries and bounces.",
    examples="""
        bounceledger counts webinar-2026 --stack bounceledger
        bounceledger counts webinar-2026 --table SuppressionTable --json
        bounceledger counts webinar-2026 --from 2026-11-01 --to 2026-11-30
        """,
)
@click.argument("source", metavar="SOURCE", help="Lead source, such as webinar-2026.")
@day_options
@json_option
@deployment_options(shards=True)
def command(
    console: Console,
    *,
    source: str,
    days: Days,
    as_json: bool,
    deployment: Deployment,
    ledger: Counting | None = None,
    clock: Clock = utc_now,
) -> int:
    """Print the counts.

    Args:
        console: where to write.
        source: lead source.
        days: the days.
        as_json: print JSON.
        deployment: the table.
        ledger: the ledger; that of `deployment` by default.
        clock: the time.

    Raises:
        CommandError: wrong days or source, no table is given, or AWS failed.
        SettingsError: an environment variable is malformed.
        LedgerError: the table cannot be read.
    """
    from bounceledger.addresses import clean_lead_source
    from bounceledger.api import responses

    first, last = days.resolve(clock().date())
    name = clean_lead_source(source)
    if not name:
        raise CommandError(f"not a valid lead source name: {source!r}")
    found = (ledger or deployment.ledger()).counts(name, first, last)
    totals: Counter[str] = Counter()
    for day in found.days.values():
        totals.update(day)
    if as_json:
        period = {"from": first.isoformat(), "to": last.isoformat()}
        console.json(responses.counts(found) | period | {"rates": rates(totals)})
    elif found.days:
        _print(console, found, totals, f"{name}, {first} to {last} (UTC)")
    else:
        console.line(f"No events recorded for {name}, {first} to {last} (UTC).")
    return 0


def rates(counts: Mapping[str, int]) -> dict[str, float | None]:
    """Shares of deliveries and bounces, 0.0 to 1.0; None where there were neither."""
    sent = counts.get("delivered", 0) + sum(counts.get(name, 0) for name in BOUNCES)
    return {name: counts.get(name, 0) / sent if sent else None for name in RATES}


def _print(console: Console, found: "Counts", totals: Mapping[str, int], title: str) -> None:
    from bounceledger_cli.tables import print_table

    lines = [(day.isoformat(), counts) for day, counts in found.days.items()]
    lines.append(("total", totals))
    names = [name for name in OUTCOMES if any(name in counts for _, counts in lines)]
    rows = [(label, *(counts.get(name, 0) for name in names)) for label, counts in lines]
    print_table(console, ("day", *names), rows, title=title)
    console.line()
    shares = [(label, *map(_percent, rates(counts).values())) for label, counts in lines]
    headings = ("day", *(f"{name} %" for name in RATES))
    print_table(console, headings, shares, title="as % of deliveries + bounces")
    categories = {
        name.removeprefix(CATEGORY): value
        for name, value in sorted(totals.items(), key=lambda item: (-item[1], item[0]))
        if name.startswith(CATEGORY)
    }
    if categories:
        console.line()
        print_table(console, ("category", "bounces"), list(categories.items()))
    refuted, open_ = (totals.get(f"claims_{name}", 0) for name in ("refuted", "unconfirmed"))
    if refuted or open_:
        console.line()
        console.line(f"Bounces for a dead domain: {refuted} refuted by DNS and left out above,")
        console.line(f"{open_} neither confirmed nor refuted and counted.")
    if not found.claims_complete:
        console.line("Not all claims were looked at; ask for fewer days.")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
