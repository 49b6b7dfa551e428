"""Postmark: bounce, delivery, spam complaint and subscription change webhooks.

Sources: "Bounce webhook", "Delivery webhook", "Spam complaint webhook", "Subscription change
webhook" and "Bounce API: Bounce types" in the Postmark developer documentation.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

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
    refuse_received_mail,
    required_word,
)
from bounceledger.providers.fields import MAX_STRING, JsonObject, clean_kind, digest, pick
from bounceledger.settings import Settings

PROVIDER = "postmark"
LAUNCH = datetime(2010, 1, 1, tzinfo=UTC)
"""Postmark sent nothing before; an earlier time is a mistake."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one of Postmark's words means.

    Attributes:
        kind: our word for it.
        permanence: whether it is permanent.
        reason: why.
    """

    kind: Kind
    permanence: Permanence = Permanence.UNSTATED
    reason: ProviderReason = ProviderReason.UNSTATED


_AUTOMATIC = Meaning(Kind.BOUNCE, Permanence.TRANSIENT, ProviderReason.AUTOMATIC_REPLY)
_LISTED = Meaning(Kind.BOUNCE, Permanence.PERMANENT, ProviderReason.SUPPRESSION_LIST)
_COMPLAINT = Meaning(Kind.COMPLAINT, reason=ProviderReason.ABUSE)

RECORDS: Mapping[str, Meaning] = {
    "bounce": Meaning(Kind.BOUNCE),  # `TYPES` says more
    "delivery": Meaning(Kind.DELIVERY),
    "spamcomplaint": _COMPLAINT,
    "subscriptionchange": Meaning(Kind.SUBSCRIPTION),  # `SUPPRESSIONS` says more
    "open": Meaning(Kind.OPEN),
    "click": Meaning(Kind.CLICK),
}
"""``RecordType`` in lower case. Any other is `Kind.OTHER`."""

TYPES: Mapping[str, Meaning] = {
    "hardbounce": Meaning(Kind.BOUNCE, Permanence.PERMANENT, ProviderReason.GENERAL),
    "transient": Meaning(Kind.DELIVERY_DELAY, Permanence.TRANSIENT),
    "unsubscribe": Meaning(Kind.UNSUBSCRIBE),
    "subscribe": Meaning(Kind.SUBSCRIPTION),
    "autoresponder": _AUTOMATIC,
    "addresschange": _AUTOMATIC,
    "dnserror": Meaning(Kind.BOUNCE, Permanence.TRANSIENT, ProviderReason.NETWORK),
    "spamnotification": Meaning(Kind.BOUNCE, Permanence.TRANSIENT, ProviderReason.CONTENT_REJECTED),
    "openrelaytest": Meaning(Kind.OTHER),
    "unknown": Meaning(Kind.BOUNCE, Permanence.UNDETERMINED),
    "softbounce": Meaning(Kind.BOUNCE, Permanence.TRANSIENT, ProviderReason.GENERAL),
    "virusnotification": Meaning(
        Kind.BOUNCE, Permanence.TRANSIENT, ProviderReason.ATTACHMENT_REJECTED
    ),
    "challengeverification": _AUTOMATIC,
    "bademailaddress": Meaning(Kind.BOUNCE, Permanence.PERMANENT, ProviderReason.INVALID_ADDRESS),
    "spamcomplaint": _COMPLAINT,
    "manuallydeactivated": _LISTED,
    "unconfirmed": Meaning(Kind.OTHER),
    "blocked": Meaning(Kind.BOUNCE, Permanence.TRANSIENT, ProviderReason.BLOCKED),
    "smtpapierror": Meaning(Kind.REJECT),
    "inbounderror": Meaning(Kind.OTHER),
    "dmarcpolicy": Meaning(Kind.BOUNCE, Permanence.TRANSIENT, ProviderReason.BLOCKED),
    "templaterenderingfailed": Meaning(Kind.RENDERING_FAILURE),
}
"""``Type`` of a bounce in lower case. Any other is a bounce of which nothing more is known.

