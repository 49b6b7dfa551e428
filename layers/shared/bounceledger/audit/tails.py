"""Exact probabilities of the binomial and hypergeometric distributions."""

import math
from collections.abc import Iterator

_NEGLIGIBLE = 1e-18
_CLOSE = 1e-15
_TINY = 1e-300


def binomial_tail(count: float, of: float, rate: float) -> float:
    """Probability of at least `count` among `of`, of which each counts with probability `rate`.

    Neither number need be whole: between whole ones, the incomplete beta function goes on
    smoothly (DLMF 8.17.5).

    Args:
        count: 0 to `of`.
        of: more than 0.
        rate: above 0.0 and below 1.0.
    """
    if count <= 0:
        return 1.0
    return _incomplete_beta(rate, count, of - count + 1)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function by its continued fraction (DLMF 8.17.22)."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)  # the fraction converges fast only below
    scale = math.lgamma(a + b) - math.lgamma(a + 1) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log1p(-x))
    # Modified Lentz's method: `upper` and `lower` are ratios of successive approximants.
    upper, lower, value = 1.0, 0.0, 1.0
    for term in _coefficients(x, a, b):
        lower = 1 / _off_zero(1 + term * lower)
        upper = _off_zero(1 + term / upper)
        value *= upper * lower
        if abs(upper * lower - 1) < _CLOSE:
            break
    return front / value


def _coefficients(x: float, a: float, b: float) -> Iterator[float]:
    # It converges in about the square root of max(a, b) steps; the limit is for safety only.
    for m in range(100_000):
        yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        n = m + 1
        yield n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n))


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def hypergeometric_mid_tails(
    count: int, drawn: int, marked: int, population: int
) -> tuple[float, float]:
    """Probabilities of fewer and of more than `count`, each with half of that of `count` itself.

    Of `population` items, `marked` are marked and `drawn` are drawn; `count` of these are marked.
    Probabilities are summed outwards from the most probable count, each from its neighbour, so
    no factorial is needed, and nothing is lost by subtraction. Some 50 standard deviations are
    the most that is summed, since further ones are 0.0 as floats.

    Returns:
        Both tails, which add up to 1.0. One below 1e-300 may be 0.0.
    """
    others = population - drawn
    first, last = max(0, marked - others), min(drawn, marked)
    mode = (drawn + 1) * (marked + 1) // (population + 2)

    def upwards() -> Iterator[tuple[int, float]]:
        weight = 1.0
        for k in range(mode, last):
            weight *= (drawn - k) / (k + 1) * ((marked - k) / (others - marked + k + 1))
            yield k + 1, weight

    def downwards() -> Iterator[tuple[int, float]]:
        weight = 1.0
        for k in range(mode, first, -1):
            weight *= k / (drawn - k + 1) * ((others - marked + k) / (marked - k + 1))
            yield k - 1, weight

    sums = {-1: 0.0, 0: 0.0, 1: 0.0}
    sums[(mode > count) - (mode < count)] += 1.0
    for direction, outwards in ((1, upwards()), (-1, downwards())):
        for k, weight in outwards:
            side = (k > count) - (k < count)
            sums[side] += weight
            # Beyond `count`, what is small compared with the tail is left out.
            if not weight or (side == direction and weight <= _NEGLIGIBLE * sums[side]):
                break
    total = math.fsum(sums.values())
    return (sums[-1] + sums[0] / 2) / total, (sums[1] + sums[0] / 2) / total
