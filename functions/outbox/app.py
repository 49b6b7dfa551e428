"""Reads the table's stream, and queues a probe where a reply called a domain dead.

The outbox of the table: what has to happen elsewhere follows from a committed change, so it
neither gets lost nor happens for a write that failed.
"""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import queues
from bounceledger.domains.claims import request_probes
from bounceledger.domains.probe_requests import ProbeQueue, ProbeRequests
from bounceledger.observe import describe, make_logger
from bounceledger.queues import DeadLetterQueue, DeadLetters
from bounceledger.settings import Settings

logger = make_logger("outbox")


@cache
def build_queues() -> tuple[ProbeQueue, DeadLetterQueue]:
    """The probe queue of this execution environment, and that for unreadable records."""
    settings = Settings.from_env(require=("probe_queue_url", "dead_letter_queue_url"))
    sqs = queues.connect()
    return (
        ProbeQueue(sqs, settings.probe_queue_url),
        DeadLetterQueue(sqs, settings.dead_letter_queue_url),
    )


cold_start.build_at_start(build_queues)


@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any],
    context: LambdaContext,
    *,
    queue: ProbeRequests | None = None,
    dead_letters: DeadLetters | None = None,
) -> dict[str, Any]:
    """Process one batch of stream records; the answer says where to begin again, if at all.

    Args:
        event: a DynamoDB stream batch with new and old images.
        context: of the invocation.
        queue: where probes are requested; the environment's own queue by default.
        dead_letters: where unreadable records end; the environment's own queue by default.
    """
    records = event["Records"]
    report = request_probes(
        records,
        build_queues()[0] if queue is None else queue,
        build_queues()[1] if dead_letters is None else dead_letters,
    )
    if report.unreadable:
        logger.error("dead-lettered", extra={"sequence_numbers": report.unreadable})
    if report.failure is not None:
        why = {"sequence_number": report.retry_from, **describe(report.failure)}
        logger.error("will be retried", extra=why)
    domains = [request.domain for request in report.requests]
    logger.info("batch", extra={"records": len(records), "domains": domains})
    failures = [{"itemIdentifier": report.retry_from}] if report.retry_from else []
    return {"batchItemFailures": failures}
