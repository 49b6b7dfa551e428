"""Mailgun's events, of today and legacy, read into ours."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.errors import AddressError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, Payload, mailgun
from bounceledger.settings import Settings
from bounceledger.verdict import Category

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)

type Json = dict[str, Any]


def status(**changes: object) -> Json:
    return {
        "code": 550,
        "enhanced-code": "5.1.1",
        "message": "5.1.1 No such user here",
        "description": None,
        "bounce-type": "hard",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }


def failed(**changes: object) -> Json:
    return {
        "event": "failed",
        "id": "event-1",
        "timestamp": 1768471205.25,
        "severity": "permanent",
        "reason": "bounce",
        "recipient": "Lead@Example.NET",
        "delivery-status": status(),
        "message": {"headers": {"message-id": "1@sender.example", "to": "lead@example.net"}},
        "user-variables": {"lead_source": "Webinar 2026", "lead_date": "2026-01-02"},
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }


def form(**changes: object) -> Json:
    return {
        "event": "bounced",
        "recipient": "lead@example.net",
        "code": "550",
        "error": "5.1.1 No such user here",
        "timestamp": "1768471205",
        "token": "secret-token",
        "signature": "secret-signature",
        "Message-Id": "<1@sender.example>",
        "lead_source": "Webinar 2026",
        **{
            name.replace("_", "-") if name != "lead_source" else name: v
            for name, v in changes.items()
        },
    }


def read(content: object) -> Parsed:
    payload = Payload(provider="mailgun", content=content, received_at=RECEIVED)
    return providers.read(payload, Settings())


def only(data: Json) -> MailEvent:
    parsed = read({"signature": {"token": "secret-token"}, "event-data": data})
    assert not parsed.refused
    [event] = parsed.events
    return event


def legacy(fields: Json) -> MailEvent:
    parsed = read(fields)
    assert not parsed.refused
    [event] = parsed.events
    return event


def test_a_failure_is_read_in_our_words() -> None:
    """The reply is put together again, and the sender's variables give the lead source."""
    # GIVEN a permanent failure
    # WHEN it is read
    event = only(failed())

    # THEN it is a bounce
    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "failed")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert event.lead_date == date(2026, 1, 2)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, 250_000, tzinfo=UTC)
    assert event.message_id == "1@sender.example"
    assert (event.diagnostic, event.status) == ("550 5.1.1 No such user here", "5.1.1")
    assert event.permanence is Permanence.PERMANENT


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("accepted", Kind.SEND),
        ("delivered", Kind.DELIVERY),
        ("rejected", Kind.REJECT),
        ("complained", Kind.COMPLAINT),
        ("unsubscribed", Kind.UNSUBSCRIBE),
        ("opened", Kind.OPEN),
        ("clicked", Kind.CLICK),
    ],
)
def test_every_kind_has_its_own(word: str, kind: Kind) -> None:
    assert only(failed(event=word, severity=None)).kind is kind


@pytest.mark.parametrize("bounce_type", ["hard", "soft", None])
def test_a_temporary_failure_is_a_delay(bounce_type: str | None) -> None:
    """Mailgun tries again, whatever it makes of the reply."""
    data = failed(severity="temporary", delivery_status=status(bounce_type=bounce_type))

    assert only(data).kind is Kind.DELIVERY_DELAY


@pytest.mark.parametrize(
    "reason", ["suppress-bounce", "suppress-complaint", "Suppress-Unsubscribe"]
)
def test_mailguns_own_list_is_an_echo(reason: str) -> None:
    event = only(failed(reason=reason, delivery_status=None))

    assert event.provider_reason is ProviderReason.SUPPRESSION_LIST
    assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


@pytest.mark.parametrize("code", [605, 606, 607, "605"])
def test_so_is_its_code(code: object) -> None:
    data = failed(
        reason=None,
        delivery_status=status(
            code=code, enhanced_code="", message="", description="Not delivering"
        ),
    )
    event = only(data)

    assert (event.diagnostic, event.kind) == ("", Kind.BOUNCE)
    assert classify_event(event).category is Category.PROVIDER_SUPPRESSED


@pytest.mark.parametrize(
    ("code", "message", "category"),
    [
        (498, "No MX for nowhere.example", Category.DOMAIN_UNKNOWN),
        (499, "Unable to connect to MX servers: [mx.nowhere.example]", Category.NETWORK_ERROR),
        (602, "Too old", Category.EXPIRED),
        (421, "Too old", Category.EXPIRED),
        (625, "Poor mailing list quality", Category.POLICY),
    ],
)
def test_what_mailgun_found_itself_is_no_reply(code: int, message: str, category: Category) -> None:
    """Its codes and words go through tables, and not through the rules for replies."""
    data = failed(
        reason="generic", delivery_status=status(code=code, enhanced_code="", message=message)
    )
    event = only(data)

    assert event.diagnostic == ""
    assert classify_event(event).category is category


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({}, Category.MAILBOX_UNKNOWN),
        ({"reason": "hardfail"}, Category.MAILBOX_UNKNOWN),
        ({"reason": "espblock"}, Category.POLICY),
        ({"reason": "old"}, Category.EXPIRED),
        ({"reason": "generic"}, Category.UNKNOWN),
        ({"reason": "new-reason"}, Category.UNKNOWN),
        ({"severity": "new-severity"}, Category.UNKNOWN),
        ({"delivery_status": {"bounce-type": "soft"}}, Category.UNKNOWN),
    ],
)
def test_without_a_reply_mailguns_own_opinion_decides(changes: Json, category: Category) -> None:
    event = only(failed(**{"delivery_status": {}, **changes}))

    assert (event.kind, event.diagnostic) == (Kind.BOUNCE, "")
    assert classify_event(event).category is category


