"""Postal: webhooks of a mail server.

Sources: "Webhooks" and "Mail Server Settings" in the Postal documentation; the sentences in
``details`` are in Postal's ``app/lib/message_dequeuer``, the same since version 1.
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
    read_text,
    read_time,
    read_word,
    received_at,
    refuse_received_mail,
    required_word,
)
from bounceledger.providers.fields import JsonObject, clean_kind, digest, get_object, pick
from bounceledger.settings import Settings

PROVIDER = "postal"
LAUNCH = datetime(2016, 1, 1, tzinfo=UTC)
"""Postal did not exist before; an earlier time is a mistake."""

KINDS: Mapping[str, Kind] = {
    "messagesent": Kind.DELIVERY,
    "messagedelayed": Kind.DELIVERY_DELAY,
    "messagedeliveryfailed": Kind.BOUNCE,
    "messageheld": Kind.REJECT,
    "messagebounced": Kind.BOUNCE,
    "messagelinkclicked": Kind.CLICK,
    "messageloaded": Kind.OPEN,
}
"""``event`` in lower case. Any other is `Kind.OTHER`, unless it is about no message."""

STATUSES: Mapping[str, Kind] = {
    "sent": Kind.DELIVERY,
    "softfail": Kind.DELIVERY_DELAY,
    "error": Kind.DELIVERY_DELAY,
    "hardfail": Kind.BOUNCE,  # a rejection where `FAILURES` says so
    "held": Kind.REJECT,  # a bounce where `_is_suppressed` says so
    "holdcancelled": Kind.REJECT,
}
"""``status`` of an attempt in lower case, which is more precise than the event. A message that is
held is not sent unless a person releases it."""

FAILURES: Mapping[str, ProviderReason | None] = {
    "maximum number of delivery attempts": ProviderReason.TIMED_OUT,
    "message is likely spam": None,
    "message's domain no longer exist": None,
    "message doesn't have an rcpt to": None,
    "raw message has been removed": None,
}
"""How ``details`` begins in lower case where a message failed and no server was asked; None where
that is about the message or the sender, which is not a bounce."""

ATTEMPTED = "permanent smtp delivery error"
"""How ``details`` begins in lower case where a server refused the message."""

HELD_FOR, SUPPRESSED = "recipient (", ") is on the suppression list"
"""How ``details`` begins in lower case, and goes on after the address, where a message is held
since the recipient is on Postal's suppression list."""


def split(payload: Payload) -> Iterator[Document]:
    """One document: Postal sends one event per request.

    Raises:
        PayloadError: it is not a JSON object, or shows mail that Postal received.
    """
    for entry in entries_of(payload.content, payload.field):
        refuse_received_mail(entry, "rcpt_to", unless="event", provider="Postal")
        yield Document(entry, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document: Postal has one recipient per message.

    Raises:
        PayloadError: the document is not one of Postal's; names the field.
        AddressError: the recipient is not a valid address.
    """
    body = document.body
    word = required_word(body, "event")
    content = get_object(body, "payload", "")
    returned = isinstance(pick(content, "original_message"), Mapping)
    name = "original_message" if returned else "message"
    message = get_object(content, name, "payload")
    if not message or read_word(message, "direction") == "incoming":
        return Parsed(notices=(clean_kind(word),))  # about a domain, a limit, or inbound mail
    address = read_address(message, "to", f"payload.{name}")
    known = KINDS.get(word.lower(), Kind.OTHER)
    status = read_word(content, "status")
    kind = Kind.BOUNCE if returned else STATUSES.get(status, known)
    permanence, reason = Permanence.UNSTATED, ProviderReason.UNSTATED
    if returned:
        permanence = Permanence.UNDETERMINED  # Postal does not report what the bounce says
    elif kind is Kind.BOUNCE:
        kind, permanence, reason = _failure(content)
    elif kind is Kind.REJECT and _is_suppressed(read_word(content, "details")):
        kind, reason = Kind.BOUNCE, ProviderReason.SUPPRESSION_LIST
    received = received_at(document.payload, now())
    occurred_at = _time(body, received) or _time(content, received) or received
    mailed_at = _time(message, received)
    lead = lead_of(([pick(message, "tag")],), settings, (mailed_at or occurred_at).date())
    message_id = read_text(message, "id") or read_text(message, "message_id")
    request_id = read_text(body, "uuid")
    identity = (
        ("uuid", request_id)
        if request_id
        else (word.lower(), status, message_id, read_text(body, "timestamp"))
    )
    said = (
        ""
        if reason is ProviderReason.SUPPRESSION_LIST
        else read_text(content, "output", MAX_DIAGNOSTIC)
    )
    event = MailEvent(
        event_id=digest(PROVIDER, *identity, address),
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
        permanence=permanence,
        provider_reason=reason,
    )
    return Parsed((event,), unknown_kinds=() if word.lower() in KINDS else (clean_kind(word),))


def _failure(content: JsonObject) -> tuple[Kind, Permanence, ProviderReason]:
    """What a message that failed permanently is, and why.

    A server's reply is in ``output``; only where there is none, ``details`` decides.
    """
    details = read_text(content, "details").strip().lower()
    if read_text(content, "output").strip() or details.startswith(ATTEMPTED):
        return Kind.BOUNCE, Permanence.PERMANENT, ProviderReason.GENERAL
    for beginning, reason in FAILURES.items():
        if details.startswith(beginning):
            if reason is None:
                return Kind.REJECT, Permanence.UNSTATED, ProviderReason.UNSTATED
            return Kind.BOUNCE, Permanence.TRANSIENT, reason
    return Kind.BOUNCE, Permanence.UNSTATED, ProviderReason.UNLISTED


def _is_suppressed(details: str) -> bool:
    return details.startswith(HELD_FOR) and SUPPRESSED in details


def _time(where: JsonObject, received: datetime) -> datetime | None:
    return read_time(pick(where, "timestamp"), since=LAUNCH, until=received)
