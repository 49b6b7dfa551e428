"""What an audit is made from: one lead source's counts in one period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from bounceledger.state.rates import messages_sent
from bounceledger.verdict import DISPOSITIONS, Category, Disposition

DEAD = tuple(category for category, d in DISPOSITIONS.items() if d is Disposition.HARD)
"""Categories of a dead address: the lead source is charged with it."""

MAX_ERROR = 0.4
"""Largest relative standard error of `mailed`: with more, it says next to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceWeek:
    """Addresses of one week. `start` is its Monday; counts as in `SourcePeriod`."""

    start: date
    mailed: int
    dead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadAddress:
    """One dead address of a source, without its local part.

    Attributes:
        domain: canonical host name.
        category: what its first hard bounce said.
        bounced_at: when that was, aware; None if unknown.
        lead_date: when the lead was collected, from the message tag `lead_date`; None without.
    """

    domain: str
    category: Category
    bounced_at: datetime | None = None
    lead_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePeriod:
    """Counts of one lead source in one period, by the day of mailing.

    Attributes:
        source: the lead source.
        mailed: distinct addresses about which a server answered: those with a delivery or a
            bounce of `verdict.ANSWERS`, of claims about a domain those that DNS confirmed. Other
            bounces say nothing about an address, so those that had nothing else are not in it.
        dead: distinct addresses by category of `DEAD`, each in one category only. Of claims about
            a domain, those that DNS confirmed.
        outcomes: messages by outcome, named as in `ledger.Counts`; absent ones are 0.
        categories: bounced messages by category.
        mailed_error: relative standard error of `mailed`; 0.0 if it is exact.
        unanswered: distinct addresses that only had other soft bounces, blocks or claims that DNS
            refuted, so that it is unknown whether they are dead; None if not counted. Echoes do
            not matter.
        unconfirmed: distinct addresses with a claim about their domain that DNS has not confirmed
            or that was not looked at; neither in `mailed` nor in `dead`.
        claims_refuted, claims_unconfirmed: bounces that claim so, which DNS refuted, or has not
            decided yet, as in `ledger.Counts`.
        claims_complete: whether all claims were looked at.
        days: `outcomes` by the UTC day of mailing; empty if unknown.
        weeks: addresses by week; empty if unknown.
        dead_addresses: the dead addresses one by one; None if they were not read.

    Raises:
        ValueError: a count is negative, `dead` has a category that is not hard, or
            `mailed_error` is not within 0.0 and `MAX_ERROR`.
    """

    source: str
    mailed: int
    dead: Mapping[Category, int] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    categories: Mapping[Category, int] = field(default_factory=dict)
    mailed_error: float = 0.0
    unanswered: int | None = None
    unconfirmed: int = 0
    claims_refuted: int = 0
    claims_unconfirmed: int = 0
    claims_complete: bool = True
    days: Mapping[date, Mapping[str, int]] = field(default_factory=dict)
    weeks: Sequence[SourceWeek] = ()
    dead_addresses: Sequence[DeadAddress] | None = None

    def __post_init__(self) -> None:
        """Reject impossible counts; raises ValueError."""
        counts = {
            "mailed": self.mailed,
            "unanswered": self.unanswered or 0,
            "unconfirmed": self.unconfirmed,
            "claims_refuted": self.claims_refuted,
            "claims_unconfirmed": self.claims_unconfirmed,
            **{f"dead[{category}]": n for category, n in self.dead.items()},
        }
        for name, count in counts.items():
            if count < 0:
                raise ValueError(f"{name} must not be negative")
        for category in self.dead:
            if category not in DEAD:
                raise ValueError(f"dead has {category}, which is not a hard category")
        if not 0 <= self.mailed_error <= MAX_ERROR:
            raise ValueError(f"mailed_error must be 0.0 to {MAX_ERROR}")

    @property
    def dead_count(self) -> int:
        """Distinct dead addresses."""
        return sum(self.dead.values())

    @property
    def sent(self) -> int:
        """Messages with an outcome."""
        return messages_sent(self.outcomes)
