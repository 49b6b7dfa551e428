"""From facts and the time to a decision. The order of `ReasonCode` is the order of reporting."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from bounceledger.policy import Policy
from bounceledger.state.domain_policy import (
    DEAD_VERDICTS,
    ClaimEffect,
    Needs,
    effect_on,
    is_dead,
    reported_claim,
    ruling_on,
)
from bounceledger.state.facts import (
    AddressFacts,
    AllowlistEntry,
    DomainFacts,
    DomainVerdict,
    Evidence,
    ManualEntry,
    Probe,
    SoftDay,
    disposition_of,
    latest,
    meaning_of,
    severity_key,
    utc_day,
)
from bounceledger.verdict import DOMAIN_CLAIMS, Category, Cause, Disposition, Scope


class ReasonCode(StrEnum):
    """Why an address must not be mailed, in the order in which reasons are reported."""

    ERASED = "erased"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"
    HARD_BOUNCE = "hard_bounce"
    DEAD_DOMAIN = "dead_domain"
    PROVIDER_LIST = "provider_list"
    SOFT_BOUNCES = "soft_bounces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason in force.

    Attributes:
        code: which rule of the policy.
        explanation: the same in words.
        cause: what was said; None where the reason rests on no event.
        scope: whether it holds for the address or for everyone at its host name.
        until: when it ends by itself; None for never.
        unconfirmed: DNS does not confirm what was said, so it may be one server's view only.
        evidence: what was said, if it was said about this address.
    """

    code: ReasonCode
    explanation: str
    cause: Cause | None = None
    scope: Scope = Scope.ADDRESS
    until: datetime | None = None
    unconfirmed: bool = False
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether an address may be mailed.

    Attributes:
        reasons: every reason in force, in the order of `ReasonCode`.
        explanation: the answer in words.
        allowed: the address or its domain is on the allow-list, so bounces do not suppress it.
    """

    reasons: tuple[Reason, ...] = ()
    explanation: str
    allowed: bool = False

    @property
    def suppressed(self) -> bool:
        """Whether the address must not be mailed."""
        return bool(self.reasons)

    @property
    def reported(self) -> Reason | None:
        """The first reason; None for an address that may be mailed."""
        return self.reasons[0] if self.reasons else None

    @property
    def reason_code(self) -> ReasonCode | None:
        """Code of the reported reason."""
        return self.reported.code if self.reported else None

    @property
    def category(self) -> Category | None:
        """What the reply said that led to it, if a reply did."""
        cause = self.reported.cause if self.reported else None
        return cause.category if cause else None

    @property
    def scope(self) -> Scope:
        """Whom the reported reason holds for."""
        return self.reported.scope if self.reported else Scope.NONE

    @property
    def until(self) -> datetime | None:
        """When the reported reason ends by itself; None for never or not suppressed."""
        return self.reported.until if self.reported else None

    @property
    def unconfirmed(self) -> bool:
        """Whether DNS does not confirm the reported reason."""
        return self.reported is not None and self.reported.unconfirmed

    @property
    def evidence(self) -> Evidence | None:
        """What was said about exactly this address, if that decided."""
        return self.reported.evidence if self.reported else None


def decide(
    facts: AddressFacts | None, domain: DomainFacts | None, now: datetime, policy: Policy
) -> Decision:
    """Whether the address may be mailed at `now`, and if not, every reason why.

    Args:
        facts: of the address; None if nothing was ever recorded.
        domain: of its host name; None if it was never probed.
        now: aware.
        policy: the deployment's thresholds.
    """
    by_people = _in_time(_personal_reasons(facts, domain, policy), now)
    by_bounces = _in_time(_bounce_reasons(facts, domain, policy), now)
    listing = _listing(facts, domain)
    in_force = by_people if listing else by_people + by_bounces
    if in_force:
        explanation = in_force[0].explanation
    elif listing:
        explanation = _allowed_words(*listing, by_bounces)
    else:
        explanation = _why_not_suppressed(facts, domain)
    return Decision(reasons=in_force, explanation=explanation, allowed=listing is not None)


def decide_domain(domain: DomainFacts | None, now: datetime, policy: Policy) -> Decision:
    """The decision about an address of which nothing else is known, in words about the domain.

    Arguments as in `decide`.
    """
    decision = decide(None, domain, now, policy)
    if decision.suppressed or decision.allowed:
        return decision
    return replace(decision, explanation="Nothing is recorded that suppresses the whole domain.")


def _in_time(reasons: Iterable[Reason], now: datetime) -> tuple[Reason, ...]:
    return tuple(reason for reason in reasons if reason.until is None or now < reason.until)


def _listing(
    facts: AddressFacts | None, domain: DomainFacts | None
) -> tuple[AllowlistEntry, Scope] | None:
    """What puts an address on the allow-list: its own entry before that of its domain."""
    if facts and facts.allowed and facts.allowed.listed:
        return facts.allowed, Scope.ADDRESS
    if domain and domain.allowed and domain.allowed.listed:
        return domain.allowed, Scope.DOMAIN
    return None


def _undone_at(cause: Cause, facts: AddressFacts, domain: DomainFacts | None) -> datetime | None:
    """Up to when a person's changes undo what was said for a cause; None if nothing does."""
    evidence = facts.evidence.get(cause)
    by_person = cause is Cause.UNSUBSCRIBE or (
        evidence is not None and disposition_of(cause, evidence) is None
    )
    undone_at = latest(facts.voided_at.get(cause), None if by_person else facts.removed_at)
    if domain is None or cause not in DOMAIN_CLAIMS:
        return undone_at
    return latest(undone_at, domain.removed_at)


