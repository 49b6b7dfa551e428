"""What DNS makes of a claim about a domain."""

import pytest

from bounceledger.state import (
    DEAD_VERDICTS,
    DOMAIN_POLICY,
    ClaimEffect,
    DomainVerdict,
    ReasonCode,
    Span,
)
from bounceledger.verdict import Category, Cause, Disposition, Scope
from tests.unit.state.histories import NOW, bounce, days, decide, facts, probed, why

EFFECTS: dict[tuple[Cause, DomainVerdict], ClaimEffect] = {
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.NULL_MX): ClaimEffect.WHOLE_DOMAIN,
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.MISSING): ClaimEffect.WHOLE_DOMAIN,
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.NO_MAIL_HOST): ClaimEffect.WHOLE_DOMAIN,
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.IMPLICIT_MX): ClaimEffect.WHOLE_DOMAIN,
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.ACCEPTS_MAIL): ClaimEffect.UNCONFIRMED,
    (Cause.NO_MAIL_ACCEPTED, DomainVerdict.UNKNOWN): ClaimEffect.STANDS,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.NULL_MX): ClaimEffect.WHOLE_DOMAIN,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.MISSING): ClaimEffect.WHOLE_DOMAIN,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.NO_MAIL_HOST): ClaimEffect.WHOLE_DOMAIN,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.IMPLICIT_MX): ClaimEffect.UNCONFIRMED,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.ACCEPTS_MAIL): ClaimEffect.REFUTED,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.UNKNOWN): ClaimEffect.STANDS,
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.NULL_MX): ClaimEffect.WHOLE_DOMAIN,
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.MISSING): ClaimEffect.WHOLE_DOMAIN,
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.NO_MAIL_HOST): ClaimEffect.WHOLE_DOMAIN,
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.IMPLICIT_MX): ClaimEffect.STANDS,
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.ACCEPTS_MAIL): ClaimEffect.REFUTED,
    (Cause.DOMAIN_UNREACHABLE, DomainVerdict.UNKNOWN): ClaimEffect.STANDS,
}
HARD_ROWS = [row for row in EFFECTS if row[0].disposition is Disposition.HARD]
SOFT_ROWS = [row for row in EFFECTS if row not in HARD_ROWS]


def test_every_claim_has_an_effect_and_a_reason_under_every_verdict() -> None:
    """The policy is a complete table, written a second time here."""
    assert {row: ruling.effect for row, ruling in DOMAIN_POLICY.items()} == EFFECTS
    assert all(ruling.because for ruling in DOMAIN_POLICY.values())


def test_a_domain_is_dead_where_no_claim_could_change_it() -> None:
    """Dead verdicts are those that confirm both claims."""
    dead = {DomainVerdict.NULL_MX, DomainVerdict.MISSING, DomainVerdict.NO_MAIL_HOST}
    assert dead == DEAD_VERDICTS


@pytest.mark.parametrize(("cause", "verdict"), HARD_ROWS)
def test_dns_decides_what_a_claim_suppresses(cause: Cause, verdict: DomainVerdict) -> None:
    """Each row of the table, for the address that bounced and for one that was never mailed."""
    # GIVEN a claim that was made on two days, and two later probes
    known = facts(bounce(Category(cause), ago=2))
    domain = probed(verdict, claims={cause: Span(first=NOW - days(4), last=NOW - days(2))})

    # WHEN that address and one that was never mailed are decided
    mine, new = decide(known, domain, NOW), decide(None, domain, NOW)

    # THEN it is as the table says
    match EFFECTS[cause, verdict]:
        case ClaimEffect.WHOLE_DOMAIN:
            assert (mine.suppressed, mine.scope, mine.unconfirmed) == (True, Scope.DOMAIN, False)
            assert (new.suppressed, new.scope) == (True, Scope.DOMAIN)
            assert new.until is None
        case ClaimEffect.STANDS:
            assert (mine.suppressed, mine.scope, mine.until) == (True, Scope.ADDRESS, None)
            assert not new.suppressed
        case ClaimEffect.UNCONFIRMED:
            assert (mine.scope, mine.until, mine.unconfirmed) == (
                Scope.ADDRESS,
                NOW + days(28),
                True,
            )
            assert not decide(known, domain, NOW + days(28)).suppressed
            assert not new.suppressed
        case ClaimEffect.PENDING:
            pytest.fail("follows from what is missing, and is in no row")
        case ClaimEffect.REFUTED:
            assert not mine.suppressed
            assert "refuted" in mine.explanation
            assert not new.suppressed


