"""What SES publishes that is not a bounce, is about no mail, or has an impossible date."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bounceledger.envelope import unwrap
from bounceledger.errors import PayloadError
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.providers import Parsed, Payload, ses
from bounceledger.settings import Settings
from tests.unit.providers.test_ses_recipients import LEAD, bounce, complaint, entry

SETTINGS = Settings(allowed_accounts=frozenset("*"))
NOW = datetime(2026, 2, 4, tzinfo=UTC)
PUBLISHED = datetime(2026, 2, 3, 10, 0, 9, tzinfo=UTC)
MAILED = datetime(2026, 2, 3, 10, tzinfo=UTC)


def read(body: object, *, now: datetime = NOW, **wrapping: Any) -> Parsed:
    [document] = ses.split(Payload(provider="ses", content=body, **wrapping))
    return ses.read(document, SETTINGS, now=lambda: now)


def only(body: object, **wrapping: Any) -> MailEvent:
    parsed = read(body, **wrapping)
    assert parsed.refused == ()
    [event] = parsed.events
    return event


# ----------------------------------------------------------------- automatic replies

BARE = {"emailAddress": LEAD}


@pytest.mark.parametrize("bounce_type", ["Undetermined", "Transient", "Permanent", ""])
def test_a_bounce_that_names_nobody_is_an_automatic_reply(bounce_type: str) -> None:
    """SES reports a vacation message with an empty list of recipients."""
    # GIVEN such a report about a message to one recipient
    event = only(bounce(bounceType=bounce_type, bounceSubType=bounce_type))

    # THEN it is that recipient's automatic reply
    assert (event.kind, event.address) == (Kind.BOUNCE, LEAD)
    assert event.provider_reason is ProviderReason.AUTOMATIC_REPLY


@pytest.mark.parametrize("to", [None, ("ben@x.example", LEAD)])
def test_an_automatic_reply_of_one_of_several_is_nobodys(to: object) -> None:
    """It is acknowledged all the same: nothing is wrong with it."""
    event = only(bounce(to=to))

    assert (event.address, event.unmatched) == ("", False)
    assert event.provider_reason is ProviderReason.AUTOMATIC_REPLY


@pytest.mark.parametrize(
    ("bounce_type", "subtype", "automatic"),
    [
        ("Transient", "General", True),
        ("transient", "general", True),
        ("Transient", None, True),
        ("Undetermined", "Undetermined", True),
        ("Undetermined", "General", True),
        ("Permanent", "General", False),
        ("Permanent", "NoEmail", False),
        ("Transient", "MailboxFull", False),
        ("Transient", "MessageTooLarge", False),
        ("Undetermined", "ContentRejected", False),
        ("Transient", "SomethingNew", False),
        ("SomethingNew", "General", False),
    ],
)
@pytest.mark.parametrize("form", [BARE, LEAD, {**BARE, "status": "", "action": " "}])
def test_a_recipient_without_a_word_of_a_dsn_is_an_automatic_reply_unless_ses_says_more(
    bounce_type: str, subtype: str | None, *, automatic: bool, form: object
) -> None:
    """Under Permanent the same form is a bounce that came without a DSN."""
    event = only(bounce(form, bounceType=bounce_type, bounceSubType=subtype))

    assert (event.provider_reason is ProviderReason.AUTOMATIC_REPLY) is automatic


@pytest.mark.parametrize(
    "said", [{"action": "failed"}, {"status": "4.2.2"}, {"diagnosticCode": "smtp; 452 full"}]
)
def test_a_word_of_a_dsn_makes_it_a_bounce(said: dict[str, str]) -> None:
    """An automatic reply has no delivery status notification."""
    event = only(bounce({**BARE, **said}, bounceType="Transient"))

    assert event.provider_reason is ProviderReason.GENERAL


# ------------------------------------------------------------------------ DSN actions


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("failed", Kind.BOUNCE),
        (None, Kind.BOUNCE),
        ("", Kind.BOUNCE),
        ("teleported", Kind.BOUNCE),
        ("delayed", Kind.DELIVERY_DELAY),
        (" Delayed (will retry)", Kind.DELIVERY_DELAY),
        ("delivered", Kind.RELAYED),
        ("RELAYED", Kind.RELAYED),
        ("expanded", Kind.RELAYED),
    ],
)
def test_the_action_of_a_dsn_says_whether_it_is_a_bounce(action: str | None, kind: Kind) -> None:
    """RFC 3464 section 2.3.3. Where there is no action, the reply decides."""
    assert only(bounce(entry(LEAD, action=action))).kind is kind


def test_a_delay_of_nobody_in_particular_is_only_a_delay() -> None:
    """It would be held against nobody anyway."""
    event = only(bounce(entry("x@y.example", action="delayed"), to=("ben@x.example", LEAD)))

    assert (event.kind, event.address, event.unmatched) == (Kind.DELIVERY_DELAY, "", False)


def test_a_delay_and_a_bounce_in_one_report_are_two_events() -> None:
    """Each of them is recorded once."""
    parsed = read(bounce(entry(LEAD, action="delayed"), entry(LEAD)))

    assert {one.kind for one in parsed.events} == {Kind.BOUNCE, Kind.DELIVERY_DELAY}
    assert len({one.event_id for one in parsed.events}) == 2


# ------------------------------------------------------------------ kinds without mail


@pytest.mark.parametrize(
    "detail_type", ["Sending Status Disabled", "Advisor Recommendation Status Open", "Teleported"]
)
def test_an_event_of_ses_that_is_about_no_mail_is_a_notice(detail_type: str) -> None:
    """A rule on the source aws.ses passes these as well; they are no reason for an alarm."""
    # GIVEN an EventBridge event of SES without a message
    detail = {"version": "1.0.0", "data": {"status": "x"}}
    event = {"detail-type": detail_type, "source": "aws.ses", "detail": detail}
    payload = unwrap(event, provider="ses")

    # WHEN it is read
    [document] = ses.split(payload)
    parsed = ses.read(document, SETTINGS)

    # THEN nothing is refused, and its kind is told
    assert parsed == Parsed(notices=(detail_type,), unknown_kinds=(detail_type,))


@pytest.mark.parametrize("detail", [None, [], "hello", 5])
def test_the_detail_of_such_an_event_may_be_anything(detail: object) -> None:
    """Nothing in it is used."""
    event = {"detail-type": "Sending Status Disabled", "source": "aws.ses", "detail": detail}

    [document] = ses.split(unwrap(event, provider="ses"))

    assert ses.read(document, SETTINGS).notices == ("Sending Status Disabled",)


def test_a_bounce_without_a_detail_is_refused() -> None:
    """It says that somebody bounced; the dead-letter queue keeps it."""
    event = {"detail-type": "Email Bounced", "source": "aws.ses", "detail": None}

    with pytest.raises(PayloadError, match="detail must be a JSON object"):
        list(ses.split(unwrap(event, provider="ses")))


def test_a_known_kind_about_nobody_is_a_notice_of_a_known_kind() -> None:
    """Only what is new is reported as new."""
    assert read({"eventType": "Send", "mail": {}}) == Parsed(notices=("Send",))


def test_an_unknown_kind_about_a_mail_is_an_event_and_noticed() -> None:
    """So that a new kind of SES does not pass for months."""
    parsed = read({"eventType": "Teleport", "mail": {"destination": [LEAD]}})

    assert [(one.kind, one.address) for one in parsed.events] == [(Kind.OTHER, LEAD)]
    assert parsed.unknown_kinds == ("Teleport",)


def test_an_unknown_kind_that_holds_a_bounce_or_complaint_is_read_as_that() -> None:
    """A new name for a bounce must not keep dead leads mailable."""
    renamed = {**bounce(entry(LEAD)), "eventType": "Hard Bounce"}
    complained = {**complaint(LEAD), "eventType": "Complaint V2"}

    assert [one.kind for one in read(renamed).events] == [Kind.BOUNCE]
    assert [one.kind for one in read(complained).events] == [Kind.COMPLAINT]
    assert read(renamed).unknown_kinds == ("Hard Bounce",)
    assert only(renamed).event_id == only(bounce(entry(LEAD))).event_id


def test_a_kind_is_cut_to_size_and_holds_no_address() -> None:
    """It is written to the log."""
    [word] = read({"eventType": "for jane@doe.example\n" + "x" * 5000}).notices

    assert word == "for jane?doe.example?" + "x" * 43


# ------------------------------------------------------------------------------ dates


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-02-03T10:00:05Z", datetime(2026, 2, 3, 10, 0, 5, tzinfo=UTC)),
        ("2026-02-03T10:00:09.001Z", PUBLISHED),
        ("2026-02-04T11:00:05Z", PUBLISHED),
        ("9999-12-31T23:59:59Z", PUBLISHED),
        ("2026-02-03T09:59:59Z", MAILED),
        ("2010-01-01T00:00:00Z", MAILED),
        ("1970-01-01T00:00:00Z", MAILED),
        ("yesterday", MAILED),
        ("2026-13-01T00:00:00Z", MAILED),
        (1_770_112_805, MAILED),
        (None, MAILED),
    ],
)
def test_no_date_costs_an_event(told: object, moment: datetime) -> None:
    """The receiving server's clock may be wrong; what it says lies between SES's own times."""
    body = bounce(entry(LEAD), timestamp=told)

    assert only(body, received_at=PUBLISHED).occurred_at == moment


@pytest.mark.parametrize("sent", [None, "x", "1970-01-01T00:00:00Z", 5])
def test_without_the_time_of_the_message_the_time_of_publication_stands_in(sent: object) -> None:
    """Both are SES's and stay the same when a message is delivered again."""
    body = bounce(entry(LEAD), timestamp="whenever")
    body["mail"]["timestamp"] = sent

    assert only(body, received_at=PUBLISHED).occurred_at == PUBLISHED


def test_a_redelivery_has_the_same_time() -> None:
    """However long it takes, the event is dated by the clock of its publication."""
    body = bounce(entry(LEAD), timestamp="2027-01-01T00:00:00Z")

    times = {
        only(body, received_at=PUBLISHED, now=NOW + timedelta(days=days)).occurred_at
        for days in (0, 1, 800)
    }

    assert times == {PUBLISHED}


@pytest.mark.parametrize("received_at", [None, NOW + timedelta(days=30)])
def test_where_nothing_dated_wraps_it_no_event_is_later_than_now(
    received_at: datetime | None,
) -> None:
    """Facts merge by maximum: a time from the future would stay."""
    body = bounce(entry(LEAD), timestamp="2031-01-01T00:00:00Z")

    assert only(body, received_at=received_at).occurred_at == NOW
