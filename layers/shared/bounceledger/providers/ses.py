"""Amazon SES: identity notifications and configuration-set events.

Sources: "Contents of Amazon SES notifications", "Contents of event data that Amazon SES
publishes to Amazon SNS" and "... to EventBridge" in the SES Developer Guide.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bounceledger.addresses import clean_lead_source, normalise_address
from bounceledger.envelope import Document, JsonObject, clean_text, parse_timestamp
from bounceledger.errors import AddressError, InputError, PayloadError
from bounceledger.events import Kind, MailEvent
from bounceledger.providers.base import Parsed
from bounceledger.settings import Settings

PROVIDER = "ses"
MAX_RECIPIENTS = 100
"""Recipients of one event; SES takes 50 per message."""
MAX_DIAGNOSTIC = 16_384
"""Characters kept of what a server said."""
MAX_HEADER = 2048
"""Characters of a header value that are looked at."""
MAX_FIELD = 256
"""Characters kept of ids, statuses and types."""
MAX_AHEAD = timedelta(days=1)
"""How far a clock may be ahead. Facts merge by `max`: a time from the future would stay."""
LAUNCH = datetime(2011, 1, 1, tzinfo=UTC)
"""SES sent no mail before; an earlier time would stay wherever facts merge by `min`."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the document of one kind keeps what an event needs.

    Attributes:
        kind: our word for it.
        section: key of the object about the event; empty where it is not known.
        recipients: key of the recipients in the section; empty: all of ``mail.destination``.
        diagnostic: key of what was said, in the recipient's entry or else in the section.
        type: key of the provider's type in the section.
        subtype: key of its subtype.
        repeats: one message and recipient can have several of these without a feedback id.
    """

    kind: Kind
    section: str
    recipients: str = ""
    diagnostic: str = ""
    type: str = ""
    subtype: str = ""
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """One entry of a list of recipients, as it stands in the document."""

    text: str
    field: str
    status: str = ""
    action: str = ""
    diagnostic: str = ""


_BOUNCE = Shape(
    Kind.BOUNCE,
    "bounce",
    recipients="bouncedRecipients",
    diagnostic="diagnosticCode",
    type="bounceType",
    subtype="bounceSubType",
)
_COMPLAINT = Shape(
    Kind.COMPLAINT,
    "complaint",
    recipients="complainedRecipients",
    type="complaintFeedbackType",
    subtype="complaintSubType",
)
_DELIVERY = Shape(Kind.DELIVERY, "delivery", recipients="recipients", diagnostic="smtpResponse")
_DELAY = Shape(
    Kind.DELIVERY_DELAY,
    "deliveryDelay",
    recipients="delayedRecipients",
    diagnostic="diagnosticCode",
    type="delayType",
    repeats=True,
)
_REJECT = Shape(Kind.REJECT, "reject", diagnostic="reason")
_FAILURE = Shape(Kind.RENDERING_FAILURE, "failure", diagnostic="errorMessage")
_SUBSCRIPTION = Shape(Kind.SUBSCRIPTION, "subscription", repeats=True)
_SEND = Shape(Kind.SEND, "send")
_OPEN = Shape(Kind.OPEN, "open", repeats=True)
_CLICK = Shape(Kind.CLICK, "click", repeats=True)
_OTHER = Shape(Kind.OTHER, "", repeats=True)

KINDS: Mapping[str, Shape] = {
    # eventType and notificationType, folded by `_fold`
    "bounce": _BOUNCE,
    "complaint": _COMPLAINT,
    "delivery": _DELIVERY,
    "deliverydelay": _DELAY,
    "reject": _REJECT,
    "renderingfailure": _FAILURE,
    "subscription": _SUBSCRIPTION,
    "send": _SEND,
    "open": _OPEN,
    "click": _CLICK,
    # detail-type of EventBridge, where the detail itself names no kind
    "emailbounced": _BOUNCE,
    "emailcomplaintreceived": _COMPLAINT,
    "emaildelivered": _DELIVERY,
    "emaildeliverydelayed": _DELAY,
    "emailrejected": _REJECT,
    "emailrenderingfailed": _FAILURE,
    "emailsubscribed": _SUBSCRIPTION,
    "emailsent": _SEND,
    "emailopened": _OPEN,
    "emailclicked": _CLICK,
}
"""SES's word for a kind to its shape. Any other word is carried as `Kind.OTHER`."""

_INBOUND = "received"


