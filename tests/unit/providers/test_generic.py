"""The generic form, read into our events; and its JSON Schema."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import InputError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, Payload, generic
from bounceledger.settings import Settings
from bounceledger.verdict import Category
from tests.unit.project.modules import ROOT

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
UNKNOWN = "550 5.1.1 <lead@example.net>: Recipient address rejected: User unknown"

SCHEMA = json.loads((ROOT / "docs/schemas/webhooks/generic-1.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs/providers/generic.md").read_text(encoding="utf-8")

type Json = dict[str, Any]


def entry(**changes: object) -> Json:
    content: Json = {
        "id": "event-1",
        "kind": "bounce",
        "recipient": "Lead@Example.NET",
        "time": "2026-01-15T10:00:05Z",
        **changes,
    }
    return {name: value for name, value in content.items() if value is not None}


FULL = entry(
    mailed_at="2026-01-15T11:00:00.5+01:00",
    message_id="message-1",
    reply=UNKNOWN,
    status="5.1.1",
    action="failed",
    permanent=True,
    reason="no_mailbox",
    lead_source="Webinar 2026",
    lead_date="2026-01-02",
    metadata={"campaign": 7},
)


def read(*entries: object, settings: Settings | None = None) -> Parsed:
    payload = Payload(provider="generic", content={"events": [*entries]}, received_at=RECEIVED)
    return providers.read(payload, settings or Settings())


def only(content: Json, settings: Settings | None = None) -> MailEvent:
    parsed = read(content, settings=settings)
    assert not parsed.refused
    [event] = parsed.events
    return event


def is_valid(content: object) -> bool:
    """Whether the schema allows an event."""
    return bool(Draft202012Validator(SCHEMA).is_valid({"events": [content]}))


def test_every_field_has_its_place() -> None:
    event = only(FULL)

    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "bounce")
    assert (event.address, event.message_id) == ("lead@example.net", "message-1")
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert event.mailed_at == datetime(2026, 1, 15, 10, 0, 0, 500000, tzinfo=UTC)
    assert (event.diagnostic, event.status, event.action) == (UNKNOWN, "5.1.1", "failed")
    assert event.permanence is Permanence.PERMANENT
    assert event.provider_reason is ProviderReason.NO_MAILBOX
    assert (event.lead_source, event.lead_date) == ("webinar-2026", date(2026, 1, 2))


def test_four_fields_are_enough() -> None:
    event = only(entry())

    assert (event.message_id, event.mailed_at, event.diagnostic) == ("", None, "")
    assert event.lead_source == Settings().lead_source_default
    assert classify_event(event).category is Category.UNKNOWN


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("bounce", Kind.BOUNCE),
        ("delivery", Kind.DELIVERY),
        ("delivery_delay", Kind.DELIVERY_DELAY),
        ("complaint", Kind.COMPLAINT),
        ("unsubscribe", Kind.UNSUBSCRIBE),
    ],
)
def test_every_kind_has_its_own(word: str, kind: Kind) -> None:
    assert only(entry(kind=word)).kind is kind


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("failed", Kind.BOUNCE),
        ("delayed", Kind.DELIVERY_DELAY),
        ("delivered", Kind.RELAYED),
        ("relayed", Kind.RELAYED),
        ("expanded", Kind.RELAYED),
    ],
)
def test_the_action_says_what_a_dsn_is_about(action: str, kind: Kind) -> None:
    """So that a sender can pass on every DSN as a bounce."""
    assert only(entry(action=action)).kind is kind
    assert only(entry(kind="delivery", action=action)).kind is Kind.DELIVERY


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({"reply": "554 5.7.1 blocked using bl.example", "reason": "no_mailbox"},
         Category.REPUTATION_BLOCK),
        ({"reason": "no_mailbox", "permanent": True}, Category.MAILBOX_UNKNOWN),
        ({"reason": "no_mailbox", "permanent": False}, Category.UNKNOWN),
        ({"reason": "timed_out"}, Category.EXPIRED),
        ({"reason": "blocked"}, Category.POLICY),
        ({"reason": "suppression_list", "reply": UNKNOWN}, Category.PROVIDER_SUPPRESSED),
        ({"reason": "automatic_reply", "reply": UNKNOWN}, Category.AUTOREPLY),
        ({"status": "5.1.1"}, Category.MAILBOX_UNKNOWN),
        ({"permanent": True}, Category.UNKNOWN),
    ],
)  # fmt: skip
def test_the_reply_decides_and_the_senders_words_only_without_one(
    changes: Json, category: Category
) -> None:
    """But for a list of the sender's own and an automatic reply."""
    assert classify_event(only(entry(**changes))).category is category


