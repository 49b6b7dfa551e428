"""The lead sources of the demo, with what is true of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bounceledger.audit import SourceVerdict


class Death(StrEnum):
    """Why a lead's address accepts no mail, and how the sender learns it."""

    REFUSED = "refused"
    """The server refuses the recipient: 550 5.1.1."""
    RETURNED = "returned"
    """The server accepts the message, and bounces it hours later."""
    NO_MAIL = "no mail"
    """The domain accepts no mail: 521, and a null MX record."""
    NO_DOMAIN = "no domain"
    """The domain does not exist any more: SES finds no host, DNS no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadSource:
    """A lead source and its true figures. Shares are 0.0 to 1.0.

    Attributes:
        name: the tag ``lead_source`` of its messages.
        story: what is special about it, in at most 28 characters.
        addresses: leads.
        rate: chance of each to be dead by its last message.
        verdict: what the audit has to say of that rate and number.
        deaths: dead leads by how they are found, as shares of them.
        dies_meanwhile: whether they die between their first message and the last day.
        first_day: days from the first day to that on which the first lead is mailed first.
        joins_within: days within which the others are.
        messages: to each lead that is not suppressed.
        every: days between them.
        soft: share of messages to the living that meet a full mailbox or expire.
        complaints: share of messages delivered that are reported as spam.
        wrong_claims: share of the living whose server once says 521, although their domain
            accepts mail.
        lead_age: days since the leads were collected when they are mailed first, at most.
    """

    name: str
    story: str
    addresses: int
    rate: float
    verdict: SourceVerdict
    deaths: Mapping[Death, float] = field(default_factory=lambda: {Death.REFUSED: 1.0})
    dies_meanwhile: bool = False
    first_day: int = 0
    joins_within: int = 30
    messages: int = 4
    every: int = 14
    soft: float = 0.01
    complaints: float = 0.0002
    wrong_claims: float = 0.0
    lead_age: int = 60


SOURCES = (
    LeadSource(
        name="broker-deluxe",
        story="a bad vendor",
        addresses=1200,
        rate=0.14,
        verdict=SourceVerdict.BAD,
        deaths={Death.REFUSED: 0.85, Death.NO_DOMAIN: 0.15},
        lead_age=700,
    ),
    LeadSource(
        name="b2b-domains",
        story="its domains answer 521",
        addresses=900,
        rate=0.12,
        verdict=SourceVerdict.BAD,
        deaths={Death.NO_MAIL: 0.9, Death.REFUSED: 0.1},
        wrong_claims=0.04,
        lead_age=400,
    ),
    LeadSource(
        name="crm-archive",
        story="its leads age and die",
        addresses=1500,
        rate=0.10,
        verdict=SourceVerdict.BAD,
        dies_meanwhile=True,
        joins_within=5,
        messages=6,
        every=14,
        lead_age=1500,
    ),
    LeadSource(
        name="campus-fair",
        story="hosts bounce after accepting",
        addresses=1000,
        rate=0.11,
        verdict=SourceVerdict.BAD,
        deaths={Death.RETURNED: 1.0},
    ),
    LeadSource(
        name="coreg-partner",
        story="a smaller bad vendor",
        addresses=700,
        rate=0.11,
        verdict=SourceVerdict.BAD,
        lead_age=200,
    ),
    LeadSource(
        name="partner-crm",
        story="neither good nor bad",
        addresses=2000,
        rate=0.035,
        verdict=SourceVerdict.WATCH,
        deaths={Death.REFUSED: 0.9, Death.NO_DOMAIN: 0.1},
        lead_age=365,
    ),
    LeadSource(
        name="tiny-broker",
        story="tiny: nobody can tell",
        addresses=14,
        rate=0.20,
        verdict=SourceVerdict.TOO_LITTLE_DATA,
    ),
    LeadSource(
        name="referrals",
        story="small and clean",
        addresses=60,
        rate=0.005,
        verdict=SourceVerdict.TOO_LITTLE_DATA,
    ),
    LeadSource(
        name="webinar-2026",
        story="good, mailed while blocked",
        addresses=1400,
        rate=0.004,
        verdict=SourceVerdict.GOOD,
        first_day=30,
        joins_within=3,
        every=4,
    ),
    LeadSource(
        name="newsletter",
        story="good",
        addresses=2400,
        rate=0.003,
        verdict=SourceVerdict.GOOD,
    ),
    LeadSource(
        name="trade-fair",
        story="good",
        addresses=1300,
        rate=0.004,
        verdict=SourceVerdict.GOOD,
    ),
    LeadSource(
        name="summer-sale",
        story="good, with full mailboxes",
        addresses=1200,
        rate=0.004,
        verdict=SourceVerdict.GOOD,
        soft=0.15,
        complaints=0.004,
    ),
)
"""A dozen sources: so far from the thresholds that chance does not decide about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocklisting:
    """An incident of the sender: a mailbox provider refuses its IP address.

    Attributes:
        first_day, last_day: days from the first day, both included.
        provider: the mailbox provider.
    """

    first_day: int
    last_day: int
    provider: str

    def refuses(self, day: int, domain: str) -> bool:
        """Whether mail to a domain is refused on a day."""
        return domain == self.provider and self.first_day <= day <= self.last_day


BLOCKLISTING = Blocklisting(first_day=30, last_day=38, provider="bigmail.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolverFailure:
    """An incident of the sender: its resolver finds no domain, so its own server calls all unknown.

    Attributes:
        first_day, last_day: days from the first day, both included.
    """

    first_day: int
    last_day: int

    def hits(self, day: int) -> bool:
        """Whether the mail of a day bounces."""
        return self.first_day <= day <= self.last_day


RESOLVER_FAILURE = ResolverFailure(first_day=40, last_day=41)
