"""Brevo's events, read into ours."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import AddressError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, Payload
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
UNKNOWN = "550 5.1.1 <lead@example.net>: Recipient address rejected: User unknown"

type Json = dict[str, Any]


def event_of(word: str = "hard_bounce", **changes: object) -> Json:
    return {
        "id": 26224,
        "event": word,
        "email": "Lead@Example.NET",
        "message-id": "<202601151000.40217830001@relay.sender.example>",
        "date": "2026-01-15 11:00:05",
        "ts": 1768471205,
        "ts_event": 1768471205,
        "ts_epoch": 1768471205250,
        "subject": "Hello",
        "sending_ip": "192.0.2.40",
        "X-Mailin-custom": '{"lead_source": "Webinar 2026"}',
        "tag": '["newsletter"]',
        "tags": ["newsletter"],
        "reason": UNKNOWN,
        **changes,
    }


def without(body: Json, *keys: str) -> Json:
    return {key: value for key, value in body.items() if key not in keys}


def read(content: object) -> Parsed:
    payload = Payload(provider="brevo", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def only(body: Json) -> MailEvent:
    parsed = read(body)
    assert not parsed.refused
    [event] = parsed.events
    return event


def test_a_bounce_is_read_in_our_words() -> None:
    """The reply, Brevo's opinion and what the sender attached, each in its place."""
    # GIVEN a bounce
    header = '{"lead_source": "Webinar 2026", "lead_date": "2026-01-02"}'

    # WHEN it is read
    event = only(event_of(**{"X-Mailin-custom": header}))

    # THEN it has them
    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "hard_bounce")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, 250_000, tzinfo=UTC)
    assert event.message_id == "202601151000.40217830001@relay.sender.example"
    assert event.diagnostic == UNKNOWN
    assert event.permanence is Permanence.PERMANENT
    assert event.provider_reason is ProviderReason.UNLISTED


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("request", Kind.SEND),
        ("delivered", Kind.DELIVERY),
        ("deferred", Kind.DELIVERY_DELAY),
        ("soft_bounce", Kind.BOUNCE),
        ("invalid_email", Kind.BOUNCE),
        ("blocked", Kind.REJECT),
        ("error", Kind.REJECT),
        ("spam", Kind.COMPLAINT),
        ("complaint", Kind.COMPLAINT),
        ("unsubscribed", Kind.UNSUBSCRIBE),
        ("unsubscribe", Kind.UNSUBSCRIBE),
        ("list_addition", Kind.SUBSCRIPTION),
        ("opened", Kind.OPEN),
        ("unique_opened", Kind.OPEN),
        ("proxy_open", Kind.OPEN),
        ("unique_proxy_open", Kind.OPEN),
        ("click", Kind.CLICK),
        ("moon_phase", Kind.OTHER),
    ],
)
def test_every_kind_has_its_own(word: str, kind: Kind) -> None:
    assert only(event_of(word)).kind is kind


@pytest.mark.parametrize(
    "reason",
    [
        "blocked : due to blacklist user",
        "blocked : due to unsubscribed user",
        " Blocked : due to  blacklist user ",
    ],
)
def test_a_contact_that_brevo_blocked_is_an_echo(reason: str) -> None:
    """No server said anything."""
    event = only(event_of("blocked", reason=reason))

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


@pytest.mark.parametrize("reason", [None, "", "blocked : due to the moon", "blocked", 5])
def test_any_other_block_is_not_about_the_recipient(reason: object) -> None:
    """It may be about the sender."""
    assert only(event_of("blocked", reason=reason)).kind is Kind.REJECT


@pytest.mark.parametrize(
    ("word", "reason", "category"),
    [
        ("hard_bounce", None, Category.UNKNOWN),
        ("hard_bounce", "Message delivery failed", Category.UNKNOWN),
        ("soft_bounce", "connection timeout", Category.NETWORK_ERROR),
        ("soft_bounce", "Connection closed by recipient's server", Category.NETWORK_ERROR),
        ("soft_bounce", None, Category.UNKNOWN),
        ("invalid_email", None, Category.MAILBOX_UNKNOWN),
        ("soft_bounce", "Unable to find MX of domain no-mx.example", Category.EXPIRED),
        ("soft_bounce", "undefined Unable to find MX of domain no-mx.example", Category.EXPIRED),
        ("hard_bounce", "Unable to find MX of domain no-mx.example", Category.DOMAIN_UNKNOWN),
        ("hard_bounce", "Invalid MX of domain [MX issue]", Category.DOMAIN_UNKNOWN),
    ],
)
def test_without_a_reply_brevos_own_words_decide(
    word: str, reason: str | None, category: Category
) -> None:
    """Those about a domain lead to a question for DNS. A hard bounce may as well be a block."""
    event = only(event_of(word, reason=reason))

    assert event.diagnostic == ""
    assert classify_event(event).category is category


@pytest.mark.parametrize(
    ("reason", "category"),
    [
        ("550 5.7.1 Blocked, your IP is listed at Spamhaus", Category.REPUTATION_BLOCK),
        (" RecipientError: 550 5.1.1 User unknown", Category.MAILBOX_UNKNOWN),
        ("452 4.2.2 mailbox full", Category.MAILBOX_FULL),
        ("something that nobody has read before", Category.UNKNOWN),
    ],
)
def test_a_reply_comes_before_brevos_opinion(reason: str, category: Category) -> None:
    """A block that Brevo calls a hard bounce suppresses nobody."""
    for word in ("hard_bounce", "invalid_email"):
        event = only(event_of(word, reason=reason))

        assert event.diagnostic == reason
        assert classify_event(event).category is category


