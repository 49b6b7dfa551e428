"""``bounceledger sources``: outcomes and rates of all lead sources."""

from typing import TYPE_CHECKING

import click

from bounceledger_cli.console import Console
from bounceledger_cli.count_tables import (
    SORTS,
    Row,
    in_order,
    print_counts,
    print_final_day,
    print_incomplete,
    print_overflow,
)
from bounceledger_cli.days import Clock, Days, utc_now
from bounceledger_cli.deployment import Deployment, api_errors
from bounceledger_cli.options import api_options, day_options
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.progress import counting
from bounceledger_cli.wording import counted

if TYPE_CHECKING:
    from bounceledger_client import Api, LeadSource


@make_command(
    "sources",
    details="""
        Every message counts on the UTC day on which it was mailed. Rates are relative to the sum
        of deliveries and bounces. The lead source with the highest rate of hard bounces comes
        first. 'bounceledger counts NAME' shows one lead source by day.

        The caller needs execute-api:Invoke on GET /v1/sources, and
        cloudformation:DescribeStacks for --stack.
        """,
    examples="""
        bounceledger sources --stack bounceledger
        bounceledger sources --from 2026-11-01 --to 2026-11-30 --sort complaint
        bounceledger sources --json
        """,
)
@day_options
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default=SORTS[0],
    metavar="KEY",
    help="hard (the default), soft, block, complaint (rates), delivered or name.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one per lead source.")
@api_options
def command(
    console: Console,
    *,
    days: Days,
    sort: str,
    as_json: bool,
    deployment: Deployment,
    api: "Api | None" = None,
    clock: Clock = utc_now,
) -> int:
    """Print the lead sources.

    Args:
        console: where to write.
        days: the days.
        sort: one of `SORTS`.
        as_json: print JSON.
        deployment: the API.
        api: the API; that of `deployment` by default.
        clock: the time.

    Raises:
        CommandError: wrong days, or the API cannot be used.
    """
    today = clock().date()
    first, last = days.resolve(today)
    found: dict[str, LeadSource] = {}
    with api_errors():
        from bounceledger_client import SuppressionList

        suppressions = SuppressionList(api or deployment.api())
        with counting(console) as show:
            for one in suppressions.sources(first=first, last=last):
                found[one.name] = one
                show(counted(len(found), "lead source"))
    rows: list[Row] = in_order([(name, one.totals) for name, one in found.items()], sort)
    if as_json:
        for name, _ in rows:
            console.json({"from": str(first), "to": str(last), **found[name].fields})
        return 0
    period = f"{first} to {last} (UTC)"
    if not rows:
        console.line(f"No lead sources recorded, {period}.")
        return 0
    print_counts(
        console, "lead source", rows, title=f"{counted(len(rows), 'lead source')}, {period}"
    )
    every = found.values()
    if not all(one.claims_complete for one in every):
        print_incomplete(console)
    print_overflow(console, max(one.overflow for one in every))
    final_from = next((one.final_from for one in every if one.final_from), None)
    print_final_day(console, last, final_from, today)
    return 0
