"""The webhooks: requests of email providers, verified and queued for ingest."""

from bounceledger import cold_start  # first, since it makes the other imports faster

# isort: split
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from bounceledger import queues
from bounceledger.api.gateway import RETRY_AFTER, Routes
from bounceledger.api.problems import unavailable
from bounceledger.clients import ConnectedLater
from bounceledger.errors import BounceledgerError, InputError, VerificationError, WebhookOffError
from bounceledger.ledger import connect
from bounceledger.ledger.tokens import UsedTokens
from bounceledger.observe import count, describe, make_logger
from bounceledger.providers.registry import PROVIDERS
from bounceledger.receiving import Receiver, SnsMessages, Subscriptions, WebhookQueue
from bounceledger.settings import Settings
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import BAD_SIGNATURE
from bounceledger.webhooks.secrets import store_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The wheels that this function alone has, for the processor on which it runs: functions/Makefile.
sys.path.append(str(Path(__file__).parent / "packages" / platform.machine()))

PATH = "/v1/webhooks/<provider>"
CHALLENGE = 'Basic realm="webhook", charset="UTF-8"'
"""A 401 must have one (RFC 9110 section 11.6.1). A REST API renames the header to
``x-amzn-Remapped-WWW-Authenticate``, so no client sends its password only when asked to."""

logger = make_logger("webhook")
routes = Routes(logger)


@cache
def build_settings() -> Settings:
    """The settings of this execution environment."""
    return Settings.from_env(require=("table_name", "webhook_queue_url"))


@cache
def build_receiver() -> Receiver:
    """The receiver of this execution environment."""
    settings = build_settings()
    return Receiver(
        store_of(settings.webhook_secrets, PROVIDERS),
        WebhookQueue(queues.connect(), settings.webhook_queue_url),
        UsedTokens(cast("DynamoDBClient", ConnectedLater(connect)), settings.table_name),
        sns=_sns(settings.webhook_topic_arns),
        subscriptions=_subscriptions(settings.webhook_topic_arns),
        tolerance=timedelta(seconds=settings.webhook_tolerance),
    )


def _sns(topics: frozenset[str]) -> SnsMessages | None:
    if not topics:
        return None
    from bounceledger.webhooks.sns import SnsVerifier

    return SnsVerifier(topics)


def _subscriptions(topics: frozenset[str]) -> Subscriptions | None:
    if not topics:
        return None
    from bounceledger.webhooks.sns_subscriptions import SubscriptionConfirmer

    return SubscriptionConfirmer()


cold_start.build_at_start(build_receiver)


@logger.inject_lambda_context(clear_state=True)
def handler(
    event: dict[str, Any],
    context: LambdaContext,
    *,
    receiver: Receiver | None = None,
    settings: Settings | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Answer one request of the REST API.

    Args:
        event: API Gateway proxy event.
        context: of the invocation.
        receiver: what accepts requests; the execution environment's own by default.
        settings: of the deployment; from the environment by default.
        now: the time, aware; that of the clock by default.
    """
    return routes.answer(
        event,
        context,
        receiver=receiver or build_receiver(),
        settings=settings or build_settings(),
        now=now or datetime.now(UTC),
    )


@routes.post(PATH)
def receive(provider: str) -> Response[Any] | dict[str, Any]:
    """Queue the events of a request.

    The log has the provider, the size and the outcome, and nothing else about the request.
    """
    _require_known(provider)
    receiver: Receiver = routes.context["receiver"]
    settings: Settings = routes.context["settings"]
    said: dict[str, Any] = {"provider": provider}
    try:
        request = Request.from_api_gateway(
            routes.current_event.raw_event,
            received_at=routes.context["now"],
            base_url=settings.webhook_base_url,
        )
        said["size"] = len(request.body)
        received = receiver.receive(provider, request)
    except WebhookOffError:
        _log_problems(receiver)
        raise NotFoundError("there is no such provider, or it is not set up here") from None
    except VerificationError as error:
        count(settings, "webhook", "unverified")
        logger.warning("not verified", extra=said | {"reason": error.reason})
        if error.reason == BAD_SIGNATURE:
            _log_problems(receiver)
        return routes.problem(
            HTTPStatus.UNAUTHORIZED,
            "the request could not be verified",
            headers={"WWW-Authenticate": CHALLENGE},
        )
    except InputError as error:
        count(settings, "webhook", "refused")
        logger.warning("refused", extra=said | {"reason": str(error)})
        raise  # to be answered as everywhere in the API
    except BounceledgerError as error:  # a queue, the table, a secret, or SNS
        return _not_queued(said | describe(error))
    count(settings, "webhook", "accepted")
    # Providers' names are words of ours, so nobody else can make a metric.
    count(settings, "webhook", "documents", received.documents, provider=provider)
    logger.info("accepted", extra=said | asdict(received))
    return {"events": received.documents}


def _log_problems(receiver: Receiver) -> None:
    """A secret that was left out may be the one that would have fitted."""
    if problems := receiver.problems():
        logger.warning("some secrets cannot be used", extra={"problems": problems})


def _not_queued(said: Mapping[str, Any]) -> Response[Any]:
    """The provider sends again what got no 2xx."""
    count(routes.context["settings"], "webhook", "not_queued")
    logger.error("not queued", extra=said)
    return routes.problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        unavailable("service"),
        headers={"Retry-After": str(RETRY_AFTER)},
    )


@routes.route(PATH, method=["GET", "HEAD"])
def exists(provider: str) -> Response[Any]:
    """Say that there is such a URL: some providers ask before they make the secret."""
    _require_known(provider)
    return Response(HTTPStatus.OK.value, body="")


def _require_known(provider: str) -> None:
    """Answer 404 for any other name, before it is in the log: whoever asks chose it."""
    if provider not in PROVIDERS:
        raise NotFoundError("there is no such provider, or it is not set up here")
