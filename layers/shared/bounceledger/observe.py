"""Logs and metrics. No personal data leaves through here."""

import hashlib
import traceback

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit, single_metric

from bounceledger.errors import BounceledgerError
from bounceledger.settings import Settings


def make_logger(service: str) -> Logger:
    """Structured logger of one function."""
    return Logger(service=service)


def make_metrics(service: str, settings: Settings) -> EphemeralMetrics:
    """Metrics of one function, with two dimensions: the service, and the stack.

    Two stacks of an account and region share no metric, so no alarm of one rings for the other.
    """
    # Powertools' `Metrics` shares one set of dimensions in a process.
    metrics = EphemeralMetrics(namespace=settings.metric_namespace, service=service)
    metrics.set_default_dimensions(stack=settings.stack_name)
    return metrics


def count(settings: Settings, service: str, name: str, value: int = 1, **dimensions: str) -> None:
    """Count something at once, with the dimensions of `make_metrics` and others.

    For a function of which not every invocation counts something.
    """
    own = {"service": service, "stack": settings.stack_name}
    with single_metric(
        name=name,
        unit=MetricUnit.Count,
        value=value,
        namespace=settings.metric_namespace,
        default_dimensions=own | dimensions,
    ):
        pass


def redact(address: str) -> str:
    """Stand-in for an address in a log line: a short digest and the domain.

    The digest is stable, so that lines about one address can be found together by
    someone who has the address, and not the other way round.
    """
    digest = hashlib.blake2b(address.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    _, _, domain = address.rpartition("@")
    return f"{digest}@{domain}"


def redact_principal(arn: str) -> str:
    """An IAM principal as a log line may name it: without an email address in it.

    Whoever signs in through IAM Identity Center has one as the name of the session. Paths of users
    and roles may hold one as well.
    """
    return "/".join(redact(part) if "@" in part else part for part in arn.split("/"))


def describe(error: BaseException) -> dict[str, str]:
    """What a log line may say of an error: its type, where it was raised and, for errors of
    our own, which hold no personal data, the message.
    """
    frames = traceback.extract_tb(error.__traceback__)
    described = {"error": type(error).__name__}
    if frames:
        described["raised_at"] = f"{frames[-1].filename}:{frames[-1].lineno}"
    if isinstance(error, BounceledgerError):
        described["reason"] = str(error)
    return described
