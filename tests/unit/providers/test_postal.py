"""Postal's events, read into ours."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import InputError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, Payload
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
REFUSED = "Permanent SMTP delivery error when sending to mx.example.net (192.0.2.1)"
UNKNOWN = "550 5.1.1 <lead@example.net>: Recipient address rejected: User unknown"

type Json = dict[str, Any]


def message(**changes: object) -> Json:
    return {
        "id": 233843,
        "token": "McC2tuqg7mhx",
        "direction": "outgoing",
        "message_id": "7b82aac4@rp.postal.example",
        "to": "Lead@Example.NET",
        "from": "news@sender.example",
        "timestamp": 1768471200.5,
        "tag": "lead_source:Webinar 2026",
        **changes,
    }


def attempt(
    event: object = "MessageDeliveryFailed",
    status: object = "HardFail",
    details: object = REFUSED,
    output: object = UNKNOWN,
    **changes: object,
) -> Json:
    return {
        "event": event,
        "timestamp": 1768471205.25,
        "uuid": "uuid-1",
        "payload": {
            "message": message(),
            "status": status,
            "details": details,
            "output": output,
            "timestamp": 1768471205.0,
            **changes,
        },
    }


def returned(event: str = "MessageBounced") -> Json:
    bounce = message(id=233864, direction="incoming", to="bk87jw@psrp.postal.example")
    return {
        "event": event,
        "timestamp": 1768471205.25,
        "uuid": "uuid-2",
        "payload": {"original_message": message(), "bounce": bounce},
    }


def read(content: object) -> Parsed:
    payload = Payload(provider="postal", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def only(content: Json) -> MailEvent:
    parsed = read(content)
    assert not parsed.refused
    [event] = parsed.events
    return event


def refusal(content: object) -> InputError:
    [error] = read(content).refused
    return error


def test_an_attempt_is_read_in_our_words() -> None:
    event = only(attempt())

    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "MessageDeliveryFailed")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, 250000, tzinfo=UTC)
    assert event.mailed_at == datetime(2026, 1, 15, 10, 0, 0, 500000, tzinfo=UTC)
    assert (event.message_id, event.diagnostic) == ("233843", UNKNOWN)
    assert event.permanence is Permanence.PERMANENT


@pytest.mark.parametrize(
    ("event", "status", "kind"),
    [
        ("MessageSent", "Sent", Kind.DELIVERY),
        ("MessageDelayed", "SoftFail", Kind.DELIVERY_DELAY),
        ("MessageDeliveryFailed", "HardFail", Kind.BOUNCE),
        ("MessageHeld", "Held", Kind.REJECT),
        ("MessageHeld", "HoldCancelled", Kind.REJECT),
        ("MessageDelayed", "Error", Kind.DELIVERY_DELAY),
        ("MessageLinkClicked", None, Kind.CLICK),
        ("MessageLoaded", None, Kind.OPEN),
        ("MessageSent", "NewStatus", Kind.DELIVERY),
    ],
)
def test_every_kind_has_its_own(event: str, status: str | None, kind: Kind) -> None:
    assert only(attempt(event, status)).kind is kind


@pytest.mark.parametrize(
    ("details", "output", "category"),
    [
        (REFUSED, UNKNOWN, Category.MAILBOX_UNKNOWN),
        (REFUSED, "554 5.7.1 blocked using bl.example", Category.REPUTATION_BLOCK),
        (
            f"{REFUSED}. Recipient added to suppression list (too many hard fails)",
            "554 5.7.1 spam",
            Category.SPAM_CONTENT,
        ),
        (REFUSED, "", Category.MAILBOX_UNKNOWN),
        ("Maximum number of delivery attempts (18) has been reached.", None, Category.EXPIRED),
        ("A new sentence", "", Category.UNKNOWN),
        ("A new sentence", UNKNOWN, Category.MAILBOX_UNKNOWN),
        (None, None, Category.UNKNOWN),
    ],
)
def test_the_output_decides_and_the_details_only_without_one(
    details: str | None, output: str | None, category: Category
) -> None:
    assert classify_event(only(attempt(details=details, output=output))).category is category


@pytest.mark.parametrize(
    "details",
    [
        "Message is likely spam. Threshold is 5 and the message scored 7.2.",
        "Message's domain no longer exist",
        "Message doesn't have an RCPT to",
        "Raw message has been removed. Cannot send message.",
    ],
)
def test_a_failure_that_met_no_server_is_not_about_the_recipient(details: str) -> None:
    assert only(attempt(details=details, output="")).kind is Kind.REJECT


@pytest.mark.parametrize(
    "details",
    [
        "Recipient (lead@example.net) is on the suppression list",
        "Recipient (lead@example.net) is on the suppression list (reason: too many soft fails)",
    ],
)
def test_a_message_held_by_postals_own_list_is_an_echo(details: str) -> None:
    """No server said anything, so nothing new is known."""
    event = only(attempt("MessageHeld", "Held", details, "old output"))

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert event.provider_reason is ProviderReason.SUPPRESSION_LIST
    assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


@pytest.mark.parametrize("event", ["MessageBounced", "MessageDelayed"])
def test_a_bounce_message_that_came_back_is_an_unclear_bounce(event: str) -> None:
    """It is about the original message, and Postal does not report what it says."""
    found = only(returned(event))

    assert (found.kind, found.address) == (Kind.BOUNCE, "lead@example.net")
    assert (found.message_id, found.diagnostic) == ("233843", "")
    assert classify_event(found).category is Category.UNKNOWN


@pytest.mark.parametrize(
    "content",
    [
        attempt(message=message(direction="incoming", to="inbound@example.net")),
        {"event": "DomainDNSError", "uuid": "1", "payload": {"domain": "sender.example"}},
        {"event": "SendLimitExceeded", "uuid": "1", "payload": {"volume": 1000}},
        {"event": "NewEvent"},
    ],
)
def test_what_is_about_no_sent_message_needs_nothing(content: Json) -> None:
    parsed = read(content)

    assert parsed.notices == (content["event"],)
    assert not parsed.events


def test_a_new_kind_suppresses_nobody_and_is_named() -> None:
    parsed = read(attempt("MessageTeleported", None))

    assert [event.kind for event in parsed.events] == [Kind.OTHER]
    assert parsed.unknown_kinds == ("MessageTeleported",)


def test_an_event_is_the_same_in_every_attempt_to_deliver_it() -> None:
    """Its uuid is; without one, kind, message and time are."""
    bare = only({**attempt(), "uuid": None})

    assert only(attempt()).event_id != only({**attempt(), "uuid": "uuid-3"}).event_id
    assert only(attempt()).event_id == only({**attempt(), "timestamp": 1768471206}).event_id
    assert bare.event_id == only({**attempt(), "uuid": ""}).event_id
    assert bare.event_id != only({**attempt(), "uuid": None, "timestamp": 1768471204}).event_id


def test_the_header_stands_in_for_a_missing_message_id() -> None:
    assert only(attempt(message=message(id=None))).message_id == "7b82aac4@rp.postal.example"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"to": "to@example.org"}, "event"),
        ({"event": "MessageSent", "payload": "text"}, "payload"),
        (attempt(message="text"), "payload.message"),
        (attempt(message=message(to="not an address")), "payload.message.to"),
        (attempt(message=message(to=None)), "payload.message.to"),
    ],
)
def test_an_event_without_what_it_needs_is_refused_by_its_field(
    content: object, field: str
) -> None:
    assert refusal(content).field == field


@pytest.mark.parametrize("odd", [None, 5, [], {}, [[]], True])
def test_odd_parts_cost_no_bounce(odd: object) -> None:
    """What an event may lack may also be of the wrong type."""
    content = attempt(
        status="HardFail",
        details=odd,
        output=odd,
        timestamp=odd,
        message=message(tag=odd, timestamp=odd, id=odd, token=odd),
    )
    event = only({**content, "timestamp": odd, "uuid": odd})

    assert (event.kind, event.address) == (Kind.BOUNCE, "lead@example.net")
    assert event.occurred_at == RECEIVED