def test_a_complaint_can_be_none() -> None:
    assert only(entry(kind="complaint", reason="not_spam")).provider_reason is (
        ProviderReason.NOT_SPAM
    )


def test_the_lead_may_be_in_the_metadata() -> None:
    """Under the names that the deployment has; the event's own fields come first."""
    settings = Settings(lead_source_tag="vendor", lead_date_tag="since")
    metadata = {"vendor": "expo", "since": "2026-01-03"}

    found = only(entry(metadata=metadata), settings)
    assert (found.lead_source, found.lead_date) == ("expo", date(2026, 1, 3))
    found = only(FULL | {"metadata": metadata}, settings)
    assert (found.lead_source, found.lead_date) == ("webinar-2026", date(2026, 1, 2))


@pytest.mark.parametrize(
    ("source", "day"), [(7, 5), ("###", "soon"), ([], {}), ("", "2026-01-16"), (True, "1900-01-01")]
)
def test_a_lead_that_cannot_be_one_costs_no_bounce(source: object, day: object) -> None:
    event = only(entry(lead_source=source, lead_date=day))

    assert event.lead_date is None
    assert event.lead_source in (Settings().lead_source_default, "7")


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        ("text", "events[0]", "must be a JSON object"),
        (entry(id=None), "events[0].id", "is required"),
        (entry(id=" "), "events[0].id", "is required"),
        (entry(id=5), "events[0].id", "must be a string"),
        (entry(id="x" * 257), "events[0].id", "must have at most 256 characters"),
        (entry(kind=None), "events[0].kind", "is required"),
        (entry(kind="bounced"), "events[0].kind",
         "must be one of bounce, complaint, delivery, delivery_delay, unsubscribe"),
        (entry(recipient=None), "events[0].recipient", "is required, and must be a string"),
        (entry(recipient="nobody"), "events[0].recipient", "has no @"),
        (entry(time=None), "events[0].time", "is required"),
        (entry(time="soon"), "events[0].time", "must be an ISO 8601 time"),
        (entry(time=1768471205), "events[0].time", "must be a string"),
        (entry(time="2026-01-15T10:00:05"), "events[0].time",
         "must have an offset from UTC, such as Z or +02:00"),
        (entry(time="1999-12-31T23:59:59Z"), "events[0].time", "is before 2000"),
        (entry(time="2026-01-16T10:00:07Z"), "events[0].time", "is more than a day in the future"),
        (entry(mailed_at="yesterday"), "events[0].mailed_at", "must be an ISO 8601 time"),
        (entry(message_id="x" * 257), "events[0].message_id", "must have at most 256 characters"),
        (entry(reply=550), "events[0].reply", "must be a string"),
        (entry(status="5.1"), "events[0].status", "must be an enhanced status code such as 5.1.1"),
        (entry(status="3.1.1"), "events[0].status",
         "must be an enhanced status code such as 5.1.1"),
        (entry(status="5.1.1234"), "events[0].status",
         "must be an enhanced status code such as 5.1.1"),
        (entry(action="gone"), "events[0].action",
         "must be one of delayed, delivered, expanded, failed, relayed"),
        (entry(permanent="yes"), "events[0].permanent", "must be true or false"),
        (entry(permanent=1), "events[0].permanent", "must be true or false"),
        (entry(kind="complaint", reason="no_mailbox"), "events[0].reason",
         "must be one of abuse, auth_failure, fraud, not_spam, virus for a complaint"),
        (entry(kind="delivery", reason="blocked"), "events[0].reason",
         "is only for a bounce or a complaint"),
        (entry(metadata=[]), "events[0].metadata", "must be an object"),
        (entry(staus="5.1.1"), "events[0].staus", "is not a field of an event"),
        (entry(**{"lead@example.net": 1}), "events[0].lead?example.net",
         "is not a field of an event"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_alone_by_its_field(content: object, field: str, reason: str) -> None:
    """The event beside it counts, and nothing of a person is in the error."""
    parsed = read(entry(id="event-0"), content)

    assert len(parsed.events) == 1
    [error] = parsed.refused
    assert error.field == field
    assert error.reason.startswith(reason)
    assert "nobody" not in str(error)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("text", "record"),
        ([entry()], "record"),
        (entry(), "id"),
        ({}, "events"),
        ({"events": []}, "events"),
        ({"events": entry()}, "events"),
        ({"events": [entry()], "version": 1}, "version"),
        ({"events": [{}] * 10_001}, "events"),
    ],
)
def test_a_request_of_another_form_is_refused_whole(content: object, field: str) -> None:
    with pytest.raises(InputError) as raised:
        providers.read(Payload(provider="generic", content=content), Settings())

    assert raised.value.field == field


