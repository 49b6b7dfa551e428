"""Mandrill's events, read into ours."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import AddressError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, Payload, mandrill
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
UNKNOWN = "smtp;550 5.1.1 <lead@example.net>: Recipient address rejected: User unknown"
BLOCKED = "smtp;550 5.7.1 Blocked, your IP is listed at Spamhaus"
DEFERRED = "451 4.3.5 Temporarily unavailable, try again later."

type Json = dict[str, Any]


def event_of(word: str = "hard_bounce", changes: Json | None = None, **message: object) -> Json:
    """An event of Mandrill's: `message` changes its ``msg``, `changes` the event itself."""
    return {
        "event": word,
        "_id": "message-1",
        "ts": 1768471205,
        "msg": {
            "_id": "message-1",
            "ts": 1768471201,
            "email": "Lead@Example.NET",
            "state": "bounced",
            "metadata": {"lead_source": "Webinar 2026"},
            "tags": ["newsletter"],
            "bounce_description": "bad_mailbox",
            "bgtools_code": 10,
            "diag": UNKNOWN,
            **message,
        },
        **(changes or {}),
    }


def read(content: object) -> Parsed:
    payload = Payload(provider="mandrill", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def read_form(*events: object) -> Parsed:
    return read({"mandrill_events": json.dumps(events)})


def only(event: Json) -> MailEvent:
    parsed = read_form(event)
    assert not parsed.refused
    [found] = parsed.events
    return found


def test_a_bounce_is_read_in_our_words() -> None:
    """The reply, Mandrill's opinion and what the sender attached, each in its place."""
    # GIVEN a bounce
    metadata = {"lead_source": "Webinar 2026", "lead_date": "2026-01-02"}

    # WHEN it is read
    event = only(event_of(metadata=metadata))

    # THEN it has them
    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "hard_bounce")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert event.mailed_at == datetime(2026, 1, 15, 10, 0, 1, tzinfo=UTC)
    assert (event.message_id, event.diagnostic) == ("message-1", UNKNOWN)
    assert event.permanence is Permanence.PERMANENT
    assert event.provider_reason is ProviderReason.NO_MAILBOX


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("send", Kind.SEND),
        ("delivered", Kind.DELIVERY),
        ("deferral", Kind.DELIVERY_DELAY),
        ("soft_bounce", Kind.BOUNCE),
        ("spam", Kind.COMPLAINT),
        ("unsub", Kind.UNSUBSCRIBE),
        ("open", Kind.OPEN),
        ("click", Kind.CLICK),
        ("moon_phase", Kind.OTHER),
    ],
)
def test_every_kind_has_its_own(word: str, kind: Kind) -> None:
    assert only(event_of(word)).kind is kind


@pytest.mark.parametrize("reason", ["hard-bounce", "soft-bounce", "spam", "unsub", "custom"])
def test_a_reject_by_mandrills_list_is_an_echo(reason: str) -> None:
    """No server said anything, whatever reply to an earlier message is shown."""
    event = only(event_of("reject", reject={"reason": reason, "detail": "550 no such user"}))

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


def test_a_reject_of_an_invalid_address_is_a_bounce() -> None:
    event = only(event_of("reject", reject="invalid"))

    assert classify_event(event).category is Category.MAILBOX_UNKNOWN


@pytest.mark.parametrize(
    "reject",
    [
        None,
        {},
        {"reason": None},
        "unsigned",
        {"reason": "invalid-sender"},
        {"reason": "test-mode-limit"},
        {"reason": "rule"},
        {"reason": "new-reason"},
    ],
)
def test_any_other_reject_is_not_about_the_recipient(reject: object) -> None:
    """A sender that is not verified is refused for every recipient alike."""
    assert only(event_of("reject", reject=reject)).kind is Kind.REJECT


@pytest.mark.parametrize(
    ("word", "description", "code", "category"),
    [
        ("hard_bounce", "bad_mailbox", 10, Category.MAILBOX_UNKNOWN),
        ("hard_bounce", "invalid_domain", 21, Category.DOMAIN_UNKNOWN),
        ("soft_bounce", "invalid_domain", 21, Category.EXPIRED),
        ("soft_bounce", "mailbox_full", 22, Category.MAILBOX_FULL),
        ("soft_bounce", "bad_mailbox", 10, Category.UNKNOWN),
        ("hard_bounce", "general", 40, Category.UNKNOWN),
        ("hard_bounce", "a new word", 20, Category.UNKNOWN),
        ("hard_bounce", None, None, Category.MAILBOX_UNKNOWN),
        ("hard_bounce", "a new word", 52, Category.SPAM_CONTENT),
        ("hard_bounce", "a new word", 50, Category.POLICY),
        ("hard_bounce", None, "60", Category.AUTOREPLY),
        ("hard_bounce", "a new word", 999, Category.UNKNOWN),
        ("hard_bounce", "a new word", None, Category.UNKNOWN),
    ],
)
def test_without_a_reply_mandrills_own_opinion_decides(
    word: str, description: str | None, code: object, category: Category
) -> None:
    event = only(event_of(word, bounce_description=description, bgtools_code=code, diag=""))

    assert classify_event(event).category is category


def test_the_reply_comes_before_mandrills_opinion() -> None:
    """A block that Mandrill calls a hard bounce suppresses nobody."""
    assert classify_event(only(event_of(diag=BLOCKED))).category is Category.REPUTATION_BLOCK


