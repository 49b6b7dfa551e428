"""What every category means, for people, and what the sender should do about it."""

from collections.abc import Mapping
from typing import NamedTuple

from bounceledger.verdict import Category, Verdict


class Meaning(NamedTuple):
    """What a category means, for people.

    Attributes:
        meaning: one sentence on what happened.
        what_to_do: what the sender should do about it.
    """

    meaning: str
    what_to_do: str


def explain(verdict: Verdict) -> dict[str, str]:
    """Why a verdict is what it is: ``rule``, ``matched``, ``meaning`` and ``what_to_do``."""
    meaning = MEANINGS[verdict.category]
    return {
        "rule": verdict.rule,
        "matched": verdict.matched,
        "meaning": meaning.meaning,
        "what_to_do": meaning.what_to_do,
    }


MEANINGS: Mapping[Category, Meaning] = {
    Category.MAILBOX_UNKNOWN: Meaning(
        "The receiving server has no mailbox of this name.",
        "Stop mailing the address and hold it against the source that supplied it.",
    ),
    Category.MAILBOX_MOVED: Meaning(
        "The recipient has left this address; mail for it is not passed on.",
        "Stop mailing the address; use a new one only if the recipient gives it.",
    ),
    Category.DOMAIN_UNKNOWN: Meaning(
        "The domain of the address does not exist, or names no mail server.",
        "Stop mailing the domain once DNS confirms it; look for a misspelling.",
    ),
    Category.NO_MAIL_ACCEPTED: Meaning(
        "The host or domain says that it takes no mail at all (RFC 7504, RFC 7505).",
        "Stop mailing the address; ask DNS whether the whole domain is meant.",
    ),
    Category.MAILBOX_DISABLED: Meaning(
        "The mailbox exists or existed, and its provider has closed or frozen it.",
        "Pause; suppress it if later mail meets the same.",
    ),
    Category.MAILBOX_FULL: Meaning(
        "The mailbox has no room left.",
        "Try again in some days; a mailbox that stays full is one that nobody reads.",
    ),
    Category.RECIPIENT_REFUSED: Meaning(
        "The server refuses mail for this recipient without saying that the mailbox is missing.",
        "Do not retry at once; suppress it if later mail meets the same.",
    ),
    Category.EXPIRED: Meaning(
        "The sending side gave up: the server could not be reached or kept deferring the mail.",
        "Send again later; if it lasts, see whether the domain still has a mail server.",
    ),
    Category.GREYLISTED: Meaning(
        "The server puts off unknown senders and takes the mail when it is offered again.",
        "Nothing: retry as usual.",
    ),
    Category.UNKNOWN: Meaning(
        "The reply does not say what is wrong.",
        "Count it as temporary, and read the diagnostic if it comes back.",
    ),
    Category.REPUTATION_BLOCK: Meaning(
        "The sending IP address or domain is on a blocklist or has a bad name there.",
        "Keep the recipient. Find the list, mend the cause, ask for removal.",
    ),
    Category.SPAM_CONTENT: Meaning(
        "The message was taken for spam.",
        "Keep the recipient. Look at the content, the links and who gets the mail.",
    ),
    Category.AUTH_FAILURE: Meaning(
        "SPF, DKIM, DMARC or another proof of the sender failed.",
        "Keep the recipient. Mend the sending domain's DNS records or signing.",
    ),
    Category.SENDER_REJECTED: Meaning(
        "The server refuses the sender's address or domain.",
        "Keep the recipient. Check that the sender address exists and can be replied to.",
    ),
    Category.POLICY: Meaning(
        "A rule of the receiving organisation forbids this message.",
        "Keep the recipient. Read the reply's link; ask the organisation if it goes on.",
    ),
    Category.VIRUS: Meaning(
        "The message was taken for malware.",
        "Keep the recipient. Look at attachments and links, and at who uses your account.",
    ),
    Category.RELAY_DENIED: Meaning(
        "The server does not handle mail for this domain, at least not from you.",
        "Keep the recipient. Mostly the domain's MX records point to the wrong server.",
    ),
    Category.MESSAGE_TOO_LARGE: Meaning(
        "The message is larger than the server or the recipient allows.",
        "Keep the recipient. Send something smaller, or a link.",
    ),
    Category.RATE_LIMITED: Meaning(
        "Too much mail, too fast: a quota of the sender or of the receiver is used up.",
        "Keep the recipient. Send more slowly.",
    ),
    Category.NETWORK_ERROR: Meaning(
        "The connection, the route or DNS failed on the way.",
        "Keep the recipient. Retry; a loop or a broken route is for the domain to mend.",
    ),
    Category.TLS_FAILURE: Meaning(
        "No encrypted connection came about that both sides accept.",
        "Keep the recipient. Check TLS versions and certificates on both sides.",
    ),
    Category.PROTOCOL_ERROR: Meaning(
        "The server did not accept a command or the form of the message.",
        "Keep the recipient. Check the message's headers and the sending software.",
    ),
    Category.SYSTEM_ERROR: Meaning(
        "Something is broken or overloaded at the receiving server.",
        "Keep the recipient. Retry later.",
    ),
    Category.PROVIDER_SUPPRESSED: Meaning(
        "Your own provider held the mail back because of its suppression list.",
        "Stop mailing the address; it is no new evidence against its source.",
    ),
    Category.AUTOREPLY: Meaning(
        "An automatic answer, such as an out-of-office note: the mail arrived.",
        "Nothing.",
    ),
}
"""Meaning of every category."""
