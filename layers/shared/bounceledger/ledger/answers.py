"""What the ledger answers with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto

from bounceledger.state import AddressFacts, Decision, DomainFacts, SourceEntry


class Fate(Enum):
    """What became of an observation."""

    BOOKED = auto()
    DUPLICATE = auto()
    """It had been booked before."""
    IGNORED = auto()
    """Of a kind that is not booked: Send, Open, Click."""
    FAILED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one observation given to `Ledger.record`.

    Attributes:
        fate: booked, duplicate, ignored or failed.
        reason: of a failure: one sentence without personal data.
        field: of a failure that no retry helps: what in the event is to blame.
        retry_helps: whether a failed observation is worth another try.
    """

    fate: Fate
    reason: str = ""
    field: str = ""
    retry_helps: bool = False

    @property
    def ok(self) -> bool:
        """Whether the observation is dealt with."""
        return self.fate is not Fate.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Everything that `Ledger.check` knows about one address.

    Attributes:
        address: as it was asked for, canonical form.
        decision: whether it may be mailed now, and why not.
        facts: of the address; None if nothing was ever recorded.
        domain: facts of its host name; None if it was never probed.
        entry: the entry of the lead source that was asked for; None if that source never
            had anything to do with the address, or none was asked for. `decision` is the
            truth about the address, whatever source was asked for.
    """

    address: str
    decision: Decision
    facts: AddressFacts | None = None
    domain: DomainFacts | None = None
    entry: SourceEntry | None = None

    @property
    def lead_sources(self) -> tuple[str, ...]:
        """Sources whose mail brought evidence about the address, the earliest first."""
        sources = self.facts.sources if self.facts else {}
        return tuple(sorted(sources, key=lambda source: (sources[source], source)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Outcomes of one lead source's mail.

    Attributes:
        source: the lead source.
        days: by UTC day of the events; each maps a counter to its value. Counters are
            delivered, hard, soft, block, echo, complaint, delayed, rejected, suppressed
            (addresses that this source got suppressed for the first time) and
            ``category_<name>``; what never happened is absent.
    """

    source: str
    days: Mapping[date, Mapping[str, int]] = field(default_factory=dict)
