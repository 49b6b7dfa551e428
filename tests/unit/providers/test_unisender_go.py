"""Unisender Go's events, read into ours."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import InputError
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.providers import Parsed, Payload
from bounceledger.providers.common import MAX_EVENTS
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)

type Json = dict[str, Any]


def data(
    status: object = "hard_bounced",
    delivery_status: object = None,
    response: object = None,
    **changes: object,
) -> Json:
    return {
        "job_id": "job-1",
        "metadata": {"lead_source": "Webinar 2026", "lead_date": "2026-01-02"},
        "email": "Lead@Example.NET",
        "status": status,
        "event_time": "2026-01-15 10:00:05",
        "delivery_info": {"delivery_status": delivery_status, "destination_response": response},
        **changes,
    }


def entry(content: object, name: object = "transactional_email_status") -> Json:
    return {"event_name": name, "event_data": content}


def read_content(content: object) -> Parsed:
    payload = Payload(provider="unisender_go", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def read(*entries: object) -> Parsed:
    return read_content({"auth": "hash", "events_by_user": [{"user_id": 1, "events": [*entries]}]})


def only(content: Json) -> MailEvent:
    parsed = read(entry(content))
    assert not parsed.refused
    [event] = parsed.events
    return event


def test_an_event_is_read_in_our_words() -> None:
    event = only(data(delivery_status="err_user_unknown", response="550 5.1.1 No such user"))

    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "hard_bounced")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert (event.message_id, event.diagnostic) == ("job-1", "550 5.1.1 No such user")


def test_a_single_event_is_read_as_one_of_a_group() -> None:
    """The setting of the webhook must not decide what counts twice."""
    alone = {"auth": "hash", "event_name": "transactional_email_status", "user_id": 1, **data()}

    assert read_content(alone).events == read(entry(data())).events


def test_every_user_of_a_request_is_read() -> None:
    groups = [{"events": [entry(data(job_id=f"job-{index}"))]} for index in range(3)]

    found = read_content({"events_by_user": groups}).events
    assert [event.message_id for event in found] == ["job-0", "job-1", "job-2"]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("accepted", Kind.SEND),
        ("sent", Kind.SEND),
        ("delivered", Kind.DELIVERY),
        ("soft_bounced", Kind.DELIVERY_DELAY),
        ("hard_bounced", Kind.BOUNCE),
        ("spam", Kind.COMPLAINT),
        ("unsubscribed", Kind.UNSUBSCRIBE),
        ("subscribed", Kind.SUBSCRIPTION),
        ("opened", Kind.OPEN),
        ("clicked", Kind.CLICK),
    ],
)
def test_every_kind_has_its_own(word: str, kind: Kind) -> None:
    assert only(data(word)).kind is kind


@pytest.mark.parametrize(
    ("delivery_status", "response", "category"),
    [
        ("err_user_unknown", "550 spam detected", Category.SPAM_CONTENT),
        ("err_spam_rejected", "550 5.1.1 No such user", Category.MAILBOX_UNKNOWN),
        ("err_user_unknown", None, Category.MAILBOX_UNKNOWN),
        ("err_mailbox_discarded", None, Category.MAILBOX_UNKNOWN),
        ("err_user_inactive", None, Category.MAILBOX_DISABLED),
        ("err_mailbox_full", None, Category.MAILBOX_FULL),
        ("err_domain_inactive", None, Category.DOMAIN_UNKNOWN),
        ("err_destination_misconfigured", None, Category.NETWORK_ERROR),
        ("err_spam_rejected", None, Category.SPAM_CONTENT),
        ("err_blacklisted", None, Category.POLICY),
        ("err_too_large", None, Category.MESSAGE_TOO_LARGE),
        ("err_giveup", None, Category.EXPIRED),
        ("err_delivery_failed", None, Category.UNKNOWN),
        ("err_new_word", None, Category.UNKNOWN),
        (None, None, Category.UNKNOWN),
    ],
)
def test_the_reply_decides_and_the_detailed_status_only_without_one(
    delivery_status: str | None, response: str | None, category: Category
) -> None:
    """``hard_bounced`` alone may be anything: spam and full mailboxes end there as well."""
    event = only(data(delivery_status=delivery_status, response=response))

    assert classify_event(event).category is category


@pytest.mark.parametrize(
    "delivery_status", ["err_unsubscribed", "err_unreachable", "skip_dup_unreachable"]
)
def test_a_list_of_the_service_is_an_echo_unless_a_server_replied(delivery_status: str) -> None:
    echo = only(data(delivery_status=delivery_status))
    replied = only(data(delivery_status=delivery_status, response="550 5.1.1 No such user"))

    assert echo.provider_reason is ProviderReason.SUPPRESSION_LIST
    assert classify_event(echo).category is Category.PROVIDER_SUPPRESSED
    assert classify_event(replied).category is Category.MAILBOX_UNKNOWN


@pytest.mark.parametrize(
    "delivery_status", ["err_skip_letter", "skip_dup_temp_unreachable", "err_lost", "err_internal"]
)
def test_what_was_not_sent_or_lost_is_not_about_the_recipient(delivery_status: str) -> None:
    assert only(data(delivery_status=delivery_status)).kind is Kind.REJECT
    replied = only(data(delivery_status=delivery_status, response="550 5.1.1 No such user"))
    assert replied.kind is Kind.BOUNCE


def test_what_is_about_no_message_needs_nothing() -> None:
    """A new name is also named, since it may be about one."""
    parsed = read(entry({"domain": "example.net"}, "transactional_spam_block"))
    assert (parsed.notices, parsed.unknown_kinds) == (("transactional_spam_block",), ())

    parsed = read(entry({"email": "lead@example.net"}, "new_event"))
    assert (parsed.notices, parsed.unknown_kinds) == (("new_event",), ("new_event",))


def test_a_new_status_suppresses_nobody_and_is_named() -> None:
    parsed = read(entry(data("teleported")))

    assert [event.kind for event in parsed.events] == [Kind.OTHER]
    assert parsed.unknown_kinds == ("teleported",)


def test_an_event_is_the_same_in_every_delivery() -> None:
    """The service has no id for it: status, job, time and recipient are."""
    first = only(data(delivery_status="err_user_unknown"))

    assert only(data(response="550 other", metadata=None)).event_id == first.event_id
    changes: list[Json] = [
        {"status": "spam"},
        {"job_id": "job-2"},
        {"event_time": "2026-01-15 10:00:04"},
        {"email": "other@example.net"},
    ]
    others = {only(data(**change)).event_id for change in changes}
    assert len(others | {first.event_id}) == 5


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (entry(data(status=None)), "event_data.status"),
        (entry(data(email="not an address")), "event_data.email"),
        (entry(data(email=None)), "event_data.email"),
        (entry("text"), "event_data.status"),
        (entry(None), "status"),
        (entry(data(), None), "event_name"),
    ],
)
def test_an_event_without_what_it_needs_is_refused_alone(content: Json, field: str) -> None:
    """By its field; the event beside it counts."""
    parsed = read(content, entry(data()))

    assert [error.field for error in parsed.refused] == [field]
    assert len(parsed.events) == 1


@pytest.mark.parametrize(
    ("groups", "field"),
    [
        (["text"], "events_by_user[0]"),
        ([{"events": "text"}], "events_by_user[0].events"),
        ([{"events": [{}]}, {}], "events_by_user[1].events"),
        ([{"events": [{}] * MAX_EVENTS}, {"events": [{}]}], "events_by_user"),
    ],
)
def test_a_request_of_another_form_is_refused_whole(groups: object, field: str) -> None:
    with pytest.raises(InputError) as raised:
        read_content({"events_by_user": groups})

    assert raised.value.field == field


@pytest.mark.parametrize("odd", [None, 5, [], {}, [[]], True])
def test_odd_parts_cost_no_bounce(odd: object) -> None:
    """What an event may lack may also be of the wrong type."""
    event = only(data(metadata=odd, delivery_info=odd, event_time=odd, job_id=odd))

    assert (event.kind, event.address) == (Kind.BOUNCE, "lead@example.net")
    assert event.occurred_at == RECEIVED
