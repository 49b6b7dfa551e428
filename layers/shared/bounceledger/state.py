"""What is known of an address or a domain, and what follows from it. Pure.

*Facts* are merged from events by operations that are commutative and associative
(minimum, maximum, union, sum over distinct events), so neither the order of events nor
the way they were batched can show in them. The *decision* is derived from the facts at
every read, so nothing has to run for a suppression to begin, change or end.

`merge` must be given every event once: the sums (`Evidence.count`) rely on it. The
ledger sees to that with a marker item per event.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum, StrEnum, auto

from bounceledger.events import Kind, MailEvent
from bounceledger.settings import Policy
from bounceledger.verdict import DISPOSITIONS, Category, Disposition, Scope, Verdict

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

COMPLAINT = "complaint"
"""The cause of evidence that is not a category of reply."""

MAX_DIAGNOSTIC = 1024
"""Bytes of a diagnostic that are kept (UTF-8)."""
_MAX_WORD = 256
"""Bytes kept of every other text that a stranger wrote."""


# ------------------------------------------------------------------ facts of an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One event and what its reply was found to say.

    Attributes:
        event: what happened.
        verdict: the classifier's; None for kinds that carry no reply.
        rules_version: version of the rules that gave the verdict; may be empty.
    """

    event: MailEvent
    verdict: Verdict | None = None
    rules_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was said about an address for one cause: when, how often, and the latest words.

    Attributes:
        first: time of the earliest event.
        last: time of the latest event, the one that all texts below are from.
        count: how many distinct events.
        event_id: of the latest event; settles which is the latest at equal times.
    """

    first: datetime
    last: datetime
    count: int
    event_id: str
    lead_source: str
    provider: str = ""
    message_id: str = ""
    rule: str = ""
    rules_version: str = ""
    diagnostic: str = ""
    reply_code: int | None = None
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Touch:
    """The event by which a lead source first got an address suppressed.

    Counted on the UTC day of `at`. Ordered by time, then cause.
    """

    at: datetime
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEntry:
    """A person's decision that an address must not be mailed, until `until` or for good."""

    at: datetime
    until: datetime | None = None
    by: str = ""
    why: str = ""


