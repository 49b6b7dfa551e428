"""SES documents, read into events."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.envelope import unwrap
from bounceledger.errors import AddressError, InputError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, Payload, ses
from bounceledger.providers.ses_recipients import MAX_REPORTED_DIAGNOSTIC
from bounceledger.settings import Settings

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


SETTINGS = Settings(allowed_accounts=frozenset("*"))


type Json = dict[str, Any]


def bounce(*recipients: object, **changes: object) -> Json:
    return {
        "eventType": "Bounce",
        "bounce": {
            "feedbackId": "feedback-1",
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": list(recipients) or [recipient("lead@example.net")],
            "timestamp": "2026-01-15T10:00:05.000Z",
            **changes,
        },
        "mail": mail(),
    }


def recipient(address: str, **changes: object) -> Json:
    return {
        "emailAddress": address,
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        **changes,
    }


def mail(**changes: object) -> Json:
    return {
        "timestamp": "2026-01-15T10:00:00.000Z",
        "sendingAccountId": "111122223333",
        "messageId": "mail-1",
        "destination": ["lead@example.net", "other@example.net"],
        "headers": [],
        "tags": {"lead_source": ["webinar"]},
        **changes,
    }


def event(kind: str, section: str, content: Json, **changes: object) -> Json:
    return {"eventType": kind, "mail": mail(**changes), section: content}


def read(payload: Payload, settings: Settings = SETTINGS, *, now: datetime = NOW) -> Parsed:
    [document] = ses.split(payload)
    return ses.read(document, settings, now=lambda: now)


def parse(body: Json, *, now: datetime = NOW, **wrapping: Any) -> Parsed:
    return read(Payload(provider="ses", content=body, **wrapping), now=now)


def only(body: Json, **envelope: Any) -> MailEvent:
    parsed = parse(body, **envelope)
    assert not parsed.refused
    (found,) = parsed.events
    return found


def addresses(body: Json) -> list[str]:
    return [found.address for found in parse(body).events]


NOTHING = ("", ProviderReason.UNSTATED)


def test_a_bounce_becomes_an_event_with_every_field() -> None:
    """Each field of the event comes from its own place in the document."""
    published = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
    assert only(bounce(), received_at=published) == MailEvent(
        event_id=only(bounce()).event_id,
        provider="ses",
        kind=Kind.BOUNCE,
        provider_kind="Bounce",
        address="lead@example.net",
        lead_source="webinar",
        occurred_at=datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC),
        mailed_at=datetime(2026, 1, 15, 10, tzinfo=UTC),
        reported_at=published,
        message_id="mail-1",
        diagnostic="smtp; 550 5.1.1 user unknown",
        status="5.1.1",
        action="failed",
        permanence=Permanence.PERMANENT,
        provider_reason=ProviderReason.GENERAL,
    )


def test_only_the_bounced_recipients_get_events() -> None:
    """A message to many may bounce for one."""
    assert addresses(bounce(recipient("other@example.net"))) == ["other@example.net"]


def test_every_recipient_has_a_status_of_its_own() -> None:
    # GIVEN a bounce of two recipients with different statuses
    body = bounce(
        recipient("lead@example.net"),
        recipient("other@example.net", status="4.2.2", diagnosticCode=None),
    )

    # WHEN it is read
    first, second = parse(body).events

    # THEN each event has its own
    assert (first.status, first.action) == ("5.1.1", "failed")
    assert (second.status, second.action, second.diagnostic) == ("4.2.2", "failed", "")


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        (
            event("Delivery", "delivery", {"recipients": ["a@b.example"], "smtpResponse": "250"}),
            Kind.DELIVERY,
            ("250", ProviderReason.UNSTATED),
        ),
        (
            event(
                "DeliveryDelay",
                "deliveryDelay",
                {
                    "delayType": "MailboxFull",
                    "delayedRecipients": [
                        {"emailAddress": "a@b.example", "status": "4.2.2", "diagnosticCode": "452"}
                    ],
                },
            ),
            Kind.DELIVERY_DELAY,
            ("452", ProviderReason.UNSTATED),
        ),
        (
            event(
                "Complaint",
                "complaint",
                {
                    "complainedRecipients": [{"emailAddress": "a@b.example"}],
                    "complaintFeedbackType": "Not-Spam",
                    "complaintSubType": "OnAccountSuppressionList",
                },
                destination=["a@b.example"],
            ),
            Kind.COMPLAINT,
            ("", ProviderReason.NOT_SPAM),
        ),
        (
            event("Reject", "reject", {"reason": "Bad content"}, destination=["a@b.example"]),
            Kind.REJECT,
            ("Bad content", ProviderReason.UNSTATED),
        ),
        (
            event(
                "Rendering Failure",
                "failure",
                {"errorMessage": "no x"},
                destination=["a@b.example"],
            ),
            Kind.RENDERING_FAILURE,
            ("no x", ProviderReason.UNSTATED),
        ),
        (event("Send", "send", {}, destination=["a@b.example"]), Kind.SEND, NOTHING),
        (event("Open", "open", {}, destination=["a@b.example"]), Kind.OPEN, NOTHING),
        (event("Click", "click", {}, destination=["a@b.example"]), Kind.CLICK, NOTHING),
        (
            event("Subscription", "subscription", {}, destination=["a@b.example"]),
            Kind.SUBSCRIPTION,
            NOTHING,
        ),
        (event("Teleport", "teleport", {}, destination=["a@b.example"]), Kind.OTHER, NOTHING),
        (event("Mail", "mail", mail(destination=["a@b.example"])), Kind.OTHER, NOTHING),
    ],
)
def test_every_kind_names_its_recipients_in_its_own_place(
    body: Json, kind: Kind, detail: tuple[str, ProviderReason]
) -> None:
    """SES lists recipients under another key for each kind."""
    found = only(body)

    assert (found.kind, found.address) == (kind, "a@b.example")
    assert (found.diagnostic, found.provider_reason) == detail


OPT_IN, OPT_OUT = ({"topicName": "t", "subscriptionStatus": f"Opt{one}"} for one in ("In", "Out"))


@pytest.mark.parametrize(
    ("new", "is_unsubscribe"),
    [
        ({"unsubscribeAll": True}, True),
        ({"unsubscribeAll": True, "topicSubscriptionStatus": [OPT_IN]}, True),
        ({"UnsubscribeAll": True}, True),
        ({"topicSubscriptionStatus": [OPT_OUT, OPT_OUT]}, True),
        (
            {
                "unsubscribeAll": False,
                "topicSubscriptionStatus": [OPT_OUT],
                "topicDefaultSubscriptionStatus": [OPT_OUT],
            },
            True,
        ),
        ({"unsubscribeAll": False, "topicSubscriptionStatus": [OPT_OUT, OPT_IN]}, False),
        (
            {
                "topicSubscriptionStatus": [OPT_OUT],
                "topicDefaultSubscriptionStatus": [OPT_IN],
            },
            False,
        ),
        ({"topicDefaultSubscriptionStatus": [OPT_OUT]}, False),
        ({"unsubscribeAll": False, "topicSubscriptionStatus": []}, False),
        ({"unsubscribeAll": "true"}, False),
        ({"topicSubscriptionStatus": "OptOut"}, False),
        ({"topicSubscriptionStatus": [OPT_OUT], "topicDefaultSubscriptionStatus": "x"}, False),
        ({"topicSubscriptionStatus": [OPT_OUT, "OptOut"]}, False),
        (None, False),
        ("all", False),
    ],
)
def test_new_preferences_that_leave_no_subscription_are_an_unsubscribe(
    new: object, *, is_unsubscribe: bool
) -> None:
    """Any other change of them suppresses nobody, in whatever form it comes."""
    said = {"source": "UnsubscribeHeader", "newTopicPreferences": new}
    found = only(event("Subscription", "subscription", said, destination=["a@b.example"]))

    assert found.kind is (Kind.UNSUBSCRIBE if is_unsubscribe else Kind.SUBSCRIPTION)
    assert (found.address, found.ambiguous) == ("a@b.example", False)


def test_an_unsubscribe_from_a_message_to_several_may_be_any_recipients() -> None:
    """SES names nobody in the section, so all of the message's recipients stand for one."""
    said = {"newTopicPreferences": {"unsubscribeAll": True}}
    found = parse(event("Subscription", "subscription", said)).events
    assert [(one.kind, one.ambiguous) for one in found] == [(Kind.UNSUBSCRIBE, True)] * 2


