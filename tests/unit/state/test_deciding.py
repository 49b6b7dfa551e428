"""The policy, row by row."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bounceledger import state
from bounceledger.events import Kind, ProviderReason
from bounceledger.policy import Policy
from bounceledger.state import (
    AddressFacts,
    DomainFacts,
    DomainVerdict,
    ManualEntry,
    Probe,
    ReasonCode,
    merge,
)
from bounceledger.verdict import DISPOSITIONS, Category, Cause, Disposition
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


def test_a_lasting_reason_is_reported_before_one_that_ends() -> None:
    known = facts(bounce(Category.NO_MAIL_ACCEPTED, 1), bounce(Category.MAILBOX_UNKNOWN, 2))
    decision = decide(known, probed(DomainVerdict.ACCEPTS_MAIL), NOW)
    assert decision.category is Category.MAILBOX_UNKNOWN
