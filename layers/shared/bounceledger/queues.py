"""Sending to queues; dead-letter queues above all."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from bounceledger.clients import ConnectedLater, create_client
from bounceledger.errors import InputError, QueueError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_BATCH = 10
"""Messages of one SendMessageBatch call (SQS quotas)."""
MAX_SIZE = 1_048_576
"""Bytes of a message, and of all messages of one call (SQS quotas)."""
_TRIES = 3
"""How often a message is sent of which SQS says that it failed, in a call that did not."""


def connect() -> "SQSClient":
    """An SQS client with time limits that fit into a function's own."""
    from botocore.config import Config

    limits = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})
    return cast("SQSClient", create_client("sqs", limits))


def connect_later(create: Callable[[], "SQSClient"] = connect) -> "SQSClient":
    """An SQS client as `connect` makes it, created by its first call."""
    return cast("SQSClient", ConnectedLater(create))


class DeadLetters(Protocol):
    """Where messages that can never be processed end up."""

    def send(self, message: str, error: InputError) -> None:
        """Keep a message whole, with the reason; raises QueueError if that fails."""
        ...


class Queue:
    """An SQS queue; what its messages look like is a matter of those made from it.

    Args:
        client: SQS client.
        queue_url: URL of the queue.
    """

    name = "queue"
    """What errors call it."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Extend the visibility timeout of a received message.

        Raises:
            QueueError: it stays hidden for the queue's own timeout only.
        """
        self._call(
            self._client.change_message_visibility,
            "extend a visibility timeout of",
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=seconds,
        )

    def _send(self, body: str, attributes: Mapping[str, str] | None = None) -> None:
        """Send one message, with string attributes; raises QueueError."""
        self._call(
            self._client.send_message,
            "send to",
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in (attributes or {}).items()
            },
        )

    def _send_all(self, bodies: Iterable[str]) -> None:
        """Send messages, as many per call as SQS allows.

        Raises:
            QueueError: some could not be sent. All of the calls before were.
        """
        for some in _calls(bodies):
            left = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(some)]
            for _ in range(_TRIES):
                answer = self._call(self._client.send_message_batch, "send to", Entries=left)
                codes = {failed["Id"]: failed["Code"] for failed in answer.get("Failed", ())}
                left = [entry for entry in left if entry["Id"] in codes]
                if not left:
                    break
            else:
                raise QueueError(f"could not send to the {self.name}: {', '.join(codes.values())}")

    def _call(self, method: Callable[..., Any], what: str, **parameters: Any) -> Any:
        try:
            return method(QueueUrl=self._queue_url, **parameters)
        except (BotoCoreError, ClientError) as cause:
            raise QueueError(f"could not {what} the {self.name}: {cause}") from cause


def _calls(bodies: Iterable[str]) -> Iterator[list[str]]:
    """Messages by call: at most `MAX_BATCH`, and `MAX_SIZE` bytes in all."""
    some: list[str] = []
    size = 0
    for body in bodies:
        added = len(body) if body.isascii() else len(body.encode())
        if some and (len(some) == MAX_BATCH or size + added > MAX_SIZE):
            yield some
            some, size = [], 0
        some.append(body)
        size += added
    if some:
        yield some


class DeadLetterQueue(Queue):
    """A dead-letter queue."""

    name = "dead-letter queue"

    def send(self, message: str, error: InputError) -> None:
        """Send a message unchanged, with message attributes ``reason`` and ``field``.

        Raises:
            QueueError: it could not be sent.
        """
        self._send(message, {"reason": str(error), "field": error.field})
