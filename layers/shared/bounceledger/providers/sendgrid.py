"""Twilio SendGrid: the Event Webhook.

Sources: "Event Webhook Reference", "Bounce and Block Classifications" and "Drops" in the SendGrid
documentation.
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
from bounceledger.providers.fields import JsonObject, clean_kind, digest, pick
from bounceledger.settings import Settings

PROVIDER = "sendgrid"
LAUNCH = datetime(2009, 7, 1, tzinfo=UTC)
"""SendGrid sent nothing before; an earlier time is a mistake."""

KINDS: Mapping[str, Kind] = {
    "processed": Kind.SEND,
    "delivered": Kind.DELIVERY,
    "deferred": Kind.DELIVERY_DELAY,
    "bounce": Kind.BOUNCE,
    "dropped": Kind.REJECT,  # a bounce where `DROPS` says so
    "spamreport": Kind.COMPLAINT,
    "unsubscribe": Kind.UNSUBSCRIBE,
    "group_unsubscribe": Kind.UNSUBSCRIBE,
    "group_resubscribe": Kind.SUBSCRIPTION,
    "open": Kind.OPEN,
    "click": Kind.CLICK,
}
"""``event`` in lower case. Any other is `Kind.OTHER`."""

INVALID = "invalid"
DROPS: Mapping[str, ProviderReason] = {
    "bounced address": ProviderReason.SUPPRESSION_LIST,
    INVALID: ProviderReason.SUPPRESSION_LIST,
    "spam reporting address": ProviderReason.SUPPRESSION_LIST,
    "unsubscribed address": ProviderReason.SUPPRESSION_LIST,
}
"""``reason`` of a drop in lower case, where one of SendGrid's own lists held the message back.

Any other is about the message or the sender's account, and says nothing about the recipient.
"""

TYPES: Mapping[str, tuple[Permanence, ProviderReason]] = {
    "bounce": (Permanence.PERMANENT, ProviderReason.GENERAL),
    "blocked": (Permanence.TRANSIENT, ProviderReason.BLOCKED),
    "expired": (Permanence.TRANSIENT, ProviderReason.TIMED_OUT),
}
"""``type`` of a bounce in lower case. Any other says nothing."""

CLASSES: Mapping[str, ProviderReason] = {
    "invalid address": ProviderReason.NO_MAILBOX,
    "technical": ProviderReason.NETWORK,
    "content": ProviderReason.CONTENT_REJECTED,
    "reputation": ProviderReason.BLOCKED,
    "frequency or volume too high": ProviderReason.BLOCKED,
    "mailbox unavailable": ProviderReason.UNLISTED,  # full, suspended or inactive
    "unclassified": ProviderReason.UNSTATED,
}
"""``bounce_classification`` in lower case: what SendGrid made of the reply. More precise than
``type``, unless it is `ProviderReason.UNSTATED`, as any other is."""

NO_MAIL_HOST = "unable to get mx info"
"""How ``reason`` begins in lower case where SendGrid found no mail host and met no server. What
follows is the error of its DNS library."""


def split(payload: Payload) -> Iterator[Document]:
    """One document per event.

    Raises:
        PayloadError: it is not a list of JSON objects, or shows mail that SendGrid received.
    """
    for entry in entries_of(payload.content, payload.field):
        refuse_received_mail(entry, "envelope", unless="event", provider="SendGrid")
        yield Document(entry, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document: SendGrid has one recipient per event.

    Raises:
        PayloadError: the document is not one of SendGrid's; names the field.
        AddressError: the recipient is not a valid address.
    """
    body = document.body
    word = required_word(body, "event")
    kind = KINDS.get(word.lower(), Kind.OTHER)
    if kind is Kind.OTHER and pick(body, "email") is None:
        return Parsed(notices=(clean_kind(word),))  # about an account, such as its suspension
    said = read_text(body, "reason", MAX_DIAGNOSTIC) or read_text(body, "response", MAX_DIAGNOSTIC)
    own_words = said.strip().lower()
    is_invalid = kind is Kind.REJECT and own_words == INVALID
    address = read_address(body, "email", is_invalid=is_invalid)
    received = received_at(document.payload, now())
    occurred_at = read_time(pick(body, "timestamp"), since=LAUNCH, until=received) or received
    permanence, reason = _opinion(body)
    if kind is Kind.REJECT and own_words in DROPS:
        # The message met no server, so there is no reply.
        kind, reason, said = Kind.BOUNCE, DROPS[own_words], ""
    elif kind is Kind.BOUNCE and own_words.startswith(NO_MAIL_HOST):
        permanence, reason, said = Permanence.TRANSIENT, ProviderReason.NO_DOMAIN, ""
    lead = lead_of(_attached(body), settings, occurred_at.date())
    message_id = _message_id(body)
    event = MailEvent(
        event_id=digest(
            PROVIDER, *_identity(body, word, message_id), address or read_text(body, "email")
        ),
        provider=PROVIDER,
        kind=kind,
        provider_kind=word,
        address=address,
        lead_source=lead.source,
        lead_date=lead.collected_on,
        occurred_at=occurred_at,
        reported_at=received,
        message_id=message_id,
        diagnostic=said,
        status=read_text(body, "status"),
        permanence=permanence,
        provider_reason=reason,
        unmatched=not address,
    )
    unknown = () if word.lower() in KINDS else (clean_kind(word),)
    return Parsed((event,), unknown_kinds=unknown)


def _attached(body: JsonObject) -> tuple[object, ...]:
    """Where a sender attaches data: SendGrid puts custom arguments beside its own fields."""
    category = pick(body, "category")
    categories = category if isinstance(category, list) else [category]
    return body, pick(body, "unique_args"), categories


def _opinion(body: JsonObject) -> tuple[Permanence, ProviderReason]:
    """How permanent SendGrid calls a bounce, and why."""
    unstated = (Permanence.UNSTATED, ProviderReason.UNSTATED)
    permanence, reason = TYPES.get(read_word(body, "type"), unstated)
    classified = CLASSES.get(read_word(body, "bounce_classification"), ProviderReason.UNSTATED)
    return permanence, reason if classified is ProviderReason.UNSTATED else classified


def _message_id(body: JsonObject) -> str:
    """The message's id: the header Message-ID, since SendGrid's own is missing in late bounces."""
    return read_text(body, "smtp-id").strip().strip("<>") or read_text(body, "sg_message_id")


def _identity(body: JsonObject, word: str, message_id: str) -> tuple[str, ...]:
    """What an event has in every delivery, and no other event of its address.

    Events of two kinds are two, also where somebody gave them one id.
    """
    event_id, kind = read_text(body, "sg_event_id"), word.lower()
    return ("id", kind, event_id) if event_id else (kind, message_id, read_text(body, "timestamp"))
