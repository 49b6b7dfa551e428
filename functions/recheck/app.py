"""Once a day, queues a probe of every domain that is due for a recheck."""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import queues
from bounceledger.domains.claims import ProbeRequests
from bounceledger.domains.probe_requests import ProbeQueue
from bounceledger.domains.rechecks import Rechecks, due
from bounceledger.ledger import Ledger, connect
from bounceledger.observe import make_logger
from bounceledger.settings import Settings

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
    rechecks: Rechecks | None = None,
    queue: ProbeRequests | None = None,
    today: date | None = None,
) -> dict[str, int]:
    """Send every domain that is due to the probe queue.

    Args:
        event: of the schedule; not used.
        context: of the invocation.
        rechecks: the ledger; the environment's own by default.
        queue: where probes are requested; the environment's own queue by default.
        today: UTC day; that of the clock by default.

    Raises:
        LedgerError, QueueError: Lambda retries the invocation.
    """
    rechecks = build_collaborators()[0] if rechecks is None else rechecks
    queue = build_collaborators()[1] if queue is None else queue
    today = today or datetime.now(UTC).date()
    requests = list(due(rechecks, today))
    queue.send(requests)
    logger.info("sent", extra={"day": today.isoformat(), "domains": len(requests)})
    return {"domains": len(requests)}
