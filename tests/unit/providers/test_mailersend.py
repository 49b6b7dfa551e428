"""MailerSend's events, read into ours."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import AddressError, InputError, PayloadError
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.providers import Parsed, Payload
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)

type Json = dict[str, Any]


def activity(word: str = "hard_bounced", meta: object = (), **changes: object) -> Json:
    """An event of version 2."""
    data = {
        "id": "event-1",
        "message_id": "message-1",
        "email_id": "email-1",
        "type": word,
        "recipient": "Lead@Example.NET",
        "tags": ["newsletter", "lead_source:Webinar 2026", "lead_date:2026-01-02"],
        "meta": list(meta) if isinstance(meta, tuple) else meta,
    }
    return {
        "type": f"activity.{word}",
        "created_at": "2026-01-15T10:00:05.000000Z",
        "data": {**data, **changes},
    }


def activity_1(word: str = "hard_bounced", reason: object = None, **changes: object) -> Json:
    """The same in version 1."""
    email = {
        "id": "email-1",
        "tags": ["lead_source:Webinar 2026"],
        "message": {"id": "message-1", "created_at": "2026-01-15T10:00:00.061000Z"},
        "recipient": {"email": "Lead@Example.NET"},
    }
    data = {
        "id": "event-1",
        "type": word,
        "created_at": "2026-01-15T10:00:04.000000Z",
        "email": {**email, **changes},
        "morph": {"object": "recipient_bounce", "reason": reason},
    }
    return {
        "type": f"activity.{word}",
        "created_at": "2026-01-15T10:00:05.000000Z",
        "data": data,
    }


def read(content: object) -> Parsed:
    payload = Payload(provider="mailersend", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def only(content: Json) -> MailEvent:
    parsed = read(content)
    assert not parsed.refused
    [event] = parsed.events
    return event


def refusal(content: object) -> InputError:
    [error] = read(content).refused
    return error


def test_an_event_is_read_in_our_words() -> None:
    """The fields of version 2, and the lead among the tags."""
    event = only(activity(meta={"bounce_reason": "5.1.1 User unknown", "bounce_code": 550}))

    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "activity.hard_bounced")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert (event.message_id, event.diagnostic) == ("message-1", "550 5.1.1 User unknown")


def test_an_event_of_version_1_is_read_alike() -> None:
    """It has its own time, and that of the message."""
    event = only(activity_1(reason="550 5.1.1 User unknown"))

    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "activity.hard_bounced")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 4, tzinfo=UTC)
    assert event.mailed_at == datetime(2026, 1, 15, 10, 0, 0, 61000, tzinfo=UTC)
    assert (event.message_id, event.diagnostic) == ("message-1", "550 5.1.1 User unknown")


def test_the_recipient_may_be_named_email() -> None:
    """Examples of version 2 have either name."""
    assert only(activity(recipient=None, email="other@example.net")).address == "other@example.net"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("sent", Kind.SEND),
        ("delivered", Kind.DELIVERY),
        ("deferred", Kind.DELIVERY_DELAY),
        ("soft_bounced", Kind.BOUNCE),
        ("hard_bounced", Kind.BOUNCE),
        ("spam_complaint", Kind.COMPLAINT),
        ("spam_complaints", Kind.COMPLAINT),
        ("unsubscribed", Kind.UNSUBSCRIBE),
        ("opened", Kind.OPEN),
        ("opened_unique", Kind.OPEN),
        ("clicked", Kind.CLICK),
        ("clicked_unique", Kind.CLICK),
    ],
)
def test_every_kind_has_its_own_in_both_versions(word: str, kind: Kind) -> None:
    assert [only(activity(word)).kind, only(activity_1(word)).kind] == [kind, kind]


@pytest.mark.parametrize("reason", ["hard_bounce", "on_hold", "unsubscribed", "new_reason"])
def test_a_message_that_mailersend_suppressed_is_an_echo(reason: str) -> None:
    """No server said anything, so nothing new is known."""
    event = only(activity("suppressed", {"suppression_reason": reason, "bounce_reason": reason}))

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert event.provider_reason is ProviderReason.SUPPRESSION_LIST
    assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


@pytest.mark.parametrize(
    ("word", "reason", "category"),
    [
        (
            "hard_bounced",
            "550 5.7.1 Client host blocked using bl.example",
            Category.REPUTATION_BLOCK,
        ),
        ("hard_bounced", "Host or domain name not found", Category.DOMAIN_UNKNOWN),
        ("soft_bounced", "452 4.2.2 Mailbox full", Category.MAILBOX_FULL),
        ("soft_bounced", "550 5.1.1 User unknown", Category.MAILBOX_UNKNOWN),
        ("hard_bounced", "Unknown reason", Category.MAILBOX_UNKNOWN),
        ("soft_bounced", "Unknown reason", Category.UNKNOWN),
        ("hard_bounced", None, Category.MAILBOX_UNKNOWN),
        ("soft_bounced", None, Category.UNKNOWN),
    ],
)
def test_the_reply_decides_and_the_kind_only_without_one(
    word: str, reason: str | None, category: Category
) -> None:
    found = [
        classify_event(only(activity(word, {"bounce_reason": reason}))).category,
        classify_event(only(activity_1(word, reason))).category,
    ]

    assert found == [category, category]


def test_a_reason_to_unsubscribe_is_no_reply() -> None:
    """It is what a person chose from a list."""
    assert only(activity_1("unsubscribed", "option_3")).diagnostic == ""
    assert only(activity("unsubscribed", {"bounce_reason": "x"})).diagnostic == ""


@pytest.mark.parametrize(
    "word", ["webhook.test", "inbound.message", "recipient.on_hold_added", "sms.sent", "new.word"]
)
def test_what_is_about_no_message_needs_nothing(word: str) -> None:
    """The test of a new webhook has no data at all."""
    assert read({"type": word, "message": "This is a test"}).notices == (word,)


def test_a_new_kind_suppresses_nobody_and_is_named() -> None:
    parsed = read(activity("teleported"))

    assert [event.kind for event in parsed.events] == [Kind.OTHER]
    assert parsed.unknown_kinds == ("activity.teleported",)


def test_an_event_is_the_same_in_every_delivery() -> None:
    """Its id is MailerSend's; without one, kind, message and time are."""
    again = {**activity(), "created_at": "2026-01-15T10:00:05.500000Z", "webhook_id": "other"}
    bare, later = activity(id=None), activity(id=None)
    later["created_at"] = "2026-01-15T10:00:06Z"

    assert only(activity()).event_id == only(again).event_id == only(activity_1()).event_id
    assert only(activity(id="event-2")).event_id != only(activity()).event_id
    assert only(bare).event_id == only(activity(id=None)).event_id != only(later).event_id


