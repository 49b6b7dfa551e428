"""Probes domains in DNS, and stores what was found.

Nothing is suppressed here: that follows from the stored findings whenever an address is
looked up.
"""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import queues
from bounceledger.domains.probe import probe
from bounceledger.domains.probe_requests import ProbeQueue
from bounceledger.domains.prober import ProbeOutcome, Prober, ProbeResult
from bounceledger.domains.resolver import default_resolver
from bounceledger.errors import BounceledgerError
from bounceledger.ledger import Ledger, connect
from bounceledger.observe import describe, make_logger, make_metrics
from bounceledger.queues import DeadLetterQueue
from bounceledger.settings import Settings

logger = make_logger("probe_domain")
metrics = make_metrics("probe_domain", Settings.from_env())


@cache
def build_prober() -> Prober:
    """The prober of this execution environment, with its resolver's cache."""
    settings = Settings.from_env(require=("table_name", "probe_queue_url", "dead_letter_queue_url"))
    sqs = queues.connect_later()
    resolver = default_resolver(settings.dns_resolvers)
    return Prober(
        Ledger(connect(), settings),
        ProbeQueue(sqs, settings.probe_queue_url),
        DeadLetterQueue(sqs, settings.dead_letter_queue_url),
        partial(probe, resolver=resolver),
        settings.policy,
    )


cold_start.build_at_start(build_prober)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any], context: LambdaContext, *, prober: Prober | None = None
) -> dict[str, Any]:
    """Answer the requests of one batch; the answer lists those to deliver again.

    Args:
        event: an SQS batch, of one message as deployed.
        context: of the invocation.
        prober: what answers them; the execution environment's own by default.
    """
    prober = build_prober() if prober is None else prober
    failures = [record["messageId"] for record in event["Records"] if not _done(prober, record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failures]}


def _done(prober: Prober, record: dict[str, Any]) -> bool:
    message = {"message_id": record["messageId"]}
    try:
        result = prober.process(record)
    except BounceledgerError as error:
        metrics.add_metric(name="failed", unit=MetricUnit.Count, value=1)
        logger.exception("will be retried", extra={**message, **describe(error)})
        return False
    metrics.add_metric(name=result.outcome, unit=MetricUnit.Count, value=1)
    logger.info(result.outcome, extra={**message, **_log_fields(result)})
    return result.outcome is not ProbeOutcome.POSTPONED


def _log_fields(result: ProbeResult) -> dict[str, Any]:
    if result.error is not None:
        return {"reason": str(result.error), "field": result.error.field}
    fields: dict[str, Any] = {"domain": result.domain, "retry_in": result.retry_in}
    if result.probe is not None:
        fields |= {
            "verdict": result.probe.verdict,
            "alternate_domain": result.probe.alternate_domain,
            "answers": result.probe.details["answers"],
            "warnings": result.probe.details["warnings"],
        }
    return fields
