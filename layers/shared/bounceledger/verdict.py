"""The closed vocabulary of what a reply says and what it means for the recipient."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Disposition(StrEnum):
    """What a category means for the recipient."""

    HARD = "hard"
    SOFT = "soft"
    BLOCK = "block"
    ECHO = "echo"
    NONE = "none"


class Category(StrEnum):
    """What the reply says."""

    MAILBOX_UNKNOWN = "mailbox_unknown"
    MAILBOX_MOVED = "mailbox_moved"
    DOMAIN_UNKNOWN = "domain_unknown"
    NO_MAIL_ACCEPTED = "no_mail_accepted"

    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX_FULL = "mailbox_full"
    RECIPIENT_REFUSED = "recipient_refused"
    EXPIRED = "expired"
    GREYLISTED = "greylisted"
    UNKNOWN = "unknown"

    REPUTATION_BLOCK = "reputation_block"
    SPAM_CONTENT = "spam_content"
    AUTH_FAILURE = "auth_failure"
    SENDER_REJECTED = "sender_rejected"
    POLICY = "policy"
    VIRUS = "virus"
    RELAY_DENIED = "relay_denied"
    MESSAGE_TOO_LARGE = "message_too_large"
    RATE_LIMITED = "rate_limited"
    NETWORK_ERROR = "network_error"
    TLS_FAILURE = "tls_failure"
    PROTOCOL_ERROR = "protocol_error"
    SYSTEM_ERROR = "system_error"

    PROVIDER_SUPPRESSED = "provider_suppressed"

    AUTOREPLY = "autoreply"


class Scope(StrEnum):
    """How far a verdict reaches."""

    ADDRESS = "address"
    DOMAIN = "domain"
    NONE = "none"


_HARD = ("mailbox_unknown", "mailbox_moved", "domain_unknown", "no_mail_accepted")
_SOFT = (
    "mailbox_disabled",
    "mailbox_full",
    "recipient_refused",
    "expired",
    "greylisted",
    "unknown",
)

DISPOSITIONS: dict[Category, Disposition] = {
    category: (
        Disposition.HARD
        if category in _HARD
        else Disposition.SOFT
        if category in _SOFT
        else Disposition.ECHO
        if category is Category.PROVIDER_SUPPRESSED
        else Disposition.NONE
        if category is Category.AUTOREPLY
        else Disposition.BLOCK
    )
    for category in Category
}
"""Disposition of every category."""


DOMAIN_CLAIMS = (Category.NO_MAIL_ACCEPTED, Category.DOMAIN_UNKNOWN)
"""Claims: what a mail server may say about a whole domain, and DNS can confirm or refute.

Where both were said, the first one is reported.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one reply says about one recipient.

    Attributes:
        category: what the reply says.
        scope: how far it reaches: this address, its whole domain, or nobody.
        rule: id of the rule that decided.
        reply_code: three-digit SMTP reply code (RFC 5321 section 4.2), if one was read.
        enhanced_status: enhanced status code (RFC 3463), if one was read.
        evidence: finds `matched`; asked only then, because finding takes longer than judging.
    """

    category: Category
    scope: Scope
    rule: str
    reply_code: int | None = None
    enhanced_status: str | None = None
    evidence: Callable[[], str] = field(default=str, compare=False, repr=False)

    @property
    def matched(self) -> str:
        """The words of the reply that the rule matched, at most 120 characters; may be empty."""
        return self.evidence()

    @property
    def disposition(self) -> Disposition:
        """What the category means for the recipient."""
        return DISPOSITIONS[self.category]
