"""Intervals agree with statsmodels, and widen where less is known."""

from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.audit.intervals import Rate, difference, effective, rate_of, wilson
from tests.unit.audit.references import REFERENCES
from tests.unit.state.strategies import unhurried

Z = NormalDist().inv_cdf(0.975)

shares = st.integers(1, 2_000_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))
errors = st.floats(0.0, 0.4)


@pytest.mark.parametrize(("count", "of", "confidence", "low", "high"), REFERENCES["wilson"])
def test_wilson_agrees_with_statsmodels(
    count: int, of: int, confidence: float, low: float, high: float
) -> None:
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    assert wilson(count, of, z=z) == pytest.approx((low, high), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("now", "before", "low", "high"), REFERENCES["newcombe"])
def test_the_difference_agrees_with_statsmodels(
    now: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    # WHEN two rates are compared
    found = difference(rate_of(*now, z=Z), rate_of(*before, z=Z))

    # THEN the difference is theirs, with Newcombe's interval
    assert found is not None
    assert found[0] == pytest.approx(now[0] / now[1] - before[0] / before[1])
    assert found[1:] == pytest.approx((low, high), rel=1e-9, abs=1e-12)


@unhurried
@given(shares, errors)
def test_bounds_enclose_the_rate_within_zero_and_one(share: tuple[int, int], error: float) -> None:
    count, of = share
    low, high = wilson(count, of, z=Z, error=error)
    assert 0.0 <= low <= count / of <= high <= 1.0


@unhurried
@given(shares, st.floats(0.0, 0.2), st.floats(0.0, 0.2))
def test_a_worse_estimate_widens_the_interval(
    share: tuple[int, int], error: float, more: float
) -> None:
    # GIVEN the interval with an estimated denominator, and with a worse estimate
    narrow = wilson(*share, z=Z, error=error)
    wide = wilson(*share, z=Z, error=error + more)

    # THEN the second encloses the first
    assert wide[0] <= narrow[0] * (1 + 1e-12)
    assert wide[1] >= narrow[1] * (1 - 1e-12)


@unhurried
@given(shares, errors)
def test_the_bounds_are_z_standard_errors_away(share: tuple[int, int], error: float) -> None:
    """The definition, from which the formula was derived."""
    # GIVEN bounds that are not cut off at 0.0 or 1.0
    count, of = share
    bounds = [bound for bound in wilson(count, of, z=Z, error=error) if 0 < bound < 1]

    # THEN the observed rate is z standard errors away from each
    for bound in bounds:
        variance = bound * (1 - bound) / of + (bound * error) ** 2
        distance = abs(count / of - bound)
        assert distance == pytest.approx(Z * variance**0.5, rel=1e-6, abs=1e-9)


def test_an_error_that_admits_every_rate_has_no_upper_bound() -> None:
    assert wilson(50, 1000, z=Z, error=0.6)[1] == 1.0


@unhurried
@given(shares, st.integers(0, 100_000))
def test_the_bounds_widen_with_what_is_unknown(share: tuple[int, int], unknown: int) -> None:
    # GIVEN a rate, and the same with addresses of which nothing is known
    plain = rate_of(*share, z=Z)
    wide = rate_of(*share, z=Z, unknown=unknown)

    # THEN only the lower bound changes: downwards
    assert wide.low is not None
    assert plain.low is not None
    assert wide.low <= plain.low * (1 + 1e-12)
    assert (wide.count, wide.of, wide.rate, wide.high) == (
        *(plain.count, plain.of, plain.rate, plain.high),
    )


def test_there_are_never_more_than_there_are() -> None:
    """An estimate of the addresses mailed may be below the dead ones, each of which was mailed."""
    rate = rate_of(7, 5, z=Z)
    assert (rate.count, rate.of, rate.rate, rate.high) == (7, 7, 1.0, 1.0)


def test_nothing_of_nothing_has_no_rate() -> None:
    rate = rate_of(0, 0, z=Z, unknown=10)
    assert rate == Rate(count=0, of=0, rate=None, low=None, high=None)
    assert rate.bounds == (0.0, 1.0)
    assert difference(rate, rate_of(1, 2, z=Z)) is None
    assert difference(rate_of(1, 2, z=Z), rate) is None


@unhurried
@given(shares, errors, st.floats(0.0, 1.0))
def test_an_estimate_is_worth_a_smaller_sample_of_the_same_rate(
    share: tuple[int, int], error: float, rate: float
) -> None:
    count, of = share
    smaller, sample = effective(count, of, error=error, rate=rate)
    assert 0 < sample <= of
    assert smaller / sample == pytest.approx(count / of)
    assert effective(count, of, error=0.0, rate=rate) == (count, of)


def test_a_large_sample_is_not_worth_more_than_its_estimate() -> None:
    """With a relative error of 1 %, a million addresses at 5 % say as much as 159,664."""
    _, of = effective(50_000, 1_000_000, error=0.01, rate=0.05)
    assert of == pytest.approx(159_663.9, abs=0.1)
    assert 0.05 * 0.95 / of == pytest.approx(0.05 * 0.95 / 10**6 + (0.05 * 0.01) ** 2)
