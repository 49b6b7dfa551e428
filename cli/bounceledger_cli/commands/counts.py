"""``bounceledger counts``: what became of a lead source's mail, day by day."""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from bounceledger.addresses import clean_lead_source
from bounceledger_cli.console import CommandError, Console

if TYPE_CHECKING:
    from bounceledger.ledger import Counts
    from bounceledger.settings import Settings

NAME = "counts"
HELP = "Show what became of a lead source's mail by day, with rates."
EXAMPLES = """\
  bounceledger counts webinar-2026 --table SuppressionTable
  bounceledger counts webinar-2026 --stack bounceledger --from 2026-11-01 --to 2026-11-30 --json"""

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
"""Columns of the table, in this order, as far as anything was counted."""

BOUNCES = ("hard", "soft", "block", "echo")
"""With deliveries, the denominator of a rate."""

DEFAULT_DAYS = 30
FIRST_DAY = date(2011, 1, 1)
"""SES sent no mail before."""


class Counting(Protocol):
    """What the command needs of a `bounceledger.ledger.Ledger`."""

    def counts(self, source: str, first: date, last: date) -> "Counts":
        """Outcomes by day."""
        ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("source", metavar="SOURCE", help="lead source")
    parser.add_argument(
        "--from",
        dest="first",
        type=date.fromisoformat,
        metavar="DAY",
        help=f"first UTC day, as 2026-11-01 (default: {DEFAULT_DAYS - 1} days before the last)",
    )
    parser.add_argument(
        "--to",
        dest="last",
        type=date.fromisoformat,
        metavar="DAY",
        help="last UTC day (default: today)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--table", metavar="NAME", help="table (default: TABLE_NAME)")
    where.add_argument("--stack", metavar="NAME", help="stack whose output TableName is the table")
    parser.add_argument(
        "--shards",
        type=int,
        metavar="N",
        help="the deployment's CounterShards (default: that of the stack, or COUNTER_SHARDS)",
    )
    parser.add_argument("--endpoint-url", metavar="URL", help="AWS endpoint, for a local stack")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def run(
    args: argparse.Namespace,
    console: Console,
    *,
    ledger: Counting | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Print the counts.

    Raises:
        CommandError: wrong days or source, or no table is named, or AWS cannot be asked.
        LedgerError: the table does not answer.
    """
    last = args.last or clock().date()
    if min(last, args.first or last) < FIRST_DAY:
        raise CommandError(f"SES sent no mail before {FIRST_DAY}")
    first = args.first or last - timedelta(days=DEFAULT_DAYS - 1)
    if first > last:
        raise CommandError(f"--from {first} is later than --to {last}")
    source = clean_lead_source(args.source)
    if not source:
        raise CommandError(f"no lead source can be named {args.source!r}")
    found = (ledger or _ledger(args)).counts(source, first, last)
    totals: Counter[str] = Counter()
    for day in found.days.values():
        totals.update(day)
    if args.json:
        days = {day.isoformat(): dict(counted) for day, counted in found.days.items()}
        console.json(
            {
                "lead_source": source,
                "from": first.isoformat(),
                "to": last.isoformat(),
                "days": days,
                "totals": dict(totals),
                "rates": rates(totals),
            }
        )
        return 0
    _print(console, found, totals, f"{source}, {first} to {last} (UTC)")
    return 0


def rates(counted: Mapping[str, int]) -> dict[str, float | None]:
    """Shares of deliveries and bounces; None where there were neither."""
    sent = counted.get("delivered", 0) + sum(counted.get(name, 0) for name in BOUNCES)
    return {
        name: counted.get(name, 0) / sent if sent else None
        for name in ("hard", "soft", "block", "complaint")
    }


def _print(console: Console, found: "Counts", totals: Mapping[str, int], title: str) -> None:
    if not found.days:
        console.line(f"Nothing was counted for {title}.")
        return
    lines = [*((day.isoformat(), counted) for day, counted in found.days.items())]
    lines.append(("total", totals))
    names = [name for name in OUTCOMES if any(name in counted for _, counted in lines)]
    rows = [[label, *(counted.get(name, 0) for name in names)] for label, counted in lines]
    console.table(("day", *names), rows, title=title)
    shares = [[label, *map(_percent, rates(counted).values())] for label, counted in lines]
    console.table(
        ("day", *(f"{name} %" for name in rates({}))), shares, title="of deliveries and bounces"
    )
    categories = {
        name.removeprefix("category_"): value
        for name, value in sorted(totals.items(), key=lambda item: (-item[1], item[0]))
        if name.startswith("category_")
    }
    if categories:
        console.table(("category", "bounces"), list(categories.items()))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"


def _ledger(args: argparse.Namespace) -> Counting:
    from botocore.exceptions import BotoCoreError, ClientError

    from bounceledger.errors import SettingsError
    from bounceledger.ledger import Ledger, connect
    from bounceledger.settings import Settings

    try:
        settings = Settings.from_env()
        if args.stack:
            settings = _of_stack(settings, args)
        settings = replace(
            settings,
            table_name=args.table or settings.table_name,
            counter_shards=args.shards or settings.counter_shards,
        )
        if not settings.table_name:
            raise CommandError("name the table: --table, --stack or TABLE_NAME")
        return Ledger(connect(args.endpoint_url), settings)
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"AWS cannot be asked: {error}") from error
    except SettingsError as error:
        raise CommandError(str(error)) from error


def _of_stack(settings: "Settings", args: argparse.Namespace) -> "Settings":
    """The table of a deployment, and the shards over which it spreads its counters."""
    import boto3

    client = boto3.client("cloudformation", endpoint_url=args.endpoint_url)
    [stack] = client.describe_stacks(StackName=args.stack)["Stacks"]
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
    if "TableName" not in outputs:
        raise CommandError(f"the stack {args.stack} has no output TableName")
    chosen = {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])}
    shards = int(chosen.get("CounterShards", settings.counter_shards))
    return replace(settings, table_name=outputs["TableName"], counter_shards=shards)
