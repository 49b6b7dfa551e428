"""Which of any number of recipients may be mailed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounceledger_client.results import CheckedAddress

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """Whether one recipient may be mailed, and why not.

    Attributes:
        recipient: as it was given.
        checked: what is known of its address; None where the API did not answer.
        keep: whether it may be mailed; where the API did not answer, what the caller chose.
    """

    recipient: T
    checked: CheckedAddress | None
    keep: bool

    @property
    def reason(self) -> str:
        """Why it may not be mailed, as `Filtered.dropped` counts it; empty if it may."""
        if self.keep:
            return ""
        if self.checked is None:
            return "unanswered"
        return "invalid" if self.checked.error else self.checked.reason or "suppressed"


@dataclass
class Filtered(Generic[T]):
    """Iterate over it for the recipients that may be mailed, in their order.

    The counts cover the recipients seen so far; after the loop, all of them.

    Attributes:
        kept: recipients that may be mailed.
        dropped: recipients that may not, by reason: that of the suppression, such as
            ``hard_bounce``; ``invalid`` for what cannot be an address; ``unanswered`` for those
            held back because the API did not answer.
        unchecked: recipients among the kept ones that could not be checked, because the API
            did not answer and the caller chose to send then.
    """

    _outcomes: Iterator[Outcome[T]]
    _on_drop: Callable[[T, CheckedAddress | None], None] | None = None
    kept: int = 0
    unchecked: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[T]:
        """The recipients that may be mailed."""
        return self

    def __next__(self) -> T:
        """The next of them."""
        for outcome in self._outcomes:
            if outcome.keep:
                self.kept += 1
                self.unchecked += outcome.checked is None
                return outcome.recipient
            self.dropped[outcome.reason] += 1
            if self._on_drop is not None:
                self._on_drop(outcome.recipient, outcome.checked)
        raise StopIteration
