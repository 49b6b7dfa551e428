"""The audit: the figures of every lead source and of the whole account for one period."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bounceledger.audit.comparing import Difference, Sample, differences
from bounceledger.audit.dead_domains import DeadDomains, dead_domains
from bounceledger.audit.intervals import Rate, difference, rate_of
from bounceledger.audit.lead_age import LeadAge, lead_age
from bounceledger.audit.periods import SourcePeriod
from bounceledger.audit.sending_limits import SendingLimits, sending_limits
from bounceledger.audit.thresholds import AuditThresholds
from bounceledger.audit.verdicts import Judgement, SourceVerdict, judge
from bounceledger.state import DomainFacts
from bounceledger.state.rates import BOUNCES, RATES, messages_sent
from bounceledger.verdict import Category

OUTCOMES = ("delivered", *BOUNCES, "complaint", "unsubscribe")
"""Outcomes of messages that an audit shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a source's rate changed against the period before; see `intervals.difference`."""

    before: Rate
    difference: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAudit:
    """One source's figures.

    Attributes:
        period: the counts they are made from.
        judgement: the verdict, with the rate of dead addresses among those mailed.
        raw: share of messages by outcome, for `RATES`.
        differs: from all other sources; None where there is nothing to compare.
        change: against the period before; None where either rate is unknown.
        domains: of the dead addresses; None if they were not read.
        lead_age: of the dead addresses; None where no message had a usable `lead_date`.
    """

    period: SourcePeriod
    judgement: Judgement
    raw: Mapping[str, Rate]
    differs: Difference | None = None
    change: Change | None = None
    domains: DeadDomains | None = None
    lead_age: LeadAge | None = None

    @property
    def source(self) -> str:
        """The lead source."""
        return self.period.source


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWeek:
    """Messages of all sources by outcome, mailed in the week that begins on `start`, a Monday."""

    start: date
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAudit:
    """The figures of all sources together.

    Attributes:
        outcomes, categories: messages, summed over the sources.
        mailed, dead: addresses, summed over the sources: one that two sources supplied is
            counted for both.
        list_attributable: rate of dead addresses, made from these sums.
        raw: share of messages by outcome, for `RATES`.
        verdicts: sources by verdict.
        limits: the account's distance from the provider's limits.
        weeks: messages by week; empty if the days are unknown.
    """

    outcomes: Mapping[str, int]
    categories: Mapping[Category, int]
    mailed: int
    dead: Mapping[Category, int]
    list_attributable: Rate
    raw: Mapping[str, Rate]
    verdicts: Mapping[SourceVerdict, int]
    limits: SendingLimits
    weeks: Sequence[AccountWeek]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """An audit of all lead sources.

    Attributes:
        start, end: first and last UTC day of mailing, both included.
        generated_at: when it was made, aware UTC.
        final_from: UTC day from which the counts of all these days are final; None if unknown.
        thresholds: by which the sources were judged.
        account: all sources together.
        sources: the worst first.
    """

    start: date
    end: date
    generated_at: datetime
    final_from: date | None
    thresholds: AuditThresholds
    account: AccountAudit
    sources: Sequence[SourceAudit]


def audit(
    periods: Iterable[SourcePeriod],
    *,
    start: date,
    end: date,
    generated_at: datetime,
    thresholds: AuditThresholds,
    final_from: date | None = None,
    before: Iterable[SourcePeriod] = (),
    domains: Mapping[str, DomainFacts] | None = None,
    reported_bounce_rate: float | None = None,
    compare: bool = True,
) -> Audit:
    """Audit lead sources.

    Args:
        periods: counts of the period, one for each source.
        start, end, generated_at, final_from: as in `Audit`.
        thresholds: when a source is good or bad.
        before: counts of the period before, of any of the sources.
        domains: facts of the domains of dead addresses.
        reported_bounce_rate: as in `SendingLimits`.
        compare: whether these are all sources, so that each is compared with the others.

    Raises:
        ValueError: two periods are of the same source.
    """
    by_source = _by_source(periods)
    earlier = _by_source(before)
    samples = {name: _sample(period) for name, period in by_source.items() if compare}
    differs = differences(samples, false_discovery=thresholds.false_discovery)
    sources = [
        _source_audit(period, earlier.get(name), differs.get(name), domains or {}, thresholds)
        for name, period in by_source.items()
    ]
    return Audit(
        start=start,
        end=end,
        generated_at=generated_at,
        final_from=final_from,
        thresholds=thresholds,
        account=_account_audit(sources, thresholds, reported_bounce_rate),
        sources=sorted(sources, key=_worst_first),
    )


