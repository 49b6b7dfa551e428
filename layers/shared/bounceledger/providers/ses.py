"""Amazon SES: identity notifications and configuration-set events.

Sources: "Contents of Amazon SES notifications", "Contents of event data that Amazon SES
publishes to Amazon SNS" and "... to EventBridge" in the SES Developer Guide.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from bounceledger.addresses import clean_lead_source, normalise_address
from bounceledger.errors import AddressError, InputError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers.base import Document, Parsed, Payload
from bounceledger.providers.fields import (
    MAX_STRING,
    JsonObject,
    clean_string,
    digest,
    get_list,
    get_object,
    get_string,
    parse_timestamp,
    pick,
)
from bounceledger.settings import Settings

PROVIDER = "ses"
MAX_RECIPIENTS = 100
"""Recipients of one event; SES accepts 50 per message."""
MAX_REPORTED_DIAGNOSTIC = 16_384
"""Characters of a diagnostic that are carried in an event."""
MAX_HEADER = 2048
"""Characters of a header value that are read."""
MAX_AHEAD = timedelta(days=1)
"""How far a clock may be ahead. Facts merge by `max`: a time from the future would stay."""
LAUNCH = datetime(2011, 1, 1, tzinfo=UTC)
"""SES sent nothing before; an earlier time would stay wherever facts merge by `min`."""

BOUNCE_TYPES: Mapping[str, Permanence] = {
    "permanent": Permanence.PERMANENT,
    "transient": Permanence.TRANSIENT,
    "undetermined": Permanence.UNDETERMINED,
}
"""``bounceType`` in lower case. Any other type is `Permanence.UNSTATED`."""

BOUNCE_SUBTYPES: Mapping[str, ProviderReason] = {
    "undetermined": ProviderReason.GENERAL,
    "general": ProviderReason.GENERAL,
    "noemail": ProviderReason.NO_MAILBOX,
    "suppressed": ProviderReason.SUPPRESSION_LIST,
    "onaccountsuppressionlist": ProviderReason.SUPPRESSION_LIST,
    "ontenantsuppressionlist": ProviderReason.SUPPRESSION_LIST,
    "emailvalidationsuppressed": ProviderReason.SUPPRESSION_LIST,
    "unsubscribedrecipient": ProviderReason.SUPPRESSION_LIST,
    "mailboxfull": ProviderReason.MAILBOX_FULL,
    "messagetoolarge": ProviderReason.MESSAGE_TOO_LARGE,
    "contentrejected": ProviderReason.CONTENT_REJECTED,
    "attachmentrejected": ProviderReason.ATTACHMENT_REJECTED,
    "customtimeoutexceeded": ProviderReason.TIMED_OUT,
}
"""``bounceSubType`` in lower case. Any other is `ProviderReason.UNLISTED`."""

COMPLAINT_TYPES: Mapping[str, ProviderReason] = {
    "abuse": ProviderReason.ABUSE,
    "auth-failure": ProviderReason.AUTH_FAILURE,
    "fraud": ProviderReason.FRAUD,
    "not-spam": ProviderReason.NOT_SPAM,
    "other": ProviderReason.GENERAL,
    "virus": ProviderReason.VIRUS,
}
"""``complaintFeedbackType``, the same in any case (RFC 5965 section 3.1)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the document of one kind keeps what an event needs.

    Attributes:
        kind: our word for it.
        section: key of the object about the event; empty where it is not known.
        recipients: key of the recipients in the section; empty: all of ``mail.destination``.
        diagnostic: key of what was said, in the recipient's entry or else in the section.
        repeats: one message and recipient can have several of these without a feedback id.
    """

    kind: Kind
    section: str
    recipients: str = ""
    diagnostic: str = ""
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """One entry of a list of recipients, as it stands in the document."""

    address: str
    field: str
    status: str = ""
    action: str = ""
    diagnostic: str = ""


_BOUNCE = Layout(
    Kind.BOUNCE,
    "bounce",
    recipients="bouncedRecipients",
    diagnostic="diagnosticCode",
)
_COMPLAINT = Layout(
    Kind.COMPLAINT,
    "complaint",
    recipients="complainedRecipients",
)
_DELIVERY = Layout(Kind.DELIVERY, "delivery", recipients="recipients", diagnostic="smtpResponse")
_DELAY = Layout(
    Kind.DELIVERY_DELAY,
    "deliveryDelay",
    recipients="delayedRecipients",
    diagnostic="diagnosticCode",
    repeats=True,
)
_REJECT = Layout(Kind.REJECT, "reject", diagnostic="reason")
_FAILURE = Layout(Kind.RENDERING_FAILURE, "failure", diagnostic="errorMessage")
_SUBSCRIPTION = Layout(Kind.SUBSCRIPTION, "subscription", repeats=True)
_SEND = Layout(Kind.SEND, "send")
_OPEN = Layout(Kind.OPEN, "open", repeats=True)
_CLICK = Layout(Kind.CLICK, "click", repeats=True)
_OTHER = Layout(Kind.OTHER, "", repeats=True)

KINDS: Mapping[str, Layout] = {
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
"""SES's word for a kind to its layout. Any other word is carried as `Kind.OTHER`."""

