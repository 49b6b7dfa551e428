"""KumoMTA: its log records, as a log hook posts them.

Sources: "Log Record", "Publishing Log Events Via Webhooks" and ``configure_log_hook`` in the
KumoMTA documentation.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from bounceledger.errors import InputError, PayloadError
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
    read_word,
    received_at,
    reply_with_code,
    required_word,
)
from bounceledger.providers.fields import JsonObject, clean_kind, digest, get_object, pick
from bounceledger.settings import Settings

PROVIDER = "kumomta"
LAUNCH = datetime(2023, 1, 1, tzinfo=UTC)
"""KumoMTA did not exist before; an earlier time is a mistake."""

KINDS: Mapping[str, Kind] = {
    "reception": Kind.SEND,
    "delivery": Kind.DELIVERY,
    "transientfailure": Kind.DELIVERY_DELAY,
    "delay": Kind.DELIVERY_DELAY,
    "bounce": Kind.BOUNCE,
    "expiration": Kind.BOUNCE,
    "oob": Kind.BOUNCE,
    "adminbounce": Kind.REJECT,
    "feedback": Kind.COMPLAINT,
}
"""``type`` in lower case. Any other is about the server's own queues or its clients."""

COMPLAINTS: Mapping[str, ProviderReason] = {
    "abuse": ProviderReason.ABUSE,
    "auth-failure": ProviderReason.AUTH_FAILURE,
    "fraud": ProviderReason.FRAUD,
    "not-spam": ProviderReason.NOT_SPAM,
    "other": ProviderReason.GENERAL,
    "virus": ProviderReason.VIRUS,
}
"""``feedback_type`` in lower case (RFC 5965 section 7.3)."""

OWN_WORDS = frozenset({"expiration", "adminbounce", "delay", "reception", "feedback"})
"""Types whose ``response`` KumoMTA writes itself, so that it is not a server's reply."""

REPORTS = frozenset({"oob", "feedback"})
"""Types about a report that somebody mailed: ``created`` is when it came, and ``id`` is its own."""


def split(payload: Payload) -> Iterator[Document]:
    """One document per log record.

    Raises:
        PayloadError: it is neither a JSON object nor a list of them.
    """
    for entry in entries_of(payload.content, payload.field):
        yield Document(entry, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The events of one log record: KumoMTA can have several recipients in one.

    Raises:
        PayloadError: the document is not a log record; names the field.
    """
    body = document.body
    word = required_word(body, "type")
    name = word.lower()
    if name not in KINDS:
        return Parsed(notices=(clean_kind(word),))
    report = get_object(body, "feedback_report", "")
    holders = _complained(report) if name == "feedback" else _mailed(body)
    if not holders:
        return Parsed(notices=(clean_kind(word),))  # a complaint that does not say about whom
    received = received_at(document.payload, now())
    occurred_at = _time(body, ("event_time", "timestamp"), received) or received
    is_report = name in REPORTS
    mailed_at = None if is_report else _time(body, ("created_time", "created"), received)
    meta = read_object(body, "meta")
    # What `msg:import_x_headers` keeps of a header X-Lead-Source is named x_lead_source.
    imported = {key.removeprefix("x_"): value for key, value in meta.items()}
    places = (meta, imported, read_object(body, "headers"))
    lead = lead_of(places, settings, (mailed_at or occurred_at).date())
    record_id = read_text(body, "id")
    written = read_text(body, "event_time") or read_text(body, "timestamp")
    permanence, reason = _opinion(name, report)
    said, status = ("", "") if name in OWN_WORDS else _reply(body)
    events: list[MailEvent] = []
    refused: list[InputError] = []
    for where, key, path in holders:
        try:
            address = read_address(where, key, path)
        except InputError as error:
            refused.append(error)
            continue
        events.append(
            MailEvent(
                event_id=digest(PROVIDER, name, record_id, written, address),
                provider=PROVIDER,
                kind=KINDS[name],
                provider_kind=word,
                address=address,
                lead_source=lead.source,
                lead_date=lead.collected_on,
                occurred_at=occurred_at,
                mailed_at=mailed_at,
                reported_at=received,
                message_id="" if is_report else record_id,
                diagnostic=said,
                status=status,
                permanence=permanence,
                provider_reason=reason,
            )
        )
    return Parsed(tuple(events), tuple(refused))


type _Holder = tuple[JsonObject, str, str]
"""An object with an address, its key there, and the object's path."""


def _mailed(body: JsonObject) -> list[_Holder]:
    """Where a record has its recipients: one, or a list."""
    value = pick(body, "recipient")
    if not isinstance(value, list):
        return [(body, "recipient", "")]
    if not value:
        raise PayloadError("has no recipient", field="recipient")
    return [
        ({f"recipient[{index}]": one}, f"recipient[{index}]", "") for index, one in enumerate(value)
    ]


def _complained(report: JsonObject) -> list[_Holder]:
    """Who complained, if that is one: `recipient` of the record is whom the report was mailed to.

    KumoMTA's own trace header in the message is more reliable than what the report says.
    """
    trace = read_object(report, "supplemental_trace")
    if isinstance(pick(trace, "recipient"), str):
        return [(trace, "recipient", "feedback_report.supplemental_trace")]
    # The documentation has the first name, a typing mistake that may be fixed one day.
    for key in ("original_rcpto_to", "original_rcpt_to"):
        named = pick(report, key)
        if isinstance(named, list) and len(named) == 1:
            return [({f"{key}[0]": named[0]}, f"{key}[0]", "feedback_report")]
    return []


def _time(body: JsonObject, keys: tuple[str, ...], received: datetime) -> datetime | None:
    times = (read_time(pick(body, key), since=LAUNCH, until=received) for key in keys)
    return next((found for found in times if found), None)


def _opinion(name: str, report: JsonObject) -> tuple[Permanence, ProviderReason]:
    if name == "expiration":
        return Permanence.TRANSIENT, ProviderReason.TIMED_OUT
    if name == "feedback":
        word = read_word(report, "feedback_type")
        unlisted = ProviderReason.UNLISTED if word else ProviderReason.UNSTATED
        return Permanence.UNSTATED, COMPLAINTS.get(word, unlisted)
    return Permanence.UNSTATED, ProviderReason.UNSTATED


def _reply(body: JsonObject) -> tuple[str, str]:
    """What the server said, put together from its parts, and the enhanced status code."""
    response = read_object(body, "response")
    enhanced = read_object(response, "enhanced_code")
    parts = [read_text(enhanced, part) for part in ("class", "subject", "detail")]
    is_code = all(part.isascii() and part.isdecimal() and len(part) <= 3 for part in parts)
    status = ".".join(parts) if is_code else ""
    content = read_text(response, "content", MAX_DIAGNOSTIC)
    text = f"{status} {content}" if status and content.strip() else content
    return reply_with_code(read_text(response, "code"), text), status