def test_an_unknown_kind_is_accepted_whatever_it_holds() -> None:
    """SES adds kinds without notice."""
    # GIVEN a kind of tomorrow whose section is of another shape, without any mail
    parsed = parse({"eventType": "Teleport", "teleport": 5, "mail": None})

    # THEN there is nobody to record anything about and nothing to refuse, but a trace of it
    assert parsed == Parsed(notices=("Teleport",), unknown_kinds=("Teleport",))


@pytest.mark.parametrize("word", ["bounce", "BOUNCE", " Bounce "])
def test_the_case_of_a_kind_does_not_matter(word: str) -> None:
    assert only({**bounce(), "eventType": word}).kind is Kind.BOUNCE


def test_keys_are_found_in_another_case() -> None:
    """SES's documentation and events spell some keys differently."""
    # GIVEN keys as the documentation spells them
    body = bounce()
    body["bounce"]["bounceSubtype"] = body["bounce"].pop("bounceSubType")
    body["bounce"]["feedbackID"] = body["bounce"].pop("feedbackId")

    # THEN the same event is read
    assert only(body) == only(bounce())


def test_both_formats_read_the_same_and_the_event_format_wins() -> None:
    """SES has event publishing and older feedback notifications."""
    notification = bounce()
    notification["notificationType"] = notification.pop("eventType")

    assert only(notification) == only(bounce())
    assert only({**bounce(), "notificationType": "Delivery"}) == only(bounce())
    assert only({**notification, "eventType": None}) == only(bounce())


