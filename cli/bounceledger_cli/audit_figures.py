"""The audit document, made from what the API answers about all lead sources."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from bounceledger import audit
from bounceledger.audit.periods import MAX_ERROR
from bounceledger.verdict import Category

type Row = Mapping[str, Any]
"""A lead source, as the API answers it."""
type Document = dict[str, Any]

BY_VERDICT = "verdict"
"""The `sorted_by` of a list whose order, and comparisons, are over all lead sources."""

_JUDGED = ("list_attributable", "verdict", "needed", "explanation", "change", "claims")
"""Figures of a row that are the API's own; it has more of the counts than a row shows."""
_DETAILS = (
    *("change", "dead_domains", "no_mail_domains", "worst_domains", "lead_age"),
    *("examined", "truncated"),
)
"""Figures that only the answer about one source has."""


def document(
    rows: Sequence[Row],
    pages: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    reported_bounce_rate: float | None = None,
) -> Document:
    """The audit of all lead sources, as ``--json`` prints it.

    What the API leaves open in a list of many pages is computed here, from the same counts by the
    same functions: how each source differs from all others, and which is the worst.

    Args:
        rows: all lead sources.
        pages: the pages they came on, at least one, which say ``from``, ``to``, ``thresholds``,
            ``sorted_by``, ``as_of``, ``final_from`` and ``overflow``.
        now: the time, aware.
        reported_bounce_rate: SES's own figure, 0.0 to 1.0; None if it was not read.

    Raises:
        SettingsError: the thresholds are impossible.
    """
    page = pages[0]
    thresholds = audit.AuditThresholds(**_known(page.get("thresholds") or {}))
    by_name = {str(row.get("lead_source") or ""): row for row in rows}
    final_from = next((day for one in pages if (day := one.get("final_from"))), None)
    found = audit.document(
        audit.audit(
            [_period(name, row) for name, row in by_name.items()],
            start=date.fromisoformat(page["from"]),
            end=date.fromisoformat(page["to"]),
            generated_at=_time(page.get("as_of")) or now,
            thresholds=thresholds,
            final_from=date.fromisoformat(final_from) if final_from else None,
            reported_bounce_rate=reported_bounce_rate,
        )
    )
    for source in found["sources"]:
        row = by_name[source["source"]]
        source |= {name: row[name] for name in _JUDGED if name in row}
        source["differs"] = row.get("differs") or source["differs"]
        source["dead_domains"] = row.get("dead_domains")
    if page.get("sorted_by") == BY_VERDICT:
        places = {name: place for place, name in enumerate(by_name)}
        found["sources"].sort(key=lambda source: places[source["source"]])
    verdicts = Counter(source["verdict"] for source in found["sources"])
    found["account"]["verdicts"] = {name: verdicts[name] for name in audit.SourceVerdict}
    found["overflow"] = max(one.get("overflow") or 0 for one in pages)
    return found


def with_details(source: Document, answer: Row) -> Document:
    """A source of the document with what the API answers about it alone."""
    return source | {name: answer[name] for name in _DETAILS if answer.get(name) is not None}


def _known(thresholds: Mapping[str, Any]) -> dict[str, Any]:
    """The thresholds without those of a later version."""
    names = {field.name for field in fields(audit.AuditThresholds)}
    return {name: value for name, value in thresholds.items() if name in names}


def _period(name: str, row: Row) -> audit.SourcePeriod:
    addresses, totals = row.get("addresses") or {}, row.get("totals") or {}
    claims, weeks = row.get("claims") or {}, row.get("weeks") or []
    mailed = addresses.get("mailed")
    return audit.SourcePeriod(
        source=name,
        mailed=mailed or 0,
        mailed_error=min(addresses.get("mailed_error") or 0.0, MAX_ERROR),
        unanswered=addresses.get("unanswered"),
        unconfirmed=0 if mailed is None else addresses.get("unconfirmed") or 0,
        # Where deliveries are not counted, dead addresses are of an unknown number.
        dead={} if mailed is None else _dead(addresses.get("dead") or {}),
        outcomes=_counts(totals),
        categories=_by_category(totals.get("categories") or {}),
        claims_refuted=claims.get("refuted") or 0,
        claims_unconfirmed=claims.get("unconfirmed") or 0,
        claims_complete=claims.get("complete") is not False,
        days={date.fromisoformat(week["from"]): _counts(week) for week in weeks},
        weeks=[
            audit.SourceWeek(
                start=date.fromisoformat(week["from"]), mailed=week["mailed"], dead=week["dead"]
            )
            for week in weeks
            if week.get("mailed") is not None
        ],
    )


def _dead(counts: Mapping[str, int]) -> dict[Category, int]:
    return {c: n for c, n in _by_category(counts).items() if c in audit.DEAD}


def _by_category(counts: Mapping[str, int]) -> dict[Category, int]:
    """Counts by category, without the categories of a later version."""
    return {c: max(0, counts[c.value]) for c in Category if c.value in counts}


def _counts(values: Mapping[str, Any]) -> dict[str, int]:
    """Numbers by name. One may be below zero while a claim is refuted."""
    return {name: max(0, value) for name, value in values.items() if isinstance(value, int)}


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
