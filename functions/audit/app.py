"""Audits all lead sources once a day, and writes the report that `GET /v1/sources` reads.

A run that fails leaves the report before it as it is; Lambda repeats the run.
"""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger.ledger import Ledger, connect
from bounceledger.observe import make_logger
from bounceledger.settings import Settings

if TYPE_CHECKING:
    from bounceledger.auditing import Announcing

MARGIN = timedelta(seconds=60)
"""Time before the function's end after which no more counts are read."""
READ_TIME_LIMIT = timedelta(seconds=20)
"""Time after which a read or write that fails is not tried again."""

logger = make_logger("audit")


@cache
def build_settings() -> Settings:
    """The settings of this execution environment."""
    return Settings.from_env(require=("table_name", "dead_letter_queue_url"))


@cache
def build_ledger() -> Ledger:
    """The ledger of this execution environment."""
    return Ledger(connect(), build_settings(), time_limit=READ_TIME_LIMIT)


cold_start.build_at_start(build_ledger)


def build_announcing(settings: Settings) -> "Announcing | None":
    """Where a deployment announces changes of verdicts; None if it has no event bus."""
    if not settings.event_bus_name:
        return None
    from bounceledger import queues
    from bounceledger.announcements import bus
    from bounceledger.auditing import Announcing

    return Announcing(
        bus=bus.EventBus(bus.connect_later(), settings.event_bus_name, settings.stack_name),
        dead_letters=queues.DeadLetterQueue(queues.connect_later(), settings.dead_letter_queue_url),
    )


@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any],
    context: LambdaContext,
    *,
    ledger: Ledger | None = None,
    announcing: "Announcing | None" = None,
    settings: Settings | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Audit all lead sources.

    Args:
        event: of the schedule; not used.
        context: of the invocation.
        ledger: the ledger; the environment's own by default.
        announcing: where changes of verdicts are announced; as the deployment has it by default.
        settings: of the deployment; from the environment by default.
        now: the time; that of the clock by default.

    Returns:
        How many lead sources there are, how many have each verdict, and how many events were
        published and dead-lettered.

    Raises:
        LedgerError, BusError, QueueError: Lambda retries the invocation, which begins again.
    """
    from bounceledger.api.audits import thresholds_of
    from bounceledger.auditing import run_audit

    settings = settings or build_settings()
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    deadline = datetime.now(UTC) + remaining - MARGIN
    run = run_audit(
        ledger or build_ledger(),
        thresholds_of(settings),
        announcing=announcing or build_announcing(settings),
        now=now or datetime.now(UTC),
        deadline=deadline,
    )
    if run.given_up:
        logger.error("not announced", extra={"events": list(run.given_up)})
    answer = {
        "sources": run.sources,
        "verdicts": run.verdicts,
        "announced": run.announced,
        "not_announced": len(run.given_up),
    }
    logger.info("audited", extra=answer)
    return answer
