"""What a person's changes do, and what they leave."""

from collections.abc import Sequence
from functools import reduce
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.events import Kind
from bounceledger.policy import Policy
from bounceledger.state import (
    Action,
    AddressFacts,
    AllowlistEntry,
    Change,
    Decision,
    DomainFacts,
    DomainVerdict,
    ManualEntry,
    Probe,
    ReasonCode,
    Span,
    change_to_address,
    change_to_domain,
    is_dead,
    join,
    join_domain,
    keeps_complaint,
    merge,
)
from bounceledger.verdict import Category, Cause, Scope
from tests.unit.state.histories import (
    ADDRESS,
    NOW,
    bounce,
    days,
    decide,
    facts,
    happened,
    probed,
    why,
)
from tests.unit.state.strategies import times, unhurried

DOMAIN = "example.test"
ADD, REMOVE, ALLOW, DISALLOW, ERASE, END_ERASURE = Action


def to_address(
    action: Action, known: AddressFacts, *, ago: float = 0, **fields: Any
) -> AddressFacts:
    change = Change(action=action, subject=ADDRESS, by="ada", note="asked", **fields)
    return join(known, change_to_address(change, known, NOW - days(ago)), Policy())


def to_domain(
    action: Action, known: DomainFacts | None = None, *, ago: float = 0, **fields: Any
) -> DomainFacts:
    known = known or DomainFacts(domain=DOMAIN)
    change = Change(action=action, subject=DOMAIN, by="ada", note="asked", **fields)
    return join_domain(known, change_to_domain(change, known, NOW - days(ago)))


HARD = facts(bounce(Category.MAILBOX_UNKNOWN, 2))
SUPPRESSED = {
    "a hard bounce": (HARD, None),
    "an echo": (facts(bounce(Category.PROVIDER_SUPPRESSED, 2)), None),
    "soft bounces": (facts(*(bounce(Category.MAILBOX_FULL, ago) for ago in (1, 2, 3))), None),
    "a claim that DNS confirms": (
        facts(bounce(Category.NO_MAIL_ACCEPTED, 2)),
        probed(DomainVerdict.NULL_MX),
    ),
    "a dead domain": (None, probed(DomainVerdict.MISSING)),
    "a claim about a domain without MX": (
        facts(bounce(Category.NO_MAIL_ACCEPTED, 2)),
        probed(
            DomainVerdict.IMPLICIT_MX,
            claims={Cause.NO_MAIL_ACCEPTED: Span(first=NOW - days(3), last=NOW - days(2))},
        ),
    ),
    "an unconfirmed claim": (
        facts(bounce(Category.NO_MAIL_ACCEPTED, 2)),
        probed(DomainVerdict.ACCEPTS_MAIL),
    ),
}
"""Facts of an address and of its domain, by what suppresses it."""


@pytest.mark.parametrize("name", SUPPRESSED)
@pytest.mark.parametrize("of_domain", [False, True])
def test_nothing_about_bounces_suppresses_what_is_on_the_allow_list(
    name: str, *, of_domain: bool
) -> None:
    # GIVEN a suppressed address
    address, domain = SUPPRESSED[name]
    known = address or AddressFacts(address=ADDRESS)
    before = decide(known, domain, NOW)
    assert before.suppressed

    # WHEN it or its domain is put on the allow-list, before or after what was said
    for ago in (0, 4):
        listed = known if of_domain else to_address(ALLOW, known, ago=ago)
        names = to_domain(ALLOW, domain, ago=ago) if of_domain else domain
        decision = decide(listed, names, NOW)

        # THEN it may be mailed, and the answer says what would suppress it otherwise
        assert not decision.suppressed
        assert decision.allowed
        assert before.explanation in decision.explanation

        # AND without the entry it is as it was
        ended = listed if of_domain else to_address(DISALLOW, listed)
        assert decide(ended, to_domain(DISALLOW, names) if of_domain else names, NOW) == before


