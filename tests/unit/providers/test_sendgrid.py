"""SendGrid's events, read into ours."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import AddressError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, Payload, sendgrid
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
UNKNOWN = "550 5.1.1 <lead@example.net>: Recipient address rejected: User unknown"

type Json = dict[str, Any]


def bounce(**changes: object) -> Json:
    return {
        "email": "Lead@Example.NET",
        "timestamp": 1768471205,
        "event": "bounce",
        "sg_event_id": "event-1",
        "sg_message_id": "message-1.recvd-1",
        "smtp-id": "<message-1@sender.example>",
        "type": "bounce",
        "bounce_classification": "Invalid Address",
        "reason": UNKNOWN,
        "status": "5.1.1",
        "lead_source": "Webinar 2026",
        **changes,
    }


def read(content: object) -> Parsed:
    payload = Payload(provider="sendgrid", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def only(entry: Json) -> MailEvent:
    parsed = read([entry])
    assert not parsed.refused
    [event] = parsed.events
    return event


def test_a_bounce_is_read_in_our_words() -> None:
    """The reply, SendGrid's opinion and what the sender attached, each in its place."""
    # GIVEN a bounce
    # WHEN it is read
    event = only(bounce(lead_date="2026-01-02"))

    # THEN it has them
    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "bounce")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert event.message_id == "message-1@sender.example"
    assert (event.diagnostic, event.status) == (UNKNOWN, "5.1.1")
    assert event.permanence is Permanence.PERMANENT
    assert event.provider_reason is ProviderReason.NO_MAILBOX


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("processed", Kind.SEND),
        ("delivered", Kind.DELIVERY),
        ("deferred", Kind.DELIVERY_DELAY),
        ("spamreport", Kind.COMPLAINT),
        ("unsubscribe", Kind.UNSUBSCRIBE),
        ("group_unsubscribe", Kind.UNSUBSCRIBE),
        ("group_resubscribe", Kind.SUBSCRIPTION),
        ("open", Kind.OPEN),
        ("click", Kind.CLICK),
    ],
)
def test_every_kind_has_its_own(word: str, kind: Kind) -> None:
    assert only(bounce(event=word)).kind is kind


def test_a_deferral_has_its_reply_elsewhere() -> None:
    event = only(bounce(event="deferred", reason=None, response="450 4.2.1 Try later"))

    assert event.diagnostic == "450 4.2.1 Try later"


@pytest.mark.parametrize(
    "reason", ["Bounced Address", "Invalid", "Spam Reporting Address", "unsubscribed address"]
)
def test_a_drop_by_a_list_of_sendgrid_is_an_echo(reason: str) -> None:
    """No server said anything, so nothing new is known."""
    event = only(bounce(event="dropped", reason=reason, type="bounce"))

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert event.provider_reason is ProviderReason.SUPPRESSION_LIST
    assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


@pytest.mark.parametrize("reason", ["Spam Content", "Invalid SMTPAPI header", "New Reason", None])
def test_any_other_drop_is_not_about_the_recipient(reason: str | None) -> None:
    assert only(bounce(event="dropped", reason=reason)).kind is Kind.REJECT


@pytest.mark.parametrize(
    ("kind", "classification", "category"),
    [
        ("bounce", "Invalid Address", Category.MAILBOX_UNKNOWN),
        ("bounce", None, Category.MAILBOX_UNKNOWN),
        ("bounce", "Unclassified", Category.MAILBOX_UNKNOWN),
        ("bounce", "Mailbox Unavailable", Category.UNKNOWN),
        ("bounce", "Content", Category.SPAM_CONTENT),
        ("bounce", "Reputation", Category.POLICY),
        ("bounce", "Technical", Category.NETWORK_ERROR),
        ("blocked", None, Category.POLICY),
        ("blocked", "Invalid Address", Category.UNKNOWN),
        ("expired", None, Category.EXPIRED),
        ("new type", "New Class", Category.UNKNOWN),
        (None, None, Category.UNKNOWN),
    ],
)
def test_without_a_reply_sendgrids_own_opinion_decides(
    kind: str | None, classification: str | None, category: Category
) -> None:
    event = only(bounce(type=kind, bounce_classification=classification, reason=None, status=None))

    assert classify_event(event).category is category


