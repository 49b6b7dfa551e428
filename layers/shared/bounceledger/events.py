"""What happened to one recipient of one message, whatever the provider called it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What sort of event a provider reports. `OTHER` carries kinds unknown today."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    DELIVERY = "delivery"
    DELIVERY_DELAY = "delivery_delay"
    REJECT = "reject"
    RENDERING_FAILURE = "rendering_failure"
    SUBSCRIPTION = "subscription"
    SEND = "send"
    OPEN = "open"
    CLICK = "click"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEvent:
    """One event about one recipient.

    Attributes:
        event_id: hex digest, the same for every delivery of the same event.
        provider: name in `providers.PROVIDERS`, such as ``ses``.
        kind: what sort of event.
        provider_kind: the provider's own word for it, kept for unknown kinds.
        address: canonical form, see `addresses.normalise_address`.
        lead_source: cleaned key of who supplied the address.
        occurred_at: aware, UTC.
        message_id: the provider's id of the mail that this is about; may be empty.
        sending_account: the account that sent the mail; may be empty.
        diagnostic: what the receiving server said, as reported; may be empty.
        status: enhanced status code as reported (RFC 3463); may be empty or malformed.
        action: DSN action (RFC 3464 section 2.3.3); may be empty.
        type: SES ``bounceType``, ``complaintFeedbackType`` or ``delayType``; may be empty.
        subtype: SES ``bounceSubType`` or ``complaintSubType``; may be empty.
        ambiguous: the provider names several recipients of which one is meant
            (complaints redacted by the mailbox provider).
    """

    event_id: str
    provider: str
    kind: Kind
    provider_kind: str
    address: str
    lead_source: str
    occurred_at: datetime
    message_id: str = ""
    sending_account: str = ""
    diagnostic: str = ""
    status: str = ""
    action: str = ""
    type: str = ""
    subtype: str = ""
    ambiguous: bool = False
