"""Samples of addresses: joined in any order, exact while small, close above."""

import math
import secrets
from collections.abc import Iterable
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.state.samples import HASH_BYTES, Sample, hash_of, is_of_level, union

SECRET = bytes(range(32))
HASHES = st.binary(min_size=HASH_BYTES, max_size=HASH_BYTES)


def of_level(level: int, hashes: Iterable[bytes]) -> frozenset[bytes]:
    return frozenset(hashed for hashed in hashes if is_of_level(hashed, level))


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    level = draw(st.integers(0, 3))
    answered, blocked = (of_level(level, draw(st.sets(HASHES, max_size=8))) for _ in range(2))
    return Sample(level=level, answered=answered, blocked=blocked)


def of_addresses(count: int, level: int, secret: bytes = SECRET) -> Sample:
    hashes = (hash_of(f"person{n}@example.test", secret) for n in range(count))
    return Sample(level=level, answered=of_level(level, hashes))


# ------------------------------------------------------------------------------- joining


@given(samples(), samples(), samples())
def test_samples_are_joined_in_any_order_and_grouping(a: Sample, b: Sample, c: Sample) -> None:
    """Events arrive in any order, and in several shards."""
    assert union([a, b]) == union([b, a])
    assert union([union([a, b]), c]) == union([a, union([b, c])]) == union([a, b, c])


@given(st.lists(samples()))
def test_a_sample_twice_is_the_same_as_once(some: list[Sample]) -> None:
    """An event may be delivered again."""
    assert union([*some, *some]) == union(some) == union([union(some)])


@given(st.lists(samples(), min_size=1))
def test_joining_one_by_one_is_the_same_as_together(some: list[Sample]) -> None:
    """A long period is read in pages."""
    assert reduce(lambda a, b: union([a, b]), some) == union(some)


@given(st.sets(HASHES), st.integers(0, 32))
def test_a_higher_level_leaves_out_hashes_that_do_not_begin_with_zeros(
    hashes: set[bytes], level: int
) -> None:
    """Bytes are compared; numbers are what is meant."""
    found = union([Sample(answered=frozenset(hashes)), Sample(level=level)]).answered
    assert found == {h for h in hashes if f"{int.from_bytes(h):032b}".startswith("0" * level)}


# ------------------------------------------------------------------------------ counting


def test_no_address_counts_as_none() -> None:
    assert (Sample().mailed, Sample().mailed_error, Sample().unanswered) == (0, 0.0, 0)
    assert (Sample(level=3).mailed, Sample(level=3).mailed_error) == (0, 0.0)


@pytest.mark.parametrize("count", [1, 100, 5000])
def test_a_sample_of_level_0_is_exact(count: int) -> None:
    """Two of so few addresses do not have the same hash."""
    sample = of_addresses(count, 0)
    assert (sample.mailed, sample.mailed_error) == (count, 0.0)


def test_many_addresses_of_which_some_have_the_same_hash_are_counted_closely() -> None:
    """200,000 addresses have some five hashes in common."""
    assert of_addresses(200_000, 0).mailed == pytest.approx(200_000, rel=5e-5)


@pytest.mark.parametrize("level", [1, 3, 6])
def test_the_error_is_as_stated(level: int) -> None:
    """Over many keys, since the estimate depends on the key alone."""
    # GIVEN the same addresses, hashed under 60 keys
    count, keys = 4000, 60
    rounds = [of_addresses(count, level, secrets.token_bytes(32)) for _ in range(keys)]

    # THEN estimates spread by the standard error that is stated, and around the truth
    errors = [sample.mailed / count - 1 for sample in rounds]
    stated = math.sqrt((2**level - 1) / count)
    assert math.sqrt(sum(e * e for e in errors) / keys) < 1.6 * stated
    assert abs(sum(errors) / keys) < 5 * stated / math.sqrt(keys)
    assert rounds[0].mailed_error == pytest.approx(stated, rel=0.5)


def test_an_address_that_was_answered_is_not_counted_as_unanswered() -> None:
    """A second message may get through."""
    answered = frozenset(hash_of(f"{n}@a.test", SECRET) for n in range(10))
    blocked = frozenset(hash_of(f"{n}@a.test", SECRET) for n in range(7, 15))
    sample = Sample(answered=answered, blocked=blocked)
    assert (sample.mailed, sample.unanswered, sample.size) == (10, 5, 15)


def test_nobody_without_the_key_knows_a_hash() -> None:
    """Otherwise addresses could be chosen that bend an estimate."""
    assert hash_of("a@example.test", SECRET) != hash_of("a@example.test", SECRET[::-1])
    assert len(hash_of("a@example.test", SECRET)) == HASH_BYTES