def test_the_reply_comes_before_sendgrids_opinion() -> None:
    """A block that SendGrid calls a bounce suppresses nobody."""
    event = only(bounce(reason="550 5.7.1 Blocked, your IP is listed at Spamhaus", status="5.7.1"))

    assert classify_event(event).category is Category.REPUTATION_BLOCK


def test_no_mail_host_is_a_question_for_dns() -> None:
    """SendGrid's own words for it are no reply."""
    words = "unable to get mx info: failed to get IPs from PTR record: lookup <nil>"
    event = only(bounce(reason=words, type="blocked", status=None))

    assert event.diagnostic == ""
    assert event.provider_reason is ProviderReason.NO_DOMAIN
    assert classify_event(event).scope == "domain"


def test_a_server_that_says_the_same_is_read_as_a_server() -> None:
    event = only(bounce(reason="550 unable to get mx info"))

    assert event.diagnostic == "550 unable to get mx info"


@pytest.mark.parametrize(
    "places",
    [
        {"category": ["news", "lead_source:fair"]},
        {"category": "lead_source:fair"},
        {"unique_args": {"lead_source": "fair"}},
    ],
)
def test_the_lead_source_may_be_in_a_category_or_kept_apart(places: Json) -> None:
    """One category is a string. The documentation lists the arguments as an object as well."""
    assert only(bounce(lead_source=None, **places)).lead_source == "fair"


def test_the_event_id_is_sendgrids() -> None:
    """A retry may differ in anything else."""
    first = only(bounce())

    assert only(bounce(timestamp=1768471200, reason="x")).event_id == first.event_id
    assert only(bounce(sg_event_id="event-2")).event_id != first.event_id
    assert only(bounce(email="other@example.net")).event_id != first.event_id


def test_events_of_two_kinds_are_two_also_with_one_id() -> None:
    assert only(bounce(event="click")).event_id != only(bounce()).event_id


def test_without_an_id_the_event_itself_is_one() -> None:
    first = only(bounce(sg_event_id=None))

    assert only(bounce(sg_event_id=None, attempt="5")).event_id == first.event_id
    assert only(bounce(sg_event_id=None, timestamp=1768471200)).event_id != first.event_id
    assert only(bounce(sg_event_id=None, event="delivered")).event_id != first.event_id


def test_a_late_bounce_and_its_delivery_are_of_one_message() -> None:
    """SendGrid leaves its own message id out of a bounce that comes by mail."""
    late = only(bounce(sg_message_id=None))

    assert late.message_id == only(bounce(event="delivered")).message_id
    assert only(bounce(**{"smtp-id": None})).message_id == "message-1.recvd-1"


def test_a_new_word_is_carried_and_counted() -> None:
    parsed = read([bounce(event="moon_phase")])

    [event] = parsed.events
    assert event.kind is Kind.OTHER
    assert parsed.unknown_kinds == ("moon_phase",)


def test_an_event_about_the_account_is_a_notice() -> None:
    """It has no recipient."""
    parsed = read([{"event": "account_status_change", "type": "compliance_suspend"}])

    assert parsed.notices == ("account_status_change",)


def test_a_bad_event_does_not_cost_the_others() -> None:
    parsed = read([bounce(email="not an email address"), bounce(event=None), bounce()])

    assert [event.address for event in parsed.events] == ["lead@example.net"]
    assert [type(error) for error in parsed.refused] == [AddressError, PayloadError]
    assert [error.field for error in parsed.refused] == ["email", "event"]


@pytest.mark.parametrize(
    "key",
    [
        *("timestamp", "sg_event_id", "sg_message_id", "smtp-id", "type", "status", "reason"),
        *("bounce_classification", "lead_source", "lead_date", "category", "response"),
    ],
)
@pytest.mark.parametrize("value", [None, True, 5, -1.5, [], ["\ud800"], {"a": []}, "\ud800" * 9])
def test_an_odd_field_does_not_cost_the_event(key: str, value: object) -> None:
    """Each field but the recipient and the kind can be missing or something else."""
    event = only(bounce(**{key: value}))

    assert (event.address, event.kind) == ("lead@example.net", Kind.BOUNCE)
    assert event.occurred_at <= RECEIVED


def test_a_request_of_another_form_is_refused_whole() -> None:
    with pytest.raises(PayloadError):
        read("event=bounce")


def test_a_time_from_before_sendgrid_is_that_of_receipt() -> None:
    assert only(bounce(timestamp=sendgrid.LAUNCH.timestamp() - 1)).occurred_at == RECEIVED
