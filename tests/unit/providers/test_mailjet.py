"""Mailjet's events, read into ours."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import AddressError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, Payload, mailjet
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
UNKNOWN = "550 5.1.1 <lead@example.net>: Recipient address rejected: User unknown"
BLOCKED = "550 5.7.1 Blocked, your IP is listed at Spamhaus"

type Json = dict[str, Any]


def event_of(word: str = "bounce", **changes: object) -> Json:
    return {
        "event": word,
        "time": 1768471205,
        "MessageID": 1152921504606846901,
        "Message_GUID": "7d0f6a52-3f0e-4c1b-9a57-5d2c7b8e1001",
        "email": "Lead@Example.NET",
        "mj_campaign_id": 7257,
        "mj_contact_id": 4,
        "customcampaign": "",
        "CustomID": "helloworld",
        "Payload": '{"lead_source": "Webinar 2026"}',
        "blocked": False,
        "hard_bounce": True,
        "error_related_to": "recipient",
        "error": "user unknown",
        "comment": UNKNOWN,
        **changes,
    }


def read(content: object) -> Parsed:
    payload = Payload(provider="mailjet", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def only(body: Json) -> MailEvent:
    parsed = read(body)
    assert not parsed.refused
    [event] = parsed.events
    return event


def test_a_bounce_is_read_in_our_words() -> None:
    """The reply, Mailjet's opinion and what the sender attached, each in its place."""
    # GIVEN a bounce
    attached = '{"lead_source": "Webinar 2026", "lead_date": "2026-01-02"}'

    # WHEN it is read
    event = only(event_of(Payload=attached))

    # THEN it has them
    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "bounce")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert event.message_id == "1152921504606846901"
    assert event.diagnostic == UNKNOWN
    assert event.permanence is Permanence.PERMANENT
    assert event.provider_reason is ProviderReason.NO_MAILBOX


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("sent", Kind.DELIVERY),
        ("spam", Kind.COMPLAINT),
        ("unsub", Kind.UNSUBSCRIBE),
        ("open", Kind.OPEN),
        ("click", Kind.CLICK),
        ("moon_phase", Kind.OTHER),
    ],
)
def test_every_kind_has_its_own(word: str, kind: Kind) -> None:
    assert only(event_of(word)).kind is kind


@pytest.mark.parametrize(
    "error",
    [
        *("preblocked", "blacklisted", "spam reporter"),
        *("user unknown", "mailbox inactive", "quota exceeded"),
    ],
)
def test_a_message_that_mailjet_held_back_is_an_echo(error: str) -> None:
    """Mailjet remembers an earlier bounce or wish; no server was asked again."""
    event = only(event_of("blocked", error=error, hard_bounce=None))

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


@pytest.mark.parametrize("error", ["invalid domain", "no mail host", "typofix"])
def test_a_domain_that_mailjet_holds_invalid_is_a_question_for_dns(error: str) -> None:
    event = only(event_of("blocked", error=error, hard_bounce=None, comment=None))

    assert event.kind is Kind.BOUNCE
    assert classify_event(event).scope == "domain"


@pytest.mark.parametrize(
    "error",
    ["duplicate in campaign", "sender blocked", "content blocked", "system issue", "new", "", None],
)
def test_any_other_block_is_not_about_the_recipient(error: str | None) -> None:
    assert only(event_of("blocked", error=error)).kind is Kind.REJECT


@pytest.mark.parametrize("word", ["bounce", "blocked"])
@pytest.mark.parametrize("error", ["bad or empty template", "error in template language"])
def test_a_template_that_fails_is_not_about_the_recipient(word: str, error: str) -> None:
    assert only(event_of(word, error=error)).kind is Kind.RENDERING_FAILURE


@pytest.mark.parametrize(
    ("hard", "error", "category"),
    [
        (True, "user unknown", Category.MAILBOX_UNKNOWN),
        (False, "user unknown", Category.UNKNOWN),
        (None, "user unknown", Category.UNKNOWN),
        (True, "mailbox inactive", Category.MAILBOX_DISABLED),
        (False, "quota exceeded", Category.MAILBOX_FULL),
        (True, "invalid domain", Category.DOMAIN_UNKNOWN),
        (False, "no mail host", Category.EXPIRED),
        (True, "no mail host", Category.EXPIRED),
        (True, "relay/access denied", Category.POLICY),
        (True, "sender blocked", Category.POLICY),
        (True, "Content Blocked", Category.SPAM_CONTENT),
        (True, "policy issue", Category.POLICY),
        (False, "connection issue", Category.NETWORK_ERROR),
        (True, "preblocked", Category.PROVIDER_SUPPRESSED),
        (True, "a new error", Category.UNKNOWN),
        (True, None, Category.UNKNOWN),
        (False, None, Category.UNKNOWN),
        ("true", None, Category.UNKNOWN),
        ("true", "user unknown", Category.MAILBOX_UNKNOWN),
        ("False", "user unknown", Category.UNKNOWN),
    ],
)
def test_without_a_reply_mailjets_own_opinion_decides(
    hard: object, error: str | None, category: Category
) -> None:
    event = only(event_of(hard_bounce=hard, error=error, comment=""))

    assert classify_event(event).category is category


