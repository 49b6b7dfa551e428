"""Records the bounce events of the event queue, and of the webhooks' queue."""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import queues
from bounceledger.classify.compiled import load_rules
from bounceledger.envelope import records_of
from bounceledger.erasure_keys import keyring_of
from bounceledger.errors import LedgerError
from bounceledger.intake import BatchReport, Intake, WebhookSource
from bounceledger.ledger import Ledger, connect
from bounceledger.observe import describe, make_logger, make_metrics
from bounceledger.queues import DeadLetterQueue
from bounceledger.settings import Settings

MARGIN = timedelta(seconds=10)
"""Time before the function's end at which the rest of a batch is handed back."""

logger = make_logger("ingest")
metrics = make_metrics("ingest", Settings.from_env())


@cache
def build_intake() -> Intake:
    """The intake of this execution environment."""
    settings = Settings.from_env(
        require=("table_name", "dead_letter_queue_url", "allowed_accounts")
    )
    return Intake(
        settings,
        Ledger(connect(), settings, erasure=keyring_of(settings.erasure_keys_secret)),
        DeadLetterQueue(queues.connect_later(), settings.dead_letter_queue_url),
        provider="ses",
        webhooks=_webhooks(settings),
        rules=load_rules(settings.rules_file),
    )


def _webhooks(settings: Settings) -> WebhookSource | None:
    if not settings.webhook_queue_arn:
        return None
    dead_letters = DeadLetterQueue(queues.connect_later(), settings.webhook_dead_letter_queue_url)
    return WebhookSource(settings.webhook_queue_arn, dead_letters)


cold_start.build_at_start(build_intake)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any], context: LambdaContext, *, intake: Intake | None = None
) -> dict[str, Any]:
    """Record one batch; the answer lists the messages to deliver again.

    Args:
        event: an SQS batch of one of the queues; an SNS or EventBridge invocation works too.
        context: of the invocation.
        intake: what records them; the execution environment's own by default.

    Raises:
        LedgerError: an invocation that is not an SQS batch could not be recorded whole, so
            that Lambda retries it.
    """
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    deadline = datetime.now(UTC) + remaining - MARGIN
    intake = build_intake() if intake is None else intake
    report = intake.process(records_of(event), deadline=deadline)
    _log(report)
    if report.retry and not all(report.retry):
        raise LedgerError("the invocation could not be recorded")
    return {"batchItemFailures": [{"itemIdentifier": message} for message in report.retry]}


def _log(report: BatchReport) -> None:
    for message, refusal in report.dead_letters:
        why = {"message_id": message, "reason": str(refusal), "field": refusal.field}
        logger.warning("dead-lettered", extra=why)
    for message, failure in report.failures:
        logger.error("will be retried", extra={"message_id": message, **describe(failure)})
    for kind, count in report.kinds.items():
        # A metric by kind would let whoever publishes choose its name: the log has the kind.
        logger.warning("kind not used or not known", extra={"kind": kind, "documents": count})
    if report.overflowed:
        # Without their names: a stranger may have chosen those.
        logger.warning("too many new lead sources", extra={"events_as_other": report.overflowed})
    counts = {
        "messages": report.messages,
        "recorded": report.recorded,
        "duplicates": report.duplicates,
        "unmatched": report.unmatched,
        "overflowed": report.overflowed,
        "notices": report.notices,
        "unknown_kinds": report.unknown_kinds,
        "dead_lettered": len(report.dead_letters),
        "retried": len(report.retry),
    }
    logger.info("batch", extra={**counts, "events": dict(report.events)})
    # Kinds and dispositions are words of ours, so nobody else can make a metric.
    counts |= {**report.events, "suppressed": report.suppressed}
    for name, count in counts.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
