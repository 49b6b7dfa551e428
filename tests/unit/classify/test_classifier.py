"""What a reply means: one test for each thing that is easy to get wrong."""

from datetime import UTC, datetime

import pytest

from bounceledger.classify.classifier import NO_HINTS, NO_RULE, classify, classify_event
from bounceledger.classify.meanings import MEANINGS, explain
from bounceledger.classify.reply import parse_reply
from bounceledger.classify.traits import Hints
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.verdict import DOMAIN_CLAIMS, Category, Cause, Disposition, Scope, Verdict

PERMANENT, TRANSIENT = Permanence.PERMANENT, Permanence.TRANSIENT


def read(diagnostic: str, hints: Hints = NO_HINTS) -> Verdict:
    return classify(parse_reply(diagnostic), hints)


@pytest.mark.parametrize(
    ("diagnostic", "category"),
    [
        # the sender's fault, whatever the code says
        ("521 5.7.1 Blocked by DNSBL", "reputation_block"),
        ("521 5.5.1 Protocol error", "protocol_error"),
        ("521 5.2.1 (CON:B1) Refused", "reputation_block"),
        ("521-192.0.2.1 blocked by blocklist.example.net", "reputation_block"),
        (
            (
                "521 5.7.1 <x@example.com>: Recipient address rejected: You are not allowed to"
                " send mail. See http://csi.cloudmark.com/reset-request/?ip=192.0.2.1"
            ),
            "reputation_block",
        ),
        ("550 5.2.1 Mailbox unavailable. Your IP address is blacklisted", "reputation_block"),
        ("553 5.3.0 x DNSBL:RBL 521< 192.0.2.1 >_is_blocked", "reputation_block"),
        ("550 5.1.1 Rejected as spam, user unknown", "spam_content"),
        ("550 5.7.27 Sender address has null MX", "sender_rejected"),
        ("550 <x@example.com>: Sender address rejected: User unknown", "sender_rejected"),
        ("550 5.2.2 Submission quota exceeded", "rate_limited"),
        ("550 5.4.5 Daily user sending limit exceeded", "rate_limited"),
        ("550 5.1.90 You reached your daily limit for message recipients", "rate_limited"),
        ("550 5.7.133 Sender not authenticated for group", "policy"),
        # no mail here
        ("521 Host does not accept mail", "no_mail_accepted"),
        ("521", "no_mail_accepted"),
        ("556 5.1.10 Recipient address has null MX", "no_mail_accepted"),
        ("550 5.7.510 example.com does not accept email over IPv6", "network_error"),
        ("421 Host does not accept mail", "policy"),
        # the mailbox
        ("550 5.7.1 <x@example.com>: Recipient address rejected: User unknown", "mailbox_unknown"),
        ("550 5.2.1 User unknown", "mailbox_unknown"),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", "mailbox_unknown"),
        ("552 1 Requested mail action aborted, mailbox not found", "mailbox_unknown"),
        ("503 User unknown", "protocol_error"),
        ("550 5.4.1 Recipient address rejected: Access denied.", "mailbox_unknown"),
        ("550 5.7.1 Recipient address rejected: Access denied.", "recipient_refused"),
        ("550 mailbox unavailable", "recipient_refused"),
        ("552 5.1.1 Recipient overquota", "mailbox_full"),
        ("550 User unknown or mailbox full", "mailbox_full"),
        ("554 Relay access denied", "relay_denied"),
        # the domain
        ("550 5.4.4 Invalid domain", "domain_unknown"),
        ("550 4.4.7 Message expired.<421 4.4.0 Unable to lookup DNS for example.org>", "expired"),
        ("451 4.4.3 Host not found, try again", "network_error"),
        # a temporary reply is never hard
        ("450 4.1.1 User unknown", "recipient_refused"),
        ("450 5.1.1 User unknown", "recipient_refused"),
        ("451 domain does not exist", "unknown"),
        ("450 4.2.2 Mailbox full", "mailbox_full"),
        # never by these statuses alone
        ("550 5.1.0 No", "recipient_refused"),
        ("550 5.2.1 No", "mailbox_disabled"),
        ("550 5.7.1 No", "policy"),
        ("550 No", "unknown"),
        ("Out of office until Monday", "autoreply"),
    ],
)
def test_the_words_decide_in_the_order_of_evidence(diagnostic: str, category: str) -> None:
    """One reply for each thing that is easy to get wrong."""
    assert read(diagnostic).category == category


