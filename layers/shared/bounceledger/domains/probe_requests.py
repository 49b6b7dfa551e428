"""Requests to probe a domain, and the queue that holds them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, Self

from bounceledger.addresses import normalise_domain
from bounceledger.errors import AddressError, PayloadError
from bounceledger.queues import Queue
from bounceledger.state import Span
from bounceledger.verdict import DOMAIN_CLAIMS, Cause


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


class ProbeRequests(Protocol):
    """Where probes are requested: a `ProbeQueue`, for those who only send."""

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        """Queue requests; raises QueueError."""
        ...


class ProbeQueue(Queue):
    """The queue of probe requests."""

    name = "probe queue"

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        """Queue requests, ten per call.

        Raises:
            QueueError: some could not be sent, and none after them were.
        """
        self._send_all(request.to_body() for request in requests)