_INBOUND = "received"
_SET_UP_SENTENCE = "Successfully validated SNS topic"
_SET_UP_TYPE = "AmazonSnsSubscriptionSucceeded"


def split(payload: Payload) -> Iterator[Document]:
    """The one document of an SES payload.

    Raises:
        PayloadError: it is not JSON, about mail that SES received, or from another service.
    """
    content = payload.content
    if payload.event_source not in ("", "aws.ses"):
        raise PayloadError("is not aws.ses: an event of another service", field="source")
    if isinstance(content, str) and content.lstrip().startswith(_SET_UP_SENTENCE):
        content = {"notificationType": _SET_UP_TYPE}  # SES has two forms of this notice
    if not isinstance(content, Mapping):
        raise PayloadError("must be a JSON object", field=payload.field)
    if content.get("eventSource") == "aws:ses" or isinstance(content.get("ses"), Mapping):
        raise PayloadError("is an inbound-mail notification, not a sending event", field="ses")
    if payload.detail_type and isinstance(content.get("mail"), Mapping):
        # The kind of an EventBridge event may stand outside the detail only.
        kind = content.get("eventType") or content.get("notificationType") or payload.detail_type
        content = {**content, "eventType": kind}
    yield Document(content, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The events of one SES document, one per recipient that it is about.

    An unknown kind or type is carried as it is. A recipient that is not valid is refused by
    itself and leaves the others standing.

    Raises:
        PayloadError: the document as a whole is not one of SES's, or is about mail of an
            account that is not allowed; names the field.
    """
    body = document.body
    if body.get("notificationType") == _SET_UP_TYPE:
        return Parsed(notices=("set_up",))
    word = _kind_word(body)
    layout = KINDS.get(_fold(word), _OTHER)
    mail = get_object(body, "mail", "")
    section = get_object(body, layout.section, "") if layout.section else {}
    if layout.recipients and pick(body, layout.section) is None:
        raise PayloadError(f"is required in a {layout.kind} event", field=layout.section)
    feedback_id = get_string(section, "feedbackId", layout.section)
    message_id = get_string(mail, "messageId", "mail")
    account = get_string(mail, "sendingAccountId", "mail") or document.payload.account
    moment = _moment(document.payload, layout, section, mail, now())
    diagnostic = get_string(section, layout.diagnostic, layout.section, MAX_REPORTED_DIAGNOSTIC)
    permanence, reason = _provider_opinion(layout.kind, section)
    identity = (
        PROVIDER,
        _fold(word) if layout.kind is Kind.OTHER else layout.kind,
        feedback_id or message_id or document.payload.transport_id,
        moment.isoformat() if layout.repeats and not feedback_id else "",
    )
    recipients, refused = _recipients(layout, section, mail)
    if recipients:
        _require_allowed(account, settings)
    event = partial(
        MailEvent,
        provider=PROVIDER,
        kind=layout.kind,
        provider_kind=word,
        lead_source=_lead_source(mail, settings),
        occurred_at=moment,
        mailed_at=_mailed_at(mail, now()),
        message_id=message_id,
        permanence=permanence,
        provider_reason=reason,
        ambiguous=layout.kind is Kind.COMPLAINT and len(recipients) + len(refused) > 1,
    )
    events = (
        event(
            event_id=digest(*identity, address),
            address=address,
            status=recipient.status,
            action=recipient.action,
            diagnostic=recipient.diagnostic or diagnostic,
        )
        for address, recipient in recipients.items()
    )
    return Parsed(tuple(events), tuple(refused))


def _require_allowed(account: str, settings: Settings) -> None:
    """Whoever can publish can suppress, so only events of known accounts are accepted."""
    if "*" not in settings.allowed_accounts and account not in settings.allowed_accounts:
        raise PayloadError("is not an allowed sending account", field="mail.sendingAccountId")


def _recipients(
    layout: Layout, section: JsonObject, mail: JsonObject
) -> tuple[dict[str, Recipient], list[InputError]]:
    """The recipients by canonical address, and what is wrong with those that are not valid."""
    recipients: dict[str, Recipient] = {}
    refused: list[InputError] = []
    path, entries = _recipient_entries(layout, section, mail)
    if layout.recipients and not entries:
        refused.append(PayloadError("has no recipient", field=path))
    if len(entries) > MAX_RECIPIENTS:
        raise PayloadError(f"has more than {MAX_RECIPIENTS} recipients", field=path)
    for index, entry in enumerate(entries):
        try:
            recipient = _recipient(entry, layout, f"{path}[{index}]")
            recipients[normalise_address(recipient.address)] = recipient
        except AddressError as error:
            refused.append(AddressError(error.reason, field=recipient.field))
        except PayloadError as error:
            refused.append(error)
    return recipients, refused


def _recipient_entries(
    layout: Layout, section: JsonObject, mail: JsonObject
) -> tuple[str, list[object]]:
    """The list of recipients as it stands, and its path."""
    if not layout.recipients:
        return "mail.destination", get_list(mail, "destination", "mail")
    entries = get_list(section, layout.recipients, layout.section)
    if not entries and layout.kind is Kind.COMPLAINT:
        # Whoever complained about a message with one recipient is that recipient.
        destination = get_list(mail, "destination", "mail")
        if len(destination) == 1:
            return "mail.destination", destination
    return f"{layout.section}.{layout.recipients}", entries


def _recipient(entry: object, layout: Layout, path: str) -> Recipient:
    if isinstance(entry, str):
        return Recipient(entry, path)
    if not isinstance(entry, Mapping):
        raise PayloadError("must be a string or an object", field=path)
    address = pick(entry, "emailAddress")
    if not isinstance(address, str) or not address:
        raise PayloadError("must be a string", field=f"{path}.emailAddress")
    return Recipient(
        address,
        f"{path}.emailAddress",
        status=get_string(entry, "status", path),
        action=get_string(entry, "action", path),
        diagnostic=get_string(entry, layout.diagnostic, path, MAX_REPORTED_DIAGNOSTIC),
    )


def _kind_word(body: JsonObject) -> str:
    """SES's word for the kind; the event format's where a document has both."""
    word = get_string(body, "eventType", "") or get_string(body, "notificationType", "")
    if not word.strip():
        raise PayloadError("is required: this is not an SES event", field="eventType")
    if _fold(word) == _INBOUND:
        raise PayloadError(
            "is an inbound-mail notification, not a sending event", field="eventType"
        )
    return word.strip()


def read_bounce_type(bounce_type: str, bounce_subtype: str) -> tuple[Permanence, ProviderReason]:
    """What SES's ``bounceType`` and ``bounceSubType`` mean, in any case."""
    reason = BOUNCE_SUBTYPES.get(bounce_subtype.lower(), ProviderReason.UNLISTED)
    return (
        BOUNCE_TYPES.get(bounce_type.lower(), Permanence.UNSTATED),
        reason if bounce_subtype else ProviderReason.UNSTATED,
    )


def _provider_opinion(kind: Kind, section: JsonObject) -> tuple[Permanence, ProviderReason]:
    """How permanent SES says that it is, and why."""
    if kind is Kind.BOUNCE:
        return read_bounce_type(
            get_string(section, "bounceType", "bounce"),
            get_string(section, "bounceSubType", "bounce"),
        )
    if kind is not Kind.COMPLAINT:
        return Permanence.UNSTATED, ProviderReason.UNSTATED
    word = get_string(section, "complaintFeedbackType", "complaint").strip().lower()
    subtype = get_string(section, "complaintSubType", "complaint")
    reason = COMPLAINT_TYPES.get(word, ProviderReason.UNLISTED if word else ProviderReason.UNSTATED)
    if reason is not ProviderReason.NOT_SPAM and "suppressionlist" in subtype.lower():
        reason = ProviderReason.SUPPRESSION_LIST  # SES's own list speaks, not a person
    return Permanence.UNSTATED, reason


def _fold(word: str) -> str:
    return word.casefold().replace(" ", "")


def _moment(
    payload: Payload, layout: Layout, section: JsonObject, mail: JsonObject, now: datetime
) -> datetime:
    """When it happened: the event's own time, else the message's, else the wrapping's."""
    for where, path in ((section, layout.section), (mail, "mail")):
        text = get_string(where, "timestamp", path)
        if not text.strip():
            continue
        field = f"{path}.timestamp"
        try:
            moment = parse_timestamp(text)
        except ValueError as error:
            raise PayloadError(str(error), field=field) from None
        if moment > now + MAX_AHEAD:
            raise PayloadError("is more than a day in the future", field=field)
        if moment < LAUNCH:
            raise PayloadError("is before SES existed", field=field)
        return moment
    return min(payload.received_at or now, now)


def _mailed_at(mail: JsonObject, now: datetime) -> datetime | None:
    """When SES accepted the message; None where no such time is given."""
    try:
        moment = parse_timestamp(get_string(mail, "timestamp", "mail"))
    except (PayloadError, ValueError):
        return None
    return moment if LAUNCH <= moment <= now + MAX_AHEAD else None


def _lead_source(mail: JsonObject, settings: Settings) -> str:
    """Who supplied the address: the first of tag, header, configuration set that is set."""
    sources = map(clean_lead_source, _lead_source_candidates(mail, settings))
    return next((source for source in sources if source), settings.lead_source_default)


def _lead_source_candidates(mail: JsonObject, settings: Settings) -> Iterator[str]:
    tags = pick(mail, "tags")
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
    value = pick(tags, name)
    values = value if isinstance(value, list) else [value]
    return next((clean_string(one, MAX_STRING) for one in values if isinstance(one, str)), "")


def _message_tag(header: str, name: str) -> str:
    """Value of a tag in an X-SES-MESSAGE-TAGS header: ``name=value, name=value``."""
    for pair in header.split(","):
        key, _, value = pair.partition("=")
        if key.strip().casefold() == name.casefold():
            return value
    return ""


def _headers(mail: JsonObject) -> dict[str, str]:
    """The message's header fields by folded name, the first of each.

    They only give the lead source, so a malformed one is skipped rather than allowed to
    cost a suppression.
    """
    fields = pick(mail, "headers")
    headers: dict[str, str] = {}
    for header in fields if isinstance(fields, list) else ():
        name, value = (
            (pick(header, "name"), pick(header, "value"))
            if isinstance(header, Mapping)
            else (None, None)
        )
        if isinstance(name, str) and isinstance(value, str):
            key = clean_string(name, MAX_STRING).strip().casefold()
            headers.setdefault(key, clean_string(value, MAX_HEADER))
    return headers


def _decode(value: str) -> str:
    """A header value with its encoded words decoded (RFC 2047)."""
    if "=?" not in value:
        return value
    # Imported here: few values need it.
    from email.errors import MessageError
    from email.header import decode_header, make_header

    try:
        return clean_string(str(make_header(decode_header(value))), MAX_HEADER)
    except (MessageError, LookupError, ValueError):
        return value
