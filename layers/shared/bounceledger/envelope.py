"""From what a queue or an invocation hands over to the one provider document within.

An SES event reaches a function in several wrappings: an SQS record around an SNS envelope,
around the bare document (SNS raw delivery) or around an EventBridge event; an SNS record
that invokes the function directly; an EventBridge event as the invocation itself; any of
them once more in the record that Lambda writes to an on-failure destination, which a
redrive sends round again. `unwrap` takes off whatever it meets, layer by layer. It reads
and never acts: no signature is checked, no address in the text is fetched.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from bounceledger.errors import EnvelopeError, SetUpNotice

MAX_LAYERS = 8
"""Wrappings that are taken off; five is the most that AWS services produce."""
MAX_SIZE = 1_048_576
"""Characters of a record: SQS takes 1 MiB, SNS and EventBridge 256 KiB."""
MAX_ID = 256
"""Characters kept of an id."""
PROVIDER_SES = "ses"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)\s*([Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_SET_UP_TEXT = "Successfully validated SNS topic"
_SET_UP_TYPE = "AmazonSnsSubscriptionSucceeded"

type JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One provider document and what its wrappings say about it.

    Attributes:
        body: the provider's own JSON object.
        layers: the wrappings that were taken off, outermost first.
        transport_id: id that the innermost wrapping gave: the SNS ``MessageId``, the
            EventBridge ``id`` or the SQS ``messageId``; may be empty.
        received_at: when the innermost dated wrapping was made; aware, UTC.
        account: account that the EventBridge event names; may be empty.
        provider: name in `providers.PROVIDERS`.
    """

    body: JsonObject
    layers: tuple[str, ...] = ()
    transport_id: str = ""
    received_at: datetime | None = None
    account: str = ""
    provider: str = PROVIDER_SES


@dataclass(slots=True)
class _Findings:
    layers: list[str] = field(default_factory=list)
    transport_id: str = ""
    received_at: datetime | None = None
    account: str = ""


def records_of(event: object) -> Iterator[object]:
    """The records of an invocation: of a batch one by one, else the event itself.

    Raises:
        EnvelopeError: ``Records`` is no list.
    """
    if not isinstance(event, Mapping) or event.get("Records") is None:
        yield event
        return
    records = event["Records"]
    if not isinstance(records, list):
        raise EnvelopeError("not a list", field="Records")
    yield from records


def unwrap(record: object) -> Document:
    """The provider document in one record.

    Args:
        record: an SQS record, a record of a direct SNS invocation, an SNS envelope, an
            EventBridge event, a record for a Lambda on-failure destination, or the provider
            document itself; as a mapping or as JSON text; one in another, up to `MAX_LAYERS`.

    Raises:
        SetUpNotice: SES tells that it may publish to the topic.
        EnvelopeError: anything else that wraps no provider document.
    """
    found = _Findings()
    path = "record"
    value = record
    for _ in range(MAX_LAYERS + 1):
        if isinstance(value, str):
            value = _load(value, path)
            if isinstance(value, str):  # encoded twice
                continue
        if not isinstance(value, Mapping):
            raise EnvelopeError("not a JSON object", field=path)
        layer = next((opener for known, opener in _LAYERS if known(value)), None)
        if layer is None:
            return _document(value, found)
        value, path = layer(value, found)
    raise EnvelopeError(f"wrapped in more than {MAX_LAYERS} layers", field=path)


def parse_timestamp(text: str) -> datetime:
    """Time of an ISO 8601 text as AWS writes it, in UTC.

    Fractions of a second, ``Z`` or an offset, a space in front of the offset are all seen;
    a time without an offset is UTC.

    Raises:
        ValueError: the text is no such time.
    """
    found = _TIMESTAMP.fullmatch(text.strip())
    if found is None:
        raise ValueError("not an ISO 8601 time")
    day, clock, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{(offset or 'Z').upper()}")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("not a time of the calendar") from None


def clean_text(text: str, limit: int) -> str:
    """A stranger's text, cut to size, as UTF-8 can carry it: without lone surrogates."""
    text = text[:limit]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _open_sqs(value: JsonObject, found: _Findings) -> tuple[object, str]:
    found.layers.append("sqs")
    found.transport_id = _text(value, "messageId")
    attributes = value.get("attributes")
    sent = attributes.get("SentTimestamp") if isinstance(attributes, Mapping) else None
    if isinstance(sent, str) and sent.isascii() and sent.isdigit() and len(sent) <= 14:
        found.received_at = _EPOCH + timedelta(milliseconds=int(sent))
    return value.get("body"), "body"


