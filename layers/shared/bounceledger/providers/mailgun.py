"""Mailgun: webhooks, and the form-encoded ones that came before 2018.

Sources: "Webhook Payloads", "Events" and "Suppressions" in the Mailgun documentation, and "Legacy
Webhooks" in its help center.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bounceledger import strict_json
from bounceledger.errors import PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers.base import Document, Parsed, Payload
from bounceledger.providers.common import (
    MAX_DIAGNOSTIC,
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

PROVIDER = "mailgun"
LAUNCH = datetime(2009, 1, 1, tzinfo=UTC)
"""Mailgun sent nothing before; an earlier time is a mistake."""

KINDS: Mapping[str, Kind] = {
    "accepted": Kind.SEND,
    "delivered": Kind.DELIVERY,
    "failed": Kind.BOUNCE,  # a delay where `severity` is temporary
    "rejected": Kind.REJECT,
    "complained": Kind.COMPLAINT,
    "unsubscribed": Kind.UNSUBSCRIBE,
    "opened": Kind.OPEN,
    "clicked": Kind.CLICK,
    # only in legacy webhooks
    "bounced": Kind.BOUNCE,
    "dropped": Kind.BOUNCE,
}
"""``event`` in lower case. Any other is `Kind.OTHER`."""

TEMPORARY = "temporary"
SEVERITIES: Mapping[str, Permanence] = {
    "permanent": Permanence.PERMANENT,
    TEMPORARY: Permanence.TRANSIENT,
}
"""``severity`` of a failure in lower case. Any other says nothing."""

BOUNCE_TYPES: Mapping[str, Permanence] = {
    "hard": Permanence.PERMANENT,
    "soft": Permanence.TRANSIENT,
}
"""``delivery-status.bounce-type`` in lower case: more precise than the severity, which says only
that Mailgun gave up. Any other says nothing."""

CODES: Mapping[str, ProviderReason] = {
    "498": ProviderReason.NO_DOMAIN,  # no MX for the domain
    "499": ProviderReason.NETWORK,  # no connection to any of its mail hosts
    "602": ProviderReason.TIMED_OUT,  # too old
    "605": ProviderReason.SUPPRESSION_LIST,  # bounced before
    "606": ProviderReason.SUPPRESSION_LIST,  # unsubscribed
    "607": ProviderReason.SUPPRESSION_LIST,  # complained
    "625": ProviderReason.BLOCKED,  # poor quality of the sender's mailing list
}
"""``delivery-status.code`` of what Mailgun itself found. No server said it, so it is no reply."""

OWN_WORDS: Mapping[str, ProviderReason] = {
    "too old": ProviderReason.TIMED_OUT,
    "not delivering to previously bounced address": ProviderReason.SUPPRESSION_LIST,
    "not delivering to unsubscribed address": ProviderReason.SUPPRESSION_LIST,
    "not delivering to a user who marked your messages as spam": ProviderReason.SUPPRESSION_LIST,
}
"""``delivery-status.message``, or else ``description``, in lower case: the same in Mailgun's words,
whatever the code."""

REASONS: Mapping[str, ProviderReason] = {
    "suppress-bounce": ProviderReason.SUPPRESSION_LIST,
    "suppress-complaint": ProviderReason.SUPPRESSION_LIST,
    "suppress-unsubscribe": ProviderReason.SUPPRESSION_LIST,
    "bounce": ProviderReason.GENERAL,
    "hardfail": ProviderReason.GENERAL,
    "old": ProviderReason.TIMED_OUT,
    "espblock": ProviderReason.BLOCKED,
    "generic": ProviderReason.UNSTATED,
}
"""``reason`` of a failure in lower case. Any other is `ProviderReason.UNLISTED`."""

LEGACY_PERMANENT = frozenset({"bounced", "dropped"})
"""Kinds of legacy webhooks that have no severity, since they report permanent failures only."""

LEGACY_REPLIES = ("error", "notification", "description")
"""Where a legacy webhook has what the server said, the best first."""

SIGNED = frozenset({"signature", "token", "timestamp"})
"""Fields of the legacy signature. A sender's variables can have their names; then the last value
is Mailgun's. Of any other field it is the first."""

SHARED_NAMES = SIGNED | {"event", "recipient"}
"""Fields of every legacy webhook. One that came repeatedly has a variable of that name as well."""

NO_VARIABLES = SIGNED | {"message-headers", "body-plain", *LEGACY_REPLIES}
"""Fields of a legacy webhook that may be long or secret, and hold no variable of the sender's."""

MAX_HEADERS = 65_536
"""Characters of ``message-headers`` that are read."""


