"""Mailtrap's events, read into ours."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import InputError, PayloadError
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.providers import Parsed, Payload
from bounceledger.settings import Settings
from bounceledger.verdict import Category
from tests.unit.providers.webhook_bodies import content_of

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)

type Json = dict[str, Any]


def entry(event: object = "bounce", **changes: object) -> Json:
    return {
        "event": event,
        "timestamp": 1768471205,
        "message_id": "message-1",
        "event_id": "event-1",
        "email": "Lead@Example.NET",
        "category": "newsletter",
        "custom_variables": {"lead_source": "Webinar 2026", "lead_date": "2026-01-02"},
        **changes,
    }


def read(*entries: object) -> Parsed:
    payload = Payload(provider="mailtrap", content={"events": list(entries)}, received_at=RECEIVED)
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
    event = only(entry(response="5.1.1 User unknown", response_code=550))

    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "bounce")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert (event.message_id, event.diagnostic) == ("message-1", "550 5.1.1 User unknown")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("delivery", Kind.DELIVERY),
        ("soft bounce", Kind.DELIVERY_DELAY),
        ("suspension", Kind.DELIVERY_DELAY),
        ("bounce", Kind.BOUNCE),
        ("reject", Kind.REJECT),
        ("spam", Kind.COMPLAINT),
        ("unsubscribe", Kind.UNSUBSCRIBE),
        ("open", Kind.OPEN),
        ("click", Kind.CLICK),
    ],
)
def test_every_kind_has_its_own(word: str, kind: Kind) -> None:
    assert only(entry(word)).kind is kind


@pytest.mark.parametrize(
    ("response", "code", "said"),
    [
        ("bounced (550 5.1.1 No such user (see help))", 550, "550 5.1.1 No such user (see help)"),
        ("550 5.1.1 No such user", 550, "550 5.1.1 No such user"),
        ("[CS01] local policy", 555, "555 [CS01] local policy"),
        ("soft bounce (450 4.2.0 Try later)", 450, "450 4.2.0 Try later"),
        ("bounced (open", 550, "550 bounced (open"),
        ("4.7.1 Try later", None, "4.7.1 Try later"),
        ("", 550, ""),
        (None, 550, ""),
    ],
)
def test_the_reply_is_what_the_server_said(
    response: str | None, code: int | None, said: str
) -> None:
    """With its code, and without the word that Mailtrap may put around it."""
    assert only(entry(response=response, response_code=code)).diagnostic == said


@pytest.mark.parametrize(
    ("response", "category", "found"),
    [
        ("5.7.1 blocked using bl.example", "hard", Category.REPUTATION_BLOCK),
        (None, "hard", Category.MAILBOX_UNKNOWN),
        (None, "invalid_recipient", Category.MAILBOX_UNKNOWN),
        (None, "spam", Category.SPAM_CONTENT),
        (None, "policy", Category.POLICY),
        (None, "new category", Category.UNKNOWN),
        (None, None, Category.UNKNOWN),
    ],
)
def test_the_reply_decides_and_the_category_only_without_one(
    response: str | None, category: str | None, found: Category
) -> None:
    event = only(entry(response=response, response_code=550, bounce_category=category))

    assert classify_event(event).category is found


def test_json_lines_are_a_list_of_events() -> None:
    """The format has no object around the events."""
    text = "\n".join(json.dumps(entry(word)) for word in ("bounce", "delivery")) + "\n"

    content = content_of("application/jsonl", text)
    payload = Payload(provider="mailtrap", content=content, received_at=RECEIVED)

    kinds = [event.kind for event in providers.read(payload, Settings()).events]
    assert kinds == [Kind.BOUNCE, Kind.DELIVERY]


def test_a_rejection_by_mailtraps_own_list_is_an_echo() -> None:
    """No server said anything, so nothing new is known."""
    reason = "Recipient in suppression list. Reason: unsubscription"
    event = only(entry("reject", reason=reason, response="550 5.1.1 old reply"))

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert event.provider_reason is ProviderReason.SUPPRESSION_LIST
    assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


@pytest.mark.parametrize("reason", ["Domain is not verified", "", None, 5])
def test_any_other_rejection_is_not_about_the_recipient(reason: object) -> None:
    assert only(entry("reject", reason=reason)).kind is Kind.REJECT


def test_the_category_may_be_written_like_a_tag() -> None:
    """For senders by SMTP who set no custom variables."""
    event = only(entry(custom_variables=None, category="lead_source:expo"))

    assert event.lead_source == "expo"


@pytest.mark.parametrize("word", ["activity_log.user.login", "inbound.message_received"])
def test_what_is_about_no_message_needs_nothing(word: str) -> None:
    assert read({"event": word, "timestamp": 1768471205}).notices == (word,)


def test_a_new_kind_suppresses_nobody_and_is_named() -> None:
    parsed = read(entry("teleported"))

    assert [event.kind for event in parsed.events] == [Kind.OTHER]
    assert parsed.unknown_kinds == ("teleported",)


def test_an_event_is_the_same_in_every_delivery() -> None:
    """Its id is Mailtrap's; without one, kind, message and time are."""
    alone = only(entry())
    behind = read(entry(event_id="event-0"), entry()).events
    bare = only(entry(event_id=None))

    assert behind[1].event_id == alone.event_id != behind[0].event_id
    assert only(entry("click")).event_id != alone.event_id
    assert bare.event_id == only(entry(event_id=None, category="other")).event_id
    assert bare.event_id != only(entry(event_id=None, timestamp=1768471204)).event_id


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (entry(None), "event"),
        (entry(""), "event"),
        (entry(email="not an address"), "email"),
        (entry(email=5), "email"),
        (entry(email=None), "email"),
    ],
)
def test_an_event_without_what_it_needs_is_refused_alone(content: Json, field: str) -> None:
    """By its field; the event beside it counts."""
    parsed = read(content, entry())

    assert [error.field for error in parsed.refused] == [field]
    assert len(parsed.events) == 1


@pytest.mark.parametrize("events", ["text", [5], [None], [[]]])
def test_a_request_of_another_form_is_refused_whole(events: object) -> None:
    payload = Payload(provider="mailtrap", content={"events": events}, received_at=RECEIVED)

    with pytest.raises(PayloadError) as raised:
        providers.read(payload, Settings())
    assert raised.value.field.startswith("events")


@pytest.mark.parametrize("odd", [None, 5, [], {}, [[]], True])
def test_odd_parts_cost_no_bounce(odd: object) -> None:
    """What an event may lack may also be of the wrong type."""
    event = only(
        entry(
            response=odd,
            response_code=odd,
            bounce_category=odd,
            custom_variables=odd,
            category=odd,
            timestamp=odd,
            message_id=odd,
            event_id=odd,
        )
    )

    assert (event.kind, event.address) == (Kind.BOUNCE, "lead@example.net")
    assert event.occurred_at == RECEIVED
