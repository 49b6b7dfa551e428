"""The JSON objects that the HTTP API answers with."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from bounceledger.api.requests import CheckedAddress, CheckRequest
from bounceledger.ledger import CheckResult, Counts
from bounceledger.state import Decision, DomainFacts, Evidence, Reason, SourceEntry
from bounceledger.state.rates import rates
from bounceledger.verdict import Verdict

type JsonObject = dict[str, Any]


def suppression(result: CheckResult) -> JsonObject:
    """Whether an address may be mailed, and why not.

    The fields about what was said (`diagnostic` to `count`) are null where no reply about
    this address decided.
    """
    decision = result.decision
    return {
        "address": result.address,
        **decision_fields(decision),
        "lead_sources": list(result.lead_sources),
        **_evidence(decision.evidence),
        "reasons": [_reason(reason) for reason in decision.reasons],
        "domain": domain(result.domain) if result.domain else None,
    }


def decision_fields(decision: Decision) -> JsonObject:
    """Whether an address may be mailed, and the first reason why not."""
    reported = decision.reported
    return {
        "suppressed": decision.suppressed,
        "reason": reported.code.value if reported else None,
        "category": reported.cause if reported else None,
        "scope": decision.scope.value,
        "explanation": decision.explanation,
        "suppressed_until": _time(decision.until),
        "unconfirmed": decision.unconfirmed,
        "allowed": decision.allowed,
    }


MAX_SOURCES_IN_ROW = 20
"""Lead sources of one address that a bulk check names, so that 1,000 rows fit an answer."""


def bulk_check(request: CheckRequest, results: Iterable[CheckResult]) -> JsonObject:
    """Whether each of several addresses may be mailed, in the order of the request.

    Args:
        request: the request.
        results: one for each of its addresses that is valid, in their order.
    """
    answers = iter(results)
    rows = [
        {"input": address.given, "error": address.problem}
        if address.problem
        else _checked(address, next(answers), with_source=request.source is not None)
        for address in request.addresses
    ]
    invalid = sum("error" in row for row in rows)
    suppressed = sum(row.get("suppressed") is True for row in rows)
    return {
        "results": rows,
        "suppressed": suppressed,
        "deliverable": len(rows) - suppressed - invalid,
        "invalid": invalid,
    }


def _checked(address: CheckedAddress, result: CheckResult, *, with_source: bool) -> JsonObject:
    probe = result.domain.probe if result.domain else None
    row = {
        "input": address.given,
        "address": result.address,
        **decision_fields(result.decision),
        "lead_sources": list(result.lead_sources[:MAX_SOURCES_IN_ROW]),
        "alternate_domain": probe.alternate_domain if probe else None,
    }
    return row | ({"source": source_entry(result.entry)} if with_source else {})


def source_entry(entry: SourceEntry | None) -> JsonObject | None:
    """What was learned about an address from mail to one lead source's leads."""
    if entry is None:
        return None
    cause, evidence = entry.leading
    return {
        "lead_source": entry.lead_source,
        "category": cause.category or cause,
        **_evidence(evidence),
    }


def domain(facts: DomainFacts) -> JsonObject:
    """What is known of a domain: the latest DNS verdict and the evidence for it."""
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
        "evidence": dict(probe.details) if probe else None,
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


def counts(counted: Counts, first: date, last: date) -> JsonObject:
    """Outcomes of a lead source's messages by UTC day of mailing, their sums and rates.

    `final_from` is the day from which on all days in the answer are final. `overflow` are events
    of any lead sources that are recorded under ``other``, and so missing from those sources' own
    counts.

    Args:
        counted: what the ledger found.
        first: first UTC day that was asked for.
        last: last UTC day that was asked for.
    """
    totals: Counter[str] = Counter()
    for day in counted.days.values():
        totals.update(day)
    return {
        "lead_source": counted.source,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "days": {day.isoformat(): day_counts(counted.days[day]) for day in sorted(counted.days)},
        "totals": day_counts(totals),
        "rates": rates(totals),
        "final_from": counted.final_from.isoformat() if counted.final_from else None,
        "overflow": counted.overflow,
        "claims_complete": counted.claims_complete,
    }


def day_counts(counters: Mapping[str, int]) -> JsonObject:
    """Counters of one day, those of categories in a separate object."""
    outcomes = {name: n for name, n in counters.items() if not name.startswith(_CATEGORY)}
    categories = {
        name.removeprefix(_CATEGORY): n
        for name, n in counters.items()
        if name.startswith(_CATEGORY)
    }
    return outcomes | {"categories": categories}


_CATEGORY = "category_"
"""What the names of category counters begin with in the table."""


def _evidence(evidence: Evidence | None) -> JsonObject:
    return {
        "diagnostic": (evidence.diagnostic or None) if evidence else None,
        "reply_code": evidence.reply_code if evidence else None,
        "enhanced_status": (evidence.enhanced_status or None) if evidence else None,
        "rule": (evidence.rule or None) if evidence else None,
        "forwarded_to": (evidence.forwarded_to or None) if evidence else None,
        "first_seen": _time(evidence.first if evidence else None),
        "last_seen": _time(evidence.last if evidence else None),
        "count": evidence.count if evidence else 0,
    }


def _reason(reason: Reason) -> JsonObject:
    return {
        "reason": reason.code.value,
        "category": reason.cause,
        "scope": reason.scope.value,
        "until": _time(reason.until),
        "unconfirmed": reason.unconfirmed,
        "explanation": reason.explanation,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
