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
    from bounceledger.announcements.bus import Bus

MARGIN = timedelta(seconds=60)
"""Time before the function's end after which no more counts are read."""
READ_TIME_LIMIT = timedelta(seconds=20)
"""Time after which a read or write that fails is not tried again."""

logger = make_logger("audit")


@cache
def build_settings() -> Settings:
    """The settings of this execution environment."""
    return Settings.from_env(require=("table_name",))


@cache
def build_ledger() -> Ledger:
    """The ledger of this execution environment."""
    return Ledger(connect(), build_settings(), time_limit=READ_TIME_LIMIT)


cold_start.build_at_start(build_ledger)


def build_bus(settings: Settings) -> "Bus | None":
    """The event bus of a deployment; None if it has none."""
    if not settings.event_bus_name:
        return None
    from bounceledger.announcements import bus

    return bus.EventBus(bus.connect_later(), settings.event_bus_name, settings.stack_name)


@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any],
    context: LambdaContext,
    *,
    ledger: Ledger | None = None,
    bus: "Bus | None" = None,
    settings: Settings | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Audit all lead sources.

    Args:
        event: of the schedule; not used.
        context: of the invocation.
        ledger: the ledger; the environment's own by default.
        bus: where changes of verdicts are announced; that of the deployment by default.
        settings: of the deployment; from the environment by default.
        now: the time; that of the clock by default.

    Returns:
        How many lead sources there are, how many have each verdict, and how many events were
        published.

    Raises:
        LedgerError, BusError: Lambda retries the invocation, which begins again.
    """
    from bounceledger.api.audits import thresholds_of
    from bounceledger.auditing import run_audit

    settings = settings or build_settings()
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    deadline = datetime.now(UTC) + remaining - MARGIN
    run = run_audit(
        ledger or build_ledger(),
        thresholds_of(settings),
        bus=bus or build_bus(settings),
        now=now or datetime.now(UTC),
        deadline=deadline,
    )
    answer = {"sources": run.sources, "verdicts": run.verdicts, "announced": run.announced}
    logger.info("audited", extra=answer)
    return answer