type SoftDay = tuple[date, Category]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFacts:
    """Everything that is remembered of one address. The neutral element of `join` is empty.

    Attributes:
        address: canonical form.
        erased: the person asked to be forgotten: nothing else is kept, nor will be.
        evidence: by cause, that is by category (hard, soft and echo) or `COMPLAINT`.
        soft_days: latest event per UTC day and category, as far as nothing later
            (a delivery, a lift) made it void; bounded to the newest.
        delivered_at: latest delivery. Exact for an address with soft evidence; where
            nothing but deliveries is known there are no facts at all.
        lifted_at: evidence up to here counts no more.
        voided_at: the same for one category.
        manual: the latest manual entry.
        sources: first evidence per lead source; bounded to the earliest.
        first_touch: first hard bounce or complaint per lead source; bounded likewise.
        version: how often the facts were written; 0 for facts that are in no table.
    """

    address: str
    erased: bool = False
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    soft_days: Mapping[SoftDay, datetime] = field(default_factory=dict)
    delivered_at: datetime | None = None
    lifted_at: datetime | None = None
    voided_at: Mapping[Category, datetime] = field(default_factory=dict)
    manual: ManualEntry | None = None
    sources: Mapping[str, datetime] = field(default_factory=dict)
    first_touch: Mapping[str, Touch] = field(default_factory=dict)
    version: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remember."""
        return self == AddressFacts(address=self.address, version=self.version)


# ------------------------------------------------------------------- facts of a domain


class DomainVerdict(StrEnum):
    """What DNS says about mail for a host name.

    Attributes:
        NULL_MX: "takes no mail", RFC 7505.
        NO_MAIL_HOST: no mail host that could be reached from the Internet.
        MISSING: the name does not exist (NXDOMAIN).
        IMPLICIT_MX: no MX record, but an address record (RFC 5321 section 5.1).
        ACCEPTS_MAIL: at least one usable MX.
        UNKNOWN: no answer that could be relied on.
    """

    NULL_MX = "null_mx"
    NO_MAIL_HOST = "no_mail_host"
    MISSING = "missing"
    IMPLICIT_MX = "implicit_mx"
    ACCEPTS_MAIL = "accepts_mail"
    UNKNOWN = "unknown"


DEAD = frozenset({DomainVerdict.NULL_MX, DomainVerdict.NO_MAIL_HOST, DomainVerdict.MISSING})
"""Verdicts after which nobody at that very host name can get mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What one look at DNS found.

    Attributes:
        verdict: the finding.
        probed_at: when, aware UTC.
        recheck_at: when to look again, aware UTC; None for never.
        evidence: records, hosts, addresses, answer codes and so on, ready for JSON.
        alternate_domain: first parent domain, up to the registrable one, that accepts mail.
        alternate_verdict: what DNS says about that one.
    """

    verdict: DomainVerdict
    probed_at: datetime
    recheck_at: datetime | None = None
    evidence: Mapping[str, Json] = field(default_factory=dict)
    alternate_domain: str | None = None
    alternate_verdict: DomainVerdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainFacts:
    """Everything that is remembered of one host name.

    Attributes:
        domain: canonical host name.
        probe: the latest that found out anything.
        claims: latest time at which a mail server said so, for no_mail_accepted and
            domain_unknown. Carried here by the probe that the claim led to, so that an
            address never mailed before learns of it.
        version: how often the facts were written; 0 for facts that are in no table.
    """

    domain: str
    probe: Probe | None = None
    claims: Mapping[Category, datetime] = field(default_factory=dict)
    version: int = 0


# ---------------------------------------------------------------------------- merging


def merge(facts: AddressFacts, observation: Observation, policy: Policy = Policy()) -> AddressFacts:
    """Facts after one more event. Give every distinct event once, in any order."""
    return join(facts, facts_of(observation, policy), policy)


def cause_of(observation: Observation, policy: Policy = Policy()) -> str | None:
    """The cause under which an event is evidence about its address, None if it is none.

    Sender-side blocks, auto-replies, delays and the like are no evidence. A complaint of
    type ``not-spam`` takes a complaint back at the provider and is none either.
    """
    event = observation.event
    if event.kind is Kind.COMPLAINT:
        return _cause_of_complaint(event, policy)
    if event.kind is not Kind.BOUNCE or observation.verdict is None:
        return None
    category = observation.verdict.category
    kept = (Disposition.HARD, Disposition.SOFT, Disposition.ECHO)
    return category if DISPOSITIONS[category] in kept else None


def _cause_of_complaint(event: MailEvent, policy: Policy) -> str | None:
    if event.type == "not-spam":
        return None
    if "SuppressionList" in event.subtype:  # the provider's own list speaking, not a person
        return Category.PROVIDER_SUPPRESSED
    if event.ambiguous and not policy.suppress_ambiguous_complaints:
        return None
    return COMPLAINT


def facts_of(observation: Observation, policy: Policy = Policy()) -> AddressFacts:
    """The facts that one event alone amounts to; empty for an event that is no evidence."""
    event = observation.event
    if event.kind is Kind.DELIVERY:
        return AddressFacts(address=event.address, delivered_at=event.occurred_at)
    cause = cause_of(observation, policy)
    if cause is None:
        return AddressFacts(address=event.address)
    disposition = disposition_of(cause)
    touched = disposition is Disposition.HARD or cause == COMPLAINT
    return AddressFacts(
        address=event.address,
        evidence={cause: _evidence(observation)},
        soft_days=(
            {(_utc_day(event.occurred_at), Category(cause)): event.occurred_at}
            if is_soft(cause)
            else {}
        ),
        sources={event.lead_source: event.occurred_at},
        first_touch=(
            {event.lead_source: Touch(at=event.occurred_at, cause=cause)} if touched else {}
        ),
    )


def disposition_of(cause: str) -> Disposition | None:
    """What a cause means for the recipient; None for a complaint."""
    return None if cause == COMPLAINT else DISPOSITIONS[Category(cause)]


def is_soft(cause: str) -> bool:
    """Whether days with evidence for a cause are remembered, since they may amount to a strike.

    domain_unknown is hard, but counts as soft where DNS contradicts it: see `decide`.
    """
    return disposition_of(cause) is Disposition.SOFT or cause == Category.DOMAIN_UNKNOWN


def has_soft_evidence(facts: AddressFacts) -> bool:
    """Whether deliveries matter to what is decided from these facts."""
    return any(is_soft(cause) for cause in facts.evidence)


def _evidence(observation: Observation) -> Evidence:
    event, verdict = observation.event, observation.verdict
    return Evidence(
        first=event.occurred_at,
        last=event.occurred_at,
        count=1,
        event_id=event.event_id,
        lead_source=event.lead_source,
        provider=_clean(event.provider),
        message_id=_clean(event.message_id),
        rule=verdict.rule if verdict else "",
        rules_version=observation.rules_version,
        diagnostic=_clean(event.diagnostic, MAX_DIAGNOSTIC),
        reply_code=verdict.reply_code if verdict else None,
        status=_clean((verdict.enhanced_status if verdict else None) or event.status),
    )


def _clean(text: str, size: int = _MAX_WORD) -> str:
    """A stranger's text without control characters, at most `size` bytes of UTF-8."""
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * size])
    return printable.encode("utf-8", "replace")[:size].decode("utf-8", "ignore").strip()


