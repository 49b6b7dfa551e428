"""What the API says about one address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class CheckedAddress:
    """Whether one address may be mailed, and why not.

    Attributes:
        input: the address as given.
        address: its canonical form; empty if it cannot be an address.
        suppressed: whether it must not be mailed.
        error: why it cannot be an address; empty if it can.
        reason: why it is suppressed, such as ``hard_bounce``; None if it is not.
        category: what the receiving server said, such as ``mailbox_unknown``; likewise.
        scope: ``address``, ``domain`` or ``none``: how much is suppressed.
        explanation: the decision in words, for people.
        suppressed_until: when the suppression ends by itself; None if it does not.
        unconfirmed: DNS does not confirm what the server said about the domain.
        lead_sources: sources with evidence about it, the earliest first; at most 20.
        alternate_domain: a domain that was probably meant instead; None for none.
    """

    input: str
    address: str
    suppressed: bool
    error: str = ""
    reason: str | None = None
    category: str | None = None
    scope: str = "none"
    explanation: str = ""
    suppressed_until: datetime | None = None
    unconfirmed: bool = False
    lead_sources: tuple[str, ...] = ()
    alternate_domain: str | None = None

    @property
    def deliverable(self) -> bool:
        """Whether it is an address that may be mailed."""
        return not (self.suppressed or self.error)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> CheckedAddress:
        """One row of ``POST /v1/suppressions/check``. Fields that are new are left out."""
        if row.get("error"):
            return cls(input=str(row["input"]), address="", suppressed=False, error=row["error"])
        return cls(
            input=row["input"],
            address=row["address"],
            suppressed=row["suppressed"],
            reason=row["reason"],
            category=row["category"],
            scope=row["scope"],
            explanation=row["explanation"],
            suppressed_until=time_in(row["suppressed_until"]),
            unconfirmed=row["unconfirmed"],
            lead_sources=tuple(row["lead_sources"]),
            alternate_domain=row["alternate_domain"],
        )


def time_in(value: object) -> datetime | None:
    """The time in a field of an answer; None where it has none."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))  # Python 3.10 reads no Z
    except ValueError:
        return None
