"""An audit as the JSON document that `bounceledger audit --json` prints."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bounceledger.audit.dead_domains import DeadDomains, WorstDomain
from bounceledger.audit.explaining import explain
from bounceledger.audit.intervals import Rate, rate_of
from bounceledger.audit.lead_age import LeadAge
from bounceledger.audit.report import OUTCOMES, AccountAudit, Audit, Change, SourceAudit
from bounceledger.audit.sending_limits import Limit, SendingLimits
from bounceledger.audit.thresholds import AuditThresholds
from bounceledger.state.rates import messages_sent

type Document = dict[str, Any]


def document(audit: Audit) -> Document:
    """The whole audit, ready for `json.dumps`. docs/audit.md describes every field."""
    return {
        "from": audit.start.isoformat(),
        "to": audit.end.isoformat(),
        "generated_at": _time(audit.generated_at),
        "final_from": audit.final_from.isoformat() if audit.final_from else None,
        "thresholds": thresholds_document(audit.thresholds),
        "account": _account(audit.account),
        "sources": [source_document(source, audit.thresholds) for source in audit.sources],
    }


def thresholds_document(thresholds: AuditThresholds) -> Document:
    """The thresholds by which sources are judged, by name."""
    return {
        "bad_above": thresholds.bad_above,
        "good_below": thresholds.good_below,
        "watch_above": thresholds.watch_above,
        "confidence": thresholds.confidence,
        "max_false_bad": thresholds.max_false_bad,
        "min_addresses": thresholds.min_addresses,
        "false_discovery": thresholds.false_discovery,
    }


def _account(account: AccountAudit) -> Document:
    return {
        "sent": messages_sent(account.outcomes),
        "delivered": account.outcomes["delivered"],
        "outcomes": _outcomes(account.outcomes),
        "categories": _by_name(account.categories),
        "addresses": {"mailed": account.mailed, "dead": _by_name(account.dead)},
        "list_attributable": _rate(account.list_attributable),
        "raw": {name: _rate(rate) for name, rate in account.raw.items()},
        "verdicts": dict(account.verdicts),
        "ses": _limits(account.limits),
        "weeks": [{"from": w.start.isoformat(), **_week(w.outcomes)} for w in account.weeks],
    }


def source_document(source: SourceAudit, thresholds: AuditThresholds) -> Document:
    """One source of an audit. docs/audit.md describes every field."""
    period, judgement, domains = source.period, source.judgement, source.domains
    return {
        "source": period.source,
        "sent": period.sent,
        "delivered": period.outcomes.get("delivered", 0),
        "outcomes": _outcomes(period.outcomes),
        "categories": _by_name(period.categories),
        "addresses": {
            "mailed": judgement.rate.of,
            "dead": _by_name(period.dead),
            "mailed_error": period.mailed_error,
            "mailed_raised": judgement.raised,
            "unanswered": period.unanswered,
            "unconfirmed": period.unconfirmed,
        },
        "list_attributable": _rate(judgement.rate),
        "raw": {name: _rate(rate) for name, rate in source.raw.items()},
        "verdict": judgement.verdict.value,
        "needed": judgement.needed,
        "explanation": explain(judgement, thresholds),
        "differs": {
            "p": source.differs.p,
            "q": source.differs.q,
            "from_others": source.differs.from_others,
            "direction": source.differs.direction.value,
        }
        if source.differs
        else None,
        "change": _change(source.change) if source.change else None,
        "claims": {
            "refuted": period.claims_refuted,
            "unconfirmed": period.claims_unconfirmed,
            "complete": period.claims_complete,
        },
        "dead_domains": domains.dead if domains else None,
        "no_mail_domains": _no_mail(domains, thresholds) if domains else None,
        "worst_domains": [_worst_domain(domain) for domain in domains.worst] if domains else None,
        "lead_age": _lead_age(source.lead_age) if source.lead_age else None,
        "weeks": [
            {"from": week.start.isoformat(), "mailed": week.mailed, "dead": week.dead}
            for week in period.weeks
        ],
    }


def _rate(rate: Rate) -> Document:
    return {
        "count": rate.count,
        "of": rate.of,
        "rate": rate.rate,
        "low": rate.low,
        "high": rate.high,
    }


def _change(change: Change) -> Document:
    return {
        "before": _rate(change.before),
        "difference": change.difference,
        "low": change.low,
        "high": change.high,
    }


def _limits(limits: SendingLimits) -> Document:
    return {
        "estimate": True,
        "bounce": _limit(limits.bounce),
        "complaint": _limit(limits.complaint),
        "reported_bounce_rate": limits.reported_bounce_rate,
    }


def _limit(limit: Limit) -> Document:
    return {
        "rate": limit.rate,
        "low": limit.low,
        "high": limit.high,
        "review": limit.review,
        "pause": limit.pause,
        "headroom": limit.headroom,
    }


def _week(outcomes: Mapping[str, int]) -> Document:
    return {"sent": messages_sent(outcomes), **_outcomes(outcomes)}


def _no_mail(domains: DeadDomains, thresholds: AuditThresholds) -> Document:
    fields = _rate(rate_of(domains.no_mail, domains.domains, z=thresholds.z))
    return {"share" if name == "rate" else name: value for name, value in fields.items()}


def _worst_domain(domain: WorstDomain) -> Document:
    return {
        "domain": domain.domain,
        "addresses": domain.addresses,
        "verdict": domain.verdict.value if domain.verdict else None,
        "explanation": domain.explanation,
        "probed_at": _time(domain.probed_at) if domain.probed_at else None,
        "records": domain.records,
    }


def _lead_age(age: LeadAge) -> Document:
    return {
        "buckets": dict(age.buckets),
        "median": age.median,
        "without_date": age.without_date,
        "after_bounce": age.after_bounce,
    }


def _outcomes(outcomes: Mapping[str, int]) -> dict[str, int]:
    return {name: outcomes.get(name, 0) for name in OUTCOMES}


def _by_name(counts: Mapping[Any, int]) -> dict[str, int]:
    """The counts above zero, the largest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return {str(name): count for name, count in ordered if count}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
