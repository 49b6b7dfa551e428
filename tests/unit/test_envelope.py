"""Taking the wrappings off."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.envelope import (
    MAX_LAYERS,
    MAX_SIZE,
    Document,
    parse_timestamp,
    records_of,
    unwrap,
)
from bounceledger.errors import EnvelopeError, SetUpNotice

BODY = {"eventType": "Bounce", "bounce": {"bouncedRecipients": []}, "mail": {"messageId": "m"}}


def sqs(inner: object) -> dict[str, Any]:
    return {
        "messageId": "sqs-1",
        "body": inner if isinstance(inner, str) else json.dumps(inner),
        "attributes": {"SentTimestamp": "1768471207000"},
        "eventSource": "aws:sqs",
    }


def sns(inner: object) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "sns-1",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:events",
        "Message": inner if isinstance(inner, str) else json.dumps(inner) + "\n",
        "Timestamp": "2026-01-15T10:00:06.123Z",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/x.pem",
    }


def sns_record(inner: object) -> dict[str, Any]:
    message = sns(inner)
    message["SigningCertUrl"] = message.pop("SigningCertURL")
    return {"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {**message, "Subject": None}}


def eventbridge(inner: object) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "eb-1",
        "detail-type": "Email Bounced",
        "source": "aws.ses",
        "account": "111122223333",
        "time": "2026-01-15T10:00:05Z",
        "detail": inner,
    }


def destination(inner: object) -> dict[str, Any]:
    payload = inner if isinstance(inner, dict) and "detail" in inner else {"Records": [inner]}
    return {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": payload}


def batch(inner: object) -> dict[str, Any]:
    return {"Records": [inner]}


@pytest.mark.parametrize(
    ("record", "layers", "transport_id"),
    [
        (BODY, (), ""),
        (json.dumps(BODY), (), ""),
        (sqs(BODY), ("sqs",), "sqs-1"),
        (sqs(sns(BODY)), ("sqs", "sns"), "sns-1"),
        (sqs(eventbridge(BODY)), ("sqs", "eventbridge"), "eb-1"),
        (sqs(sns(eventbridge(BODY))), ("sqs", "sns", "eventbridge"), "eb-1"),
        (sqs(sqs(sns(BODY))), ("sqs", "sqs", "sns"), "sns-1"),
        (sns(BODY), ("sns",), "sns-1"),
        (sns_record(BODY), ("sns_lambda",), "sns-1"),
        (sns_record(eventbridge(BODY)), ("sns_lambda", "eventbridge"), "eb-1"),
        (eventbridge(BODY), ("eventbridge",), "eb-1"),
        (sqs(destination(sns_record(BODY))), ("sqs", "lambda_destination", "sns_lambda"), "sns-1"),
        (destination(eventbridge(BODY)), ("lambda_destination", "eventbridge"), "eb-1"),
        (batch(sqs(sns(BODY))), ("sqs", "sns"), "sns-1"),
        (sqs(sns(json.dumps(json.dumps(BODY)))), ("sqs", "sns"), "sns-1"),
    ],
)
def test_a_document_is_found_in_whatever_wraps_it(
    record: object, layers: tuple[str, ...], transport_id: str
) -> None:
    document = unwrap(record)

    assert document.body == BODY
    assert document.layers == layers
    assert document.transport_id == transport_id
    assert document.provider == "ses"


def test_the_innermost_time_and_the_account_of_eventbridge_are_kept() -> None:
    assert unwrap(sqs(BODY)).received_at == datetime(2026, 1, 15, 10, 0, 7, tzinfo=UTC)
    assert unwrap(sqs(sns(BODY))).received_at == datetime(
        2026, 1, 15, 10, 0, 6, 123_000, tzinfo=UTC
    )
    event = unwrap(sqs(sns(eventbridge(BODY))))
    assert event.received_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert event.account == "111122223333"


@pytest.mark.parametrize("sent", [None, "", "soon", 5, "9" * 30, "१२३"])
def test_a_wrapping_without_a_readable_time_has_none(sent: object) -> None:
    record = {**sqs(BODY), "attributes": {"SentTimestamp": sent}}

    assert unwrap(record).received_at is None
    assert unwrap({**record, "attributes": None}).received_at is None
    assert unwrap({**sns(BODY), "Timestamp": sent}).received_at is None


def test_the_kind_of_an_eventbridge_event_may_stand_outside_only() -> None:
    # GIVEN a detail about a mail that names no kind itself
    event = eventbridge({"mail": {"messageId": "m"}})
    # THEN the detail-type stands in
    assert unwrap(event).body["eventType"] == "Email Bounced"
    # AND the mail's own word wins where there is one
    assert unwrap(eventbridge(BODY)).body["eventType"] == "Bounce"
    # AND a detail about no mail gets none
    assert "eventType" not in unwrap(eventbridge({"data": {}})).body


@pytest.mark.parametrize(
    "message",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have …"},
    ],
)
def test_the_set_up_notices_of_ses_have_an_error_of_their_own(message: object) -> None:
    with pytest.raises(SetUpNotice):
        unwrap(sqs(sns(message)))


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_confirmations_are_named_and_never_followed(kind: str) -> None:
    record = sqs({**sns("You have chosen …"), "Type": kind, "SubscribeURL": "https://x.example/"})

    with pytest.raises(EnvelopeError) as caught:
        unwrap(record)

    assert caught.value.field == "Type"
    assert kind in caught.value.reason


def _deep(layers: int, wrap: Callable[[object], object]) -> object:
    value: object = BODY
    for _ in range(layers):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (None, "record"),
        (5, "record"),
        ([], "record"),
        ("", "record"),
        ("hello", "record"),
        (sqs("hello"), "body"),
        (sqs(""), "body"),
        (sqs("[]"), "body"),
        (sqs("5"), "body"),
        ({**sqs(""), "body": None}, "body"),
        (sqs('{"eventType": NaN}'), "body"),
        (sqs('{"a": ' + "9" * 5000 + "}"), "body"),
        (sqs("[" * 200_000), "body"),
        (sqs('{"a":' * 200_000), "body"),
        (sqs('"' + "x" * MAX_SIZE), "body"),
        (sns("hello"), "Message"),
        (sns_record("hello"), "Sns.Message"),
        ({**sns(""), "Message": None}, "Message"),
        ({**sns(""), "Message": {}}, "Message"),
        ({**sns(""), "Type": "Foo"}, "Type"),
        ({**sns(""), "Type": None}, "Type"),
        ({**eventbridge(BODY), "source": "aws.s3"}, "source"),
        (eventbridge([]), "detail"),
        (eventbridge(None), "detail"),
        ({"requestPayload": None}, "requestPayload"),
        ({"requestPayload": {"Records": []}}, "Records"),
        ({"Records": [sqs(BODY), sqs(BODY)]}, "Records"),
        ({"Records": None}, "Records"),
        ({"eventSource": "aws:ses", "ses": {"mail": {}, "receipt": {}}}, "ses"),
        (_deep(MAX_LAYERS + 1, batch), "Records[0]"),
    ],
)
def test_what_wraps_no_document_is_refused_by_the_field(record: object, field: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        unwrap(record)

    assert caught.value.field == field


def test_lone_surrogates_pass_into_no_id() -> None:
    record = {**sqs(BODY), "messageId": "a\ud800b"}

    assert unwrap(record).transport_id.encode() == b"a?b"


def test_of_a_name_that_stands_twice_the_last_value_counts() -> None:
    assert unwrap('{"eventType": "Send", "eventType": "Bounce"}').body == {"eventType": "Bounce"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        "Records",
        "body",
        "eventSource",
        "Sns",
        "Type",
        "Message",
        "TopicArn",
        "MessageId",
        "Timestamp",
        "detail",
        "detail-type",
        "source",
        "requestPayload",
        "ses",
        "notificationType",
        "attributes",
    ]
)
WORDS = st.sampled_from(["aws:sqs", "aws:ses", "aws.ses", "Notification", "{}", '"{}"', "[1]"])
WRAPPED = st.recursive(
    JSON | WORDS,
    lambda inner: st.dictionaries(KEYS, inner | inner.map(json.dumps), max_size=5),
    max_leaves=12,
)


@given(WRAPPED)
def test_any_input_is_a_document_or_a_named_error(record: object) -> None:
    try:
        document = unwrap(record)
    except EnvelopeError:
        return

    assert isinstance(document, Document)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_text_is_a_document_or_a_named_error(text: str) -> None:
    with pytest.raises(EnvelopeError):
        unwrap(sqs(sns("no " + text)))


def test_an_invocation_is_read_record_by_record() -> None:
    assert list(records_of({"Records": [1, 2]})) == [1, 2]
    assert list(records_of(eventbridge(BODY))) == [eventbridge(BODY)]
    assert list(records_of({"Records": None})) == [{"Records": None}]
    with pytest.raises(EnvelopeError):
        list(records_of({"Records": "x"}))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-15T10:00:05Z", datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)),
        ("2026-01-15T10:00:05.25Z", datetime(2026, 1, 15, 10, 0, 5, 250_000, tzinfo=UTC)),
        ("2026-01-15T10:00:05.123456789Z", datetime(2026, 1, 15, 10, 0, 5, 123_456, tzinfo=UTC)),
        ("2026-01-15T10:00:05-07:00", datetime(2026, 1, 15, 17, 0, 5, tzinfo=UTC)),
        ("2026-01-15T10:00:05 -0700", datetime(2026, 1, 15, 17, 0, 5, tzinfo=UTC)),
        ("2026-01-15 10:00:05 +00:00", datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)),
        ("2026-01-15T10:00:05", datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)),
        (" 2026-01-15t10:00z ", datetime(2026, 1, 15, 10, 0, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_aws_writes_them(text: str, moment: datetime) -> None:
    assert parse_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "1768471206",
        "2026-01-15",
        "2026-13-45T10:00:00Z",
        "2026-01-15T25:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "२०२६-01-15T10:00:05Z",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_timestamp(text)


@given(st.text(alphabet="0123456789-:.,TZ+ "))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        moment = parse_timestamp(text)
    except ValueError:
        return

    assert moment.tzinfo is UTC
