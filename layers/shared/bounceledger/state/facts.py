"""What is remembered of addresses and domains. Types only, and what they say by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Self

from bounceledger.events import Kind, MailEvent
from bounceledger.verdict import Cause, Disposition, OpenEnum, Verdict

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

PASSING = (Disposition.SOFT, Disposition.ECHO)
"""What suppresses for a time only; facts with nothing else are cleaned up some day."""

NEVER = datetime.max.replace(tzinfo=UTC)
"""Later than everything."""


# ------------------------------------------------------------------------ of an event


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One event, and what it says about its address. Made by `observe`.

    Attributes:
        event: what happened.
        cause: what the event is evidence of; None if it says nothing against the address.
        verdict: the classifier's; None for kinds that carry no reply.
        rules_version: version of the rules that gave the verdict; may be empty.
    """

    event: MailEvent
    cause: Cause | None
    verdict: Verdict | None
    rules_version: str

    @property
    def shows_bounce(self) -> bool:
        """Whether it shows that its message did not arrive, even if a host had accepted it.

        Hard and soft bounces, blocks and echoes do. Automatic replies, delays and complaints
        from people do not, nor does a report about nobody who was mailed.
        """
        if self.event.unmatched:
            return False
        if self.event.kind is Kind.BOUNCE:
            return self.verdict is not None and self.verdict.disposition is not Disposition.NONE
        return self.cause is Cause.PROVIDER_SUPPRESSED