@pytest.mark.parametrize(
    ("hints", "category"),
    [
        (Hints("", PERMANENT, ProviderReason.NO_MAILBOX), "mailbox_unknown"),
        (Hints("", PERMANENT, ProviderReason.GENERAL), "mailbox_unknown"),
        (Hints("5.7.1", PERMANENT, ProviderReason.GENERAL), "policy"),
        (Hints("4.2.2", PERMANENT, ProviderReason.GENERAL), "mailbox_full"),
        (Hints("", PERMANENT, ProviderReason.GENERAL, "delayed"), "unknown"),
        (Hints("", PERMANENT, ProviderReason.UNLISTED), "unknown"),
        (Hints("", TRANSIENT, ProviderReason.GENERAL), "unknown"),
        (Hints("", TRANSIENT, ProviderReason.MAILBOX_FULL), "mailbox_full"),
        (Hints("", TRANSIENT, ProviderReason.MESSAGE_TOO_LARGE), "message_too_large"),
        (Hints("", TRANSIENT, ProviderReason.CONTENT_REJECTED), "spam_content"),
        (Hints("", TRANSIENT, ProviderReason.ATTACHMENT_REJECTED), "policy"),
        (Hints("", TRANSIENT, ProviderReason.TIMED_OUT), "expired"),
        (Hints("", PERMANENT, ProviderReason.MAILBOX_DISABLED), "mailbox_disabled"),
        (Hints("", PERMANENT, ProviderReason.BLOCKED), "policy"),
        (Hints("5.1.1", PERMANENT, ProviderReason.BLOCKED), "mailbox_unknown"),
        (Hints("", PERMANENT, ProviderReason.NETWORK), "network_error"),
        (Hints("", PERMANENT, ProviderReason.INVALID_ADDRESS), "mailbox_unknown"),
        (Hints("", Permanence.UNSTATED, ProviderReason.INVALID_ADDRESS), "mailbox_unknown"),
        (Hints("", TRANSIENT, ProviderReason.INVALID_ADDRESS), "recipient_refused"),
        (Hints("", PERMANENT, ProviderReason.INVALID_ADDRESS, "delayed"), "unknown"),
        (Hints("", PERMANENT, ProviderReason.NO_DOMAIN), "domain_unknown"),
        (Hints("5.4.4", PERMANENT, ProviderReason.NO_DOMAIN), "domain_unknown"),
        (Hints("5.4.4", PERMANENT, ProviderReason.NETWORK), "network_error"),
        (Hints("", TRANSIENT, ProviderReason.NO_DOMAIN), "expired"),
        (Hints("4.4.4", PERMANENT, ProviderReason.NO_DOMAIN), "network_error"),
        (Hints("", Permanence.UNDETERMINED, ProviderReason.GENERAL), "unknown"),
        (Hints("5.1.1"), "mailbox_unknown"),
        (Hints("550"), "unknown"),
    ],
)
def test_what_the_provider_says_decides_where_nothing_was_said(hints: Hints, category: str) -> None:
    """Without a diagnostic, the provider's own type is all there is."""
    assert read("", hints).category == category


@pytest.mark.parametrize(
    ("permanence", "cause"),
    [
        (PERMANENT, Cause.DOMAIN_UNKNOWN),
        (Permanence.UNSTATED, Cause.DOMAIN_UNKNOWN),
        (TRANSIENT, Cause.DOMAIN_UNREACHABLE),
    ],
)
def test_a_domain_that_the_provider_did_not_find_is_looked_up(
    permanence: Permanence, cause: Cause
) -> None:
    """Either way it is a claim about the domain, so that DNS is asked."""
    verdict = read("", Hints("", permanence, ProviderReason.NO_DOMAIN))
    assert Cause.of(verdict.category, verdict.scope) is cause
    assert cause in DOMAIN_CLAIMS


@pytest.mark.parametrize("permanence", list(Permanence))
@pytest.mark.parametrize("reason", [ProviderReason.BLOCKED, ProviderReason.NETWORK])
def test_a_block_without_a_reply_never_suppresses(
    permanence: Permanence, reason: ProviderReason
) -> None:
    """However permanent the provider calls it, the sender or the path was refused."""
    verdict = read("", Hints("", permanence, reason))
    assert verdict.disposition is Disposition.BLOCK
    assert verdict.scope is Scope.NONE


def test_a_providers_own_list_is_an_echo_under_any_status() -> None:
    """A provider's suppression list is not new evidence, whatever it calls it."""
    hints = Hints("5.1.1", PERMANENT, ProviderReason.SUPPRESSION_LIST)
    verdict = read("550 5.1.1 user unknown", hints)
    assert verdict.disposition is Disposition.ECHO
    assert verdict.scope is Scope.ADDRESS


def test_what_the_provider_says_is_not_repeated_unless_it_is_known() -> None:
    """Strings of a stranger must not reach a person's terminal."""
    # GIVEN a provider that reports control characters as status and action
    verdict = read("502 No", Hints("\x1b[31m", action="\x1b[31m"))

    # THEN the verdict does not repeat them
    assert verdict.matched == "502"
    assert verdict.enhanced_status is None


