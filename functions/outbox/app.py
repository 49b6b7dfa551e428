"""Reads the table's stream: queues a probe where a reply called a domain dead, announces changes.

The outbox of the table: what has to happen elsewhere follows from a committed change, so it
neither gets lost nor happens for a write that failed.
"""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import queues
from bounceledger.domains.claims import request_probes
from bounceledger.domains.probe_requests import ProbeQueue, ProbeRequests
from bounceledger.errors import BounceledgerError
from bounceledger.ledger.stream import sequence_number
from bounceledger.observe import describe, make_logger, make_metrics
from bounceledger.queues import DeadLetterQueue, DeadLetters
from bounceledger.settings import Settings

if TYPE_CHECKING:
    from bounceledger.announcements.announcer import AnnouncedBatch, Announcer

logger = make_logger("outbox")
metrics = make_metrics("outbox", Settings.from_env())


@cache
def build_queues() -> tuple[ProbeQueue, DeadLetterQueue]:
    """The probe queue of this execution environment, and that for unreadable records."""
    settings = Settings.from_env(require=("probe_queue_url", "dead_letter_queue_url"))
    sqs = queues.connect()
    return (
        ProbeQueue(sqs, settings.probe_queue_url),
        DeadLetterQueue(sqs, settings.dead_letter_queue_url),
    )


@cache
def build_announcer() -> "Announcer | None":
    """What announces changes on the event bus; None, and nothing loaded, where there is no bus."""
    settings = Settings.from_env()
    if not settings.event_bus_name:
        return None
    from bounceledger.announcements.announcer import Announcer

    return Announcer.from_settings(settings)


cold_start.build_at_start(lambda: (build_queues(), build_announcer()))


@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any],
    context: LambdaContext,
    *,
    queue: ProbeRequests | None = None,
    dead_letters: DeadLetters | None = None,
    announcer: "Announcer | None" = None,
) -> dict[str, Any]:
    """Process one batch of stream records; the answer says where to begin again, if at all.

    Probes and events do not wait for each other: each is requested whatever becomes of the other.

    Args:
        event: a DynamoDB stream batch with new and old images.
        context: of the invocation.
        queue: where probes are requested; the environment's own queue by default.
        dead_letters: where records end that cannot be read or announced; the environment's own
            queue by default.
        announcer: announces changes; the environment's own, if it has one, by default.
    """
    records = event["Records"]
    dead_letters = build_queues()[1] if dead_letters is None else dead_letters
    announcer = build_announcer() if announcer is None else announcer
    report = request_probes(records, build_queues()[0] if queue is None else queue, dead_letters)
    if report.unreadable:
        logger.error("dead-lettered", extra={"sequence_numbers": report.unreadable})
    failures: list[tuple[str, BounceledgerError | None]] = [(report.retry_from, report.failure)]
    batch: dict[str, Any] = {
        "records": len(records),
        "domains": [request.domain for request in report.requests],
    }
    if announcer is not None:
        announced = announcer.announce(
            records, dead_letters, dead_lettered=frozenset(report.unreadable)
        )
        failures.append((announced.retry_from, announced.failure))
        batch["events"] = _count_announced(announced)
    for number, failure in failures:
        if failure is not None:
            why = {"sequence_number": number, **describe(failure)}
            logger.error("will be retried", extra=why)
    logger.info("batch", extra=batch)
    again = {number for number, _ in failures}
    first = next((n for n in map(sequence_number, records) if n in again), None)
    return {"batchItemFailures": [{"itemIdentifier": first}] if first else []}


def _count_announced(announced: "AnnouncedBatch") -> dict[str, int]:
    """Count what became of events, and log what was not announced; returns the events by type."""
    if announced.given_up:
        logger.error("not announced", extra={"sequence_numbers": announced.given_up})
    events = Counter(event.type.value for event in announced.published)
    counted = {**events, "not_announced": len(announced.given_up)}
    for name, number in counted.items():
        if number:
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)
    if any(counted.values()):
        metrics.flush_metrics()
    return events
