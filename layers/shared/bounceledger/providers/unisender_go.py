"""Unisender Go, and UniOne, which is the same service: webhooks in the format ``json_post``.

Sources: "Callback format" in the API reference and "Email statuses" in the Unisender Go and UniOne
documentation.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from bounceledger.errors import TooLargeError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers.base import Document, Parsed, Payload
from bounceledger.providers.common import (
    MAX_DIAGNOSTIC,
    MAX_EVENTS,
    entries_of,
    lead_of,
    read_address,
    read_object,
    read_text,
    read_time,
    read_word,
    received_at,
    required_word,
)
from bounceledger.providers.fields import clean_kind, digest, pick
from bounceledger.settings import Settings

PROVIDER = "unisender_go"
LAUNCH = datetime(2015, 1, 1, tzinfo=UTC)
"""The service did not exist before; an earlier time is a mistake."""

ABOUT_MESSAGE = "transactional_email_status"
"""``event_name`` of an event about a message, in lower case."""
ABOUT_SERVERS = "transactional_spam_block"
"""That of one about the service's own servers at a domain, which says nothing of a recipient."""

KINDS: Mapping[str, Kind] = {
    "accepted": Kind.SEND,
    "sent": Kind.SEND,
    "delivered": Kind.DELIVERY,
    "soft_bounced": Kind.DELIVERY_DELAY,  # the service tries again; the end is another status
    "hard_bounced": Kind.BOUNCE,  # a rejection where `NOT_SENT` says so
    "spam": Kind.COMPLAINT,
    "unsubscribed": Kind.UNSUBSCRIBE,
    "subscribed": Kind.SUBSCRIPTION,
    "opened": Kind.OPEN,
    "clicked": Kind.CLICK,
}
"""``status`` in lower case. Any other is `Kind.OTHER`."""

INVALID = "err_dest_invalid"

REASONS: Mapping[str, ProviderReason] = {
    "err_user_unknown": ProviderReason.NO_MAILBOX,
    "err_mailbox_discarded": ProviderReason.NO_MAILBOX,
    "err_user_inactive": ProviderReason.MAILBOX_DISABLED,
    "err_mailbox_full": ProviderReason.MAILBOX_FULL,
    INVALID: ProviderReason.INVALID_ADDRESS,
    "err_domain_inactive": ProviderReason.NO_DOMAIN,
    "err_no_dns": ProviderReason.NO_DOMAIN,
    "err_no_smtp": ProviderReason.NETWORK,
    "err_destination_misconfigured": ProviderReason.NETWORK,
    "err_spam_rejected": ProviderReason.CONTENT_REJECTED,
    "err_spam_skipped": ProviderReason.BLOCKED,
    "err_spam_removed": ProviderReason.BLOCKED,
    "err_blacklisted": ProviderReason.BLOCKED,
    "err_src_invalid": ProviderReason.BLOCKED,
    "err_too_large": ProviderReason.MESSAGE_TOO_LARGE,
    "err_giveup": ProviderReason.TIMED_OUT,
    "err_unsubscribed": ProviderReason.SUPPRESSION_LIST,
    "err_unreachable": ProviderReason.SUPPRESSION_LIST,
    "skip_dup_unreachable": ProviderReason.SUPPRESSION_LIST,
}
"""``delivery_status`` of a bounce in lower case, for one without a reply. Any other is
`ProviderReason.UNLISTED`, such as ``err_delivery_failed``: a failure for another reason."""

NOT_SENT = frozenset(
    {
        "err_skip_letter",
        "skip_dup_temp_unreachable",
        "skip_dup_mailbox_full",
        "err_lost",
        "err_internal",
        "not_sent",
    }
)
"""``delivery_status`` in lower case of a message that the service lost, or did not send since
another was refused some days ago. Neither is new evidence, nor a list on which an address stays."""


def split(payload: Payload) -> Iterator[Document]:
    """One document per event, of either form: grouped, or a single one.

    Raises:
        PayloadError: it is neither.
    """
    content = payload.content
    if not isinstance(content, Mapping) or pick(content, "events_by_user") is None:
        for entry in entries_of(content, payload.field):
            yield Document(entry, payload)
        return
    groups = entries_of(pick(content, "events_by_user"), "events_by_user")
    entries = [
        entry
        for index, group in enumerate(groups)
        for entry in entries_of(pick(group, "events"), f"events_by_user[{index}].events")
    ]
    if len(entries) > MAX_EVENTS:
        raise TooLargeError(f"has more than {MAX_EVENTS} events", field="events_by_user")
    for entry in entries:
        yield Document(entry, payload)


def read(
    document: Document,
    settings: Settings,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Parsed:
    """The event of one document: the service has one recipient per event.

    Raises:
        PayloadError: the document is not one of the service's; names the field.
        AddressError: the recipient is not a valid address.
    """
    body = document.body
    name = required_word(body, "event_name")
    if name.lower() == ABOUT_SERVERS:
        return Parsed(notices=(clean_kind(name),))
    if name.lower() != ABOUT_MESSAGE:
        return Parsed(notices=(clean_kind(name),), unknown_kinds=(clean_kind(name),))
    # A single event has its fields beside its name.
    data, path = (
        (read_object(body, "event_data"), "event_data") if pick(body, "event_data") else (body, "")
    )
    word = required_word(data, "status", path)
    kind = KINDS.get(word.lower(), Kind.OTHER)
    detail = read_object(data, "delivery_info")
    delivery_status = read_word(detail, "delivery_status")
    is_invalid = kind is Kind.BOUNCE and delivery_status == INVALID
    address = read_address(data, "email", path, is_invalid=is_invalid)
    received = received_at(document.payload, now())
    occurred_at = read_time(pick(data, "event_time"), since=LAUNCH, until=received) or received
    said = read_text(detail, "destination_response", MAX_DIAGNOSTIC).strip()
    permanence, reason = Permanence.UNSTATED, ProviderReason.UNSTATED
    if kind is Kind.BOUNCE:
        if delivery_status in NOT_SENT and not said:
            kind = Kind.REJECT
        else:
            permanence, reason = Permanence.PERMANENT, _reason(delivery_status, said)
    lead = lead_of((pick(data, "metadata"),), settings, occurred_at.date())
    message_id, written = read_text(data, "job_id"), read_text(data, "event_time")
    event = MailEvent(
        event_id=digest(
            PROVIDER, word.lower(), message_id, written, address or read_text(data, "email")
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
        permanence=permanence,
        provider_reason=reason,
        unmatched=not address,
    )
    return Parsed((event,), unknown_kinds=() if word.lower() in KINDS else (clean_kind(word),))


def _reason(delivery_status: str, said: str) -> ProviderReason:
    """Why the service says that a message bounced.

    ``hard_bounced`` alone says nothing: spam and full mailboxes end there as well.
    """
    if not delivery_status:
        return ProviderReason.UNSTATED
    reason = REASONS.get(delivery_status, ProviderReason.UNLISTED)
    # A list that a server's reply led to is that reply; without one, nothing was sent.
    is_list = reason is ProviderReason.SUPPRESSION_LIST
    return ProviderReason.UNLISTED if is_list and said else reason
