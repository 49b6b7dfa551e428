"""Queues a probe of every domain that is due for a recheck, once a day.

A run that has no time left, or dies, is continued by the next one of the schedule.
"""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import queues
from bounceledger.domains.probe_requests import ProbeQueue, ProbeRequests
from bounceledger.domains.rechecks import RecheckLedger, request_due
from bounceledger.ledger import Ledger, connect
from bounceledger.observe import make_logger
from bounceledger.settings import Settings

MARGIN = timedelta(seconds=30)
"""Time before the function's end after which no more requests are sent."""

logger = make_logger("recheck")


@cache
def build_collaborators() -> tuple[Ledger, ProbeQueue]:
    """The ledger and the probe queue of this execution environment."""
    settings = Settings.from_env(require=("table_name", "probe_queue_url"))
    return Ledger(connect(), settings), ProbeQueue(queues.connect(), settings.probe_queue_url)


cold_start.build_at_start(build_collaborators)


@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any],
    context: LambdaContext,
    *,
    rechecks: RecheckLedger | None = None,
    queue: ProbeRequests | None = None,
    today: date | None = None,
) -> dict[str, Any]:
    """Send the domains that are due to the probe queue, as many as there is time for.

    Args:
        event: of the schedule; not used.
        context: of the invocation.
        rechecks: the ledger; the environment's own by default.
        queue: where probes are requested; the environment's own queue by default.
        today: UTC day; that of the clock by default.

    Returns:
        How many domains were sent, and whether all that are due today have been.

    Raises:
        LedgerError, QueueError: Lambda retries the invocation, which continues this one.
    """
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    deadline = datetime.now(UTC) + remaining - MARGIN
    rechecks = build_collaborators()[0] if rechecks is None else rechecks
    queue = build_collaborators()[1] if queue is None else queue
    today = today or datetime.now(UTC).date()
    report = request_due(rechecks, queue, today, deadline=deadline)
    answer = {"domains": report.requested, "finished": report.finished}
    logger.info("sent", extra={"day": today.isoformat(), **answer})
    return answer
