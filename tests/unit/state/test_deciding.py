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
    """The table of dispositions, for a single bounce of each category."""
    decision = decide(facts(bounce(category)), None, NOW)
    reasons = {
        Disposition.HARD: [ReasonCode.HARD_BOUNCE],
        Disposition.ECHO: [ReasonCode.PROVIDER_LIST],
    }
    assert why(decision) == reasons.get(DISPOSITIONS[category], [])
    assert decision.category == (category if decision.suppressed else None)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.COMPLAINT])
def test_no_other_kind_of_event_suppresses(kind: Kind) -> None:
    """Only bounces and complaints suppress without a setting that says so."""
    assert not decide(facts(happened(kind)), None, NOW).suppressed


def test_a_complaint_suppresses_permanently() -> None:
    """A person who complained is never mailed again."""
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
    """Not-spam is the opposite of a complaint (RFC 6430)."""
    assert facts(happened(Kind.COMPLAINT, provider_reason=ProviderReason.NOT_SPAM)).is_empty


def test_a_complaint_from_the_providers_own_list_is_an_echo() -> None:
    """The provider did not send, so nobody complained now."""
    known = facts(happened(Kind.COMPLAINT, provider_reason=ProviderReason.SUPPRESSION_LIST))
    assert why(decide(known, None, NOW)) == [ReasonCode.PROVIDER_LIST]
    assert not decide(known, None, NOW + days(14)).suppressed


@pytest.mark.parametrize("suppresses", [True, False])
def test_a_complaint_that_may_be_another_recipients_is_a_setting(suppresses: bool) -> None:
    """Mailbox providers redact who complained; the deployment decides."""
    # GIVEN a deployment's choice, and a complaint that names several recipients
    policy = Policy(suppress_ambiguous_complaints=suppresses)
    abuse = happened(Kind.COMPLAINT, provider_reason=ProviderReason.ABUSE, ambiguous=True)
    known = facts(state.observe(abuse.event, policy=policy), policy=policy)

    # THEN it suppresses if the deployment says so
    assert decide(known, None, NOW, policy).suppressed is suppresses


def test_an_echo_suppresses_for_its_term_and_counts_against_no_source() -> None:
    """The provider's list is respected, and is not new evidence."""
    known = facts(bounce(Category.PROVIDER_SUPPRESSED, ago=1))
    assert decide(known, None, NOW).until == NOW + days(13)
    assert not decide(known, None, NOW + days(13)).suppressed
    assert known.attributions == {}


def test_an_erased_address_keeps_only_the_erasure() -> None:
    """A person who asked to be forgotten leaves no other data, now or later."""
    # GIVEN an erased address with evidence
    known = facts(bounce(Category.MAILBOX_UNKNOWN), happened(Kind.COMPLAINT), erased=True)

    # WHEN it bounces again
    later = merge(known, bounce(Category.MAILBOX_FULL), Policy())

    # THEN nothing but the erasure is kept
    assert later == AddressFacts(address=ADDRESS, erased=True)
    assert why(decide(later, None, NOW)) == [ReasonCode.ERASED]


def test_the_first_reason_is_reported_and_the_others_stay_visible() -> None:
    """All reasons are known at once, in the order of the policy."""
    # GIVEN an address with every kind of evidence, at a dead domain
    known = facts(
        happened(Kind.COMPLAINT),
        bounce(Category.MAILBOX_UNKNOWN),
        bounce(Category.PROVIDER_SUPPRESSED),
        *(bounce(Category.MAILBOX_FULL, ago) for ago in (1, 2, 3)),
        manual=ManualEntry(at=NOW, until=NOW + days(5), by="me", note="asked"),
    )

    # WHEN it is decided
    decision = decide(known, probed(DomainVerdict.NULL_MX), NOW)

    # THEN every reason is in force, in the order of the policy
    assert why(decision) == [
        ReasonCode.COMPLAINT,
        ReasonCode.MANUAL,
        ReasonCode.HARD_BOUNCE,
        ReasonCode.DEAD_DOMAIN,
        ReasonCode.PROVIDER_LIST,
        ReasonCode.SOFT_BOUNCES,
    ]

    # AND the first is reported
    assert decision.reason_code is ReasonCode.COMPLAINT


def test_a_removal_holds_against_older_evidence_only() -> None:
    """New evidence after a removal suppresses again."""
    known = facts(bounce(Category.MAILBOX_UNKNOWN, 4), removed_at=NOW - days(3))
    assert not decide(known, None, NOW).suppressed
    assert decide(merge(known, bounce(Category.MAILBOX_MOVED, 2), Policy()), None, NOW).suppressed


