"""Lead sources with their audit: rows of `GET /v1/sources`, one source, and its evidence.

Apart from `responses`, since few requests ask for an audit and `bounceledger.audit` takes time to
load.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bounceledger import audit
from bounceledger.api import responses
from bounceledger.api.responses import CATEGORY_PREFIX, JsonObject
from bounceledger.audit import (
    DEAD,
    MAX_ERROR,
    AuditThresholds,
    DeadAddress,
    SourceAudit,
    SourcePeriod,
    SourceWeek,
)
from bounceledger.ledger import Counts, DeadEntry, DeadPage, ReportHeader
from bounceledger.settings import Settings
from bounceledger.state import DomainFacts
from bounceledger.state.facts import meaning_of
from bounceledger.state.rates import messages_sent
from bounceledger.state.samples import union
from bounceledger.verdict import Category

NOT_COUNTED = (
    "Deliveries are not counted (CountDeliveries), so it is unknown how many addresses were mailed."
)
"""Explanation of a source about which there cannot be a verdict."""

_HEADLINE = (
    *("list_attributable", "verdict", "needed", "explanation"),
    *("differs", "change", "claims"),
)
"""Fields of an audit's source that every row has."""
_DETAILS = (
    *("raw", "outcomes", "categories"),
    *("no_mail_domains", "worst_domains", "lead_age"),
)
"""Fields that only the answer about one source has."""
_SAID = (
    *("first_seen", "last_seen", "count"),
    *("reply_code", "enhanced_status", "diagnostic", "rule"),
)
"""Fields of `responses.evidence_fields` that a hard bounce has."""
_WEEK = ("delivered", "hard", "soft", "block", "complaint")


class Order(StrEnum):
    """How lead sources are sorted: the worst verdict first, or by name."""

    VERDICT = "verdict"
    NAME = "name"


def thresholds_of(settings: Settings) -> AuditThresholds:
    """The thresholds of a deployment."""
    return AuditThresholds.of_percent(
        bad_above=settings.audit_bad_above, good_below=settings.audit_good_below
    )


def thresholds_fields(thresholds: AuditThresholds) -> JsonObject:
    """Thresholds as answers have them."""
    return audit.thresholds_document(thresholds)


def period_of(counted: Counts, dead: Iterable[DeadEntry] | None = None) -> SourcePeriod:
    """What an audit is made from, of what the ledger counted.

    Args:
        counted: of one source and period. If addresses were not counted, none are in the period.
        dead: the dead addresses one by one; None if they were not read.
    """
    found = counted.addresses()
    is_counted = found.mailed is not None
    totals: Counter[str] = Counter()
    for day in counted.days.values():
        totals.update(day)
    # Shards and claims are read one after the other, so a sum may be below zero for a moment.
    totals = +totals
    categories = {c: totals[name] for c in Category if (name := f"{CATEGORY_PREFIX}{c}") in totals}
    return SourcePeriod(
        source=counted.source,
        mailed=found.mailed or 0,
        mailed_error=min(found.mailed_error, MAX_ERROR),
        unanswered=found.unanswered,
        unconfirmed=found.unconfirmed if is_counted else 0,
        dead={c: n for c in DEAD if (n := found.dead.get(c, 0)) > 0} if is_counted else {},
        outcomes={n: v for n, v in totals.items() if not n.startswith(CATEGORY_PREFIX)},
        categories=categories,
        claims_refuted=totals["claims_refuted"],
        claims_unconfirmed=totals["claims_unconfirmed"],
        claims_complete=counted.claims_complete,
        days=counted.days,
        weeks=_weeks(counted),
        dead_addresses=None if dead is None else [_dead_address(entry) for entry in dead],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFigures:
    """What a row is made from: what the ledger counted, without its samples, which are large.

    Attributes:
        period: what the audit is made from.
        fields: of the row that need no audit.
        weeks: messages by outcome, for each week of `period`.
        addresses_counted: whether it is known how many addresses were mailed.
    """

    period: SourcePeriod
    fields: JsonObject
    weeks: Sequence[JsonObject]
    addresses_counted: bool


def figures_of(counted: Counts, dead: Iterable[DeadEntry] | None = None) -> SourceFigures:
    """What a row is made from; arguments as in `period_of`."""
    return SourceFigures(
        period=period_of(counted, dead),
        fields={**responses.source_totals(counted), "dead_domains": counted.dead_domains},
        weeks=[_week(counted, days) for days in _days_by_week(counted).values()],
        addresses_counted=counted.samples is not None,
    )


def _weeks(counted: Counts) -> list[SourceWeek]:
    samples = counted.samples or {}
    return [
        SourceWeek(
            start=start,
            mailed=union(samples[day] for day in days if day in samples).mailed,
            dead=max(0, sum(sum(counted.dead.get(day, {}).values()) for day in days)),
        )
        for start, days in _days_by_week(counted).items()
    ]


def _days_by_week(counted: Counts) -> dict[date, list[date]]:
    """The days with counts, by the Monday of their week."""
    weeks: dict[date, list[date]] = {}
    for day in sorted({*counted.days, *counted.dead, *(counted.samples or ())}):
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(day)
    return weeks


def _dead_address(entry: DeadEntry) -> DeadAddress:
    return DeadAddress(
        domain=entry.address.rpartition("@")[2],
        category=entry.category,
        bounced_at=entry.evidence.first if entry.evidence else None,
        lead_date=entry.evidence.lead_date if entry.evidence else None,
    )


def rows(
    figures: Sequence[SourceFigures],
    first: date,
    last: date,
    *,
    thresholds: AuditThresholds,
    now: datetime,
    before: Iterable[SourcePeriod] = (),
    order: Order = Order.VERDICT,
) -> list[JsonObject]:
    """Lead sources with the headline figures of their audit.

    Args:
        figures: of the sources.
        first: first UTC day.
        last: last UTC day, included.
        thresholds: by which they are judged.
        now: the time.
        before: the period before, of any of the sources.
        order: how to sort; by verdict, these must be all sources, and each is compared with the
            others.
    """
    by_source = {one.period.source: one for one in figures}
    found = audit.audit(
        [one.period for one in figures],
        start=first,
        end=last,
        generated_at=now,
        thresholds=thresholds,
        before=before,
        compare=order is Order.VERDICT,
    ).sources
    if order is Order.NAME:
        found = sorted(found, key=lambda source: source.source)
    return [_row(source, by_source[source.source], thresholds) for source in found]


def sources(
    found: Sequence[JsonObject],
    header: ReportHeader,
    *,
    order: Order,
    next_cursor: str | None,
) -> JsonObject:
    """A page of lead sources.

    Args:
        found: their `rows`.
        header: what they are about, and when they were made.
        order: how they are sorted.
        next_cursor: of the next page; None if there is none.
    """
    return {
        "from": header.first.isoformat(),
        "to": header.last.isoformat(),
        "sorted_by": order.value,
        "as_of": responses.time_text(header.made_at.replace(microsecond=0)),
        "thresholds": dict(header.thresholds),
        "sources": list(found),
        "final_from": header.final_from.isoformat() if header.final_from else None,
        "overflow": header.overflow,
        "next_cursor": next_cursor,
    }


def header_of(
    counted: Sequence[Counts],
    first: date,
    last: date,
    *,
    thresholds: AuditThresholds,
    now: datetime,
) -> ReportHeader:
    """What rows are about.

    Args:
        counted: from which they are made.
        first: first UTC day.
        last: last UTC day, included.
        thresholds: by which they are judged.
        now: the time.
    """
    return ReportHeader(
        made_at=now,
        first=first,
        last=last,
        final_from=next((one.final_from for one in counted if one.final_from), None),
        overflow=max((one.overflow for one in counted), default=0),
        thresholds=thresholds_fields(thresholds),
    )


def source(
    counted: Counts,
    before: Counts,
    dead: DeadPage,
    first: date,
    last: date,
    *,
    thresholds: AuditThresholds,
    now: datetime,
) -> JsonObject:
    """One lead source with everything that its audit says.

    Args:
        counted: what the ledger found.
        before: what it found for the period before.
        dead: dead addresses of the period.
        first: first UTC day.
        last: last UTC day, included.
        thresholds: by which it is judged.
        now: the time.
    """
    domains: dict[str, DomainFacts] = {
        entry.domain.domain: entry.domain for entry in dead.found if entry.domain
    }
    figures = figures_of(counted, dead.found)
    [found] = audit.audit(
        [figures.period],
        start=first,
        end=last,
        generated_at=now,
        thresholds=thresholds,
        before=[period_of(before)],
        domains=domains,
        compare=False,
    ).sources
    document = audit.source_document(found, thresholds)
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "as_of": responses.time_text(now.replace(microsecond=0)),
        "thresholds": audit.thresholds_document(thresholds),
        **_row(found, figures, thresholds),
        **{name: document[name] for name in _DETAILS},
        "examined": dead.examined,
        "truncated": dead.following is not None,
        "final_from": counted.final_from.isoformat() if counted.final_from else None,
        "overflow": counted.overflow,
    }


