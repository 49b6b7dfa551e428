"""Resend's events, read into ours."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import AddressError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, Payload, resend
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
UNKNOWN = "smtp; 550 5.1.1 <lead@example.net>: Recipient address rejected: User unknown"
BLOCKED = "smtp; 550 5.7.1 Blocked, your IP is listed at Spamhaus"
HARD = "The recipient's email provider sent a hard bounce message, but didn't say why."
GENERAL = "The recipient's email provider sent a general bounce message. Try again later."
FULL = (
    "The recipient's email provider sent a bounce message because the recipient's inbox was full."
)
SUPPRESSED = "Resend has suppressed sending to this address because it is on a list."

type Json = dict[str, Any]


def bounce_of(
    kind: object = "Permanent", subtype: object = "General", replies: object = (UNKNOWN,)
) -> Json:
    replies = list(replies) if isinstance(replies, tuple) else replies
    return {"type": kind, "subType": subtype, "message": HARD, "diagnosticCode": replies}


def event_of(word: str = "email.bounced", changes: Json | None = None, **data: object) -> Json:
    """An event of Resend's: `data` changes its data, `changes` the event itself."""
    return {
        "type": word,
        "created_at": "2026-01-15T10:00:05.120Z",
        "data": {
            "created_at": "2026-01-15T10:00:01.532000+00:00",
            "email_id": "5b8c7a10-6f0a-4f0e-9d3b-2c41a7e90b01",
            "from": "News <news@sender.example>",
            "to": ["Lead@Example.NET"],
            "subject": "Hello",
            "tags": {"lead_source": "Webinar 2026"},
            "bounce": bounce_of(),
            **data,
        },
        **(changes or {}),
    }


def read(content: object) -> Parsed:
    payload = Payload(provider="resend", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def only(body: Json) -> MailEvent:
    parsed = read(body)
    assert not parsed.refused
    [event] = parsed.events
    return event


def test_a_bounce_is_read_in_our_words() -> None:
    """The reply, Resend's opinion and what the sender attached, each in its place."""
    # GIVEN a bounce
    tags = {"lead_source": "Webinar 2026", "lead_date": "2026-01-02"}

    # WHEN it is read
    event = only(event_of(tags=tags))

    # THEN it has them
    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "email.bounced")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, 120_000, tzinfo=UTC)
    assert event.mailed_at == datetime(2026, 1, 15, 10, 0, 1, 532_000, tzinfo=UTC)
    assert event.message_id == "5b8c7a10-6f0a-4f0e-9d3b-2c41a7e90b01"
    assert event.diagnostic == UNKNOWN
    assert event.permanence is Permanence.PERMANENT
    assert event.provider_reason is ProviderReason.GENERAL


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("email.sent", Kind.SEND),
        ("email.delivered", Kind.DELIVERY),
        ("email.delivery_delayed", Kind.DELIVERY_DELAY),
        ("email.suppressed", Kind.BOUNCE),
        ("email.complained", Kind.COMPLAINT),
        ("email.failed", Kind.REJECT),
        ("email.opened", Kind.OPEN),
        ("email.clicked", Kind.CLICK),
        ("email.moon_phase", Kind.OTHER),
    ],
)
def test_every_kind_has_its_own(word: str, kind: Kind) -> None:
    assert only(event_of(word)).kind is kind


@pytest.mark.parametrize(
    "body",
    [
        event_of("email.suppressed", suppressed={"type": "x", "diagnosticCode": [UNKNOWN]}),
        event_of(bounce=bounce_of(subtype="Suppressed")),
        event_of(bounce=bounce_of(subtype="OnAccountSuppressionList")),
        event_of(bounce={"message": SUPPRESSED, "diagnosticCode": [UNKNOWN]}),
    ],
)
def test_a_message_that_a_list_held_back_is_an_echo(body: Json) -> None:
    """The reply that it shows is to an earlier message."""
    event = only(body)

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


