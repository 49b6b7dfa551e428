"""Events about lead sources: whose verdict became bad, or ceased to be."""

from collections.abc import Iterable, Mapping
from typing import Any

from bounceledger.announcements.announcement import Announcement, EventType
from bounceledger.ledger import ReportHeader

BAD = "bad"
_RATE = ("count", "of", "rate", "low", "high")


def flagged(
    rows: Iterable[Mapping[str, Any]],
    header: ReportHeader,
    previous: Mapping[str, str],
    since: str,
) -> list[Announcement]:
    """Events about the lead sources that are bad now and were not, or the other way round.

    Args:
        rows: of an audit report.
        header: of that report.
        previous: verdicts in the report before, by lead source.
        since: generation of the report before. With the lead source and the verdict it identifies
            the event, so that a run that is repeated sends the same one again.
    """
    return [
        _flagged(row, header, before, since)
        for row in rows
        if (row["verdict"] == BAD) != ((before := previous.get(row["lead_source"])) == BAD)
    ]


def _flagged(
    row: Mapping[str, Any], header: ReportHeader, before: str | None, since: str
) -> Announcement:
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
