"""Events about lead sources: whose verdict became bad, or ceased to be."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bounceledger.announcements.announcement import Announcement, EventType
from bounceledger.ledger import ReportHeader

BAD = "bad"
_RATE = ("count", "of", "rate", "low", "high")

type Row = Mapping[str, Any]
"""A lead source in an audit report."""


def standing_verdicts(
    rows: Iterable[Row], previous: Mapping[str, str], is_cleared: Callable[[str], bool]
) -> dict[str, str]:
    """The verdict by which each lead source is compared: that of its row, or still `bad`.

    A bad source stays that until its addresses show that it is not, since an incident of the sender
    or a pause in mailing says nothing about its vendor. This follows from the report before and the
    counts of now, so that a run that is repeated finds the same.

    Args:
        rows: of an audit report.
        previous: standing verdicts in the report before, by lead source.
        is_cleared: whether the addresses of a lead source show that it is not bad.
    """
    return {
        source: BAD
        if previous.get(source) == BAD and verdict != BAD and not is_cleared(source)
        else verdict
        for source, verdict in ((str(row["lead_source"]), str(row["verdict"])) for row in rows)
    }


def flagged(
    rows: Iterable[Row],
    header: ReportHeader,
    standing: Mapping[str, str],
    previous: Mapping[str, str],
    since: str,
) -> list[Announcement]:
    """Events about the lead sources that are bad now and were not, or the other way round.

    Args:
        rows: of an audit report.
        header: of that report.
        standing: their standing verdicts, by lead source.
        previous: those in the report before.
        since: generation of the report before. With the lead source and the verdict it identifies
            the event, so that a run that is repeated sends the same one again.
    """
    return [
        _flagged(row, header, before, since)
        for row in rows
        if (standing[source := row["lead_source"]] == BAD)
        != ((before := previous.get(source)) == BAD)
    ]


def _flagged(row: Row, header: ReportHeader, before: str | None, since: str) -> Announcement:
    source, verdict = row["lead_source"], row["verdict"]
    return Announcement(
        type=EventType.LEAD_SOURCE_FLAGGED,
        origin=f"{since} {verdict} {source}",
        occurred_at=header.made_at.replace(microsecond=0),
        fields={
            "lead_source": source,
            "verdict": verdict,
            "previous_verdict": before,
            "list_attributable": {name: row["list_attributable"][name] for name in _RATE},
            "period": {"from": header.first.isoformat(), "to": header.last.isoformat()},
        },
    )