@pytest.mark.parametrize(
    ("bounce", "category"),
    [
        (bounce_of(replies=None), Category.MAILBOX_UNKNOWN),
        (bounce_of(subtype="NoEmail", replies=[]), Category.MAILBOX_UNKNOWN),
        (bounce_of("Transient", "MailboxFull", []), Category.MAILBOX_FULL),
        (bounce_of("Transient", "ContentRejected", []), Category.SPAM_CONTENT),
        (bounce_of("Transient", "General", None), Category.UNKNOWN),
        (bounce_of("Transient", "General", []), Category.AUTOREPLY),
        (bounce_of("Undetermined", "Undetermined", []), Category.AUTOREPLY),
        (bounce_of("Permanent", "A New Subtype", []), Category.UNKNOWN),
        (bounce_of("A New Type", "General", []), Category.UNKNOWN),
        ({"message": HARD}, Category.MAILBOX_UNKNOWN),
        ({"message": GENERAL}, Category.UNKNOWN),
        ({"message": FULL}, Category.MAILBOX_FULL),
        ({"message": "A new sentence: user unknown."}, Category.UNKNOWN),
        ({}, Category.UNKNOWN),
        (None, Category.UNKNOWN),
        ("hard", Category.UNKNOWN),
    ],
)
def test_without_a_reply_resends_own_opinion_decides(bounce: object, category: Category) -> None:
    """Its explanation is no reply, whatever words are in it."""
    event = only(event_of(bounce=bounce))

    assert event.diagnostic == ""
    assert classify_event(event).category is category


@pytest.mark.parametrize("replies", [[BLOCKED], BLOCKED, [None, BLOCKED], [5, BLOCKED]])
def test_the_reply_comes_before_resends_opinion(replies: object) -> None:
    """A block that Resend calls permanent suppresses nobody."""
    event = only(event_of(bounce=bounce_of(replies=replies)))

    assert classify_event(event).category is Category.REPUTATION_BLOCK


def test_a_bounce_of_several_recipients_is_about_nobody() -> None:
    """Nothing says which of them it was, and the reply is a stranger's."""
    parsed = read(event_of(to=["lead@example.net", "other@example.net"]))

    [event] = parsed.events
    assert (event.address, event.unmatched) == ("", True)


def test_each_of_several_recipients_may_have_complained() -> None:
    parsed = read(event_of("email.complained", to=["lead@example.net", "other@example.net"]))

    assert [(event.address, event.ambiguous) for event in parsed.events] == [
        ("lead@example.net", True),
        ("other@example.net", True),
    ]
    assert len({event.event_id for event in parsed.events}) == 2


@pytest.mark.parametrize("word", ["email.delivered", "email.delivery_delayed", "email.opened"])
def test_what_one_of_several_did_is_a_notice(word: str) -> None:
    """A delivery that is counted for the wrong address would be evidence that it works."""
    parsed = read(event_of(word, to=["lead@example.net", "other@example.net"]))

    assert (parsed.events, parsed.notices) == ((), (word,))


def test_all_of_several_were_sent_to() -> None:
    parsed = read(event_of("email.sent", to=["Lead <lead@example.net>", "other@example.net"]))

    assert [event.address for event in parsed.events] == ["lead@example.net", "other@example.net"]


def test_the_same_recipient_twice_is_one() -> None:
    """Addresses are compared in their canonical form; `to` may be a string as well."""
    assert only(event_of(to=["lead@example.net", "LEAD@example.net"])).address == "lead@example.net"
    assert only(event_of(to="lead@example.net")).address == "lead@example.net"


def test_a_recipient_that_is_not_valid_does_not_cost_the_others() -> None:
    """It still is one of several."""
    parsed = read(event_of("email.complained", to=["not an address", "lead@example.net", 5]))

    assert [(event.address, event.ambiguous) for event in parsed.events] == [
        ("lead@example.net", True)
    ]
    assert [type(error) for error in parsed.refused] == [AddressError, PayloadError]
    assert [error.field for error in parsed.refused] == ["data.to[0]", "data.to[2]"]


@pytest.mark.parametrize(
    ("data", "source"),
    [
        ({"tags": [{"name": "lead_source", "value": "fair"}]}, "fair"),
        ({"tags": None, "headers": [{"name": "x-lead-source", "value": "fair"}]}, "fair"),
        ({"tags": {}, "headers": {"X-Lead-Source": "fair"}}, "fair"),
        (
            {"tags": {}, "headers": [{"name": "X-Metadata", "value": '{"lead_source": "fair"}'}]},
            "fair",
        ),
        ({"tags": [{"name": ["x"], "value": "fair"}, 5]}, "unattributed"),
        ({"tags": None}, "unattributed"),
    ],
)
def test_the_lead_source_is_found_wherever_it_is(data: Json, source: str) -> None:
    """In a tag or a header: Resend has written both as objects and as lists."""
    assert only(event_of(**data)).lead_source == source


