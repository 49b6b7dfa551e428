"""Rates with intervals: Wilson's for one rate, Newcombe's for the difference of two."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share and its interval, 0.0 to 1.0.

    Attributes:
        count: how many.
        of: of how many; at least `count`.
        rate: `count` / `of`; None where `of` is 0.
        low, high: bounds of the interval; None where `of` is 0.
    """

    count: int
    of: int
    rate: float | None
    low: float | None
    high: float | None

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval; from 0.0 to 1.0 where nothing is known."""
        if self.low is None or self.high is None:
            return 0.0, 1.0
        return self.low, self.high


def rate_of(
    count: int, of: int, *, z: float, error: float = 0.0, unknown: int = 0, undecided: int = 0
) -> Rate:
    """A share with its interval.

    Args:
        count: how many; more than `of` raises `of`, since each of them is one of those.
        of: of how many it is known.
        z: standard normal quantile of the confidence.
        error: relative standard error of `of`.
        unknown: of how many more it is unknown. The lower bound takes it that none of them
            counts, the upper bound that they are as the others.
        undecided: how many more may count. The lower bound takes it that none does, the upper bound
            that all do.
    """
    of = max(count, of)
    if not of:
        return Rate(count=0, of=0, rate=None, low=None, high=None)
    low, _ = wilson(count, of + unknown + undecided, z=z, error=error)
    _, high = wilson(count + undecided, of + undecided, z=z, error=error)
    return Rate(count=count, of=of, rate=count / of, low=low, high=high)


def wilson(count: float, of: float, *, z: float, error: float = 0.0) -> tuple[float, float]:
    """Wilson's score interval of a share, also where its denominator is an estimate.

    Wilson (1927) takes the rates p from which the observed one, r, is at most z standard errors
    away: (r - p)^2 <= z^2 p(1-p)/n. An estimated denominator adds its own variance, (p e)^2, to
    that of the sample. Both bounds are roots of a quadratic equation.

    Args:
        count: how many, at most `of`; need not be a whole number.
        of: of how many; more than 0.
        z: standard normal quantile of the confidence.
        error: relative standard error of `of`.
    """
    rate, spread = count / of, z * z / of
    root = z * math.sqrt(rate * (1 - rate) / of + spread / (4 * of) + (rate * error) ** 2)
    middle = rate + spread / 2
    scale = 1 + spread - (z * error) ** 2
    # The lower root as the quotient of two sums, since its difference would lose digits.
    low = rate * rate / (middle + root)
    # With an error of 1 / z or more, no rate is too high.
    high = (middle + root) / scale if scale > 0 else 1.0
    return min(low, rate), max(rate, min(high, 1.0))


def difference(now: Rate, before: Rate) -> tuple[float, float, float] | None:
    """By how much a rate rose, with its interval, -1.0 to 1.0; None where one is unknown.

    Newcombe (1998), method 10: the interval is built from those of the two rates.
    """
    if now.rate is None or before.rate is None:
        return None
    (low_now, high_now), (low_before, high_before) = now.bounds, before.bounds
    rise = now.rate - before.rate
    down = math.hypot(now.rate - low_now, high_before - before.rate)
    up = math.hypot(high_now - now.rate, before.rate - low_before)
    return rise, max(-1.0, rise - down), min(1.0, rise + up)


def effective(count: float, of: float, *, error: float, rate: float) -> tuple[float, float]:
    """A smaller exact sample that is worth as much as one whose denominator is an estimate.

    Under a true rate p, the sample alone has the variance p(1-p)/n, and the estimate adds
    (p e)^2. Both numbers are multiplied by the share of the first in the sum, as tables from
    surveys are divided by their design effect (Rao and Scott, 1981).

    Args:
        count, of, error: as for `wilson`.
        rate: the true rate under the hypothesis that is tested.
    """
    if rate >= 1:
        return count, of  # everything counts, whatever the number is
    factor = 1 / (1 + error * error * of * rate / (1 - rate))
    return count * factor, of * factor
