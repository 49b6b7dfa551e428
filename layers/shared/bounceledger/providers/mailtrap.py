"""Mailtrap: webhooks of email sending, in the formats JSON and JSON Lines.

Sources: "Webhooks" and "Statuses and Events" in the Mailtrap documentation.
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
    reply_with_code,
    required_word,
)
from bounceledger.providers.fields import JsonObject, clean_kind, digest, pick
from bounceledger.settings import Settings

PROVIDER = "mailtrap"
LAUNCH = datetime(2011, 1, 1, tzinfo=UTC)
"""Mailtrap did not exist before; an earlier time is a mistake."""

KINDS: Mapping[str, Kind] = {
    "delivery": Kind.DELIVERY,
    "soft bounce": Kind.DELIVERY_DELAY,  # Mailtrap tries again, and reports a bounce in the end
    "suspension": Kind.DELIVERY_DELAY,  # for the sender's domain or account; likewise
    "bounce": Kind.BOUNCE,
    "reject": Kind.REJECT,  # a bounce where `SUPPRESSED` says so
    "spam": Kind.COMPLAINT,
    "unsubscribe": Kind.UNSUBSCRIBE,
    "open": Kind.OPEN,
    "click": Kind.CLICK,
}
"""``event`` in lower case. Any other is `Kind.OTHER`, unless it has no recipient."""

SUPPRESSED = "recipient in suppression list"
"""How ``reason`` begins in lower case where Mailtrap's own list held a message back. Any other
rejection is about the sender's domain or account."""

CATEGORIES: Mapping[str, ProviderReason] = {
    "spam": ProviderReason.CONTENT_REJECTED,
    "greylisting": ProviderReason.BLOCKED,
    "policy": ProviderReason.BLOCKED,
    "hard": ProviderReason.GENERAL,
    "invalid_recipient": ProviderReason.NO_MAILBOX,
}
"""``bounce_category`` in lower case, for a bounce without a reply. Mailtrap documents no list:
these are those in its examples and clients. Any other is `ProviderReason.UNLISTED`. Without one,
a bounce may be anything that ended the attempts, so it says nothing."""

_WRAPPED, _WRAPPED_END = ("bounced (", "soft bounce ("), ")"


def split(payload: Payload) -> Iterator[Document]:
    """One document per event: of ``events``, or of the lines in the format JSON Lines.

    Raises:
        PayloadError: it is not a list of JSON objects, nor one of them alone.
    """
    content = payload.content
    if isinstance(content, Mapping) and (events := pick(content, "events")) is not None:
        entries = entries_of(events, "events")
    else:
        entries = entries_of(content, payload.field)
    for entry in entries:
        yield Document(entry, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document: Mailtrap has one recipient per event.

    Raises:
        PayloadError: the document is not one of Mailtrap's; names the field.
        AddressError: the recipient is not a valid address.
    """
    body = document.body
    word = required_word(body, "event")
    kind = KINDS.get(word.lower(), Kind.OTHER)
    if kind is Kind.OTHER and pick(body, "email") is None:
        return Parsed(notices=(clean_kind(word),))  # of the audit log, or about inbound mail
    address = read_address(body, "email")
    received = received_at(document.payload, now())
    occurred_at = read_time(pick(body, "timestamp"), since=LAUNCH, until=received) or received
    said = _reply(body)
    permanence, reason = _opinion(kind, body)
    if kind is Kind.REJECT and read_word(body, "reason").startswith(SUPPRESSED):
        kind, reason, said = Kind.BOUNCE, ProviderReason.SUPPRESSION_LIST, ""
    places = (pick(body, "custom_variables"), [pick(body, "category")])
    lead = lead_of(places, settings, occurred_at.date())
    event_id, message_id = read_text(body, "event_id"), read_text(body, "message_id")
    written = read_text(body, "timestamp")
    # The events of a test share one id.
    identity = ("id", event_id) if event_id else (message_id, written)
    event = MailEvent(
        event_id=digest(PROVIDER, word.lower(), *identity, address),
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
        permanence=permanence,
        provider_reason=reason,
    )
    return Parsed((event,), unknown_kinds=() if word.lower() in KINDS else (clean_kind(word),))


def _reply(body: JsonObject) -> str:
    """What the server said, with its code, and without what Mailtrap puts around some replies."""
    said = read_text(body, "response", MAX_DIAGNOSTIC).strip()
    for beginning in _WRAPPED:
        if said.lower().startswith(beginning) and said.endswith(_WRAPPED_END):
            said = said[len(beginning) : -len(_WRAPPED_END)]
    return reply_with_code(read_text(body, "response_code"), said)


def _opinion(kind: Kind, body: JsonObject) -> tuple[Permanence, ProviderReason]:
    """How permanent Mailtrap calls a bounce, and why."""
    if kind is not Kind.BOUNCE:
        return Permanence.UNSTATED, ProviderReason.UNSTATED
    word = read_word(body, "bounce_category")
    reason = CATEGORIES.get(word, ProviderReason.UNLISTED if word else ProviderReason.UNSTATED)
    return Permanence.PERMANENT, reason
