"""From what a queue or an invocation hands over to the provider's payload within.

A payload reaches a function wrapped in several ways: an SQS record around an SNS envelope,
around the bare document (SNS raw delivery) or around an EventBridge event; an SNS record
that invokes the function directly; an EventBridge event as the invocation itself; any of
them once more in the record that Lambda writes to an on-failure destination, which a
redrive sends again. `unwrap` removes one layer after the other. It only reads: no signature
is checked, no URL in a message is fetched.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bounceledger import strict_json
from bounceledger.errors import EnvelopeError
from bounceledger.providers.base import Payload
from bounceledger.providers.fields import MAX_STRING, JsonObject, clean_string, parse_timestamp

MAX_LAYERS = 8
"""Wrappings that are removed; AWS services produce five at most."""
MAX_SIZE = 1_048_576
"""Characters of a record: SQS carries 1 MiB, SNS and EventBridge 256 KiB."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Wrapping:
    """What the wrappings removed so far have said."""

    layers: list[str] = field(default_factory=list)
    transport_id: str = ""
    received_at: datetime | None = None
    event_source: str = ""
    detail_type: str = ""
    account: str = ""


def records_of(event: object) -> Iterator[object]:
    """The records of an invocation: of a batch one by one, else the event itself.

    Raises:
        EnvelopeError: ``Records`` is not a list.
    """
    if not isinstance(event, Mapping) or event.get("Records") is None:
        yield event
        return
    records = event["Records"]
    if not isinstance(records, list):
        raise EnvelopeError("must be a list", field="Records")
    yield from records


def unwrap(record: object, *, provider: str) -> Payload:
    """The provider's payload in one record.

    Args:
        record: an SQS record, a record of a direct SNS invocation, an SNS envelope, an
            EventBridge event, a record for a Lambda on-failure destination, or the payload
            itself; as a mapping or as JSON; one inside another, up to `MAX_LAYERS`.
        provider: whose payloads come this way.

    Raises:
        EnvelopeError: a wrapping is broken, or it is an SNS message that has to be confirmed
            manually.
    """
    seen = _Wrapping()
    path = "record"
    value: object = record
    for _ in range(MAX_LAYERS + 1):
        if isinstance(value, str):
            decoded = _decode(value, path)
            if decoded is None:
                break
            value = decoded
            if isinstance(value, str):  # encoded twice
                continue
        if not isinstance(value, Mapping):
            break
        opener = next((opener for known, opener in _LAYERS if known(value)), None)
        if opener is None:
            break
        value, path = opener(value, seen)
    else:
        raise EnvelopeError(f"is wrapped in more than {MAX_LAYERS} layers", field=path)
    return Payload(
        provider=provider,
        content=value,
        field=path,
        layers=tuple(seen.layers),
        transport_id=seen.transport_id,
        received_at=seen.received_at,
        event_source=seen.event_source,
        detail_type=seen.detail_type,
        account=seen.account,
    )


def _open_sqs(value: JsonObject, seen: _Wrapping) -> tuple[object, str]:
    seen.layers.append("sqs")
    seen.transport_id = _id(value, "messageId")
    attributes = value.get("attributes")
    sent = attributes.get("SentTimestamp") if isinstance(attributes, Mapping) else None
    if isinstance(sent, str) and sent.isascii() and sent.isdigit() and len(sent) <= 14:
        seen.received_at = _EPOCH + timedelta(milliseconds=int(sent))
    return value.get("body"), "body"


def _open_sns_record(value: JsonObject, seen: _Wrapping) -> tuple[object, str]:
    message, path = _open_sns(value["Sns"], seen)
    seen.layers[-1] = "sns_lambda"
    return message, f"Sns.{path}"


def _open_sns(value: JsonObject, seen: _Wrapping) -> tuple[object, str]:
    kind = value.get("Type")
    if kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        raise EnvelopeError(f"is {kind}: confirm the SNS subscription manually", field="Type")
    if kind != "Notification":
        raise EnvelopeError("must be an SNS message type, such as Notification", field="Type")
    seen.layers.append("sns")
    seen.transport_id = _id(value, "MessageId") or seen.transport_id
    _note_time(value, "Timestamp", seen)
    message = value.get("Message")
    # SNS sends a string; what stands between may have decoded it.
    if not isinstance(message, str | Mapping):
        raise EnvelopeError("must be a string or an object", field="Message")
    return message, "Message"


def _open_eventbridge(value: JsonObject, seen: _Wrapping) -> tuple[object, str]:
    seen.layers.append("eventbridge")
    seen.transport_id = _id(value, "id") or seen.transport_id
    seen.event_source = _id(value, "source")
    seen.detail_type = _id(value, "detail-type")
    seen.account = _id(value, "account")
    _note_time(value, "time", seen)
    return value["detail"], "detail"


def _open_destination(value: JsonObject, seen: _Wrapping) -> tuple[object, str]:
    seen.layers.append("lambda_destination")
    return value["requestPayload"], "requestPayload"


def _open_records(value: JsonObject, _seen: _Wrapping) -> tuple[object, str]:
    records = value["Records"]
    if not isinstance(records, list) or len(records) != 1:
        raise EnvelopeError("must be a list of one record", field="Records")
    return records[0], "Records[0]"


type _Opener = Callable[[JsonObject, _Wrapping], tuple[object, str]]

_LAYERS: tuple[tuple[Callable[[JsonObject], bool], _Opener], ...] = (
    (lambda value: value.get("eventSource") == "aws:sqs", _open_sqs),
    (lambda value: isinstance(value.get("Sns"), Mapping), _open_sns_record),
    (lambda value: "Message" in value and ("Type" in value or "TopicArn" in value), _open_sns),
    (lambda value: "detail-type" in value and "detail" in value, _open_eventbridge),
    (lambda value: "requestPayload" in value, _open_destination),
    (lambda value: "Records" in value, _open_records),
)
"""How each wrapping is recognised and opened; opening gives the content and its path."""


def _decode(text: str, path: str) -> object:
    """The JSON value of a string, None where it is not JSON."""
    if len(text) > MAX_SIZE:
        raise EnvelopeError(f"is longer than {MAX_SIZE} characters", field=path)
    try:
        return strict_json.loads(text)
    except ValueError:
        return None
    except RecursionError:
        raise EnvelopeError("is nested too deeply", field=path) from None


def _id(value: JsonObject, key: str) -> str:
    """An id or name; empty where it is missing or not a string."""
    found = value.get(key)
    return clean_string(found, MAX_STRING) if isinstance(found, str) else ""


def _note_time(value: JsonObject, key: str, seen: _Wrapping) -> None:
    # A wrapping's time only stands in for an event's own, so an unreadable one is ignored.
    try:
        seen.received_at = parse_timestamp(_id(value, key))
    except ValueError:
        return
