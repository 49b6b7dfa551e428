"""The daily audit: reads the counts of all lead sources, ranks them, and writes the report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import batched

from bounceledger.announcements.announcement import Announcement
from bounceledger.announcements.bus import Bus
from bounceledger.announcements.lead_sources import flagged
from bounceledger.api import audits
from bounceledger.api.requests import DEFAULT_DAYS, period_before
from bounceledger.api.responses import JsonObject
from bounceledger.audit import AuditThresholds, SourcePeriod
from bounceledger.errors import BusError, LedgerError
from bounceledger.ledger import Counts, Ledger, ReportHeader, Reports

_NAMES = 1000
"""Lead sources of one page of their list."""
_STEP = 50
"""Lead sources whose counts are in memory at once, since their samples are large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRun:
    """What an audit did.

    Attributes:
        sources: lead sources in the report.
        verdicts: how many of them have each verdict.
        announced: events that were published.
    """

    sources: int
    verdicts: dict[str, int]
    announced: int


def run_audit(
    ledger: Ledger,
    thresholds: AuditThresholds,
    *,
    bus: Bus | None,
    now: datetime,
    deadline: datetime,
) -> AuditRun:
    """Audit all lead sources over the days that the API has by default.

    Counts are read from the shards each time and never added to: late events and DNS change days
    that are long over.

    Args:
        ledger: reads counts, and reads and writes reports.
        thresholds: by which lead sources are judged.
        bus: where verdicts that became bad, or ceased to be, are announced; None for nowhere.
        now: the time, aware.
        deadline: after this moment nothing new is begun.

    Raises:
        LedgerError: the table did not answer, there was no time left, or another run is under way.
            The newest report is as it was.
        BusError: events were not published. The report is written; the next run sends them, unless
            the bus rejected them for good.
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
    since = previous.announced if previous else ""
    reports.write(header, rows)
    events = _changes(reports, rows, header, since) if bus and since else []
    failure = _publish(bus, events) if bus and events else None
    announced = since if failure and failure.retry_helps else header.generation
    reports.switch(replace(header, announced=announced), previous)
    if failure:
        raise failure
    return AuditRun(sources=len(rows), verdicts=verdicts, announced=len(events))


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


def _changes(
    reports: Reports, rows: Sequence[JsonObject], header: ReportHeader, since: str
) -> list[Announcement]:
    """Events about what changed since an earlier report; none if its rows have expired."""
    if reports.of_generation(since) is None:
        return []
    verdicts = {str(row["lead_source"]): str(row["verdict"]) for row in reports.all_rows(since)}
    return flagged(rows, header, verdicts, since)


def _publish(bus: Bus, events: Sequence[Announcement]) -> BusError | None:
    """Publish events.

    Returns:
        Why some were not published; None if all were. An error after which a retry helps comes
        first, since all events have to be sent again then.
    """
    errors = [error for error in bus.publish(events) if error]
    return next((error for error in errors if error.retry_helps), next(iter(errors), None))
