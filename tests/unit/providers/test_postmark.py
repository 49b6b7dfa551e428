"""Postmark's events, read into ours."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import AddressError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence
from bounceledger.providers import Parsed, Payload, postmark
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
UNKNOWN = "smtp;550 5.1.1 The email account that you tried to reach does not exist"

type Json = dict[str, Any]


def bounce(**changes: object) -> Json:
    return {
        "RecordType": "Bounce",
        "ID": 42,
        "Type": "HardBounce",
        "TypeCode": 1,
        "Name": "Hard bounce",
        "Tag": "newsletter",
        "MessageID": "message-1",
        "Description": "The server was unable to deliver your message.",
        "Details": UNKNOWN,
        "Email": "Lead@Example.NET",
        "BouncedAt": "2026-01-15T05:00:05.1234567-05:00",
        "Inactive": True,
        "Metadata": {"lead_source": "Webinar 2026", "lead_date": "2026-01-02"},
        **changes,
    }


def change(**changes: object) -> Json:
    return {
        "RecordType": "SubscriptionChange",
        "MessageID": "message-1",
        "ChangedAt": "2026-01-15T10:00:05Z",
        "Recipient": "lead@example.net",
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
        **changes,
    }


def read(content: object) -> Parsed:
    payload = Payload(provider="postmark", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def only(entry: Json) -> MailEvent:
    parsed = read(entry)
    assert not parsed.refused
    [event] = parsed.events
    return event


def test_a_bounce_is_read_in_our_words() -> None:
    # GIVEN a hard bounce
    # WHEN it is read
    event = only(bounce())

    # THEN everything is in its place
    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "Bounce")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, 123_456, tzinfo=UTC)
    assert (event.message_id, event.diagnostic) == ("message-1", UNKNOWN)
    assert event.permanence is Permanence.PERMANENT


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ("Delivery", Kind.DELIVERY),
        ("SpamComplaint", Kind.COMPLAINT),
        ("Open", Kind.OPEN),
        ("Click", Kind.CLICK),
    ],
)
def test_every_record_has_its_kind(record: str, kind: Kind) -> None:
    assert only(bounce(RecordType=record)).kind is kind


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("Transient", Kind.DELIVERY_DELAY),
        ("Unsubscribe", Kind.UNSUBSCRIBE),
        ("Subscribe", Kind.SUBSCRIPTION),
        ("SpamComplaint", Kind.COMPLAINT),
        ("OpenRelayTest", Kind.OTHER),
        ("Unconfirmed", Kind.OTHER),
        ("SMTPApiError", Kind.REJECT),
        ("TemplateRenderingFailed", Kind.RENDERING_FAILURE),
        ("NewType", Kind.BOUNCE),
    ],
)
def test_a_bounce_may_be_of_another_kind_by_its_type(type_: str, kind: Kind) -> None:
    assert only(bounce(Type=type_)).kind is kind


@pytest.mark.parametrize(
    ("type_", "category"),
    [
        ("HardBounce", Category.MAILBOX_UNKNOWN),
        ("SoftBounce", Category.UNKNOWN),
        ("BadEmailAddress", Category.MAILBOX_UNKNOWN),
        ("Blocked", Category.POLICY),
        ("DMARCPolicy", Category.POLICY),
        ("SpamNotification", Category.SPAM_CONTENT),
        ("VirusNotification", Category.POLICY),
        ("DnsError", Category.NETWORK_ERROR),
        ("ManuallyDeactivated", Category.PROVIDER_SUPPRESSED),
        ("AutoResponder", Category.AUTOREPLY),
        ("AddressChange", Category.AUTOREPLY),
        ("ChallengeVerification", Category.AUTOREPLY),
        ("Unknown", Category.UNKNOWN),
        ("NewType", Category.UNKNOWN),
        (None, Category.MAILBOX_UNKNOWN),  # by the code
    ],
)
def test_without_a_reply_the_type_decides(type_: str | None, category: Category) -> None:
    """Postmark's own sentence is no reply."""
    event = only(bounce(Type=type_, Details="", Content=None))

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert classify_event(event).category is category


def test_every_type_has_its_code() -> None:
    """So the table of codes cannot name a type that the other does not have."""
    assert set(postmark.CODES.values()) == set(postmark.TYPES)


def test_the_reply_comes_before_the_type() -> None:
    event = only(bounce(Details="smtp;550 5.7.1 Blocked, your IP is listed at Spamhaus"))

    assert classify_event(event).category is Category.REPUTATION_BLOCK


def test_the_reply_may_be_in_the_notification_only() -> None:
    """`Details` then has the action, and `Content` the rest."""
    content = (
        "Subject: Undelivered\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        "Final-Recipient: rfc822; lead@example.net\r\nAction: failed\r\nStatus: 5.2.2\r\n"
        "Diagnostic-Code: smtp; 552 5.2.2\r\n Mailbox full\r\n\r\n"
        "Diagnostic-Code: smtp; 550 not this one\r\n and not this line\r\n"
    )
    event = only(bounce(Details="action: failed\r\n", Content=content))

    assert (event.action, event.status) == ("failed", "5.2.2")
    assert event.diagnostic == "smtp; 552 5.2.2 Mailbox full"


def test_a_reply_in_details_is_not_replaced_by_the_notification() -> None:
    event = only(bounce(Content="Diagnostic-Code: smtp; 552 5.2.2 Mailbox full"))

    assert event.diagnostic == UNKNOWN