def parse(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The events of one SES document, one per recipient that it is about.

    A missing field and a null are the same. An unknown kind or type is carried as it is. A
    recipient that cannot be one is refused by itself and leaves the others standing.

    Raises:
        PayloadError: the document as a whole cannot be one of SES's; names the field.
    """
    body = document.body
    word = _kind_word(body)
    shape = KINDS.get(_fold(word), _OTHER)
    mail = _object(body, "mail", "")
    section = _object(body, shape.section, "") if shape.section else {}
    if shape.recipients and _pick(body, shape.section) is None:
        raise PayloadError(f"missing from a {shape.kind} event", field=shape.section)
    feedback_id = _text(section, "feedbackId", shape.section)
    message_id = _text(mail, "messageId", "mail")
    moment = _moment(document, shape, section, mail, now())
    event = MailEvent(
        event_id="",
        provider=PROVIDER,
        kind=shape.kind,
        provider_kind=word,
        address="",
        lead_source=_lead_source(mail, settings),
        occurred_at=moment,
        message_id=message_id,
        sending_account=_text(mail, "sendingAccountId", "mail") or document.account,
        diagnostic=_text(section, shape.diagnostic, shape.section, MAX_DIAGNOSTIC),
        type=_type(shape, section),
        subtype=_text(section, shape.subtype, shape.section),
    )
    identity = (
        PROVIDER,
        _fold(word) if shape.kind is Kind.OTHER else shape.kind,
        feedback_id or message_id or document.transport_id,
        event.occurred_at.isoformat() if shape.repeats and not feedback_id else "",
    )
    return _per_recipient(event, identity, _recipients(shape, section, mail))


def _per_recipient(
    event: MailEvent, identity: tuple[str, ...], entries: Iterator[Recipient | InputError]
) -> Parsed:
    """The event once for every recipient, and what is wrong with the others."""
    events: dict[str, MailEvent] = {}
    refused: list[InputError] = []
    for entry in entries:
        if isinstance(entry, InputError):
            refused.append(entry)
            continue
        try:
            address = normalise_address(entry.text)
        except AddressError as error:
            refused.append(AddressError(error.reason, field=entry.field))
            continue
        event_id = _digest(*identity, address)
        events[event_id] = replace(
            event,
            event_id=event_id,
            address=address,
            status=entry.status,
            action=entry.action,
            diagnostic=entry.diagnostic or event.diagnostic,
        )
    found = tuple(events.values())
    if event.kind is Kind.COMPLAINT and len(found) + len(refused) > 1:
        found = tuple(replace(one, ambiguous=True) for one in found)
    return Parsed(found, tuple(refused))


def _recipients(
    shape: Shape, section: JsonObject, mail: JsonObject
) -> Iterator[Recipient | InputError]:
    """The recipients that the event is about, each as it stands, or what is wrong with it."""
    if not shape.recipients:
        path, entries = "mail.destination", _list(mail, "destination", "mail")
    else:
        path = f"{shape.section}.{shape.recipients}"
        entries = _list(section, shape.recipients, shape.section)
        if not entries and shape.kind is Kind.COMPLAINT:
            # Whoever complained about a message with one recipient is that recipient.
            alone = _list(mail, "destination", "mail")
            path, entries = ("mail.destination", alone) if len(alone) == 1 else (path, [])
        if not entries:
            yield PayloadError("names no recipient", field=path)
    if len(entries) > MAX_RECIPIENTS:
        raise PayloadError(f"names more than {MAX_RECIPIENTS} recipients", field=path)
    for index, entry in enumerate(entries):
        try:
            yield _recipient(entry, shape, f"{path}[{index}]")
        except PayloadError as error:
            yield error


def _recipient(entry: object, shape: Shape, path: str) -> Recipient:
    if isinstance(entry, str):
        return Recipient(entry, path)
    if not isinstance(entry, Mapping):
        raise PayloadError("neither a text nor an object", field=path)
    address = _pick(entry, "emailAddress")
    if not isinstance(address, str) or not address:
        raise PayloadError("not a text", field=f"{path}.emailAddress")
    return Recipient(
        address,
        f"{path}.emailAddress",
        status=_text(entry, "status", path),
        action=_text(entry, "action", path),
        diagnostic=_text(entry, shape.diagnostic, path, MAX_DIAGNOSTIC),
    )


def _kind_word(body: JsonObject) -> str:
    """SES's word for the kind; the event format's where a document has both."""
    word = _text(body, "eventType", "") or _text(body, "notificationType", "")
    if not word.strip():
        raise PayloadError("missing, so this is no event of SES", field="eventType")
    if _fold(word) == _INBOUND:
        raise PayloadError("mail that SES received, no event of mail sent", field="eventType")
    return word.strip()


def _type(shape: Shape, section: JsonObject) -> str:
    """SES's type. Feedback types are the same in any case (RFC 5965 section 3.1)."""
    text = _text(section, shape.type, shape.section)
    return text.strip().lower() if shape.kind is Kind.COMPLAINT else text


def _fold(word: str) -> str:
    return word.casefold().replace(" ", "")


def _moment(
    document: Document, shape: Shape, section: JsonObject, mail: JsonObject, now: datetime
) -> datetime:
    """When it happened: the event's own time, else the mail's, else the wrapping's."""
    for where, path in ((section, shape.section), (mail, "mail")):
        text = _text(where, "timestamp", path)
        if not text.strip():
            continue
        field = f"{path}.timestamp"
        try:
            moment = parse_timestamp(text)
        except ValueError as error:
            raise PayloadError(str(error), field=field) from None
        if moment > now + MAX_AHEAD:
            raise PayloadError("more than a day in the future", field=field)
        if moment < LAUNCH:
            raise PayloadError("before SES existed", field=field)
        return moment
    return min(document.received_at or now, now)


def _lead_source(mail: JsonObject, settings: Settings) -> str:
    """Who supplied the address: the first of tag, header, configuration set that is set."""
    sources = map(clean_lead_source, _lead_source_texts(mail, settings))
    return next((source for source in sources if source), settings.lead_source_default)


def _lead_source_texts(mail: JsonObject, settings: Settings) -> Iterator[str]:
    tags = _pick(mail, "tags")
    tags = tags if isinstance(tags, Mapping) else {}
    yield _tag(tags, settings.lead_source_tag)
    headers = _headers(mail)
    yield _message_tag(headers.get("x-ses-message-tags", ""), settings.lead_source_tag)
    yield _decode(headers.get(settings.lead_source_header.casefold(), ""))
    yield _tag(tags, "ses:configuration-set")
    yield headers.get("x-ses-configuration-set", "")
    yield settings.lead_source_default


def _tag(tags: JsonObject, name: str) -> str:
    """First value of a message tag."""
    value = _pick(tags, name)
    values = value if isinstance(value, list) else [value]
    return next((clean_text(one, MAX_FIELD) for one in values if isinstance(one, str)), "")


def _message_tag(header: str, name: str) -> str:
    """Value of a tag in an X-SES-MESSAGE-TAGS header: ``name=value, name=value``."""
    for pair in header.split(","):
        key, _, value = pair.partition("=")
        if key.strip().casefold() == name.casefold():
            return value
    return ""


def _headers(mail: JsonObject) -> dict[str, str]:
    """The mail's header fields by folded name, the first of each.

    They only tell the lead source, so one that is no header field is passed over rather
    than allowed to cost a suppression.
    """
    fields = _pick(mail, "headers")
    headers: dict[str, str] = {}
    for header in fields if isinstance(fields, list) else ():
        name, value = (
            (_pick(header, "name"), _pick(header, "value"))
            if isinstance(header, Mapping)
            else (None, None)
        )
        if isinstance(name, str) and isinstance(value, str):
            key = clean_text(name, MAX_FIELD).strip().casefold()
            headers.setdefault(key, clean_text(value, MAX_HEADER))
    return headers


def _decode(value: str) -> str:
    """A header value with its encoded words decoded (RFC 2047)."""
    if "=?" not in value:
        return value
    # Loaded here: few values need it.
    from email.errors import MessageError
    from email.header import decode_header, make_header

    try:
        return clean_text(str(make_header(decode_header(value))), MAX_HEADER)
    except (MessageError, LookupError, ValueError):
        return value


def _digest(*parts: str) -> str:
    # JSON keeps the parts apart, whatever they hold.
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _pick(where: JsonObject, key: str) -> Any:
    """Value of a key in whatever case; SES's documents are not at one about theirs."""
    value = where.get(key)
    if value is None and key not in where:
        folded = key.casefold()
        return next((v for k, v in where.items() if k.casefold() == folded), None)
    return value


def _object(where: JsonObject, key: str, path: str) -> JsonObject:
    value = _pick(where, key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise PayloadError("not an object", field=_join(path, key))
    return value


def _list(where: JsonObject, key: str, path: str) -> list[Any]:
    value = _pick(where, key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise PayloadError("not a list", field=_join(path, key))
    return value


def _text(where: JsonObject, key: str, path: str, limit: int = MAX_FIELD) -> str:
    """A text; empty where it is missing, null, or the kind has none (an empty key)."""
    value = _pick(where, key) if key else None
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PayloadError("not a text", field=_join(path, key))
    return clean_text(value, limit)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
