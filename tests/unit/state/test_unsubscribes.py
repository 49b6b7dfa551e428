"""What an unsubscribe does: nothing by default, and suppress if the policy says so."""

from itertools import permutations
from typing import Any

import pytest

from bounceledger import state
from bounceledger.events import Kind
from bounceledger.policy import Policy
from bounceledger.state import (
    Action,
    AddressFacts,
    AllowlistEntry,
    Change,
    ManualEntry,
    ReasonCode,
    change_to_address,
    join,
    keeps_unsubscribe,
    merge,
    unsubscribed_at,
)
from bounceledger.verdict import Category, Cause, Disposition, Scope
from tests.unit.state.histories import ADDRESS, NOW, bounce, days, decide, facts, happened, why

SUPPRESSES = Policy(suppress_unsubscribes=True)
UNSUBSCRIBED = facts(happened(Kind.UNSUBSCRIBE, 5))


def removed(known: AddressFacts, *, ago: float = 0, **fields: Any) -> AddressFacts:
    change = Change(action=Action.REMOVE, subject=ADDRESS, by="ada", note="asked", **fields)
    return join(known, change_to_address(change, known, NOW - days(ago)), Policy())


def test_an_unsubscribe_suppresses_nobody_by_default_and_is_told() -> None:
    """The provider keeps its own list of those; here it is a fact."""
    decision = decide(UNSUBSCRIBED, None, NOW)
    assert not decision.suppressed
    assert decision.explanation.endswith(
        "The recipient unsubscribed on 2026-11-15, which suppresses nobody in this deployment "
        "(SuppressUnsubscribes)."
    )
    assert unsubscribed_at(UNSUBSCRIBED) == NOW - days(5)


def test_the_policy_makes_it_suppress_also_where_it_was_recorded_before() -> None:
    """The facts are the same; only what follows from them differs."""
    decision = decide(UNSUBSCRIBED, None, NOW + days(9999), SUPPRESSES)
    assert why(decision) == [ReasonCode.UNSUBSCRIBE]
    assert decision.reasons[0].cause is Cause.UNSUBSCRIBE
    assert decision.evidence == UNSUBSCRIBED.evidence[Cause.UNSUBSCRIBE]
    assert (decision.until, decision.scope, decision.category) == (None, Scope.ADDRESS, None)
    assert decision.explanation == "The recipient unsubscribed on 2026-11-15."


def test_it_comes_after_a_complaint_and_before_what_others_decided() -> None:
    known = facts(
        happened(Kind.UNSUBSCRIBE),
        happened(Kind.COMPLAINT),
        bounce(Category.MAILBOX_UNKNOWN),
        manual=ManualEntry(at=NOW),
    )
    assert why(decide(known, None, NOW, SUPPRESSES)) == [
        ReasonCode.COMPLAINT,
        ReasonCode.UNSUBSCRIBE,
        ReasonCode.MANUAL,
        ReasonCode.HARD_BOUNCE,
    ]


def test_the_allow_list_does_not_reach_it() -> None:
    """It exempts from bounces; what the recipient asked for holds."""
    known = facts(
        happened(Kind.UNSUBSCRIBE),
        bounce(Category.MAILBOX_UNKNOWN),
        allowed=AllowlistEntry(at=NOW, listed=True),
    )
    assert why(decide(known, None, NOW, SUPPRESSES)) == [ReasonCode.UNSUBSCRIBE]


@pytest.mark.parametrize("suppresses", [True, False])
def test_one_that_may_be_another_recipients_follows_the_setting_of_complaints(
    suppresses: bool,
) -> None:
    # GIVEN an unsubscribe that several recipients may have made
    event = happened(Kind.UNSUBSCRIBE, ambiguous=True).event
    policy = Policy(suppress_ambiguous_complaints=suppresses, suppress_unsubscribes=True)
    known = merge(AddressFacts(address=ADDRESS), state.observe(event, policy=policy), policy)

    # THEN all or none of them are taken for whoever made it
    assert decide(known, None, NOW, policy).suppressed is suppresses
    assert known.is_empty is not suppresses