def test_null_is_the_same_as_absent() -> None:
    # GIVEN nulls wherever something may be missing
    sparse = bounce({"emailAddress": "lead@example.net"})
    nulls = bounce(recipient("lead@example.net", status=None, action=None, diagnosticCode=None))
    nulls["mail"] = mail(headers=None, commonHeaders=None)

    # THEN both read the same
    assert only(nulls) == only(sparse)
    assert only(nulls).diagnostic == ""


def test_a_document_without_a_mail_object_is_read_as_far_as_it_goes() -> None:
    """The bounce is evidence even if its source is unknown."""
    # GIVEN a bounce without its mail object
    body = bounce()
    del body["mail"]

    # WHEN it is read
    found = only(body)

    # THEN the recipient is there, without message and lead source
    assert (found.address, found.message_id) == ("lead@example.net", "")
    assert found.lead_source == "unattributed"


def test_a_bounced_recipient_may_be_a_string() -> None:
    assert addresses(bounce("lead@example.net")) == ["lead@example.net"]


def test_a_recipient_named_twice_counts_once() -> None:
    assert addresses(bounce(recipient("Lead@example.net"), recipient("lead@EXAMPLE.net"))) == [
        "lead@example.net"
    ]


def complaint(recipients: object, **changes: object) -> Json:
    content = {
        "feedbackId": "f",
        "complainedRecipients": recipients,
        "timestamp": "2026-01-15T10:00:05Z",
    }
    return event("Complaint", "complaint", content, **changes)


def test_a_complaint_that_names_several_is_ambiguous() -> None:
    """Mailbox providers redact who complained, so SES lists all candidates."""
    destination = [f"{c}@example.net" for c in "abcd"]
    named = [{"emailAddress": f"{c}@example.net"} for c in "abc"]
    several = parse(complaint(named, destination=destination))
    alone = parse(complaint(named[:1], destination=destination))

    assert [found.ambiguous for found in several.events] == [True] * 3
    assert [found.ambiguous for found in alone.events] == [False]