def test_the_reply_comes_before_mailguns_opinion() -> None:
    """A block that Mailgun calls a hard bounce suppresses nobody."""
    block = status(message="5.7.1 Blocked, your IP is listed at Spamhaus", enhanced_code="5.7.1")

    assert classify_event(only(failed(delivery_status=block))).category is Category.REPUTATION_BLOCK


def test_a_description_stands_in_for_a_missing_message() -> None:
    said = status(message="", description="Recipient unknown")

    assert only(failed(delivery_status=said)).diagnostic == "550 Recipient unknown"


def test_a_message_that_mailgun_never_sent_is_about_its_only_recipient() -> None:
    """A reject has the header To only; it suppresses nobody."""
    message = {"headers": {"to": "Lead <lead@example.net>", "message-id": "1@sender.example"}}
    event = only(failed(event="rejected", recipient=None, message=message))

    assert (event.kind, event.address) == (Kind.REJECT, "lead@example.net")


def test_no_other_kind_takes_its_recipient_from_a_header() -> None:
    """A header names whoever the sender liked."""
    parsed = read({"event-data": failed(recipient=None)})

    assert [error.field for error in parsed.refused] == ["event-data.recipient"]


@pytest.mark.parametrize(
    "places",
    [
        {"user_variables": [], "tags": ["news", "lead_source:fair"]},
        {"user_variables": {}, "message": {"headers": {"X-Lead-Source": "fair"}}},
        {"user_variables": {"LEAD_SOURCE": "fair"}, "tags": ["lead_source:other"]},
    ],
)
def test_the_lead_source_may_be_in_variables_tags_or_a_header(places: Json) -> None:
    assert only(failed(**places)).lead_source == "fair"


def test_mail_in_test_mode_is_a_notice() -> None:
    """Mailgun sends none of it, and calls it delivered."""
    assert read({"event-data": failed(flags={"is-test-mode": True})}).notices == ("test-mode",)


def test_the_event_id_is_mailguns_and_the_time() -> None:
    """Mailgun says that its id is unique within a day."""
    first = only(failed())

    assert only(failed(reason="other", delivery_status={})).event_id == first.event_id
    assert only(failed(id="event-2")).event_id != first.event_id
    assert only(failed(timestamp=1768384805.25)).event_id != first.event_id
    assert only(failed(recipient="other@example.net")).event_id != first.event_id


def test_the_token_of_the_signature_is_not_the_event() -> None:
    """It is another one wherever the event is sent again."""
    other = read({"signature": {"token": "another"}, "event-data": failed()})

    assert other.events[0].event_id == only(failed()).event_id


def test_without_an_id_the_event_itself_is_one() -> None:
    first = only(failed(id=None))

    assert only(failed(id=None, reason="x")).event_id == first.event_id
    assert only(failed(id=None, event="complained")).event_id != first.event_id


def test_a_document_is_without_the_signature() -> None:
    """What is queued needs none, and it would let a reader of the queue sign."""
    for content in ({"signature": {"token": "secret-token"}, "event-data": failed()}, form()):
        payload = Payload(provider="mailgun", content=content, received_at=RECEIVED)
        [document] = mailgun.split(payload)

        assert "secret" not in json.dumps(document.body)


# ----------------------------------------------------------------------------- legacy


def test_a_legacy_bounce_is_read_like_one_of_today() -> None:
    event = legacy(form())

    assert (event.kind, event.provider_kind) == (Kind.BOUNCE, "bounced")
    assert (event.address, event.lead_source) == ("lead@example.net", "webinar-2026")
    assert (event.diagnostic, event.message_id) == (
        "550 5.1.1 No such user here",
        "1@sender.example",
    )
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert event.permanence is Permanence.PERMANENT


@pytest.mark.parametrize(
    ("changes", "category"),
    [
        ({"code": "605", "description": "Not delivering"}, Category.PROVIDER_SUPPRESSED),
        ({"code": "607", "reason": "hardfail"}, Category.PROVIDER_SUPPRESSED),
        ({"code": "602", "reason": "old"}, Category.EXPIRED),
        ({"code": "499", "description": "Unable to connect"}, Category.NETWORK_ERROR),
        ({"code": "550", "description": "5.7.1 blocked by Spamhaus"}, Category.REPUTATION_BLOCK),
    ],
)
def test_a_legacy_drop_has_its_reason_in_the_code(changes: Json, category: Category) -> None:
    event = legacy(form(**{"event": "dropped", "error": None, **changes}))

    assert classify_event(event).category is category


