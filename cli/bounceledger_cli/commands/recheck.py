"""``bounceledger recheck``: send domains that are due to the probe queue, manually."""

from datetime import date
from itertools import batched
from typing import TYPE_CHECKING

import click

from bounceledger_cli.console import Console
from bounceledger_cli.days import Clock, utc_now
from bounceledger_cli.deployment import Deployment
from bounceledger_cli.options import DAY, deployment_options
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.wording import counted

if TYPE_CHECKING:
    from bounceledger.domains.probe_requests import ProbeRequests
    from bounceledger.domains.rechecks import Rechecks


@make_command(
    "recheck",
    details="Queues every domain that is due, as the schedule does, and prints the domains.  "
    "A domain that is queued twice is probed once.",
    examples="""
        bounceledger recheck --stack bounceledger --dry-run
        bounceledger recheck --day 2026-12-01 --table NAME --queue URL
        """,
)
@click.option(
    "--day",
    type=DAY,
    metavar="DAY",
    help="Recheck domains due on this day or before it (default: today, UTC).",
)
@click.option("--dry-run", is_flag=True, help="List the domains without queueing them.")
@deployment_options(queue=True)
def command(
    console: Console,
    *,
    day: date | None,
    dry_run: bool,
    deployment: Deployment,
    rechecks: "Rechecks | None" = None,
    probe_queue: "ProbeRequests | None" = None,
    clock: Clock = utc_now,
) -> int:
    """Print every domain that is due, and queue it unless this is a dry run.

    Args:
        console: where to write.
        day: the UTC day.
        dry_run: only print.
        deployment: the table and the queue.
        rechecks: the ledger; that of `deployment` by default.
        probe_queue: the probe queue; likewise.
        clock: the time, where `day` is None.

    Raises:
        CommandError: no table or queue is given, or AWS failed.
        SettingsError: an environment variable is malformed.
        LedgerError: the table cannot be read.
        QueueError: a domain could not be queued; those printed before were.
    """
    from bounceledger.domains.rechecks import due
    from bounceledger.queues import MAX_BATCH

    rechecks = rechecks or deployment.ledger()
    if not dry_run:
        probe_queue = probe_queue or deployment.probe_queue()
    printed: set[str] = set()
    for some in batched(due(rechecks, day or clock().date()), MAX_BATCH, strict=False):
        if not dry_run and probe_queue is not None:
            probe_queue.send(some)
        # A domain may be due on several days, and is requested for each.
        for domain in dict.fromkeys(request.domain for request in some):
            if domain not in printed:
                console.line(domain)
                printed.add(domain)
    console.note(
        f"{counted(len(printed), 'domain')} {'due' if dry_run else 'sent to the probe queue'}"
    )
    return 0
