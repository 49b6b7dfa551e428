"""Requests to probe a domain, and the queue that holds them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from bounceledger.addresses import normalise_domain
from bounceledger.errors import AddressError, PayloadError, QueueError
from bounceledger.state import Span
from bounceledger.verdict import DOMAIN_CLAIMS, Cause

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """A domain to probe, and what mail servers said about it.

    Attributes:
        domain: canonical host name.
        claims: when each claim was made; none for a recheck.
        due: UTC day on which a recheck was due.
    """

    domain: str
    claims: Mapping[Cause, Span] = field(default_factory=dict)
    due: date | None = None

    def to_body(self) -> str:
        """The message body: JSON with ``domain``, ``claims`` and, for a recheck, ``due``."""
        claims = {
            cause.value: {"first": said.first.isoformat(), "last": said.last.isoformat()}
            for cause, said in self.claims.items()
        }
        due = {"due": self.due.isoformat()} if self.due else {}
        return json.dumps({"domain": self.domain, "claims": claims} | due)

    @classmethod
    def from_body(cls, text: str) -> Self:
        """Read a message body.

        Raises:
            InputError: it is not a request; ``field`` says what is wrong.
        """
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            raise PayloadError("must be JSON", field="body") from None
        if not isinstance(body, dict):
            raise PayloadError("must be a JSON object", field="body")
        domain, claims = body.get("domain"), body.get("claims", {})
        if not isinstance(domain, str):
            raise AddressError("must be a string", field="domain")
        if not isinstance(claims, dict):
            raise PayloadError("must be an object", field="claims")
        return cls(
            normalise_domain(domain),
            dict(_claim(*claim) for claim in claims.items()),
            _due(body["due"]) if "due" in body else None,
        )


def _due(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise PayloadError("must be an ISO 8601 date", field="due") from None


def _claim(name: str, said: Any) -> tuple[Cause, Span]:
    if name not in DOMAIN_CLAIMS:
        raise PayloadError("has a key that is not a claim about a domain", field="claims")
    if not isinstance(said, dict):
        raise PayloadError("must be an object", field=f"claims.{name}")
    first, last = (_time(said.get(key), f"claims.{name}.{key}") for key in ("first", "last"))
    if first > last:
        raise PayloadError("must not be before the first time", field=f"claims.{name}.last")
    return Cause(name), Span(first=first, last=last)


def _time(text: Any, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise PayloadError("must be an ISO 8601 time", field=field) from None
    if moment.tzinfo is None:
        raise PayloadError("must be a time with an offset", field=field)
    return moment


class ProbeQueue:
    """The SQS queue of probe requests.

    Args:
        client: SQS client.
        queue_url: URL of the queue.
    """

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        """Queue requests.

        Raises:
            QueueError: one of them could not be sent; those after it were not tried.
        """
        # One by one: there are few at a time, and each answer stands for one request.
        for request in requests:
            try:
                self._client.send_message(QueueUrl=self._queue_url, MessageBody=request.to_body())
            except (BotoCoreError, ClientError) as cause:
                raise QueueError(f"could not send to the probe queue: {cause}") from cause

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Extend the visibility timeout of a received message.

        Raises:
            QueueError: it stays hidden for the queue's own timeout only.
        """
        try:
            self._client.change_message_visibility(
                QueueUrl=self._queue_url,
                ReceiptHandle=receipt_handle,
                VisibilityTimeout=seconds,
            )
        except (BotoCoreError, ClientError) as cause:
            raise QueueError(
                f"could not extend the message's visibility timeout: {cause}"
            ) from cause