def join(a: AddressFacts, b: AddressFacts, policy: Policy = Policy()) -> AddressFacts:
    """Facts that hold what either side holds. Commutative and associative.

    `version` is the greater one. Both sides must come from different events, since
    counts add up; everything else may overlap.
    """
    version = max(a.version, b.version)
    if a.erased or b.erased:
        return AddressFacts(address=a.address, erased=True, version=version)
    delivered_at = _latest(a.delivered_at, b.delivered_at)
    lifted_at = _latest(a.lifted_at, b.lifted_at)
    return AddressFacts(
        address=a.address,
        evidence=_union(a.evidence, b.evidence, join_evidence),
        soft_days=_newest(
            _union(a.soft_days, b.soft_days, max),
            after=_latest(delivered_at, lifted_at),
            keep=policy.soft_days_kept,
        ),
        delivered_at=delivered_at,
        lifted_at=lifted_at,
        voided_at=_union(a.voided_at, b.voided_at, max),
        manual=_latest_entry(a.manual, b.manual),
        sources=_earliest(_union(a.sources, b.sources, min), policy.sources_kept),
        first_touch=_earliest(_union(a.first_touch, b.first_touch, min), policy.sources_kept),
        version=version,
    )


def join_evidence(a: Evidence, b: Evidence) -> Evidence:
    """Evidence from both sides, with the words of the latest event of the two."""
    latest = max(a, b, key=lambda evidence: (evidence.last, evidence.event_id))
    return replace(latest, first=min(a.first, b.first), count=a.count + b.count)


def _latest(a: datetime | None, b: datetime | None) -> datetime | None:
    return max((moment for moment in (a, b) if moment is not None), default=None)


def _latest_entry(a: ManualEntry | None, b: ManualEntry | None) -> ManualEntry | None:
    entries = [entry for entry in (a, b) if entry is not None]
    # All fields take part, so that two entries of one moment have one winner.
    return max(entries, key=lambda e: (e.at, e.until or _NEVER, e.by, e.why), default=None)


_NEVER = datetime.max.replace(tzinfo=UTC)


def _union[K, V](a: Mapping[K, V], b: Mapping[K, V], both: Callable[[V, V], V]) -> dict[K, V]:
    united = dict(a)
    for key, value in b.items():
        united[key] = both(united[key], value) if key in united else value
    return united