@pytest.mark.parametrize("recipients", [None, []])
def test_a_complaint_that_names_nobody_is_about_the_only_recipient(recipients: object) -> None:
    body = complaint(recipients, destination=["lead@example.net"])

    assert only(body).address == "lead@example.net"


@pytest.mark.parametrize("destination", [None, [], ["a@example.net", "b@example.net"]])
def test_a_complaint_that_could_be_anybodys_is_counted_and_not_guessed(destination: object) -> None:
    """A guess would suppress people who did not complain."""
    found = only(complaint(None, destination=destination))

    assert (found.kind, found.address, found.unmatched) == (Kind.COMPLAINT, "", True)


def test_a_bad_recipient_does_not_cost_the_others() -> None:
    """Each bad one is refused with its own path."""
    # GIVEN a bounce of several recipients, of a message that does not say to whom it was sent
    body = bounce(
        recipient("good@example.net"),
        recipient("not-an-address"),
        {"status": "5.1.1"},
        5,
        recipient("bad@example.net", diagnosticCode=["550 5.1.1"]),
        recipient("also-good@example.net"),
    )
    body["mail"]["destination"] = None

    # WHEN it is read
    parsed = parse(body)

    # THEN the good ones are read
    assert [found.address for found in parsed.events] == [
        "good@example.net",
        "also-good@example.net",
    ]

    # AND each bad one is refused with its path
    refused = sorted(parsed.refused, key=lambda error: error.field)
    assert [(type(error), error.field) for error in refused] == [
        (AddressError, "bounce.bouncedRecipients[1].emailAddress"),
        (PayloadError, "bounce.bouncedRecipients[2].emailAddress"),
        (PayloadError, "bounce.bouncedRecipients[3]"),
        (PayloadError, "bounce.bouncedRecipients[4].diagnosticCode"),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "eventType"),
        ({"eventType": None, "mail": mail()}, "eventType"),
        ({"eventType": " "}, "eventType"),
        ({"eventType": 5}, "eventType"),
        ({"notificationType": ["Bounce"]}, "notificationType"),
        ({"notificationType": "Received", "receipt": {}, "mail": mail()}, "eventType"),
        ({"eventType": "Bounce", "mail": mail()}, "bounce"),
        ({"eventType": "Bounce", "bounce": []}, "bounce"),
        ({**bounce(), "mail": "x"}, "mail"),
        ({**bounce(), "mail": mail(messageId=5)}, "mail.messageId"),
        (bounce(bouncedRecipients={}), "bounce.bouncedRecipients"),
        (bounce(bouncedRecipients=["a@b.example"] * 101), "bounce.bouncedRecipients"),
    ],
)
def test_a_document_that_ses_does_not_send_is_refused_with_its_field(
    body: Json, field: str
) -> None:
    with pytest.raises(PayloadError) as caught:
        parse(body)

    assert caught.value.field == field


def test_a_bounce_without_a_list_of_recipients_is_refused() -> None:
    parsed = parse(bounce(bouncedRecipients=None))

    assert parsed.events == ()
    assert [error.field for error in parsed.refused] == ["bounce.bouncedRecipients"]


def test_the_time_is_the_events_own_then_the_mails_then_the_wrappings() -> None:
    """The most specific clock wins, and no clock is ahead of ours."""
    received = NOW - timedelta(hours=1)
    timeless = bounce(timestamp=None)

    assert only(bounce()).occurred_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert only(timeless).occurred_at == datetime(2026, 1, 15, 10, tzinfo=UTC)
    timeless["mail"]["timestamp"] = ""
    assert only(timeless, received_at=received).occurred_at == received
    assert only(timeless, received_at=NOW + timedelta(days=300)).occurred_at == NOW
    assert only(timeless).occurred_at == NOW


@pytest.mark.parametrize("timestamp", [None, "", "soon", 5, "1999-01-01T00:00:00Z", "2027-01-01"])
def test_an_impossible_time_of_mailing_costs_no_event(timestamp: object) -> None:
    """Nor does the receiving server's clock choose the day on which it counts."""
    # GIVEN a bounce with a time of its own, of a message whose time is missing or impossible
    received = NOW - timedelta(hours=1)
    found = only({**bounce(), "mail": mail(timestamp=timestamp)}, received_at=received)

    # THEN it is read, and counts by the time of its publication
    assert found.mail_time == received