def test_an_event_is_the_same_whatever_else_it_says() -> None:
    """Its id and the recipient decide, so that it can be sent again with more."""
    assert only(FULL).event_id == only(entry()).event_id
    assert only(entry(id="event-2")).event_id != only(entry()).event_id
    assert only(entry(recipient="other@example.net")).event_id != only(entry()).event_id


def test_a_clock_that_is_a_little_ahead_is_set_back() -> None:
    """Facts merge by their times, so a time ahead of now would stay."""
    assert only(entry(time="2026-01-16T10:00:05Z")).occurred_at == RECEIVED


@pytest.mark.parametrize(
    "text", ["2026-01-15T10:00Z", "2026-01-15t10:00:05.123z", "2026-01-15 05:00:05 -0500"]
)
def test_times_may_be_written_in_the_usual_ways(text: str) -> None:
    found = only(entry(time=text)).occurred_at

    assert abs(found - RECEIVED) < timedelta(seconds=10)
    assert is_valid(entry(time=text))


def test_a_long_reply_is_cut() -> None:
    assert len(only(entry(reply="x" * 100_000)).diagnostic) == 16_384


# --- the schema and the page ---


def test_the_schema_has_the_fields_and_words_of_the_module() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    event = SCHEMA["$defs"]["event"]
    properties = event["properties"]
    reasons = {
        one["if"]["properties"]["kind"]["const"]: one["then"]["properties"]["reason"]["enum"]
        for one in event["allOf"]
        if "const" in one["if"]["properties"]["kind"]
    }

    assert properties.keys() == generic.FIELDS
    assert properties["kind"]["enum"] == list(generic.KINDS)
    assert properties["action"]["enum"] == list(generic.ACTIONS)
    assert reasons == {kind: sorted(words) for kind, words in generic.REASONS.items()}


@pytest.mark.parametrize("content", [FULL, entry(), *(entry(kind=word) for word in generic.KINDS)])
def test_the_schema_allows_what_is_read(content: Json) -> None:
    assert is_valid(content)
    assert len(read(content).events) == 1


@pytest.mark.parametrize(
    "content",
    [
        entry(id=None), entry(id=" "), entry(id="x" * 257), entry(kind="bounced"),
        entry(recipient="nobody"), entry(time=None), entry(time="soon"),
        entry(time="2026-01-15T10:00:05"), entry(status="5.1"), entry(action="gone"),
        entry(permanent="yes"), entry(kind="complaint", reason="no_mailbox"),
        entry(reason="abuse"), entry(kind="delivery", reason="blocked"), entry(metadata=[]),
        entry(staus="5.1.1"), entry(reply=550), "text",
    ],
)  # fmt: skip
def test_the_schema_forbids_what_is_refused(content: object) -> None:
    assert not is_valid(content)
    assert len(read(content).refused) == 1


def test_the_examples_on_the_page_are_read_and_allowed() -> None:
    blocks = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]

    assert blocks
    for block in blocks:
        assert Draft202012Validator(SCHEMA).is_valid(block)
        parsed = read(*block["events"])
        assert parsed.events
        assert not parsed.refused


def test_the_page_names_every_field_and_word() -> None:
    words = {*generic.FIELDS, *generic.KINDS, *generic.ACTIONS}
    words.update(*generic.REASONS.values())

    assert {word for word in words if f"`{word}`" not in PAGE} == set()
