"""Our own form, for senders without a provider: Postfix, Exim, or a program that knows what
became of a message.

docs/providers/generic.md describes it, docs/schemas/webhooks/generic-1.json is its JSON Schema.
Whoever has the secret writes it, so it is read strictly: an event with a mistake is refused alone,
by its field. Only a lead source or lead date that cannot be one is skipped, as everywhere, since
it must not cost a suppression.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from bounceledger.errors import PayloadError, TooLargeError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers.base import Document, Parsed, Payload
from bounceledger.providers.common import (
    MAX_DIAGNOSTIC,
    MAX_EVENTS,
    lead_of,
    read_address,
    received_at,
)
from bounceledger.providers.fields import (
    MAX_STRING,
    JsonObject,
    clean_kind,
    clean_string,
    digest,
    get_object,
    get_string,
    join_path,
    parse_timestamp,
)
from bounceledger.settings import Settings

PROVIDER = "generic"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""An earlier time is a mistake, such as the default of an empty field."""
MAX_AHEAD = timedelta(days=1)
"""How far a sender's clock may be ahead; what is ahead by less happened now."""

FIELDS = frozenset(
    {
        "id",
        "kind",
        "recipient",
        "time",
        "mailed_at",
        "message_id",
        "reply",
        "status",
        "action",
        "permanent",
        "reason",
        "lead_source",
        "lead_date",
        "metadata",
    }
)
"""Fields of an event. Any other is refused, since it may be one of these with a typing mistake."""

KINDS: Mapping[str, Kind] = {
    "bounce": Kind.BOUNCE,
    "delivery": Kind.DELIVERY,
    "delivery_delay": Kind.DELIVERY_DELAY,
    "complaint": Kind.COMPLAINT,
    "unsubscribe": Kind.UNSUBSCRIBE,
}
"""``kind``."""

ACTIONS: Mapping[str, Kind] = {
    "failed": Kind.BOUNCE,
    "delayed": Kind.DELIVERY_DELAY,
    "delivered": Kind.RELAYED,
    "relayed": Kind.RELAYED,
    "expanded": Kind.RELAYED,
}
"""``action`` to what a bounce is about, so that a sender can pass on every DSN as a bounce (RFC
3464 section 2.3.3)."""

REASONS: Mapping[Kind, frozenset[str]] = {
    Kind.BOUNCE: frozenset(
        {
            ProviderReason.AUTOMATIC_REPLY,
            ProviderReason.SUPPRESSION_LIST,
            ProviderReason.NO_MAILBOX,
            ProviderReason.INVALID_ADDRESS,
            ProviderReason.NO_DOMAIN,
            ProviderReason.MAILBOX_DISABLED,
            ProviderReason.MAILBOX_FULL,
            ProviderReason.MESSAGE_TOO_LARGE,
            ProviderReason.CONTENT_REJECTED,
            ProviderReason.ATTACHMENT_REJECTED,
            ProviderReason.BLOCKED,
            ProviderReason.NETWORK,
            ProviderReason.TIMED_OUT,
        }
    ),
    Kind.COMPLAINT: frozenset(
        {
            ProviderReason.ABUSE,
            ProviderReason.AUTH_FAILURE,
            ProviderReason.FRAUD,
            ProviderReason.NOT_SPAM,
            ProviderReason.VIRUS,
        }
    ),
}
"""``reason``, in our own words; other kinds have none."""


