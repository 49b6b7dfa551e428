"""MailerSend: activity webhooks, in both versions of their payload.

Sources: "Webhooks" in the MailerSend API reference (version 2: the fields of the message are in
``data`` itself), and requests of version 1, which MailerSend sends until December 2026 (they are
in ``data.email`` and ``data.morph``).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers.base import Document, Parsed, Payload
from bounceledger.providers.common import (
    MAX_DIAGNOSTIC,
    entries_of,
    lead_of,
    read_address,
    read_object,
    read_text,
    read_time,
    received_at,
    reply_with_code,
    required_word,
)
from bounceledger.providers.fields import JsonObject, clean_kind, digest, get_object, pick
from bounceledger.settings import Settings

PROVIDER = "mailersend"
LAUNCH = datetime(2020, 1, 1, tzinfo=UTC)
"""MailerSend sent nothing before; an earlier time is a mistake."""

ACTIVITY = "activity."
"""How ``type`` begins where the event is about a message. Others are about the account: domains,
inbound mail, verifications, and the test of a new webhook."""

KINDS: Mapping[str, Kind] = {
    "sent": Kind.SEND,
    "delivered": Kind.DELIVERY,
    "deferred": Kind.DELIVERY_DELAY,
    "soft_bounced": Kind.BOUNCE,
    "hard_bounced": Kind.BOUNCE,
    "suppressed": Kind.BOUNCE,
    "spam_complaint": Kind.COMPLAINT,
    "spam_complaints": Kind.COMPLAINT,
    "unsubscribed": Kind.UNSUBSCRIBE,
    "opened": Kind.OPEN,
    "opened_unique": Kind.OPEN,
    "clicked": Kind.CLICK,
    "clicked_unique": Kind.CLICK,
    "survey_opened": Kind.OPEN,
    "survey_submitted": Kind.CLICK,
}
"""``type`` in lower case, after ``activity.``. Any other is `Kind.OTHER`."""

OPINIONS: Mapping[str, tuple[Permanence, ProviderReason]] = {
    "hard_bounced": (Permanence.PERMANENT, ProviderReason.GENERAL),
    "soft_bounced": (Permanence.TRANSIENT, ProviderReason.GENERAL),
    "suppressed": (Permanence.UNSTATED, ProviderReason.SUPPRESSION_LIST),
}
"""How permanent MailerSend calls a bounce, and why, by its kind."""

WITH_REPLY = frozenset({"hard_bounced", "soft_bounced", "deferred"})
"""Kinds with a reason that a server gave; that of any other is the recipient's or MailerSend's."""

NO_REPLY = frozenset({"unknown reason"})
"""``bounce_reason`` in lower case where MailerSend knows no reply."""


def split(payload: Payload) -> Iterator[Document]:
    """One document: MailerSend sends one event per request.

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
    """The event of one document: MailerSend has one recipient per event.

    Raises:
        PayloadError: the document is not one of MailerSend's; names the field.
        AddressError: the recipient is not a valid address.
    """
    body = document.body
    word = required_word(body, "type")
    if not word.lower().startswith(ACTIVITY):
        return Parsed(notices=(clean_kind(word),))
    activity = word.lower().removeprefix(ACTIVITY)
    kind = KINDS.get(activity, Kind.OTHER)
    data = get_object(body, "data", "")
    address = _address(data)
    received = received_at(document.payload, now())
    # In version 1, the time of the body is when the request was made.
    occurred_at = _time(data, received) or _time(body, received) or received
    email = read_object(data, "email")
    message = read_object(email, "message")
    mailed_at = _time(message, received)
    event_id = read_text(data, "id")
    message_id = read_text(data, "message_id") or read_text(message, "id")
    written = read_text(data, "created_at") or read_text(body, "created_at")
    identity = ("id", event_id) if event_id else (message_id, written)
    tags = (pick(data, "tags"), pick(email, "tags"))
    lead = lead_of(tags, settings, (mailed_at or occurred_at).date())
    permanence, reason = OPINIONS.get(activity, (Permanence.UNSTATED, ProviderReason.UNSTATED))
    event = MailEvent(
        event_id=digest(PROVIDER, activity, *identity, address),
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
        diagnostic=_reply(data) if activity in WITH_REPLY else "",
        permanence=permanence,
        provider_reason=reason,
    )
    return Parsed((event,), unknown_kinds=() if activity in KINDS else (clean_kind(word),))


def _address(data: JsonObject) -> str:
    """The recipient: a string in version 2, an object in version 1."""
    if isinstance(pick(data, "recipient"), str):
        return read_address(data, "recipient", "data")
    email = pick(data, "email")
    if isinstance(email, str):
        return read_address(data, "email", "data")
    if isinstance(email, Mapping):
        recipient = get_object(email, "recipient", "data.email")
        return read_address(recipient, "email", "data.email.recipient")
    return read_address(data, "recipient", "data")


def _time(where: JsonObject, received: datetime) -> datetime | None:
    return read_time(pick(where, "created_at"), since=LAUNCH, until=received)


def _reply(data: JsonObject) -> str:
    """What the server said: the text and, in version 2, the code."""
    meta = read_object(data, "meta")
    reported = read_text(meta, "bounce_reason", MAX_DIAGNOSTIC)
    said = reported or read_text(read_object(data, "morph"), "reason", MAX_DIAGNOSTIC)
    is_known = said.strip().lower() not in NO_REPLY
    return reply_with_code(read_text(meta, "bounce_code"), said) if is_known else ""