def test_the_same_feedback_is_the_same_event_however_often_it_is_published() -> None:
    """A redelivery under another id and time is recorded once."""
    # WHEN one feedback arrives in two messages, at two times
    first = only(bounce(), transport_id="sns-1")
    second = only(bounce(timestamp="2026-01-15T11:00:00Z"), transport_id="sns-2")

    # THEN it is one event
    assert first.event_id == second.event_id


def test_other_kinds_recipients_and_feedback_are_other_events() -> None:
    """No two different events may share a marker."""
    ids = {
        only(bounce()).event_id,
        only(bounce(feedbackId="feedback-2")).event_id,
        only(bounce(recipient("other@example.net"))).event_id,
        only(complaint([{"emailAddress": "lead@example.net"}])).event_id,
        only(bounce(feedbackId=None)).event_id,
        only({**bounce(feedbackId=None), "mail": mail(messageId="mail-2")}).event_id,
        only({**bounce(feedbackId=None), "mail": None}, transport_id="t").event_id,
    }

    assert len(ids) == 7


def test_delays_of_one_message_differ_by_their_time() -> None:
    """Delays have no feedback id."""

    def delay(at: str) -> str:
        content = {"timestamp": at, "delayedRecipients": [{"emailAddress": "lead@example.net"}]}
        return only(event("DeliveryDelay", "deliveryDelay", content)).event_id

    assert delay("2026-01-15T10:00:00Z") == delay("2026-01-15T10:00:00.000Z")
    assert delay("2026-01-15T10:00:00Z") != delay("2026-01-15T10:30:00Z")


WRAPPINGS: list[Callable[[Json], object]] = [
    lambda body: body,
    json.dumps,
    lambda body: {"eventSource": "aws:sqs", "messageId": "q", "body": json.dumps(body)},
    lambda body: {"Type": "Notification", "MessageId": "n", "Message": json.dumps(body) + "\n"},
    lambda body: {"detail-type": "Email Bounced", "source": "aws.ses", "id": "e", "detail": body},
    lambda body: {"Sns": {"Type": "Notification", "MessageId": "l", "Message": json.dumps(body)}},
    lambda body: {"requestPayload": {"Records": [{"eventSource": "aws:sqs", "body": body}]}},
]


@pytest.mark.parametrize("inner", WRAPPINGS)
@pytest.mark.parametrize("outer", WRAPPINGS)
def test_the_wrapping_does_not_show_in_the_events(
    inner: Callable[[Json], object], outer: Callable[[Any], object]
) -> None:
    """The same event may arrive over SNS, EventBridge or a redrive."""
    payload = unwrap(outer(inner(bounce())), provider="ses")

    assert read(payload) == parse(bounce())


HEADER = {"name": "x-lead-SOURCE", "value": " Trade Fair "}


TAGS_HEADER = {"name": "X-SES-MESSAGE-TAGS", "value": "campaign=x, lead_source=partner-7"}


SET_HEADER = {"name": "X-SES-CONFIGURATION-SET", "value": "newsletter"}


SET_TAG = {"ses:configuration-set": ["leads"]}