def test_the_allow_list_holds_against_bounces_and_not_against_people() -> None:
    """Erased, complaint and manual come before it; everything else after."""
    # GIVEN an address on the allow-list
    allowed = to_address(ALLOW, HARD)

    # THEN a complaint, an entry of its own or of its domain, and an erasure suppress it
    complained = merge(allowed, happened(Kind.COMPLAINT), Policy())
    erased = join(allowed, AddressFacts(address=ADDRESS, erased=True), Policy())
    by_domain = to_domain(ADD)
    assert why(decide(complained, None, NOW)) == [ReasonCode.COMPLAINT]
    assert why(decide(to_address(ADD, allowed), None, NOW)) == [ReasonCode.MANUAL]
    assert why(decide(allowed, by_domain, NOW)) == [ReasonCode.MANUAL]
    assert why(decide(erased, None, NOW)) == [ReasonCode.ERASED]


@pytest.mark.parametrize("name", SUPPRESSED)
def test_a_removal_ends_whatever_suppressed(name: str) -> None:
    # GIVEN a suppressed address
    address, domain = SUPPRESSED[name]
    known = address or AddressFacts(address=ADDRESS)

    # WHEN its suppression is removed, and that of its domain
    removed, domain = to_address(REMOVE, known), to_domain(REMOVE, domain)

    # THEN it may be mailed
    assert not decide(removed, domain, NOW).suppressed
    assert not is_dead(domain)

    # AND a bounce after that suppresses it again
    again = merge(removed, bounce(Category.MAILBOX_UNKNOWN, -1), Policy())
    assert decide(again, domain, NOW + days(2)).suppressed


@pytest.mark.parametrize(
    "name", [name for name in SUPPRESSED if "claim" in name or "domain" in name]
)
def test_removing_a_domain_ends_what_was_said_about_it_for_everyone_there(name: str) -> None:
    """Nobody has to find the addresses one by one."""
    address, domain = SUPPRESSED[name]
    assert not decide(address, to_domain(REMOVE, domain), NOW).suppressed


def test_removing_a_domain_leaves_what_was_said_about_its_mailboxes() -> None:
    assert decide(HARD, to_domain(REMOVE), NOW).suppressed


def test_removing_an_address_leaves_its_dead_domain() -> None:
    """The answer names the domain, which is to be removed as well."""
    _, domain = SUPPRESSED["a dead domain"]
    decision = decide(to_address(REMOVE, HARD), domain, NOW)
    assert (decision.reason_code, decision.scope) == (ReasonCode.DEAD_DOMAIN, Scope.DOMAIN)


def test_a_domain_is_dead_again_by_what_dns_shows_after_a_removal() -> None:
    """As without any earlier look: one that finds a null MX, or two a day apart."""
    # GIVEN a domain that was found missing, and removed
    removed = to_domain(REMOVE, probed(DomainVerdict.MISSING))

    # WHEN it is found missing again
    def found(verdict: DomainVerdict, *later: float) -> DomainFacts:
        probes = [Probe(verdict=verdict, probed_at=NOW + days(ago)) for ago in later]
        parts = [DomainFacts(domain=DOMAIN, probe=probe) for probe in probes]
        return reduce(join_domain, parts, removed)

    # THEN a second look decides, and a null MX at once
    assert not is_dead(found(DomainVerdict.MISSING, 1))
    assert is_dead(found(DomainVerdict.MISSING, 1, 2.1))
    assert is_dead(found(DomainVerdict.NULL_MX, 1))


def test_a_manual_entry_about_a_domain_suppresses_everyone_there_until_it_ends() -> None:
    domain = to_domain(ADD, until=NOW + days(3))

    decision = decide(None, domain, NOW)

    assert (decision.reason_code, decision.scope) == (ReasonCode.MANUAL, Scope.DOMAIN)
    assert decision.until == NOW + days(3)
    assert not decide(None, domain, NOW + days(3)).suppressed
    assert not decide(None, to_domain(REMOVE, domain), NOW).suppressed


def test_a_complaint_is_removed_on_request_only() -> None:
    # GIVEN an address whose owner complained
    known = merge(HARD, happened(Kind.COMPLAINT), Policy())
    plain = Change(action=REMOVE, subject=ADDRESS, by="ada", note="asked")
    asked = Change(action=REMOVE, subject=ADDRESS, by="ada", note="asked", complaint=True)

    # THEN a removal that does not say so is held back, and one that does is not
    assert keeps_complaint(plain, known)
    assert not keeps_complaint(plain, HARD)
    assert not keeps_complaint(asked, known)

    # AND that one ends the complaint, and the rest with it
    removed = to_address(REMOVE, known, complaint=True)
    assert not decide(removed, None, NOW).suppressed

    # AND a complaint from before that is recorded late does not bring it back
    late = merge(to_address(REMOVE, HARD, complaint=True), happened(Kind.COMPLAINT), Policy())
    assert not decide(late, None, NOW).suppressed

    # AND another complaint counts again
    again = merge(removed, happened(Kind.COMPLAINT, -1), Policy())
    assert why(decide(again, None, NOW)) == [ReasonCode.COMPLAINT]


