"""Mailchimp Transactional (Mandrill): its webhooks.

Sources: "Webhook Format", "Message Event Webhook Format", "Sync Event Webhook Format" and "About
Bounces" in the Mandrill knowledge base; ``reject_reason`` in the reference of "messages/send".
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from bounceledger import strict_json
from bounceledger.errors import PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers.base import Document, Parsed, Payload
from bounceledger.providers.common import (
    MAX_DIAGNOSTIC,
    entries_of,
    lead_of,
    read_address,
    read_text,
    read_time,
    read_word,
    received_at,
    required_word,
)
from bounceledger.providers.fields import JsonObject, clean_kind, digest, get_object, pick
from bounceledger.settings import Settings

PROVIDER = "mandrill"
LAUNCH = datetime(2012, 1, 1, tzinfo=UTC)
"""Mandrill sent nothing before; an earlier time is a mistake."""
FIELD = "mandrill_events"
"""The one field of the form that Mandrill sends; it holds a JSON list."""

KINDS: Mapping[str, Kind] = {
    "send": Kind.SEND,
    "delivered": Kind.DELIVERY,
    "deferral": Kind.DELIVERY_DELAY,
    "hard_bounce": Kind.BOUNCE,
    "soft_bounce": Kind.BOUNCE,
    "reject": Kind.REJECT,  # a bounce where `REJECTS` says so
    "spam": Kind.COMPLAINT,
    "unsub": Kind.UNSUBSCRIBE,
    "open": Kind.OPEN,
    "click": Kind.CLICK,
}
"""``event``. Any other is `Kind.OTHER`."""

INBOUND = "inbound"
"""``event`` of mail that Mandrill received."""

REJECTS: Mapping[str, ProviderReason] = {
    "hard-bounce": ProviderReason.SUPPRESSION_LIST,
    "soft-bounce": ProviderReason.SUPPRESSION_LIST,
    "spam": ProviderReason.SUPPRESSION_LIST,
    "unsub": ProviderReason.SUPPRESSION_LIST,
    "custom": ProviderReason.SUPPRESSION_LIST,  # the sender put the address on the list
    "invalid": ProviderReason.INVALID_ADDRESS,
}
"""``msg.reject.reason`` of a reject that is about the recipient.

Any other is about the message or the account: a sender that is not verified, a rule, the limit of
the test mode. Without a reason it may be any of these, so nobody is suppressed.
"""

TYPES: Mapping[str, Permanence] = {
    "hard_bounce": Permanence.PERMANENT,
    "soft_bounce": Permanence.TRANSIENT,
}
"""``event`` of a bounce."""

DESCRIPTIONS: Mapping[str, ProviderReason] = {
    "bad_mailbox": ProviderReason.NO_MAILBOX,
    "invalid_domain": ProviderReason.NO_DOMAIN,
    "mailbox_full": ProviderReason.MAILBOX_FULL,
    "general": ProviderReason.UNLISTED,
}
"""``msg.bounce_description`` in lower case, as far as Mandrill shows it. Of any other, the code
decides."""

CODES: Mapping[str, ProviderReason] = {
    "10": ProviderReason.NO_MAILBOX,
    "20": ProviderReason.UNLISTED,  # soft
    "21": ProviderReason.NO_DOMAIN,
    "22": ProviderReason.MAILBOX_FULL,
    "23": ProviderReason.MESSAGE_TOO_LARGE,
    "24": ProviderReason.TIMED_OUT,
    "25": ProviderReason.BLOCKED,
    "40": ProviderReason.UNLISTED,  # for no reason that is known
    "50": ProviderReason.BLOCKED,
    "51": ProviderReason.BLOCKED,
    "52": ProviderReason.CONTENT_REJECTED,
    "53": ProviderReason.ATTACHMENT_REJECTED,
    "54": ProviderReason.BLOCKED,
    "60": ProviderReason.AUTOMATIC_REPLY,
    "100": ProviderReason.AUTOMATIC_REPLY,  # asks the sender to confirm
}
"""``msg.bgtools_code``: the class that a library for bounces (BoogieTools) gave the reply.

