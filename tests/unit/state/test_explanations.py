"""The words in which a decision is explained."""

from bounceledger.state import DomainVerdict, Span
from bounceledger.verdict import Category, Cause
from tests.unit.state.histories import NOW, bounce, days, decide, facts, probed


def test_what_dns_says_is_said_of_the_domain() -> None:
    """The reply and the DNS verdict may disagree on why, so each has its own sentence."""
    # GIVEN a reply that the domain does not exist, and a domain that publishes a null MX
    known = facts(bounce(Category.DOMAIN_UNKNOWN))

    # WHEN it is decided
    decision = decide(known, probed(DomainVerdict.NULL_MX), NOW)

    # THEN both are reported, and neither is called the other's confirmation
    assert decision.explanation == (
        "A mail server said on 2026-11-19 that the domain does not exist. "
        "In DNS, the domain publishes a null MX record (2026-11-20)."
    )


def test_an_unconfirmed_claim_names_the_domain_that_has_mail_hosts() -> None:
    """The host accepts no mail and the domain has working mail hosts: two different things."""
    # GIVEN a reply that the host accepts no mail, and a domain with working mail hosts
    known = facts(bounce(Category.NO_MAIL_ACCEPTED))

    # WHEN it is decided
    decision = decide(known, probed(DomainVerdict.ACCEPTS_MAIL), NOW)

    # THEN the explanation says which of the two has them
    assert decision.explanation == (
        "A mail server said on 2026-11-19 that the host accepts no mail, but in DNS the domain "
        "has working mail hosts (2026-11-20): unconfirmed until 2026-12-19."
    )


def test_a_refuted_claim_says_what_becomes_of_the_event() -> None:
    """Whoever saw the suppression end finds out why, and that the event still counts."""
    # GIVEN a reply that the domain does not exist, and a domain with working mail hosts
    known = facts(bounce(Category.DOMAIN_UNKNOWN))

    # WHEN it is decided
    decision = decide(known, probed(DomainVerdict.ACCEPTS_MAIL), NOW)

    # THEN the claim is called refuted
    assert decision.explanation == (
        "A mail server said on 2026-11-19 that the domain does not exist, but in DNS the domain "
        "has working mail hosts (2026-11-20): the claim is refuted, and the event counts as a "
        "soft bounce."
    )


def test_a_dead_domain_without_a_reply_about_the_address() -> None:
    """Someone who was never mailed has a DNS verdict, and perhaps a claim, to read about."""
    # GIVEN a domain without an MX record, about which a claim was made on two days
    claims = {Cause.NO_MAIL_ACCEPTED: Span(first=NOW - days(1), last=NOW)}

    # WHEN an address there is decided that nothing is recorded about
    decision = decide(None, probed(DomainVerdict.IMPLICIT_MX, claims=claims), NOW)

    # THEN both are named
    assert decision.explanation == (
        "Nobody at this domain can get mail: the domain has no MX record, only an address "
        "(2026-11-20), and a mail server said that the host accepts no mail."
    )


def test_soft_bounces_name_the_day_of_the_suppression_not_the_latest_bounce() -> None:
    """Bounces within the term are not counted, so the latest of them explains nothing."""
    # GIVEN soft bounces that suppress on the third day, and one more within the term
    known = facts(*(bounce(Category.MAILBOX_FULL, ago) for ago in (10, 9, 8, 2)))

    # WHEN it is decided
    decision = decide(known, None, NOW)

    # THEN the day on which the suppression began is named
    assert decision.explanation == (
        "Soft bounces added up to a suppression on 2026-11-12, with no delivery since; "
        "suppressed until 2026-12-12."
    )


def test_an_echo_is_suppressed_here_for_a_term() -> None:
    """The end is that of the suppression here, not that of the provider's list."""
    # GIVEN a refusal from the provider's own suppression list
    known = facts(bounce(Category.PROVIDER_SUPPRESSED))

    # WHEN it is decided
    decision = decide(known, None, NOW)

    # THEN the explanation says whose list it was, and who suppresses until when
    assert decision.explanation == (
        "On 2026-11-19 the provider refused to send because of its own suppression list; "
        "suppressed here until 2026-12-03."
    )


def test_evidence_that_does_not_suffice() -> None:
    """One soft bounce is evidence, and not enough of it."""
    decision = decide(facts(bounce(Category.MAILBOX_FULL)), None, NOW)
    assert decision.explanation == (
        "The evidence about this address is not (or no longer) enough to suppress it."
    )