def _open_sns_record(value: JsonObject, found: _Findings) -> tuple[object, str]:
    message, path = _open_sns(value["Sns"], found)
    found.layers[-1] = "sns_lambda"
    return message, f"Sns.{path}"


def _open_sns(value: JsonObject, found: _Findings) -> tuple[object, str]:
    kind = value.get("Type")
    if kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        raise EnvelopeError(f"an SNS {kind}, which somebody must answer, no event", field="Type")
    if kind != "Notification":
        raise EnvelopeError("no type of message that SNS sends", field="Type")
    found.layers.append("sns")
    found.transport_id = _text(value, "MessageId") or found.transport_id
    _note_time(value, "Timestamp", found)
    message = value.get("Message")
    if not isinstance(message, str):
        raise EnvelopeError("not a text", field="Message")
    if message.lstrip().startswith(_SET_UP_TEXT):
        raise SetUpNotice("SES says that it may publish to the topic, no event", field="Message")
    return message, "Message"


def _open_eventbridge(value: JsonObject, found: _Findings) -> tuple[object, str]:
    if value.get("source") != "aws.ses":
        raise EnvelopeError("an EventBridge event of another source than aws.ses", field="source")
    found.layers.append("eventbridge")
    found.transport_id = _text(value, "id") or found.transport_id
    found.account = _text(value, "account")
    _note_time(value, "time", found)
    detail = value["detail"]
    if isinstance(detail, Mapping) and isinstance(detail.get("mail"), Mapping):
        # The kind of a mail's event may stand outside only.
        kind = detail.get("eventType") or detail.get("notificationType") or value["detail-type"]
        detail = {**detail, "eventType": kind}
    return detail, "detail"


def _open_destination(value: JsonObject, found: _Findings) -> tuple[object, str]:
    found.layers.append("lambda_destination")
    return value["requestPayload"], "requestPayload"


def _open_records(value: JsonObject, _found: _Findings) -> tuple[object, str]:
    records = value["Records"]
    if not isinstance(records, list) or len(records) != 1:
        raise EnvelopeError("not a list of one record", field="Records")
    return records[0], "Records[0]"


type _Opener = Callable[[JsonObject, _Findings], tuple[object, str]]

_LAYERS: tuple[tuple[Callable[[JsonObject], bool], _Opener], ...] = (
    (lambda value: value.get("eventSource") == "aws:sqs", _open_sqs),
    (lambda value: isinstance(value.get("Sns"), Mapping), _open_sns_record),
    (lambda value: "Message" in value and ("Type" in value or "TopicArn" in value), _open_sns),
    (lambda value: "detail-type" in value and "detail" in value, _open_eventbridge),
    (lambda value: "requestPayload" in value, _open_destination),
    (lambda value: "Records" in value, _open_records),
)
"""How each wrapping is known and opened: it gives what is inside, and the name of that."""


def _document(value: JsonObject, found: _Findings) -> Document:
    if value.get("eventSource") == "aws:ses" or isinstance(value.get("ses"), Mapping):
        raise EnvelopeError("mail that SES received, no event of mail sent", field="ses")
    if value.get("notificationType") == _SET_UP_TYPE:
        raise SetUpNotice("SES says that it may publish to the topic", field="notificationType")
    return Document(
        body=value,
        layers=tuple(found.layers),
        transport_id=found.transport_id,
        received_at=found.received_at,
        account=found.account,
    )


def _load(text: str, path: str) -> object:
    if len(text) > MAX_SIZE:
        raise EnvelopeError(f"longer than {MAX_SIZE} characters", field=path)
    try:
        # ValueError covers malformed JSON and numbers of more digits than Python reads.
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        raise EnvelopeError("not JSON", field=path) from None
    except RecursionError:
        raise EnvelopeError("JSON nested too deeply", field=path) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259 section 6)")


def _text(value: JsonObject, key: str) -> str:
    """An id; the empty text where it is missing or no text."""
    found = value.get(key)
    return clean_text(found, MAX_ID) if isinstance(found, str) else ""


def _note_time(value: JsonObject, key: str, found: _Findings) -> None:
    # A wrapping's time only stands in for an event's own: one that cannot be read is as
    # good as none.
    try:
        found.received_at = parse_timestamp(_text(value, key))
    except ValueError:
        return