@pytest.mark.parametrize(
    "reason",
    [
        "550 Unable to find MX of domain sender.example",
        "Message delivery failed: 550 5.1.1 User unknown",
    ],
)
def test_a_server_that_uses_brevos_words_is_read_as_a_server(reason: str) -> None:
    assert only(event_of(reason=reason)).diagnostic == reason


def test_that_a_message_was_sent_is_no_reply() -> None:
    assert only(event_of("delivered", reason="sent")).diagnostic == ""


def test_a_delay_has_its_reply_whatever_its_code() -> None:
    """Brevo defers after some permanent replies too, and goes on trying."""
    event = only(event_of("deferred"))

    assert (event.kind, event.diagnostic) == (Kind.DELIVERY_DELAY, UNKNOWN)


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ({"X-Mailin-custom": '{"X-Lead-Source": "fair"}'}, "fair"),
        ({"X-Mailin-custom": "campaign:spring|lead_source:fair"}, "fair"),
        ({"X-Mailin-custom": "campaign:spring | lead_source: fair "}, "fair"),
        ({"X-Mailin-custom": "some_custom_header", "tags": ["lead_source:fair"]}, "fair"),
        ({"X-Mailin-custom": None, "tag": '["lead_source=fair"]'}, "fair"),
        ({"X-Mailin-custom": None, "tag": "lead_source=fair"}, "fair"),
        ({"X-Mailin-custom": None}, "unattributed"),
        ({"X-Mailin-custom": "[" * 100_000}, "unattributed"),
        ({"X-Mailin-custom": "|" * 100_000, "tags": ["lead_source:fair"]}, "fair"),
    ],
)
def test_the_lead_source_is_found_wherever_it_is(changes: Json, source: str) -> None:
    """In the header with data of one's own, in either form, or in a tag."""
    assert only(event_of(**changes)).lead_source == source


def test_the_time_is_the_one_in_utc() -> None:
    """The field named date has no time zone."""
    seconds = only(event_of(ts_epoch=1768471204))
    without_epoch = only(without(event_of(ts_event=1768471203), "ts_epoch"))
    without_all = only(without(event_of(), "ts_epoch", "ts_event", "ts"))

    assert seconds.occurred_at == RECEIVED.replace(second=4)
    assert without_epoch.occurred_at == RECEIVED.replace(second=3)
    assert without_all.occurred_at == RECEIVED


def test_an_event_is_known_by_message_kind_time_and_recipient() -> None:
    """The field named id is the webhook's."""
    first = only(event_of())

    again = [event_of(id=5, reason=None), event_of(subject="Other", uuid="x", tags=[])]
    others = [
        event_of("soft_bounce"),
        event_of(ts_epoch=1768471205251),
        event_of(email="other@example.net"),
        event_of(**{"message-id": "<other@relay.sender.example>"}),
    ]

    assert {only(one).event_id for one in again} == {first.event_id}
    assert len({first.event_id, *(only(one).event_id for one in others)}) == 5


@pytest.mark.parametrize("moment", [None, "soon", 10**13])
def test_an_event_without_a_usable_time_is_still_known_again(moment: object) -> None:
    """The time of receipt stands in for it, and differs between two deliveries."""
    body = event_of(ts_epoch=moment, ts_event=moment, ts=moment)
    later = Payload(provider="brevo", content=body, received_at=RECEIVED.replace(minute=5))

    assert providers.read(later, Settings()).events[0].event_id == only(body).event_id


def test_a_campaign_has_one_message_per_recipient() -> None:
    """Marketing webhooks name no message, but the campaign and when it was sent."""
    body = without(event_of(camp_id=42, ts_sent=1768471100), "message-id", "ts_epoch")
    event = only(body)

    assert event.message_id == "42"
    assert event.mailed_at == datetime(2026, 1, 15, 9, 58, 20, tzinfo=UTC)


def test_a_batched_webhook_is_a_list() -> None:
    parsed = read([event_of("delivered"), event_of("hard_bounce")])

    assert [event.kind for event in parsed.events] == [Kind.DELIVERY, Kind.BOUNCE]


def test_mail_that_brevo_received_is_refused() -> None:
    """An inbound webhook that points here is a mistake, and Brevo shows the error."""
    with pytest.raises(PayloadError) as caught:
        read({"items": [{"Uuid": ["1"]}]})

    assert caught.value.field == "items"


def test_a_new_word_is_carried_and_counted() -> None:
    """Without a recipient it is a notice, such as a change of contacts."""
    assert read(event_of("moon_phase")).unknown_kinds == ("moon_phase",)
    assert read({"event": "contact_deleted", "email": ["a@b.example"]}).notices == (
        "contact_deleted",
    )


def test_a_bad_event_does_not_cost_the_others() -> None:
    parsed = read([event_of(email="not an address"), event_of(email=None), {}, event_of()])

    assert [event.address for event in parsed.events] == ["lead@example.net"]
    assert [type(error) for error in parsed.refused] == [AddressError, PayloadError, PayloadError]
    assert [error.field for error in parsed.refused] == ["email", "email", "event"]


@pytest.mark.parametrize(
    "key",
    [
        *("id", "message-id", "date", "ts", "ts_event", "ts_epoch", "ts_sent", "camp_id"),
        *("X-Mailin-custom", "tag", "tags", "reason"),
    ],
)
@pytest.mark.parametrize("value", [None, True, 5, -1.5, [], ["\ud800"], {"a": []}, "\ud800" * 9])
@pytest.mark.parametrize("word", ["hard_bounce", "blocked"])
def test_an_odd_field_does_not_cost_the_event(word: str, key: str, value: object) -> None:
    """Each field but the recipient and the kind can be missing or something else."""
    event = only(event_of(word, **{key: value}))

    assert event.address == "lead@example.net"
    assert event.occurred_at <= RECEIVED
