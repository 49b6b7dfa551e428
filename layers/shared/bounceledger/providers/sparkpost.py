"""SparkPost: message, engagement, generation and unsubscribe events.

Sources: "Events Documentation" and "Webhooks" in the SparkPost API reference, "Bounce
Classification Codes" and "Preparing For Asynchronous Suppressions" in its support documentation.
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
    reply_with_code,
    required_word,
)
from bounceledger.providers.fields import JsonObject, clean_kind, digest, pick
from bounceledger.settings import Settings

PROVIDER = "sparkpost"
LAUNCH = datetime(2014, 1, 1, tzinfo=UTC)
"""SparkPost sent nothing before; an earlier time is a mistake."""

OUT_OF_BAND = "out_of_band"
"""``type`` of a bounce that came by mail, in which SparkPost may find no recipient."""

KINDS: Mapping[str, Kind] = {
    "injection": Kind.SEND,
    "delivery": Kind.DELIVERY,
    "delay": Kind.DELIVERY_DELAY,
    "bounce": Kind.BOUNCE,
    OUT_OF_BAND: Kind.BOUNCE,
    "policy_rejection": Kind.REJECT,  # a bounce where `SUPPRESSED` says so
    "generation_failure": Kind.RENDERING_FAILURE,
    "generation_rejection": Kind.REJECT,  # likewise
    "spam_complaint": Kind.COMPLAINT,
    "list_unsubscribe": Kind.UNSUBSCRIBE,
    "link_unsubscribe": Kind.UNSUBSCRIBE,
    "open": Kind.OPEN,
    "initial_open": Kind.OPEN,
    "amp_open": Kind.OPEN,
    "amp_initial_open": Kind.OPEN,
    "click": Kind.CLICK,
    "amp_click": Kind.CLICK,
}
"""``type`` in lower case. Any other is `Kind.OTHER`."""


@dataclass(frozen=True, slots=True)
class BounceClass:
    """What a class of bounces means.

    Attributes:
        permanence: whether SparkPost calls it hard.
        reason: why.
        kind: what a bounce of the class really is.
    """

    permanence: Permanence
    reason: ProviderReason
    kind: Kind = Kind.BOUNCE


_HARD, _SOFT = Permanence.PERMANENT, Permanence.TRANSIENT
_AUTOMATIC = BounceClass(_SOFT, ProviderReason.AUTOMATIC_REPLY)
_BLOCKED = BounceClass(_SOFT, ProviderReason.BLOCKED)
_UNKNOWN = BounceClass(Permanence.UNSTATED, ProviderReason.UNSTATED)

CLASSES: Mapping[str, BounceClass] = {
    "1": BounceClass(Permanence.UNDETERMINED, ProviderReason.UNSTATED),  # undetermined
    "10": BounceClass(_HARD, ProviderReason.NO_MAILBOX),  # invalid recipient
    "20": BounceClass(_SOFT, ProviderReason.GENERAL),  # soft bounce
    "21": BounceClass(_SOFT, ProviderReason.NO_DOMAIN),  # DNS failure
    "22": BounceClass(_SOFT, ProviderReason.MAILBOX_FULL),  # mailbox full
    "23": BounceClass(_SOFT, ProviderReason.MESSAGE_TOO_LARGE),  # too large
    "24": BounceClass(_SOFT, ProviderReason.TIMED_OUT),  # timeout
    "25": _BLOCKED,  # admin failure: SparkPost's own policies; see `SUPPRESSED`
    "26": _BLOCKED,  # smart send suppression
    "30": BounceClass(_HARD, ProviderReason.UNLISTED),  # generic bounce: no recipient was found
    "40": BounceClass(_SOFT, ProviderReason.GENERAL),  # generic bounce
    "50": _BLOCKED,  # mail block
    "51": _BLOCKED,  # spam block
    "52": BounceClass(_SOFT, ProviderReason.CONTENT_REJECTED),  # spam content
    "53": BounceClass(_SOFT, ProviderReason.ATTACHMENT_REJECTED),  # prohibited attachment
    "54": _BLOCKED,  # relaying denied
    "60": _AUTOMATIC,  # auto-reply
    "70": BounceClass(_SOFT, ProviderReason.GENERAL),  # transient failure
    "80": BounceClass(_SOFT, ProviderReason.UNSTATED, Kind.SUBSCRIPTION),  # subscribe
    "90": BounceClass(_HARD, ProviderReason.UNSTATED, Kind.UNSUBSCRIBE),  # unsubscribe
    "100": _AUTOMATIC,  # challenge-response
}
"""``bounce_class``. Any other says nothing."""

SUPPRESSED = ("recipient address was suppressed due to ", "recipient address suppressed due to ")
"""What the reason says in lower case where a suppression list of SparkPost's held the message back:
the customer's own, or that of all customers. The second is of generation rejections."""
OWN_CLASSES = frozenset({"", "25"})
"""Classes of what SparkPost decided itself. In any other a server said those words."""