def test_an_enhanced_status_may_stand_for_the_code() -> None:
    event = legacy(form(code="5.1.1", error="No such user here"))

    assert (event.status, event.diagnostic) == ("5.1.1", "No such user here")


def test_a_notification_holds_the_reply_where_there_is_no_error() -> None:
    assert legacy(form(error="", notification="No such user")).diagnostic == "550 No such user"


def test_variables_are_found_in_the_header_that_mailgun_makes() -> None:
    variables = [
        ["X-Mailgun-Variables", '{"a": 1}'],
        ["x-mailgun-variables", '{"lead_source": "fair"}'],
    ]
    event = legacy(form(message_headers=json.dumps(variables)))

    assert event.lead_source == "fair"


@pytest.mark.parametrize(
    "headers",
    [
        *("", "{", "5", "[[]]", '[["X-Mailgun-Variables", "["]]', '[["X-Mailgun-Variables", 5]]'),
        *(
            "[" * 60_000,
            '[["Content-Type", ["text/plain", {}]]]',
            '[["A", "' + "b" * 70_000 + '"]]',
        ),
    ],
)
def test_headers_that_cannot_be_read_cost_nothing(headers: str) -> None:
    assert legacy(form(message_headers=headers)).lead_source == "webinar-2026"


def test_the_senders_variables_do_not_replace_mailguns_fields() -> None:
    """Mailgun's own come first, but for those of the signature, which come last."""
    fields = form(
        recipient=["lead@example.net", "victim@example.net"],
        event=["bounced", "complained"],
        timestamp=["1000000000", "1768471205"],
    )
    event = legacy(fields)

    assert (event.address, event.kind) == ("lead@example.net", Kind.BOUNCE)
    assert event.occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("recipient", ["lead@example.net", "Fair 2026"]),
        ("event", ["bounced", "Fair 2026"]),
        ("token", ["Fair 2026", "secret-token"]),
    ],
)
def test_a_variable_may_have_the_name_of_a_field_of_mailguns(name: str, values: list[str]) -> None:
    """Its value is the other one, and without another one there is no variable."""
    settings = Settings(lead_source_tag=name)
    several = Payload(provider="mailgun", content=form(**{name: values}), received_at=RECEIVED)
    one = Payload(provider="mailgun", content=form(), received_at=RECEIVED)

    assert providers.read(several, settings).events[0].lead_source == "fair-2026"
    if name == "token":
        assert providers.read(one, settings).events[0].lead_source == "unattributed"


def test_tags_of_a_form_are_one_or_several() -> None:
    assert legacy(form(lead_source="", tag="lead_source:fair")).lead_source == "fair"
    assert legacy(form(lead_source="", tag=["a", "lead_source:fair"])).lead_source == "fair"


# -------------------------------------------------------------------------------- odd


def test_a_new_word_is_carried_and_counted() -> None:
    parsed = read({"event-data": failed(event="moon_phase")})

    assert [event.kind for event in parsed.events] == [Kind.OTHER]
    assert parsed.unknown_kinds == ("moon_phase",)


def test_an_event_about_nobody_is_a_notice() -> None:
    assert read({"event-data": {"event": "list_uploaded"}}).notices == ("list_uploaded",)


@pytest.mark.parametrize(
    ("data", "error", "field"),
    [
        (failed(recipient="nobody"), AddressError, "event-data.recipient"),
        (failed(recipient=5), PayloadError, "event-data.recipient"),
        (failed(event=None), PayloadError, "event-data.event"),
        (failed(event="delivered", recipient=None), PayloadError, "event-data.recipient"),
    ],
)
def test_a_bad_event_is_refused_by_its_field(
    data: Json, error: type[Exception], field: str
) -> None:
    [refused] = read({"event-data": data}).refused

    assert (type(refused), refused.field) == (error, field)


@pytest.mark.parametrize("content", ["text", [], {"recipient": "a@b.example"}, {"event-data": []}])
def test_a_request_of_another_form_is_refused_whole(content: object) -> None:
    with pytest.raises(PayloadError):
        read(content)


@pytest.mark.parametrize(
    "key",
    [
        *("timestamp", "id", "severity", "reason", "delivery_status", "message", "tags"),
        *("user_variables", "flags"),
    ],
)
@pytest.mark.parametrize("value", [None, True, 5, -1.5, "x", [], ["\ud800"], {"a": []}])
def test_an_odd_field_does_not_cost_the_event(key: str, value: object) -> None:
    """Each field but the recipient and the kind can be missing or something else."""
    event = only(failed(**{key: value}))

    assert (event.address, event.kind) == ("lead@example.net", Kind.BOUNCE)
    assert event.occurred_at <= RECEIVED


@pytest.mark.parametrize("key", ["code", "message", "description", "enhanced_code", "bounce_type"])
@pytest.mark.parametrize("value", [None, True, -1.5, [], {"a": []}, "\ud800" * 20_000])
def test_nor_does_an_odd_part_of_the_reply(key: str, value: object) -> None:
    event = only(failed(delivery_status=status(**{key: value})))

    assert event.kind is Kind.BOUNCE
