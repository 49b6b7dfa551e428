"""Brevo, formerly Sendinblue: the webhooks of transactional and of marketing email.

Sources: "Transactional webhooks", "Marketing webhooks" and "Batched webhooks" in the Brevo
documentation for developers; "What is a bounce?" in its help center.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from bounceledger.errors import PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers.base import Document, Parsed, Payload
from bounceledger.providers.common import (
    MAX_ATTACHED,
    MAX_DIAGNOSTIC,
    decode_json,
    entries_of,
    lead_of,
    read_address,
    read_text,
    read_time,
    received_at,
    required_word,
)
from bounceledger.providers.fields import MAX_STRING, JsonObject, clean_kind, digest, pick
from bounceledger.settings import Settings

PROVIDER = "brevo"
LAUNCH = datetime(2012, 1, 1, tzinfo=UTC)
"""Sendinblue sent nothing before; an earlier time is a mistake."""

INVALID = "invalid_email"

KINDS: Mapping[str, Kind] = {
    "request": Kind.SEND,
    "delivered": Kind.DELIVERY,
    "deferred": Kind.DELIVERY_DELAY,
    "hard_bounce": Kind.BOUNCE,
    "soft_bounce": Kind.BOUNCE,
    INVALID: Kind.BOUNCE,
    "blocked": Kind.REJECT,  # a bounce where `BLOCKS` says so
    "error": Kind.REJECT,
    "spam": Kind.COMPLAINT,
    "complaint": Kind.COMPLAINT,
    "unsubscribe": Kind.UNSUBSCRIBE,
    "unsubscribed": Kind.UNSUBSCRIBE,
    "list_addition": Kind.SUBSCRIPTION,
    "open": Kind.OPEN,
    "opened": Kind.OPEN,
    "unique_opened": Kind.OPEN,
    "proxy_open": Kind.OPEN,
    "unique_proxy_open": Kind.OPEN,
    "click": Kind.CLICK,
    "clicks": Kind.CLICK,
}
"""``event``. Any other is `Kind.OTHER`."""

TYPES: Mapping[str, tuple[Permanence, ProviderReason]] = {
    # No such address, or blocked by the server: without a reply, the milder one holds.
    "hard_bounce": (Permanence.PERMANENT, ProviderReason.UNLISTED),
    "soft_bounce": (Permanence.TRANSIENT, ProviderReason.GENERAL),
    INVALID: (Permanence.PERMANENT, ProviderReason.INVALID_ADDRESS),
}
"""``event`` of a bounce."""

BLOCKS = frozenset({"blocked : due to blacklist user", "blocked : due to unsubscribed user"})
"""``reason``, in lower case, of a message that Brevo held back since the recipient is on one of its
lists. Any other may be about the sender or the message."""

SENTENCES: Mapping[str, ProviderReason] = {
    "sent": ProviderReason.UNSTATED,
    "connection timeout": ProviderReason.NETWORK,
    "connection closed by recipient's server": ProviderReason.NETWORK,
    "message delivery failed": ProviderReason.UNLISTED,
}
"""``reason``, in lower case, that is a sentence of Brevo's and not a server's reply, as seen."""

NO_MAIL_HOST = ("unable to find mx of domain ", "invalid mx of domain ")
"""With what Brevo's own ``reason`` begins, in lower case, where the domain follows."""

TIMES = ("ts_epoch", "ts_event", "ts")
"""Fields with the time of the event, the best first. ``date`` has no time zone."""


def split(payload: Payload) -> Iterator[Document]:
    """One document per event: Brevo sends one, or a list where the webhook is batched.

    Raises:
        PayloadError: it is not a list of JSON objects, or is about mail that Brevo received.
    """
    content = payload.content
    if isinstance(content, Mapping) and "items" in content and "event" not in content:
        raise PayloadError("shows mail that Brevo received; only sent mail is read", field="items")
    for entry in entries_of(content, payload.field):
        yield Document(entry, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document: Brevo has one recipient per event.

    Raises:
        PayloadError: the document is not one of Brevo's; names the field.
        AddressError: the recipient is not a valid address.
    """
    body = document.body
    word = required_word(body, "event")
    kind = KINDS.get(word.lower(), Kind.OTHER)
    unknown = () if word.lower() in KINDS else (clean_kind(word),)
    if unknown and not isinstance(pick(body, "email"), str):
        return Parsed(notices=unknown, unknown_kinds=unknown)  # such as a change of contacts
    address = read_address(body, "email", is_invalid=word.lower() == INVALID)
    received = received_at(document.payload, now())
    times = (read_time(pick(body, key), since=LAUNCH, until=received) for key in TIMES)
    occurred_at = next((time for time in times if time), received)
    mailed_at = read_time(pick(body, "ts_sent"), since=LAUNCH, until=received)
    # The marketing webhooks name the campaign only, which has one message per recipient.
    message_id = read_text(body, "message-id").strip("<> ") or read_text(body, "camp_id")
    permanence, reason = TYPES.get(word.lower(), (Permanence.UNSTATED, ProviderReason.UNSTATED))
    said = read_text(body, "reason", MAX_DIAGNOSTIC)
    own = _own_words(said)
    if own is not None:
        said = ""
        reason = own if kind is Kind.BOUNCE and own else reason
    if kind is Kind.REJECT and _folded(said) in BLOCKS:
        # Brevo sent nothing, so no server replied.
        kind, reason, said = Kind.BOUNCE, ProviderReason.SUPPRESSION_LIST, ""
    lead = lead_of(_attached(body), settings, (mailed_at or occurred_at).date())
    event = MailEvent(
        # No field names the event: ``id`` is the webhook's.
        event_id=digest(
            PROVIDER,
            word.lower(),
            message_id,
            _time_as_sent(body),
            address or read_text(body, "email"),
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
        permanence=permanence,
        provider_reason=reason,
        unmatched=not address,
    )
    return Parsed((event,), unknown_kinds=unknown)


def _own_words(text: str) -> ProviderReason | None:
    """What a sentence of Brevo's own says; None for what a server said."""
    folded = _folded(text).removeprefix("undefined ")  # where Brevo had no reply code to put there
    return ProviderReason.NO_DOMAIN if folded.startswith(NO_MAIL_HOST) else SENTENCES.get(folded)


def _folded(text: str) -> str:
    """The beginning of a text in lower case, with single spaces."""
    return " ".join(text[:MAX_STRING].lower().split())


def _time_as_sent(body: JsonObject) -> str:
    return next((text for text in (read_text(body, key) for key in TIMES) if text), "")


def _attached(body: JsonObject) -> tuple[object, ...]:
    """What the sender attached: tags, and a header with JSON or ``name:value|name:value``."""
    header = decode_json(pick(body, "X-Mailin-custom"))
    if isinstance(header, str):
        header = [part.strip() for part in header[:MAX_ATTACHED].split("|")]
    tag = decode_json(pick(body, "tag"))
    return header, pick(body, "tags"), [tag] if isinstance(tag, str) else tag
