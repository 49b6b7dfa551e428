"""Sending to queues, one message or many per call, and what becomes of failures."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from bounceledger.domains.probe_requests import ProbeQueue, ProbeRequest
from bounceledger.errors import PayloadError, QueueError
from bounceledger.queues import DeadLetterQueue, connect_later
from bounceledger.receiving import WebhookQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

URL = "https://sqs.test/queue"


class FakeSqs:
    """An SQS client that keeps what is sent.

    Args:
        failing: says of a message and the number of the call whether it fails.
        down: whether no call is answered.
    """

    def __init__(
        self,
        failing: Callable[[str, int], bool] = lambda _body, _call: False,
        *,
        down: bool = False,
    ) -> None:
        self.sent: list[str] = []
        self.attributes: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self._failing, self._down = failing, down

    def send_message(
        self, *, QueueUrl: str, MessageBody: str, MessageAttributes: dict[str, Any]
    ) -> dict[str, Any]:
        self._called("SendMessage", QueueUrl)
        self.sent.append(MessageBody)
        self.attributes.append(MessageAttributes)
        return {}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:
        self._called("SendMessageBatch", QueueUrl)
        assert 1 <= len(Entries) <= 10
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        failed = [e for e in Entries if self._failing(e["MessageBody"], len(self.calls))]
        self.sent += [entry["MessageBody"] for entry in Entries if entry not in failed]
        return {"Failed": [{"Id": e["Id"], "Code": "InternalError"} for e in failed]}

    def change_message_visibility(self, **call: Any) -> dict[str, Any]:
        self._called("ChangeMessageVisibility", call["QueueUrl"])
        return {}

    def _called(self, operation: str, url: str) -> None:
        assert url == URL
        self.calls.append(operation)
        if self._down:
            raise EndpointConnectionError(endpoint_url=URL)


def probe_queue(fake: FakeSqs) -> ProbeQueue:
    return ProbeQueue(cast("SQSClient", fake), URL)


def requests(count: int) -> list[ProbeRequest]:
    return [ProbeRequest(f"{n}.test") for n in range(count)]


def bodies(count: int) -> list[str]:
    return [request.to_body() for request in requests(count)]


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (10, 1), (11, 2), (100, 10)])
def test_requests_are_sent_ten_per_call(count: int, calls: int) -> None:
    fake = FakeSqs()
    probe_queue(fake).send(requests(count))
    assert fake.sent == bodies(count)
    assert fake.calls == ["SendMessageBatch"] * calls


@pytest.mark.parametrize(
    ("sizes", "calls"),
    [
        ([1_048_576] * 3, 3),
        ([400_000] * 4, 2),
        ([1_000_000, 48_576, 1], 2),
        ([100_000] * 10, 1),
    ],
)
def test_a_call_has_no_more_bytes_than_sqs_takes(sizes: list[int], calls: int) -> None:
    """SQS takes 1 MiB of all messages of a call, counted in bytes of UTF-8."""
    # GIVEN messages of some sizes, half of each in two-byte characters
    messages = ["x" * (size % 2) + "é" * (size // 2) for size in sizes]

    # WHEN they are sent
    fake = FakeSqs()
    sent = WebhookQueue(cast("SQSClient", fake), URL).send(messages)

    # THEN all are, in as few calls as hold them
    assert (fake.sent, sent) == (messages, len(messages))
    assert fake.calls == ["SendMessageBatch"] * calls


def test_only_the_messages_of_a_batch_that_failed_are_sent_again() -> None:
    # GIVEN a queue that fails every third message of its first call
    def failing(body: str, call: int) -> bool:
        return call == 1 and bodies(10).index(body) % 3 == 0

    fake = FakeSqs(failing)
    # WHEN ten are sent
    probe_queue(fake).send(requests(10))
    # THEN each is sent once, by two calls
    assert sorted(fake.sent) == bodies(10)
    assert len(fake.calls) == 2


def test_a_message_that_keeps_failing_is_an_error_after_those_before_it_were_sent() -> None:
    # GIVEN a queue that never takes one message of the second batch
    fake = FakeSqs(lambda body, _: body == bodies(13)[12])
    # WHEN three batches are to be sent
    with pytest.raises(QueueError, match="could not send to the probe queue: InternalError"):
        probe_queue(fake).send(requests(30))
    # THEN the others of the first two are, and the third is not begun
    assert fake.sent == bodies(30)[:12] + bodies(30)[13:20]


def refused(fake: FakeSqs, method: str, *arguments: Any) -> str:
    queues = {"hide": probe_queue(fake), "send": DeadLetterQueue(cast("SQSClient", fake), URL)}
    with pytest.raises(QueueError) as caught:
        getattr(queues[method], method)(*arguments)
    return str(caught.value)


def test_a_queue_that_cannot_be_reached_is_named() -> None:
    error = PayloadError("must be JSON", field="body")
    down = FakeSqs(down=True)
    assert refused(down, "send", "{", error).startswith("could not send to the dead-letter queue: ")
    assert refused(down, "hide", "handle", 60).startswith(
        "could not extend a visibility timeout of the probe queue: "
    )
    with pytest.raises(QueueError, match="could not send to the probe queue: "):
        probe_queue(down).send(requests(1))


def test_an_error_of_aws_is_a_queue_error() -> None:
    class Denied(FakeSqs):
        def send_message_batch(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessageBatch")

    with pytest.raises(QueueError, match="AccessDenied"):
        probe_queue(Denied()).send(requests(1))


def test_a_dead_letter_is_kept_whole_with_its_reason() -> None:
    # WHEN a message is dead-lettered
    fake = FakeSqs()
    DeadLetterQueue(cast("SQSClient", fake), URL).send("{", PayloadError("is bad", field="body"))
    # THEN its body is as it came, and the reason and the field stand beside it
    assert fake.sent == ["{"]
    assert {name: value["StringValue"] for name, value in fake.attributes[0].items()} == {
        "reason": "body is bad",
        "field": "body",
    }


def test_a_client_that_is_seldom_needed_is_created_by_its_first_call_and_kept() -> None:
    # GIVEN a queue whose client is created later
    created: list[FakeSqs] = []

    def create() -> "SQSClient":
        created.append(FakeSqs())
        return cast("SQSClient", created[-1])

    queue = DeadLetterQueue(connect_later(create), URL)
    assert created == []

    # WHEN two messages are sent
    for message in ("one", "two"):
        queue.send(message, PayloadError("is not JSON", field="body"))

    # THEN one client was created, and sent both
    [client] = created
    assert client.sent == ["one", "two"]