SparkPost documents the same numbers. Any other is `ProviderReason.UNLISTED`.
"""


def split(payload: Payload) -> Iterator[Document]:
    """One document per event of the form's field; none of an empty list, Mandrill's test.

    Raises:
        PayloadError: the field does not hold a JSON list of objects.
    """
    value: object = payload.content
    field = payload.field
    if isinstance(value, Mapping) and FIELD in value:
        value, field = value[FIELD], FIELD
        if isinstance(value, str):
            value = _loads(value)
        if value == []:
            return
    for entry in entries_of(value, field):
        yield Document(entry, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document: Mandrill has one recipient per event.

    A change of Mandrill's own lists, and mail that it received, are notices.

    Raises:
        PayloadError: the document is not one of Mandrill's; names the field.
        AddressError: the recipient is not a valid address.
    """
    body = document.body
    if pick(body, "event") is None and pick(body, "type") is not None:
        return Parsed(notices=(clean_kind(required_word(body, "type")),))
    word = required_word(body, "event")
    kind = KINDS.get(word.lower(), Kind.OTHER)
    message = get_object(body, "msg", "")
    if word.lower() == INBOUND:
        return Parsed(notices=(INBOUND,))
    unknown = () if word.lower() in KINDS else (clean_kind(word),)
    if unknown and pick(message, "email") is None:
        return Parsed(notices=unknown, unknown_kinds=unknown)
    refusal = REJECTS.get(_reject_reason(body, message)) if kind is Kind.REJECT else None
    is_invalid = refusal is ProviderReason.INVALID_ADDRESS
    address = read_address(message, "email", "msg", is_invalid=is_invalid)
    received = received_at(document.payload, now())
    occurred_at = read_time(pick(body, "ts"), since=LAUNCH, until=received) or received
    mailed_at = read_time(pick(message, "ts"), since=LAUNCH, until=received)
    message_id = read_text(message, "_id") or read_text(body, "_id")
    said = _reply(body, message, kind)
    reason = _reason(message) if kind is Kind.BOUNCE else ProviderReason.UNSTATED
    if refusal:
        # Mandrill sent nothing, so no server replied.
        kind, reason, said = Kind.BOUNCE, refusal, ""
    lead = lead_of(
        (pick(message, "metadata"), pick(message, "tags")),
        settings,
        (mailed_at or occurred_at).date(),
    )
    event = MailEvent(
        # `_id` is the message's: a message can be deferred several times.
        event_id=digest(
            PROVIDER,
            word.lower(),
            message_id,
            read_text(body, "ts"),
            address or read_text(message, "email"),
        ),
        provider=PROVIDER,
        kind=kind,
        provider_kind=word,
        address=address,
        lead_source=lead.source,
        lead_date=lead.collected_on,
        occurred_at=occurred_at,
        mailed_at=mailed_at,
        reported_at=received,
        message_id=message_id,
        diagnostic=said,
        permanence=TYPES.get(word.lower(), Permanence.UNSTATED),
        provider_reason=reason,
        unmatched=not address,
    )
    return Parsed((event,), unknown_kinds=unknown)


def _loads(text: str) -> object:
    try:
        return strict_json.loads(text)
    except (ValueError, RecursionError):
        raise PayloadError("must be JSON", field=FIELD) from None


def _reply(body: JsonObject, message: JsonObject, kind: Kind) -> str:
    """What the server said: ``diag``, or that of the last attempt, unless it was delivered."""
    said = read_text(message, "diag", MAX_DIAGNOSTIC) or read_text(body, "diag", MAX_DIAGNOSTIC)
    attempts = pick(message, "smtp_events")
    if said or kind not in (Kind.BOUNCE, Kind.DELIVERY_DELAY) or not isinstance(attempts, list):
        return said
    last = attempts[-1] if attempts else None
    if not isinstance(last, Mapping) or read_word(last, "type") == "sent":
        return ""
    return read_text(last, "diag", MAX_DIAGNOSTIC)


def _reason(message: JsonObject) -> ProviderReason:
    """Why it bounced, in Mandrill's own words."""
    word = read_word(message, "bounce_description")
    code = read_text(message, "bgtools_code")
    if not word and not code:
        return ProviderReason.GENERAL
    return DESCRIPTIONS.get(word) or CODES.get(code, ProviderReason.UNLISTED)


def _reject_reason(body: JsonObject, message: JsonObject) -> str:
    """Why Mandrill rejected a message: an object with a reason, or the reason itself."""
    for where in (message, body):
        value = pick(where, "reject")
        word = read_word(value if isinstance(value, Mapping) else {"reason": value}, "reason")
        if word:
            return word
    return read_word(message, "reject_reason")
