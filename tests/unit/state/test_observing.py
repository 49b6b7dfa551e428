"""What an event is evidence of, beyond what its reply says."""

from datetime import UTC, datetime, timedelta

import pytest

from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.policy import Policy
from bounceledger.state import (
    AddressFacts,
    Observation,
    decide,
    facts_of,
    merge,
    observe,
    soft_suppressions,
    utc_day,
)
from bounceledger.verdict import Category, Cause, Disposition, Scope, Verdict

POLICY = Policy()
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEAD = "ada@orchard.example"


def event(kind: Kind = Kind.BOUNCE, **changes: object) -> MailEvent:
    fields: dict[str, object] = {
        "event_id": "e",
        "provider": "ses",
        "kind": kind,
        "provider_kind": kind.value,
        "address": LEAD,
        "lead_source": "fair",
        "occurred_at": NOW,
    }
    return MailEvent(**(fields | changes))  # type: ignore[arg-type]


def observed(category: Category, **changes: object) -> Observation:
    verdict = Verdict(category=category, scope=Scope.DOMAIN, rule="some-rule", reply_code=550)
    return observe(event(**changes), verdict, policy=POLICY)  # type: ignore[arg-type]


# -------------------------------------------------------------------- forwarded mail


@pytest.mark.parametrize("category", [c for c in Category if Cause.of(c)])
def test_what_is_said_about_a_forward_is_soft_for_the_lead(category: Category) -> None:
    """The lead's own mailbox may be read all the same."""
    # GIVEN a reply about an address to which the lead's mail is forwarded
    observation = observed(category, forwarded_to="freemail.example")

    # THEN it is a failed forward of this address, and the rule that read it stays known
    assert observation.cause is Cause.FORWARD_FAILED
    assert observation.verdict is not None
    assert observation.verdict.disposition is Disposition.SOFT
    assert (observation.verdict.scope, observation.verdict.rule) == (Scope.ADDRESS, "some-rule")

    # AND the forward is noted beside what was said
    [evidence] = facts_of(observation).evidence.values()
    assert evidence.forwarded_to == "freemail.example"


@pytest.mark.parametrize("category", [c for c in Category if not Cause.of(c)])
def test_a_block_by_where_mail_is_forwarded_to_stays_a_block(category: Category) -> None:
    """It is about the sender, or nothing at all."""
    observation = observed(category, forwarded_to="freemail.example")

    assert observation.cause is None
    assert observation.verdict is not None
    assert observation.verdict.category is category


def test_addresses_of_other_people_are_masked_where_a_reply_is_stored() -> None:
    """Nobody asked them whether they may be kept."""
    said = f"550 <{LEAD}> forwards to <ada.private@freemail.example>: user unknown"
    observation = observed(
        Category.MAILBOX_UNKNOWN, diagnostic=said, forwarded_to="freemail.example"
    )

    [evidence] = facts_of(observation).evidence.values()
    assert evidence.diagnostic == f"550 <{LEAD}> forwards to <***@freemail.example>: user unknown"


def days(*entries: tuple[int, Cause]) -> dict[tuple[object, Cause], datetime]:
    moments = [(NOW + timedelta(days=day), cause) for day, cause in entries]
    return {(utc_day(at), cause): at for at, cause in moments}


def terms(*entries: tuple[int, Cause]) -> list[int]:
    """The terms, in days, of the suppressions that soft days add up to."""
    found = soft_suppressions(days(*entries), POLICY)  # type: ignore[arg-type]
    return [(one.until - one.at).days for one in found]


FORWARD, FULL = Cause.FORWARD_FAILED, Cause.MAILBOX_FULL


def test_failed_forwards_never_last_longer_than_the_first_term() -> None:
    """One dead member of a living sales@ looks just like a dead lead whose mail is forwarded."""
    # GIVEN failed forwards on three days, again and again
    rounds = [(start + day, FORWARD) for start in (0, 60, 120, 180) for day in range(3)]

    # THEN every suppression has the first term
    assert terms(*rounds) == [30] * 4


