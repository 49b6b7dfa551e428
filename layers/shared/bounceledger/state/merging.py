"""From events to facts: minimum, maximum, union, and sums over distinct events."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime

from bounceledger.addresses import mask_addresses
from bounceledger.events import Kind, MailEvent
from bounceledger.policy import Policy
from bounceledger.state.facts import (
    NEVER,
    AddressFacts,
    AllowlistEntry,
    Attribution,
    DomainFacts,
    DomainVerdict,
    Evidence,
    FindingDay,
    ManualEntry,
    Message,
    Observation,
    Probe,
    SoftDay,
    SourceEntry,
    Span,
    join_span,
    keeps_soft_days,
    latest,
    utc_day,
)
from bounceledger.verdict import DOMAIN_CLAIMS, HARD_CLAIMS, Cause, Disposition

MAX_STORED_DIAGNOSTIC = 1024
"""Bytes of a diagnostic that are stored (UTF-8)."""
_MAX_STORED_STRING = 256
"""Bytes stored of every other string that a stranger wrote."""
FINDINGS_KEPT = 16
"""Findings, by day and verdict, that are remembered of a domain: with growing gaps, of years."""


def merge(facts: AddressFacts, observation: Observation, policy: Policy) -> AddressFacts:
    """Facts after one more event. Give every distinct event once, in any order."""
    return join(facts, facts_of(observation), policy)


def facts_of(observation: Observation) -> AddressFacts:
    """The facts that one event alone amounts to; empty for one that says nothing lasting."""
    event, cause = observation.event, observation.cause
    messages = _messages(observation)
    if cause is None:
        return AddressFacts(address=event.address, messages=messages)
    attributed = cause is Cause.COMPLAINT or cause.disposition is Disposition.HARD
    said_at = event.claim_time if cause in HARD_CLAIMS else None
    attribution = {event.lead_source: Attribution(at=event.mail_time, cause=cause, said_at=said_at)}
    return AddressFacts(
        address=event.address,
        evidence={cause: _evidence(observation, cause)},
        soft_days=(
            {(utc_day(event.occurred_at), cause): event.occurred_at}
            if keeps_soft_days(cause)
            else {}
        ),
        messages=messages,
        sources={event.lead_source: event.occurred_at},
        attributions=attribution if attributed and cause not in HARD_CLAIMS else {},
        claim_attributions=attribution if cause in HARD_CLAIMS else {},
        unsubscribed=({event.lead_source: event.mail_time} if cause is Cause.UNSUBSCRIBE else {}),
    )


def _messages(observation: Observation) -> dict[str, Message]:
    event = observation.event
    if event.kind is Kind.DELIVERY:
        message = Message(mailed_at=event.mail_time, delivered_at=event.occurred_at)
        return {event.message_digest: message}
    if observation.shows_bounce and event.message_id:
        return {event.message_digest: Message(mailed_at=event.mail_time)}
    return {}


def _evidence(observation: Observation, cause: Cause) -> Evidence:
    event, verdict = observation.event, observation.verdict
    said_at = event.claim_time if observation.cause in DOMAIN_CLAIMS else event.occurred_at
    return Evidence(
        first=said_at,
        last=said_at,
        count=1,
        event_id=event.event_id,
        lead_source=event.lead_source,
        provider=_clean(event.provider),
        message_id=_clean(event.message_id),
        rule=verdict.rule if verdict else "",
        rules_version=observation.rules_version,
        diagnostic=stored_words(event, MAX_STORED_DIAGNOSTIC),
        forwarded_to=_clean(event.forwarded_to),
        reply_code=verdict.reply_code if verdict else None,
        enhanced_status=_clean((verdict.enhanced_status if verdict else None) or event.status),
        disposition=(cause.disposition or cause).value,
        lead_date=event.lead_date,
    )


def stored_words(event: MailEvent, size: int) -> str:
    """What a server said, as it is stored: other people's addresses masked, no control characters.

    Args:
        event: with the diagnostic.
        size: bytes of UTF-8 at most, up to `MAX_STORED_DIAGNOSTIC`.
    """
    return _clean(mask_addresses(_whole_words(event.diagnostic), keep=event.address), size)


def _whole_words(text: str) -> str:
    """As much of a diagnostic as can be stored, without half an address at its end."""
    size = 4 * MAX_STORED_DIAGNOSTIC
    return text if len(text) <= size else text[:size].rpartition(" ")[0]


def _clean(text: str, size: int = _MAX_STORED_STRING) -> str:
    """A stranger's string without control characters, at most `size` bytes of UTF-8."""
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * size])
    return printable.encode("utf-8", "replace")[:size].decode("utf-8", "ignore").strip()


def join(a: AddressFacts, b: AddressFacts, policy: Policy) -> AddressFacts:
    """Facts that hold what either side holds. Commutative and associative.

    `version` is the greater one. Both sides must come from different events, since
    counts add up; everything else may overlap.
    """
    version = max(a.version, b.version)
    if a.erased or b.erased:
        return AddressFacts(address=a.address, erased=True, version=version)
    removed_at = latest(a.removed_at, b.removed_at)
    return AddressFacts(
        address=a.address,
        evidence=_union(a.evidence, b.evidence, join_evidence),
        soft_days=_newest(
            _union(a.soft_days, b.soft_days, max),
            after=removed_at,
            keep=policy.soft_days_kept,
        ),
        messages=_last_mailed(_union(a.messages, b.messages, _join_message), policy.messages_kept),
        removed_at=removed_at,
        voided_at=_union(a.voided_at, b.voided_at, max),
        manual=_latest_entry(a.manual, b.manual),
        allowed=_latest_listing(a.allowed, b.allowed),
        sources=_earliest(_union(a.sources, b.sources, min), policy.sources_kept),
        attributions=_earliest(_union(a.attributions, b.attributions, min), policy.sources_kept),
        claim_attributions=_earliest(
            _union(a.claim_attributions, b.claim_attributions, min), policy.sources_kept
        ),
        unsubscribed=_earliest(_union(a.unsubscribed, b.unsubscribed, min), policy.sources_kept),
        searched_to=max(a.searched_to, b.searched_to),
        version=version,
    )


