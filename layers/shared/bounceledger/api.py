"""What the HTTP API answers, as JSON objects. Pure; the routes are in `functions/lookup`."""

from collections import Counter
from datetime import datetime
from typing import Any

from bounceledger.ledger import Answer, Counts
from bounceledger.state import DomainFacts, Evidence, Ground, SourceEntry
from bounceledger.verdict import Verdict

type JsonObject = dict[str, Any]


def suppression(answer: Answer) -> JsonObject:
    """Whether an address may be mailed, and why not.

    The fields about what was said (`diagnostic` to `count`) are null where no reply about
    this very address decided.
    """
    decision = answer.decision
    ground = decision.grounds[0] if decision.grounds else None
    return {
        "address": answer.address,
        "suppressed": decision.suppressed,
        "reason": ground.reason.value if ground else None,
        "category": ground.cause if ground else None,
        "scope": decision.scope.value,
        "explanation": decision.explanation,
        "suppressed_until": _time(decision.until),
        "unconfirmed": decision.unconfirmed,
        "lead_sources": list(answer.lead_sources),
        **_evidence(decision.evidence),
        "reasons": [_ground(item) for item in decision.grounds],
        "domain": domain(answer.domain) if answer.domain else None,
    }


def source_entry(entry: SourceEntry | None) -> JsonObject | None:
    """What one lead source's mail brought to light about an address."""
    if entry is None:
        return None
    cause, evidence = entry.leading
    return {"lead_source": entry.lead_source, "category": cause, **_evidence(evidence)}


def domain(facts: DomainFacts) -> JsonObject:
    """What is known of a domain: the latest verdict of DNS and its evidence."""
    probe = facts.probe
    return {
        "domain": facts.domain,
        "verdict": probe.verdict.value if probe else None,
        "probed_at": _time(probe.probed_at if probe else None),
        "recheck_at": _time(probe.recheck_at if probe else None),
        "alternate_domain": probe.alternate_domain if probe else None,
        "alternate_verdict": (
            probe.alternate_verdict.value if probe and probe.alternate_verdict else None
        ),
        "evidence": dict(probe.evidence) if probe else None,
    }


def verdict(verdict: Verdict) -> JsonObject:
    """What the classifier made of a reply."""
    return {
        "category": verdict.category.value,
        "disposition": verdict.disposition.value,
        "scope": verdict.scope.value,
        "rule": verdict.rule,
        "matched": verdict.matched,
        "reply_code": verdict.reply_code,
        "enhanced_status": verdict.enhanced_status,
    }


def counts(counted: Counts) -> JsonObject:
    """Outcomes of a lead source's mail by UTC day, and their sums."""
    totals: Counter[str] = Counter()
    for day in counted.days.values():
        totals.update(day)
    return {
        "lead_source": counted.source,
        "days": {day.isoformat(): dict(counted.days[day]) for day in sorted(counted.days)},
        "totals": dict(totals),
    }


def _evidence(evidence: Evidence | None) -> JsonObject:
    return {
        "diagnostic": (evidence.diagnostic or None) if evidence else None,
        "reply_code": evidence.reply_code if evidence else None,
        "status": (evidence.status or None) if evidence else None,
        "rule": (evidence.rule or None) if evidence else None,
        "first_seen": _time(evidence.first if evidence else None),
        "last_seen": _time(evidence.last if evidence else None),
        "count": evidence.count if evidence else 0,
    }


def _ground(ground: Ground) -> JsonObject:
    return {
        "reason": ground.reason.value,
        "category": ground.cause,
        "scope": ground.scope.value,
        "until": _time(ground.until),
        "unconfirmed": ground.unconfirmed,
        "explanation": ground.explanation,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
