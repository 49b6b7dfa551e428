"""Exact probabilities: sums of fractions for small tables, scipy's values for large ones."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.audit.tails import binomial_tail, hypergeometric_mid_tails
from tests.unit.audit.references import REFERENCES
from tests.unit.state.strategies import unhurried

small = st.integers(0, 40)


@pytest.mark.parametrize(("count", "of", "rate", "tail"), REFERENCES["binomial_tail"])
def test_binomial_tails_agree_with_scipy(count: float, of: float, rate: float, tail: float) -> None:
    assert binomial_tail(count, of, rate) == pytest.approx(tail, rel=1e-8)


@unhurried
@given(st.integers(1, 60), st.data(), st.integers(1, 99))
def test_binomial_tails_are_the_sums(of: int, data: st.DataObject, percent: int) -> None:
    # GIVEN a count, and the probability of each count as a fraction
    count = data.draw(st.integers(0, of))
    p = Fraction(percent, 100)
    terms = [math.comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(count, of + 1)]

    # THEN the tail is their sum
    assert binomial_tail(count, of, percent / 100) == pytest.approx(float(sum(terms)), rel=1e-10)


@unhurried
@given(st.floats(1, 1000), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_between_whole_numbers_a_tail_falls_with_the_count(
    of: float, share: float, rate: float
) -> None:
    count = of * share
    assert binomial_tail(count, of, rate) >= binomial_tail(count * 1.01, of, rate) * (1 - 1e-9)


@unhurried
@given(small, small, small, small)
def test_hypergeometric_tails_are_the_sums(
    dead: int, living: int, other_dead: int, other_living: int
) -> None:
    # GIVEN a table, and the probability of each other table with its margins as a fraction
    drawn, marked = dead + living, dead + other_dead
    population = drawn + other_dead + other_living
    ways = {
        k: math.comb(marked, k) * math.comb(population - marked, drawn - k)
        for k in range(drawn + 1)
    }
    total = math.comb(population, drawn)
    below = Fraction(sum(ways[k] for k in range(dead)), total)
    half = Fraction(ways[dead], 2 * total)

    # WHEN both tails are computed
    found = hypergeometric_mid_tails(dead, drawn, marked, population)

    # THEN they are the sums, also far out, since nothing is subtracted
    assert found == pytest.approx((float(below + half), float(1 - below - half)), rel=1e-11)


@pytest.mark.parametrize("row", REFERENCES["mid_p"], ids=str)
def test_hypergeometric_tails_agree_with_scipy(row: list[float]) -> None:
    # GIVEN a table, and its tails
    dead, mailed, other_dead, other_mailed = map(int, row[:4])
    better, worse = row[4:]

    # THEN ours are the same
    found = hypergeometric_mid_tails(dead, mailed, dead + other_dead, mailed + other_mailed)
    assert found == pytest.approx((better, worse), rel=1e-7, abs=1e-300)


@unhurried
@given(st.integers(0, 10**6), st.integers(1, 10**6), st.data())
def test_large_tables_have_tails_that_add_up(marked: int, drawn: int, data: st.DataObject) -> None:
    # GIVEN any table of a million addresses
    population = 10**6
    first, last = max(0, marked + drawn - population), min(marked, drawn)
    count = data.draw(st.integers(first, last))

    # THEN both tails are probabilities that add up to 1.0
    better, worse = hypergeometric_mid_tails(count, drawn, marked, population)
    assert 0.0 <= better <= 1.0
    assert better + worse == pytest.approx(1.0)


def test_work_is_bounded_by_standard_deviations() -> None:
    """A table of 10^9 addresses is as quick as its standard deviation is small."""
    # GIVEN a source of 1,000 among a billion addresses, 5 % of them dead
    better, worse = hypergeometric_mid_tails(50, 1000, 50_000_000, 1_000_000_000)

    # THEN it is the binomial distribution
    upper = binomial_tail(51, 1000, 0.05)
    half = (binomial_tail(50, 1000, 0.05) - upper) / 2
    assert worse == pytest.approx(upper + half, rel=1e-5)
    assert better == pytest.approx(1 - upper - half, rel=1e-5)