def split(payload: Payload) -> Iterator[Document]:
    """One document per entry of ``events``, with whatever the entry is.

    Raises:
        PayloadError: it is not an object with nothing but a list of events.
    """
    content = payload.content
    if not isinstance(content, Mapping):
        raise PayloadError("must be a JSON object with the field events", field=payload.field)
    for name in content:
        if name != "events":
            raise PayloadError(
                "is not a field of the form, which has only events", field=_name(name)
            )
    events = content.get("events")
    if not isinstance(events, list):
        raise PayloadError("is required, and must be a list", field="events")
    if not events:
        raise PayloadError("has no event", field="events")
    if len(events) > MAX_EVENTS:
        raise TooLargeError(f"has more than {MAX_EVENTS} events", field="events")
    for entry in events:
        yield Document({"events": [entry]}, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document, as ``events[0]``.

    Raises:
        PayloadError: the event has a mistake; names the field.
        AddressError: the recipient is not a valid address.
    """
    path = "events[0]"
    [entry] = document.body["events"]
    if not isinstance(entry, Mapping):
        raise PayloadError("must be a JSON object", field=path)
    for name in entry:
        if name not in FIELDS:
            raise PayloadError("is not a field of an event", field=join_path(path, _name(name)))
    word = _required(entry, "kind", path)
    if word not in KINDS:
        raise PayloadError(f"must be one of {_listed(KINDS)}", field=f"{path}.kind")
    event_id = _required(entry, "id", path)
    address = read_address(entry, "recipient", path)
    received = received_at(document.payload, now())
    occurred_at = _time(entry, "time", path, received)
    if occurred_at is None:
        raise PayloadError("is required", field=f"{path}.time")
    mailed_at = _time(entry, "mailed_at", path, received)
    action = _action(entry, path)
    kind = KINDS[word]
    if kind is Kind.BOUNCE and action:
        kind = ACTIONS[action]
    metadata = get_object(entry, "metadata", path)
    own = {
        settings.lead_source_tag: entry.get("lead_source"),
        settings.lead_date_tag: entry.get("lead_date"),
    }
    lead = lead_of((own, metadata), settings, (mailed_at or occurred_at).date())
    event = MailEvent(
        event_id=digest(PROVIDER, event_id, address),
        provider=PROVIDER,
        kind=kind,
        provider_kind=word,
        address=address,
        lead_source=lead.source,
        lead_date=lead.collected_on,
        occurred_at=occurred_at,
        mailed_at=mailed_at,
        reported_at=received,
        message_id=_text(entry, "message_id", path),
        diagnostic=get_string(entry, "reply", path, MAX_DIAGNOSTIC),
        status=_status(entry, path),
        action=action,
        permanence=_permanence(entry, path),
        provider_reason=_reason(entry, KINDS[word], path),
    )
    return Parsed((event,))


def _text(entry: JsonObject, key: str, path: str) -> str:
    """A string; empty where it is missing. A long one is refused, since ids must not be cut."""
    value = get_string(entry, key, path, MAX_STRING + 1)
    if len(value) > MAX_STRING:
        raise PayloadError(f"must have at most {MAX_STRING} characters", field=join_path(path, key))
    return value.strip()


def _required(entry: JsonObject, key: str, path: str) -> str:
    value = _text(entry, key, path)
    if not value:
        raise PayloadError("is required", field=join_path(path, key))
    return value


def _time(entry: JsonObject, key: str, path: str, received: datetime) -> datetime | None:
    """A time, aware, UTC; None where it is missing."""
    text, field = _text(entry, key, path), join_path(path, key)
    if not text:
        return None
    try:
        found = parse_timestamp(text)
    except ValueError as error:
        raise PayloadError(str(error), field=field) from None
    if text[-1] not in "Zz" and not {*text[11:]} & {"+", "-"}:
        raise PayloadError("must have an offset from UTC, such as Z or +02:00", field=field)
    if found < EARLIEST:
        raise PayloadError(f"is before {EARLIEST:%Y}", field=field)
    if found > received + MAX_AHEAD:
        raise PayloadError("is more than a day in the future", field=field)
    return min(found, received)


def _status(entry: JsonObject, path: str) -> str:
    """An enhanced status code (RFC 3463 section 2); empty where it is missing."""
    value = _text(entry, "status", path)
    parts = value.split(".")
    is_code = (
        len(parts) == 3
        and parts[0] in ("2", "4", "5")
        and all(part.isascii() and part.isdecimal() and len(part) <= 3 for part in parts)
    )
    if value and not is_code:
        raise PayloadError("must be an enhanced status code such as 5.1.1", field=f"{path}.status")
    return value


def _action(entry: JsonObject, path: str) -> str:
    value = _text(entry, "action", path)
    if value and value not in ACTIONS:
        raise PayloadError(f"must be one of {_listed(ACTIONS)}", field=f"{path}.action")
    return value


def _permanence(entry: JsonObject, path: str) -> Permanence:
    match entry.get("permanent"):
        case None:
            return Permanence.UNSTATED
        case True:
            return Permanence.PERMANENT
        case False:
            return Permanence.TRANSIENT
        case _:
            raise PayloadError("must be true or false", field=f"{path}.permanent")


def _reason(entry: JsonObject, kind: Kind, path: str) -> ProviderReason:
    value, field = _text(entry, "reason", path), f"{path}.reason"
    if not value:
        return ProviderReason.UNSTATED
    if kind not in REASONS:
        raise PayloadError("is only for a bounce or a complaint", field=field)
    if value not in REASONS[kind]:
        raise PayloadError(f"must be one of {_listed(REASONS[kind])} for a {kind}", field=field)
    return ProviderReason(value)


def _name(name: str) -> str:
    """A field that is none of ours, as it may stand in an error."""
    return clean_kind(clean_string(name, MAX_STRING))


def _listed(words: Mapping[str, object] | frozenset[str]) -> str:
    return ", ".join(sorted(words))
