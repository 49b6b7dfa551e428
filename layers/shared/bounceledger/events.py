"""What happened to one recipient of one message, whatever the provider called it."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Kind(StrEnum):
    """What sort of event a provider reports.

    Attributes:
        RELAYED: a server reports that it delivered a message, passed it on, or sent it to the
            members of a list (RFC 3464 section 2.3.3). That is not a bounce, and proves nothing.
        UNSUBSCRIBE: the recipient asked not to be mailed any more, by a link of the provider or
            by the header List-Unsubscribe (RFC 8058).
        SUBSCRIPTION: the recipient changed preferences in another way.
        OTHER: carries kinds unknown today.
    """

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    DELIVERY = "delivery"
    DELIVERY_DELAY = "delivery_delay"
    RELAYED = "relayed"
    REJECT = "reject"
    RENDERING_FAILURE = "rendering_failure"
    SUBSCRIPTION = "subscription"
    SEND = "send"
    OPEN = "open"
    CLICK = "click"
    OTHER = "other"


class Permanence(StrEnum):
    """Whether a provider calls a bounce permanent."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    UNDETERMINED = "undetermined"
    UNSTATED = ""


class ProviderReason(StrEnum):
    """What a provider says about why, in words that all providers share.

    Attributes:
        UNSTATED: it says nothing.
        UNLISTED: it says something that has no member here.
        GENERAL: it says that it knows nothing more.
        AUTOMATIC_REPLY: the form of its report is that of an automatic reply, such as an
            out-of-office message, and not of a bounce.
        SUPPRESSION_LIST: its own suppression list held the message back.
        NO_MAILBOX: the receiving server has no such mailbox.
        INVALID_ADDRESS: the address is not one that any mailbox can have, by its syntax.
        NO_DOMAIN: the domain does not exist, or cannot take mail.
        MAILBOX_DISABLED: the mailbox is inactive, closed or suspended.
        CONTENT_REJECTED: the message was refused for what it contains, as spam is.
        BLOCKED: the receiving server, or a filter there, blocked the sender or the message, and
            the provider does not say that it was for the content.
        NETWORK: DNS did not answer, or no connection could be made or held.
        TIMED_OUT: the provider gave up after a time of trying.
    """

    UNSTATED = ""
    UNLISTED = "unlisted"
    GENERAL = "general"

    # of a bounce
    AUTOMATIC_REPLY = "automatic_reply"
    SUPPRESSION_LIST = "suppression_list"
    NO_MAILBOX = "no_mailbox"
    INVALID_ADDRESS = "invalid_address"
    NO_DOMAIN = "no_domain"
    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX_FULL = "mailbox_full"
    MESSAGE_TOO_LARGE = "message_too_large"
    CONTENT_REJECTED = "content_rejected"
    ATTACHMENT_REJECTED = "attachment_rejected"
    BLOCKED = "blocked"
    NETWORK = "network"
    TIMED_OUT = "timed_out"

    # of a complaint: RFC 5965 section 7.3, RFC 6591 (auth-failure), RFC 6430 (not-spam)
    ABUSE = "abuse"
    AUTH_FAILURE = "auth_failure"
    FRAUD = "fraud"
    NOT_SPAM = "not_spam"
    VIRUS = "virus"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEvent:
    """One event about one recipient.

    Attributes:
        event_id: hex digest, the same for every delivery of the same event.
        provider: name in `providers.registry.PROVIDERS`, such as ``ses``.
        kind: what sort of event.
        provider_kind: the provider's own word for the kind.
        address: whom the sender mailed, in canonical form, see `addresses.normalise_address`;
            empty where nothing tells which of several recipients it was.
        lead_source: cleaned key of who supplied the address.
        named_source: the one that the message names, where the event is recorded under another
            since there are too many new ones; empty otherwise.
        lead_date: when the lead was collected, as the sender says; None where it is not known.
        occurred_at: aware, UTC.
        mailed_at: when the provider accepted the message, by its own clock; aware, UTC. None
            where it does not say.
        reported_at: when the provider reported the event, likewise.
        message_id: the provider's id of the message that this is about; may be empty.
        diagnostic: what the receiving server said, as reported; may be empty.
        status: enhanced status code as reported (RFC 3463); may be empty or malformed.
        action: DSN action (RFC 3464 section 2.3.3); may be empty.
        permanence: whether the provider calls a bounce permanent.
        provider_reason: what the provider says about why.
        ambiguous: the provider names several recipients of which one is meant
            (complaints redacted by the mailbox provider).
        unmatched: the report is about nobody to whom the message was sent, as far as that can
            be told. It is counted, and is evidence against nobody; `address` is empty.
        forwarded_to: domain of another address that the report is about, because mail to
            `address` is forwarded there; empty if it is about `address` itself.
    """

    event_id: str
    provider: str
    kind: Kind
    provider_kind: str
    address: str
    lead_source: str
    occurred_at: datetime
    mailed_at: datetime | None = None
    reported_at: datetime | None = None
    message_id: str = ""
    diagnostic: str = ""
    status: str = ""
    action: str = ""
    permanence: Permanence = Permanence.UNSTATED
    provider_reason: ProviderReason = ProviderReason.UNSTATED
    ambiguous: bool = False
    unmatched: bool = False
    forwarded_to: str = ""
    named_source: str = ""
    lead_date: date | None = None

    @property
    def mail_time(self) -> datetime:
        """When the message was mailed; the event's own time where the provider does not say."""
        return self.mailed_at or self.occurred_at

    @property
    def claim_time(self) -> datetime:
        """When something was said of the whole domain, which DNS is then asked about.

        The receiving server's clock does not decide it: an earlier look at DNS would answer a
        report that is dated back.
        """
        return self.reported_at or self.occurred_at

    @property
    def message_digest(self) -> str:
        """Hex digest (64 bits) that all events of one message share.

        An address gets too few messages for two of them to have the same one. The event's own
        id stands in where the message's is not known.
        """
        if not self.message_id:
            return self.event_id
        name = f"{self.provider}\0{self.message_id}".encode("utf-8", "backslashreplace")
        return hashlib.blake2b(name, digest_size=8).hexdigest()
