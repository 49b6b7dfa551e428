"""Requests to probe a domain, and the queue that holds them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from bounceledger.addresses import normalise_domain
from bounceledger.errors import AddressError, PayloadError, QueueError
from bounceledger.verdict import DOMAIN_CLAIMS, Category

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """A domain to ask DNS about, and what mail servers said of it.

    Attributes:
        domain: canonical host name.
        claims: latest time of each claim; none for a recheck.
    """

    domain: str
    claims: Mapping[Category, datetime] = field(default_factory=dict)

    def to_body(self) -> str:
        """The message body: JSON with ``domain`` and ``claims``."""
        claims = {category.value: at.isoformat() for category, at in self.claims.items()}
        return json.dumps({"domain": self.domain, "claims": claims})

    @classmethod
    def from_body(cls, text: str) -> Self:
        """Read a message body.

        Raises:
            InputError: it is none; ``field`` says what is wrong with it.
        """
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            raise PayloadError("the message is not JSON", field="body") from None
        if not isinstance(body, dict):
            raise PayloadError("the message is not an object", field="body")
        domain, claims = body.get("domain"), body.get("claims", {})
        if not isinstance(domain, str):
            raise AddressError("there is no domain", field="domain")
        if not isinstance(claims, dict):
            raise PayloadError("the claims are not an object", field="claims")
        return cls(normalise_domain(domain), dict(_claim(*claim) for claim in claims.items()))


def _claim(name: str, at: Any) -> tuple[Category, datetime]:
    if name not in DOMAIN_CLAIMS:
        raise PayloadError("this is no claim about a domain", field="claims")
    try:
        moment = datetime.fromisoformat(at)
    except (TypeError, ValueError):
        raise PayloadError("this is no time", field=f"claims.{name}") from None
    if moment.tzinfo is None:
        raise PayloadError("the time has no zone", field=f"claims.{name}")
    return Category(name), moment


class ProbeQueue:
    """The SQS queue of domains to be probed.

    Args:
        client: SQS client.
        queue_url: URL of the queue.
    """

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        """Ask for probes.

        Raises:
            QueueError: the queue did not take one of them, nor was it given those after it.
        """
        # One by one: few at a time, and no reply to take apart.
        for request in requests:
            try:
                self._client.send_message(QueueUrl=self._queue_url, MessageBody=request.to_body())
            except (BotoCoreError, ClientError) as cause:
                raise QueueError(f"the probe queue took no message: {cause}") from cause

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Keep a received message back for a while.

        Raises:
            QueueError: it stays back for the queue's own visibility timeout instead.
        """
        try:
            self._client.change_message_visibility(
                QueueUrl=self._queue_url,
                ReceiptHandle=receipt_handle,
                VisibilityTimeout=seconds,
            )
        except (BotoCoreError, ClientError) as cause:
            raise QueueError(f"the message could not be kept back: {cause}") from cause
