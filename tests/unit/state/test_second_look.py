"""When a domain is dead for everyone: what was found on which day, in whatever order."""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.state import (
    DEAD_VERDICTS,
    DomainFacts,
    DomainVerdict,
    Probe,
    Span,
    is_dead,
    join_domain,
    unbroken,
)
from bounceledger.state.merging import FINDINGS_KEPT
from bounceledger.verdict import Category, Cause, Scope
from tests.unit.state.histories import NOW, bounce, days, decide, facts
from tests.unit.state.strategies import times, unhurried

MISSING, NO_HOST, NULL = DomainVerdict.MISSING, DomainVerdict.NO_MAIL_HOST, DomainVerdict.NULL_MX
LIVE, IMPLICIT = DomainVerdict.ACCEPTS_MAIL, DomainVerdict.IMPLICIT_MX
EMPTY = DomainFacts(domain="example.test")

type Look = tuple[DomainVerdict, float]
"""What a probe found, and how many days after the first look."""


def looked(*looks: Look, claims: dict[Cause, Span] | None = None) -> DomainFacts:
    """What is known of a domain after some looks."""
    probes = [Probe(verdict=found, probed_at=NOW + days(day)) for found, day in looks]
    parts = [DomainFacts(domain="example.test", probe=probe) for probe in probes]
    return reduce(join_domain, parts, DomainFacts(domain="example.test", claims=claims or {}))


@pytest.mark.parametrize(
    ("looks", "dead"),
    [
        ([(MISSING, 0)], False),
        ([(MISSING, 0), (MISSING, 0.99)], False),
        ([(MISSING, 0), (MISSING, 1)], True),
        ([(MISSING, 0), (NO_HOST, 1)], True),
        ([(MISSING, 0), (MISSING, 0.3), (MISSING, 0.6), (MISSING, 0.9)], False),
        ([(MISSING, 0), (LIVE, 0.5), (MISSING, 1)], False),
        ([(MISSING, 0), (LIVE, 1), (MISSING, 2), (MISSING, 3)], True),
        ([(MISSING, 0), (IMPLICIT, 1), (MISSING, 2)], False),
        ([(MISSING, 0), (DomainVerdict.UNKNOWN, 0.5), (MISSING, 1)], True),
        ([(MISSING, 0), (MISSING, 1), (LIVE, 2)], False),
        ([(NULL, 0)], True),
        ([(NULL, 0), (MISSING, 0.5)], True),
        ([(MISSING, 0), (NULL, 0.5)], True),
        ([(NULL, 0), (LIVE, 0.5), (MISSING, 0.6)], False),
        ([(LIVE, 0)], False),
        ([(IMPLICIT, 0), (IMPLICIT, 5)], False),
        ([], False),
    ],
    ids=str,
)
def test_a_domain_is_dead_after_two_looks_a_day_apart(looks: Sequence[Look], dead: bool) -> None:
    """A null MX is a statement and needs one look; what is found between counts, too."""
    assert is_dead(looked(*looks)) is dead


def test_the_address_that_was_claimed_dead_does_not_wait_for_the_second_look() -> None:
    # GIVEN a claim that one look at DNS agrees with
    known = facts(bounce(Category.DOMAIN_UNKNOWN, ago=0.5))
    once, twice = looked((MISSING, 0)), looked((MISSING, 0), (MISSING, 1))

    # THEN that address is suppressed, and the answer says what is still open
    mine = decide(known, once, NOW)
    assert (mine.suppressed, mine.scope, mine.until) == (True, Scope.ADDRESS, None)
    assert not mine.unconfirmed
    assert "In DNS, the domain does not exist" in mine.explanation
    assert "if a second look, at least a day after the first" in mine.explanation

    # AND nobody else is, until the second look
    assert not decide(None, once, NOW).suppressed
    assert decide(None, twice, NOW).suppressed
    assert "a second look" not in decide(known, twice, NOW).explanation


@pytest.mark.parametrize(("first", "dead"), [(0, False), (0.3, False), (1, True)])
def test_a_host_without_mx_record_is_believed_when_it_says_so_on_two_days(
    first: float, dead: bool
) -> None:
    # GIVEN a domain without an MX record that said that it accepts no mail, once or again
    said = Span(first=NOW - days(first), last=NOW)
    domain = looked((IMPLICIT, 0), claims={Cause.NO_MAIL_ACCEPTED: said})

    # THEN everyone there is suppressed if it did so on two days
    assert is_dead(domain) is dead
    mine = decide(facts(bounce(Category.NO_MAIL_ACCEPTED, ago=0.1)), domain, NOW)
    assert (mine.suppressed, mine.scope) == (True, Scope.DOMAIN if dead else Scope.ADDRESS)
    assert dead or "if this is said again on another day" in mine.explanation