def test_a_removal_ends_it_only_where_it_says_so() -> None:
    """Nobody removes it by mistake, whichever is recorded first."""
    # GIVEN a removal after the unsubscribe that says nothing of it
    plain = removed(UNSUBSCRIBED, ago=3)
    late = merge(
        removed(AddressFacts(address=ADDRESS), ago=3), happened(Kind.UNSUBSCRIBE, 5), SUPPRESSES
    )

    # THEN it stays in force
    for known in (plain, late):
        assert why(decide(known, None, NOW, SUPPRESSES)) == [ReasonCode.UNSUBSCRIBE]

    # AND ends with one that does, and begins again with another unsubscribe
    ended = removed(UNSUBSCRIBED, ago=3, unsubscribe=True)
    assert not decide(ended, None, NOW, SUPPRESSES).suppressed
    assert unsubscribed_at(ended) is None
    again = merge(ended, happened(Kind.UNSUBSCRIBE, 1), SUPPRESSES)
    assert why(decide(again, None, NOW, SUPPRESSES)) == [ReasonCode.UNSUBSCRIBE]


def test_one_removal_ends_what_it_names_and_no_other_wish() -> None:
    known = merge(UNSUBSCRIBED, happened(Kind.COMPLAINT, 5), Policy())
    of_complaint = removed(known, complaint=True)
    of_unsubscribe = removed(known, unsubscribe=True)
    assert why(decide(of_complaint, None, NOW, SUPPRESSES)) == [ReasonCode.UNSUBSCRIBE]
    assert why(decide(of_unsubscribe, None, NOW, SUPPRESSES)) == [ReasonCode.COMPLAINT]


def test_a_removal_is_held_back_only_where_the_unsubscribe_suppresses() -> None:
    plain = Change(action=Action.REMOVE, subject=ADDRESS, by="ada", note="asked")
    asked = Change(action=Action.REMOVE, subject=ADDRESS, by="ada", note="asked", unsubscribe=True)
    assert keeps_unsubscribe(plain, UNSUBSCRIBED, SUPPRESSES)
    assert not keeps_unsubscribe(plain, UNSUBSCRIBED, Policy())
    assert not keeps_unsubscribe(asked, UNSUBSCRIBED, SUPPRESSES)
    assert not keeps_unsubscribe(plain, None, SUPPRESSES)


def test_the_end_of_an_erasure_ends_it() -> None:
    """It may not have been deleted yet when the erasure ends."""
    change = Change(action=Action.END_ERASURE, subject=ADDRESS, by="ada", note="asked")
    ended = join(UNSUBSCRIBED, change_to_address(change, UNSUBSCRIBED, NOW), Policy())
    assert not decide(ended, None, NOW, SUPPRESSES).suppressed


def test_it_leaves_soft_bounces_as_they_are() -> None:
    """Only a delivery resets them."""
    soft = [bounce(Category.MAILBOX_FULL, ago) for ago in (3, 2, 1)]
    known = facts(*soft, happened(Kind.UNSUBSCRIBE, 0.5))
    assert why(decide(known, None, NOW)) == [ReasonCode.SOFT_BOUNCES]


def test_a_version_that_does_not_know_it_suppresses_nobody_for_it() -> None:
    """As the deployment did by default; after a roll-back nobody complained who did not."""
    said = UNSUBSCRIBED.evidence[Cause.UNSUBSCRIBE]
    assert said.disposition == Disposition.NONE
    older = AddressFacts(address=ADDRESS, evidence={Cause("not known there"): said})
    assert not decide(older, None, NOW, SUPPRESSES).suppressed


def test_whoever_unsubscribed_before_is_charged_to_nobody_as_dead() -> None:
    """Only by the source whose mail was answered so, and only for what came later."""
    # GIVEN an unsubscribe by one message, and a bounce of a later one
    later = NOW - days(2)
    alive = happened(Kind.UNSUBSCRIBE, 1, mailed_at=NOW - days(9))
    died = bounce(Category.MAILBOX_UNKNOWN, 1, mailed_at=later)

    # THEN no source is charged with it
    assert facts(alive, died).charged == {}

    # AND whatever else the recipient did later, in whatever order it is recorded
    once_more = happened(Kind.UNSUBSCRIBE, 0.5, mailed_at=NOW - days(1))
    for order in permutations((alive, died, once_more)):
        assert facts(*order).charged == {}

    # AND one is where the bounce came first, or is another source's, or somebody complained
    first = bounce(Category.MAILBOX_UNKNOWN, 1, mailed_at=NOW - days(10))
    rival = bounce(Category.MAILBOX_UNKNOWN, 1, "rival", mailed_at=later)
    complained = happened(Kind.COMPLAINT, 1, mailed_at=later)
    assert facts(alive, first).charged.keys() == {"fair"}
    assert facts(alive, rival).charged.keys() == {"rival"}
    assert facts(alive, complained).charged.keys() == {"fair"}