def test_failed_forwards_do_not_lengthen_the_terms_of_other_soft_bounces() -> None:
    """Only what is said about the lead's own mailbox counts up."""
    forwards = [(day, FORWARD) for day in range(3)]
    own = [(start + day, FULL) for start in (60, 120) for day in range(3)]

    assert terms(*forwards, *own) == [30, 30, 90]


def test_a_failed_forward_may_complete_a_suppression_of_the_first_term() -> None:
    """It counts as one soft day like any other, but not beyond the first term."""
    own = [(day, FULL) for day in range(3)]
    mixed = [(60, FULL), (61, FULL), (62, FORWARD)]

    assert terms(*own, *mixed) == [30, 30]
    assert terms(*own, (60, FULL), (61, FORWARD), (61, FULL), (62, FULL)) == [30, 90]


def test_the_decision_says_that_mail_is_forwarded() -> None:
    """Otherwise nobody would understand the reply."""
    # GIVEN failed forwards on three days in a row
    facts = AddressFacts(address=LEAD)
    for day in range(3):
        changes = {"event_id": f"{day}", "occurred_at": NOW + timedelta(days=day)}
        observation = observed(Category.MAILBOX_UNKNOWN, forwarded_to="f.example", **changes)
        facts = merge(facts, observation, POLICY)

    # WHEN it is asked on the third
    decision = decide(facts, None, NOW + timedelta(days=2), POLICY)

    # THEN the address is suppressed for a term, and the domain of the forward is named
    assert decision.suppressed
    assert "at f.example, to which mail is forwarded" in decision.explanation


# ------------------------------------------------------------------ nobody in particular


@pytest.mark.parametrize("category", Category)
def test_an_event_that_matches_nobody_is_evidence_of_nothing(category: Category) -> None:
    """It has no address that could be suppressed."""
    observation = observed(category, address="", unmatched=True)

    assert (observation.cause, observation.verdict) == (None, None)
    assert facts_of(observation).is_empty


def test_a_complaint_of_nobody_in_particular_is_no_complaint() -> None:
    """Nor may it be held against an empty address."""
    observation = observe(event(Kind.COMPLAINT, address="", unmatched=True), policy=POLICY)

    assert observation.cause is None


def test_a_complaint_about_forwarded_mail_counts_in_full() -> None:
    """A person complained about the lead's mail, and would get the next message too."""
    observation = observe(event(Kind.COMPLAINT, forwarded_to="freemail.example"), policy=POLICY)

    assert observation.cause is Cause.COMPLAINT


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        (ProviderReason.ABUSE, Cause.COMPLAINT),
        (ProviderReason.FRAUD, Cause.COMPLAINT),
        (ProviderReason.GENERAL, Cause.COMPLAINT),
        (ProviderReason.UNLISTED, Cause.COMPLAINT),
        (ProviderReason.UNSTATED, Cause.COMPLAINT),
        (ProviderReason.SUPPRESSION_LIST, Cause.PROVIDER_SUPPRESSED),
        (ProviderReason.NOT_SPAM, None),
        (ProviderReason.AUTH_FAILURE, None),
        (ProviderReason.VIRUS, None),
    ],
)
def test_only_what_a_person_complained_of_suppresses(
    reason: ProviderReason, cause: Cause | None
) -> None:
    """Reports of failed authentication and of viruses are made by machines."""
    observation = observe(event(Kind.COMPLAINT, provider_reason=reason), policy=POLICY)

    assert observation.cause is cause


def test_a_report_that_a_message_went_on_is_evidence_of_nothing() -> None:
    """A stranger's word must neither suppress an address nor reset its soft bounces."""
    observation = observe(event(Kind.RELAYED), policy=POLICY)

    assert observation.cause is None
    assert facts_of(observation).is_empty
