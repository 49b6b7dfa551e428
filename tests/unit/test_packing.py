"""The messages of the webhook queue: what is packed comes out again, and from nowhere else."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bounceledger.errors import EnvelopeError
from bounceledger.packing import (
    MAX_DOCUMENTS,
    MESSAGE_SIZE,
    WebhookMessages,
    is_webhook_record,
    unpack,
)
from bounceledger.providers import Document, Payload

ARN = "arn:aws:sqs:eu-west-1:111122223333:webhooks"
RECEIVED = datetime(2026, 11, 26, 12, 0, 1, 500_000, tzinfo=UTC)


def pack(*bodies: dict[str, Any], provider: str = "sendgrid") -> list[str]:
    payload = Payload(provider=provider, content=list(bodies))
    documents = [Document(body, payload) for body in bodies]
    return list(WebhookMessages(provider, RECEIVED).pack(documents))


def record(body: object, **changes: object) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "messageId": "m-1",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "body": text,
        **changes,
    }


def message(**changes: object) -> dict[str, Any]:
    return {
        "provider": "sendgrid",
        "received_at": RECEIVED.isoformat(),
        "documents": [{"event": "bounce"}],
        **changes,
    }


def test_what_is_packed_comes_out_in_order() -> None:
    # GIVEN documents with all that JSON can hold
    bodies = [{"n": n, "text": 'é 😀 \u0000 "', "more": [None, True, 1.5]} for n in range(3)]

    # WHEN they are packed and unpacked
    [text] = pack(*bodies)
    payloads = list(unpack(record(text)))

    # THEN each is a payload of the provider, as it was, with the time of the request
    assert [payload.content for payload in payloads] == bodies
    assert {(p.provider, p.received_at, p.transport_id) for p in payloads} == {
        ("sendgrid", RECEIVED, "m-1")
    }
    assert [payload.field for payload in payloads] == [f"documents[{n}]" for n in range(3)]

    # AND SQS accepts the message, whatever characters the provider sent
    assert text.isascii()


def test_nothing_to_pack_makes_no_message() -> None:
    assert pack() == []


def test_a_message_is_bounded_by_documents_and_by_bytes() -> None:
    """A batch of messages has to be recorded in one invocation, and sent in one call."""
    # GIVEN many small documents, and some large ones
    small = [{"n": n} for n in range(2 * MAX_DOCUMENTS + 1)]
    large = [{"text": "x" * 40_000} for _ in range(5)]

    # WHEN they are packed
    # THEN no message has too many documents
    counts = [len(json.loads(text)["documents"]) for text in pack(*small)]
    assert counts == [MAX_DOCUMENTS, MAX_DOCUMENTS, 1]

    # AND none is larger than it has to be
    sizes = [len(text) for text in pack(*large)]
    assert len(sizes) == 3
    assert max(sizes) <= MESSAGE_SIZE


def test_a_document_that_is_too_large_by_itself_has_its_own_message() -> None:
    texts = pack({"n": 1}, {"text": "x" * MESSAGE_SIZE}, {"n": 2})
    assert [len(json.loads(text)["documents"]) for text in texts] == [1, 1, 1]


def test_an_sns_message_is_unwrapped() -> None:
    """What came over HTTPS for SES is an SNS envelope, whose time is the same when it is resent."""
    # GIVEN an SNS envelope in a message of the webhook
    envelope = {
        "Type": "Notification",
        "MessageId": "sns-1",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:ses",
        "Message": json.dumps({"eventType": "Bounce"}),
        "Timestamp": "2026-11-26T11:59:00.000Z",
    }

    # WHEN it is unpacked
    [text] = pack(envelope, provider="ses")
    [payload] = unpack(record(text))

    # THEN it is a payload of SES as from the queue
    assert (payload.provider, payload.content) == ("ses", {"eventType": "Bounce"})
    assert (payload.transport_id, payload.received_at) == (
        "sns-1",
        datetime(2026, 11, 26, 11, 59, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("not JSON", "body"),
        ("[]", "body"),
        ("[" * 100_000, "body"),
        (message(provider="nobody"), "provider"),
        (message(provider="common"), "provider"),
        (message(provider=7), "provider"),
        (message(documents={}), "documents"),
        (message(documents=None), "documents"),
        (message(received_at="soon"), "received_at"),
        (message(received_at=None), "received_at"),
    ],
)
def test_what_is_no_message_of_the_webhook_is_refused(body: object, field: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        list(unpack(record(body)))
    assert caught.value.field == field


@pytest.mark.parametrize(
    "changes",
    [
        {"eventSource": "aws:sns"},
        {"eventSourceARN": ARN + "x"},
        {"eventSourceARN": None},
        {"eventSourceARN": [ARN]},
    ],
)
def test_only_what_lambda_read_from_the_queue_is_of_the_webhook(changes: dict[str, Any]) -> None:
    """Whoever may publish to a topic chooses all that is inside a record, and nothing outside."""
    assert is_webhook_record(record(message()), ARN)
    assert not is_webhook_record(record(message(), **changes), ARN)
    assert not is_webhook_record("text", ARN)

    # AND where there is no such queue, nothing is
    assert not is_webhook_record(record(message(), eventSourceARN=""), "")
