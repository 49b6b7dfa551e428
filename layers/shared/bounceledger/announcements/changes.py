"""What a change of facts means for those who send: the event that announces it, if any.

Facts before and after the change are judged at the same moment, that of the change, so a term that
runs out is no change, and a record that is delivered again says the same again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bounceledger.announcements.announcement import Announcement, EventType, time_text
from bounceledger.announcements.recipients import Recipients
from bounceledger.ledger.stream import AddressChange, DomainChange
from bounceledger.policy import Policy
from bounceledger.state import (
    AddressFacts,
    DomainFacts,
    Evidence,
    Json,
    Reason,
    ReasonCode,
    Span,
    decide,
)
from bounceledger.verdict import DOMAIN_CLAIMS, Cause, Scope


@dataclass(frozen=True, slots=True)
class Suppression:
    """What an event says about a suppression.

    Attributes:
        reason: the first reason in force.
        category: what was said that led to it, if anything.
        scope: whom it holds for.
        unconfirmed: whether DNS does not confirm it.
        until: when the last reason ends if nothing else happens; None for never.
    """

    reason: ReasonCode
    category: Cause | None
    scope: Scope
    unconfirmed: bool
    until: datetime | None

    @classmethod
    def of(cls, reasons: Sequence[Reason]) -> Self | None:
        """What some reasons, in their order, amount to; None for no reason."""
        if not reasons:
            return None
        first = reasons[0]
        ends = [reason.until for reason in reasons if reason.until]
        until = max(ends) if len(ends) == len(reasons) else None
        return cls(first.code, first.cause, first.scope, first.unconfirmed, until)

    def ends_before(self, other: Self) -> bool:
        """Whether it ends earlier than another one."""
        return self.until is not None and (other.until is None or self.until < other.until)

    def fields(self) -> dict[str, Json]:
        """The fields of the event that says it begins or changes."""
        return self.reason_fields() | {
            "scope": self.scope.value,
            "unconfirmed": self.unconfirmed,
            "permanent": self.until is None,
            "suppressed_until": time_text(self.until),
        }

    def reason_fields(self) -> dict[str, Json]:
        """The fields that say why."""
        return {"reason": self.reason.value, "category": _word(self.category)}


def announce_address(
    change: AddressChange, domain: DomainFacts | None, policy: Policy, recipients: Recipients
) -> Announcement | None:
    """The event that a change of an address's facts makes.

    What suppresses the whole domain is announced for the domain, so this looks at what suppresses
    the address itself, unless the change is what lets the domain's suppression reach the address.

    Args:
        change: of the facts of an address.
        domain: facts of its host name as they are now, for both sides of the change.
        policy: the deployment's thresholds.
        recipients: says whom the event is about.

    Raises:
        SecretError: see `Recipients.fields`.
    """
    facts = change.after
    if facts.erased:
        return None
    before = decide(change.before, domain, change.at, policy)
    after = decide(facts, domain, change.at, policy)
    was, now = (Suppression.of(_own(decision.reasons)) for decision in (before, after))
    if not before.suppressed:
        now = Suppression.of(after.reasons)
    if before.suppressed and not after.suppressed:
        kind = EventType.SUPPRESSION_REMOVED
        fields = _ended(was or Suppression.of(before.reasons)) | {"allowed": after.allowed}
    elif now and now != was:
        kind = EventType.ADDRESS_SUPPRESSED
        fields = now.fields() | {"was_suppressed": before.suppressed}
    else:
        return None
    return Announcement(
        type=kind,
        origin=change.id,
        occurred_at=change.at,
        fields={
            "revision": facts.version,
            **recipients.fields(facts.address),
            **fields,
            "lead_sources": list(facts.lead_sources),
        },
    )


def announce_domain(change: DomainChange, policy: Policy) -> Announcement | None:
    """The event that a change of a domain's facts makes.

    Addresses there are not announced one by one. So that no claim stays in force for those who
    heard of it, `EventType.DOMAIN_RESTORED` is also for a domain that never was suppressed, of
    which something releases addresses: DNS contradicts a claim, a person removed what was
    claimed, or put the domain on the allow-list.

    Args:
        change: of the facts of a domain.
        policy: the deployment's thresholds.
    """
    facts = change.after
    before = decide(None, change.before, change.at, policy)
    after = decide(None, facts, change.at, policy)
    was, now = (Suppression.of(decision.reasons) for decision in (before, after))
    if now:
        if now == was:
            return None
        kind, fields = EventType.DOMAIN_SUPPRESSED, now.fields()
    elif was or (after.allowed and not before.allowed) or _eases_a_claim(change, policy):
        kind, fields = EventType.DOMAIN_RESTORED, _ended(was) | {"allowed": after.allowed}
    else:
        return None
    return Announcement(
        type=kind,
        origin=change.id,
        occurred_at=change.at,
        fields={
            "revision": facts.version,
            "domain": facts.domain,
            **fields,
            "was_suppressed": before.suppressed,
            "dns_verdict": _word(facts.probe.verdict) if facts.probe else None,
        },
    )


def _own(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(reason for reason in reasons if reason.scope is Scope.ADDRESS)


def _ended(suppression: Suppression | None) -> dict[str, Json]:
    """The fields that say what is over; null where nothing was in force."""
    return suppression.reason_fields() if suppression else {"reason": None, "category": None}


def _eases_a_claim(change: DomainChange, policy: Policy) -> bool:
    """Whether an address with a claim only is suppressed no longer, or less long, than before."""
    for facts in _claimed(change):
        was, now = (
            Suppression.of(decide(facts, domain, change.at, policy).reasons)
            for domain in (change.before, change.after)
        )
        if was and (now is None or now.ends_before(was)):
            return True
    return False


def _claimed(change: DomainChange) -> Iterator[AddressFacts]:
    """For each claim about the domain, an address about which nothing else is known.

    A recheck stores no claims, so where none is known, any may have been made.
    """
    domain = change.after
    claims = {**(change.before.claims if change.before else {}), **domain.claims}
    if not claims:
        moments = (change.at, domain.removed_at, domain.probe and domain.probe.probed_at)
        claims = dict.fromkeys(DOMAIN_CLAIMS, Span.at(min(at for at in moments if at)))
    for claim, said in claims.items():
        evidence = Evidence(first=said.first, last=said.last, count=1, event_id="", lead_source="")
        yield AddressFacts(address=f"@{domain.domain}", evidence={claim: evidence})


def _word(word: str | None) -> str | None:
    return str(word) if word else None
