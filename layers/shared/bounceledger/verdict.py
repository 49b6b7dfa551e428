"""What a reply can say, and what that means for the recipient: closed sets of values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """Words that are stored, of which a newer version may have more.

    Made from a word that has no member, it gives that word with `is_known` false, so that what a
    newer version stored can be read, kept and written again. Iterating gives the members.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        word = str.__new__(cls, value)
        word._name_ = word._value_ = value
        return word

    @property
    def is_known(self) -> bool:
        """Whether it is a member, and no word of a newer version."""
        return type(self).__members__.get(self._name_) is self


class Disposition(StrEnum):
    """What a category means for the recipient."""

    HARD = "hard"
    SOFT = "soft"
    BLOCK = "block"
    ECHO = "echo"
    NONE = "none"


class Category(StrEnum):
    """What the reply says.

    Attributes:
        FORWARD_FAILED: something about an address to which the recipient's mail is forwarded.
            No rule gives it, since words do not tell: see `state.observe`.
    """

    MAILBOX_UNKNOWN = "mailbox_unknown"
    MAILBOX_MOVED = "mailbox_moved"
    DOMAIN_UNKNOWN = "domain_unknown"
    NO_MAIL_ACCEPTED = "no_mail_accepted"

    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX_FULL = "mailbox_full"
    RECIPIENT_REFUSED = "recipient_refused"
    EXPIRED = "expired"
    GREYLISTED = "greylisted"
    FORWARD_FAILED = "forward_failed"
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


DISPOSITIONS: dict[Category, Disposition] = {
    Category.MAILBOX_UNKNOWN: Disposition.HARD,
    Category.MAILBOX_MOVED: Disposition.HARD,
    Category.DOMAIN_UNKNOWN: Disposition.HARD,
    Category.NO_MAIL_ACCEPTED: Disposition.HARD,
    Category.MAILBOX_DISABLED: Disposition.SOFT,
    Category.MAILBOX_FULL: Disposition.SOFT,
    Category.RECIPIENT_REFUSED: Disposition.SOFT,
    Category.EXPIRED: Disposition.SOFT,
    Category.GREYLISTED: Disposition.SOFT,
    Category.FORWARD_FAILED: Disposition.SOFT,
    Category.UNKNOWN: Disposition.SOFT,
    Category.REPUTATION_BLOCK: Disposition.BLOCK,
    Category.SPAM_CONTENT: Disposition.BLOCK,
    Category.AUTH_FAILURE: Disposition.BLOCK,
    Category.SENDER_REJECTED: Disposition.BLOCK,
    Category.POLICY: Disposition.BLOCK,
    Category.VIRUS: Disposition.BLOCK,
    Category.RELAY_DENIED: Disposition.BLOCK,
    Category.MESSAGE_TOO_LARGE: Disposition.BLOCK,
    Category.RATE_LIMITED: Disposition.BLOCK,
    Category.NETWORK_ERROR: Disposition.BLOCK,
    Category.TLS_FAILURE: Disposition.BLOCK,
    Category.PROTOCOL_ERROR: Disposition.BLOCK,
    Category.SYSTEM_ERROR: Disposition.BLOCK,
    Category.PROVIDER_SUPPRESSED: Disposition.ECHO,
    Category.AUTOREPLY: Disposition.NONE,
}
"""Disposition of every category."""

if _missing := set(Category) - DISPOSITIONS.keys():
    # Without its own row, a category would get a disposition by accident.
    raise LookupError(f"categories without a disposition: {sorted(_missing)}")


ANSWERS = frozenset(
    {
        *(category for category, d in DISPOSITIONS.items() if d is Disposition.HARD),
        *(Category.MAILBOX_DISABLED, Category.MAILBOX_FULL, Category.RECIPIENT_REFUSED),
        Category.FORWARD_FAILED,
    }
)
"""Categories that tell, like a delivery, whether the address exists.

After any other bounce it is as unknown as before: most blocks come before the recipient is
looked at, and messages expire whatever the recipient is. A message that is refused for its
content tells nothing either: filters in front of a mailbox's server, and providers, know no
recipients.
"""