@pytest.mark.parametrize(
    ("tags", "headers", "source"),
    [
        ({"lead_source": ["Webinar"], **SET_TAG}, [HEADER, TAGS_HEADER], "webinar"),
        ({"lead_source": ["a", "b"]}, [], "a"),
        ({"lead_source": "a"}, [], "a"),
        ({"Lead_Source": ["a"]}, [], "a"),
        ({"lead_source": ["###"], **SET_TAG}, [HEADER], "trade-fair"),
        ({"lead_source": [None, 5]}, [HEADER], "trade-fair"),
        ({"lead_source": None}, [HEADER], "trade-fair"),
        (SET_TAG, [HEADER, TAGS_HEADER], "partner-7"),
        (SET_TAG, [HEADER], "trade-fair"),
        (SET_TAG, [SET_HEADER], "leads"),
        (SET_TAG, None, "leads"),
        ({}, [SET_HEADER], "newsletter"),
        (None, [HEADER], "trade-fair"),
        (None, None, "unattributed"),
        ({}, [{"name": "X-Lead-Source", "value": "=?UTF-8?Q?Gro=C3=9Fe_Messe?="}], "grosse-messe"),
        ({}, [{"name": "X-Lead-Source", "value": "=?nope?Q?x=C3?="}], "nope-q-x-c3"),
        ({}, [{"name": "X-Lead-Source", "value": "a\ud800b"}], "a-b"),
        ({}, [{"name": "X-Lead-Source"}], "unattributed"),
        ({}, [HEADER, {"name": "X-Lead-Source", "value": "second"}], "trade-fair"),
    ],
)
def test_the_lead_source_is_the_first_of_tag_header_and_configuration_set(
    tags: object, headers: object, source: str
) -> None:
    body = {**bounce(), "mail": mail(tags=tags, headers=headers)}

    assert only(body).lead_source == source