def _newest(
    days: Mapping[SoftDay, datetime], *, after: datetime | None, keep: int
) -> dict[SoftDay, datetime]:
    # Both steps keep an upper end of the same order, and a day's time can only grow, so a
    # day that was dropped once would be dropped by every later step too: any order of
    # joins ends with the same days.
    valid = {day: at for day, at in days.items() if after is None or at > after}
    if len(valid) <= keep:
        return valid
    return dict(sorted(valid.items(), key=lambda item: (item[1], item[0]))[-keep:])


def _earliest[V: (datetime, Touch)](values: Mapping[str, V], keep: int) -> dict[str, V]:
    # The same argument at the lower end: a source's value can only fall.
    if len(values) <= keep:
        return dict(values)
    return dict(sorted(values.items(), key=lambda item: (item[1], item[0]))[:keep])


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """What one lead source's mail brought to light about one address.

    Written for every event that is evidence (hard, soft, echo, complaint), so that a
    source's listing and the answer to "did this source contribute?" need no other item.

    Attributes:
        lead_source: who supplied the address.
        address: canonical form.
        evidence: by cause, as in `AddressFacts`, from this source's events only.
        version: how often the entry was written; 0 for one that is in no table.
    """

    lead_source: str
    address: str
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    version: int = 0

    @property
    def leading(self) -> tuple[str, Evidence]:
        """The cause that weighs most, and its evidence."""
        return min(self.evidence.items(), key=lambda item: _weight(*item))


def merge_source(
    entry: SourceEntry, observation: Observation, policy: Policy = Policy()
) -> SourceEntry:
    """A source's entry after one more event. Give every distinct event once."""
    evidence = facts_of(observation, policy).evidence
    return replace(entry, evidence=_union(entry.evidence, evidence, join_evidence))


def _weight(cause: str, evidence: Evidence) -> tuple[int, timedelta, str]:
    """Sort key: complaint, hard, echo, soft; the latest first."""
    order = (None, Disposition.HARD, Disposition.ECHO, Disposition.SOFT)
    return order.index(disposition_of(cause)), _NEVER - evidence.last, cause


def join_domain(a: DomainFacts, b: DomainFacts) -> DomainFacts:
    """Facts of a domain that hold what either side holds. Commutative, associative.

    The latest probe wins, but one that found nothing out never replaces one that did.
    """
    probes = [probe for probe in (a.probe, b.probe) if probe is not None]
    return DomainFacts(
        domain=a.domain,
        probe=max(probes, key=_rank, default=None),
        claims=_union(a.claims, b.claims, max),
        version=max(a.version, b.version),
    )


def _rank(probe: Probe) -> tuple[bool, datetime, str]:
    known = probe.verdict is not DomainVerdict.UNKNOWN
    return known, probe.probed_at, repr(probe)


# --------------------------------------------------------------------------- deciding


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
    undone_at = _latest(facts.lifted_at, voided_at)
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
        key=lambda pair: _weight(*pair),
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
            words = f"{said}, and DNS bears it out: {_dns_words(probe)}."
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
    claimed = Category.NO_MAIL_ACCEPTED in domain.claims
    if verdict in DEAD or (verdict is DomainVerdict.IMPLICIT_MX and claimed):
        yield Ground(
            reason=Reason.DEAD_DOMAIN,
            cause=Category.NO_MAIL_ACCEPTED if claimed else None,
            scope=Scope.DOMAIN,
            explanation=f"Nobody at this domain can get mail: {_dns_words(domain.probe)}.",
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
    DomainVerdict.IMPLICIT_MX: "it has no MX record, and its web host said that it takes no mail",
    DomainVerdict.ACCEPTS_MAIL: "it has working mail hosts",
    DomainVerdict.UNKNOWN: "DNS gave no answer that could be relied on",
}


def _dns_words(probe: Probe | None) -> str:
    return "" if probe is None else f"{_VERDICT_WORDS[probe.verdict]} ({_day(probe.probed_at)})"


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
    return _utc_day(at).isoformat()


def _utc_day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _until(until: datetime | None) -> str:
    return f" until {_day(until)}" if until else ""
