"""From the table's stream to the probe queue: which changes call for a look at DNS."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bounceledger.addresses import domain_of
from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.errors import PayloadError, QueueError
from bounceledger.ledger.items import from_attributes, to_time
from bounceledger.queues import DeadLetters
from bounceledger.verdict import DOMAIN_CLAIMS, Category

_TTL = "dynamodb.amazonaws.com"
"""Who removes expired items (DynamoDB guide, "DynamoDB Streams and Time to Live")."""


class Probes(Protocol):
    """What the outbox needs of a `probe_requests.ProbeQueue`."""

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        """Ask for probes; raises QueueError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a batch of stream records.

    Attributes:
        requests: the probes asked for, one per domain.
        unreadable: sequence numbers of the records that were set aside.
        retry_from: sequence number of the first record to be delivered again; empty for none.
        failure: why.
    """

    requests: tuple[ProbeRequest, ...] = ()
    unreadable: tuple[str, ...] = ()
    retry_from: str = ""
    failure: Exception | None = None


def process(
    records: Iterable[Mapping[str, Any]], probes: Probes, dead_letters: DeadLetters
) -> Report:
    """Ask for a probe of every domain about which the records newly claim something.

    Args:
        records: of a DynamoDB stream with new and old images, in order.
        probes: where probes are asked for.
        dead_letters: where records end that cannot be read, whole and with the reason, so
            that they do not hold up their shard.

    Returns:
        What became of them. Only a queue that takes nothing ends the batch.
    """
    batch = list(records)
    domains: dict[str, dict[Category, datetime]] = {}
    unreadable: list[str] = []
    retry_from, failure = "", None
    for record in batch:
        try:
            for category, at in new_claims(record).items():
                claims = domains.setdefault(_domain(record), {})
                claims[category] = max(at, claims.get(category, at))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            try:
                dead_letters.send(json.dumps(record), _reason(error))
            except QueueError as down:
                retry_from, failure = _number(record), down
                break
            unreadable.append(_number(record))
    requests = tuple(ProbeRequest(domain, claims) for domain, claims in domains.items())
    try:
        probes.send(requests)
    except QueueError as down:
        requests, retry_from, failure = (), _number(batch[0]), down
    return Report(
        requests=requests, unreadable=tuple(unreadable), retry_from=retry_from, failure=failure
    )


def _reason(error: Exception) -> PayloadError:
    return PayloadError(f"the stream record cannot be read: {error!r:.200}", field="dynamodb")


def new_claims(record: Mapping[str, Any]) -> dict[Category, datetime]:
    """What a change of an address's facts newly says of its domain, with the time of each claim.

    Nothing for other items, for removals (an expired item says nothing), and for a claim
    that the facts held before: late or repeated events move no time.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: the images are not those of the table.
    """
    change = record["dynamodb"]
    key = from_attributes(change["Keys"])
    removed = record["eventName"] == "REMOVE" or _by_ttl(record)
    if removed or key["sk"] != "FACTS" or not str(key["pk"]).startswith("ADDRESS#"):
        return {}
    before, after = _said(change.get("OldImage", {})), _said(change["NewImage"])
    return {
        category: at
        for category, at in after.items()
        if category not in before or at > before[category]
    }


def _said(image: Mapping[str, Any]) -> dict[Category, datetime]:
    evidence: Any = from_attributes(image).get("evidence", {})
    return {
        category: to_time(evidence[category]["last"])
        for category in DOMAIN_CLAIMS
        if category in evidence
    }


def _by_ttl(record: Mapping[str, Any]) -> bool:
    return (record.get("userIdentity") or {}).get("principalId") == _TTL


def _domain(record: Mapping[str, Any]) -> str:
    return domain_of(record["dynamodb"]["Keys"]["pk"]["S"])


def _number(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
