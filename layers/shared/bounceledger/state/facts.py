"""What is remembered of addresses and domains. Types only, and what they say by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from bounceledger.events import MailEvent
from bounceledger.verdict import DISPOSITIONS, Category, Disposition, Verdict

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

COMPLAINT = "complaint"
"""The cause of evidence that is not a category of reply."""

NEVER = datetime.max.replace(tzinfo=UTC)
"""Later than everything."""


# ------------------------------------------------------------------------ of an address


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
        return min(self.evidence.items(), key=lambda item: weight(*item))


# ------------------------------------------------------------------------- of a domain


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


# ------------------------------------------------------------------------- small words


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


def weight(cause: str, evidence: Evidence) -> tuple[int, timedelta, str]:
    """Sort key: complaint, hard, echo, soft; the latest first."""
    order = (None, Disposition.HARD, Disposition.ECHO, Disposition.SOFT)
    return order.index(disposition_of(cause)), NEVER - evidence.last, cause


def latest(a: datetime | None, b: datetime | None) -> datetime | None:
    """The later of two moments that may not have happened."""
    return max((moment for moment in (a, b) if moment is not None), default=None)


def utc_day(at: datetime) -> date:
    """The UTC day of a moment."""
    return at.astimezone(UTC).date()
