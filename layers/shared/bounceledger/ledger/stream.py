"""What a record of the table's stream says about the facts of an address or a domain."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bounceledger.errors import PayloadError
from bounceledger.ledger.attributes import Item, from_attributes
from bounceledger.ledger.items import (
    ADDRESS_PREFIX,
    FACTS,
    domain_of_item,
    facts_of_item,
    is_domain,
    to_time,
)
from bounceledger.state import AddressFacts, DomainFacts, Span
from bounceledger.verdict import DOMAIN_CLAIMS, Cause

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What reading an image raises that is not one of this table."""

_TTL_PRINCIPAL = "dynamodb.amazonaws.com"
"""Who removes expired items (DynamoDB guide, "DynamoDB Streams and Time to Live")."""


@dataclass(frozen=True, slots=True)
class ClaimsChange:
    """The claims in an address's facts, before and after a change.

    Attributes:
        address: canonical form.
        before: when each claim was made that the facts held.
        after: when each claim was made that they hold now.
    """

    address: str
    before: Mapping[Cause, Span]
    after: Mapping[Cause, Span]


def claims_change(record: Mapping[str, Any]) -> ClaimsChange | None:
    """The claims that a record changed; None for other items and for removed ones.

    Args:
        record: of a DynamoDB stream with new and old images.

    Raises:
        PayloadError: the record is not one of this table.
    """
    try:
        change = record["dynamodb"]
        pk = _partition_of_facts(record)
        if not pk.startswith(ADDRESS_PREFIX):
            return None
        return ClaimsChange(
            address=pk.removeprefix(ADDRESS_PREFIX),
            before=_claims(change.get("OldImage", {})),
            after=_claims(change["NewImage"]),
        )
    except UNREADABLE as error:
        raise not_readable(error) from error


def _claims(image: Mapping[str, Any]) -> dict[Cause, Span]:
    evidence: Any = from_attributes(image).get("evidence", {})
    return {
        cause: Span(first=to_time(evidence[cause]["first"]), last=to_time(evidence[cause]["last"]))
        for cause in DOMAIN_CLAIMS
        if cause in evidence
    }


@dataclass(frozen=True, slots=True)
class FactsChange[Facts]:
    """A change of the facts of an address or a domain.

    Attributes:
        id: of the stream record, the same however often it is delivered.
        at: when the facts were written, to the second.
        before: the facts until then; None if there were none.
        after: the facts since.
    """

    id: str
    at: datetime
    before: Facts | None
    after: Facts


class AddressChange(FactsChange[AddressFacts]):
    """A change of the facts of an address."""


class DomainChange(FactsChange[DomainFacts]):
    """A change of the facts of a domain."""


def facts_change(record: Mapping[str, Any]) -> AddressChange | DomainChange | None:
    """The facts that a record changed; None for other items and for removed ones.

    Args:
        record: of a DynamoDB stream with new and old images.

    Raises:
        PayloadError: the record is not one of this table.
    """
    try:
        pk = _partition_of_facts(record)
        if pk.startswith(ADDRESS_PREFIX):
            return AddressChange(*_when(record), *_images(record, facts_of_item))
        if is_domain(pk):
            return DomainChange(*_when(record), *_images(record, domain_of_item))
    except UNREADABLE as error:
        raise not_readable(error) from error
    return None


def sequence_number(record: Mapping[str, Any]) -> str:
    """By which the stream can be told to begin again with a record."""
    return str(record["dynamodb"]["SequenceNumber"])


def not_readable(error: Exception) -> PayloadError:
    """What is raised for a record that is not one of this table."""
    reason = f"is not a stream record of this table: {error!r:.200}"
    return PayloadError(reason, field="dynamodb")


def _partition_of_facts(record: Mapping[str, Any]) -> str:
    """Partition key of the facts that a record wrote; empty for other items and removed ones."""
    key = from_attributes(record["dynamodb"]["Keys"])
    expired = (record.get("userIdentity") or {}).get("principalId") == _TTL_PRINCIPAL
    if record["eventName"] == "REMOVE" or expired or key["sk"] != FACTS:
        return ""
    return str(key["pk"])


def _when(record: Mapping[str, Any]) -> tuple[str, datetime]:
    written_at = record["dynamodb"]["ApproximateCreationDateTime"]
    return str(record["eventID"]), datetime.fromtimestamp(written_at, UTC)


def _images[Facts](
    record: Mapping[str, Any], read: Callable[[Item], Facts]
) -> tuple[Facts | None, Facts]:
    change = record["dynamodb"]
    old = change.get("OldImage")
    return read(from_attributes(old)) if old else None, read(from_attributes(change["NewImage"]))