def join_evidence(a: Evidence, b: Evidence) -> Evidence:
    """Evidence from both sides, with the words of the latest event of the two."""
    newer = max(a, b, key=lambda evidence: (evidence.last, evidence.event_id))
    return replace(
        newer,
        first=min(a.first, b.first),
        count=a.count + b.count,
        lead_date=_earlier(a.lead_date, b.lead_date),
    )


def _earlier(a: date | None, b: date | None) -> date | None:
    return min(a, b) if a and b else a or b


def _latest_entry(a: ManualEntry | None, b: ManualEntry | None) -> ManualEntry | None:
    entries = [entry for entry in (a, b) if entry is not None]
    # All fields take part, so that two entries of one moment have one winner.
    return max(entries, key=lambda e: (e.at, e.until or NEVER, e.by, e.note), default=None)


def _latest_listing(a: AllowlistEntry | None, b: AllowlistEntry | None) -> AllowlistEntry | None:
    entries = [entry for entry in (a, b) if entry is not None]
    # Of one moment the end wins: the address is then suppressed as if nobody had decided.
    return max(entries, key=lambda e: (e.at, not e.listed, e.by, e.note), default=None)


def _union[K, V](a: Mapping[K, V], b: Mapping[K, V], both: Callable[[V, V], V]) -> dict[K, V]:
    united = dict(a)
    for key, value in b.items():
        united[key] = both(united[key], value) if key in united else value
    return united


def _newest(
    days: Mapping[SoftDay, datetime], *, after: datetime | None, keep: int
) -> dict[SoftDay, datetime]:
    # Both steps keep the upper end of the same order, and a day's time can only grow, so a
    # day that is dropped once would be dropped by every later step, too: any order of joins
    # ends with the same days.
    valid = {day: at for day, at in days.items() if after is None or at > after}
    if len(valid) <= keep:
        return valid
    return dict(sorted(valid.items(), key=lambda item: (item[1], item[0]))[-keep:])


def _join_message(a: Message, b: Message) -> Message:
    bounced = a.delivered_at is None or b.delivered_at is None
    return Message(
        mailed_at=max(a.mailed_at, b.mailed_at),
        delivered_at=None if bounced else latest(a.delivered_at, b.delivered_at),
        more=max(a.more, b.more),
    )


def _last_mailed(messages: Mapping[str, Message], keep: int) -> dict[str, Message]:
    # All events of a message have the same time of mailing, so its place in this order is
    # fixed: a message that is dropped once would be dropped by every later step, too.
    if len(messages) <= keep:
        return dict(messages)
    order = sorted(messages.items(), key=lambda item: (item[1].mailed_at, item[0]))
    return dict(order[-keep:])


def _earliest[V: (datetime, Attribution)](values: Mapping[str, V], keep: int) -> dict[str, V]:
    # The same argument at the lower end: a source's value can only fall.
    if len(values) <= keep:
        return dict(values)
    return dict(sorted(values.items(), key=lambda item: (item[1], item[0]))[:keep])


def merge_source(entry: SourceEntry, observation: Observation) -> SourceEntry:
    """A source's entry after one more event. Give every distinct event once."""
    evidence = facts_of(observation).evidence
    return replace(entry, evidence=_union(entry.evidence, evidence, join_evidence))


def join_domain(a: DomainFacts, b: DomainFacts) -> DomainFacts:
    """Facts of a domain that hold what either side holds. Commutative, associative.

    The latest probe wins, but an inconclusive one never replaces a conclusive one. Of the
    same probe, the later recheck holds: it was postponed.
    """
    probes = [probe for probe in (a.probe, b.probe) if probe is not None]
    # A finding that is dropped has `FINDINGS_KEPT` newer ones beside it from then on, so every
    # later step would drop it, too.
    united = _union(findings_of(a), findings_of(b), join_span)
    kept = sorted(united)[-FINDINGS_KEPT:]
    probe = max(probes, key=_rank, default=None)
    return DomainFacts(
        domain=a.domain,
        probe=probe,
        findings={day: united[day] for day in kept},
        claims=_union(a.claims, b.claims, join_span),
        removed_at=latest(a.removed_at, b.removed_at),
        manual=_latest_entry(a.manual, b.manual),
        allowed=_latest_listing(a.allowed, b.allowed),
        erasures=a.erasures | b.erasures,
        version=max(a.version, b.version),
        dead=(a.dead or b.dead) and probe is not None and not probe.verdict.is_known,
    )


def findings_of(facts: DomainFacts) -> Mapping[FindingDay, Span]:
    """All findings, that of the probe included."""
    probe = facts.probe
    if probe is None or probe.verdict is DomainVerdict.UNKNOWN:
        return facts.findings
    key = utc_day(probe.probed_at), probe.verdict
    return _union(facts.findings, {key: Span.at(probe.probed_at)}, join_span)


def _rank(probe: Probe) -> tuple[bool, datetime, datetime, str]:
    known = probe.verdict is not DomainVerdict.UNKNOWN
    return known, probe.probed_at, probe.recheck_at or probe.probed_at, repr(probe)
