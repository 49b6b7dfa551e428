"""What a record of the table's stream says about the facts of an address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bounceledger.errors import PayloadError
from bounceledger.ledger.attributes import from_attributes
from bounceledger.ledger.items import ADDRESS_PREFIX, FACTS, to_time
from bounceledger.state import Span
from bounceledger.verdict import DOMAIN_CLAIMS, Cause

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
        key = from_attributes(change["Keys"])
        pk = str(key["pk"])
        expired = (record.get("userIdentity") or {}).get("principalId") == _TTL_PRINCIPAL
        if record["eventName"] == "REMOVE" or expired:
            return None
        if key["sk"] != FACTS or not pk.startswith(ADDRESS_PREFIX):
            return None
        return ClaimsChange(
            address=pk.removeprefix(ADDRESS_PREFIX),
            before=_claims(change.get("OldImage", {})),
            after=_claims(change["NewImage"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"is not a stream record of this table: {error!r:.200}"
        raise PayloadError(reason, field="dynamodb") from error


def _claims(image: Mapping[str, Any]) -> dict[Cause, Span]:
    evidence: Any = from_attributes(image).get("evidence", {})
    return {
        cause: Span(first=to_time(evidence[cause]["first"]), last=to_time(evidence[cause]["last"]))
        for cause in DOMAIN_CLAIMS
        if cause in evidence
    }
