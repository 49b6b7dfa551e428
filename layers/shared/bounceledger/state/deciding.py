"""From facts and the time to a decision. The order of the grounds is the policy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum, auto

from bounceledger.policy import Policy
from bounceledger.state.facts import (
    COMPLAINT,
    DEAD,
    AddressFacts,
    DomainFacts,
    DomainVerdict,
    Evidence,
    Probe,
    SoftDay,
    latest,
    utc_day,
    weight,
)
from bounceledger.verdict import DISPOSITIONS, DOMAIN_CLAIMS, Category, Disposition, Scope


class Reason(StrEnum):
    """Why an address must not be mailed, in the order in which reasons are reported."""

    ERASED = "erased"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    HARD_BOUNCE = "hard_bounce"
    DEAD_DOMAIN = "dead_domain"
    PROVIDER_LIST = "provider_list"
    SOFT_BOUNCES = "soft_bounces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One reason in force.

    Attributes:
        reason: which rule of the policy.
        explanation: the same in words.
        cause: what the reply said: a category, `COMPLAINT`, or None without any reply.
        scope: whether it holds for the address or for everyone at its host name.
        until: when it ends by itself; None for never.
        unconfirmed: DNS shows working mail hosts, so it may be one server's view only.
        evidence: what was said, if it was said about this address.
    """

    reason: Reason
    explanation: str
    cause: str | None = None
    scope: Scope = Scope.ADDRESS
    until: datetime | None = None
    unconfirmed: bool = False
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether an address may be mailed. The first ground is the one that is reported.

    Attributes:
        grounds: every reason in force, in the order of `Reason`.
        explanation: the answer in words.
    """

    grounds: tuple[Ground, ...] = ()
    explanation: str

    @property
    def suppressed(self) -> bool:
        """Whether the address must not be mailed."""
        return bool(self.grounds)

    @property
    def reason(self) -> Reason | None:
        """Why not, None for an address that may be mailed."""
        return self.grounds[0].reason if self.grounds else None

    @property
    def category(self) -> Category | None:
        """What the reply said that led to it, if a reply did."""
        cause = self.grounds[0].cause if self.grounds else None
        return None if cause is None or cause == COMPLAINT else Category(cause)

    @property
    def scope(self) -> Scope:
        """How far it reaches."""
        return self.grounds[0].scope if self.grounds else Scope.NONE

    @property
    def until(self) -> datetime | None:
        """When the reported ground ends by itself; None for never or not suppressed."""
        return self.grounds[0].until if self.grounds else None

    @property
    def unconfirmed(self) -> bool:
        """Whether DNS does not bear it out."""
        return bool(self.grounds) and self.grounds[0].unconfirmed

    @property
    def evidence(self) -> Evidence | None:
        """What was said about this very address, if that decided."""
        return self.grounds[0].evidence if self.grounds else None


class DnsOutcome(Enum):
    """What DNS makes of a hard category."""

    KEEP = auto()
    """DNS has nothing to say: the address is suppressed for good."""
    WIDEN = auto()
    """Confirmed: everyone at the host name is suppressed."""
    WIDEN_UNTIL_RECHECK = auto()
    """The same, until a recheck finds a mail host."""
    NARROW = auto()
    """The address only, unconfirmed, with an end."""
    TAKE_BACK = auto()
    """It was a hiccup: the event counts as a soft bounce."""


DNS_OUTCOMES: Mapping[tuple[Category, DomainVerdict], DnsOutcome] = {
    (Category.NO_MAIL_ACCEPTED, DomainVerdict.NULL_MX): DnsOutcome.WIDEN,
    (Category.NO_MAIL_ACCEPTED, DomainVerdict.MISSING): DnsOutcome.WIDEN,
    (Category.NO_MAIL_ACCEPTED, DomainVerdict.NO_MAIL_HOST): DnsOutcome.WIDEN,
    (Category.NO_MAIL_ACCEPTED, DomainVerdict.IMPLICIT_MX): DnsOutcome.WIDEN_UNTIL_RECHECK,
    (Category.NO_MAIL_ACCEPTED, DomainVerdict.ACCEPTS_MAIL): DnsOutcome.NARROW,
    (Category.NO_MAIL_ACCEPTED, DomainVerdict.UNKNOWN): DnsOutcome.KEEP,
    (Category.DOMAIN_UNKNOWN, DomainVerdict.NULL_MX): DnsOutcome.WIDEN,
    (Category.DOMAIN_UNKNOWN, DomainVerdict.MISSING): DnsOutcome.WIDEN,
    (Category.DOMAIN_UNKNOWN, DomainVerdict.NO_MAIL_HOST): DnsOutcome.WIDEN,
    (Category.DOMAIN_UNKNOWN, DomainVerdict.IMPLICIT_MX): DnsOutcome.KEEP,
    (Category.DOMAIN_UNKNOWN, DomainVerdict.ACCEPTS_MAIL): DnsOutcome.TAKE_BACK,
    (Category.DOMAIN_UNKNOWN, DomainVerdict.UNKNOWN): DnsOutcome.KEEP,
}
"""What a mail server's claim about a domain is worth once DNS was asked (RFC 7504, 7505).