def _effective(facts: AddressFacts, cause: Cause, domain: DomainFacts | None) -> Evidence | None:
    """The evidence for a cause, unless a removal or void is later."""
    evidence = facts.evidence.get(cause)
    if evidence is None:
        return None
    undone_at = _undone_at(cause, facts, domain)
    return evidence if undone_at is None or evidence.last > undone_at else None


def _in_force(
    facts: AddressFacts, disposition: Disposition | None, domain: DomainFacts | None = None
) -> list[tuple[Cause, Evidence]]:
    """Causes of a disposition (None: complaints) that hold, with their evidence; latest first."""
    found = ((cause, _effective(facts, cause, domain)) for cause in facts.evidence)
    return sorted(
        (
            (cause, evidence)
            for cause, evidence in found
            if evidence and disposition_of(cause, evidence) is disposition
        ),
        key=lambda pair: severity_key(*pair),
    )


def complaints_in_force(facts: AddressFacts) -> tuple[Cause, ...]:
    """Causes for which the recipient's complaint suppresses the address; usually one or none."""
    return tuple(cause for cause, _ in _in_force(facts, None))


def unsubscribe_in_force(facts: AddressFacts, policy: Policy) -> Evidence | None:
    """The recipient's unsubscribe, if it suppresses the address."""
    return _unsubscribe(facts) if policy.suppress_unsubscribes else None


def unsubscribed_at(facts: AddressFacts) -> datetime | None:
    """When the recipient last unsubscribed, whether that suppresses or not; None for never."""
    unsubscribe = _unsubscribe(facts)
    return unsubscribe.last if unsubscribe else None


def _unsubscribe(facts: AddressFacts) -> Evidence | None:
    return _effective(facts, Cause.UNSUBSCRIBE, None)


def _personal_reasons(
    facts: AddressFacts | None, domain: DomainFacts | None, policy: Policy
) -> Iterator[Reason]:
    if facts is not None:
        yield from _reasons_about(facts, policy)
    if domain is not None:
        yield from _manual_reasons(domain.manual, domain.removed_at, Scope.DOMAIN)


def _reasons_about(facts: AddressFacts, policy: Policy) -> Iterator[Reason]:
    if facts.erased:
        yield Reason(code=ReasonCode.ERASED, explanation="The person asked to be forgotten.")
    for cause, complaint in _in_force(facts, None):
        yield Reason(
            code=ReasonCode.COMPLAINT,
            cause=cause,
            evidence=complaint,
            explanation=f"The recipient complained on {_day(complaint.last)}.",
        )
    if unsubscribe := unsubscribe_in_force(facts, policy):
        yield Reason(
            code=ReasonCode.UNSUBSCRIBE,
            cause=Cause.UNSUBSCRIBE,
            evidence=unsubscribe,
            explanation=f"The recipient unsubscribed on {_day(unsubscribe.last)}.",
        )
    yield from _manual_reasons(facts.manual, facts.removed_at, Scope.ADDRESS)


