"""From a provider's request to the queue: verified, split into documents, queued.

The documents are not read here, so that the provider is answered quickly. If the queue does not
accept all of them, the request fails and the provider sends it again; what was queued counts once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from bounceledger import providers
from bounceledger.errors import InputError, TooLargeError, VerificationError, WebhookOffError
from bounceledger.packing import MAX_MESSAGE_SIZE, WebhookMessages
from bounceledger.providers import Document, Payload
from bounceledger.providers.common import MAX_EVENTS
from bounceledger.providers.fields import JsonObject
from bounceledger.providers.registry import PROVIDERS
from bounceledger.queues import Queue
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import (
    BAD_SIGNATURE,
    REPLAYED,
    Scheme,
    Secrets,
    SingleUseToken,
    Sns,
    Verified,
)


class SecretsStore(Protocol):
    """Where the secrets of the providers are."""

    def of(self, provider: str) -> Secrets:
        """Those of a provider; none if it is off. Raises SecretError."""
        ...

    def renewed(self, provider: str, tried: Secrets) -> Secrets | None:
        """Newer ones than those that were tried; None if there are none."""
        ...

    def problems(self) -> tuple[str, ...]:
        """What is wrong with those that were read; no part of a secret."""
        ...


class Tokens(Protocol):
    """The tokens that were used, each with the content that it came with."""

    def use(self, token: str, content: str, until: datetime) -> bool:
        """Whether a token was used with no other content before; raises LedgerError."""
        ...


class SnsMessage(Protocol):
    """A message that SNS signed."""

    @property
    def type(self) -> str:
        """Such as ``Notification``."""
        ...

    @property
    def topic_arn(self) -> str:
        """The topic."""
        ...

    @property
    def envelope(self) -> JsonObject:
        """Its signed fields, and nothing else."""
        ...


class SnsMessages(Protocol):
    """Verifies that SNS sent a message for a topic that is allowed."""

    def verify(self, content: object) -> SnsMessage:
        """The message of a request.

        Raises:
            VerificationError: SNS did not sign it for one of the topics, or it is too old.
        """
        ...


class Subscriptions(Protocol):
    """Confirms subscriptions of the webhook to topics."""

    def confirm(self, message: Any) -> None:
        """Confirm the subscription that a verified message is about."""
        ...


class WebhookQueue(Queue):
    """The queue of the webhooks, which ingest reads."""

    name = "webhook queue"

    def send(self, messages: Iterable[str]) -> int:
        """Send messages; returns how many.

        Raises:
            TooLargeError: one has more than `MAX_MESSAGE_SIZE` bytes. None is sent then.
            QueueError: some could not be sent.
        """
        messages = list(messages)
        if any(len(message) > MAX_MESSAGE_SIZE for message in messages):
            raise TooLargeError(f"has an event of more than {MAX_MESSAGE_SIZE} bytes", field="body")
        self._send_all(messages)
        return len(messages)


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a request that was accepted.

    Attributes:
        documents: events that were queued.
        messages: messages in which they were.
        account: whose secret matched, or the SNS topic.
        notice: what the request was about if it had no event; empty otherwise.
    """

    documents: int = 0
    messages: int = 0
    account: str = ""
    notice: str = ""


class Receiver:
    """Accepts the requests of providers.

    Args:
        secrets: where their secrets are.
        queue: where their events go.
        tokens: which tokens were used.
        sns: verifies SNS messages; None accepts none.
        subscriptions: confirms the subscriptions that they are about.
        tolerance: how far a signed time may be from now.
    """

    def __init__(
        self,
        secrets: SecretsStore,
        queue: WebhookQueue,
        tokens: Tokens,
        *,
        sns: SnsMessages | None = None,
        subscriptions: Subscriptions | None = None,
        tolerance: timedelta = timedelta(minutes=5),
    ) -> None:
        self._secrets = secrets
        self._queue = queue
        self._tokens = tokens
        self._sns = sns
        self._subscriptions = subscriptions
        self._tolerance = tolerance

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the secrets, so that a provider may be off; no part of one."""
        return self._secrets.problems()

    def receive(self, provider: str, request: Request) -> Received:
        """Verify a request of a provider, and queue its events.

        Raises:
            WebhookOffError: there is no such provider, or it is not set up here.
            VerificationError: it is not proven to come from the provider, or is too old.
            InputError: it is not one that the provider sends; `TooLargeError` if it is too large.
            QueueError: not all events are queued.
            LedgerError: a token could not be looked up.
            SecretError: the secrets could not be read.
        """
        scheme = PROVIDERS.get(provider)
        if scheme is None:
            raise WebhookOffError("there is no such provider")
        if isinstance(scheme, Sns):
            return self._receive_sns(request)
        verified = self._verified(provider, scheme, request)
        if verified.is_test:
            return Received(notice="test")
        if verified.token is not None:
            self._use(verified.token)
        payload = Payload(
            provider=provider,
            content=request.content(),
            field="body",
            received_at=request.received_at,
        )
        documents = list(providers.load(provider).split(payload))
        return self._queued(provider, request, documents, verified.account)

    def _verified(self, provider: str, scheme: Scheme, request: Request) -> Verified:
        verify = partial(scheme.verify, request, now=request.received_at, tolerance=self._tolerance)
        secrets = self._secrets.of(provider)
        try:
            return verify(secrets)
        except (VerificationError, InputError) as error:
            if not secrets:  # the test of a URL, which some providers want first, is verified
                raise WebhookOffError("the provider has no secret here") from error
            if isinstance(error, InputError):
                raise
            # The secret may have been changed since it was read.
            newer = None
            if error.reason == BAD_SIGNATURE:
                newer = self._secrets.renewed(provider, secrets)
            if newer is None:
                raise
        return verify(newer)

    def _use(self, token: SingleUseToken) -> None:
        if not self._tokens.use(token.key, token.content, token.expires):
            raise VerificationError(REPLAYED)

    def _receive_sns(self, request: Request) -> Received:
        if self._sns is None:
            raise WebhookOffError("no SNS topic is allowed here")
        from bounceledger.webhooks.sns import read_body

        message = self._sns.verify(read_body(request.body))
        if message.type == "SubscriptionConfirmation" and self._subscriptions is not None:
            self._subscriptions.confirm(message)
        if message.type != "Notification":
            return Received(account=message.topic_arn, notice=message.type)
        payload = Payload(provider="ses", content=message.envelope, received_at=request.received_at)
        documents = [Document(message.envelope, payload)]
        return self._queued("ses", request, documents, message.topic_arn)

    def _queued(
        self, provider: str, request: Request, documents: list[Document], account: str
    ) -> Received:
        if len(documents) > MAX_EVENTS:
            raise TooLargeError(f"has more than {MAX_EVENTS} events", field="body")
        packed = WebhookMessages(provider, request.received_at).pack(documents)
        return Received(len(documents), self._queue.send(packed), account)
