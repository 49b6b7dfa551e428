"""From a request to the queue: what is verified is queued whole, and nothing else is."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from bounceledger.errors import (
    LedgerError,
    PayloadError,
    QueueError,
    SecretError,
    TooLargeError,
    VerificationError,
    WebhookOffError,
)
from bounceledger.packing import MAX_MESSAGE_SIZE, unpack
from bounceledger.providers.common import MAX_EVENTS
from bounceledger.providers.fields import MAX_STRING
from bounceledger.queues import MAX_SIZE
from bounceledger.receiving import Received, Receiver, SnsMessage, WebhookQueue
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import Secrets
from tests.unit.test_queues import URL, FakeSqs
from tools.signing import KeyPair, make_keys, sign

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEYS = make_keys("sendgrid")
BOUNCE = {
    "email": "gone@sendgrid.example",
    "event": "bounce",
    "sg_event_id": "e1",
    "timestamp": int(NOW.timestamp()) - 5,
    "reason": "550 5.1.1 no such user",
}


@dataclass
class FakeSecrets:
    """Secrets in memory, of which a newer version may be there to read."""

    known: dict[str, Secrets]
    newer: dict[str, Secrets] | None = None
    down: bool = False
    reads: int = 0

    def of(self, provider: str) -> Secrets:
        if self.down:
            raise SecretError("Secrets Manager did not answer")
        return self.known.get(provider, {})

    def renewed(self, provider: str, tried: Secrets) -> Secrets | None:
        assert tried == self.known[provider]
        self.reads += 1
        if self.newer is None:
            return None
        self.known, self.newer = self.newer, None
        return self.known[provider]

    def problems(self) -> tuple[str, ...]:
        return ("postmark.main[0] must be longer",)


@dataclass
class FakeTokens:
    """Used tokens in memory."""

    used: dict[str, str] = field(default_factory=dict)
    down: bool = False

    def use(self, token: str, content: str, until: datetime) -> bool:
        assert until > NOW
        if self.down:
            raise LedgerError("the table did not answer")
        return self.used.setdefault(token, content) == content


@dataclass
class Message:
    """What SNS signed."""

    type: str
    topic_arn: str
    envelope: Mapping[str, Any]


@dataclass
class FakeTopics:
    """Believes every message, and keeps those whose subscription it confirmed."""

    confirmed: list[SnsMessage] = field(default_factory=list)

    def verify(self, content: object) -> SnsMessage:
        assert isinstance(content, dict)
        if content.get("TopicArn") != "arn:ok":
            raise VerificationError("topic")
        return Message(content["Type"], "arn:ok", {k: content[k] for k in ("Type", "Message")})

    def confirm(self, message: SnsMessage) -> None:
        self.confirmed.append(message)


def secrets(**keys: KeyPair) -> FakeSecrets:
    return FakeSecrets({name: {"main": [key.verifies]} for name, key in keys.items()})


@dataclass
class Webhook:
    """A receiver with all that it talks to."""

    secrets: FakeSecrets = field(default_factory=lambda: secrets(sendgrid=KEYS))
    sqs: FakeSqs = field(default_factory=FakeSqs)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    topics: FakeTopics | None = None
    """Of the SNS messages that are believed, and of the subscriptions that are confirmed."""

    @property
    def receiver(self) -> Receiver:
        queue = WebhookQueue(cast("Any", self.sqs), URL)
        return Receiver(
            self.secrets, queue, self.tokens, sns=self.topics, subscriptions=self.topics
        )

    def post(
        self,
        events: object,
        *,
        provider: str = "sendgrid",
        key: KeyPair = KEYS,
        signed_at: datetime = NOW,
        body: bytes | None = None,
    ) -> Received:
        """Post events as the provider would."""
        signed = sign(
            provider,
            key.signs,
            url="https://hooks.example",
            content_type="application/json",
            body=json.dumps(events).encode(),
            now=signed_at,
        )
        headers = {name.lower(): value for name, value in signed.headers.items()}
        return self.receiver.receive(provider, request(body or signed.body, headers))

    def queued(self) -> list[object]:
        """What ingest would find in the queue, in order."""
        records: Iterable[Any] = ({"body": body, "messageId": "m"} for body in self.sqs.sent)
        return [payload.content for record in records for payload in unpack(record)]


def request(body: bytes, headers: Mapping[str, str]) -> Request:
    return Request(headers=headers, body=body, url="https://hooks.example", received_at=NOW)


def events(count: int) -> Sequence[dict[str, Any]]:
    return [{**BOUNCE, "sg_event_id": f"e{n}"} for n in range(count)]


@pytest.mark.parametrize(("count", "messages"), [(0, 0), (1, 1), (51, 2), (10_000, 200)])
def test_all_events_of_a_request_are_queued_in_order(count: int, messages: int) -> None:
    webhook = Webhook()
    received = webhook.post(events(count))
    assert webhook.queued() == list(events(count))
    assert received == Received(documents=count, messages=messages, account="main")


def test_nothing_is_queued_of_a_request_that_is_not_verified() -> None:
    """Anybody can post; only the provider can sign."""
    attempts: list[Callable[[Webhook], Received]] = [
        lambda webhook: webhook.post([BOUNCE], key=make_keys("sendgrid")),
        lambda webhook: webhook.post([BOUNCE], body=json.dumps([BOUNCE] * 2).encode()),
        lambda webhook: webhook.post([BOUNCE], signed_at=NOW - timedelta(minutes=6)),
        lambda webhook: webhook.post([BOUNCE], signed_at=NOW + timedelta(minutes=6)),
        lambda webhook: webhook.receiver.receive("sendgrid", request(b"[]", {})),
    ]
    for attempt in attempts:
        webhook = Webhook()
        with pytest.raises(VerificationError):
            attempt(webhook)
        assert webhook.sqs.calls == []


@pytest.mark.parametrize("provider", ["postmark", "mandrill", "ses", "", "common", "../ses"])
def test_a_provider_that_is_not_set_up_is_off(provider: str) -> None:
    """Whatever its request looks like."""
    webhook = Webhook()
    for body in (b"[]", b"", b"\xff", b"mandrill_events=%5B%5D"):
        with pytest.raises(WebhookOffError):
            webhook.receiver.receive(provider, request(body, {}))
    assert webhook.sqs.calls == []


def test_the_test_of_a_url_needs_no_secret() -> None:
    """Mandrill makes the secret once its test was answered."""
    signed = sign(
        "mandrill",
        "test-webhook",
        url="https://hooks.example",
        content_type="application/x-www-form-urlencoded",
        body=b"mandrill_events=%5B%5D",
        now=NOW,
    )
    headers = {name.lower(): value for name, value in signed.headers.items()}
    webhook = Webhook()
    received = webhook.receiver.receive("mandrill", request(signed.body, headers))
    assert (received.notice, webhook.sqs.calls) == ("test", [])


def test_a_new_secret_is_read_once_an_old_one_does_not_fit() -> None:
    """A secret is changed at the provider first, or here first."""
    # GIVEN a secret that was changed since it was read
    changed = make_keys("sendgrid")
    webhook = Webhook(FakeSecrets(secrets(sendgrid=KEYS).known, secrets(sendgrid=changed).known))

    # WHEN a request comes that is signed by the new one
    received = webhook.post([BOUNCE], key=changed)

    # THEN it is accepted
    assert received.documents == 1

    # AND where nothing new can be read, one that does not fit is refused
    with pytest.raises(VerificationError):
        webhook.post([BOUNCE], key=KEYS)
    assert webhook.secrets.reads == 2


def test_secrets_are_not_read_again_for_what_no_secret_can_mend() -> None:
    webhook = Webhook()
    with pytest.raises(VerificationError):
        webhook.post([BOUNCE], signed_at=NOW - timedelta(hours=1))
    assert webhook.secrets.reads == 0


def test_a_queue_that_refuses_a_part_makes_the_whole_request_fail() -> None:
    """The provider sends it again; what was queued before has the same event ids."""
    # GIVEN a queue that does not take one of the messages
    webhook = Webhook(sqs=FakeSqs(lambda body, _: '"e7"' in body))

    # THEN the request fails
    with pytest.raises(QueueError):
        webhook.post(events(60))

    # AND the second time all is queued
    webhook.sqs = FakeSqs()
    webhook.post(events(60))
    assert webhook.queued() == list(events(60))


def test_what_sqs_cannot_take_is_refused_before_anything_is_sent() -> None:
    """A retry would not make it smaller."""
    webhook = Webhook()
    with pytest.raises(TooLargeError) as caught:
        webhook.post([BOUNCE, {**BOUNCE, "reason": "x" * 1_100_000}])
    assert (caught.value.field, webhook.sqs.calls) == ("body", [])


def test_the_largest_event_leaves_room_for_its_reason_in_the_dead_letter_queue() -> None:
    """SQS counts the attributes of a message as well."""
    # GIVEN the largest event that is taken
    webhook = Webhook()
    webhook.post([{"pad": ""}])
    [empty] = webhook.sqs.sent
    room = MAX_MESSAGE_SIZE - len(empty)
    with pytest.raises(TooLargeError):
        webhook.post([{"pad": "x" * (room + 1)}])
    webhook.post([{"pad": "x" * room}])

    # THEN it fits with the longest reason
    body = webhook.sqs.sent[-1]
    assert len(body) == MAX_MESSAGE_SIZE
    assert len(body) + 4 * MAX_STRING < MAX_SIZE


def test_more_events_than_a_provider_sends_are_refused() -> None:
    webhook = Webhook()
    with pytest.raises(TooLargeError):
        webhook.post([{}] * (MAX_EVENTS + 1))
    assert webhook.sqs.calls == []


@pytest.mark.parametrize("content", [7, "text", [7], [[]], [BOUNCE, None]])
def test_what_the_provider_does_not_send_is_refused_whole(content: object) -> None:
    webhook = Webhook()
    with pytest.raises(PayloadError) as caught:
        webhook.post(content)
    assert caught.value.field.startswith("body")
    assert webhook.sqs.calls == []


def test_nothing_of_an_event_is_read() -> None:
    """That is for ingest, which keeps what it cannot read in a dead-letter queue."""
    webhook = Webhook()
    webhook.post([{"event": 7, "email": None}])
    assert webhook.queued() == [{"event": 7, "email": None}]


@pytest.mark.parametrize("error", [QueueError, SecretError])
def test_what_is_down_is_no_fault_of_the_request(error: type[Exception]) -> None:
    """The provider sends again what is answered with a 5xx."""
    webhook = Webhook(
        sqs=FakeSqs(down=error is QueueError),
        secrets=FakeSecrets(secrets(sendgrid=KEYS).known, down=error is SecretError),
    )
    with pytest.raises(error):
        webhook.post([BOUNCE])


def test_a_token_is_not_used_for_two_contents() -> None:
    """Mailgun signs a token, and not what it comes with."""
    # GIVEN a request of Mailgun's that was accepted
    key = make_keys("mailgun")
    webhook = Webhook(secrets(mailgun=key))
    body = {"event-data": {"event": "failed", "id": "1"}}
    signed = sign(
        "mailgun",
        key.signs,
        url="",
        content_type="application/json",
        body=json.dumps(body).encode(),
        now=NOW,
    )
    sent: dict[str, Any] = json.loads(signed.body)
    webhook.receiver.receive("mailgun", request(signed.body, {}))

    # WHEN its signature comes with other events
    other = {**sent, "event-data": {"event": "failed", "id": "2"}}
    with pytest.raises(VerificationError) as caught:
        webhook.receiver.receive("mailgun", request(json.dumps(other).encode(), {}))

    # THEN they are refused, and those that were sent are accepted once more
    assert caught.value.reason == "replayed"
    webhook.receiver.receive("mailgun", request(signed.body, {}))
    assert len(webhook.queued()) == 2

    # AND while the table is down, nothing is accepted
    webhook.tokens.down = True
    with pytest.raises(LedgerError):
        webhook.receiver.receive("mailgun", request(signed.body, {}))
    assert len(webhook.queued()) == 2


def sns(type_: str, topic: str = "arn:ok") -> Request:
    document = {"eventType": "Bounce"}
    body = {"Type": type_, "TopicArn": topic, "Message": json.dumps(document), "Added": "x"}
    return request(json.dumps(body).encode(), {})


def test_ses_is_off_without_topics() -> None:
    with pytest.raises(WebhookOffError):
        Webhook().receiver.receive("ses", sns("Notification"))


def test_of_an_sns_message_what_is_signed_is_queued() -> None:
    """Anybody can add to a message that was sent once."""
    webhook = Webhook(topics=FakeTopics())
    received = webhook.receiver.receive("ses", sns("Notification"))
    assert received == Received(documents=1, messages=1, account="arn:ok")
    [body] = webhook.sqs.sent
    assert json.loads(body)["documents"] == [
        {"Type": "Notification", "Message": json.dumps({"eventType": "Bounce"})}
    ]


def test_a_subscription_is_confirmed_and_its_end_is_not_undone() -> None:
    # GIVEN a topic that is allowed
    topics = FakeTopics()
    webhook = Webhook(topics=topics)

    # WHEN it offers a subscription, and says that one has ended
    kinds = ["SubscriptionConfirmation", "UnsubscribeConfirmation"]
    received = [webhook.receiver.receive("ses", sns(kind)) for kind in kinds]

    # THEN only the first is confirmed, and nothing is queued
    assert [message.type for message in topics.confirmed] == kinds[:1]
    assert [one.notice for one in received] == kinds
    assert webhook.sqs.calls == []

    # AND nothing of another topic is
    with pytest.raises(VerificationError):
        webhook.receiver.receive("ses", sns(kinds[0], "arn:other"))
    assert len(topics.confirmed) == 1
