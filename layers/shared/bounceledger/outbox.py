"""From the table's stream to the probe queue: which changes call for a look at DNS."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bounceledger.addresses import domain_of
from bounceledger.errors import QueueError
from bounceledger.ledger.items import from_attributes, to_time
from bounceledger.queues import CLAIMS, ProbeRequest
from bounceledger.verdict import Category

_TTL = "dynamodb.amazonaws.com"
"""Who removes expired items (DynamoDB guide, "DynamoDB Streams and Time to Live")."""


class Probes(Protocol):
    """What the outbox needs of a `queues.ProbeQueue`."""

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        """Ask for probes; raises QueueError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a batch of stream records.

    Attributes:
        requests: the probes asked for, one per domain.
        retry_from: sequence number of the first record to be delivered again; empty for none.
        failure: why.
    """

    requests: tuple[ProbeRequest, ...] = ()
    retry_from: str = ""
    failure: Exception | None = None


def process(records: Iterable[Mapping[str, Any]], probes: Probes) -> Report:
    """Ask for a probe of every domain about which the records newly claim something.

    Args:
        records: of a DynamoDB stream with new and old images, in order.
        probes: where probes are asked for.

    Returns:
        What became of them. A record that cannot be read ends the batch, so that Lambda
        can cut it out by bisection; those before it are dealt with.
    """
    batch = list(records)
    domains: dict[str, dict[Category, datetime]] = {}
    retry_from, failure = "", None
    for record in batch:
        try:
            for category, at in new_claims(record).items():
                claims = domains.setdefault(_domain(record), {})
                claims[category] = max(at, claims.get(category, at))
        except (KeyError, TypeError, ValueError) as error:
            retry_from, failure = _number(record), error
            break
    requests = tuple(ProbeRequest(domain, claims) for domain, claims in domains.items())
    try:
        probes.send(requests)
    except QueueError as error:
        return Report(retry_from=_number(batch[0]), failure=error)
    return Report(requests=requests, retry_from=retry_from, failure=failure)


def new_claims(record: Mapping[str, Any]) -> dict[Category, datetime]:
    """What a change of an address's facts newly says of its domain, with the time of each claim.

    Nothing for other items, for removals (an expired item says nothing), and for a claim
    that the facts held before: late or repeated events move no time.

    Raises:
        KeyError, TypeError, ValueError: the images are not those of the table.
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
        category: to_time(evidence[category]["last"]) for category in CLAIMS if category in evidence
    }


def _by_ttl(record: Mapping[str, Any]) -> bool:
    return (record.get("userIdentity") or {}).get("principalId") == _TTL


def _domain(record: Mapping[str, Any]) -> str:
    return domain_of(record["dynamodb"]["Keys"]["pk"]["S"])


def _number(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