def test_a_removal_leaves_a_complaint_also_one_that_arrives_late() -> None:
    """Nobody removes a complaint by mistake, whichever of the two is recorded first."""
    # GIVEN a complaint and a later removal
    complaint = happened(Kind.COMPLAINT, 5)
    removed = facts(removed_at=NOW - days(3))

    # THEN it stays in force in either order
    assert why(decide(facts(complaint, removed_at=NOW - days(3)), None, NOW)) == [
        ReasonCode.COMPLAINT
    ]
    assert decide(merge(removed, complaint, Policy()), None, NOW).suppressed

    # AND ends only where complaints themselves were removed
    known = facts(complaint, removed_at=NOW - days(3), voided_at={Cause.COMPLAINT: NOW - days(3)})
    assert not decide(known, None, NOW).suppressed


def test_a_void_reverses_one_category_and_keeps_a_complaint() -> None:
    """A wrong rule is undone by its category, without losing anything else."""
    # GIVEN a complaint, and a hard bounce whose category was voided
    known = facts(
        happened(Kind.COMPLAINT, 5),
        bounce(Category.MAILBOX_UNKNOWN, 4),
        voided_at={Cause.MAILBOX_UNKNOWN: NOW},
    )

    # THEN the complaint alone suppresses
    assert why(decide(known, None, NOW)) == [ReasonCode.COMPLAINT]


def test_a_void_reverses_soft_days_of_its_category() -> None:
    """Soft days that a wrong rule found do not add up either."""
    # GIVEN soft bounces on three days, two of them before a void
    soft = [bounce(Category.MAILBOX_FULL, ago) for ago in (1, 2, 3)]
    known = facts(*soft, voided_at={Cause.MAILBOX_FULL: NOW - days(1.5)})

    # THEN they suppress without the void only
    assert decide(facts(*soft), None, NOW).suppressed
    assert not decide(known, None, NOW).suppressed


def test_a_manual_entry_ends_by_itself_or_by_a_removal() -> None:
    """A person's decision has an end like any other suppression."""
    # GIVEN a manual entry for some days
    entry = ManualEntry(at=NOW - days(2), until=NOW + days(1))

    # THEN it ends at its time, or by a later removal

    # AND an earlier removal does not end it
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
    """Days and weights that suppress, and how long."""
    decision = decide(facts(*(bounce(*item) for item in bounces)), None, NOW)
    assert decision.until == (None if until is None else NOW + days(until))
    assert decision.suppressed is (until is not None)


def test_days_that_led_to_a_term_do_not_lead_to_the_next() -> None:
    """One bounce after a term must not suppress again."""
    # GIVEN terms shorter than the window, and one soft bounce after the first term
    policy = Policy(soft_terms=(2, 90))
    known = facts(*(bounce(FULL, ago) for ago in (10, 9, 8, 5)), policy=policy)

    # THEN three more days are needed
    assert not decide(known, None, NOW, policy).suppressed


def test_a_delivery_in_between_restarts_the_count() -> None:
    """A mailbox that accepts mail again is not dead."""
    # GIVEN soft bounces on three days
    soft = [bounce(FULL, ago) for ago in (5, 3, 1)]

    # THEN a delivery between them prevents the suppression, and one before them does not
    assert not decide(facts(*soft, happened(Kind.DELIVERY, 4)), None, NOW).suppressed
    assert decide(facts(*soft, happened(Kind.DELIVERY, 6)), None, NOW).suppressed


def test_a_delivery_resets_the_terms_to_the_shortest() -> None:
    """After a delivery the history of terms is over."""
    # GIVEN soft bounces that suppress twice, with a delivery in between
    soft = [bounce(FULL, ago) for ago in (60, 59, 58, 20, 19, 18)]

    # WHEN they are decided
    decision = decide(facts(*soft, happened(Kind.DELIVERY, 25)), None, NOW)

    # THEN the second term is as short as the first
    assert decision.until == NOW + days(12)


def test_the_explanation_names_a_parent_domain_that_accepts_mail() -> None:
    """Someone at noreply.company.test may be reached at company.test."""
    # GIVEN a dead host name whose parent accepts mail
    probe = Probe(
        verdict=DomainVerdict.NULL_MX,
        probed_at=NOW,
        alternate_domain="example.test",
        alternate_verdict=DomainVerdict.ACCEPTS_MAIL,
    )
    domain = DomainFacts(domain="noreply.example.test", probe=probe)

    # THEN the explanation says so, whether or not the address bounced
    for known in (None, facts(bounce(Category.NO_MAIL_ACCEPTED))):
        explanation = decide(known, domain, NOW).explanation
        assert "null MX" in explanation
        assert explanation.endswith("Its parent domain example.test accepts mail.")


def test_a_lasting_reason_is_reported_before_one_that_ends() -> None:
    """Otherwise the answer would promise an end that does not come."""
    # GIVEN a reason that ends, and an older one that does not
    known = facts(bounce(Category.NO_MAIL_ACCEPTED, 1), bounce(Category.MAILBOX_UNKNOWN, 2))

    # WHEN they are decided
    decision = decide(known, probed(DomainVerdict.ACCEPTS_MAIL), NOW)

    # THEN the one that does not end is reported
    assert decision.category is Category.MAILBOX_UNKNOWN
