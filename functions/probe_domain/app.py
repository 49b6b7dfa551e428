"""Asks DNS about a domain and writes down what it said."""

import os
from functools import cache, partial
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import queues
from bounceledger.domains.probe import probe
from bounceledger.domains.probe_requests import ProbeQueue
from bounceledger.domains.prober import Fate, Outcome, Prober
from bounceledger.domains.resolver import default_resolver
from bounceledger.errors import BounceledgerError
from bounceledger.ledger import Ledger, connect
from bounceledger.observe import describe, make_logger, make_metrics
from bounceledger.queues import DeadLetterQueue
from bounceledger.settings import Settings

AGAIN = frozenset({Fate.POSTPONED})
"""Fates after which the queue has to deliver the message again."""

logger = make_logger("probe_domain")
metrics = make_metrics("probe_domain")


@cache
def wire() -> Prober:
    """The prober of this execution environment, with its resolver's cache."""
    settings = Settings.from_env(require=("table_name", "probe_queue_url", "dead_letter_queue_url"))
    sqs = queues.connect()
    resolver = default_resolver(settings.dns_resolvers)
    return Prober(
        Ledger(connect(), settings),
        ProbeQueue(sqs, settings.probe_queue_url),
        DeadLetterQueue(sqs, settings.dead_letter_queue_url),
        partial(probe, resolver=resolver, policy=settings.policy),
    )


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # At start, where a bad setting fails by name and the processor is faster than later on.
    wire()


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any], context: LambdaContext, *, prober: Prober | None = None
) -> dict[str, Any]:
    """Answer the requests of one batch; the answer names those to deliver again.

    Args:
        event: an SQS batch, of one message as deployed.
        context: of the invocation.
        prober: what answers; the execution environment's own by default.
    """
    prober = wire() if prober is None else prober
    failures = [record["messageId"] for record in event["Records"] if not _done(prober, record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failures]}


def _done(prober: Prober, record: dict[str, Any]) -> bool:
    message = {"message_id": record["messageId"]}
    try:
        outcome = prober.process(record)
    except BounceledgerError as error:
        metrics.add_metric(name="failed", unit=MetricUnit.Count, value=1)
        logger.exception("to be tried again", extra={**message, **describe(error)})
        return False
    metrics.add_metric(name=outcome.fate, unit=MetricUnit.Count, value=1)
    logger.info(outcome.fate, extra={**message, **_words(outcome)})
    return outcome.fate not in AGAIN


def _words(outcome: Outcome) -> dict[str, Any]:
    if outcome.error is not None:
        return {"reason": outcome.error.reason, "field": outcome.error.field}
    words: dict[str, Any] = {"domain": outcome.domain, "retry_in": outcome.retry_in}
    if outcome.probe is not None:
        words |= {
            "verdict": outcome.probe.verdict,
            "alternate_domain": outcome.probe.alternate_domain,
            "answers": outcome.probe.evidence["answers"],
            "warnings": outcome.probe.evidence["warnings"],
        }
    return words