@pytest.mark.parametrize(
    "time", [None, "soon", 5, "2019-12-31T00:00:00Z", "2999-01-01T00:00:00Z", [], {}]
)
def test_a_time_that_cannot_be_is_that_of_the_request(time: object) -> None:
    """A wrong clock costs no bounce."""
    assert only({**activity(), "created_at": time}).occurred_at == RECEIVED


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"type": "activity.sent", "data": "text"}, "data"),
        ({"type": "activity.sent"}, "data.recipient"),
        (activity(recipient=5), "data.recipient"),
        (activity(recipient="not an address"), "data.recipient"),
        (activity(recipient=None, email="not an address"), "data.email"),
        (activity_1(recipient=5), "data.email.recipient"),
        (activity_1(recipient={}), "data.email.recipient.email"),
        ({"type": 5}, "type"),
        ({}, "type"),
    ],
)
def test_an_event_without_what_it_needs_is_refused_by_its_field(
    content: object, field: str
) -> None:
    error = refusal(content)

    assert isinstance(error, PayloadError | AddressError)
    assert error.field == field
    assert "not an address" not in str(error)


@pytest.mark.parametrize("odd", [None, 5, "text", [], {}, [[]], True])
def test_odd_parts_cost_no_bounce(odd: object) -> None:
    """What an event may lack may also be of the wrong type."""
    event = only(activity(meta=odd, tags=odd, id=odd, message_id=odd))

    assert (event.kind, event.address) == (Kind.BOUNCE, "lead@example.net")
    assert event.lead_source == Settings().lead_source_default
