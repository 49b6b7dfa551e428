"""The JSON objects that the HTTP API answers with."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from bounceledger.api.requests import CheckedAddress, CheckRequest
from bounceledger.ledger import (
    Addresses,
    CheckResult,
    Counts,
    History,
    Known,
    Listed,
    ListedDomain,
    Page,
    RecordedChange,
    RecordedEvent,
)
from bounceledger.state import Decision, DomainFacts, Evidence, Reason, SourceEntry, utc_day
from bounceledger.state.rates import rates
from bounceledger.verdict import DISPOSITIONS, Disposition, Verdict

type JsonObject = dict[str, Any]


def suppression(result: CheckResult, known: Known | None = None) -> JsonObject:
    """Whether an address may be mailed, and why not.

    The fields about what was said (`diagnostic` to `count`) are null where no reply about
    this address decided.

    Args:
        result: facts and decision.
        known: what is known of an address that is not suppressed; None for any other.
    """
    decision = result.decision
    return {
        **_decision(result),
        "lead_sources": list(result.lead_sources),
        **evidence_fields(decision.evidence),
        "reasons": [_reason(reason) for reason in decision.reasons],
        "domain": domain(result.domain) if result.domain and result.domain.probe else None,
        **({"explanation": _explained(result, known)} if known else {}),
        "known": _known(known) if known else None,
    }


def _known(known: Known) -> JsonObject:
    missing = known.soft_days - known.soft_weight
    soft = {"weight": known.soft_weight, "missing": missing, "window_days": known.soft_window}
    return {
        "soft": soft if known.soft_weight else None,
        "expired": _reason(known.expired) if known.expired else None,
        "removed_at": time_text(known.removed_at),
        "unsubscribed_at": time_text(known.unsubscribed_at),
        "last_block": event(known.last_block) if known.last_block else None,
        "last_delay": event(known.last_delay) if known.last_delay else None,
        "last_delivery": event(known.last_delivery) if known.last_delivery else None,
        "truncated": known.truncated,
    }


def _explained(result: CheckResult, known: Known) -> str:
    """Why an address is not suppressed, with everything that is known of it."""
    if not known.recorded and (result.domain is None or result.domain.is_empty):
        return "Nothing is known about this address."
    said = [result.decision.explanation]
    if known.expired:
        said.append(f"What suppressed it has ended: {known.expired.explanation}")
    if known.removed_at:
        said.append(f"A person removed its suppression on {_day(known.removed_at)}.")
    if known.soft_weight and not result.decision.allowed:
        missing = known.soft_days - known.soft_weight
        said.append(
            f"Its soft bounces within {known.soft_window} days weigh {known.soft_weight} of "
            f"{known.soft_days}: {missing} more suppress{'es' if missing == 1 else ''} it."
        )
    if known.last_block:
        said.append(
            f"A message was refused on {_day(known.last_block.at)} ({known.last_block.category}), "
            "which says nothing about the recipient."
        )
    if known.last_delay:
        said.append(f"A message was delayed on {_day(known.last_delay.at)}.")
    if known.last_delivery:
        said.append(f"A message was delivered on {_day(known.last_delivery.at)}.")
    return " ".join(said)


def _day(moment: datetime) -> str:
    return utc_day(moment).isoformat()


def _decision(result: CheckResult) -> JsonObject:
    return {"address": result.address} | decision_fields(result.decision)


def decision_fields(decision: Decision) -> JsonObject:
    """Whether an address may be mailed, and the first reason why not."""
    reported = decision.reported
    return {
        "suppressed": decision.suppressed,
        "reason": reported.code.value if reported else None,
        "category": reported.cause if reported else None,
        "scope": decision.scope.value,
        "explanation": decision.explanation,
        "suppressed_until": time_text(decision.until),
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
        **_decision(result),
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
        **evidence_fields(evidence),
    }


def domain(facts: DomainFacts) -> JsonObject:
    """What is known of a domain: the latest DNS verdict and the evidence for it."""
    probe = facts.probe
    return {
        "domain": facts.domain,
        "verdict": probe.verdict.value if probe else None,
        "probed_at": time_text(probe.probed_at if probe else None),
        "recheck_at": time_text(probe.recheck_at if probe else None),
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
    """Outcomes of a lead source's messages by UTC day of mailing, their sums and rates; distinct
    addresses.

    `final_from` is the day from which on all days in the answer are final. `overflow` are events
    of any lead sources that are recorded under ``other``, and so missing from those sources' own
    counts.

    Args:
        counted: what the ledger found.
        first: first UTC day that was asked for.
        last: last UTC day that was asked for.
    """
    return {
        "lead_source": counted.source,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "days": {
            day.isoformat(): {
                **day_counts(counted.days[day]),
                "addresses": _addresses(counted.addresses(day)),
            }
            for day in sorted(counted.days)
        },
        **_totals(counted),
        "final_from": counted.final_from.isoformat() if counted.final_from else None,
        "overflow": counted.overflow,
        "claims_complete": counted.claims_complete,
    }


def _totals(counted: Counts) -> JsonObject:
    totals: Counter[str] = Counter()
    for day in counted.days.values():
        totals.update(day)
    return {
        "totals": day_counts(totals),
        "rates": rates(totals),
        "addresses": {
            **_addresses(counted.addresses()),
            "dead_domains": counted.dead_domains,
        },
    }


def _addresses(found: Addresses) -> JsonObject:
    return {
        "mailed": found.mailed,
        "mailed_error": round(found.mailed_error, 4),
        "unanswered": found.unanswered,
        "unconfirmed": found.unconfirmed,
        "dead": {category.value: found.dead.get(category, 0) for category in _HARD},
    }


_HARD = tuple(c for c, disposition in DISPOSITIONS.items() if disposition is Disposition.HARD)


def source_totals(counted: Counts) -> JsonObject:
    """A lead source with its totals, rates and addresses over a period; fields as in `counts`."""
    return {
        "lead_source": counted.source,
        **_totals(counted),
        "claims_complete": counted.claims_complete,
    }


def suppressions(page: Page, next_cursor: str | None) -> JsonObject:
    """A page of a list of suppressed addresses and domains.

    Args:
        page: what the ledger found.
        next_cursor: of the next page; None if there is none.
    """
    return {
        "suppressions": [listed(one) for one in page.listed],
        "examined": page.examined,
        "next_cursor": next_cursor,
    }


def listed(entry: Listed | ListedDomain) -> JsonObject:
    """One suppressed address of a list, or a domain that a person added.

    The names mean the same as in `suppression`, but `domain` is the name of a suppressed domain:
    one of `address` and `domain` is null.
    """
    if isinstance(entry, ListedDomain):
        return {
            "address": None,
            "domain": entry.result.domain.domain,
            **decision_fields(entry.result.decision),
            "lead_source": None,
            "lead_sources": [],
            "diagnostic": None,
            "last_seen": time_text(entry.last_seen),
        }
    evidence = entry.result.decision.evidence
    return {
        "address": entry.result.address,
        "domain": None,
        **decision_fields(entry.result.decision),
        "lead_source": entry.lead_source,
        "lead_sources": list(entry.result.lead_sources[:MAX_SOURCES_IN_ROW]),
        "diagnostic": (evidence.diagnostic or None) if evidence else None,
        "last_seen": time_text(entry.last_seen),
    }


def history(address: str, found: History) -> JsonObject:
    """What happened to an address, the newest first."""
    return {
        "address": address,
        "history": [
            event(entry) if isinstance(entry, RecordedEvent) else _change(entry)
            for entry in found.entries
        ],
        "truncated": found.truncated,
    }


def event(entry: RecordedEvent) -> JsonObject:
    """One event; the reply's words only for blocks and delays, which no facts remember."""
    category = entry.category
    return {
        "type": "event",
        "at": time_text(entry.at),
        "kind": entry.kind.value,
        "category": category.value if category else None,
        "disposition": DISPOSITIONS[category].value if category in DISPOSITIONS else None,
        "rule": entry.rule or None,
        "reply": entry.reply or None,
        "forwarded_to": entry.forwarded_to or None,
        "lead_source": entry.lead_source,
        "named_source": entry.named_source or None,
        "mailed_at": time_text(entry.mailed_at),
        "event_id": entry.event_id or None,
    }


