"""Recipients that may be mailed, out of any number of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounceledger_client.results import CheckedAddress

T = TypeVar("T")


@dataclass
class Filtered(Generic[T]):
    """Iterate over it for the recipients that may be mailed, in their order.

    The counts are about the recipients that were looked at so far; after the loop, about all.

    Attributes:
        kept: recipients that may be mailed.
        dropped: recipients that may not, by reason: that of the suppression, such as
            ``hard_bounce``; ``invalid`` for what cannot be an address; ``unanswered`` for those
            held back because the API did not answer.
        unchecked: recipients among the kept ones that could not be checked, because the API
            did not answer and the caller chose to send then.
    """

    _source: Iterator[tuple[T, CheckedAddress | None, bool]]
    _on_drop: Callable[[T, CheckedAddress | None], None] | None = None
    kept: int = 0
    unchecked: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[T]:
        """The recipients that may be mailed."""
        return self

    def __next__(self) -> T:
        """The next of them."""
        for recipient, checked, keep in self._source:
            if keep:
                self.kept += 1
                self.unchecked += checked is None
                return recipient
            self.dropped[_reason(checked)] += 1
            if self._on_drop is not None:
                self._on_drop(recipient, checked)
        raise StopIteration


def _reason(checked: CheckedAddress | None) -> str:
    if checked is None:
        return "unanswered"
    return "invalid" if checked.error else checked.reason or "suppressed"
