"""Whether a lead source differs from all others, and which of many differences are real."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from bounceledger.audit.intervals import effective
from bounceledger.audit.tails import hypergeometric_mid_tails


class Direction(StrEnum):
    """How a source differs from the others."""

    WORSE = "worse"
    BETTER = "better"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Whether a source differs from all others, pooled.

    Attributes:
        p: two-sided mid-p value of Fisher's exact test.
        q: the same adjusted for the number of sources (Benjamini and Hochberg).
        direction: worse or better if `q` is low enough, else none.
    """

    p: float
    q: float
    direction: Direction

    @property
    def from_others(self) -> bool:
        """Whether it differs."""
        return self.direction is not Direction.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Addresses of one source: see `verdicts.judge` for the arguments of the same names."""

    dead: int
    mailed: int
    error: float = 0.0
    unanswered: int = 0
    unconfirmed: int = 0


def differences(
    samples: Mapping[str, Sample], *, false_discovery: float
) -> dict[str, Difference | None]:
    """Each source compared with all others, pooled.

    Args:
        samples: by source.
        false_discovery: share, at most, of the sources said to differ that do not (expected).

    Returns:
        By source; None where nothing is known of the source, or of any other one.
    """
    everyone = _Pool.of(samples.values())
    tails: dict[str, tuple[float, float]] = {}
    for source, sample in samples.items():
        own = _Pool.of_one(sample)
        if (pair := _tails(own, everyone.without(own))) is not None:
            tails[source] = pair
    p_values = {source: min(1.0, 2 * min(pair)) for source, pair in tails.items()}
    q_values = dict(zip(p_values, benjamini_hochberg([*p_values.values()]), strict=True))
    found: dict[str, Difference | None] = dict.fromkeys(samples)
    for source, (better, worse) in tails.items():
        direction = Direction.NONE
        if q_values[source] <= false_discovery:
            direction = Direction.WORSE if worse < better else Direction.BETTER
        found[source] = Difference(p=p_values[source], q=q_values[source], direction=direction)
    return found


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """P values adjusted so that those up to x have a false discovery rate of at most x.

    Benjamini and Hochberg (1995): the k-th smallest of m is multiplied by m / k, and none is
    larger than that of a larger p value.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    adjusted, smallest = [1.0] * len(p_values), 1.0
    for larger, index in enumerate(order):
        rank = len(p_values) - larger
        smallest = min(smallest, p_values[index] * (len(p_values) / rank))
        adjusted[index] = smallest
    return adjusted


def mid_p(dead: int, mailed: int, other_dead: int, other_mailed: int) -> tuple[float, float]:
    """One-sided mid-p values of Fisher's exact test, which add up to 1.0.

    Mid-p counts half of the probability of the observed table. Fisher's own p value counts all
    of it, which makes the test find less than its level allows (Lancaster, 1961).

    Returns:
        That a source no different has as few dead addresses, and that it has as many.
    """
    return hypergeometric_mid_tails(dead, mailed, dead + other_dead, mailed + other_mailed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pool:
    """Sums over several sources; `variance` is that of `mailed`."""

    dead: int
    mailed: int
    variance: float
    unanswered: int
    unconfirmed: int

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Self:
        parts = [cls.of_one(sample) for sample in samples]
        return cls(
            dead=sum(part.dead for part in parts),
            mailed=sum(part.mailed for part in parts),
            variance=math.fsum(part.variance for part in parts),
            unanswered=sum(part.unanswered for part in parts),
            unconfirmed=sum(part.unconfirmed for part in parts),
        )

    @classmethod
    def of_one(cls, sample: Sample) -> Self:
        mailed = max(sample.dead, sample.mailed)
        return cls(
            dead=sample.dead,
            mailed=mailed,
            variance=(sample.error * mailed) ** 2,
            unanswered=sample.unanswered,
            unconfirmed=sample.unconfirmed,
        )

    def without(self, part: Self) -> Self:
        """The sums over the other sources."""
        return replace(
            self,
            dead=self.dead - part.dead,
            mailed=self.mailed - part.mailed,
            variance=max(0.0, self.variance - part.variance),
            unanswered=self.unanswered - part.unanswered,
            unconfirmed=self.unconfirmed - part.unconfirmed,
        )

    @property
    def is_sure(self) -> bool:
        """Whether it is known of every address whether it is dead."""
        return not (self.unanswered or self.unconfirmed)

    def fewest_dead(self, rate: float) -> tuple[int, int]:
        """A row of a table in which all of which nothing is sure are living; see `_row`."""
        return self._row(self.dead, self.mailed + self.unanswered + self.unconfirmed, rate)

    def most_dead(self, rate: float) -> tuple[int, int]:
        """A row in which unconfirmed ones are dead and unanswered ones left out; see `_row`."""
        return self._row(self.dead + self.unconfirmed, self.mailed + self.unconfirmed, rate)

    def _row(self, dead: int, mailed: int, rate: float) -> tuple[int, int]:
        """Dead addresses and addresses mailed, as an exact sample that is worth as much.

        Args:
            dead, mailed: how many.
            rate: of all sources together, which is that of each if none differs.
        """
        error = math.sqrt(self.variance) / self.mailed
        smaller, of = effective(dead, mailed, error=error, rate=rate)
        return round(smaller), round(of)


def _tails(own: _Pool, others: _Pool) -> tuple[float, float] | None:
    """`mid_p` of a source and the others; None where nothing is known of one of them.

    Addresses of which nothing is sure count as what makes the difference smaller.
    """
    if not own.mailed or not others.mailed:
        return None
    rate = (own.dead + others.dead) / (own.mailed + others.mailed)
    better, worse = mid_p(*own.most_dead(rate), *others.fewest_dead(rate))
    if not (own.is_sure and others.is_sure):
        _, worse = mid_p(*own.fewest_dead(rate), *others.most_dead(rate))
    return better, worse
