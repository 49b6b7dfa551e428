"""Lists of what is suppressed, read through the entries of lead sources.

There is no index of what is suppressed, since that is computed from facts on every read. But every
suppression has an entry under a lead source, or among those that people made. So a list goes
through these and then the sources by name, through the entries of each by address, and decides
about every address from its facts. A domain that a person added has an entry, too, after all
addresses; one that DNS shows dead has none, only the addresses there do.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from bounceledger.ledger import items
from bounceledger.ledger.attributes import Item
from bounceledger.ledger.results import CheckResult, DomainResult
from bounceledger.ledger.table import RetryBudget, Table
from bounceledger.state import Reason, ReasonCode, utc_day
from bounceledger.verdict import Cause

MAX_EXAMINED = 1000
"""Entries that one page looks at."""
MAX_SOURCES_EXAMINED = 100
"""Lead sources whose entries one page of all suppressions looks at."""
TIME_PER_PAGE = timedelta(seconds=1.5)
"""Time after which a page ends with what it has, since a request to the API has 10 s."""
_STEP = 100
"""Entries that are read at once, at least: the facts of as many take two calls."""


class Place(NamedTuple):
    """Where a list goes on.

    Attributes:
        source: the lead source, or `items.MANUAL`.
        subject: the last address, or host name, under it that was looked at; empty for none.
    """

    source: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which suppressions a list has.

    Attributes:
        reason: the reason that is reported; None for any.
        category: what was said, as it is reported; None for anything.
        first: first UTC day of the latest evidence for the reported reason; None for any.
        last: its last UTC day, likewise.
    """

    reason: ReasonCode | None = None
    category: Cause | None = None
    first: date | None = None
    last: date | None = None

    def has(self, reason: Reason, last_seen: datetime | None) -> bool:
        """Whether a list has an address or a domain with this reported reason.

        Args:
            reason: that is reported.
            last_seen: when it was last said or found, see `Listed`.
        """
        if self.reason not in (None, reason.code) or self.category not in (None, reason.cause):
            return False
        if self.first is None and self.last is None:
            return True
        if last_seen is None:
            return False
        day = utc_day(last_seen)
        return (self.first or day) <= day <= (self.last or day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A suppressed address in a list.

    Attributes:
        result: what is known of it, and the decision.
        lead_source: the lead source under which it was found; None if a person added it.
        last_seen: when what the reported reason rests on was last said, found or entered.
    """

    result: CheckResult
    lead_source: str | None
    last_seen: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDomain:
    """A domain in a list, suppressed since a person added it.

    Attributes:
        result: what is known of it, and the decision.
        last_seen: when a person added it.
    """

    result: DomainResult
    last_seen: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list, which may be empty although there is more.

    Attributes:
        listed: suppressed addresses, and domains that people added.
        examined: entries that were looked at.
        following: where the next page begins; None on the last.
    """

    listed: Sequence[Listed | ListedDomain]
    examined: int
    following: Place | None


def entries_after(
    table: Table, at: Place, limit: int, budget: RetryBudget
) -> tuple[list[Item], bool]:
    """Entries under a lead source, or those that people made, from a place on.

    Args:
        table: the table.
        at: the place; its subject is left out.
        limit: entries at most.
        budget: how long and how often to try.

    Returns:
        The entries by key, and whether there are more.
    """
    pk, keys = items.entries_range(at.source)
    after = items.source_key(*at).sk if at.subject else ""
    return table.up_to(limit, pk, keys, budget, after=after)


class Listing:
    """Reads pages of a list.

    Args:
        table: the table.
        check: decides about addresses, see `Ledger.check`.
        check_domains: decides about domains, see `Ledger.check_domains`.
        budget: makes the limits of one call.
        clock: now, aware.
    """

    def __init__(
        self,
        table: Table,
        check: Callable[[Sequence[str]], Sequence[CheckResult]],
        check_domains: Callable[[Sequence[str]], Sequence[DomainResult]],
        budget: Callable[[], RetryBudget],
        clock: Callable[[], datetime],
    ) -> None:
        self._table = table
        self._check = check
        self._check_domains = check_domains
        self._budget = budget
        self._clock = clock

    def of_source(self, source: str, sought: Sought, limit: int, after: Place | None) -> Page:
        """A page of the suppressed addresses about which a lead source has an entry."""
        place = after or Place(source)
        return self._page([place], sought, limit, following=None, each_once=False)

    def of_all(self, sought: Sought, limit: int, after: Place | None) -> Page:
        """A page of all suppressions, each address under one lead source only."""
        place = after or Place(items.MANUAL)
        pk, names = items.source_list_range(place.source)
        found, _ = self._table.up_to(MAX_SOURCES_EXAMINED + 1, pk, names, self._budget())
        sources = [str(item["sk"]) for item in found]
        if place.source == items.MANUAL:  # it sorts before all names, and is on no list
            sources = [items.MANUAL, *sources][: MAX_SOURCES_EXAMINED + 1]
        places = [place if source == place.source else Place(source) for source in sources]
        following = places.pop() if len(places) > MAX_SOURCES_EXAMINED else None
        return self._page(places, sought, limit, following=following, each_once=True)

    def _page(
        self,
        places: Sequence[Place],
        sought: Sought,
        limit: int,
        *,
        following: Place | None,
        each_once: bool,
    ) -> Page:
        """Go through some sources, from a place in each.

        Args:
            places: at least where the list goes on.
            sought: what the list has.
            limit: addresses and domains on the page at most.
            following: what follows the last of the places; None for the end.
            each_once: leave out an address under another source than `listed_under`.
        """
        end = self._clock() + TIME_PER_PAGE
        listed: list[Listed | ListedDomain] = []
        examined = 0
        for place in places:
            at, more = place, True
            while more:
                room = min(MAX_EXAMINED - examined, max(_STEP, limit - len(listed)))
                out_of_time = at != places[0] and self._clock() >= end
                if room <= 0 or len(listed) >= limit or out_of_time:
                    return Page(listed=listed, examined=examined, following=at)
                subjects, more = self._subjects(at, room)
                results = zip(subjects, self._results(subjects), strict=True)
                for number, (subject, result) in enumerate(results, 1):
                    examined += 1
                    at = Place(at.source, subject)
                    if isinstance(result, DomainResult):
                        listed += _listed_domain(result, sought)
                    else:
                        listed += _listed(result, at.source, sought, each_once=each_once)
                    if len(listed) >= limit and (more or number < len(subjects)):
                        return Page(listed=listed, examined=examined, following=at)
        return Page(listed=listed, examined=examined, following=following)

    def _subjects(self, at: Place, limit: int) -> tuple[list[str], bool]:
        found, more = entries_after(self._table, at, limit, self._budget())
        return [items.subject_of_entry(item) for item in found], more

    def _results(self, subjects: Sequence[str]) -> list[CheckResult | DomainResult]:
        """One for each in their order: all addresses come before the domains."""
        addresses = [subject for subject in subjects if "@" in subject]
        domains = subjects[len(addresses) :]
        return [*self._check(addresses), *(self._check_domains(domains) if domains else ())]


def _listed(
    result: CheckResult, source: str, sought: Sought, *, each_once: bool
) -> Iterator[Listed]:
    """The address as an entry of the list, if the list has it under this source."""
    reason = result.decision.reported
    # An erased address may have entries only until they are purged.
    if reason is None or reason.code is ReasonCode.ERASED:
        return
    lead_source = None if source == items.MANUAL else source
    if each_once and result.facts and result.facts.listed_under != lead_source:
        return
    last_seen = _last_seen(reason, result)
    if sought.has(reason, last_seen):
        yield Listed(result=result, lead_source=lead_source, last_seen=last_seen)


def _listed_domain(result: DomainResult, sought: Sought) -> Iterator[ListedDomain]:
    """The domain as an entry of the list, while what a person added is in force."""
    reason, manual = result.decision.reported, result.domain.manual
    if reason is None or reason.code is not ReasonCode.MANUAL:
        return
    last_seen = manual.at if manual else None
    if sought.has(reason, last_seen):
        yield ListedDomain(result=result, last_seen=last_seen)


def _last_seen(reason: Reason, result: CheckResult) -> datetime | None:
    if reason.evidence:
        return reason.evidence.last
    if reason.code is ReasonCode.MANUAL and result.facts and result.facts.manual:
        return result.facts.manual.at
    probe = result.domain.probe if result.domain else None
    return probe.probed_at if reason.code is ReasonCode.DEAD_DOMAIN and probe else None
