"""Mailjet: the Event API.

Sources: "Webhooks (Event API)" in the Mailjet guides, with its table "Possible values for errors".
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers.base import Document, Parsed, Payload
from bounceledger.providers.common import (
    MAX_DIAGNOSTIC,
    decode_json,
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

PROVIDER = "mailjet"
LAUNCH = datetime(2010, 1, 1, tzinfo=UTC)
"""Mailjet sent nothing before; an earlier time is a mistake."""

KINDS: Mapping[str, Kind] = {
    "sent": Kind.DELIVERY,  # the receiving server accepted it
    "bounce": Kind.BOUNCE,
    "blocked": Kind.REJECT,  # a bounce where `BLOCKS` says so
    "spam": Kind.COMPLAINT,
    "unsub": Kind.UNSUBSCRIBE,
    "open": Kind.OPEN,
    "click": Kind.CLICK,
}
"""``event``. Any other is `Kind.OTHER`."""

ERRORS: Mapping[str, ProviderReason] = {
    # related to the recipient
    "user unknown": ProviderReason.NO_MAILBOX,
    "mailbox inactive": ProviderReason.MAILBOX_DISABLED,
    "quota exceeded": ProviderReason.MAILBOX_FULL,
    "blacklisted": ProviderReason.SUPPRESSION_LIST,
    "spam reporter": ProviderReason.SUPPRESSION_LIST,
    # to the domain
    "invalid domain": ProviderReason.NO_DOMAIN,
    "no mail host": ProviderReason.NO_DOMAIN,
    "typofix": ProviderReason.NO_DOMAIN,
    "relay/access denied": ProviderReason.BLOCKED,
    # to spam
    "sender blocked": ProviderReason.BLOCKED,
    "content blocked": ProviderReason.CONTENT_REJECTED,
    "policy issue": ProviderReason.BLOCKED,
    # to Mailjet's servers
    "system issue": ProviderReason.NETWORK,
    "protocol issue": ProviderReason.NETWORK,
    "connection issue": ProviderReason.NETWORK,
    # to Mailjet's list
    "preblocked": ProviderReason.SUPPRESSION_LIST,
}
"""``error`` in lower case. Any other, and none, is `ProviderReason.UNLISTED`."""

BLOCKS: Mapping[str, ProviderReason] = {
    "preblocked": ProviderReason.SUPPRESSION_LIST,
    "blacklisted": ProviderReason.SUPPRESSION_LIST,
    "spam reporter": ProviderReason.SUPPRESSION_LIST,
    # Mailjet remembers an earlier bounce: it sent nothing.
    "user unknown": ProviderReason.SUPPRESSION_LIST,
    "mailbox inactive": ProviderReason.SUPPRESSION_LIST,
    "quota exceeded": ProviderReason.SUPPRESSION_LIST,
    "invalid domain": ProviderReason.NO_DOMAIN,
    "no mail host": ProviderReason.NO_DOMAIN,
    "typofix": ProviderReason.NO_DOMAIN,
}
"""``error`` of a message that Mailjet held back because of its recipient. Any other is about the
sender or the message, or a duplicate of one that was sent."""

INVALID = frozenset({"invalid domain", "typofix"})
"""``error`` of an address whose domain may not even be a host name."""

NO_ANSWER = "no mail host"
"""``error`` that may only mean that the mail host did not answer, so it is not permanent."""

GREYLISTED = "greylisted"
"""``error`` of a bounce after which Mailjet tries again, unless ``hard_bounce`` is true."""

TEMPLATE_ERRORS = frozenset({"bad or empty template", "error in template language"})
"""``error`` of a message that could not be made."""


def split(payload: Payload) -> Iterator[Document]:
    """One document per event: Mailjet sends one, or a list where events are grouped.

    Raises:
        PayloadError: it is not a list of JSON objects, or shows mail that Mailjet received.
    """
    for entry in entries_of(payload.content, payload.field):
        refuse_received_mail(entry, "Sender", unless="event", provider="Mailjet")
        yield Document(entry, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document: Mailjet has one recipient per event.

    Raises:
        PayloadError: the document is not one of Mailjet's; names the field.
        AddressError: the recipient is not a valid address.
    """
    body = document.body
    word = required_word(body, "event")
    unknown = () if word.lower() in KINDS else (clean_kind(word),)
    message_id = _message_id(body)
    if pick(body, "email") == "" and not message_id:
        return Parsed(notices=("test",))  # what the console sends to try an address
    if unknown and pick(body, "email") is None:
        return Parsed(notices=unknown, unknown_kinds=unknown)
    address = read_address(body, "email", is_invalid=read_word(body, "error") in INVALID)
    received = received_at(document.payload, now())
    occurred_at = read_time(pick(body, "time"), since=LAUNCH, until=received) or received
    kind, reason = _kind_and_reason(body, word.lower())
    listed = reason is ProviderReason.SUPPRESSION_LIST
    lead = lead_of(_attached(body), settings, occurred_at.date())
    event = MailEvent(
        # No field names the event.
        event_id=digest(
            PROVIDER,
            word.lower(),
            message_id,
            read_text(body, "time"),
            address or read_text(body, "email"),
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
        # From Mailjet's own list, a message meets no server that could reply.
        diagnostic="" if listed else _reply(body),
        permanence=_permanence(body, kind),
        provider_reason=reason,
        unmatched=not address,
    )
    return Parsed((event,), unknown_kinds=unknown)


def _kind_and_reason(body: JsonObject, word: str) -> tuple[Kind, ProviderReason]:
    kind = KINDS.get(word, Kind.OTHER)
    if kind not in (Kind.BOUNCE, Kind.REJECT):
        return kind, ProviderReason.UNSTATED
    error = read_word(body, "error")
    reason = ERRORS.get(error, ProviderReason.UNLISTED)
    if error in TEMPLATE_ERRORS:
        return Kind.RENDERING_FAILURE, ProviderReason.UNLISTED
    if kind is Kind.REJECT:
        return (Kind.BOUNCE, BLOCKS[error]) if error in BLOCKS else (kind, reason)
    if error == GREYLISTED and _is_hard(body) is not True:
        return Kind.DELIVERY_DELAY, reason
    return kind, reason


def _permanence(body: JsonObject, kind: Kind) -> Permanence:
    if kind is not Kind.BOUNCE:
        return Permanence.UNSTATED
    if read_word(body, "error") == NO_ANSWER:
        return Permanence.TRANSIENT
    is_hard = _is_hard(body)
    if is_hard is None:
        return Permanence.UNSTATED
    return Permanence.PERMANENT if is_hard else Permanence.TRANSIENT


def _is_hard(body: JsonObject) -> bool | None:
    """``hard_bounce``, which has been seen as a string too; None where it is neither."""
    value = pick(body, "hard_bounce")
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(read_word(body, "hard_bounce"))


def _reply(body: JsonObject) -> str:
    """What the server said: of a bounce as it is, of a delivery in ``sent (...)``."""
    said = read_text(body, "smtp_reply", MAX_DIAGNOSTIC)
    if said.startswith("sent (") and said.endswith(")"):
        said = said[6:-1]
    return read_text(body, "comment", MAX_DIAGNOSTIC) or said


def _message_id(body: JsonObject) -> str:
    """Id of the message, which may have two names; its GUID where the number is 0."""
    numbers = (read_text(body, name) for name in ("MessageID", "mj_message_id"))
    number = next((text for text in numbers if text.strip("0")), "")
    return number or read_text(body, "Message_GUID")


def _attached(body: JsonObject) -> tuple[object, ...]:
    """What the sender attached: the payload, which may hold JSON, the id, and the campaign."""
    payload = decode_json(pick(body, "Payload"))
    tags = [payload, pick(body, "CustomID"), pick(body, "customcampaign")]
    return payload, [tag for tag in tags if isinstance(tag, str)]
