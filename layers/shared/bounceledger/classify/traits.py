"""What rules may ask about a reply besides its words."""

from functools import lru_cache
from typing import NamedTuple

from bounceledger.classify.masking import matchable
from bounceledger.classify.reply import SmtpReply, is_enhanced_status
from bounceledger.events import Permanence, ProviderReason


class Hints(NamedTuple):
    """What a provider reports besides the diagnostic; empty where it says nothing.

    Attributes:
        status: enhanced status code of the report; used where the diagnostic has none.
        permanence: whether the provider calls the bounce permanent; decides only where
            there is no diagnostic.
        provider_reason: what the provider says about why; likewise, except that its own
            suppression list always decides.
        action: DSN action (RFC 3464 section 2.3.3).
    """

    status: str = ""
    permanence: Permanence = Permanence.UNSTATED
    provider_reason: ProviderReason = ProviderReason.UNSTATED
    action: str = ""


class ReplyTraits(NamedTuple):
    """What a rule may ask besides the words. Strings are lower case, empty where unknown.

    Attributes:
        reply: reply code such as ``550``.
        status: enhanced status code such as ``5.1.1``.
        temporary: the server asked to try again.
        words: whether the reply says anything besides its codes.
        permanence: as in `Hints`.
        provider_reason: as in `Hints`.
        action: DSN action.
    """

    reply: str = ""
    status: str = ""
    temporary: bool = False
    words: bool = True
    permanence: Permanence = Permanence.UNSTATED
    provider_reason: ProviderReason = ProviderReason.UNSTATED
    action: str = ""


def prepare(reply: SmtpReply, hints: Hints) -> tuple[str, ReplyTraits]:
    """The two arguments of `engine.RuleSet.select` for a reply and what was reported with it."""
    text = matchable(reply.text)
    status = reply.enhanced if reply.inner is None else _most_specific_status(reply)
    return text, _traits(reply.code, status, hints, bool(text))


@lru_cache(maxsize=4096)  # few differ, and building them takes a sixth of a remembered answer
def _traits(code: int | None, status: str | None, hints: Hints, words: bool) -> ReplyTraits:
    if not status:
        status = hints.status if is_enhanced_status(hints.status) else ""
    action = hints.action.lower()
    return ReplyTraits(
        reply="" if code is None else str(code),
        status=status,
        temporary=action == "delayed" or (status[:1] == "4" if code is None else code < 500),
        words=words,
        permanence=hints.permanence,
        provider_reason=hints.provider_reason,
        action=action,
    )


def _most_specific_status(reply: SmtpReply) -> str | None:
    """X.Y.0 says less than the status of the reply that is quoted, if one is."""
    if reply.inner and reply.inner.enhanced and (reply.enhanced or ".0").endswith(".0"):
        return reply.inner.enhanced
    return reply.enhanced