def _change(entry: RecordedChange) -> JsonObject:
    return {
        "type": "change",
        "at": time_text(entry.at),
        "scope": entry.scope.value,
        "by": entry.by,
        "note": entry.note,
        "change": dict(entry.change),
        "before": dict(entry.before) or None,
        "after": dict(entry.after) or None,
    }


def day_counts(counters: Mapping[str, int]) -> JsonObject:
    """Counters of one day, those of categories in a separate object."""
    outcomes = {name: n for name, n in counters.items() if not name.startswith(CATEGORY_PREFIX)}
    categories = {
        name.removeprefix(CATEGORY_PREFIX): n
        for name, n in counters.items()
        if name.startswith(CATEGORY_PREFIX)
    }
    return outcomes | {"categories": categories}


CATEGORY_PREFIX = "category_"
"""What the names of category counters begin with in the table."""


def evidence_fields(evidence: Evidence | None) -> JsonObject:
    """What was said, when and how often; null where nothing was."""
    return {
        "diagnostic": (evidence.diagnostic or None) if evidence else None,
        "reply_code": evidence.reply_code if evidence else None,
        "enhanced_status": (evidence.enhanced_status or None) if evidence else None,
        "rule": (evidence.rule or None) if evidence else None,
        "forwarded_to": (evidence.forwarded_to or None) if evidence else None,
        "first_seen": time_text(evidence.first if evidence else None),
        "last_seen": time_text(evidence.last if evidence else None),
        "count": evidence.count if evidence else 0,
    }


def _reason(reason: Reason) -> JsonObject:
    return {
        "reason": reason.code.value,
        "category": reason.cause,
        "scope": reason.scope.value,
        "until": time_text(reason.until),
        "unconfirmed": reason.unconfirmed,
        "explanation": reason.explanation,
    }


def time_text(moment: datetime | None) -> str | None:
    """A time as answers have it."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None
