"""Resend: the webhooks of email.

Sources: "Event Types", "Body Parameters", the pages of each event, "Retries and Replays" and "Email
Bounces" in the Resend documentation.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from bounceledger.errors import InputError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers.base import Document, Parsed, Payload
from bounceledger.providers.common import (
    MAX_DIAGNOSTIC,
    by_name,
    decode_json,
    entries_of,
    lead_of,
    read_address,
    read_object,
    read_text,
    read_time,
    read_word,
    received_at,
    required_word,
)
from bounceledger.providers.fields import (
    MAX_STRING,
    JsonObject,
    clean_kind,
    clean_string,
    digest,
    get_object,
    pick,
)
from bounceledger.providers.ses import BOUNCE_SUBTYPES, BOUNCE_TYPES
from bounceledger.settings import Settings

PROVIDER = "resend"
LAUNCH = datetime(2022, 1, 1, tzinfo=UTC)
"""Resend sent nothing before; an earlier time is a mistake."""
MAX_RECIPIENTS = 50
"""Recipients that Resend takes for one message."""

KINDS: Mapping[str, Kind] = {
    "email.sent": Kind.SEND,
    "email.delivered": Kind.DELIVERY,
    "email.delivery_delayed": Kind.DELIVERY_DELAY,
    "email.bounced": Kind.BOUNCE,
    "email.suppressed": Kind.BOUNCE,
    "email.complained": Kind.COMPLAINT,
    "email.failed": Kind.REJECT,  # a quota, a domain that is not verified, an API key
    "email.opened": Kind.OPEN,
    "email.clicked": Kind.CLICK,
}
"""``type``. Any other that is about an email is `Kind.OTHER`."""

EMAIL = "email."
"""With what the ``type`` of events about an email begins. Others are about contacts, domains,
inboxes, and Resend's own suppression list."""

NOTICES = frozenset({"email.received", "email.scheduled"})
"""``type`` of events about an email that say nothing of its delivery."""

SUPPRESSED = "email.suppressed"
"""``type`` of a message that Resend did not send, since the recipient is on its own list."""

# Resend sends through Amazon SES and hands on its words: `BOUNCE_TYPES` has ``data.bounce.type``,
# `BOUNCE_SUBTYPES` ``data.bounce.subType``.

SENTENCES: Mapping[str, tuple[Permanence, ProviderReason]] = {
    "the recipient's email provider sent a hard bounce message": (
        Permanence.PERMANENT,
        ProviderReason.GENERAL,
    ),
    "the recipient's email provider sent a general bounce message": (
        Permanence.TRANSIENT,
        ProviderReason.GENERAL,
    ),
    "the recipient's email provider sent a bounce message because the recipient's inbox was full": (
        Permanence.TRANSIENT,
        ProviderReason.MAILBOX_FULL,
    ),
    "resend has suppressed sending to this address": (
        Permanence.PERMANENT,
        ProviderReason.SUPPRESSION_LIST,
    ),
    "the recipient's email address is on the suppression list": (
        Permanence.PERMANENT,
        ProviderReason.SUPPRESSION_LIST,
    ),
}
"""With what ``data.bounce.message`` begins, in lower case: an explanation by Resend, which is all
that bounces had before they had a type."""


