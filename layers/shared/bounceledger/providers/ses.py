"""Amazon SES: identity notifications and configuration-set events.

Sources: "Contents of Amazon SES notifications", "Contents of event data that Amazon SES
publishes to Amazon SNS" and "... to EventBridge" in the SES Developer Guide.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from string import ascii_lowercase

from bounceledger.errors import InputError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers.base import Document, Parsed, Payload
from bounceledger.providers.fields import (
    MAX_STRING,
    JsonObject,
    clean_kind,
    digest,
    get_list,
    get_object,
    get_string,
    parse_timestamp,
    pick,
    read_string,
)
from bounceledger.providers.ses_lead_source import lead_date_of, lead_source_of
from bounceledger.providers.ses_recipients import (
    MAX_REPORTED_DIAGNOSTIC,
    Destination,
    Entry,
    Recipient,
    is_ses,
    read_destination,
    read_entries,
    whose,
)
from bounceledger.settings import Settings

PROVIDER = "ses"
MAX_AHEAD = timedelta(hours=1)
"""How far the clock of the wrapping may be ahead. Facts merge by `max`: a time from the future
would stay."""
LAUNCH = datetime(2011, 1, 1, tzinfo=UTC)
"""SES sent nothing before; an earlier time is a mistake."""

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
_UNSUBSCRIBE = Layout(Kind.UNSUBSCRIBE, "subscription", repeats=True)
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

ACTIONS: Mapping[str, Kind] = {
    "delayed": Kind.DELIVERY_DELAY,
    "delivered": Kind.RELAYED,
    "relayed": Kind.RELAYED,
    "expanded": Kind.RELAYED,
}
"""DSN action to what a recipient of a bounce event is about instead (RFC 3464 section 2.3.3).
Where it is ``failed``, missing or any other, the reply decides."""

_NEEDS_ADDRESS = frozenset({Kind.BOUNCE, Kind.COMPLAINT})
"""What is held against an address: without one, it is unmatched."""

_OF_ONE_PERSON = frozenset({Kind.COMPLAINT, Kind.UNSUBSCRIBE})
"""What one person does; where several are named, nothing tells which of them it was."""

_INBOUND = "received"
_INBOUND_PROBLEM = "shows mail that SES received; only events about sent mail are read"
_SET_UP_SENTENCE = "Successfully validated SNS topic"
_SET_UP_TYPE = "AmazonSnsSubscriptionSucceeded"


def split(payload: Payload) -> Iterator[Document]:
    """The one document of an SES payload.

    Raises:
        PayloadError: it is not JSON, about mail that SES received, or from another service.
    """
    content = payload.content
    if payload.event_source not in ("", "aws.ses"):
        raise PayloadError("must be aws.ses; the event is from another service", field="source")
    if isinstance(content, str) and content.lstrip().startswith(_SET_UP_SENTENCE):
        content = {"notificationType": _SET_UP_TYPE}  # SES has two forms of this notice
    if not isinstance(content, Mapping):
        if payload.event_source != "aws.ses" or _fold(payload.detail_type) in KINDS:
            raise PayloadError("must be a JSON object", field=payload.field)
        content = {}  # an event about no mail may have any detail
    if content.get("eventSource") == "aws:ses" or isinstance(content.get("ses"), Mapping):
        raise PayloadError(_INBOUND_PROBLEM, field="ses")
    if payload.event_source == "aws.ses" or isinstance(content.get("mail"), Mapping):
        # The kind of an EventBridge event may stand outside the detail only.
        kind = content.get("eventType") or content.get("notificationType") or payload.detail_type
        content = {**content, "eventType": kind} if kind else content
    yield Document(content, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The events of one SES document, one per recipient that it is about.

    An unknown kind or type is carried as it is. A recipient that cannot be read is refused by
    itself and leaves the others standing. A document that is about nobody is a notice.

    Raises:
        PayloadError: the document as a whole is not one of SES's, or is about mail of an
            account that is not allowed; names the field.
    """
    body = document.body
    if body.get("notificationType") == _SET_UP_TYPE:
        return Parsed(notices=("set_up",))
    word = _kind_word(body)
    layout = KINDS.get(_fold(word)) or _layout_by_section(body)
    section = get_object(body, layout.section, "") if layout.section else {}
    if layout is _SUBSCRIPTION and _has_unsubscribed(section):
        layout = _UNSUBSCRIBE
    if layout.recipients and pick(body, layout.section) is None:
        raise PayloadError(f"is required in a {layout.kind} event", field=layout.section)
    mail = get_object(body, "mail", "")
    permanence, reason = _provider_opinion(layout.kind, section)
    recipients, refused = _recipients(layout, section, mail, reason)
    if recipients:
        _require_allowed(document, mail, settings)
    published = _published_at(document.payload, now())
    moment = _moment(section, mail, published)
    message_id = get_string(mail, "messageId", "mail")
    feedback_id = read_string(section, "feedbackId")
    identity = (
        feedback_id or message_id or document.payload.transport_id,
        "" if feedback_id or not layout.repeats else _repetition(section, mail, moment),
    )
    named = {recipient.address or recipient.entry.address for recipient in recipients}
    mailed_at = _mailed_at(mail, published)
    event = partial(
        MailEvent,
        provider=PROVIDER,
        provider_kind=word,
        lead_source=lead_source_of(mail, settings),
        lead_date=lead_date_of(mail, settings, mailed_at.date()),
        occurred_at=moment,
        mailed_at=mailed_at,
        reported_at=published,
        message_id=message_id,
        permanence=permanence,
        provider_reason=reason,
        ambiguous=layout.kind in _OF_ONE_PERSON and len(named) + len(refused) > 1,
    )
    events = _events(layout, section, recipients, identity, event)
    return Parsed(
        tuple(events),
        tuple(refused),
        notices=() if events or refused else (clean_kind(word),),
        unknown_kinds=() if _fold(word) in KINDS else (clean_kind(word),),
    )