@pytest.mark.parametrize(
    ("error", "comment", "category"),
    [
        ("user unknown", BLOCKED, Category.REPUTATION_BLOCK),
        ("sender blocked", UNKNOWN, Category.MAILBOX_UNKNOWN),
        (
            "user unknown",
            "Host or domain name not found. Name service error for name=gone.example type=A",
            Category.DOMAIN_UNKNOWN,
        ),
    ],
)
def test_the_reply_comes_before_mailjets_opinion(
    error: str, comment: str, category: Category
) -> None:
    """A block that Mailjet calls a hard bounce suppresses nobody."""
    assert classify_event(only(event_of(error=error, comment=comment))).category is category


def test_greylisting_is_a_delay_as_long_as_mailjet_tries_again() -> None:
    tried = only(event_of(error="greylisted", hard_bounce=False))
    given_up = only(event_of(error="greylisted", hard_bounce=True))

    assert (tried.kind, given_up.kind) == (Kind.DELIVERY_DELAY, Kind.BOUNCE)


@pytest.mark.parametrize(
    ("smtp_reply", "said"),
    [("sent (250 2.0.0 OK)", "250 2.0.0 OK"), ("250 2.0.0 OK", "250 2.0.0 OK"), (None, "")],
)
def test_a_delivery_has_the_servers_answer(smtp_reply: str | None, said: str) -> None:
    assert only(event_of("sent", smtp_reply=smtp_reply, comment=None)).diagnostic == said


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ({"Payload": {"lead_source": "fair"}}, "fair"),
        ({"Payload": "lead_source=fair"}, "fair"),
        ({"Payload": "", "CustomID": "lead_source:fair"}, "fair"),
        ({"Payload": "", "customcampaign": "lead_source:fair"}, "fair"),
        ({"Payload": '{"lead_source": "fair"}', "CustomID": "lead_source:other"}, "fair"),
        ({"Payload": "fair"}, "unattributed"),
        ({"Payload": "{" * 100_000}, "unattributed"),
    ],
)
def test_the_lead_source_is_found_wherever_it_is(changes: Json, source: str) -> None:
    """In the payload of the message, its own id, or its campaign."""
    assert only(event_of(**changes)).lead_source == source


def test_an_event_is_known_by_message_kind_time_and_recipient() -> None:
    first = only(event_of())

    again = [event_of(comment=None, blocked=True), event_of(mj_contact_id=5, hard_bounce=False)]
    others = [
        event_of("sent"),
        event_of(time=1768471204),
        event_of(email="other@example.net"),
        event_of(MessageID=1152921504606846902),
    ]

    assert {only(one).event_id for one in again} == {first.event_id}
    assert len({first.event_id, *(only(one).event_id for one in others)}) == 5


@pytest.mark.parametrize("moment", [None, "soon", 10**13])
def test_an_event_without_a_usable_time_is_still_known_again(moment: object) -> None:
    """The time of receipt stands in for it, and differs between two deliveries."""
    body = event_of(time=moment)
    later = Payload(provider="mailjet", content=body, received_at=RECEIVED.replace(minute=5))

    assert providers.read(later, Settings()).events[0].event_id == only(body).event_id


@pytest.mark.parametrize("word", ["sent", "bounce", "spam"])
def test_the_consoles_test_is_a_notice(word: str) -> None:
    """It has the number 0 and is about nobody. A bounce about nobody is refused."""
    test = event_of(word, email="", MessageID=0, Message_GUID="")

    assert (read(test).events, read(test).notices) == ((), ("test",))
    assert [error.field for error in read(event_of(word, email="")).refused] == ["email"]


def test_a_message_without_a_number_has_its_guid() -> None:
    assert only(event_of(MessageID=0)).message_id == "7d0f6a52-3f0e-4c1b-9a57-5d2c7b8e1001"
    assert only(event_of(MessageID="12")).message_id == "12"
    assert only(event_of(MessageID=None, mj_message_id="13")).message_id == "13"


def test_grouped_events_are_a_list() -> None:
    parsed = read([event_of("sent"), event_of()])

    assert [event.kind for event in parsed.events] == [Kind.DELIVERY, Kind.BOUNCE]


def test_a_new_word_is_carried_and_counted() -> None:
    """Without a recipient it is a notice."""
    assert read(event_of("moon_phase")).unknown_kinds == ("moon_phase",)
    assert read({"event": "moon_phase"}).notices == ("moon_phase",)


def test_a_bad_event_does_not_cost_the_others() -> None:
    parsed = read([event_of(email="not an address"), event_of(email=None), {}, event_of()])

    assert [event.address for event in parsed.events] == ["lead@example.net"]
    assert [type(error) for error in parsed.refused] == [AddressError, PayloadError, PayloadError]
    assert [error.field for error in parsed.refused] == ["email", "email", "event"]


@pytest.mark.parametrize(
    "key",
    [
        *("time", "MessageID", "Message_GUID", "customcampaign", "CustomID", "Payload"),
        *("blocked", "hard_bounce", "error_related_to", "error", "comment", "smtp_reply"),
    ],
)
@pytest.mark.parametrize("value", [None, True, 5, -1.5, [], ["\ud800"], {"a": []}, "\ud800" * 9])
@pytest.mark.parametrize("word", ["bounce", "blocked"])
def test_an_odd_field_does_not_cost_the_event(word: str, key: str, value: object) -> None:
    """Each field but the recipient and the kind can be missing or something else."""
    event = only(event_of(word, **{key: value}))

    assert event.address == "lead@example.net"
    assert event.occurred_at <= RECEIVED


def test_a_time_from_before_mailjet_is_that_of_receipt() -> None:
    assert only(event_of(time=mailjet.LAUNCH.timestamp() - 1)).occurred_at == RECEIVED
