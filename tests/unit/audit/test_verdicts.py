"""Verdicts: what decides, what is still needed, and what no incident may move."""

import math
from bisect import bisect_left
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bounceledger.audit import AuditThresholds, SourceVerdict, judge
from bounceledger.audit.verdicts import MAX_NEEDED
from tests.unit.state.strategies import unhurried

T = AuditThresholds()
BAD, WATCH, GOOD = SourceVerdict.BAD, SourceVerdict.WATCH, SourceVerdict.GOOD
TOO_LITTLE = SourceVerdict.TOO_LITTLE_DATA

SEVERITY = {BAD: 2, WATCH: 1, GOOD: 0}

sizes = st.one_of(st.integers(0, 300), st.integers(0, 50_000))
shares = sizes.flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))
likely = sizes.flatmap(lambda of: st.tuples(st.integers(0, of // 8), st.just(of)))
errors = st.sampled_from([0.0, 0.0, 0.005, 0.02])


@pytest.mark.parametrize(
    ("dead", "mailed", "verdict", "needed"),
    [
        # Nothing, or next to nothing, is known.
        (0, 0, TOO_LITTLE, 189),
        (0, 19, TOO_LITTLE, 170),
        (1, 1, TOO_LITTLE, 19),
        (2, 2, TOO_LITTLE, 18),
        # A clean list needs 189 addresses to be good, and never is to watch.
        (0, 100, TOO_LITTLE, 89),
        (0, 188, TOO_LITTLE, 1),
        (0, 189, GOOD, None),
        (12, 1000, TOO_LITTLE, 177),
        (12, 1177, GOOD, None),
        # Wilson's bound is above 5 %, but a list at 5 % has 3 of 20 with a probability of 7.5 %.
        (3, 20, WATCH, 5),
        (4, 20, BAD, None),
        (10, 20, BAD, None),
        (1, 100, TOO_LITTLE, 653),
        # Between the thresholds, no number decides.
        (30, 1000, WATCH, None),
        (3000, 100_000, WATCH, None),
        (50, 1000, WATCH, None),
        (20, 1000, WATCH, None),
        # Near 2 %, it takes very many to call a source good, so it is `watch` before.
        (4, 202, TOO_LITTLE, 194),
        (15, 1000, TOO_LITTLE, 522),
        (19, 1000, WATCH, 74_293),
        (25, 1667, WATCH, 1342),
        (1999, 100_000, WATCH, None),
        # Surely not good, and perhaps bad.
        (63, 1000, WATCH, 80),
        (64, 1000, BAD, None),
        (80, 1000, BAD, None),
        (1000, 1000, BAD, None),
    ],
)
def test_verdicts(dead: int, mailed: int, verdict: SourceVerdict, needed: int | None) -> None:
    found = judge(dead, mailed, T)
    assert (found.verdict, found.needed) == (verdict, needed)


@unhurried
@given(shares, errors, st.integers(0, 3000))
def test_a_verdict_follows_from_the_interval_that_is_shown(
    share: tuple[int, int], error: float, unanswered: int
) -> None:
    # WHEN a source is judged
    found = judge(*share, T, error=error, unanswered=unanswered)
    low, high = found.rate.bounds

    # THEN its interval allows the verdict
    match found.verdict:
        case SourceVerdict.BAD:
            assert low > T.bad_above
        case SourceVerdict.GOOD:
            assert high < T.good_below
        case SourceVerdict.WATCH:
            assert low >= T.good_below or (low >= T.watch_above and high <= T.bad_above)
        case _:
            assert low < T.good_below or share[1] < T.min_addresses


@unhurried
@given(likely, errors, st.integers(0, 300))
def test_needed_is_the_smallest_number_that_decides(
    share: tuple[int, int], error: float, unanswered: int
) -> None:
    # GIVEN a source that needs more addresses
    dead, mailed = share
    assume(mailed)
    found = judge(dead, mailed, T, error=error, unanswered=unanswered)
    assume(found.needed is not None)
    assert found.needed is not None
    assert 1 <= found.needed <= MAX_NEEDED

    # WHEN there are at least as many more, a multiple, so that the rate is exactly the same
    enough = math.ceil(Fraction(found.needed, mailed)) + 1
    larger = judge(dead * enough, mailed * enough, T, error=error, unanswered=unanswered)

    # THEN the verdict is another one; with fewer it is not
    assert larger.verdict is not found.verdict
    for fewer in range(1, min(enough, 4)):
        if (fewer - 1) * mailed < found.needed:
            smaller = judge(dead * fewer, mailed * fewer, T, error=error, unanswered=unanswered)
            assert smaller.verdict is found.verdict


@unhurried
@given(st.integers(0, 188))
def test_a_clean_list_is_good_once_it_has_what_it_needed(mailed: int) -> None:
    found = judge(0, mailed, T)
    assert found.verdict is TOO_LITTLE
    assert found.needed is not None
    assert judge(0, mailed + found.needed, T).verdict is GOOD
    assert judge(0, mailed + found.needed - 1, T).verdict is TOO_LITTLE


@unhurried
@given(shares)
def test_a_decided_source_needs_nothing(share: tuple[int, int]) -> None:
    found = judge(*share, T)
    if found.verdict in {BAD, GOOD}:
        assert found.needed is None
    if found.verdict is TOO_LITTLE:
        assert found.needed is not None


@unhurried
@given(st.integers(1, 5000), st.data())
def test_one_more_dead_address_never_makes_a_source_better(
    mailed: int, data: st.DataObject
) -> None:
    # GIVEN a source, and the same with one more dead address
    dead = data.draw(st.integers(0, mailed - 1))
    before, after = judge(dead, mailed, T), judge(dead + 1, mailed, T)

    # THEN it does not turn good, and does not stop being bad
    assert after.verdict is not GOOD or before.verdict is GOOD
    assert before.verdict is not BAD or after.verdict is BAD
    if TOO_LITTLE not in {before.verdict, after.verdict}:
        assert SEVERITY[before.verdict] <= SEVERITY[after.verdict]


@unhurried
@given(shares, errors, st.integers(1, 50_000))
def test_unanswered_addresses_make_no_source_bad_or_good(
    share: tuple[int, int], error: float, unanswered: int
) -> None:
    """Whether a blocked address is dead, nobody knows."""
    # GIVEN a source, and the same with messages blocked to further addresses
    calm = judge(*share, T, error=error)
    incident = judge(*share, T, error=error, unanswered=unanswered)

    # THEN it is at most less certain
    if incident.verdict in {BAD, GOOD}:
        assert incident.verdict is calm.verdict
    if calm.verdict is GOOD:
        assert incident.verdict is GOOD


@unhurried
@given(shares, st.integers(1, 2000), st.data())
def test_what_dns_says_later_changes_no_verdict_bad_or_good(
    share: tuple[int, int], claims: int, data: st.DataObject
) -> None:
    """A claim about a domain may be true or not, until DNS was asked."""
    # GIVEN a verdict before DNS was asked about further addresses
    dead, mailed = share
    before = judge(dead, mailed, T, unconfirmed=claims)

    # WHEN it confirms any of the claims, and refutes the others
    true = data.draw(st.integers(0, claims))
    after = judge(dead + true, mailed + true, T, unanswered=claims - true)

    # THEN a source that was bad or good still is
    if before.verdict in {BAD, GOOD}:
        assert after.verdict is before.verdict
    # AND the rate was within the interval
    low, high = before.rate.bounds
    if after.rate.rate is not None:
        assert low <= after.rate.rate <= high


@pytest.mark.parametrize(
    ("dead", "mailed", "unanswered", "unconfirmed", "verdict"),
    [
        # 900 claims: bad only if dead without them, good only if good with them.
        (8, 100, 0, 900, TOO_LITTLE),
        (8, 100, 900, 0, TOO_LITTLE),
        (80, 800, 0, 100, BAD),
        (0, 1000, 0, 100, TOO_LITTLE),
        (0, 1000, 0, 5, GOOD),
        (0, 1000, 900, 0, GOOD),
    ],
)
def test_claims_count_as_what_makes_a_verdict_less_certain(
    dead: int, mailed: int, unanswered: int, unconfirmed: int, verdict: SourceVerdict
) -> None:
    found = judge(dead, mailed, T, unanswered=unanswered, unconfirmed=unconfirmed)
    assert found.verdict is verdict


@unhurried
@given(shares, st.floats(0.001, 0.1))
def test_an_estimate_makes_no_source_bad_or_good(share: tuple[int, int], error: float) -> None:
    exact, estimated = judge(*share, T), judge(*share, T, error=error)
    if estimated.verdict in {BAD, GOOD}:
        assert estimated.verdict is exact.verdict


def test_more_dead_than_mailed_is_said() -> None:
    found = judge(30, 25, T)
    assert (found.rate.count, found.rate.of, found.raised) == (30, 30, True)
    assert not judge(25, 25, T).raised


def wrongly_bad(mailed: int, thresholds: AuditThresholds) -> float:
    """Probability that a source with a rate of exactly `bad_above` is called bad."""
    p = thresholds.bad_above
    fewest = bisect_left(
        range(mailed + 1), True, key=lambda dead: judge(dead, mailed, thresholds).verdict is BAD
    )
    below, term = 0.0, (1 - p) ** mailed
    for k in range(fewest):
        below += term
        term *= (mailed - k) / (k + 1) * p / (1 - p)
    return 1 - below


def test_a_source_at_the_threshold_is_rarely_called_bad_whatever_its_size() -> None:
    """Exactly, not by simulation; sources with a lower rate are so more rarely still."""
    chances = {n: wrongly_bad(n, T) for n in (*range(1, 400), 500, 800, 1000, 1500, 2000)}
    assert max(chances.values()) < 0.05
    assert max(chance for n, chance in chances.items() if n >= 500) < 0.036


def test_without_the_guard_small_sources_would_be_called_bad_too_often() -> None:
    """Why Wilson's bound is not enough: the guard has something to do."""
    loose = replace(T, max_false_bad=0.999, min_addresses=1)
    assert wrongly_bad(3, loose) > 0.14
    assert wrongly_bad(11, loose) > 0.10
    assert wrongly_bad(56, loose) > 0.06


@pytest.mark.parametrize("mailed", [*range(189, 600, 7), 1000, 2000])
def test_a_source_at_the_lower_threshold_is_rarely_called_good(mailed: int) -> None:
    # GIVEN the fewest dead addresses with which a source is not good
    p = T.good_below
    fewest = bisect_left(
        range(mailed), True, key=lambda dead: judge(dead, mailed, T).verdict is not GOOD
    )

    # THEN a source at the threshold has fewer at most once in 30 times
    chance = sum(math.comb(mailed, k) * p**k * (1 - p) ** (mailed - k) for k in range(fewest))
    assert 0 < chance < 1 / 30


def test_thresholds_decide() -> None:
    strict = AuditThresholds(bad_above=0.01, good_below=0.001, watch_above=0.0005)
    assert judge(30, 1000, T).verdict is WATCH
    assert judge(30, 1000, strict).verdict is BAD
    assert judge(0, 1000, T).verdict is GOOD
    assert judge(0, 1000, strict).verdict is TOO_LITTLE
    assert judge(4, 20, AuditThresholds(min_addresses=100)).verdict is TOO_LITTLE
