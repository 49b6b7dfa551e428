"""KumoMTA's log records, read into our events."""

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

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)

type Json = dict[str, Any]


def record(kind: object = "Bounce", **changes: object) -> Json:
    return {
        "type": kind,
        "id": "1d98076abbbc11ed940250ebf67f93bd",
        "sender": "news@sender.example",
        "recipient": "Lead@Example.NET",
        "response": {
            "code": 550,
            "enhanced_code": {"class": 5, "subject": 1, "detail": 1},
            "content": "<lead@example.net>: User unknown",
            "command": "RCPT TO",
        },
        "timestamp": 1768471205,
        "created": 1768471200,
        "num_attempts": 0,
        "feedback_report": None,
        "meta": {},
        "headers": {},
        **changes,
    }


def feedback(**report: object) -> Json:
    content = {
        "feedback_type": "abuse",
        "original_rcpto_to": ["<lead@example.net>"],
        "supplemental_trace": None,
        **report,
    }
    return record("Feedback", recipient="fbl@sender.example", feedback_report=content)


def read(content: object) -> Parsed:
    payload = Payload(provider="kumomta", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def only(content: Json) -> MailEvent:
    parsed = read(content)
    assert not parsed.refused
    [event] = parsed.events
    return event


def refusal(content: object) -> InputError:
    [error] = read(content).refused
    return error


def test_a_record_is_read_in_our_words() -> None:
    event = only(record())

    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "Bounce")
    assert event.address == "lead@example.net"
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert event.mailed_at == datetime(2026, 1, 15, 10, 0, 0, tzinfo=UTC)
    assert event.message_id == "1d98076abbbc11ed940250ebf67f93bd"
    assert event.diagnostic == "550 5.1.1 <lead@example.net>: User unknown"
    assert event.status == "5.1.1"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Reception", Kind.SEND),
        ("Delivery", Kind.DELIVERY),
        ("TransientFailure", Kind.DELIVERY_DELAY),
        ("Delay", Kind.DELIVERY_DELAY),
        ("Bounce", Kind.BOUNCE),
        ("Expiration", Kind.BOUNCE),
        ("OOB", Kind.BOUNCE),
        ("AdminBounce", Kind.REJECT),
    ],
)
def test_every_type_has_its_own(word: str, kind: Kind) -> None:
    assert only(record(word)).kind is kind


@pytest.mark.parametrize(
    ("response", "said", "status"),
    [
        ({"code": 550, "content": "No such user"}, "550 No such user", ""),
        ({"code": 550, "enhanced_code": None, "content": "5.1.1 Gone"}, "550 5.1.1 Gone", ""),
        ({"code": 452, "enhanced_code": {"class": 4, "subject": 2, "detail": 2}, "content": "Full"},
         "452 4.2.2 Full", "4.2.2"),
        ({"code": 550, "enhanced_code": {"class": 5}, "content": "Gone"}, "550 Gone", ""),
        ({"code": 550, "enhanced_code": {"class": "5", "subject": "x", "detail": 1.5},
          "content": "Gone"}, "550 Gone", ""),
        ({"code": 550, "enhanced_code": {"class": 5, "subject": 0, "detail": 0}, "content": ""},
         "", "5.0.0"),
        ({}, "", ""),
        ("text", "", ""),
        (None, "", ""),
    ],
)  # fmt: skip
def test_the_reply_is_put_together_from_its_parts(response: object, said: str, status: str) -> None:
    event = only(record(response=response))

    assert (event.diagnostic, event.status) == (said, status)


@pytest.mark.parametrize("word", ["Expiration", "AdminBounce", "Delay"])
def test_what_kumomta_writes_itself_is_no_reply(word: str) -> None:
    event = only(record(word))

    assert (event.diagnostic, event.status) == ("", "")


def test_a_message_that_expired_is_a_soft_bounce() -> None:
    assert classify_event(only(record("Expiration"))).category is Category.EXPIRED


@pytest.mark.parametrize("word", ["Rejection", "AdminRebind", "NewType"])
def test_what_is_about_the_server_itself_needs_nothing(word: str) -> None:
    assert read(record(word)).notices == (word,)