def split(payload: Payload) -> Iterator[Document]:
    """The one document of a request.

    Raises:
        PayloadError: it is not a JSON object.
    """
    for entry in entries_of(payload.content, payload.field):
        yield Document(entry, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The events of one document.

    Resend names all recipients of the message, and not which of them an event is about. So only a
    message to one recipient tells whom it is about: of several, a bounce matches nobody, each may
    have complained, and only that all were sent to is certain.

    A recipient whose address is not valid is refused by itself.

    Raises:
        PayloadError: the document is not one of Resend's; names the field.
    """
    body = document.body
    word = required_word(body, "type")
    unknown = () if word.lower() in KINDS else (clean_kind(word),)
    if word.lower() in NOTICES or not word.lower().startswith(EMAIL):
        return Parsed(notices=(clean_kind(word),))
    kind = KINDS.get(word.lower(), Kind.OTHER)
    data = get_object(body, "data", "")
    if unknown and pick(data, "to") is None:
        return Parsed(notices=unknown, unknown_kinds=unknown)
    recipients, refused = _recipients(data)
    several = len(recipients) + len(refused) > 1
    if several and kind is Kind.BOUNCE:
        recipients, refused = [""], []
    elif several and kind not in (Kind.SEND, Kind.COMPLAINT):
        return Parsed(notices=(clean_kind(word),), unknown_kinds=unknown)
    received = received_at(document.payload, now())
    # That of the event; the message's own is in `data`. Both are the same in every delivery, while
    # the id of the webhook's message stands in a header, which is not part of the document.
    occurred_at = read_time(pick(body, "created_at"), since=LAUNCH, until=received) or received
    mailed_at = read_time(pick(data, "created_at"), since=LAUNCH, until=received)
    message_id = read_text(data, "email_id")
    permanence, reason, said = _bounce(data, word.lower())
    lead = lead_of(_attached(data), settings, (mailed_at or occurred_at).date())
    identity = (word.lower(), message_id, read_text(body, "created_at"))
    event = partial(
        MailEvent,
        provider=PROVIDER,
        kind=kind,
        provider_kind=word,
        lead_source=lead.source,
        lead_date=lead.collected_on,
        occurred_at=occurred_at,
        mailed_at=mailed_at,
        reported_at=received,
        message_id=message_id,
        diagnostic=said,
        permanence=permanence,
        provider_reason=reason,
        ambiguous=kind is Kind.COMPLAINT and several,
    )
    events = tuple(
        event(event_id=digest(PROVIDER, *identity, address), address=address, unmatched=not address)
        for address in recipients
    )
    return Parsed(events, tuple(refused), unknown_kinds=unknown)


def _recipients(data: JsonObject) -> tuple[list[str], list[InputError]]:
    """To whom a message was sent, each once, and what is wrong with addresses that are not valid.

    Raises:
        PayloadError: there is none, or are more than Resend takes.
    """
    value = pick(data, "to")
    listed = value if isinstance(value, list) else [value]
    if not listed or len(listed) > MAX_RECIPIENTS:
        raise PayloadError(f"must have 1 to {MAX_RECIPIENTS} recipients", field="data.to")
    found: dict[str, None] = {}
    refused: list[InputError] = []
    for index, entry in enumerate(listed):
        place = f"to[{index}]" if isinstance(value, list) else "to"
        try:
            found[read_address({place: entry}, place, "data")] = None
        except InputError as error:
            refused.append(error)
    return list(found), refused


def _bounce(data: JsonObject, word: str) -> tuple[Permanence, ProviderReason, str]:
    """How permanent a bounce is, why, and what the receiving server said."""
    if word == SUPPRESSED:
        return Permanence.UNSTATED, ProviderReason.SUPPRESSION_LIST, ""
    bounce = read_object(data, "bounce")
    kind, subtype = read_word(bounce, "type"), read_word(bounce, "subType")
    if kind or subtype:
        permanence = BOUNCE_TYPES.get(kind, Permanence.UNSTATED)
        reason = BOUNCE_SUBTYPES.get(subtype, ProviderReason.UNLISTED)
    else:
        permanence, reason = _explained(read_text(bounce, "message"))
    if reason is ProviderReason.SUPPRESSION_LIST:
        return permanence, reason, ""  # what is there is the reply to an earlier message
    replies = pick(bounce, "diagnosticCode")
    said = _joined(replies)
    passes = permanence in (Permanence.TRANSIENT, Permanence.UNDETERMINED)
    if replies == [] and passes and reason is ProviderReason.GENERAL:
        reason = ProviderReason.AUTOMATIC_REPLY  # what SES makes of one: see ses.py
    return permanence, reason, said


def _explained(message: str) -> tuple[Permanence, ProviderReason]:
    text = message[:MAX_STRING].strip().lower()
    unstated = (Permanence.UNSTATED, ProviderReason.UNSTATED)
    return next((means for start, means in SENTENCES.items() if text.startswith(start)), unstated)


def _attached(data: JsonObject) -> tuple[object, ...]:
    """What the sender attached: tags, headers, and the header in which django-anymail puts data."""
    headers = by_name(pick(data, "headers"))
    metadata = pick(headers, "X-Metadata") if isinstance(headers, Mapping) else None
    return by_name(pick(data, "tags")), headers, decode_json(metadata)


def _joined(value: object) -> str:
    """The replies of a list as one text."""
    replies = value if isinstance(value, list) else [value]
    text = "\n".join(reply for reply in replies[:MAX_RECIPIENTS] if isinstance(reply, str))
    return clean_string(text, MAX_DIAGNOSTIC)
