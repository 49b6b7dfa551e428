"""The daily audit: reads the counts of all lead sources, ranks them, and writes the report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import batched

from bounceledger.announcements.announcement import Announcement
from bounceledger.announcements.bus import Bus, not_published
from bounceledger.announcements.lead_sources import flagged, standing_verdicts
from bounceledger.api import audits
from bounceledger.api.requests import DEFAULT_DAYS, period_before
from bounceledger.audit import AuditThresholds, SourcePeriod, is_cleared
from bounceledger.errors import BounceledgerError, LedgerError, QueueError
from bounceledger.ledger import Counts, Ledger, ReportHeader
from bounceledger.queues import DeadLetters

GIVE_UP_AFTER = timedelta(days=3)
"""Age of the report before from which an event is dead-lettered that the bus does not take.

Until then the next run sends it. The report before can be read for six days.
"""
_NAMES = 1000
"""Lead sources of one page of their list."""
_STEP = 50
"""Lead sources whose counts are in memory at once, since their samples are large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcing:
    """Where changes of verdicts are announced.

    Attributes:
        bus: where events are published.
        dead_letters: where events end, whole and with the reason, that cannot be published.
    """

    bus: Bus
    dead_letters: DeadLetters


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRun:
    """What an audit did.

    Attributes:
        sources: lead sources in the report.
        verdicts: how many of them have each verdict.
        announced: events that were published.
        given_up: IDs of the events that were dead-lettered.
    """

    sources: int
    verdicts: dict[str, int]
    announced: int = 0
    given_up: tuple[str, ...] = ()


def run_audit(
    ledger: Ledger,
    thresholds: AuditThresholds,
    *,
    announcing: Announcing | None,
    now: datetime,
    deadline: datetime,
) -> AuditRun:
    """Audit all lead sources over the days that the API has by default.

    Counts are read from the shards each time and never added to: late events and DNS change days
    that are long over.

    Args:
        ledger: reads counts, and reads and writes reports.
        thresholds: by which lead sources are judged.
        announcing: where verdicts that became bad, or ceased to be, are announced; None for
            nowhere.
        now: the time, aware.
        deadline: after this moment nothing new is begun.

    Raises:
        LedgerError: the table did not answer, there was no time left, or another run is under way.
            The newest report is as it was.
        BusError, QueueError: events were neither published nor dead-lettered. The report is
            written; the next run sends them.
    """
    last = now.date()
    first = last - timedelta(days=DEFAULT_DAYS - 1)
    figures: list[audits.SourceFigures] = []
    before: list[SourcePeriod] = []
    overflow, final_from = 0, None
    for names in _names(ledger):
        for counted in _counted(ledger, names, first, last, deadline):
            figures.append(audits.figures_of(counted))
            overflow, final_from = counted.overflow, counted.final_from
        earlier = _counted(ledger, names, *period_before(first, last), deadline)
        before += map(audits.period_of, earlier)
    header = ReportHeader(
        made_at=now,
        first=first,
        last=last,
        final_from=final_from,
        overflow=overflow,
        thresholds=audits.thresholds_fields(thresholds),
    )
    rows = audits.rows(figures, first, last, thresholds=thresholds, now=now, before=before)
    verdicts: dict[str, int] = {}
    for row in rows:
        verdicts[row["verdict"]] = verdicts.get(row["verdict"], 0) + 1
    reports, previous = ledger.reports, ledger.reports.newest()
    # Without an event bus, nothing is compared.
    base = reports.of_generation(previous.announced) if announcing and previous else None
    stood = reports.standing(base.generation) if base else {}
    periods = {one.period.source: one.period for one in figures}
    standing = standing_verdicts(
        rows, stood, lambda source: is_cleared(periods[source], thresholds)
    )
    reports.write(header, rows, standing)
    sent = _Sent()
    if announcing and base:
        events = flagged(rows, header, standing, stood, base.generation)
        sent = _publish(announcing, events, is_last_try=now >= base.made_at + GIVE_UP_AFTER)
    announced = base.generation if base and sent.failure else header.generation
    reports.switch(replace(header, announced=announced), previous)
    if sent.failure:
        raise sent.failure
    return AuditRun(
        sources=len(rows),
        verdicts=verdicts,
        announced=sent.published,
        given_up=tuple(sent.given_up),
    )


def _names(ledger: Ledger) -> Iterator[tuple[str, ...]]:
    """All lead sources, some at a time."""
    after, more = "", True
    while more:
        names, more = ledger.source_names(limit=_NAMES, after=after)
        yield from batched(names, _STEP, strict=False)
        after = names[-1] if names else after


def _counted(
    ledger: Ledger, names: tuple[str, ...], first: date, last: date, deadline: datetime
) -> list[Counts]:
    found = ledger.counts_of(names, first, last, deadline=deadline)
    if len(found) < len(names):
        raise LedgerError("there was no time left to read the counts of all lead sources")
    return found


@dataclass(slots=True)
class _Sent:
    """What became of events: how many were published, the IDs of the dead-lettered, a failure."""

    published: int = 0
    given_up: list[str] = field(default_factory=list)
    failure: BounceledgerError | None = None


def _publish(announcing: Announcing, events: Sequence[Announcement], *, is_last_try: bool) -> _Sent:
    """Publish events, and dead-letter those that the bus will not take.

    While some are to be sent again, none is dead-lettered, since all of them are sent again then.
    """
    errors = announcing.bus.publish(events) if events else []
    left = [(event, error) for event, error in zip(events, errors, strict=True) if error]
    sent = _Sent(published=len(events) - len(left))
    if not is_last_try:
        sent.failure = next((error for _, error in left if error.retry_helps), None)
    if sent.failure is None:
        for event, error in left:
            try:
                announcing.dead_letters.send(announcing.bus.text_of(event), not_published(error))
            except QueueError as down:
                sent.failure = down
                break
            sent.given_up.append(event.id)
    return sent