def test_what_the_provider_says_never_beats_a_readable_reply() -> None:
    """SES calls dead domains transient and full mailboxes permanent."""
    permanent = read("452 4.2.2 mailbox full", Hints("5.1.1", PERMANENT))
    assert permanent.category == "mailbox_full"
    general = Hints("", TRANSIENT, ProviderReason.GENERAL)
    transient = read("550 5.4.4 Invalid domain", general)
    assert transient.category == "domain_unknown"


def test_an_automatic_answer_is_not_a_bounce() -> None:
    """An out-of-office reply came from a mailbox that exists."""
    verdict = read("Auto-reply: I am on vacation", Hints("", TRANSIENT, ProviderReason.GENERAL))
    assert verdict.disposition is Disposition.NONE


@pytest.mark.parametrize(
    "address",
    [
        "user-unknown@example.com",
        '"no such user"@example.com',
        "host.unknown@domain-not-found.example",
        "spam@dnsbl.example",
    ],
)
def test_an_address_is_not_evidence(address: str) -> None:
    """Whoever chooses the address must not choose the verdict."""
    assert read(f"550 <{address}> Sorry").category == "unknown"


def test_a_page_that_a_reply_links_to_is_not_evidence_by_its_words() -> None:
    """The path of a URL describes the help page, not the bounce."""
    verdict = read("550 5.1.1 User unknown, see https://example.com/spam-blocked/blacklist")
    assert verdict.category == "mailbox_unknown"


def test_a_blocklist_that_a_reply_names_is_evidence() -> None:
    """The name of a blocklist says that the sender is blocked."""
    assert read("550 See https://www.spamhaus.org/query/ip/192.0.2.1").category == (
        "reputation_block"
    )


@pytest.mark.parametrize(
    "diagnostic",
    [
        "550 Mail to unknown users from your host exceeds our limits",
        "550 Message contains an address that does not exist in the Cc header",
        "550 The link in your message points to a domain that does not exist",
        "550 Ce message contient un lien vers un domaine inconnu",
        "550 Ihr Konto existiert nicht",
        "550 Votre domaine est inconnu de nos services",
        "550 Su cuenta de correo no existe",
        "550 Il dominio del mittente non esiste",
        "550 Домен отправителя не существует",
        "550 您的域名不存在",
        "550 送信者のドメインが存在しません",
        "550 Nachricht an Empfänger abgelehnt, Server nicht registriert",
        "550 Письмо для получателя удалено как спам",
        "550 Anmeldung fehlgeschlagen: Benutzer unbekannt oder Passwort falsch",
    ],
)
def test_what_is_unknown_must_be_the_recipient(diagnostic: str) -> None:
    """Unknown senders, links and accounts in many languages suppress nobody."""
    assert read(diagnostic).disposition is not Disposition.HARD


def test_a_verdict_explains_itself() -> None:
    """Rule, codes and the words that matched are kept for people."""
    # WHEN a reply is classified
    verdict = read("550 5.7.1 <x@example.com>: Recipient address rejected: User Unknown")

    # THEN the verdict has its codes, its rule and the words that matched
    assert verdict == Verdict(
        category=Category.MAILBOX_UNKNOWN,
        scope=Scope.ADDRESS,
        rule="user-unknown",
        reply_code=550,
        enhanced_status="5.7.1",
    )
    assert "user unknown" in verdict.matched
    assert explain(verdict) == {
        "rule": "user-unknown",
        "matched": verdict.matched,
        "meaning": MEANINGS[Category.MAILBOX_UNKNOWN].meaning,
        "what_to_do": MEANINGS[Category.MAILBOX_UNKNOWN].what_to_do,
    }


def test_a_cached_text_is_judged_by_its_own_code_and_hints() -> None:
    """The cache must not mix up replies that differ in their codes only."""
    assert read("550 User unknown").category == "mailbox_unknown"
    assert read("450 User unknown").category == "recipient_refused"
    assert read("550 User unknown", Hints(action="delayed")).category == "recipient_refused"
    assert read("550 5.1.1 User unknown").enhanced_status == "5.1.1"
    assert read("550 User unknown").enhanced_status is None


def test_nothing_said_and_nothing_known_is_soft_and_unknown() -> None:
    """Without any evidence nobody is suppressed at once."""
    verdict = read("")
    assert (verdict.category, verdict.rule) == (Category.UNKNOWN, NO_RULE)
    assert verdict.disposition is Disposition.SOFT


def test_an_event_is_judged_by_all_that_it_reports() -> None:
    """The provider's hints reach the classifier with the diagnostic."""
    event = MailEvent(
        event_id="00",
        provider="ses",
        kind=Kind.BOUNCE,
        provider_kind="Bounce",
        address="x@example.com",
        lead_source="unattributed",
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        permanence=PERMANENT,
        provider_reason=ProviderReason.NO_MAILBOX,
    )
    assert classify_event(event).category == "mailbox_unknown"