def _layout_by_section(body: JsonObject) -> Layout:
    """Layout of a kind that is not known: that of a bounce or complaint that it holds."""
    for layout in (_BOUNCE, _COMPLAINT):
        if isinstance(pick(body, layout.section), Mapping):
            return layout
    return _OTHER


def _has_unsubscribed(section: JsonObject) -> bool:
    """Whether new preferences leave nothing to which the recipient is subscribed.

    The topics are those on which the recipient has decided (``topicSubscriptionStatus``), and those
    for which the default of the contact list holds (``topicDefaultSubscriptionStatus``).
    """
    preferences = pick(section, "newTopicPreferences")
    if not isinstance(preferences, Mapping):
        return False
    if pick(preferences, "unsubscribeAll") is True:
        return True
    decided, default = (
        pick(preferences, key) or []
        for key in ("topicSubscriptionStatus", "topicDefaultSubscriptionStatus")
    )
    if not isinstance(decided, list) or not isinstance(default, list):
        return False
    return bool(decided) and all(
        isinstance(topic, Mapping) and pick(topic, "subscriptionStatus") == "OptOut"
        for topic in (*decided, *default)
    )


def _events(
    layout: Layout,
    section: JsonObject,
    recipients: list[Recipient],
    identity: tuple[str, str],
    event: "partial[MailEvent]",
) -> list[MailEvent]:
    """One event per address and kind, from the partial event that all have in common."""
    diagnostic = get_string(section, layout.diagnostic, layout.section, MAX_REPORTED_DIAGNOSTIC)
    nobody_named = pick(section, layout.recipients) == []
    events: dict[str, MailEvent] = {}
    # An entry about the mailed address itself comes before one about where mail is forwarded.
    for recipient in sorted(recipients, key=lambda one: one.forwarded_to != ""):
        entry = recipient.entry
        said = entry.diagnostic or diagnostic
        kind = _kind_of(layout, entry)
        automatic = kind is Kind.BOUNCE and (
            nobody_named or _looks_automatic(entry, said, event.keywords)
        )
        event_id = digest(
            PROVIDER,
            _fold(event.keywords["provider_kind"]) if kind is Kind.OTHER else kind,
            *identity,
            recipient.address or f" {entry.address}",
        )
        found = event(
            event_id=event_id,
            kind=kind,
            address=recipient.address,
            status=entry.status,
            action=entry.action,
            diagnostic=said,
            unmatched=not (recipient.address or automatic) and kind in _NEEDS_ADDRESS,
            forwarded_to=recipient.forwarded_to,
        )
        if automatic:
            found = replace(found, provider_reason=ProviderReason.AUTOMATIC_REPLY)
        events.setdefault(event_id, found)
    return list(events.values())


def _kind_of(layout: Layout, entry: Entry) -> Kind:
    if layout.kind is not Kind.BOUNCE:
        return layout.kind
    action = entry.action.strip().lower()
    word = action[: len(action) - len(action.lstrip(ascii_lowercase))]
    return ACTIONS.get(word, Kind.BOUNCE)


def _looks_automatic(entry: Entry, said: str, common: Mapping[str, object]) -> bool:
    """Whether an entry is what SES makes of most automatic replies: not a word of a DSN.

    The same form under Permanent is a bounce without a DSN.
    """
    return (
        not (entry.status.strip() or entry.action.strip() or said.strip())
        and common["permanence"] in (Permanence.TRANSIENT, Permanence.UNDETERMINED)
        and common["provider_reason"] in (ProviderReason.GENERAL, ProviderReason.UNSTATED)
    )