@pytest.mark.parametrize(
    ("text", "lead_date"),
    [
        ("2026-01-05", date(2026, 1, 5)),
        ("1990-01-01", date(1990, 1, 1)),
        ("1989-12-31", None),
        ("20260105", None),
        ("2026-W02-1", None),
        ("2026-1-5", None),
        ("2026-02-30", None),
        ("2026-01-05T00:00:00Z", None),
        (" 2026-01-05", None),
        ("\u0662026-01-05", None),
        ("2026-01-\ud800", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_a_lead_date_is_a_day_that_can_be(text: str, lead_date: date | None) -> None:
    """Anything else is as if there were no tag."""
    body = {**bounce(), "mail": mail(tags={"lead_date": [text]})}

    assert only(body).lead_date == lead_date


def test_a_lead_is_collected_on_the_day_of_mailing_at_the_latest() -> None:
    """The message was mailed on 15 January."""

    def lead_date(day: str) -> date | None:
        return only({**bounce(), "mail": mail(tags={"lead_date": [day]})}).lead_date

    assert lead_date("2026-01-15") == date(2026, 1, 15)
    assert lead_date("2026-01-16") is None


@pytest.mark.parametrize(
    ("tags", "headers", "lead_date"),
    [
        ({"Lead_Date": "2026-01-05"}, [], date(2026, 1, 5)),
        ({"lead_date": ["2026-01-05", "2026-01-04"]}, [], date(2026, 1, 5)),
        ({"lead_date": [None, 5]}, [], None),
        ({"lead_date": {"day": "2026-01-05"}}, None, None),
        (None, [{"name": "X-SES-Message-Tags", "value": "a=b, lead_date=2026-01-05"}], "header"),
        ("lead_date", "lead_date", None),
    ],
)
def test_the_lead_date_is_a_message_tag(tags: object, headers: object, lead_date: object) -> None:
    body = {**bounce(), "mail": mail(tags=tags, headers=headers)}

    assert only(body).lead_date == (date(2026, 1, 5) if lead_date == "header" else lead_date)


def test_the_name_of_the_tag_with_the_lead_date_is_a_setting() -> None:
    settings = Settings(allowed_accounts=frozenset("*"), lead_date_tag="collected")
    tags = {"collected": ["2026-01-05"], "lead_date": ["2025-01-01"]}
    content = {**bounce(), "mail": mail(tags=tags)}

    [event] = read(Payload(provider="ses", content=content), settings).events
    assert event.lead_date == date(2026, 1, 5)


def test_the_names_of_tag_and_header_and_the_default_are_settings() -> None:
    settings = Settings(
        allowed_accounts=frozenset("*"),
        lead_source_tag="source",
        lead_source_header="Origin",
        lead_source_default="nobody",
    )

    def source(**changes: object) -> str:
        content = {**bounce(), "mail": mail(**changes)}
        return read(Payload(provider="ses", content=content), settings).events[0].lead_source

    assert source(tags={"source": ["a"]}) == "a"
    assert source(tags={}, headers=[{"name": "origin", "value": "b"}]) == "b"
    assert source(tags={}) == "nobody"


@pytest.mark.parametrize(
    ("in_mail", "in_wrapping", "allowed"),
    [
        ("111122223333", "", True),
        ("444455556666", "", False),
        (None, "", False),
        (None, "111122223333", True),
        ("444455556666", "111122223333", False),
    ],
)
def test_only_events_of_allowed_accounts_are_read(
    in_mail: str | None, in_wrapping: str, *, allowed: bool
) -> None:
    """What EventBridge says counts only where the event itself says nothing."""
    # GIVEN a deployment that allows one account, and an event of some account
    settings = Settings(allowed_accounts=frozenset({"111122223333"}))
    content = {**bounce(), "mail": mail(sendingAccountId=in_mail)}
    payload = Payload(provider="ses", content=content, account=in_wrapping)

    # THEN it is read if the message was sent from that account; what EventBridge says counts
    # where the event itself says nothing
    if allowed:
        assert read(payload, settings).events
    else:
        with pytest.raises(PayloadError) as caught:
            read(payload, settings)
        assert caught.value.field == "mail.sendingAccountId"


def test_the_kind_of_an_eventbridge_event_may_stand_outside_only() -> None:
    """EventBridge names the kind in its detail-type."""
    # GIVEN a detail about a message that has no kind itself
    silent = {**bounce(), "eventType": None}

    # THEN the detail-type stands in, and the event's own word wins where there is one
    assert only(silent, detail_type="Email Bounced").kind is Kind.BOUNCE
    assert only(bounce(), detail_type="Email Delivered").kind is Kind.BOUNCE


@pytest.mark.parametrize(
    "changes",
    [
        {"feedbackId": 5},
        {"reportingMTA": ["dns", "mx.example"]},
        {"bounceType": 1, "bounceSubType": {}},
        {"bouncedRecipients": [recipient("lead@example.net", status=5.1, action=["failed"])]},
    ],
)
def test_what_a_report_may_lack_may_also_be_of_a_wrong_type(changes: Json) -> None:
    """The reply and whom it is about are there: a dead address must not stay mailable."""
    found = only(bounce(**changes))

    assert (found.address, found.diagnostic) == (
        "lead@example.net",
        "smtp; 550 5.1.1 user unknown",
    )
    assert found.status in ("5.1.1", "")


@pytest.mark.parametrize(
    "content",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have …"},
    ],
)
def test_the_notice_that_a_topic_was_set_up_is_not_an_event(content: object) -> None:
    """SES publishes it once for every new topic."""
    assert read(Payload(provider="ses", content=content)) == Parsed(notices=("set_up",))


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (Payload(provider="ses", content="hello", field="Message"), "Message"),
        (Payload(provider="ses", content=[], field="body"), "body"),
        (Payload(provider="ses", content=None, field="detail"), "detail"),
        (Payload(provider="ses", content=bounce(), event_source="aws.s3"), "source"),
        (
            Payload(
                provider="ses",
                content={"eventSource": "aws:ses", "ses": {"mail": {}, "receipt": {}}},
            ),
            "ses",
        ),
    ],
)
def test_a_payload_that_ses_does_not_send_is_refused_with_its_field(
    payload: Payload, field: str
) -> None:
    # WHEN it is read THEN it is refused
    with pytest.raises(PayloadError) as caught:
        read(payload)

    # AND the error names where it stood
    assert caught.value.field == field


def test_what_strangers_wrote_is_bounded_and_can_be_encoded() -> None:
    """A diagnostic has any size, and lone surrogates break a write."""
    found = only(bounce(recipient("lead@example.net", diagnosticCode="x\ud800" * 20_000)))

    assert len(found.diagnostic) == MAX_REPORTED_DIAGNOSTIC
    assert found.diagnostic.encode()