def test_the_lead_source_may_be_meta_or_a_header() -> None:
    """``import_x_headers`` writes underscores for hyphens, and keeps the ``x_``."""
    meta = {"x_lead_source": "Webinar 2026", "x_lead_date": "2026-01-02"}
    event = only(record(meta=meta))

    assert (event.lead_source, event.lead_date) == ("webinar-2026", date(2026, 1, 2))
    assert only(record(meta={"lead_source": "expo"})).lead_source == "expo"
    assert only(record(headers={"X-Lead-Source": "expo"})).lead_source == "expo"


def test_a_complaint_is_about_whom_the_message_was_sent_to() -> None:
    """`recipient` is the address of the feedback loop, and the message's id is not known."""
    event = only(feedback(supplemental_trace={"recipient": "traced@example.net"}))
    assert (event.kind, event.address) == (Kind.COMPLAINT, "traced@example.net")
    assert (event.message_id, event.mailed_at, event.diagnostic) == ("", None, "")
    assert event.provider_reason is ProviderReason.ABUSE

    assert only(feedback()).address == "lead@example.net"


@pytest.mark.parametrize("named", [None, [], ["<a@example.net>", "<b@example.net>"], "text"])
def test_a_complaint_that_names_not_exactly_one_needs_nothing(named: object) -> None:
    """Which of several complained is not known."""
    assert read(feedback(original_rcpto_to=named)).notices == ("Feedback",)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("not-spam", ProviderReason.NOT_SPAM),
        ("Fraud", ProviderReason.FRAUD),
        ("new-type", ProviderReason.UNLISTED),
        (None, ProviderReason.UNSTATED),
    ],
)
def test_a_complaint_has_the_type_of_its_report(word: object, reason: ProviderReason) -> None:
    assert only(feedback(feedback_type=word)).provider_reason is reason


def test_a_report_has_no_message_of_ours() -> None:
    """Its id and time are those of the report."""
    event = only(record("OOB"))

    assert (event.message_id, event.mailed_at) == ("", None)


def test_several_recipients_are_an_event_each() -> None:
    """One that is not valid costs the others nothing."""
    parsed = read(record(recipient=["a@example.net", "not an address", "b@example.net"]))

    assert [event.address for event in parsed.events] == ["a@example.net", "b@example.net"]
    assert len({event.event_id for event in parsed.events}) == 2
    assert [error.field for error in parsed.refused] == ["recipient[1]"]


def test_records_may_come_in_a_list() -> None:
    """For a hook that sends several at once."""
    parsed = read([record(), record("Delivery")])

    assert [event.kind for event in parsed.events] == [Kind.BOUNCE, Kind.DELIVERY]


def test_an_event_is_the_same_in_every_delivery() -> None:
    """Type, message, time and recipient are; the more precise time counts where there is one."""
    first = only(record())

    assert only(record(num_attempts=3, meta={"lead_source": "x"})).event_id == first.event_id
    others = {
        only(record("TransientFailure")).event_id,
        only(record(id="other")).event_id,
        only(record(timestamp=1768471204)).event_id,
        only(record(recipient="other@example.net")).event_id,
        only(record(event_time="2026-01-15T10:00:05.123Z")).event_id,
    }
    assert len(others | {first.event_id}) == 6


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "type"),
        (record(recipient=None), "recipient"),
        (record(recipient=5), "recipient"),
        (record(recipient="not an address"), "recipient"),
        (record(recipient=[]), "recipient"),
        (record(recipient=[5]), "recipient[0]"),
        (record("Feedback", feedback_report="text"), "feedback_report"),
        (feedback(original_rcpto_to=["not an address"]),
         "feedback_report.original_rcpto_to[0]"),
        (feedback(supplemental_trace={"recipient": "not an address"}),
         "feedback_report.supplemental_trace.recipient"),
    ],
)  # fmt: skip
def test_a_record_without_what_it_needs_is_refused_by_its_field(
    content: object, field: str
) -> None:
    error = refusal(content)

    assert error.field == field
    assert "not an address" not in str(error)


@pytest.mark.parametrize("content", ["text", [5], None])
def test_a_request_of_another_form_is_refused_whole(content: object) -> None:
    with pytest.raises(PayloadError):
        read(content)


@pytest.mark.parametrize("odd", [None, 5, [], {}, [[]], True, "text"])
def test_odd_parts_cost_no_bounce(odd: object) -> None:
    """What a record may lack may also be of the wrong type."""
    event = only(record(response=odd, meta=odd, headers=odd, timestamp=odd, created=odd, id=odd))

    assert (event.kind, event.address) == (Kind.BOUNCE, "lead@example.net")
    assert event.occurred_at == RECEIVED