def split(payload: Payload) -> Iterator[Document]:
    """The one event of a request, without its signature. A legacy one gets the form of today.

    Raises:
        PayloadError: it is not one that Mailgun sends.
    """
    content = payload.content
    if not isinstance(content, Mapping):
        raise PayloadError("must be a JSON object or a form", field=payload.field)
    if "event-data" not in content and "event" not in content:
        raise PayloadError("is required", field="event-data")
    data = get_object(content, "event-data", "") or _modern(content)
    yield Document({"event-data": data}, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document: Mailgun has one recipient per event.

    Raises:
        PayloadError: the document is not one of Mailgun's; names the field.
        AddressError: the recipient is not a valid address.
    """
    data = document.body["event-data"]
    word = required_word(data, "event", "event-data")
    kind = KINDS.get(word.lower(), Kind.OTHER)
    if pick(read_object(data, "flags"), "is-test-mode") is True:
        return Parsed(notices=("test-mode",))  # nothing is sent, and every message "delivered"
    message = read_object(read_object(data, "message"), "headers")
    if kind is Kind.OTHER and pick(data, "recipient") is None:
        return Parsed(notices=(clean_kind(word),))
    if kind is Kind.REJECT and pick(data, "recipient") is None:
        address = read_address(message, "to", "event-data.message.headers")
    else:
        address = read_address(data, "recipient", "event-data")
    received = received_at(document.payload, now())
    occurred_at = read_time(pick(data, "timestamp"), since=LAUNCH, until=received) or received
    permanence, reason = _opinion(data)
    if kind is Kind.BOUNCE and read_word(data, "severity") == TEMPORARY:
        kind = Kind.DELIVERY_DELAY  # Mailgun tries again
    places = (pick(data, "user-variables"), pick(data, "tags"), message)
    lead = lead_of(places, settings, occurred_at.date())
    message_id = read_text(message, "message-id").strip().strip("<>")
    status = read_object(data, "delivery-status")
    found_itself = reason is ProviderReason.SUPPRESSION_LIST or _found_itself(status) is not None
    # Mailgun says that its own id is unique within a day only.
    event_id, written = read_text(data, "id"), read_text(data, "timestamp")
    identity = (word.lower(), event_id or message_id, written)
    event = MailEvent(
        event_id=digest(PROVIDER, *identity, address),
        provider=PROVIDER,
        kind=kind,
        provider_kind=word,
        address=address,
        lead_source=lead.source,
        lead_date=lead.collected_on,
        occurred_at=occurred_at,
        reported_at=received,
        message_id=message_id,
        diagnostic=""
        if found_itself
        else reply_with_code(read_text(status, "code"), _said(status)),
        status=_status(status),
        permanence=permanence,
        provider_reason=reason,
    )
    unknown = () if word.lower() in KINDS else (clean_kind(word),)
    return Parsed((event,), unknown_kinds=unknown)


def _opinion(data: JsonObject) -> tuple[Permanence, ProviderReason]:
    """How permanent Mailgun calls a failure, and why."""
    status = read_object(data, "delivery-status")
    severity = SEVERITIES.get(read_word(data, "severity"), Permanence.UNSTATED)
    permanence = BOUNCE_TYPES.get(read_word(status, "bounce-type"), severity)
    word = read_word(data, "reason")
    reason = REASONS.get(word, ProviderReason.UNLISTED if word else ProviderReason.UNSTATED)
    if reason is not ProviderReason.SUPPRESSION_LIST:
        reason = _found_itself(status) or reason
    return permanence, reason


def _found_itself(status: JsonObject) -> ProviderReason | None:
    """The reason that Mailgun itself found; None where a server gave it."""
    return CODES.get(read_text(status, "code")) or OWN_WORDS.get(_said(status).strip().lower())


def _said(status: JsonObject) -> str:
    said = read_text(status, "message", MAX_DIAGNOSTIC)
    return said if said.strip() else read_text(status, "description", MAX_DIAGNOSTIC)


def _status(status: JsonObject) -> str:
    """The enhanced status, which a legacy webhook may have as the code."""
    code = read_text(status, "code")
    return read_text(status, "enhanced-code") or (code if "." in code else "")


# ----------------------------------------------------------------------------- legacy


def _modern(form: JsonObject) -> JsonObject:
    """The fields of a legacy webhook, as today's would have them."""
    fields = {str(name): _one(value, last=name in SIGNED) for name, value in form.items()}
    word = fields.get("event")
    headers = _headers(fields.get("message-headers"))
    replies = (fields.get(name) for name in LEGACY_REPLIES)
    tags = form.get("tag") or form.get("X-Mailgun-Tag") or []
    own = {name: value for name, value in fields.items() if name not in NO_VARIABLES}
    own |= {
        name: _one(form[name], last=name not in SIGNED)
        for name in SHARED_NAMES
        if isinstance(form.get(name), list)
    }
    is_permanent = isinstance(word, str) and word.lower() in LEGACY_PERMANENT
    return {
        "event": word,
        "timestamp": fields.get("timestamp"),
        "severity": "permanent" if is_permanent else None,
        "reason": fields.get("reason"),
        "recipient": fields.get("recipient"),
        "delivery-status": {
            "code": fields.get("code"),
            "message": next((reply for reply in replies if reply), ""),
        },
        "message": {"headers": {**headers, "message-id": _message_id(fields, headers)}},
        # Mailgun puts the sender's variables beside its own fields.
        "user-variables": {**own, **_variables(headers)},
        "tags": tags if isinstance(tags, list) else [tags],
    }


def _one(value: object, *, last: bool) -> object:
    """One value of a field that may have come repeatedly."""
    return value[-1 if last else 0] if isinstance(value, list) and value else value


def _message_id(fields: JsonObject, headers: JsonObject) -> object:
    return pick(fields, "message-id") or pick(headers, "message-id")


def _headers(text: object) -> dict[str, Any]:
    """The message's headers by lower-case name: the first of each, of X-Mailgun-Variables all."""
    headers: dict[str, Any] = {}
    for pair in _json(text, list):
        match pair:
            case [str() as name, str() as value]:
                key = name.lower()
                if key == "x-mailgun-variables":
                    headers.setdefault(key, []).append(value)
                else:
                    headers.setdefault(key, value)
    return headers


def _variables(headers: JsonObject) -> dict[str, Any]:
    """The sender's variables in the header that Mailgun makes for them."""
    variables: dict[str, Any] = {}
    for value in headers.get("x-mailgun-variables", ()):
        variables |= _json(value, dict)
    return variables


def _json[Value: (list[Any], dict[str, Any])](text: object, form: type[Value]) -> Value:
    """A JSON value of a form, or an empty one: none of it may cost a suppression."""
    try:
        value = strict_json.loads(text) if isinstance(text, str) and len(text) <= MAX_HEADERS else 0
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, form) else form()