def test_a_lone_surrogate_makes_no_other_address() -> None:
    """Replacing it would suppress somebody else."""
    # GIVEN an address with a lone surrogate, in both forms of a recipient
    body = bounce(recipient("le\ud800ad@example.net"), "le\ud800ad@example.net")
    body["mail"]["destination"] = None

    parsed = parse(body)

    # THEN neither becomes an event
    assert parsed.events == ()
    assert len(parsed.refused) == 2


def test_no_string_can_shift_the_parts_of_an_event_id() -> None:
    """Otherwise a forged feedback id could hide another event."""
    # GIVEN a feedback id that holds what separates the parts
    shifted = bounce(feedbackId='feedback-1", "", "x')

    # THEN it is another event
    assert only(shifted).event_id != only(bounce()).event_id


def test_lines_of_a_reply_are_kept() -> None:
    """The classifier reads a multi-line reply as a whole."""
    # GIVEN a reply of two lines
    said = "smtp; 550-5.1.1 no\r\n550 5.1.1 such user"

    # THEN the event has both
    assert only(bounce(recipient("lead@example.net", diagnosticCode=said))).diagnostic == said


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.sampled_from(["a@example.net", "Bounce", "Complaint", "2026-01-15T10:00:00Z", "Received"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def _mutations(value: Any) -> st.SearchStrategy[Any]:
    """The document with any of its parts replaced by anything."""
    kept: st.SearchStrategy[Any]
    if isinstance(value, dict):
        kept = st.fixed_dictionaries({}, optional={k: _mutations(v) for k, v in value.items()})
    elif isinstance(value, list):
        kept = st.tuples(*map(_mutations, value)).map(list)
    else:
        kept = st.just(value)
    return st.integers(0, 9).flatmap(lambda number: VALUES if number == 0 else kept)


SECTIONS = {
    **bounce(recipient("a@example.net"), recipient("b@example.net")),
    "eventType": "Bounce",
    "notificationType": "Complaint",
    "complaint": complaint([{"emailAddress": "a@example.net"}])["complaint"],
}


@given(_mutations(SECTIONS))
def test_any_document_gives_events_or_a_named_error(body: Any) -> None:
    """Whatever replaces any part of a document, nothing else is raised."""
    try:
        parsed = read(unwrap(body, provider="ses"))
    except InputError as error:
        assert error.field  # noqa: PT017 - any one of several named errors will do
        return

    for found in parsed.events:
        assert not (found.address and found.unmatched)
        assert found.lead_source
        assert len(found.event_id) == 32
        assert found.occurred_at <= NOW + ses.MAX_AHEAD
    assert len({found.event_id for found in parsed.events}) == len(parsed.events)
    assert parsed.events or parsed.refused or parsed.notices


@pytest.mark.parametrize(
    ("tags", "headers"),
    [
        ([], {}),
        ("x", "x"),
        ({"lead_source": 5}, [None, "x", 5, {}, {"name": "X-Other", "value": 5}]),
        ({"lead_source": [None]}, [{"name": None, "value": "x"}]),
    ],
)
def test_broken_tags_and_headers_do_not_cost_the_event(tags: object, headers: object) -> None:
    """They are needed for the lead source only."""
    # GIVEN a bounce whose tags and headers are of no shape that SES sends
    body = {**bounce(), "mail": mail(tags=tags, headers=headers)}

    # THEN its recipient is read all the same
    assert only(body).lead_source == "unattributed"


@pytest.mark.parametrize(
    "value", ["=?é?q?abc?=", "=?x?z?abc?=", "=?utf-8?b?!!!?=", "=?unknown-8bit?q?=FF?=", "=?"]
)
def test_an_encoded_word_that_cannot_be_decoded_is_kept_as_it_is(value: str) -> None:
    """Header values come from senders' own software (RFC 2047)."""
    # GIVEN a header value that a sender encoded badly
    headers = [{"name": "X-Lead-Source", "value": value}]
    body = {**bounce(), "mail": mail(tags={}, headers=headers)}

    # THEN the bounce is read, under some lead source
    assert only(body).lead_source