def _require_allowed(document: Document, mail: JsonObject, settings: Settings) -> None:
    """Whoever can publish can suppress, so only events of known accounts are accepted."""
    account = get_string(mail, "sendingAccountId", "mail") or document.payload.account
    if "*" not in settings.allowed_accounts and account not in settings.allowed_accounts:
        raise PayloadError("is not an allowed sending account", field="mail.sendingAccountId")


def _recipients(
    layout: Layout, section: JsonObject, mail: JsonObject, reason: ProviderReason
) -> tuple[list[Recipient], list[InputError]]:
    """Whom a document is about, and what is wrong with those that are not valid."""
    destination = read_destination(mail) if layout.kind in _NEEDS_ADDRESS else Destination()
    if not layout.recipients:
        path, listed = "mail.destination", get_list(mail, "destination", "mail")
    else:
        path = f"{layout.section}.{layout.recipients}"
        listed = _listed(section, layout, destination)
    entries, refused = read_entries(listed, path, layout.diagnostic)
    if layout.kind in _NEEDS_ADDRESS:
        is_empty = pick(section, layout.recipients) == []
        if not listed and (is_empty or layout.kind is Kind.COMPLAINT):
            # Nobody is named: an automatic reply, or a complaint that was made anonymous.
            return [Recipient(destination.only, Entry("", path))], refused
    if layout.recipients and not listed:
        refused.append(PayloadError("has no recipient", field=path))
    by_ses = layout.kind is Kind.BOUNCE and (
        reason is ProviderReason.SUPPRESSION_LIST  # which is SES's own
        or is_ses(read_string(section, "reportingMTA"))
    )
    recipients: list[Recipient] = []
    for entry in entries:
        try:
            recipients.append(whose(entry, destination, by_ses=by_ses))
        except InputError as error:
            refused.append(error)
    return recipients, refused


def _listed(section: JsonObject, layout: Layout, destination: Destination) -> list[object]:
    """The list of recipients; where only one was mailed, whatever stands for one."""
    value = pick(section, layout.recipients)
    if destination.only and (layout.kind is Kind.BOUNCE or value is not None):
        entries = value if isinstance(value, list) else [value]
        return [entry if isinstance(entry, str | Mapping) else "" for entry in entries]
    return get_list(section, layout.recipients, layout.section)


def _kind_word(body: JsonObject) -> str:
    """SES's word for the kind; the event format's where a document has both."""
    word = get_string(body, "eventType", "") or get_string(body, "notificationType", "")
    if not word.strip():
        raise PayloadError("is required: this is not an SES event", field="eventType")
    if _fold(word) == _INBOUND:
        raise PayloadError(_INBOUND_PROBLEM, field="eventType")
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
            read_string(section, "bounceType"),
            read_string(section, "bounceSubType"),
        )
    if kind is not Kind.COMPLAINT:
        return Permanence.UNSTATED, ProviderReason.UNSTATED
    word = read_string(section, "complaintFeedbackType").strip().lower()
    subtype = read_string(section, "complaintSubType")
    reason = COMPLAINT_TYPES.get(word, ProviderReason.UNLISTED if word else ProviderReason.UNSTATED)
    if reason is not ProviderReason.NOT_SPAM and "suppressionlist" in subtype.lower():
        reason = ProviderReason.SUPPRESSION_LIST  # from SES's own list, not from a person
    return Permanence.UNSTATED, reason


def _fold(word: str) -> str:
    return word.casefold().replace(" ", "")


def _published_at(payload: Payload, now: datetime) -> datetime:
    """When SNS or EventBridge published, the same for every redelivery; else now."""
    published = payload.received_at
    return now if published is None or published > now + MAX_AHEAD else published


def _moment(section: JsonObject, mail: JsonObject, published: datetime) -> datetime:
    """When it happened: as the document says, but not before the message, nor after publication.

    The time of a bounce comes from the receiving server's report, so it may be any.
    """
    sent = _read_time(mail)
    told = _read_time(section) or sent or published
    return min(max(told, sent or told), published)


def _read_time(where: JsonObject) -> datetime | None:
    """The ``timestamp`` of a part of the document; None where it says nothing that can be."""
    text = pick(where, "timestamp")
    try:
        moment = parse_timestamp(text[:MAX_STRING]) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment >= LAUNCH else None


def _repetition(section: JsonObject, mail: JsonObject, moment: datetime) -> str:
    """What tells repeated events of one message apart: the time as it was reported."""
    return (_read_time(section) or _read_time(mail) or moment).isoformat()


def _mailed_at(mail: JsonObject, published: datetime) -> datetime:
    """When SES accepted the message; where the document does not say, when it was published.

    Never the report's own time: the counter's day would be the receiving server's choice.
    """
    return min(_read_time(mail) or published, published)