def _manual_reasons(
    manual: ManualEntry | None, removed_at: datetime | None, scope: Scope
) -> Iterator[Reason]:
    if manual and (removed_at is None or manual.at > removed_at):
        added = "Added" if scope is Scope.ADDRESS else "The domain was added"
        yield Reason(
            code=ReasonCode.MANUAL,
            scope=scope,
            until=manual.until,
            explanation=f"{added} manually on {_day(manual.at)}{_until(manual.until)}.",
        )


def _bounce_reasons(
    facts: AddressFacts | None, domain: DomainFacts | None, policy: Policy
) -> Iterator[Reason]:
    if facts is not None:
        yield from _hard_reasons(facts, domain, policy)
    yield from _domain_reasons(facts, domain)
    if facts is not None:
        yield from _echo_reasons(facts, policy)
        yield from _soft_reasons(facts, domain, policy)


_MEANINGS: Mapping[Cause, str] = {
    Cause.MAILBOX_UNKNOWN: "the mailbox does not exist",
    Cause.MAILBOX_MOVED: "the mailbox has moved",
    Cause.DOMAIN_UNKNOWN: "the domain does not exist",
    Cause.NO_MAIL_ACCEPTED: "the host accepts no mail",
    Cause.DOMAIN_UNREACHABLE: "the domain cannot be reached",
}
_SOFT_CLAIMS = tuple(claim for claim in DOMAIN_CLAIMS if claim.disposition is Disposition.SOFT)
if _MEANINGS.keys() != {*DOMAIN_CLAIMS} | {
    cause for cause in Cause if cause.disposition is Disposition.HARD
}:
    raise LookupError("every hard cause and every claim needs a row in _MEANINGS")


def _hard_reasons(facts: AddressFacts, domain: DomainFacts | None, policy: Policy) -> list[Reason]:
    """Hard causes in force: those without an end first, then the latest."""
    said = _in_force(facts, Disposition.HARD, domain)
    reasons = [_hard_reason(cause, evidence, domain, policy) for cause, evidence in said]
    return sorted((r for r in reasons if r), key=lambda reason: reason.until is not None)


def _hard_reason(
    cause: Cause, evidence: Evidence, domain: DomainFacts | None, policy: Policy
) -> Reason | None:
    said = _said(cause, evidence)
    reason = Reason(
        code=ReasonCode.HARD_BOUNCE, cause=cause, evidence=evidence, explanation=f"{said}."
    )
    probe = domain.probe if domain else None
    match effect_on(cause, evidence.last, domain):
        case ClaimEffect.REFUTED:
            return None
        case ClaimEffect.STANDS:
            return reason
        case ClaimEffect.UNCONFIRMED:
            until = evidence.last + timedelta(days=policy.unconfirmed_term)
            words = f"{said}, but in DNS {_dns_words(probe)}: unconfirmed{_until(until)}."
            return replace(reason, until=until, unconfirmed=True, explanation=words)
        case ClaimEffect.PENDING:
            return replace(reason, explanation=f"{said}{_pending_words(cause, probe)}")
        case ClaimEffect.WHOLE_DOMAIN:
            words = f"{said}. In DNS, {_dns_words(probe)}.{_alternate_words(probe)}"
            return replace(reason, scope=Scope.DOMAIN, explanation=words)


def _domain_reasons(facts: AddressFacts | None, domain: DomainFacts | None) -> Iterator[Reason]:
    if domain is None:
        return
    if is_dead(domain):
        claim = reported_claim(domain)
        alone = domain.probe is not None and domain.probe.verdict not in DEAD_VERDICTS
        said = f", and a mail server said that {_MEANINGS[claim]}" if claim and alone else ""
        yield Reason(
            code=ReasonCode.DEAD_DOMAIN,
            cause=claim,
            scope=Scope.DOMAIN,
            explanation=(
                f"Nobody at this domain can get mail: {_dns_words(domain.probe)}{said}."
                f"{_alternate_words(domain.probe)}"
            ),
        )
        return
    for cause in _SOFT_CLAIMS:
        evidence = _effective(facts, cause, domain) if facts else None
        if evidence and effect_on(cause, evidence.last, domain) is ClaimEffect.PENDING:
            yield Reason(
                code=ReasonCode.DEAD_DOMAIN,
                cause=cause,
                evidence=evidence,
                explanation=(f"{_said(cause, evidence)}{_pending_words(cause, domain.probe)}"),
            )