# ------------------------------------------------------------------------ of an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was said about an address for one cause: when, how often, and the latest words.

    Attributes:
        first: time of the earliest event.
        last: time of the latest event, from which all strings below come.
        count: how many distinct events.
        event_id: of the latest event; settles which is the latest at equal times.
        forwarded_to: domain to which the message was forwarded, if the reply is about an
            address there.
        diagnostic: what was said, with the addresses of other people masked.
        disposition: of the cause, ``complaint`` for a complaint; for a version that does not
            know the cause, which suppresses nobody for ``none``, as an unsubscribe has it.
        lead_date: when the lead was collected: the earliest date that an event has, since
            `first` is about the earliest bounce; None if none has one.
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
    forwarded_to: str = ""
    reply_code: int | None = None
    enhanced_status: str = ""
    disposition: str = ""
    lead_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Attribution:
    """The first hard bounce or complaint that a lead source got for an address.

    The one that the source is charged with counts as `suppressed` on the UTC day of `at`.
    Ordered by time, then cause: two of one cause both have a `said_at` or both have none.

    Attributes:
        at: when the message was mailed, as the counters have it.
        cause: what was said about it.
        said_at: when a claim about the domain was made; None for any other cause.
    """

    at: datetime
    cause: Cause
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEntry:
    """A person's decision that an address, or everyone at a domain, must not be mailed.

    Attributes:
        at: when it was made.
        until: when it ends by itself; None for never.
        by: who made it.
        note: what the person wrote about it.
    """

    at: datetime
    until: datetime | None = None
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowlistEntry:
    """A person's decision that bounces must never suppress an address or a domain, or its end.

    Attributes:
        at: when it was made.
        listed: whether it was put on the allow-list, rather than taken off.
        by: who did so.
        note: what the person wrote about it.
    """

    at: datetime
    listed: bool = False
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What became of one message to the address.

    Attributes:
        mailed_at: when it was mailed; the same in all events of the message.
        delivered_at: when it was delivered; None if it bounced. A host may accept a message
            and bounce it later, so a bounce holds whatever else was reported.
        more: what a newer version stored with it; empty otherwise.
    """

    mailed_at: datetime
    delivered_at: datetime | None = None
    more: str = ""


type SoftDay = tuple[date, Cause]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFacts:
    """Everything that is remembered of one address. The neutral element of `join` is empty.

    Attributes:
        address: canonical form.
        erased: the person asked to be forgotten: nothing else is kept, now or later.
        evidence: by cause.
        soft_days: latest event per UTC day and cause, unless a later removal reset it;
            bounded to the newest.
        messages: by `MailEvent.message_digest`, messages that were delivered or bounced;
            bounded to those mailed last. Complete for an address with soft evidence; where
            nothing but deliveries is known there are no facts at all.
        removed_at: when the suppression was last removed; evidence up to here counts no more,
            complaints and unsubscribes excepted.
        voided_at: the same for one cause, where a wrong rule suppressed, or a complaint or an
            unsubscribe was removed.
        manual: the latest manual entry.
        allowed: the latest decision about the allow-list.
        sources: first evidence per lead source; bounded to the earliest.
        attributions: first hard bounce or complaint per lead source, by the time at which the
            message was mailed; bounded likewise. Claims about the domain are kept apart, since
            DNS may refute them.
        claim_attributions: first hard claim about the domain per lead source; likewise.
        unsubscribed: when the first message was mailed by which the owner unsubscribed, per lead
            source; bounded likewise.
        searched_to: how far the address's items were searched for messages, where they are
            too many for one go: a sort key. The search goes on from there.
        version: how often the facts were written; 0 for facts that are in no table.
        stored: the item that they were read from, of which what only a newer version knows is kept
            when others are written over it; empty for facts that were not read.
    """

    address: str
    erased: bool = False
    evidence: Mapping[Cause, Evidence] = field(default_factory=dict)
    soft_days: Mapping[SoftDay, datetime] = field(default_factory=dict)
    messages: Mapping[str, Message] = field(default_factory=dict)
    removed_at: datetime | None = None
    voided_at: Mapping[Cause, datetime] = field(default_factory=dict)
    manual: ManualEntry | None = None
    allowed: AllowlistEntry | None = None
    sources: Mapping[str, datetime] = field(default_factory=dict)
    attributions: Mapping[str, Attribution] = field(default_factory=dict)
    claim_attributions: Mapping[str, Attribution] = field(default_factory=dict)
    unsubscribed: Mapping[str, datetime] = field(default_factory=dict)
    searched_to: str = ""
    version: int = 0
    stored: Mapping[str, Json] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remember."""
        return self == AddressFacts(address=self.address, version=self.version)

    @property
    def lead_sources(self) -> tuple[str, ...]:
        """Sources that have evidence about the address, the earliest first."""
        return tuple(sorted(self.sources, key=lambda source: (self.sources[source], source)))

    @property
    def charged(self) -> Mapping[str, Attribution]:
        """What each lead source is charged with: a claim only if there is nothing else.

        Whoever unsubscribed by an earlier message was alive when the source's mail arrived, so
        what says that the address is dead since then is charged to nobody.
        """
        charged = {**self.claim_attributions, **self.attributions}
        if not self.unsubscribed:
            return charged
        return {source: said for source, said in charged.items() if self._is_charged(source, said)}

    def _is_charged(self, source: str, said: Attribution) -> bool:
        alive_at = self.unsubscribed.get(source)
        return said.cause is Cause.COMPLAINT or alive_at is None or said.at < alive_at

    @property
    def listed_under(self) -> str | None:
        """The lead source under which a list of all addresses has this one.

        That of the latest hard evidence or complaint, otherwise of the latest evidence. Its
        entry about the address is kept for as long as these facts are. None for an address
        that a person has added, whether it has evidence or not: that is kept longer.
        """
        if self.manual:
            return None
        key = max(
            (
                (disposition_of(cause, said) not in PASSING, said.last, said.event_id, cause)
                for cause, said in self.evidence.items()
            ),
            default=None,
        )
        return self.evidence[key[-1]].lead_source if key else None

    @property
    def delivered_at(self) -> datetime | None:
        """Latest delivery of a message that did not bounce; soft bounces up to it are reset."""
        delivered = (message.delivered_at for message in self.messages.values())
        return max((at for at in delivered if at is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """What was learned about one address from mail to one lead source's leads.

    Written for every event that is evidence (hard, soft, echo, complaint, unsubscribe), so that a
    source's listing and the answer to "did this source contribute?" need no other item.

    Attributes:
        lead_source: who supplied the address.
        address: canonical form.
        evidence: by cause, as in `AddressFacts`, from this source's events only.
        version: how often the entry was written; 0 for one that is in no table.
        stored: as in `AddressFacts`.
    """

    lead_source: str
    address: str
    evidence: Mapping[Cause, Evidence] = field(default_factory=dict)
    version: int = 0
    stored: Mapping[str, Json] = field(default_factory=dict, compare=False, repr=False)

    @property
    def leading(self) -> tuple[Cause, Evidence]:
        """The most severe cause, and its evidence."""
        return min(self.evidence.items(), key=lambda item: severity_key(*item))


# ------------------------------------------------------------------------- of a domain


class DomainVerdict(OpenEnum):
    """What DNS says about mail for a host name; stored facts may have one of a newer version.

    Attributes:
        NULL_MX: "accepts no mail", RFC 7505.
        NO_MAIL_HOST: no mail host that is reachable over the public Internet.
        MISSING: the name does not exist (NXDOMAIN).
        IMPLICIT_MX: no MX record, but an address record (RFC 5321 section 5.1).
        ACCEPTS_MAIL: at least one usable MX.
        UNKNOWN: no reliable answer.
    """

    NULL_MX = "null_mx"
    NO_MAIL_HOST = "no_mail_host"
    MISSING = "missing"
    IMPLICIT_MX = "implicit_mx"
    ACCEPTS_MAIL = "accepts_mail"
    UNKNOWN = "unknown"


VERDICT_MEANINGS: Mapping[DomainVerdict, str] = {
    DomainVerdict.NULL_MX: "publishes a null MX record",
    DomainVerdict.NO_MAIL_HOST: "has no usable mail host",
    DomainVerdict.MISSING: "does not exist",
    DomainVerdict.IMPLICIT_MX: "has no MX record, only an address",
    DomainVerdict.ACCEPTS_MAIL: "has working mail hosts",
    DomainVerdict.UNKNOWN: "has no reliable DNS answer",
}
"""What a verdict says about the domain, for people."""


def meaning_of(verdict: DomainVerdict) -> str:
    """What a verdict says about the domain, for people, also if only a newer version knows it."""
    return VERDICT_MEANINGS.get(verdict, f"was found to be {verdict} by a newer version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What one look at DNS found.

    Attributes:
        verdict: the finding.
        probed_at: when, aware UTC.
        recheck_at: when to look again, aware UTC; None for never.
        details: records, hosts, addresses, answer codes and so on, ready for JSON.
        alternate_domain: first parent domain, up to the registrable one, that accepts mail.
        alternate_verdict: what DNS says about that one.
    """

    verdict: DomainVerdict
    probed_at: datetime
    recheck_at: datetime | None = None
    details: Mapping[str, Json] = field(default_factory=dict)
    alternate_domain: str | None = None
    alternate_verdict: DomainVerdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The first and the last time at which something was said or found; aware UTC."""

    first: datetime
    last: datetime

    @classmethod
    def at(cls, moment: datetime) -> Self:
        """The span of a single moment."""
        return cls(first=moment, last=moment)


def join_span(a: Span, b: Span) -> Span:
    """The span that covers both."""
    return Span(first=min(a.first, b.first), last=max(a.last, b.last))


type FindingDay = tuple[date, DomainVerdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainFacts:
    """Everything that is remembered of one host name.

    Attributes:
        domain: canonical host name.
        probe: the latest that was conclusive; one that was not, if none was.
        findings: conclusive findings by UTC day and verdict; bounded to the newest.
        claims: when mail servers made each claim, see `verdict.DOMAIN_CLAIMS`. Stored by the
            probe that the claim led to, so that it holds for an address never mailed before,
            too.
        removed_at: when the suppression of the domain was last removed; what DNS showed and what
            mail servers claimed up to here counts no more.
        manual: the latest manual entry, about everyone at the host name.
        allowed: the latest decision about the allow-list, likewise.
        erasures: ids of the keys under which people at the host name were erased; empty for nobody.
            Only then an address there may be one of them.
        version: how often the facts were written; 0 for facts that are in no table.
        dead: nobody at the host name can get mail, by a verdict that only a newer version knows.
            False for any other verdict, from which `domain_policy.is_dead` derives it.
        stored: as in `AddressFacts`.
    """

    domain: str
    probe: Probe | None = None
    findings: Mapping[FindingDay, Span] = field(default_factory=dict)
    claims: Mapping[Cause, Span] = field(default_factory=dict)
    removed_at: datetime | None = None
    manual: ManualEntry | None = None
    allowed: AllowlistEntry | None = None
    erasures: frozenset[str] = frozenset()
    version: int = 0
    dead: bool = False
    stored: Mapping[str, Json] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of the domain itself: erasures are about people there."""
        return self == DomainFacts(domain=self.domain, erasures=self.erasures, version=self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingProbe:
    """A probe that DNS has not answered yet, and everything that waits for it.

    One message of the queue retries it for all requests about the domain. The other messages
    end once what they ask is kept here.

    Attributes:
        domain: canonical host name.
        message_id: of the queue message that retries.
        since: when DNS was first asked; aware UTC.
        next_at: when it is asked again, by whichever message comes then; aware UTC.
        looks: how often it was asked.
        claims: when mail servers made each claim that waits.
        due: UTC days on which a probe was due.
        version: how often this was written; 0 for never.
    """

    domain: str
    message_id: str
    since: datetime
    next_at: datetime
    looks: int
    claims: Mapping[Cause, Span] = field(default_factory=dict)
    due: frozenset[date] = frozenset()
    version: int = 0


# -------------------------------------------------------------------- small functions


def keeps_soft_days(cause: Cause) -> bool:
    """Whether days with evidence for a cause are remembered, since they may add up.

    domain_unknown is hard, but counts as soft where DNS refutes it: see `domain_policy`.
    """
    return cause.disposition is Disposition.SOFT or cause is Cause.DOMAIN_UNKNOWN


def has_soft_evidence(facts: AddressFacts) -> bool:
    """Whether deliveries matter to what is decided from these facts."""
    # They may matter to a newer version, whatever its causes are.
    return any(not cause.is_known or keeps_soft_days(cause) for cause in facts.evidence)


def disposition_of(cause: Cause, evidence: Evidence) -> Disposition | None:
    """What evidence means for the recipient; None for a complaint.

    What is stored with the evidence counts for a cause that only a newer version knows. Where
    that is a word of a newer version, too, it is hard: whoever was suppressed must not be mailed.
    """
    if cause.is_known:
        return cause.disposition
    if evidence.disposition == Cause.COMPLAINT:
        return None
    try:
        return Disposition(evidence.disposition)
    except ValueError:
        return Disposition.HARD


def severity_key(cause: Cause, evidence: Evidence) -> tuple[int, timedelta, str]:
    """Sort key: complaint, hard, echo, soft, unsubscribe; within each the latest first."""
    return _SEVERITY.index(disposition_of(cause, evidence)), NEVER - evidence.last, cause


_SEVERITY = (
    *(None, Disposition.HARD, Disposition.ECHO, Disposition.SOFT),
    *(Disposition.BLOCK, Disposition.NONE),  # and so may evidence of a newer version
)


def latest(a: datetime | None, b: datetime | None) -> datetime | None:
    """The later of two moments that may not have happened."""
    return max((moment for moment in (a, b) if moment is not None), default=None)


def utc_day(at: datetime) -> date:
    """The UTC day of a moment."""
    return at.astimezone(UTC).date()
