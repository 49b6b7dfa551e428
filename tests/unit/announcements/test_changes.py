"""Which changes of facts are announced, and what the events say."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bounceledger.announcements.announcement import Announcement, EventType
from bounceledger.announcements.changes import announce_address, announce_domain
from bounceledger.announcements.recipients import Recipients
from bounceledger.ledger.stream import AddressChange, DomainChange, facts_change
from bounceledger.policy import Policy
from bounceledger.settings import EventAddresses
from bounceledger.state import (
    AddressFacts,
    AllowlistEntry,
    DomainFacts,
    DomainVerdict,
    ManualEntry,
    Message,
    Probe,
    Span,
)
from bounceledger.verdict import Category, Cause
from tests.stream_records import NOW, bounced, domain_record, record

DAY = timedelta(days=1)
BEFORE = NOW - timedelta(hours=1)
PLAIN = Recipients(EventAddresses.PLAIN, lambda: "")
NOBODY = AddressFacts(address="ann@a.test")
DEAD = bounced(Category.MAILBOX_UNKNOWN, at=BEFORE)
CLAIM = bounced(Category.DOMAIN_UNKNOWN, at=BEFORE)


def probed(verdict: DomainVerdict, *, at: datetime = NOW, **facts: Any) -> DomainFacts:
    return DomainFacts(domain="a.test", probe=Probe(verdict=verdict, probed_at=at), **facts)


NULL_MX = probed(DomainVerdict.NULL_MX, at=BEFORE)
ALIVE = probed(DomainVerdict.ACCEPTS_MAIL)


def of_address(
    new: AddressFacts,
    old: AddressFacts | None = None,
    *,
    domain: DomainFacts | None = None,
    at: datetime = NOW,
    policy: Policy = Policy(),
) -> Announcement | None:
    change = facts_change(record(new, old, at=at))
    assert isinstance(change, AddressChange)
    return announce_address(change, domain, policy, PLAIN)


def of_domain(new: DomainFacts, old: DomainFacts | None = None) -> Announcement | None:
    change = facts_change(domain_record(new, old))
    assert isinstance(change, DomainChange)
    return announce_domain(change, Policy())


def soft_days(days: int) -> AddressFacts:
    """An address with a full mailbox on some days, the last of them an hour ago."""
    facts = NOBODY
    for n in reversed(range(days)):
        facts = bounced(Category.MAILBOX_FULL, at=BEFORE - n * DAY, facts=facts)
    return facts


# ------------------------------------------------------------------------ addresses


def test_a_first_hard_bounce_is_announced() -> None:
    # GIVEN an address that bounces for the first time
    event = of_address(replace(DEAD, version=1))

    # THEN the event says what a sender has to know, and none of the server's words
    assert event is not None
    assert event.type is EventType.ADDRESS_SUPPRESSED
    assert event.occurred_at == NOW
    assert event.fields == {
        "address": "ann@a.test",
        "domain": "a.test",
        "revision": 1,
        "reason": "hard_bounce",
        "category": "mailbox_unknown",
        "scope": "address",
        "unconfirmed": False,
        "permanent": True,
        "suppressed_until": None,
        "was_suppressed": False,
        "lead_sources": ["webinar"],
    }


def test_another_bounce_of_a_dead_address_is_no_change() -> None:
    again = bounced(Category.MAILBOX_UNKNOWN, facts=DEAD)
    assert of_address(again, DEAD) is None
    assert of_address(bounced(Category.MAILBOX_FULL, facts=DEAD), DEAD) is None


@pytest.mark.parametrize("category", [Category.MAILBOX_FULL, Category.GREYLISTED])
def test_a_soft_bounce_alone_is_not_announced(category: Category) -> None:
    assert of_address(bounced(category)) is None


def test_soft_bounces_are_announced_once_they_add_up_with_their_end() -> None:
    # GIVEN the third day with a full mailbox
    event = of_address(soft_days(3), soft_days(2))

    # THEN the address is suppressed for the first term
    assert event is not None
    assert event.fields["reason"] == "soft_bounces"
    assert event.fields["permanent"] is False
    until = BEFORE + 30 * DAY
    assert event.fields["suppressed_until"] == until.isoformat().replace("+00:00", "Z")


def test_a_term_that_has_run_out_makes_the_next_suppression_a_new_one() -> None:
    """Nothing was written when it ran out, so nothing could be announced."""
    # GIVEN an address that the provider's own list suppressed for 14 days
    old = bounced(Category.PROVIDER_SUPPRESSED, at=NOW - 15 * DAY)

    # WHEN anything is written afterwards, or it happens again
    other = of_address(bounced(Category.MAILBOX_FULL, facts=old), old)
    again = of_address(bounced(Category.PROVIDER_SUPPRESSED, facts=old), old)

    # THEN only the second is announced, as an address that was not suppressed
    assert other is None
    assert again is not None
    assert again.fields["was_suppressed"] is False


def test_an_unsubscribe_is_announced_where_it_suppresses() -> None:
    # GIVEN the facts of somebody who unsubscribed
    said = replace(DEAD.evidence[Cause.MAILBOX_UNKNOWN], disposition="none")
    facts = replace(NOBODY, evidence={Cause.UNSUBSCRIBE: said})

    # THEN nothing is announced by default
    assert of_address(facts) is None

    # AND a suppression where the policy says so
    event = of_address(facts, policy=Policy(suppress_unsubscribes=True))
    assert event is not None
    assert (event.fields["reason"], event.fields["category"]) == ("unsubscribe", "unsubscribe")
    assert event.fields["permanent"] is True


def test_a_longer_term_is_announced() -> None:
    """Otherwise a receiver would take the first end for the last."""
    # GIVEN an address on the provider's own list, which refuses it again
    old = bounced(Category.PROVIDER_SUPPRESSED, at=NOW - DAY)
    event = of_address(bounced(Category.PROVIDER_SUPPRESSED, facts=old), old)

    # THEN the later end is announced, of an address that was suppressed
    assert event is not None
    assert event.type is EventType.ADDRESS_SUPPRESSED
    assert event.fields["was_suppressed"] is True
    assert str(event.fields["suppressed_until"]).startswith("2026-12-07")


def test_the_end_is_that_of_the_last_reason_not_of_the_first() -> None:
    """When the first ends nothing is written, so nobody would be told that another goes on."""
    # GIVEN a dead address that a person suppresses until tomorrow
    new = replace(DEAD, manual=ManualEntry(at=NOW, until=NOW + DAY))

    # THEN its first reason is the person's, and its suppression has no end
    event = of_address(new, DEAD)
    assert event is not None
    assert event.fields["reason"] == "manual"
    assert event.fields["suppressed_until"] is None


def test_a_reason_that_comes_before_the_known_one_is_announced() -> None:
    event = of_address(replace(DEAD, manual=ManualEntry(at=NOW)), DEAD)
    assert event is not None
    assert (event.fields["reason"], event.fields["was_suppressed"]) == ("manual", True)


@pytest.mark.parametrize(
    ("old", "changed", "allowed"),
    [
        (DEAD, {"removed_at": NOW}, False),
        (DEAD, {"voided_at": {Cause.MAILBOX_UNKNOWN: NOW}}, False),
        (DEAD, {"allowed": AllowlistEntry(at=NOW, listed=True)}, True),
        (
            soft_days(3),
            {"messages": {"m": Message(mailed_at=BEFORE, delivered_at=NOW)}},
            False,
        ),
    ],
    ids=["removal", "void", "allow-list", "delivery"],
)
def test_what_ends_a_suppression_is_announced(
    old: AddressFacts, changed: dict[str, Any], allowed: bool
) -> None:
    # GIVEN a suppressed address of which something ends the suppression
    event = of_address(replace(old, version=2, **changed), old)

    # THEN the event says what is over
    assert event is not None
    assert event.type is EventType.SUPPRESSION_REMOVED
    was = of_address(old)
    assert was is not None
    assert event.fields == {
        "address": "ann@a.test",
        "domain": "a.test",
        "revision": 2,
        "reason": was.fields["reason"],
        "category": was.fields["category"],
        "allowed": allowed,
        "lead_sources": ["webinar"],
    }


def test_a_removal_of_nothing_is_not_announced() -> None:
    assert of_address(replace(NOBODY, removed_at=NOW)) is None


def test_an_erasure_is_not_announced() -> None:
    """The address stays suppressed, and nothing of the person may leave any more."""
    assert of_address(AddressFacts(address="ann@a.test", erased=True), DEAD) is None
    assert of_address(AddressFacts(address="ann@a.test", erased=True)) is None
    assert facts_change(record(None, DEAD)) is None


def test_facts_that_expire_are_not_announced() -> None:
    ttl = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
    assert facts_change(record(None, DEAD, userIdentity=ttl)) is None


def test_evidence_that_only_a_newer_version_knows_is_announced() -> None:
    """It suppresses here as well, after a roll-back."""
    newer = replace(DEAD.evidence[Cause.MAILBOX_UNKNOWN], disposition="hard")
    event = of_address(replace(NOBODY, evidence={Cause("mailbox_haunted"): newer}))
    assert event is not None
    assert event.fields["category"] == "mailbox_haunted"


# --------------------------------------------------------------- addresses and domains


def test_a_claim_is_announced_at_once_without_an_answer_of_dns() -> None:
    event = of_address(CLAIM)
    assert event is not None
    assert event.fields["category"] == "domain_unknown"


def test_at_a_dead_domain_what_only_repeats_it_is_not_announced() -> None:
    """A campaign to a dead domain would otherwise make an event for each address."""
    assert of_address(CLAIM, domain=NULL_MX) is None
    assert of_address(bounced(Category.MAILBOX_FULL), domain=NULL_MX) is None


def test_at_a_dead_domain_what_holds_by_itself_is_announced() -> None:
    """It goes on when the domain is restored."""
    event = of_address(DEAD, domain=NULL_MX)
    assert event is not None
    assert (event.fields["scope"], event.fields["was_suppressed"]) == ("address", True)


def test_an_address_that_its_domain_still_suppresses_is_not_announced_as_removed() -> None:
    assert of_address(replace(DEAD, removed_at=NOW), DEAD, domain=NULL_MX) is None


def test_an_address_at_a_dead_domain_is_announced_when_the_allow_list_frees_it_or_not() -> None:
    # GIVEN an address at a dead domain that is put on the allow-list, and taken off
    listed = replace(NOBODY, allowed=AllowlistEntry(at=BEFORE, listed=True))
    off = replace(NOBODY, allowed=AllowlistEntry(at=NOW, listed=False))
    freed, caught = of_address(listed, domain=NULL_MX), of_address(off, listed, domain=NULL_MX)

    # THEN both are announced, since the domain's event does not say so
    assert freed is not None
    assert caught is not None
    assert freed.type is EventType.SUPPRESSION_REMOVED
    assert (freed.fields["reason"], freed.fields["allowed"]) == ("dead_domain", True)
    assert caught.type is EventType.ADDRESS_SUPPRESSED
    assert (caught.fields["scope"], caught.fields["was_suppressed"]) == ("domain", False)


def test_a_claim_that_dns_does_not_confirm_says_so() -> None:
    said = bounced(Category.NO_MAIL_ACCEPTED, at=BEFORE)
    event = of_address(said, domain=ALIVE)
    assert event is not None
    assert event.fields["unconfirmed"] is True
    assert event.fields["suppressed_until"] is not None


def test_a_claim_that_dns_refutes_is_not_announced() -> None:
    assert of_address(CLAIM, domain=ALIVE) is None


# -------------------------------------------------------------------------- domains


def test_a_domain_that_says_it_accepts_no_mail_is_announced() -> None:
    event = of_domain(replace(NULL_MX, version=3))
    assert event is not None
    assert event.type is EventType.DOMAIN_SUPPRESSED
    assert event.fields == {
        "domain": "a.test",
        "revision": 3,
        "reason": "dead_domain",
        "category": None,
        "scope": "domain",
        "unconfirmed": False,
        "permanent": True,
        "suppressed_until": None,
        "was_suppressed": False,
        "dns_verdict": "null_mx",
    }


def test_a_domain_is_announced_when_a_second_look_finds_it_missing() -> None:
    # GIVEN a domain that was found missing a day ago, and is again
    first = probed(
        DomainVerdict.MISSING,
        at=BEFORE - DAY,
        findings={((BEFORE - DAY).date(), DomainVerdict.MISSING): Span.at(BEFORE - DAY)},
    )
    second = probed(
        DomainVerdict.MISSING,
        findings={**first.findings, (NOW.date(), DomainVerdict.MISSING): Span.at(NOW)},
    )

    # THEN only the second look is announced
    assert of_domain(first) is None
    event = of_domain(second, first)
    assert event is not None
    assert event.type is EventType.DOMAIN_SUPPRESSED


def test_a_recheck_that_finds_the_same_is_no_change() -> None:
    again = probed(DomainVerdict.NULL_MX)
    assert of_domain(again, NULL_MX) is None
    assert of_domain(replace(ALIVE, version=2), ALIVE) is None


def test_a_domain_that_accepts_mail_again_is_restored() -> None:
    event = of_domain(ALIVE, NULL_MX)
    assert event is not None
    assert event.type is EventType.DOMAIN_RESTORED
    assert event.fields == {
        "domain": "a.test",
        "revision": 0,
        "reason": "dead_domain",
        "category": None,
        "allowed": False,
        "was_suppressed": True,
        "dns_verdict": "accepts_mail",
    }


def test_a_persons_entry_about_a_domain_is_announced_with_its_end() -> None:
    until = NOW + DAY
    event = of_domain(DomainFacts(domain="a.test", manual=ManualEntry(at=NOW, until=until)))
    assert event is not None
    assert (event.fields["reason"], event.fields["dns_verdict"]) == ("manual", None)
    assert event.fields["suppressed_until"] == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    "changed",
    [{"removed_at": NOW}, {"allowed": AllowlistEntry(at=NOW, listed=True)}],
    ids=["removal", "allow-list"],
)
def test_what_a_person_ends_for_a_domain_is_announced(changed: dict[str, Any]) -> None:
    """Also where nothing suppressed the whole domain: addresses there may be free."""
    for old in (NULL_MX, None):
        new = replace(old or DomainFacts(domain="a.test"), **changed)
        event = of_domain(new, old)
        assert event is not None
        assert event.type is EventType.DOMAIN_RESTORED
        assert event.fields["was_suppressed"] is (old is not None)


@pytest.mark.parametrize("claim", [Cause.DOMAIN_UNKNOWN, Cause.NO_MAIL_ACCEPTED])
@pytest.mark.parametrize("old", [None, probed(DomainVerdict.MISSING, at=BEFORE)])
def test_a_claim_that_dns_contradicts_is_announced_for_the_domain(
    claim: Cause, old: DomainFacts | None
) -> None:
    """The addresses that were announced for it cannot be found, and are free or have an end."""
    said = {claim: Span.at(BEFORE)}
    event = of_domain(replace(ALIVE, claims=said), old)
    assert event is not None
    assert event.type is EventType.DOMAIN_RESTORED
    assert (event.fields["was_suppressed"], event.fields["reason"]) == (False, None)


def test_a_recheck_without_a_stored_claim_is_announced_as_if_any_had_been_made() -> None:
    event = of_domain(ALIVE)
    assert event is not None
    assert event.type is EventType.DOMAIN_RESTORED


@pytest.mark.parametrize("verdict", [DomainVerdict.MISSING, DomainVerdict.UNKNOWN])
def test_a_look_that_frees_nobody_is_not_announced(verdict: DomainVerdict) -> None:
    said = {Cause.DOMAIN_UNKNOWN: Span.at(BEFORE)}
    assert of_domain(probed(verdict, claims=said)) is None


def test_trouble_that_has_passed_frees_nobody() -> None:
    """A soft claim alone suppressed no address."""
    said = {Cause.DOMAIN_UNREACHABLE: Span.at(BEFORE)}
    assert of_domain(replace(ALIVE, claims=said)) is None


# ------------------------------------------------------------------------------ again


def test_the_same_record_makes_the_same_event() -> None:
    """By its ID a receiver knows an event that is delivered twice."""
    first, again = of_address(DEAD), of_address(DEAD)
    assert first is not None
    assert again is not None
    assert first == again
    assert first.detail("s")["id"] == again.detail("s")["id"]


def test_the_id_tells_records_and_types_apart_and_names_nobody() -> None:
    events = [of_address(DEAD), of_domain(NULL_MX), of_domain(ALIVE, NULL_MX)]
    ids = {event.id for event in events if event}
    assert len(ids) == 3
    assert all(len(one) == 32 and set(one) <= set("0123456789abcdef") for one in ids)
