"""The dead addresses of a lead source, read through its entries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bounceledger.ledger import items
from bounceledger.ledger.listing import MAX_EXAMINED, TIME_PER_PAGE, Place, entries_after
from bounceledger.ledger.results import CheckResult
from bounceledger.ledger.table import RetryBudget, Table
from bounceledger.state import (
    Attribution,
    ClaimStanding,
    DomainFacts,
    Evidence,
    SourceEntry,
    standing_of,
    utc_day,
)
from bounceledger.verdict import DISPOSITIONS, Category, Disposition

_STEP = 200
"""Entries that are read at once, at least: the facts of as many take four calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadEntry:
    """An address that counts as dead for a lead source, with what a mail server said.

    Attributes:
        address: canonical form.
        category: what the address counts for.
        mailed_at: when the message was mailed, whose UTC day it counts on.
        evidence: what was said for this category about messages to the source's leads; None if
            it was not kept.
        domain: facts of its host name; None if it was never probed.
    """

    address: str
    category: Category
    mailed_at: datetime
    evidence: Evidence | None
    domain: DomainFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadPage:
    """A part of a source's dead addresses, which may be empty although there is more.

    Attributes:
        found: the dead addresses.
        examined: entries that were looked at.
        following: where the next part begins; None on the last.
    """

    found: Sequence[DeadEntry]
    examined: int
    following: Place | None


class DeadAddresses:
    """Reads them page by page. Arguments as for `listing.Listing`."""

    def __init__(
        self,
        table: Table,
        check: Callable[[Sequence[str]], Sequence[CheckResult]],
        budget: Callable[[], RetryBudget],
        clock: Callable[[], datetime],
    ) -> None:
        self._table = table
        self._check = check
        self._budget = budget
        self._clock = clock

    def page(self, after: Place, first: date, last: date, limit: int) -> DeadPage:
        """A page of those that count on some UTC days of mailing.

        Args:
            after: the source, and the last address that was looked at.
            first: first day.
            last: last day, included.
            limit: addresses at most.
        """
        end = self._clock() + TIME_PER_PAGE
        found: list[DeadEntry] = []
        examined, at, more = 0, after, True
        while more:
            room = min(MAX_EXAMINED - examined, max(_STEP, limit - len(found)))
            if room <= 0 or (examined and self._clock() >= end):
                return DeadPage(found=found, examined=examined, following=at)
            entries, more = self._entries(at, room)
            results = self._check([entry.address for entry in entries])
            for number, (entry, result) in enumerate(zip(entries, results, strict=True), 1):
                examined += 1
                at = Place(at.source, entry.address)
                dead = _dead(entry, result)
                if dead and first <= utc_day(dead.mailed_at) <= last:
                    found.append(dead)
                if len(found) >= limit and (more or number < len(entries)):
                    return DeadPage(found=found, examined=examined, following=at)
        return DeadPage(found=found, examined=examined, following=None)

    def _entries(self, at: Place, limit: int) -> tuple[list[SourceEntry], bool]:
        found, more = entries_after(self._table, at, limit, self._budget())
        return [items.source_of_item(item) for item in found], more


def _dead(entry: SourceEntry, result: CheckResult) -> DeadEntry | None:
    """The address as the counters have it for this source; None if it does not count as dead."""
    charged = result.facts.charged.get(entry.lead_source) if result.facts else None
    if charged is None or (category := _hard(charged)) is None:
        return None
    if charged.said_at is not None:
        standing = standing_of(charged.said_at, result.domain)
        if standing is not ClaimStanding.CONFIRMED:
            return None
    return DeadEntry(
        address=entry.address,
        category=category,
        mailed_at=charged.at,
        evidence=entry.evidence.get(charged.cause),
        domain=result.domain,
    )


def _hard(charged: Attribution) -> Category | None:
    """What the address counts for; None for a complaint, or what only a newer version knows."""
    category = charged.cause.category
    return category if category and DISPOSITIONS[category] is Disposition.HARD else None
