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
        "Stop mailing the address, and count it against the source that supplied it.",
    ),
    Category.MAILBOX_MOVED: Meaning(
        "The recipient no longer uses this address, and mail to it is not forwarded.",
        "Stop mailing the address; use a new one only if the recipient gives it.",
    ),
    Category.DOMAIN_UNKNOWN: Meaning(
        "The domain of the address does not exist, or has no mail server.",
        "Stop mailing the domain once DNS confirms it; look for a misspelling.",
    ),
    Category.NO_MAIL_ACCEPTED: Meaning(
        "The host or domain says that it accepts no mail at all (RFC 7504, RFC 7505).",
        "Stop mailing the address; check in DNS whether the whole domain is meant.",
    ),
    Category.MAILBOX_DISABLED: Meaning(
        "The mailbox exists or existed, and its provider has closed or frozen it.",
        "Pause; suppress it if later mail bounces the same way.",
    ),
    Category.MAILBOX_FULL: Meaning(
        "The mailbox is full.",
        "Try again in a few days; a mailbox that stays full is probably abandoned.",
    ),
    Category.RECIPIENT_REFUSED: Meaning(
        "The server refuses mail for this recipient without saying that the mailbox is missing.",
        "Do not retry at once; suppress it if later mail bounces the same way.",
    ),
    Category.EXPIRED: Meaning(
        "The sending side gave up: the server was unreachable or kept deferring the message.",
        "Send again later; if it persists, check whether the domain still has a mail server.",
    ),
    Category.GREYLISTED: Meaning(
        "The server defers unknown senders, and accepts the message on a later try.",
        "No action needed; retry as usual.",
    ),
    Category.FORWARD_FAILED: Meaning(
        "The recipient's mail is forwarded to another address, and the reply is about that one.",
        "Count it as temporary: the mailbox itself may be read, or be a list with other members.",
    ),
    Category.UNKNOWN: Meaning(
        "The reply does not say what is wrong.",
        "Count it as temporary, and read the diagnostic if it recurs.",
    ),
    Category.REPUTATION_BLOCK: Meaning(
        "The sending IP address or domain is on a blocklist, or has a poor reputation there.",
        "Keep the recipient. Find the list, fix the cause, request delisting.",
    ),
    Category.SPAM_CONTENT: Meaning(
        "The message was classified as spam.",
        "Keep the recipient. Check the content, the links and the audience.",
    ),
    Category.AUTH_FAILURE: Meaning(
        "SPF, DKIM, DMARC or another authentication of the sender failed.",
        "Keep the recipient. Fix the sending domain's DNS records or signing.",
    ),
    Category.SENDER_REJECTED: Meaning(
        "The server rejects the sender's address or domain.",
        "Keep the recipient. Check that the sender address exists and can be replied to.",
    ),
    Category.POLICY: Meaning(
        "A policy of the receiving organisation forbids this message.",
        "Keep the recipient. Follow the link in the reply; ask the organisation if it persists.",
    ),
    Category.VIRUS: Meaning(
        "The message was classified as malware.",
        "Keep the recipient. Check attachments and links, and who uses your account.",
    ),
    Category.RELAY_DENIED: Meaning(
        "The server does not handle mail for this domain, at least not from you.",
        "Keep the recipient. Usually the domain's MX records point to the wrong server.",
    ),
    Category.MESSAGE_TOO_LARGE: Meaning(
        "The message is larger than the server or the recipient allows.",
        "Keep the recipient. Send something smaller, or a link.",
    ),
    Category.RATE_LIMITED: Meaning(
        "Too many messages, too fast: a quota of the sender or the receiver is used up.",
        "Keep the recipient. Send more slowly.",
    ),
    Category.NETWORK_ERROR: Meaning(
        "The connection, the route or DNS failed on the way.",
        "Keep the recipient. Retry; only the domain can fix a loop or a broken route.",
    ),
    Category.TLS_FAILURE: Meaning(
        "The two sides could not agree on an encrypted connection.",
        "Keep the recipient. Check TLS versions and certificates on both sides.",
    ),
    Category.PROTOCOL_ERROR: Meaning(
        "The server rejected a command, or the format of the message.",
        "Keep the recipient. Check the message's headers and the sending software.",
    ),
    Category.SYSTEM_ERROR: Meaning(
        "The receiving server is broken or overloaded.",
        "Keep the recipient. Retry later.",
    ),
    Category.PROVIDER_SUPPRESSED: Meaning(
        "Your own provider did not send the message, because of its suppression list.",
        "Pause mailing to the address until the suppression ends; it does not count against its "
        "source again.",
    ),
    Category.AUTOREPLY: Meaning(
        "An automatic reply, such as an out-of-office note: the message arrived.",
        "No action needed.",
    ),
}
"""Meaning of every category."""
