"""The policy, row by row."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest

from bounceledger import state
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.policy import Policy
from bounceledger.state import (
    DEAD_VERDICTS,
    DOMAIN_POLICY,
    MAX_STORED_DIAGNOSTIC,
    AddressFacts,
    ClaimEffect,
    Decision,
    DomainFacts,
    DomainVerdict,
    ManualEntry,
    Observation,
    Probe,
    ReasonCode,
    join,
    merge,
)
from bounceledger.verdict import DISPOSITIONS, Category, Cause, Disposition, Scope, Verdict

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADDRESS = "a@example.test"


def decide(
    facts: AddressFacts | None,
    domain: DomainFacts | None,
    now: datetime,
    policy: Policy = Policy(),
) -> Decision:
    return state.decide(facts, domain, now, policy)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def bounce(category: Category, ago: float = 1, source: str = "fair", **fields: str) -> Observation:
    event = MailEvent(
        event_id=f"{category} {ago} {source}",
        provider="ses",
        kind=Kind.BOUNCE,
        provider_kind="Bounce",
        address=ADDRESS,
        lead_source=source,
        occurred_at=NOW - days(ago),
        **fields,
    )
    return state.observe(
        event, policy=Policy(), verdict=Verdict(category=category, scope=Scope.ADDRESS, rule="rule")
    )


def happened(kind: Kind, ago: float = 1, **fields: str | bool) -> Observation:
    event = MailEvent(
        event_id=f"{kind} {ago}",
        provider="ses",
        kind=kind,
        provider_kind=kind.value,
        address=ADDRESS,
        lead_source="fair",
        occurred_at=NOW - days(ago),
        **fields,  # type: ignore[arg-type]  # texts and flags of MailEvent
    )
    return state.observe(event, policy=Policy())


def facts(*observations: Observation, policy: Policy = Policy(), **changes: object) -> AddressFacts:
    known = reduce(
        lambda found, item: merge(found, item, policy), observations, AddressFacts(address=ADDRESS)
    )
    change = AddressFacts(address=ADDRESS, **changes)  # type: ignore[arg-type]  # facts by name
    return join(known, change, policy)


def probed(verdict: DomainVerdict, ago: float = 0.5, **claims: datetime) -> DomainFacts:
    probe = Probe(verdict=verdict, probed_at=NOW - days(ago))
    return DomainFacts(
        domain="example.test",
        probe=probe,
        claims={Cause(name): at for name, at in claims.items()},
    )


def why(decision: Decision) -> list[ReasonCode]:
    return [reason.code for reason in decision.reasons]


# ------------------------------------------------------------------ what suppresses at all


@pytest.mark.parametrize("category", Category)
def test_one_bounce_suppresses_by_its_disposition(category: Category) -> None:
    decision = decide(facts(bounce(category)), None, NOW)
    reasons = {
        Disposition.HARD: [ReasonCode.HARD_BOUNCE],
        Disposition.ECHO: [ReasonCode.PROVIDER_LIST],
    }
    assert why(decision) == reasons.get(DISPOSITIONS[category], [])
    assert decision.category == (category if decision.suppressed else None)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.COMPLAINT])
def test_no_other_kind_of_event_suppresses(kind: Kind) -> None:
    assert not decide(facts(happened(kind)), None, NOW).suppressed


def test_a_complaint_suppresses_for_good() -> None:
    decision = decide(
        facts(happened(Kind.COMPLAINT, provider_reason=ProviderReason.ABUSE)),
        None,
        NOW + days(9999),
    )
    assert why(decision) == [ReasonCode.COMPLAINT]
    assert decision.until is None
    assert decision.reasons[0].cause is Cause.COMPLAINT
    assert decision.category is None


def test_not_spam_never_suppresses() -> None:
    assert facts(happened(Kind.COMPLAINT, provider_reason=ProviderReason.NOT_SPAM)).is_empty


def test_a_complaint_from_the_providers_own_list_is_an_echo() -> None:
    known = facts(happened(Kind.COMPLAINT, provider_reason=ProviderReason.SUPPRESSION_LIST))
    assert why(decide(known, None, NOW)) == [ReasonCode.PROVIDER_LIST]
    assert not decide(known, None, NOW + days(14)).suppressed


@pytest.mark.parametrize("believed", [True, False])
def test_a_complaint_that_may_be_another_recipients_is_a_setting(believed: bool) -> None:
    policy = Policy(suppress_ambiguous_complaints=believed)
    abuse = happened(Kind.COMPLAINT, provider_reason=ProviderReason.ABUSE, ambiguous=True)
    known = facts(state.observe(abuse.event, policy=policy), policy=policy)
    assert decide(known, None, NOW, policy).suppressed is believed


def test_an_echo_is_believed_for_its_term_and_counts_against_no_source() -> None:
    known = facts(bounce(Category.PROVIDER_SUPPRESSED, ago=1))
    assert decide(known, None, NOW).until == NOW + days(13)
    assert not decide(known, None, NOW + days(13)).suppressed
    assert known.attributions == {}


def test_an_erased_address_keeps_nothing_but_that() -> None:
    known = facts(bounce(Category.MAILBOX_UNKNOWN), happened(Kind.COMPLAINT), erased=True)
    later = merge(known, bounce(Category.MAILBOX_FULL), Policy())
    assert later == AddressFacts(address=ADDRESS, erased=True)
    assert why(decide(later, None, NOW)) == [ReasonCode.ERASED]


def test_the_first_reason_is_reported_and_the_others_stay_visible() -> None:
    known = facts(
        happened(Kind.COMPLAINT),
        bounce(Category.MAILBOX_UNKNOWN),
        bounce(Category.PROVIDER_SUPPRESSED),
        *(bounce(Category.MAILBOX_FULL, ago) for ago in (1, 2, 3)),
        manual=ManualEntry(at=NOW, until=NOW + days(5), by="me", note="asked"),
    )
    decision = decide(known, probed(DomainVerdict.NULL_MX), NOW)
    assert why(decision) == [
        ReasonCode.COMPLAINT,
        ReasonCode.MANUAL,
        ReasonCode.HARD_BOUNCE,
        ReasonCode.DEAD_DOMAIN,
        ReasonCode.PROVIDER_LIST,
        ReasonCode.SOFT_BOUNCES,
    ]
    assert decision.reason_code is ReasonCode.COMPLAINT


# -------------------------------------------------------------------------- evidence kept


def test_evidence_is_counted_and_has_the_words_of_the_latest() -> None:
    known = facts(
        bounce(Category.MAILBOX_UNKNOWN, ago=1, diagnostic="newer"),
        bounce(Category.MAILBOX_UNKNOWN, ago=3, diagnostic="older", source="list"),
    )
    evidence = known.evidence[Cause.MAILBOX_UNKNOWN]
    assert (evidence.count, evidence.diagnostic) == (2, "newer")
    assert (evidence.first, evidence.last) == (NOW - days(3), NOW - days(1))
    assert set(known.sources) == set(known.attributions) == {"fair", "list"}


def test_a_diagnostic_is_bounded_and_free_of_control_characters() -> None:
    hostile = "\x1b[31m550\r\nno\x00 such\u202e user \ud800 " + "é" * MAX_STORED_DIAGNOSTIC
    said = facts(bounce(Category.MAILBOX_UNKNOWN, diagnostic=hostile)).evidence
    diagnostic = said[Cause.MAILBOX_UNKNOWN].diagnostic
    assert len(diagnostic.encode()) <= MAX_STORED_DIAGNOSTIC
    assert diagnostic.isprintable()
    assert diagnostic.startswith("[31m550")


# ------------------------------------------------------------------------- lifts and voids


def test_a_lift_holds_against_older_evidence_only() -> None:
    known = facts(
        happened(Kind.COMPLAINT, 5), bounce(Category.MAILBOX_UNKNOWN, 4), removed_at=NOW - days(3)
    )
    assert not decide(known, None, NOW).suppressed
    assert decide(merge(known, bounce(Category.MAILBOX_MOVED, 2), Policy()), None, NOW).suppressed


def test_a_void_takes_back_one_category_and_spares_a_complaint() -> None:
    known = facts(
        happened(Kind.COMPLAINT, 5),
        bounce(Category.MAILBOX_UNKNOWN, 4),
        voided_at={Cause.MAILBOX_UNKNOWN: NOW},
    )
    assert why(decide(known, None, NOW)) == [ReasonCode.COMPLAINT]


def test_a_void_takes_back_soft_days_of_its_category() -> None:
    soft = [bounce(Category.MAILBOX_FULL, ago) for ago in (1, 2, 3)]
    known = facts(*soft, voided_at={Cause.MAILBOX_FULL: NOW - days(1.5)})
    assert decide(facts(*soft), None, NOW).suppressed
    assert not decide(known, None, NOW).suppressed


def test_a_manual_entry_ends_by_itself_or_by_a_lift() -> None:
    entry = ManualEntry(at=NOW - days(2), until=NOW + days(1))
    assert decide(facts(manual=entry), None, NOW).until == NOW + days(1)
    assert not decide(facts(manual=entry), None, NOW + days(1)).suppressed
    assert not decide(facts(manual=entry, removed_at=NOW), None, NOW).suppressed
    assert decide(
        facts(manual=replace(entry, at=NOW), removed_at=NOW - days(1)), None, NOW
    ).suppressed


# ------------------------------------------------------------------------------ soft bounces


FULL, DISABLED = Category.MAILBOX_FULL, Category.MAILBOX_DISABLED


@pytest.mark.parametrize(
    ("bounces", "until"),
    [
        pytest.param([(FULL, 3), (FULL, 1)], None, id="two days are not enough"),
        pytest.param([(FULL, 5), (FULL, 3), (FULL, 1)], 29, id="three days"),
        pytest.param([(FULL, 1), (FULL, 1.1), (FULL, 1.2)], None, id="one day counts once"),
        pytest.param(
            [(FULL, 3), (Category.EXPIRED, 3.1), (Category.UNKNOWN, 2)],
            None,
            id="two categories on one day are one day",
        ),
        pytest.param([(DISABLED, 3), (FULL, 1)], 29, id="mailbox_disabled counts double"),
        pytest.param([(DISABLED, 3)], None, id="but not for three"),
        pytest.param([(FULL, 40), (FULL, 8), (FULL, 1)], None, id="not within thirty days"),
        pytest.param([(FULL, 30), (FULL, 8), (FULL, 1)], 29, id="just within thirty days"),
        pytest.param(
            [(FULL, ago) for ago in (60, 59, 58, 20, 19, 18)], 72, id="the second time: 90 days"
        ),
        pytest.param(
            [(FULL, ago) for ago in (200, 199, 198, 160, 159, 158, 60, 59, 58)],
            307,
            id="the third time: 365 days",
        ),
        pytest.param(
            [(FULL, ago) for ago in (60, 59, 58, 57, 56, 55)],
            None,
            id="days within a term do not lengthen it",
        ),
    ],
)
def test_soft_bounces_suppress_for_a_term(
    bounces: Sequence[tuple[Category, float]], until: int | None
) -> None:
    decision = decide(facts(*(bounce(*item) for item in bounces)), None, NOW)
    assert decision.until == (None if until is None else NOW + days(until))
    assert decision.suppressed is (until is not None)


def test_days_that_led_to_a_term_do_not_lead_to_the_next() -> None:
    # GIVEN terms shorter than the window, and one soft bounce after the first term
    policy = Policy(soft_terms=(2, 90))
    known = facts(*(bounce(FULL, ago) for ago in (10, 9, 8, 5)), policy=policy)
    # THEN three more days are needed
    assert not decide(known, None, NOW, policy).suppressed


def test_a_delivery_in_between_starts_the_count_anew() -> None:
    soft = [bounce(FULL, ago) for ago in (5, 3, 1)]
    assert not decide(facts(*soft, happened(Kind.DELIVERY, 4)), None, NOW).suppressed
    assert decide(facts(*soft, happened(Kind.DELIVERY, 6)), None, NOW).suppressed


def test_a_delivery_takes_the_terms_back_to_the_shortest() -> None:
    soft = [bounce(FULL, ago) for ago in (60, 59, 58, 20, 19, 18)]
    decision = decide(facts(*soft, happened(Kind.DELIVERY, 25)), None, NOW)
    assert decision.until == NOW + days(12)


# ----------------------------------------------------------------------------- 521 and DNS


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
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.IMPLICIT_MX): ClaimEffect.STANDS,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.ACCEPTS_MAIL): ClaimEffect.REFUTED,
    (Cause.DOMAIN_UNKNOWN, DomainVerdict.UNKNOWN): ClaimEffect.STANDS,
}


def test_every_claim_has_an_effect_under_every_verdict_and_a_reason_for_it() -> None:
    assert {row: ruling.effect for row, ruling in DOMAIN_POLICY.items()} == EFFECTS
    assert all(ruling.because for ruling in DOMAIN_POLICY.values())


def test_a_domain_is_dead_where_no_claim_could_change_it() -> None:
    dead = {DomainVerdict.NULL_MX, DomainVerdict.MISSING, DomainVerdict.NO_MAIL_HOST}
    assert dead == DEAD_VERDICTS


@pytest.mark.parametrize(("cause", "verdict"), EFFECTS)
def test_dns_decides_what_a_claim_suppresses(cause: Cause, verdict: DomainVerdict) -> None:
    # GIVEN a claim, and a later probe
    known = facts(bounce(Category(cause), ago=2))
    domain = probed(verdict, **{cause.value: NOW - days(2)})
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
        case ClaimEffect.REFUTED:
            assert not mine.suppressed
            assert "reversed" in mine.explanation
            assert not new.suppressed


@pytest.mark.parametrize("verdict", sorted(DEAD_VERDICTS))
def test_a_dead_host_name_needs_no_claim(verdict: DomainVerdict) -> None:
    decision = decide(None, probed(verdict), NOW)
    assert (decision.reason_code, decision.scope) == (ReasonCode.DEAD_DOMAIN, Scope.DOMAIN)


@pytest.mark.parametrize(
    ("claims", "category"),
    [
        ((), None),
        (("domain_unknown",), Category.DOMAIN_UNKNOWN),
        (("no_mail_accepted",), Category.NO_MAIL_ACCEPTED),
        (("domain_unknown", "no_mail_accepted"), Category.NO_MAIL_ACCEPTED),
    ],
)
def test_an_address_never_mailed_learns_what_was_claimed_of_its_domain(claims, category) -> None:
    # GIVEN a dead domain, and what servers said of it
    domain = probed(DomainVerdict.MISSING, **dict.fromkeys(claims, NOW))

    # THEN an address there that nobody mailed is suppressed for that very claim
    decision = decide(None, domain, NOW)
    assert (decision.reason_code, decision.category) == (ReasonCode.DEAD_DOMAIN, category)


def test_the_explanation_names_a_parent_domain_that_accepts_mail() -> None:
    probe = Probe(
        verdict=DomainVerdict.NULL_MX,
        probed_at=NOW,
        alternate_domain="example.test",
        alternate_verdict=DomainVerdict.ACCEPTS_MAIL,
    )
    domain = DomainFacts(domain="noreply.example.test", probe=probe)
    for known in (None, facts(bounce(Category.NO_MAIL_ACCEPTED))):
        explanation = decide(known, domain, NOW).explanation
        assert "null MX" in explanation
        assert explanation.endswith("Its parent domain example.test accepts mail.")


def test_a_missing_mx_record_alone_is_no_reason() -> None:
    assert not decide(None, probed(DomainVerdict.IMPLICIT_MX), NOW).suppressed


def test_a_domain_said_unknown_again_after_the_probe_counts_until_the_next() -> None:
    known = facts(bounce(Category.DOMAIN_UNKNOWN, ago=1))
    assert decide(known, probed(DomainVerdict.ACCEPTS_MAIL, ago=2), NOW).suppressed


def test_what_dns_took_back_counts_as_soft() -> None:
    known = facts(*(bounce(Category.DOMAIN_UNKNOWN, ago) for ago in (3, 2, 1)))
    decision = decide(known, probed(DomainVerdict.ACCEPTS_MAIL), NOW)
    assert why(decision) == [ReasonCode.SOFT_BOUNCES]
    assert decision.category is Category.DOMAIN_UNKNOWN


@pytest.mark.parametrize("verdict", [v for v in DomainVerdict if v not in DEAD_VERDICTS])
def test_dns_has_no_say_about_a_mailbox(verdict: DomainVerdict) -> None:
    decision = decide(facts(bounce(Category.MAILBOX_UNKNOWN)), probed(verdict), NOW)
    assert (decision.reason_code, decision.until) == (ReasonCode.HARD_BOUNCE, None)


def test_a_lasting_reason_is_reported_before_one_that_ends() -> None:
    known = facts(bounce(Category.NO_MAIL_ACCEPTED, 1), bounce(Category.MAILBOX_UNKNOWN, 2))
    decision = decide(known, probed(DomainVerdict.ACCEPTS_MAIL), NOW)
    assert decision.category is Category.MAILBOX_UNKNOWN