def test_an_automatic_reply_is_none_of_the_servers() -> None:
    event = only(event_of("soft_bounce", bgtools_code=60, bounce_description=None, diag="Away"))

    assert classify_event(event).category is Category.AUTOREPLY


def test_a_deferral_has_its_reply_among_the_attempts() -> None:
    """Or beside the message: the last attempt is what the event is about."""
    attempts = [{"type": "deferred", "diag": "old"}, {"type": "deferred", "diag": DEFERRED}]

    inside = only(event_of("deferral", diag=None, smtp_events=attempts))
    beside = only(event_of("deferral", {"diag": DEFERRED}, diag=None))

    assert inside.diagnostic == beside.diagnostic == DEFERRED


def test_what_a_server_said_on_acceptance_is_no_reply_of_a_bounce() -> None:
    attempts = [{"type": "sent", "diag": "250 2.0.0 OK"}]

    assert only(event_of(diag=None, smtp_events=attempts)).diagnostic == ""


def test_a_tag_can_hold_the_lead_source() -> None:
    """Mandrill writes an empty list where a message has no metadata."""
    event = only(event_of(metadata=[], tags=["news", "lead_source:fair"]))

    assert event.lead_source == "fair"


def test_an_event_is_known_by_message_kind_time_and_recipient() -> None:
    """Mandrill names the message only, and a message can be deferred several times."""
    first = only(event_of("deferral"))

    again = [
        event_of("deferral", opens=[{"ts": 1}], _version="2", diag=None),
        event_of("deferral", ts=None),
    ]
    others = [
        event_of("deferral", {"ts": 1768471204}),
        event_of("soft_bounce"),
        event_of("deferral", _id="message-2"),
        event_of("deferral", email="other@example.net"),
    ]

    assert {only(one).event_id for one in again} == {first.event_id}
    assert len({first.event_id, *(only(one).event_id for one in others)}) == 5


@pytest.mark.parametrize("moment", [None, "soon", 10**13])
def test_an_event_without_a_usable_time_is_still_known_again(moment: object) -> None:
    """The time of receipt stands in for it, and differs between two deliveries."""
    body = event_of(changes={"ts": moment})
    later = Payload(provider="mandrill", content=body, received_at=RECEIVED.replace(minute=5))

    assert providers.read(later, Settings()).events[0].event_id == only(body).event_id


def test_a_change_of_mandrills_list_is_a_notice() -> None:
    """It is about no message, and a person may have made it."""
    body = {"type": "blacklist", "action": "add", "reject": {"email": "lead@example.net"}}

    parsed = read_form(body)

    assert (parsed.events, parsed.notices) == ((), ("blacklist",))


def test_mail_that_mandrill_received_is_a_notice() -> None:
    parsed = read_form({"event": "inbound", "msg": {"email": "lead@example.net"}})

    assert (parsed.events, parsed.notices) == ((), ("inbound",))


def test_a_new_word_is_carried_and_counted() -> None:
    """Without a recipient it is a notice."""
    assert read_form(event_of("moon_phase")).unknown_kinds == ("moon_phase",)
    assert read_form({"event": "moon_phase"}).notices == ("moon_phase",)


def test_the_test_of_a_new_webhook_has_no_event() -> None:
    """Mandrill sends an empty list before it accepts an address."""
    assert read_form() == Parsed()


def test_a_bad_event_does_not_cost_the_others() -> None:
    parsed = read_form(event_of(email="not an address"), event_of(email=None), {}, event_of())

    assert [event.address for event in parsed.events] == ["lead@example.net"]
    assert [type(error) for error in parsed.refused] == [AddressError, PayloadError, PayloadError]
    assert [error.field for error in parsed.refused] == ["msg.email", "msg.email", "event"]


@pytest.mark.parametrize("text", ["GARBAGE", "", "[" * 100_000, "5", '["x"]', "NaN", "null"])
def test_a_field_that_holds_no_events_is_refused_whole(text: str) -> None:
    with pytest.raises(PayloadError) as caught:
        read({"mandrill_events": text})

    assert caught.value.field.startswith("mandrill_events")


@pytest.mark.parametrize(
    "key",
    [
        *("ts", "_id", "metadata", "tags", "diag", "bounce_description", "bgtools_code"),
        *("smtp_events", "reject", "state"),
    ],
)
@pytest.mark.parametrize("value", [None, True, 5, -1.5, [], ["\ud800"], {"a": []}, "\ud800" * 9])
@pytest.mark.parametrize("word", ["hard_bounce", "deferral", "reject"])
def test_an_odd_field_does_not_cost_the_event(word: str, key: str, value: object) -> None:
    """Each field but the recipient and the kind can be missing or something else."""
    event = only(event_of(word, {"ts": value} if key == "ts" else None, **{key: value}))

    assert event.address == "lead@example.net"
    assert event.occurred_at <= RECEIVED


def test_a_time_from_before_mandrill_is_none() -> None:
    """Facts merge by the smallest time, so a wrong one would stay."""
    early = mandrill.LAUNCH.timestamp() - 1
    event = only(event_of(changes={"ts": early}, ts=early))

    assert (event.occurred_at, event.mailed_at) == (RECEIVED, None)
