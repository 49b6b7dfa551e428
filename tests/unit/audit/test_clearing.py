"""Whether a source that was bad is better now, or only known less well."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bounceledger.audit import AuditThresholds, SourcePeriod, SourceVerdict, is_cleared, judge
from bounceledger.verdict import Category

T = AuditThresholds()
LOOSE = AuditThresholds(bad_above=0.6)


def period(dead: int, mailed: int, unanswered: int | None = None) -> SourcePeriod:
    return SourcePeriod(
        source="fair",
        mailed=mailed,
        dead={Category.MAILBOX_UNKNOWN: dead} if dead else {},
        unanswered=unanswered,
    )


@pytest.mark.parametrize(
    ("dead", "mailed", "cleared"),
    [
        # Good, watch, and too little data for either, but an interval below 5 %.
        (0, 189, True),
        (30, 1000, True),
        (12, 1000, True),
        (0, 73, True),
        # Too little to tell.
        (0, 0, False),
        (0, 72, False),
        (1, 100, False),
        # Watch, with a rate that is still above 5 %: more addresses would lead back to bad.
        (8, 100, False),
        (55, 1000, False),
        # Watch, at 5 % and below: more addresses would not.
        (50, 1000, True),
        (45, 1000, True),
        # Bad.
        (80, 1000, False),
    ],
)
def test_what_shows_that_a_source_is_not_bad(dead: int, mailed: int, *, cleared: bool) -> None:
    assert is_cleared(period(dead, mailed), T) is cleared


@pytest.mark.parametrize(
    ("dead", "unconfirmed", "cleared"),
    [(0, 0, True), (0, 10, True), (0, 100, False), (40, 30, False)],
)
def test_claims_that_dns_has_not_confirmed_count_as_dead(
    dead: int, unconfirmed: int, *, cleared: bool
) -> None:
    found = replace(period(dead, 1000), unconfirmed=unconfirmed)
    assert is_cleared(found, T) is cleared


def test_a_short_list_shows_nothing_whatever_the_threshold() -> None:
    assert not is_cleared(period(0, 19), LOOSE)
    assert is_cleared(period(0, 20), LOOSE)


@given(
    st.integers(0, 3000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))),
    st.integers(0, 10_000),
)
@example((30, 700), 5000)
def test_unanswered_addresses_do_not_matter(counts: tuple[int, int], unanswered: int) -> None:
    dead, mailed = counts
    assert is_cleared(period(dead, mailed, unanswered), T) is is_cleared(period(dead, mailed), T)


@given(
    st.integers(0, 3000).flatmap(lambda of: st.tuples(st.integers(0, of // 8), st.just(of))),
    st.integers(0, 10_000),
)
def test_no_bad_source_is_cleared_and_every_good_one_is(
    counts: tuple[int, int], unanswered: int
) -> None:
    # GIVEN a verdict
    dead, mailed = counts
    verdict = judge(dead, mailed, T, unanswered=unanswered).verdict

    # THEN a bad source is not cleared, and a good one is
    if verdict is SourceVerdict.BAD:
        assert not is_cleared(period(dead, mailed, unanswered), T)
    if verdict is SourceVerdict.GOOD:
        assert is_cleared(period(dead, mailed, unanswered), T)