def test_the_end_of_an_erasure_ends_what_was_not_deleted_yet() -> None:
    """Complaints, too: whether the erasure had come as far as the facts must not matter."""
    known = merge(HARD, happened(Kind.COMPLAINT), Policy())
    ended = Change(action=END_ERASURE, subject=ADDRESS, by="ada", note="asked")
    assert not keeps_complaint(ended, known)
    assert not decide(to_address(END_ERASURE, known), None, NOW).suppressed

    # AND what comes later counts again
    again = merge(to_address(END_ERASURE, known), happened(Kind.COMPLAINT, -1), Policy())
    assert why(decide(again, None, NOW)) == [ReasonCode.COMPLAINT]


@pytest.mark.parametrize("order", [*permutations((ADD, REMOVE)), *permutations((ALLOW, DISALLOW))])
def test_the_latest_change_wins_also_where_its_clock_is_behind(order: Sequence[Action]) -> None:
    """Two hosts answer two requests, and their clocks differ."""
    # GIVEN two changes, the second by a clock that is a minute behind
    first, second = order
    minute = 1 / 1440
    address = to_address(second, to_address(first, HARD), ago=minute)
    domain = to_domain(second, to_domain(first), ago=minute)

    # THEN the second holds
    for decision in (decide(address, None, NOW), decide(None, domain, NOW)):
        held = {
            ADD: decision.reason_code is ReasonCode.MANUAL,
            REMOVE: not decision.suppressed,
            ALLOW: decision.allowed,
            DISALLOW: not decision.allowed,
        }
        assert held[second], decision


def test_a_removal_ends_what_a_clock_that_is_ahead_reported() -> None:
    """Whoever removes a suppression means what they see."""
    ahead = facts(bounce(Category.MAILBOX_UNKNOWN, -0.01))
    domain = probed(DomainVerdict.NULL_MX, -0.01)
    assert not decide(to_address(REMOVE, ahead), to_domain(REMOVE, domain), NOW).suppressed


changes_to_domains = st.one_of(
    st.builds(
        lambda at, until: DomainFacts(domain=DOMAIN, manual=ManualEntry(at=at, until=until)),
        times,
        st.none() | times,
    ),
    st.builds(
        lambda at, listed, by: DomainFacts(
            domain=DOMAIN, allowed=AllowlistEntry(at=at, listed=listed, by=by)
        ),
        times,
        st.booleans(),
        st.sampled_from("ab"),
    ),
    st.builds(lambda at: DomainFacts(domain=DOMAIN, removed_at=at), times),
    st.builds(
        lambda at, verdict: DomainFacts(domain=DOMAIN, probe=Probe(verdict=verdict, probed_at=at)),
        times,
        st.sampled_from(DomainVerdict),
    ),
    st.builds(
        lambda at: DomainFacts(domain=DOMAIN, claims={Cause.NO_MAIL_ACCEPTED: Span.at(at)}), times
    ),
)


@given(st.lists(changes_to_domains, max_size=8), st.randoms(use_true_random=False))
@unhurried
def test_the_order_of_changes_to_a_domain_does_not_matter(
    parts: list[DomainFacts], random: Any
) -> None:
    # GIVEN changes, probes and claims in one order and another
    empty = DomainFacts(domain=DOMAIN)
    shuffled = random.sample(parts, len(parts))
    one, other = (reduce(join_domain, order, empty) for order in (parts, shuffled))

    # THEN the facts are the same, and so is what follows from them
    assert one == other
    assert join_domain(one, one) == one
    assert decide(None, one, NOW) == decide(None, other, NOW)


def test_a_decision_without_changes_is_not_allowed() -> None:
    assert decide(None, None, NOW) == Decision(explanation=decide(None, None, NOW).explanation)