@pytest.mark.parametrize(("cause", "verdict"), SOFT_ROWS)
def test_a_soft_reply_about_a_domain_suppresses_only_if_dns_calls_it_dead(
    cause: Cause, verdict: DomainVerdict
) -> None:
    # GIVEN a reply that the domain could not be looked up, and a later probe
    known = facts(bounce(Category.EXPIRED, ago=2, scope=Scope.DOMAIN))
    once = probed(verdict, first_ago=0.5, claims={cause: Span.at(NOW - days(2))})
    # WHEN that address and one that was never mailed are decided after one look, and after two
    mine, new = decide(known, once, NOW), decide(None, once, NOW)
    twice = decide(None, probed(verdict, claims={cause: Span.at(NOW - days(2))}), NOW)
    # THEN the address is suppressed if DNS calls the domain dead, everyone after two looks
    assert mine.suppressed is (EFFECTS[cause, verdict] is ClaimEffect.WHOLE_DOMAIN)
    assert new.suppressed is (verdict is DomainVerdict.NULL_MX)
    assert twice.suppressed is mine.suppressed
    # AND the reason is the domain, since the reply alone is none
    if mine.suppressed:
        assert (mine.reason_code, mine.until) == (ReasonCode.DEAD_DOMAIN, None)
        assert mine.scope is (Scope.DOMAIN if new.suppressed else Scope.ADDRESS)


@pytest.mark.parametrize("verdict", [None, *DomainVerdict])
def test_a_soft_reply_about_a_domain_counts_as_a_soft_bounce(
    verdict: DomainVerdict | None,
) -> None:
    """Whatever DNS says, and before it was asked: the reply itself stays soft."""
    known = facts(*(bounce(Category.EXPIRED, ago, scope=Scope.DOMAIN) for ago in (3, 2, 1)))
    domain = probed(verdict) if verdict else None
    assert ReasonCode.SOFT_BOUNCES in why(decide(known, domain, NOW))
    assert why(decide(facts(bounce(Category.EXPIRED, scope=Scope.DOMAIN)), None, NOW)) == []


@pytest.mark.parametrize("verdict", sorted(DEAD_VERDICTS))
def test_a_dead_host_name_is_suppressed_without_a_claim(verdict: DomainVerdict) -> None:
    """DNS alone is enough for these verdicts."""
    decision = decide(None, probed(verdict), NOW)
    assert (decision.reason_code, decision.scope) == (ReasonCode.DEAD_DOMAIN, Scope.DOMAIN)


@pytest.mark.parametrize(
    ("claims", "category"),
    [
        ((), None),
        ((Cause.DOMAIN_UNKNOWN,), Category.DOMAIN_UNKNOWN),
        ((Cause.NO_MAIL_ACCEPTED,), Category.NO_MAIL_ACCEPTED),
        ((Cause.DOMAIN_UNKNOWN, Cause.NO_MAIL_ACCEPTED), Category.NO_MAIL_ACCEPTED),
    ],
)
def test_an_address_never_mailed_learns_what_was_claimed_of_its_domain(
    claims: tuple[Cause, ...], category: Category | None
) -> None:
    """What was claimed is reported as the category."""
    # GIVEN a dead domain, and what servers said of it
    domain = probed(DomainVerdict.MISSING, claims=dict.fromkeys(claims, Span.at(NOW)))

    # THEN an address there that nobody mailed is suppressed for that very claim
    decision = decide(None, domain, NOW)
    assert (decision.reason_code, decision.category) == (ReasonCode.DEAD_DOMAIN, category)


def test_a_missing_mx_record_alone_does_not_suppress() -> None:
    """A host with an address may accept mail (RFC 5321 section 5.1)."""
    assert not decide(None, probed(DomainVerdict.IMPLICIT_MX), NOW).suppressed


def test_a_claim_after_the_probe_counts_until_the_next_probe() -> None:
    """An older look cannot refute a newer claim."""
    # GIVEN a claim that is later than a probe which would refute it
    known = facts(bounce(Category.DOMAIN_UNKNOWN, ago=1))

    # THEN it suppresses
    assert decide(known, probed(DomainVerdict.ACCEPTS_MAIL, ago=2), NOW).suppressed


def test_a_refuted_claim_counts_as_a_soft_bounce() -> None:
    """A domain that keeps failing is suppressed for a term, also where DNS refutes it."""
    # GIVEN a claim on three days
    known = facts(*(bounce(Category.DOMAIN_UNKNOWN, ago) for ago in (3, 2, 1)))

    # WHEN DNS refutes it
    decision = decide(known, probed(DomainVerdict.ACCEPTS_MAIL), NOW)

    # THEN the days add up to a suppression by soft bounces
    assert why(decision) == [ReasonCode.SOFT_BOUNCES]
    assert decision.category is Category.DOMAIN_UNKNOWN


@pytest.mark.parametrize("verdict", [v for v in DomainVerdict if v not in DEAD_VERDICTS])
def test_dns_changes_nothing_about_a_mailbox(verdict: DomainVerdict) -> None:
    """An unknown user is unknown whatever the domain's DNS says."""
    decision = decide(facts(bounce(Category.MAILBOX_UNKNOWN)), probed(verdict), NOW)
    assert (decision.reason_code, decision.until) == (ReasonCode.HARD_BOUNCE, None)
