"""The verdict about a lead source, and how many more addresses it needs."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from bounceledger.audit.intervals import Rate, effective, rate_of, wilson
from bounceledger.audit.tails import binomial_tail
from bounceledger.audit.thresholds import AuditThresholds

MAX_NEEDED = 10_000_000
"""More addresses than that are never needed: no number in practice leads to a verdict."""


class SourceVerdict(StrEnum):
    """What the rate of dead addresses says about a lead source, the worst first."""

    BAD = "bad"
    WATCH = "watch"
    TOO_LITTLE_DATA = "too_little_data"
    GOOD = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict about one source.

    Attributes:
        verdict: see `judge`.
        rate: dead addresses of addresses mailed, with its interval.
        needed: how many more addresses lead to another verdict if the observed rate stays: of
            `too_little_data` any other, of `watch` good or bad. None for good and bad, and where
            no number does.
        unanswered: addresses of which nothing was learned, which widen the interval.
        unconfirmed: addresses that are dead if DNS confirms it, likewise.
        raised: whether there were more dead addresses than addresses mailed, so that the number
            of dead ones is taken for both.
    """

    verdict: SourceVerdict
    rate: Rate
    needed: int | None
    unanswered: int = 0
    unconfirmed: int = 0
    raised: bool = False


def judge(
    dead: int,
    mailed: int,
    thresholds: AuditThresholds,
    *,
    error: float = 0.0,
    unanswered: int = 0,
    unconfirmed: int = 0,
) -> Judgement:
    """The verdict about a source with so many dead addresses.

    - bad: the interval is above `bad_above`, and so many dead addresses would be seen with a
      probability below `max_false_bad` if the rate were `bad_above`.
    - good: the interval is below `good_below`.
    - watch: the interval is above `good_below`; or it is within `watch_above` and `bad_above`.
    - too_little_data: everything else, and below `min_addresses`.

    Only the interval decides, and it becomes narrower with every address at the same rate. So
    more of the same never leads back to an earlier verdict.

    Args:
        dead: distinct dead addresses; more than `mailed` raises `mailed`.
        mailed: distinct addresses about which a server answered.
        thresholds: what decides.
        error: relative standard error of `mailed`.
        unanswered: further addresses that were only blocked, or whose messages expired. They
            count as living for bad, and not at all for good, so that no incident of the sender
            leads to either.
        unconfirmed: further addresses with a claim about their domain that DNS has not confirmed.
            They count as living for bad, and as dead for good.
    """
    sample = _Sample(
        dead=dead,
        mailed=max(dead, mailed),
        error=error,
        unanswered=unanswered,
        unconfirmed=unconfirmed,
        by=thresholds,
    )
    verdict = sample.verdict
    is_open = verdict in {SourceVerdict.TOO_LITTLE_DATA, SourceVerdict.WATCH}
    rate = rate_of(
        dead, mailed, z=thresholds.z, error=error, unknown=unanswered, undecided=unconfirmed
    )
    return Judgement(
        verdict=verdict,
        rate=rate,
        needed=sample.needed() if is_open else None,
        unanswered=unanswered,
        unconfirmed=unconfirmed,
        raised=dead > mailed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Addresses of a source, and the verdict that they lead to; `dead` need not be whole."""

    dead: float
    mailed: int
    error: float
    unanswered: int
    unconfirmed: int
    by: AuditThresholds

    @property
    def verdict(self) -> SourceVerdict:
        if self.mailed < self.by.min_addresses:
            return SourceVerdict.TOO_LITTLE_DATA
        if self.low > self.by.bad_above and self.is_guarded:
            return SourceVerdict.BAD
        if self.high < self.by.good_below:
            return SourceVerdict.GOOD
        is_near_good = self.low >= self.by.watch_above and self.high <= self.by.bad_above
        if self.low >= self.by.good_below or is_near_good:
            return SourceVerdict.WATCH
        return SourceVerdict.TOO_LITTLE_DATA

    @property
    def low(self) -> float:
        return wilson(self.dead, self.largest, z=self.by.z, error=self.error)[0]

    @property
    def high(self) -> float:
        dead, of = self.dead + self.unconfirmed, self.mailed + self.unconfirmed
        return wilson(dead, of, z=self.by.z, error=self.error)[1]

    @property
    def largest(self) -> int:
        """All addresses, where those of which nothing is sure count as living."""
        return self.mailed + self.unanswered + self.unconfirmed

    @property
    def is_guarded(self) -> bool:
        """Whether a source that is not bad has so many dead ones rarely enough."""
        dead, of = effective(self.dead, self.largest, error=self.error, rate=self.by.bad_above)
        return binomial_tail(dead, of, self.by.bad_above) < self.by.max_false_bad

    def larger(self, more: int) -> Self:
        """The sample with more addresses, of which as large a share is dead."""
        mailed = self.mailed + more
        rate = self.dead / self.mailed if self.mailed else 0.0
        return replace(self, mailed=mailed, dead=rate * mailed)

    def needed(self) -> int | None:
        """The fewest further addresses with another verdict; None if that is over MAX_NEEDED."""
        verdict, same, other = self.verdict, 0, 1
        while self.larger(other).verdict is verdict:
            if other >= MAX_NEEDED:
                return None
            same, other = other, min(2 * other, MAX_NEEDED)
        while other - same > 1:
            middle = (same + other) // 2
            if self.larger(middle).verdict is verdict:
                same = middle
            else:
                other = middle
        return other