def _row(found: SourceAudit, figures: SourceFigures, thresholds: AuditThresholds) -> JsonObject:
    document = audit.source_document(found, thresholds)
    weeks = zip(document["weeks"], figures.weeks, strict=True)
    row = {
        **figures.fields,
        **{name: document[name] for name in _HEADLINE},
        "weeks": [{"from": week["from"], **outcomes, **week} for week, outcomes in weeks],
    }
    if not figures.addresses_counted:
        row |= {"needed": None, "explanation": NOT_COUNTED}
        row["weeks"] = [week | {"mailed": None} for week in row["weeks"]]
    return row


def _week(counted: Counts, days: Iterable[date]) -> JsonObject:
    outcomes: Counter[str] = Counter()
    for day in days:
        outcomes.update(counted.days.get(day, {}))
    return {"sent": messages_sent(outcomes)} | {name: outcomes[name] for name in _WEEK}


def evidence(
    source: str, page: DeadPage, first: date, last: date, next_cursor: str | None
) -> JsonObject:
    """A page of a lead source's dead addresses, each with what proves it.

    Args:
        source: the lead source.
        page: what the ledger found.
        first: first UTC day of mailing.
        last: last UTC day, included.
        next_cursor: of the next page; None if there is none.
    """
    return {
        "lead_source": source,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "evidence": [_proof(entry) for entry in page.found],
        "examined": page.examined,
        "next_cursor": next_cursor,
    }


def _proof(entry: DeadEntry) -> JsonObject:
    said = entry.evidence
    fields = responses.evidence_fields(said)
    return {
        "address": entry.address,
        "category": entry.category.value,
        "lead_date": said.lead_date.isoformat() if said and said.lead_date else None,
        "mailed_at": responses.time_text(entry.mailed_at),
        **{name: fields[name] for name in _SAID},
        "message_id": (said.message_id or None) if said else None,
        "domain": _domain(entry.domain) if entry.domain else None,
    }


def _domain(facts: DomainFacts) -> JsonObject | None:
    """What DNS says about a domain; None if it was never asked."""
    probe = facts.probe
    if probe is None:
        return None
    return {
        "name": facts.domain,
        "verdict": probe.verdict.value,
        "explanation": meaning_of(probe.verdict),
        "probed_at": responses.time_text(probe.probed_at),
        "records": audit.records_line(probe.details),
    }