A *spam notification* is a message that was blocked or filtered as spam, and not a complaint.
"""

CODES: Mapping[str, str] = {
    "1": "hardbounce",
    "2": "transient",
    "16": "unsubscribe",
    "32": "subscribe",
    "64": "autoresponder",
    "128": "addresschange",
    "256": "dnserror",
    "512": "spamnotification",
    "1024": "openrelaytest",
    "2048": "unknown",
    "4096": "softbounce",
    "8192": "virusnotification",
    "16384": "challengeverification",
    "100000": "bademailaddress",
    "100001": "spamcomplaint",
    "100002": "manuallydeactivated",
    "100003": "unconfirmed",
    "100006": "blocked",
    "100007": "smtpapierror",
    "100008": "inbounderror",
    "100009": "dmarcpolicy",
    "100010": "templaterenderingfailed",
}
"""``TypeCode`` to its type, where the type itself is missing."""

SUPPRESSIONS: Mapping[str, Meaning] = {
    "hardbounce": _LISTED,  # the bounce itself comes by the bounce webhook
    "spamcomplaint": _COMPLAINT,
    "manualsuppression": Meaning(Kind.UNSUBSCRIBE),  # if the recipient did it
}
"""``SuppressionReason`` in lower case, of a change that suppresses. Any other says nothing."""

INACTIVE = "you tried to send to a recipient that has been marked as inactive"
"""How ``Details`` of an API error begins in lower case where Postmark's own list held the message
back (error 406)."""

TIMES = ("BouncedAt", "DeliveredAt", "ChangedAt", "ReceivedAt")

DESCRIPTIONS = ("diagnostic-code:", "status:", "action:")
"""Fields of a delivery status notification (RFC 3464 section 2.3), in lower case."""

MAX_CONTENT = 65_536
"""Characters of ``Content`` that are searched for a delivery status notification."""


def split(payload: Payload) -> Iterator[Document]:
    """The one event of a request, with so much of ``Content`` as is read.

    A notification can hold the whole message that bounced, which would be too large to queue.

    Raises:
        PayloadError: it is not a JSON object, or shows mail that Postmark received.
    """
    for entry in entries_of(payload.content, payload.field):
        refuse_received_mail(entry, "FromFull", unless="RecordType", provider="Postmark")
        yield Document({**entry, **_cut(entry)}, payload)


def _cut(entry: JsonObject) -> JsonObject:
    """``Content``, if it is longer than what is read of it."""
    content = entry.get("Content")
    if isinstance(content, str) and len(content) > MAX_CONTENT:
        return {"Content": content[:MAX_CONTENT]}
    return {}


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document: Postmark has one recipient per event.

    Raises:
        PayloadError: the document is not one of Postmark's, or shows mail that Postmark
            received; names the field.
        AddressError: the recipient is not a valid address.
    """
    body = document.body
    record = required_word(body, "RecordType")
    if record.lower() == "inbound":
        raise PayloadError(
            "shows mail that Postmark received; only events about sent mail are read",
            field="RecordType",
        )
    meaning = _meaning(body, record)
    key = "Email" if pick(body, "Email") is not None else "Recipient"
    if meaning.kind is Kind.OTHER and pick(body, key) is None:
        return Parsed(notices=(clean_kind(record),))
    is_invalid = meaning.reason is ProviderReason.INVALID_ADDRESS
    address = read_address(body, key, is_invalid=is_invalid)
    received = received_at(document.payload, now())
    times = (read_time(pick(body, name), since=LAUNCH, until=received) for name in TIMES)
    occurred_at = next((time for time in times if time), received)
    reply = _reply(body) if meaning.reason is not ProviderReason.SUPPRESSION_LIST else {}
    message_id = read_text(body, "MessageID")
    places = (pick(body, "Metadata"), [pick(body, "Tag")])
    lead = lead_of(places, settings, occurred_at.date())
    identity = _identity(body, meaning, message_id)
    event = MailEvent(
        event_id=digest(PROVIDER, *identity, address or read_text(body, key)),
        provider=PROVIDER,
        kind=meaning.kind,
        provider_kind=record,
        address=address,
        lead_source=lead.source,
        lead_date=lead.collected_on,
        occurred_at=occurred_at,
        reported_at=received,
        message_id=message_id,
        diagnostic=reply.get("diagnostic-code:", ""),
        status=reply.get("status:", "")[:MAX_STRING],
        action=reply.get("action:", "")[:MAX_STRING],
        permanence=meaning.permanence,
        provider_reason=meaning.reason,
        unmatched=not address,
    )
    return Parsed((event,), unknown_kinds=_unknown(body, record))


