"""An event for the event bus, before it is known which bus that is."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from bounceledger.state import Json

VERSION = "1"
"""Version of the form of every event.

Fields may be added to a version. A field that changes its meaning or goes needs a new one.
"""


class EventType(StrEnum):
    """What is announced; `detail-type` of the event."""

    ADDRESS_SUPPRESSED = "AddressSuppressed"
    SUPPRESSION_REMOVED = "SuppressionRemoved"
    DOMAIN_SUPPRESSED = "DomainSuppressed"
    DOMAIN_RESTORED = "DomainRestored"
    LEAD_SOURCE_FLAGGED = "LeadSourceFlagged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One event.

    Attributes:
        type: what is announced.
        origin: what it follows from, such as the ID of a stream record; no personal data. The same
            event has the same, however often it is made.
        occurred_at: when what it announces happened.
        fields: what its type has beside the fields that all have.
    """

    type: EventType
    origin: str
    occurred_at: datetime
    fields: Mapping[str, Json]

    @property
    def id(self) -> str:
        """By which a receiver knows the event again."""
        return hashlib.sha256(f"{self.type} {self.origin}".encode()).hexdigest()[:32]

    def detail(self, stack: str) -> dict[str, Json]:
        """The event's `detail`.

        Args:
            stack: name of the deployment that announces it.
        """
        return {
            "version": VERSION,
            "id": self.id,
            "stack": stack,
            "occurred_at": time_text(self.occurred_at),
            **self.fields,
        }


def time_text(moment: datetime | None) -> str | None:
    """A time as events have it: ISO 8601, UTC, with ``Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
