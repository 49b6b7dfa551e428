"""How near an address is to a suppression, and what suppressed it before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.events import Kind
from bounceledger.policy import Policy
from bounceledger.state import Observation, ReasonCode, expired_reason, merge, soft_weight
from bounceledger.verdict import Category
from tests.unit.state.histories import NOW, bounce, days, decide, facts, happened

POLICY = Policy()


@pytest.mark.parametrize(
    ("history", "weight"),
    [
        ([], 0),
        ([bounce(Category.MAILBOX_FULL, 1)], 1),
        ([bounce(Category.MAILBOX_FULL, 1), bounce(Category.MAILBOX_FULL, 1.01)], 1),
        ([bounce(Category.MAILBOX_FULL, 1), bounce(Category.MAILBOX_FULL, 2)], 2),
        ([bounce(Category.MAILBOX_DISABLED, 1)], 2),
        ([bounce(Category.MAILBOX_FULL, 29), bounce(Category.MAILBOX_FULL, 1)], 2),
        ([bounce(Category.MAILBOX_FULL, 31), bounce(Category.MAILBOX_FULL, 1)], 1),
        ([bounce(Category.MAILBOX_UNKNOWN, 1)], 0),
        ([bounce(Category.REPUTATION_BLOCK, 1)], 0),
    ],
)
def test_soft_days_within_the_window_add_up(history: list[Observation], weight: int) -> None:
    assert soft_weight(facts(*history), None, NOW, POLICY) == weight


def test_a_delivery_starts_the_sum_again() -> None:
    known = facts(
        bounce(Category.MAILBOX_FULL, 3),
        happened(Kind.DELIVERY, 2),
        bounce(Category.MAILBOX_FULL, 1),
    )
    assert soft_weight(known, None, NOW, POLICY) == 1


def test_days_that_led_to_a_term_are_used_up() -> None:
    """The next suppression needs as many days again."""
    # GIVEN a suppression of 30 days that has ended, and a bounce since
    known = facts(
        *(bounce(Category.MAILBOX_FULL, ago) for ago in (42, 41, 40)),
        bounce(Category.MAILBOX_FULL, 5),
    )

    # THEN only that one counts, and the suppression is known to have ended
    assert soft_weight(known, None, NOW, POLICY) == 1
    expired = expired_reason(known, None, NOW, POLICY)
    assert expired is not None
    assert (expired.code, expired.until) == (ReasonCode.SOFT_BOUNCES, NOW - days(10))


@given(st.lists(st.integers(0, 200), max_size=12), st.sampled_from([1, 2, 3, 5]))
def test_what_is_missing_is_what_suppresses(ago: list[int], soft_days: int) -> None:
    """The number that an answer gives is the policy's own."""
    # GIVEN soft bounces on some days, which do not suppress now
    policy = Policy(soft_days=soft_days, soft_window=1000)
    known = facts(*(bounce(Category.MAILBOX_FULL, n + 0.25) for n in ago))
    if decide(known, None, NOW, policy).suppressed:
        return
    missing = soft_days - soft_weight(known, None, NOW, policy)
    assert missing > 0

    # WHEN as many further days come
    after = known
    for n in range(missing):
        assert not decide(after, None, NOW, policy).suppressed
        after = merge(after, bounce(Category.MAILBOX_FULL, -n - 1), policy)

    # THEN they suppress, and not before
    assert decide(after, None, NOW, policy).suppressed


def test_what_ended_last_is_what_is_told() -> None:
    # GIVEN an echo and a soft suppression that have both ended
    known = facts(
        bounce(Category.PROVIDER_SUPPRESSED, 100),
        *(bounce(Category.MAILBOX_FULL, ago) for ago in (52, 51, 50)),
    )

    # THEN it is the later end
    assert not decide(known, None, NOW).suppressed
    expired = expired_reason(known, None, NOW, POLICY)
    assert expired is not None
    assert expired.code is ReasonCode.SOFT_BOUNCES


def test_what_holds_or_never_was_has_not_ended() -> None:
    assert expired_reason(None, None, NOW, POLICY) is None
    for category in (Category.MAILBOX_UNKNOWN, Category.PROVIDER_SUPPRESSED):
        assert expired_reason(facts(bounce(category)), None, NOW, POLICY) is None
