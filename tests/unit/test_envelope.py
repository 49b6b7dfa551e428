"""Removing the wrappings of the services that carried a message."""

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
    records_of,
)
from bounceledger.envelope import unwrap as unwrap_from
from bounceledger.errors import EnvelopeError
from bounceledger.providers import Payload


def unwrap(record: object) -> Payload:
    return unwrap_from(record, provider="ses")


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
    """Every way in which AWS services hand an event over, also one inside another."""
    payload = unwrap(record)

    assert payload.content == BODY
    assert payload.layers == layers
    assert payload.transport_id == transport_id
    assert payload.provider == "ses"


def test_the_innermost_time_and_the_account_of_eventbridge_are_kept() -> None:
    """What stands in for facts that an event itself leaves out."""
    assert unwrap(sqs(BODY)).received_at == datetime(2026, 1, 15, 10, 0, 7, tzinfo=UTC)
    assert unwrap(sqs(sns(BODY))).received_at == datetime(
        2026, 1, 15, 10, 0, 6, 123_000, tzinfo=UTC
    )
    event = unwrap(sqs(sns(eventbridge(BODY))))
    assert event.received_at == datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
    assert event.account == "111122223333"
    assert (event.event_source, event.detail_type) == ("aws.ses", "Email Bounced")


@pytest.mark.parametrize("sent", [None, "", "soon", 5, "9" * 30, "१२३"])
def test_a_wrapping_without_a_readable_time_has_none(sent: object) -> None:
    """An unreadable time of the transport must not cost the event."""
    record = {**sqs(BODY), "attributes": {"SentTimestamp": sent}}

    assert unwrap(record).received_at is None
    assert unwrap({**record, "attributes": None}).received_at is None
    assert unwrap({**sns(BODY), "Timestamp": sent}).received_at is None


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_confirmations_are_named_and_never_followed(kind: str) -> None:
    """A URL in a message comes from a stranger, so a person has to confirm."""
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
    ("record", "content", "field"),
    [
        (None, None, "record"),
        (5, 5, "record"),
        ([], [], "record"),
        ("", "", "record"),
        ("hello", "hello", "record"),
        (sqs("hello"), "hello", "body"),
        (sqs("[]"), [], "body"),
        (sqs("5"), 5, "body"),
        ({**sqs(""), "body": None}, None, "body"),
        (sqs('{"eventType": NaN}'), '{"eventType": NaN}', "body"),
        (sqs("9" * 5000), "9" * 5000, "body"),
        (sns("hello"), "hello", "Message"),
        (sns_record("hello"), "hello", "Sns.Message"),
        ({**sns(""), "Message": {"a": 1}}, {"a": 1}, "Message"),
        (eventbridge([]), [], "detail"),
        ({"requestPayload": None}, None, "requestPayload"),
    ],
)
def test_what_is_not_an_object_is_passed_on_with_its_path(
    record: object, content: object, field: str
) -> None:
    """The provider's module decides what other JSON or plain text means."""
    payload = unwrap(record)

    assert (payload.content, payload.field) == (content, field)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (sqs("[" * 200_000), "body"),
        (sqs('{"a":' * 200_000), "body"),
        (sqs('"' + "x" * MAX_SIZE), "body"),
        ({**sns(""), "Message": None}, "Message"),
        ({**sns(""), "Message": []}, "Message"),
        ({**sns(""), "Type": "Foo"}, "Type"),
        ({**sns(""), "Type": None}, "Type"),
        ({"requestPayload": {"Records": []}}, "Records"),
        ({"Records": [sqs(BODY), sqs(BODY)]}, "Records"),
        ({"Records": None}, "Records"),
        (_deep(MAX_LAYERS + 1, batch), "Records[0]"),
    ],
)
def test_a_broken_wrapping_is_refused_with_its_field(record: object, field: str) -> None:
    """Broken or hostile wrappings are input errors, which the dead-letter queue explains."""
    with pytest.raises(EnvelopeError) as caught:
        unwrap(record)

    assert caught.value.field == field


def test_lone_surrogates_do_not_reach_an_id() -> None:
    """An id that cannot be encoded would break the write of its event."""
    record = {**sqs(BODY), "messageId": "a\ud800b"}

    assert unwrap(record).transport_id.encode() == b"a?b"


def test_of_a_repeated_key_the_last_value_counts() -> None:
    """The same as in every JSON reader of AWS, so that no two parts disagree."""
    twice = '{"eventType": "Send", "eventType": "Bounce"}'

    assert unwrap(twice).content == {"eventType": "Bounce"}


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
def test_any_input_is_a_payload_or_a_named_error(record: object) -> None:
    """Nothing that reaches the queue raises anything else."""
    try:
        payload = unwrap(record)
    except EnvelopeError:
        return

    assert isinstance(payload, Payload)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_what_is_not_json_is_passed_on_unchanged(text: str) -> None:
    """SNS notices are plain text."""
    payload = unwrap(sqs(sns("no " + text)))

    assert (payload.content, payload.field) == ("no " + text, "Message")


def test_an_invocation_is_read_record_by_record() -> None:
    """Batches and direct invocations take the same way."""
    assert list(records_of({"Records": [1, 2]})) == [1, 2]
    assert list(records_of(eventbridge(BODY))) == [eventbridge(BODY)]
    assert list(records_of({"Records": None})) == [{"Records": None}]
    with pytest.raises(EnvelopeError):
        list(records_of({"Records": "x"}))