INTERNAL = "[internal]"
"""What stands in a reason, in lower case, that SparkPost wrote itself."""
NO_MAIL_HOST = ("domain lookup failed", "no mx or a for domain", "bounced due to a dns failure")
"""What such a reason says of class 21: no server was asked."""
DNS_FAILURE = "21"

COMPLAINTS: Mapping[str, ProviderReason] = {
    "abuse": ProviderReason.ABUSE,
    "auth-failure": ProviderReason.AUTH_FAILURE,
    "fraud": ProviderReason.FRAUD,
    "not-spam": ProviderReason.NOT_SPAM,
    "other": ProviderReason.GENERAL,
    "virus": ProviderReason.VIRUS,
}
"""``fbtype`` of a complaint in lower case (RFC 5965 section 7.3). Any other is
`ProviderReason.UNLISTED`."""

INBOUND = "relay_message"


def split(payload: Payload) -> Iterator[Document]:
    """One document per event, without what is beside ``msys``.

    Raises:
        PayloadError: it is not a list of JSON objects.
    """
    for entry in entries_of(payload.content, payload.field):
        yield Document({"msys": pick(entry, "msys")}, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document: SparkPost has one recipient per event.

    Raises:
        PayloadError: the document is not one of SparkPost's, or shows mail that SparkPost
            received; names the field.
        AddressError: the recipient is not a valid address.
    """
    path, body = _event(document.body)
    if not path:
        return Parsed(notices=("ping",))
    word = required_word(body, "type", path)
    kind = KINDS.get(word.lower(), Kind.OTHER)
    # The other address is the same in lower case.
    key = "raw_rcpt_to" if pick(body, "raw_rcpt_to") is not None else "rcpt_to"
    may_be_about_nobody = kind is Kind.OTHER or word.lower() == OUT_OF_BAND
    if may_be_about_nobody and pick(body, key) is None:
        return Parsed(notices=(clean_kind(word),))
    address = read_address(body, key, path)
    received = received_at(document.payload, now())
    occurred_at = read_time(pick(body, "timestamp"), since=LAUNCH, until=received) or received
    mailed_at = read_time(pick(body, "injection_time"), since=LAUNCH, until=occurred_at)
    kind, permanence, reason, said = _outcome(body, kind)
    places = (pick(body, "rcpt_meta"), pick(body, "rcpt_tags"), [pick(body, "campaign_id")])
    lead = lead_of(places, settings, (mailed_at or occurred_at).date())
    message_id = read_text(body, "transmission_id") or read_text(body, "message_id")
    event_id = read_text(body, "event_id")
    written = read_text(body, "timestamp")
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
        mailed_at=mailed_at,
        reported_at=received,
        message_id=message_id,
        diagnostic=said,
        permanence=permanence,
        provider_reason=reason,
    )
    return Parsed((event,), unknown_kinds=() if word.lower() in KINDS else (clean_kind(word),))


def _event(body: JsonObject) -> tuple[str, JsonObject]:
    """The path of an event and the event; an empty path for a ping, which has none."""
    system = pick(body, "msys")
    if not isinstance(system, Mapping):
        raise PayloadError("is required, and must be an object", field="msys")
    if len(system) > 1:
        raise PayloadError("must have one event", field="msys")
    for name, event in system.items():
        if name == INBOUND:
            raise PayloadError(
                "shows mail that SparkPost received; only events about sent mail are read",
                field=f"msys.{INBOUND}",
            )
        if not isinstance(event, Mapping):
            raise PayloadError("must be an object", field=f"msys.{clean_kind(name)}")
        return f"msys.{clean_kind(name)}", event
    return "", {}


def _outcome(body: JsonObject, kind: Kind) -> tuple[Kind, Permanence, ProviderReason, str]:
    """What an event really is, how permanent SparkPost calls it, why, and what was said."""
    said = read_text(body, "raw_reason", MAX_DIAGNOSTIC) or read_text(
        body, "reason", MAX_DIAGNOSTIC
    )
    word = read_text(body, "bounce_class")
    if kind is Kind.COMPLAINT:
        return kind, Permanence.UNSTATED, _complaint(body), ""
    folded = said.lower()
    is_listed = word in OWN_CLASSES and any(words in folded for words in SUPPRESSED)
    if is_listed and kind in (Kind.BOUNCE, Kind.REJECT):
        return Kind.BOUNCE, _HARD, ProviderReason.SUPPRESSION_LIST, ""
    found = CLASSES.get(word, _UNKNOWN)
    kind = found.kind if kind is Kind.BOUNCE else kind
    own = kind is Kind.BOUNCE and word == DNS_FAILURE and INTERNAL in folded
    if own and any(words in folded for words in NO_MAIL_HOST):
        return kind, found.permanence, found.reason, ""
    said = reply_with_code(read_text(body, "error_code"), said)
    return kind, found.permanence, found.reason, said


def _complaint(body: JsonObject) -> ProviderReason:
    word = read_word(body, "fbtype")
    return COMPLAINTS.get(word, ProviderReason.UNLISTED if word else ProviderReason.UNSTATED)