def _by_source(periods: Iterable[SourcePeriod]) -> dict[str, SourcePeriod]:
    found: dict[str, SourcePeriod] = {}
    for period in periods:
        if found.setdefault(period.source, period) is not period:
            raise ValueError("two periods are of the same source")
    return found


def _sample(period: SourcePeriod) -> Sample:
    return Sample(
        dead=period.dead_count,
        mailed=period.mailed,
        error=period.mailed_error,
        unanswered=period.unanswered or 0,
        unconfirmed=period.unconfirmed,
    )


def _source_audit(
    period: SourcePeriod,
    before: SourcePeriod | None,
    differs: Difference | None,
    domains: Mapping[str, DomainFacts],
    thresholds: AuditThresholds,
) -> SourceAudit:
    judgement = _judge(period, thresholds)
    addresses = period.dead_addresses
    return SourceAudit(
        period=period,
        judgement=judgement,
        raw=_raw(period.outcomes, thresholds),
        differs=differs,
        change=_change(judgement.rate, _judge(before, thresholds).rate) if before else None,
        domains=None if addresses is None else dead_domains(addresses, domains),
        lead_age=None if addresses is None else lead_age(addresses),
    )


def _judge(period: SourcePeriod, thresholds: AuditThresholds) -> Judgement:
    return judge(
        period.dead_count,
        period.mailed,
        thresholds,
        error=period.mailed_error,
        unanswered=period.unanswered or 0,
        unconfirmed=period.unconfirmed,
    )


def _raw(outcomes: Mapping[str, int], thresholds: AuditThresholds) -> dict[str, Rate]:
    sent = messages_sent(outcomes)
    return {name: rate_of(outcomes.get(name, 0), sent, z=thresholds.z) for name in RATES}


def _change(now: Rate, before: Rate) -> Change | None:
    found = difference(now, before)
    if found is None:
        return None
    rise, low, high = found
    return Change(before=before, difference=rise, low=low, high=high)


def _account_audit(
    sources: Sequence[SourceAudit],
    thresholds: AuditThresholds,
    reported_bounce_rate: float | None,
) -> AccountAudit:
    outcomes: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
    categories: Counter[Category] = Counter()
    dead: Counter[Category] = Counter()
    for source in sources:
        outcomes.update({name: source.period.outcomes.get(name, 0) for name in OUTCOMES})
        categories.update(source.period.categories)
        dead.update(source.period.dead)
    mailed = sum(source.judgement.rate.of for source in sources)
    errors = (source.judgement.rate.of * source.period.mailed_error for source in sources)
    verdicts = Counter(source.judgement.verdict for source in sources)
    raw = _raw(outcomes, thresholds)
    return AccountAudit(
        outcomes=outcomes,
        categories=categories,
        mailed=mailed,
        dead=dead,
        list_attributable=rate_of(
            dead.total(),
            mailed,
            z=thresholds.z,
            error=math.hypot(*errors) / mailed if mailed else 0.0,
            unknown=sum(source.judgement.unanswered for source in sources),
            undecided=sum(source.judgement.unconfirmed for source in sources),
        ),
        raw=raw,
        verdicts={verdict: verdicts[verdict] for verdict in SourceVerdict},
        limits=sending_limits(raw, reported_bounce_rate=reported_bounce_rate),
        weeks=_weeks(source.period.days for source in sources),
    )


def _weeks(days_by_source: Iterable[Mapping[date, Mapping[str, int]]]) -> list[AccountWeek]:
    weeks: dict[date, Counter[str]] = {}
    for days in days_by_source:
        for day, counters in days.items():
            week = weeks.setdefault(day - timedelta(days=day.weekday()), Counter())
            week.update({name: counters.get(name, 0) for name in OUTCOMES})
    return [AccountWeek(start=start, outcomes=weeks[start]) for start in sorted(weeks)]


_ORDER = {verdict: place for place, verdict in enumerate(SourceVerdict)}


def _worst_first(source: SourceAudit) -> tuple[int, float, float, str]:
    """By verdict, then by what the rate is at least, then by the rate itself."""
    judgement = source.judgement
    low, _ = judgement.rate.bounds
    return _ORDER[judgement.verdict], -low, -(judgement.rate.rate or 0.0), source.source