def _echo_reasons(facts: AddressFacts, policy: Policy) -> Iterator[Reason]:
    for cause, echo in _in_force(facts, Disposition.ECHO):
        until = echo.last + timedelta(days=policy.echo_term)
        yield Reason(
            code=ReasonCode.PROVIDER_LIST,
            cause=cause,
            until=until,
            evidence=echo,
            explanation=(
                f"On {_day(echo.last)} the provider refused to send because of its own "
                f"suppression list; suppressed here{_until(until)}."
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftSuppression:
    """The moment at which soft bounces added up to a suppression, and when that ends."""

    at: datetime
    until: datetime
    cause: Cause


def soft_suppressions(days: Mapping[SoftDay, datetime], policy: Policy) -> list[SoftSuppression]:
    """Suppressions that soft days add up to, in order of time; later ones last longer.

    Days add up if they lie within `policy.soft_window` of each other. Days within the term
    of a suppression count for nothing: messages that were under way when it began must not
    lengthen it. A suppression that takes days of failed forwards to add up lasts the first
    term, and does not lengthen later ones.
    """
    found: list[SoftSuppression] = []
    earlier = 0
    window: dict[date, int] = {}
    forwards: set[date] = set()
    for (day, cause), at in sorted(days.items(), key=lambda item: (item[1], item[0])):
        if found and at < found[-1].until:
            continue
        window = {d: w for d, w in window.items() if (day - d).days < policy.soft_window}
        if cause is not Cause.FORWARD_FAILED:
            forwards.discard(day)
        elif day not in window:
            forwards.add(day)
        window[day] = max(_weight(cause, policy), window.get(day, 0))
        if sum(window.values()) >= policy.soft_days:
            own = sum(w for d, w in window.items() if d not in forwards)
            of_its_own = own >= policy.soft_days
            term = policy.soft_terms[min(earlier, len(policy.soft_terms) - 1) if of_its_own else 0]
            found.append(SoftSuppression(at=at, until=at + timedelta(days=term), cause=cause))
            earlier += of_its_own
            window = {}
    return found


def _weight(cause: Cause, policy: Policy) -> int:
    return policy.disabled_weight if cause is Cause.MAILBOX_DISABLED else 1


def soft_weight(
    facts: AddressFacts, domain: DomainFacts | None, now: datetime, policy: Policy
) -> int:
    """What the soft days of an address that is not suppressed add up to at `now`.

    At `policy.soft_days` they suppress it.
    """
    days = _soft_days(facts, domain)
    over = max((found.until for found in soft_suppressions(days, policy)), default=None)
    weights: dict[date, int] = {}
    for (day, cause), at in days.items():
        in_window = (utc_day(now) - day).days < policy.soft_window
        if in_window and (over is None or at >= over):
            weights[day] = max(_weight(cause, policy), weights.get(day, 0))
    return sum(weights.values())


def expired_reason(
    facts: AddressFacts | None, domain: DomainFacts | None, now: datetime, policy: Policy
) -> Reason | None:
    """What suppressed an address until it ended by itself; the one that ended last."""
    ever = decide(facts, domain, _BEFORE_ALL, policy).reasons
    over = {reason.until: reason for reason in ever if reason.until and reason.until <= now}
    return over[max(over)] if over else None


_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
"""Nothing has ended yet."""


def _soft_days(facts: AddressFacts, domain: DomainFacts | None) -> dict[SoftDay, datetime]:
    """The days with soft bounces that count: since the latest delivery, and not undone."""
    delivered_at = facts.delivered_at
    return {
        (day, cause): at
        for (day, cause), at in facts.soft_days.items()
        if (delivered_at is None or at > delivered_at) and _counts_as_soft(cause, at, facts, domain)
    }


def _soft_reasons(
    facts: AddressFacts, domain: DomainFacts | None, policy: Policy
) -> Iterator[Reason]:
    for suppression in soft_suppressions(_soft_days(facts, domain), policy)[-1:]:
        yield Reason(
            code=ReasonCode.SOFT_BOUNCES,
            cause=suppression.cause,
            until=suppression.until,
            evidence=facts.evidence[suppression.cause],
            explanation=(
                f"Soft bounces added up to a suppression on {_day(suppression.at)}, with no "
                f"delivery since; suppressed{_until(suppression.until)}."
                f"{_forward_words(facts.evidence[suppression.cause])}"
            ),
        )


def _counts_as_soft(
    cause: Cause, at: datetime, facts: AddressFacts, domain: DomainFacts | None
) -> bool:
    undone_at = _undone_at(cause, facts, domain)
    if (undone_at is not None and at <= undone_at) or cause not in facts.evidence:
        return False
    if disposition_of(cause, facts.evidence[cause]) is Disposition.SOFT:
        return True
    return effect_on(cause, at, domain) is ClaimEffect.REFUTED


# -------------------------------------------------------------------------- in words


def _said(cause: Cause, evidence: Evidence) -> str:
    if cause not in _MEANINGS:
        return f"A newer version recorded {cause} on {_day(evidence.last)}"
    return f"A mail server said on {_day(evidence.last)} that {_MEANINGS[cause]}"


def _dns_words(probe: Probe | None) -> str:
    if probe is None:
        return ""
    return f"the domain {meaning_of(probe.verdict)} ({_day(probe.probed_at)})"


_NEEDS_WORDS: Mapping[Needs, str] = {
    Needs.NOTHING: "at once",
    Needs.SECOND_LOOK: "if a second look, at least a day after the first, finds the same",
    Needs.SECOND_CLAIM: "if this is said again on another day",
}


def _pending_words(cause: Cause, probe: Probe | None) -> str:
    if probe is None:
        return "."
    needs = _NEEDS_WORDS[ruling_on(cause, probe.verdict).needs]
    return (
        f". In DNS, {_dns_words(probe)}. The whole domain is suppressed {needs}."
        f"{_alternate_words(probe)}"
    )


def _alternate_words(probe: Probe | None) -> str:
    if probe is None or probe.alternate_verdict is not DomainVerdict.ACCEPTS_MAIL:
        return ""
    return f" Its parent domain {probe.alternate_domain} accepts mail."


def _forward_words(evidence: Evidence) -> str:
    if not evidence.forwarded_to:
        return ""
    return f" The reply is about an address at {evidence.forwarded_to}, to which mail is forwarded."


def _allowed_words(entry: AllowlistEntry, scope: Scope, held_back: tuple[Reason, ...]) -> str:
    listed = "The domain is" if scope is Scope.DOMAIN else "The address is"
    since = f"{listed} on the allow-list since {_day(entry.at)}, so bounces do not suppress it."
    return f"{since} Without that: {held_back[0].explanation}" if held_back else since


def _why_not_suppressed(facts: AddressFacts | None, domain: DomainFacts | None) -> str:
    at = unsubscribed_at(facts) if facts else None
    words = _why_bounces_do_not_suppress(facts, domain)
    if at is None:
        return words
    return (
        f"{words} The recipient unsubscribed on {_day(at)}, which suppresses nobody "
        "in this deployment (SuppressUnsubscribes)."
    )


def _why_bounces_do_not_suppress(facts: AddressFacts | None, domain: DomainFacts | None) -> str:
    if facts is None or facts.is_empty:
        return "No bounces or complaints are recorded that could suppress this address."
    probe = domain.probe if domain else None
    for cause in DOMAIN_CLAIMS:
        said = facts.evidence.get(cause) if cause.disposition is Disposition.HARD else None
        if said and effect_on(cause, said.last, domain) is ClaimEffect.REFUTED:
            return (
                f"{_said(cause, said)}, but in DNS {_dns_words(probe)}: the claim is refuted, and "
                "the event counts as a soft bounce."
            )
    return "The evidence about this address is not (or no longer) enough to suppress it."


def _day(at: datetime) -> str:
    return utc_day(at).isoformat()


def _until(until: datetime | None) -> str:
    return f" until {_day(until)}" if until else ""