def test_a_domain_said_unknown_that_has_an_address_is_suppressed_for_a_while() -> None:
    # GIVEN a reply that a domain does not exist, which has an address but no MX record
    known = facts(bounce(Category.DOMAIN_UNKNOWN, ago=1))
    domain = looked((IMPLICIT, 0), claims={Cause.DOMAIN_UNKNOWN: Span.at(NOW)})

    # THEN the suppression has an end
    decision = decide(known, domain, NOW)
    assert (decision.until, decision.unconfirmed) == (NOW + days(29), True)
    assert not decide(known, domain, NOW + days(29)).suppressed


def test_a_finding_of_an_hour_of_the_same_day_cannot_be_older_than_its_contradiction() -> None:
    """Of a day with both findings only the latest moment is known to come after the other."""
    # GIVEN a domain that was dead, alive and dead on one day
    domain = looked((MISSING, -0.4), (LIVE, 0), (MISSING, 0.4))

    # THEN only the latest is in the span, so that a day has to pass from then
    assert unbroken(domain, DEAD_VERDICTS) == Span.at(NOW + days(0.4))
    assert not is_dead(looked((MISSING, -0.4), (LIVE, 0), (MISSING, 0.4), (MISSING, 1.3)))
    assert is_dead(looked((MISSING, -0.4), (LIVE, 0), (MISSING, 0.4), (MISSING, 1.4)))


def test_a_burst_of_probes_does_not_push_the_first_look_out() -> None:
    # GIVEN a look, and a hundred on a later day
    domain = looked((MISSING, 0), *((MISSING, 3 + n / 1000) for n in range(100)))

    # THEN both days are remembered
    assert len(domain.findings) == 2
    assert is_dead(domain)


probes = st.builds(Probe, verdict=st.sampled_from(DomainVerdict), probed_at=times)
claims = st.dictionaries(
    st.sampled_from(Cause), st.lists(times, min_size=1, max_size=2), max_size=2
)


@st.composite
def parts(draw: st.DrawFn) -> DomainFacts:
    """What one probe found, and what had been said."""
    said = {cause: Span(first=min(at), last=max(at)) for cause, at in draw(claims).items()}
    return DomainFacts(domain="example.test", probe=draw(st.none() | probes), claims=said)


@given(st.lists(parts(), min_size=1, max_size=3 * FINDINGS_KEPT), st.randoms())
@unhurried
def test_findings_and_claims_are_the_same_in_any_order_and_grouping(
    found: list[DomainFacts], dice: Random
) -> None:
    # GIVEN what is known after all of them, one by one
    one = reduce(join_domain, found, EMPTY)

    # WHEN they arrive in another order, some of them twice, joined in pairs of any size
    others = [*found, *dice.sample(found, dice.randint(0, len(found)))]
    dice.shuffle(others)
    while len(others) > 1:
        at = dice.randrange(len(others) - 1)
        others[at : at + 2] = [join_domain(others[at], others[at + 1])]

    # THEN the same is known
    assert join_domain(EMPTY, others[0]) == one
    assert len(one.findings) <= FINDINGS_KEPT


def is_dead_by_the_words(looks: Sequence[Probe]) -> bool:
    """The rule, said over all looks in order of time."""
    run: list[Probe] = []
    for look in sorted(looks, key=lambda probe: probe.probed_at):
        if look.verdict is not DomainVerdict.UNKNOWN:
            run = [*run, look] if look.verdict in DEAD_VERDICTS else []
    return any(look.verdict is NULL for look in run) or any(
        b.probed_at - a.probed_at >= timedelta(hours=24) for a in run for b in run
    )


@given(st.lists(probes, max_size=FINDINGS_KEPT, unique_by=lambda probe: probe.probed_at.date()))
@unhurried
def test_what_is_kept_decides_as_all_looks_would(looks: list[Probe]) -> None:
    known = [DomainFacts(domain="example.test", probe=probe) for probe in looks]
    assert is_dead(reduce(join_domain, known, EMPTY)) is is_dead_by_the_words(looks)


@given(
    st.lists(
        st.builds(
            Probe,
            verdict=st.sampled_from(DomainVerdict),
            probed_at=st.integers(0, 70).map(lambda hour: NOW + timedelta(hours=hour)),
        ),
        max_size=30,
        unique_by=lambda probe: probe.probed_at,
    )
)
@unhurried
def test_what_is_kept_never_calls_dead_what_all_looks_would_not(looks: list[Probe]) -> None:
    """Many looks a day are remembered less exactly, and only to the domain's advantage."""
    known = [DomainFacts(domain="example.test", probe=probe) for probe in looks]
    assert is_dead_by_the_words(looks) or not is_dead(reduce(join_domain, known, EMPTY))