@pytest.mark.parametrize(
    "content", ["x\r\n" * 40_000, "Status: 5\n" + " y\n" * 40_000, "\ud800" * 99]
)
def test_a_long_notification_is_read_in_parts(content: str) -> None:
    """Strangers write it, and must not choose how long that takes, or what is stored."""
    event = only(bounce(Details="", Content=content))

    assert len(event.status) <= 256
    assert event.diagnostic == ""


def test_a_notification_with_the_whole_message_is_cut() -> None:
    """The queue carries 1 MiB, and the reply comes first."""
    content = "Diagnostic-Code: smtp; 552 5.2.2 Mailbox full\r\n\r\n" + "x" * 3_000_000
    entry = bounce(Details="action: failed", Content=content)
    payload = Payload(provider="postmark", content=entry, received_at=RECEIVED)
    [document] = postmark.split(payload)

    assert len(document.body["Content"]) == postmark.MAX_CONTENT
    assert only(entry).diagnostic == "smtp; 552 5.2.2 Mailbox full"


def test_postmarks_own_list_is_an_echo() -> None:
    """An API error says that the message was held back; the change says why it will be."""
    held = bounce(
        Type="SMTPApiError",
        Details="You tried to send to a recipient that has been marked as inactive.",
    )
    listed = change(SuppressionReason="HardBounce")

    for event in (only(held), only(listed)):
        assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
        assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, Kind.UNSUBSCRIBE),
        ({"Origin": "Customer"}, Kind.SUBSCRIPTION),
        ({"Origin": "Admin"}, Kind.SUBSCRIPTION),
        ({"Origin": None}, Kind.SUBSCRIPTION),
        ({"SuppressionReason": "SpamComplaint"}, Kind.COMPLAINT),
        ({"SuppressionReason": "SpamComplaint", "Origin": "Admin"}, Kind.COMPLAINT),
        ({"SuppressSending": False, "SuppressionReason": None}, Kind.SUBSCRIPTION),
        ({"SuppressSending": "true"}, Kind.SUBSCRIPTION),
        ({"SuppressionReason": "NewReason"}, Kind.SUBSCRIPTION),
        ({"SuppressionReason": None}, Kind.SUBSCRIPTION),
    ],
)
def test_a_change_is_the_recipients_wish_only_if_it_made_it(changes: Json, kind: Kind) -> None:
    assert only(change(**changes)).kind is kind


def test_a_complaint_that_two_webhooks_report_is_one() -> None:
    """Else it would count twice against the lead source."""
    complaint = only(bounce(RecordType="SpamComplaint", Type="SpamComplaint"))
    listed = only(change(SuppressionReason="SpamComplaint"))

    assert complaint.event_id == listed.event_id


def test_the_event_id_is_postmarks() -> None:
    first = only(bounce())

    assert only(bounce(BouncedAt="2026-01-15T10:00:04Z", Details="x")).event_id == first.event_id
    assert only(bounce(ID=43)).event_id != first.event_id
    assert only(bounce(Email="other@example.net")).event_id != first.event_id


def test_without_an_id_the_event_itself_is_one() -> None:
    first = only(bounce(RecordType="Delivery", ID=None))

    assert only(bounce(RecordType="Delivery", ID=None, Details="x")).event_id == first.event_id
    assert only(bounce(RecordType="Delivery", ID=None, MessageID="2")).event_id != first.event_id
    assert only(bounce(ID=None)).event_id != first.event_id


def test_a_tag_can_hold_the_lead_source() -> None:
    assert only(bounce(Metadata={}, Tag="lead_source:fair")).lead_source == "fair"


def test_new_words_are_counted() -> None:
    assert read(bounce(Type="NewType")).unknown_kinds == ("NewType",)
    assert read(bounce(RecordType="NewRecord")).unknown_kinds == ("NewRecord",)
    assert read(change(SuppressionReason="NewReason")).unknown_kinds == ("NewReason",)
    assert read(bounce()).unknown_kinds == ()


def test_a_record_about_nobody_is_a_notice() -> None:
    assert read({"RecordType": "Setup"}).notices == ("Setup",)


@pytest.mark.parametrize(
    ("entry", "error", "field"),
    [
        (bounce(RecordType=None), PayloadError, "RecordType"),
        (bounce(RecordType="Inbound"), PayloadError, "RecordType"),
        ({"Email": "a@b.example"}, PayloadError, "RecordType"),
        (bounce(Email=None), PayloadError, "Recipient"),
        (bounce(Email="nobody"), AddressError, "Email"),
    ],
)
def test_a_bad_event_is_refused_by_its_field(
    entry: Json, error: type[Exception], field: str
) -> None:
    [refused] = read(entry).refused

    assert (type(refused), refused.field) == (error, field)


@pytest.mark.parametrize(
    "key",
    [
        *("ID", "Type", "TypeCode", "Tag", "MessageID", "Details", "BouncedAt", "Metadata"),
        *("Content", "Inactive"),
    ],
)
@pytest.mark.parametrize("value", [None, True, 5, -1.5, "x", [], ["\ud800"], {"a": []}])
def test_an_odd_field_does_not_cost_the_event(key: str, value: object) -> None:
    """Each field but the recipient and the record type can be missing or something else."""
    event = only(bounce(**{key: value}))

    assert (event.address, event.kind) == ("lead@example.net", Kind.BOUNCE)
    assert event.occurred_at <= RECEIVED
