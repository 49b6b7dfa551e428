"""Sending to queues; dead-letter queues above all."""

from typing import TYPE_CHECKING, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from bounceledger.errors import InputError, QueueError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def connect() -> "SQSClient":
    """An SQS client with time limits that fit into a function's own."""
    from botocore.config import Config
    from botocore.session import Session

    limits = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})
    return cast("SQSClient", Session().create_client("sqs", config=limits))


class DeadLetters(Protocol):
    """Where messages that can never be processed end up."""

    def send(self, message: str, error: InputError) -> None:
        """Keep a message whole, with the reason; raises QueueError if that fails."""
        ...


class DeadLetterQueue:
    """An SQS dead-letter queue.

    Args:
        client: SQS client.
        queue_url: URL of the queue.
    """

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, message: str, error: InputError) -> None:
        """Send a message unchanged, with message attributes ``reason`` and ``field``.

        Raises:
            QueueError: it could not be sent.
        """
        try:
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=message,
                MessageAttributes={
                    "reason": {"DataType": "String", "StringValue": str(error)},
                    "field": {"DataType": "String", "StringValue": error.field},
                },
            )
        except (BotoCoreError, ClientError) as cause:
            raise QueueError(f"could not send to the dead-letter queue: {cause}") from cause