def _meaning(body: JsonObject, record: str) -> Meaning:
    word = record.lower()
    if word == "bounce":
        meaning = TYPES.get(_type(body), RECORDS[word])
        is_inactive = read_text(body, "Details").strip().lower().startswith(INACTIVE)
        return _LISTED if meaning.kind is Kind.REJECT and is_inactive else meaning
    if word == "subscriptionchange" and pick(body, "SuppressSending") is True:
        meaning = SUPPRESSIONS.get(read_word(body, "SuppressionReason"), RECORDS[word])
        by_recipient = read_word(body, "Origin") == "recipient"
        return meaning if by_recipient or meaning.kind is not Kind.UNSUBSCRIBE else RECORDS[word]
    return RECORDS.get(word, Meaning(Kind.OTHER))


def _type(body: JsonObject) -> str:
    return read_word(body, "Type") or CODES.get(read_text(body, "TypeCode"), "")


def _unknown(body: JsonObject, record: str) -> tuple[str, ...]:
    """The word that no table has: of the record, or of what it is about."""
    if record.lower() not in RECORDS:
        return (clean_kind(record),)
    for key, of, words in (
        ("Type", "bounce", TYPES),
        ("SuppressionReason", "subscriptionchange", SUPPRESSIONS),
    ):
        word = read_text(body, key)
        if record.lower() == of and word and word.strip().lower() not in words:
            return (clean_kind(word),)
    return ()


def _identity(body: JsonObject, meaning: Meaning, message_id: str) -> tuple[str, ...]:
    """What an event has in every delivery, and no other event of its address.

    A complaint comes by two webhooks, and a recipient makes one about a message.
    """
    if meaning.kind is Kind.COMPLAINT and message_id:
        return (Kind.COMPLAINT, message_id)
    record, bounce_id = read_word(body, "RecordType"), read_text(body, "ID")
    if bounce_id:
        return (record, "id", bounce_id)
    return (record, message_id, *(read_text(body, name) for name in TIMES))


# ----------------------------------------------------------------------------- replies


def _reply(body: JsonObject) -> dict[str, str]:
    """What the server said, by the field of a delivery status notification.

    ``Details`` has it, or only the action; then ``Content``, the notification itself, may.
    ``Description`` is Postmark's own sentence about the type.
    """
    details = read_text(body, "Details", MAX_DIAGNOSTIC)
    notified = _notification(details)
    if not notified and details.strip():
        return {"diagnostic-code:": details}
    return _notification(read_text(body, "Content", MAX_CONTENT)) | notified


def _notification(text: str) -> dict[str, str]:
    """The fields of a delivery status notification in a text, the first of each."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):  # goes on (RFC 5322 section 2.2.3)
            if current is not None:
                current.append(line.strip())
            continue
        folded = line[:20].lower()
        name = next((one for one in DESCRIPTIONS if folded.startswith(one)), "")
        current = found.setdefault(name, []) if name and name not in found else None
        if current is not None:
            current.append(line[len(name) :].strip())
    return {name: " ".join(parts)[:MAX_DIAGNOSTIC] for name, parts in found.items()}