class Cause(OpenEnum):
    """What can be held against an address: what its owner said, or what a reply said about it.

    One member for a complaint, one for an unsubscribe, one for each category that is hard, soft
    or an echo, and one for soft replies that speak of the whole domain. The other categories say
    nothing about the recipient. Stored evidence may have a cause that only a newer version knows.
    """

    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    """It suppresses only where `policy.Policy.suppress_unsubscribes` says so."""
    MAILBOX_UNKNOWN = Category.MAILBOX_UNKNOWN.value
    MAILBOX_MOVED = Category.MAILBOX_MOVED.value
    DOMAIN_UNKNOWN = Category.DOMAIN_UNKNOWN.value
    NO_MAIL_ACCEPTED = Category.NO_MAIL_ACCEPTED.value
    MAILBOX_DISABLED = Category.MAILBOX_DISABLED.value
    MAILBOX_FULL = Category.MAILBOX_FULL.value
    RECIPIENT_REFUSED = Category.RECIPIENT_REFUSED.value
    EXPIRED = Category.EXPIRED.value
    GREYLISTED = Category.GREYLISTED.value
    FORWARD_FAILED = Category.FORWARD_FAILED.value
    UNKNOWN = Category.UNKNOWN.value
    PROVIDER_SUPPRESSED = Category.PROVIDER_SUPPRESSED.value
    DOMAIN_UNREACHABLE = "domain_unreachable"
    """Soft: the domain could not be looked up, or accepted no mail, for the time being."""

    @classmethod
    def of(cls, category: Category, scope: "Scope | None" = None) -> "Cause | None":
        """The cause for a category; None for one that says nothing about the recipient.

        Args:
            category: what the reply says.
            scope: of whom it speaks. A soft reply about a whole domain is
                `DOMAIN_UNREACHABLE`, whatever its category.
        """
        if scope is Scope.DOMAIN and DISPOSITIONS[category] is Disposition.SOFT:
            return cls.DOMAIN_UNREACHABLE
        return _CAUSES.get(category)

    @property
    def category(self) -> Category | None:
        """What the reply said; None for what no reply said, or only a newer version knows."""
        if self is Cause.DOMAIN_UNREACHABLE:
            return Category.EXPIRED  # how such a reply usually ends
        return Category(self.value) if self.value in Category else None

    @property
    def disposition(self) -> Disposition | None:
        """What it means for the recipient; None for a complaint.

        Hard where only a newer version knows. Evidence may know better: `state.disposition_of`.
        None of the dispositions that suppress is that of an unsubscribe, which is evidence of a
        wish, not of a mailbox: a version that does not know it suppresses nobody for it.
        """
        if not self.is_known:
            return Disposition.HARD
        if self is Cause.UNSUBSCRIBE:
            return Disposition.NONE
        return None if self.category is None else DISPOSITIONS[self.category]


_CAUSES = {Category(cause.value): cause for cause in Cause if cause.value in Category}

_EVIDENCE = (Disposition.HARD, Disposition.SOFT, Disposition.ECHO)
if _CAUSES.keys() != {c for c, disposition in DISPOSITIONS.items() if disposition in _EVIDENCE}:
    # A bounce of such a category would be counted and never suppress.
    raise LookupError("every category that is hard, soft or an echo needs a cause, no other does")

DOMAIN_CLAIMS = (Cause.NO_MAIL_ACCEPTED, Cause.DOMAIN_UNKNOWN, Cause.DOMAIN_UNREACHABLE)
"""Claims: what a mail server may say about a whole domain, and DNS can confirm or refute.

Where several were said, the first one is reported. The last one is soft: it suppresses only
if DNS shows that the domain is dead.
"""


HARD_CLAIMS = tuple(claim for claim in DOMAIN_CLAIMS if claim.disposition is Disposition.HARD)
"""Claims that count against a lead source, unless DNS shows that the domain is alive."""


class Scope(StrEnum):
    """Whom a verdict or a suppression is about."""

    ADDRESS = "address"
    DOMAIN = "domain"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one reply says about one recipient.

    Attributes:
        category: what the reply says.
        scope: whether the reply is about this address, its whole domain, or neither. A soft
            reply about a whole domain makes DNS be asked (`Cause.of`). What a suppression
            covers is decided by `state.decide`.
        rule: id of the rule that decided.
        reply_code: three-digit SMTP reply code (RFC 5321 section 4.2), if one was read.
        enhanced_status: enhanced status code (RFC 3463), if one was read.
        find_matched: finds `matched`; called only then, because finding the words takes
            longer than choosing the rule.
    """

    category: Category
    scope: Scope
    rule: str
    reply_code: int | None = None
    enhanced_status: str | None = None
    find_matched: Callable[[], str] = field(default=str, compare=False, repr=False)

    @property
    def matched(self) -> str:
        """The words of the reply that the rule matched, at most 120 characters; may be empty."""
        return self.find_matched()

    @property
    def disposition(self) -> Disposition:
        """What the category means for the recipient."""
        return DISPOSITIONS[self.category]