Every other hard category speaks of the mailbox: DNS does not bear on it.
"""


def decide(
    facts: AddressFacts | None,
    domain: DomainFacts | None,
    now: datetime,
    policy: Policy = Policy(),
) -> Decision:
    """Whether the address may be mailed at `now`, and if not, every reason why.

    Args:
        facts: of the address; None if nothing was ever recorded.
        domain: of its host name; None if it was never probed.
        now: aware.
        policy: the thresholds.
    """
    grounds: list[Ground] = []
    if facts is not None:
        grounds += _personal_grounds(facts)
        grounds += _hard_grounds(facts, domain, policy)
    grounds += _domain_grounds(domain)
    if facts is not None:
        grounds += _echo_grounds(facts, policy)
        grounds += _soft_grounds(facts, domain, policy)
    in_force = tuple(g for g in grounds if g.until is None or now < g.until)
    if in_force:
        return Decision(grounds=in_force, explanation=in_force[0].explanation)
    return Decision(explanation=_why_not(facts, domain))


def _effective(facts: AddressFacts, cause: str) -> Evidence | None:
    """The evidence for a cause, unless a lift or void is later."""
    evidence = facts.evidence.get(cause)
    if evidence is None:
        return None
    voided_at = None if cause == COMPLAINT else facts.voided_at.get(Category(cause))
    undone_at = latest(facts.lifted_at, voided_at)
    return evidence if undone_at is None or evidence.last > undone_at else None


def _personal_grounds(facts: AddressFacts) -> Iterator[Ground]:
    if facts.erased:
        yield Ground(reason=Reason.ERASED, explanation="The person asked to be forgotten.")
    if complaint := _effective(facts, COMPLAINT):
        yield Ground(
            reason=Reason.COMPLAINT,
            cause=COMPLAINT,
            evidence=complaint,
            explanation=f"The recipient complained on {_day(complaint.last)}.",
        )
    manual = facts.manual
    if manual and (facts.lifted_at is None or manual.at > facts.lifted_at):
        yield Ground(
            reason=Reason.MANUAL,
            until=manual.until,
            explanation=f"Entered by hand on {_day(manual.at)}{_until(manual.until)}.",
        )


_MEANINGS: Mapping[Category, str] = {
    Category.MAILBOX_UNKNOWN: "the mailbox does not exist",
    Category.MAILBOX_MOVED: "the mailbox has moved",
    Category.DOMAIN_UNKNOWN: "the domain does not exist",
    Category.NO_MAIL_ACCEPTED: "the host accepts no mail",
}


def _hard_grounds(facts: AddressFacts, domain: DomainFacts | None, policy: Policy) -> list[Ground]:
    """Hard categories in force: those without an end first, then the latest."""
    effective = [(category, _effective(facts, category)) for category in _MEANINGS]
    said = sorted(
        ((category, evidence) for category, evidence in effective if evidence),
        key=lambda pair: weight(*pair),
    )
    grounds = [_hard_ground(category, evidence, domain, policy) for category, evidence in said]
    return sorted((g for g in grounds if g), key=lambda ground: ground.until is not None)


def _hard_ground(
    category: Category, evidence: Evidence, domain: DomainFacts | None, policy: Policy
) -> Ground | None:
    said = f"A mail server said on {_day(evidence.last)} that {_MEANINGS[category]}"
    ground = Ground(
        reason=Reason.HARD_BOUNCE, cause=category, evidence=evidence, explanation=f"{said}."
    )
    probe = domain.probe if domain else None
    match dns_outcome(category, evidence, probe):
        case DnsOutcome.TAKE_BACK:
            return None
        case DnsOutcome.KEEP:
            return ground
        case DnsOutcome.NARROW:
            until = evidence.last + timedelta(days=policy.unconfirmed_term)
            words = f"{said}, but DNS shows working mail hosts: unconfirmed{_until(until)}."
            return replace(ground, until=until, unconfirmed=True, explanation=words)
        case DnsOutcome.WIDEN | DnsOutcome.WIDEN_UNTIL_RECHECK:
            words = f"{said}, and DNS bears it out: {_dns_words(probe)}.{_alternate_words(probe)}"
            return replace(ground, scope=Scope.DOMAIN, explanation=words)


def dns_outcome(category: Category, evidence: Evidence, probe: Probe | None) -> DnsOutcome:
    """What DNS makes of a hard category, given the latest probe of the domain."""
    if probe is None:
        return DnsOutcome.KEEP
    outcome = DNS_OUTCOMES.get((category, probe.verdict), DnsOutcome.KEEP)
    if outcome is DnsOutcome.TAKE_BACK and evidence.last > probe.probed_at:
        return DnsOutcome.KEEP  # said again since: the next probe will tell
    return outcome


def _domain_grounds(domain: DomainFacts | None) -> Iterator[Ground]:
    """A dead host name takes everyone at it along, also those who were never mailed."""
    if domain is None or domain.probe is None:
        return
    verdict = domain.probe.verdict
    claim = next((claim for claim in DOMAIN_CLAIMS if claim in domain.claims), None)
    refused = claim is Category.NO_MAIL_ACCEPTED
    if verdict in DEAD or (verdict is DomainVerdict.IMPLICIT_MX and refused):
        yield Ground(
            reason=Reason.DEAD_DOMAIN,
            cause=claim,
            scope=Scope.DOMAIN,
            explanation=(
                f"Nobody at this domain can get mail: {_dns_words(domain.probe)}."
                f"{_alternate_words(domain.probe)}"
            ),
        )


def _echo_grounds(facts: AddressFacts, policy: Policy) -> Iterator[Ground]:
    if echo := _effective(facts, Category.PROVIDER_SUPPRESSED):
        until = echo.last + timedelta(days=policy.echo_term)
        yield Ground(
            reason=Reason.PROVIDER_LIST,
            cause=Category.PROVIDER_SUPPRESSED,
            until=until,
            evidence=echo,
            explanation=(
                f"On {_day(echo.last)} the provider refused to send, by its own suppression "
                f"list; believed{_until(until)}."
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """The moment at which soft bounces amounted to a suppression, and when that ends."""

    at: datetime
    until: datetime
    category: Category


def strikes(days: Mapping[SoftDay, datetime], policy: Policy = Policy()) -> list[Strike]:
    """Suppressions that soft days amount to, in order of time; later ones last longer.

    Days count for a strike if they lie within `policy.soft_window` of each other. Days
    within the term of a strike count for nothing: mail that was under way when it began
    must not lengthen it.
    """
    found: list[Strike] = []
    window: dict[date, int] = {}
    for (day, category), at in sorted(days.items(), key=lambda item: (item[1], item[0])):
        if found and at < found[-1].until:
            continue
        window = {d: w for d, w in window.items() if (day - d).days < policy.soft_window}
        weight = policy.disabled_weight if category is Category.MAILBOX_DISABLED else 1
        window[day] = max(weight, window.get(day, 0))
        if sum(window.values()) >= policy.soft_days:
            term = policy.soft_terms[min(len(found), len(policy.soft_terms) - 1)]
            found.append(Strike(at=at, until=at + timedelta(days=term), category=category))
            window = {}
    return found


def _soft_grounds(
    facts: AddressFacts, domain: DomainFacts | None, policy: Policy
) -> Iterator[Ground]:
    days = {
        (day, category): at
        for (day, category), at in facts.soft_days.items()
        if _counts_as_soft(category, at, facts, domain)
    }
    for strike in strikes(days, policy)[-1:]:
        yield Ground(
            reason=Reason.SOFT_BOUNCES,
            cause=strike.category,
            until=strike.until,
            evidence=facts.evidence[strike.category],
            explanation=(
                f"Soft bounces on several days up to {_day(strike.at)} and no delivery "
                f"since; suppressed{_until(strike.until)}."
            ),
        )


def _counts_as_soft(
    category: Category, at: datetime, facts: AddressFacts, domain: DomainFacts | None
) -> bool:
    voided_at = facts.voided_at.get(category)
    if voided_at is not None and at <= voided_at:
        return False
    if DISPOSITIONS[category] is Disposition.SOFT:
        return True
    probe = domain.probe if domain else None
    return (
        probe is not None
        and DNS_OUTCOMES.get((category, probe.verdict)) is DnsOutcome.TAKE_BACK
        and at <= probe.probed_at
    )


# -------------------------------------------------------------------------- in words


_VERDICT_WORDS: Mapping[DomainVerdict, str] = {
    DomainVerdict.NULL_MX: "it publishes a null MX record",
    DomainVerdict.NO_MAIL_HOST: "it names no mail host that can be reached",
    DomainVerdict.MISSING: "it does not exist",
    DomainVerdict.IMPLICIT_MX: "it has no MX record, and its host said that it takes none",
    DomainVerdict.ACCEPTS_MAIL: "it has working mail hosts",
    DomainVerdict.UNKNOWN: "DNS gave no answer that could be relied on",
}


def _dns_words(probe: Probe | None) -> str:
    return "" if probe is None else f"{_VERDICT_WORDS[probe.verdict]} ({_day(probe.probed_at)})"


def _alternate_words(probe: Probe | None) -> str:
    if probe is None or probe.alternate_verdict is not DomainVerdict.ACCEPTS_MAIL:
        return ""
    return f" Its parent domain {probe.alternate_domain} accepts mail."


def _why_not(facts: AddressFacts | None, domain: DomainFacts | None) -> str:
    if facts is None or facts.is_empty:
        return "Nothing is known against this address."
    evidence = facts.evidence.get(Category.DOMAIN_UNKNOWN)
    probe = domain.probe if domain else None
    if evidence and dns_outcome(Category.DOMAIN_UNKNOWN, evidence, probe) is DnsOutcome.TAKE_BACK:
        return (
            f"A mail server said on {_day(evidence.last)} that the domain does not exist, but "
            f"DNS shows working mail hosts: taken back, and counted as a soft bounce."
        )
    return "What is known of this address is not enough to suppress it, or no longer."


def _day(at: datetime) -> str:
    return utc_day(at).isoformat()


def _until(until: datetime | None) -> str:
    return f" until {_day(until)}" if until else ""