def test_an_event_is_known_by_message_kind_time_and_recipient() -> None:
    """The id of the webhook's message stands in a header, but the body's time is the event's."""
    first = only(event_of())

    again = [event_of(subject="Other", tags=None), event_of(bounce=None)]
    others = [
        event_of("email.delivered"),
        event_of(changes={"created_at": "2026-01-15T10:00:05.121Z"}),
        event_of(to="other@example.net"),
        event_of(email_id="other"),
    ]

    assert {only(one).event_id for one in again} == {first.event_id}
    assert len({first.event_id, *(only(one).event_id for one in others)}) == 5


@pytest.mark.parametrize("moment", [None, "soon", "2999-01-01T00:00:00Z"])
def test_an_event_without_a_usable_time_is_still_known_again(moment: object) -> None:
    """The time of receipt stands in for it, and differs between two deliveries."""
    body = event_of(changes={"created_at": moment})
    later = Payload(provider="resend", content=body, received_at=RECEIVED.replace(minute=5))

    assert providers.read(later, Settings()).events[0].event_id == only(body).event_id


@pytest.mark.parametrize(
    "word",
    [
        *("email.received", "email.scheduled", "contact.created", "domain.updated"),
        *("suppression.added", "inbox.email.received", "something.new"),
    ],
)
def test_what_is_about_no_delivery_is_a_notice(word: str) -> None:
    """Whoever selects all events gets these too."""
    parsed = read(event_of(word, email="lead@example.net"))

    assert (parsed.events, parsed.notices, parsed.unknown_kinds) == ((), (word,), ())


def test_a_new_word_is_carried_and_counted() -> None:
    """Without a recipient it is a notice."""
    assert read(event_of("email.moon_phase")).unknown_kinds == ("email.moon_phase",)
    assert read({"type": "email.moon_phase"}).notices == ("email.moon_phase",)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (event_of(to="not an address"), "data.to"),
        (event_of(to=None), "data.to"),
        (event_of(to=[]), "data.to"),
        (event_of(to=["lead@example.net"] * 51), "data.to"),
        (event_of(changes={"data": "text"}), "data"),
        ({"type": "email.sent"}, "data.to"),
        ({}, "type"),
    ],
)
def test_what_is_not_resends_is_refused_by_its_field(body: Json, field: str) -> None:
    parsed = read(body)

    assert parsed.events == ()
    assert [error.field for error in parsed.refused] == [field]


@pytest.mark.parametrize(
    "key", ["created_at", "email_id", "tags", "headers", "bounce", "suppressed", "failed"]
)
@pytest.mark.parametrize("value", [None, True, 5, -1.5, [], ["\ud800"], {"a": []}, "\ud800" * 9])
@pytest.mark.parametrize("word", ["email.bounced", "email.suppressed", "email.failed"])
def test_an_odd_field_does_not_cost_the_event(word: str, key: str, value: object) -> None:
    """Each field but the recipients and the kind can be missing or something else."""
    changes: Json | None = {"created_at": value} if key == "created_at" else None
    event = only(event_of(word, changes, **{key: value}))

    assert event.address == "lead@example.net"
    assert event.occurred_at <= RECEIVED


@pytest.mark.parametrize("key", ["type", "subType", "message", "diagnosticCode"])
@pytest.mark.parametrize("value", [None, True, 5, -1.5, [], ["\ud800"], {"a": []}, "\ud800" * 9])
def test_an_odd_bounce_does_not_cost_the_event(key: str, value: object) -> None:
    assert only(event_of(bounce={**bounce_of(), key: value})).address == "lead@example.net"


def test_a_time_from_before_resend_is_none() -> None:
    """Facts merge by the smallest time, so a wrong one would stay."""
    early = resend.LAUNCH.replace(year=resend.LAUNCH.year - 1).isoformat()
    event = only(event_of(changes={"created_at": early}, created_at=early))

    assert (event.occurred_at, event.mailed_at) == (RECEIVED, None)
