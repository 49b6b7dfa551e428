"""A source is compared with all others, and many comparisons are adjusted for their number."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.audit.comparing import (
    Difference,
    Direction,
    Sample,
    benjamini_hochberg,
    differences,
)
from tests.unit.audit.references import REFERENCES
from tests.unit.state.strategies import unhurried

p_value_lists = st.lists(st.floats(0.0, 1.0), max_size=40)
samples = st.integers(0, 3000).flatmap(
    lambda mailed: st.builds(
        Sample,
        dead=st.integers(0, mailed),
        mailed=st.just(mailed),
        error=st.sampled_from([0.0, 0.01]),
        unanswered=st.integers(0, 500),
    )
)
accounts = st.dictionaries(st.text("abcdef", min_size=1), samples, max_size=6)


def compare(samples: dict[str, Sample]) -> dict[str, Difference | None]:
    return differences(samples, false_discovery=0.05)


@pytest.mark.parametrize(("p_values", "adjusted"), REFERENCES["benjamini_hochberg"])
def test_adjusted_values_agree_with_statsmodels(
    p_values: list[float], adjusted: list[float]
) -> None:
    assert benjamini_hochberg(p_values) == pytest.approx(adjusted)


@unhurried
@given(p_value_lists, st.floats(0.001, 0.999))
def test_adjusted_values_reject_as_the_step_up_procedure(
    p_values: list[float], level: float
) -> None:
    # GIVEN the procedure as it was published: the largest k with p(k) <= k / m * level
    m = len(p_values)
    ordered = sorted(p_values)
    last = max((k for k in range(1, m + 1) if ordered[k - 1] * (m / k) <= level), default=0)
    largest = ordered[last - 1] if last else -1.0

    # THEN exactly the values up to that one are at most the level when adjusted
    rejected = [adjusted <= level for adjusted in benjamini_hochberg(p_values)]
    assert rejected == [p <= largest for p in p_values]


def test_a_bad_source_among_good_ones_differs() -> None:
    # GIVEN three sources with a rate of 2 % and one with 8 %
    account = {name: Sample(dead=20, mailed=1000) for name in "abc"}
    account["d"] = Sample(dead=80, mailed=1000)

    # WHEN they are compared
    found = compare(account)

    # THEN that one is worse; beside it, the others are better
    assert {name: d.direction for name, d in found.items() if d} == {
        **dict.fromkeys("abc", Direction.BETTER),
        "d": Direction.WORSE,
    }


def test_if_the_whole_account_is_bad_nobody_differs() -> None:
    account = {str(n): Sample(dead=160 + n, mailed=2000) for n in range(8)}
    assert {d.from_others for d in compare(account).values() if d} == {False}


def test_one_source_has_nothing_to_be_compared_with() -> None:
    assert compare({"only": Sample(dead=5, mailed=10)}) == {"only": None}
    assert compare({}) == {}


def test_a_source_without_addresses_takes_no_part() -> None:
    """It would make every other one's adjusted value larger."""
    # GIVEN an account, and the same with a source of which nothing is known
    account = {"a": Sample(dead=8, mailed=200), "b": Sample(dead=1, mailed=200)}
    found = compare({**account, "new": Sample(dead=0, mailed=0)})

    # THEN nothing else changes
    assert found.pop("new") is None
    assert found == compare(account)


@unhurried
@given(accounts)
def test_every_difference_is_well_formed(account: dict[str, Sample]) -> None:
    for difference in compare(account).values():
        if difference:
            assert 0.0 <= difference.p <= difference.q <= 1.0
            assert difference.from_others == (difference.q <= 0.05)


@unhurried
@given(st.lists(st.integers(0, 100), min_size=2, max_size=6), st.integers(1, 2000))
def test_unanswered_addresses_make_no_difference(dead: list[int], unanswered: int) -> None:
    """An incident of the sender must not set a source apart."""
    # GIVEN sources, and the same with addresses of which nothing was learned
    account = {str(n): Sample(dead=count, mailed=1000) for n, count in enumerate(dead)}
    incident = {
        name: Sample(dead=s.dead, mailed=s.mailed, unanswered=unanswered)
        for name, s in account.items()
    }

    # THEN none that did not differ does now
    calm, now = compare(account), compare(incident)
    for name, difference in now.items():
        before = calm[name]
        assert difference
        assert before
        assert difference.p >= before.p * (1 - 1e-9)


@pytest.mark.parametrize(
    ("sample", "direction"),
    [
        # 900 claims as dead addresses, and before DNS confirmed one of them.
        (Sample(dead=908, mailed=1000), Direction.WORSE),
        (Sample(dead=8, mailed=150, unconfirmed=850), Direction.NONE),
        (Sample(dead=80, mailed=1000, unconfirmed=50), Direction.WORSE),
        # As many claims as would make it as bad as the others.
        (Sample(dead=2, mailed=1000), Direction.BETTER),
        (Sample(dead=2, mailed=1000, unconfirmed=18), Direction.NONE),
        (Sample(dead=2, mailed=1000, unconfirmed=1), Direction.BETTER),
    ],
)
def test_claims_that_may_be_true_set_no_source_apart(sample: Sample, direction: Direction) -> None:
    # GIVEN three sources with a rate of 2 %, and one with claims that DNS has not confirmed
    account = {name: Sample(dead=20, mailed=1000) for name in "abc"}

    # THEN it differs only if it does whatever DNS will say
    found = compare({**account, "d": sample})["d"]
    assert found
    assert found.direction is direction


def test_others_with_claims_that_may_be_true_set_no_source_apart() -> None:
    # GIVEN a source that is worse than another one, of which claims are unconfirmed then
    worse, other = Sample(dead=80, mailed=1000), Sample(dead=20, mailed=1000)
    calm = compare({"a": worse, "b": other})["a"]
    assert calm
    assert calm.direction is Direction.WORSE

    # THEN it is not worse any more, since the other one may be as bad
    found = compare({"a": worse, "b": replace(other, unconfirmed=60)})["a"]
    assert found
    assert found.direction is Direction.NONE


def test_an_estimated_size_makes_a_difference_less_certain() -> None:
    # GIVEN two large sources whose rates differ by 1.5 %, once counted and once estimated
    exact = compare(
        {"a": Sample(dead=50_000, mailed=10**6), "b": Sample(dead=50_750, mailed=10**6)}
    )
    estimated = compare(
        {
            "a": Sample(dead=50_000, mailed=10**6, error=0.01),
            "b": Sample(dead=50_750, mailed=10**6, error=0.01),
        }
    )

    # THEN only the exact counts tell
    assert exact["b"]
    assert exact["b"].direction is Direction.WORSE
    assert estimated["b"]
    assert not estimated["b"].from_others


def test_more_dead_than_mailed_is_no_error() -> None:
    found = compare({"a": Sample(dead=7, mailed=5), "b": Sample(dead=0, mailed=100)})
    assert found["a"]
    assert found["a"].direction is Direction.WORSE


def test_a_thousand_sources_are_compared() -> None:
    """Each with all others, a million addresses in all."""
    source = random.Random(1)
    account = {
        str(n): Sample(dead=source.binomialvariate(1000, 0.08 if n < 10 else 0.02), mailed=1000)
        for n in range(1000)
    }
    found = compare(account)
    worse = {name for name, d in found.items() if d and d.direction is Direction.WORSE}
    assert {str(n) for n in range(10)} <= worse
    assert len(worse) <= 12
