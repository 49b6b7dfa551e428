"""What the ledger's operations give back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, auto

from bounceledger.ledger.items import RecordedChange, RecordedEvent
from bounceledger.state import AddressFacts, Change, Decision, DomainFacts, SourceEntry
from bounceledger.state.samples import Sample, union

FINAL_AFTER = timedelta(days=14)
"""After this time a day's counters are taken as final.

A message counts on the day on which it was mailed, so what is reported later changes that
day. Servers retry for four to five days (RFC 5321 section 4.5.4.1), so nearly all bounces
come within two weeks. A complaint that comes after them still counts on that day.
"""
MAX_CLAIMS_READ = 5000
"""Claims, by time, that one answer about a lead source looks at; a call per 100 domains."""
MAX_HISTORY_READ = 5000
"""Items of an address that one answer about its history looks at: mostly some 1.3 MB."""


class Outcome(Enum):
    """What became of one observation."""

    RECORDED = auto()
    DUPLICATE = auto()
    """It had been recorded before, or is a delivery of a message that had bounced."""
    IGNORED = auto()
    """Of a kind that is not recorded: Send, Open, Click."""
    FAILED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResult:
    """What became of one observation given to `Ledger.record`, and why.

    Attributes:
        outcome: recorded, duplicate, ignored or failed.
        reason: of a failure: one sentence without personal data.
        field: of a failure that no retry can help: what in the event caused it.
        retry_helps: whether a failed observation is worth another try.
        overflowed: it was recorded under another lead source than its own, which is new and
            one too many today.
        suppresses: whether the address was mailable before it, and is suppressed now; of several
            events that were recorded together, one is said to have done it. What DNS says about
            the domain is not looked at.
        erased: the address was erased, so the event was only counted.
    """

    outcome: Outcome
    reason: str = ""
    field: str = ""
    retry_helps: bool = False
    overflowed: bool = False
    suppresses: bool = False
    erased: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing more needs to be done about the observation."""
        return self.outcome is not Outcome.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Everything that `Ledger.check` knows about one address.

    Attributes:
        address: as it was asked for, canonical form.
        decision: whether it may be mailed now, and why not.
        facts: of the address; None if nothing was ever recorded.
        domain: facts of its host name; None if it was never probed.
        entry: the entry of the lead source that was asked for; None if that source never
            had anything to do with the address, or none was asked for. `decision` does not
            depend on the source.
    """

    address: str
    decision: Decision
    facts: AddressFacts | None = None
    domain: DomainFacts | None = None
    entry: SourceEntry | None = None

    @property
    def lead_sources(self) -> tuple[str, ...]:
        """Sources that have evidence about the address, the earliest first."""
        return self.facts.lead_sources if self.facts else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainResult:
    """What `Ledger.check_domains` knows about one host name.

    Attributes:
        domain: facts of the host name.
        decision: about an address there of which nothing else is known.
    """

    domain: DomainFacts
    decision: Decision


class ChangeOutcome(Enum):
    """What became of a person's change."""

    DONE = auto()
    KEPT_COMPLAINT = auto()
    """Nothing was changed: it would have removed a complaint, and was not told to."""
    KEPT_UNSUBSCRIBE = auto()
    """Likewise an unsubscribe that suppresses."""
    ERASED = auto()
    """Nothing was changed: the person was erased."""
    FAILED = auto()
    """The table did not answer. It may have been done all the same; doing it again is safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeResult:
    """What became of one change given to `Ledger.apply_changes`.

    Attributes:
        change: what was asked for.
        outcome: done or not.
        decision: about the address, or about an address of the domain of which nothing is known,
            as it is now; None for a failure.
        reason: of a failure: one sentence without personal data.
        finished: whether everything is done; False for an erasure that goes on when it is asked
            for again.
    """

    change: Change
    outcome: ChangeOutcome
    decision: Decision | None = None
    reason: str = ""
    finished: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What happened to an address, as far as it is kept.

    Attributes:
        entries: events and changes, the newest first.
        truncated: whether there is more than that.
    """

    entries: Sequence[RecordedEvent | RecordedChange]
    truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Distinct addresses of one lead source, of one or more days.

    Attributes:
        mailed: addresses about which a server answered: those with a delivery or a bounce of
            `verdict.ANSWERS`, of claims about a domain those that DNS confirmed; None if
            deliveries are not counted.
        mailed_error: relative standard error of `mailed`; 0.0 where it is exact.
        unanswered: addresses that only had blocks or other soft bounces, so that it is not known
            whether they are dead; None likewise.
        dead: addresses with a hard bounce, by its category, each on the first day of mailing only.
            Of claims about a domain, those that DNS confirmed.
        unconfirmed: addresses with a claim instead that DNS has not decided, or that was not looked
            at; they are in no other number. Those with a refuted one are `unanswered`.
    """

    mailed: int | None = None
    mailed_error: float = 0.0
    unanswered: int | None = None
    dead: Mapping[str, int] = field(default_factory=dict)
    unconfirmed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Outcomes of one lead source's messages.

    Attributes:
        source: the lead source.
        days: by the UTC day on which the messages were mailed; each maps a counter to its
            value. Counters are delivered, hard, soft, block, echo, complaint, unsubscribe, delayed,
            rejected, unmatched, suppressed (addresses first suppressed because of mail to this
            source's leads), ``category_<name>``, ``claims_refuted`` and ``claims_unconfirmed``;
            counters at zero are left out. Claims that DNS refuted are in no counter but
            ``claims_refuted``.
        dead: distinct addresses by category of their first hard bounce, by UTC day of mailing; see
            `Addresses`.
        unconfirmed: distinct addresses with a claim that DNS has not confirmed, likewise.
        dead_domains: distinct domains that DNS confirmed to be dead, and at which the source is
            charged with an address for that alone.
        samples: of the addresses that were mailed, by UTC day of mailing; None if deliveries are
            not counted. Of several days, `state.samples.union` makes one.
        overflow: events on these days, of any lead sources, that are recorded under ``other``
            since their own was new and one too many. They are in no other source's counters.
        final_from: the UTC day from which on all the days asked for are final, see
            `FINAL_AFTER`; None where no days were asked for.
        claims_complete: whether all claims of these days were looked at. Otherwise those
            after the first `MAX_CLAIMS_READ` count as they were made in `days`, and as not
            confirmed in `unconfirmed`.
    """

    source: str
    days: Mapping[date, Mapping[str, int]] = field(default_factory=dict)
    dead: Mapping[date, Mapping[str, int]] = field(default_factory=dict)
    unconfirmed: Mapping[date, int] = field(default_factory=dict)
    dead_domains: int = 0
    samples: Mapping[date, Sample] | None = None
    overflow: int = 0
    claims_complete: bool = True
    final_from: date | None = None

    def addresses(self, day: date | None = None) -> Addresses:
        """Distinct addresses of one day, or of all days together."""
        days = [day] if day else [*self.dead]
        dead = sum((Counter(self.dead.get(one, {})) for one in days), Counter[str]())
        unconfirmed = self.unconfirmed.get(day, 0) if day else sum(self.unconfirmed.values())
        if self.samples is None:
            return Addresses(dead=dead, unconfirmed=unconfirmed)
        sample = self.samples.get(day, Sample()) if day else union(self.samples.values())
        return Addresses(
            mailed=sample.mailed,
            mailed_error=sample.mailed_error,
            unanswered=sample.unanswered,
            dead=dead,
            unconfirmed=unconfirmed,
        )
