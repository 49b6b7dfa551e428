"""What a reply means for the recipient, and which rule says so."""

from functools import lru_cache

from bounceledger.classify.compiled import load_rules
from bounceledger.classify.engine import RuleSet
from bounceledger.classify.reply import SmtpReply, parse_reply
from bounceledger.classify.traits import Hints, ReplyTraits, prepare
from bounceledger.events import MailEvent, ProviderReason
from bounceledger.verdict import Category, Scope, Verdict

NO_HINTS = Hints()

NO_RULE = "no-rule"
"""Rule id of a verdict that no rule reached."""

AUTOMATIC_REPLY = "automatic-reply"
"""Rule id of the verdict for an automatic reply that its form gives away, not its words."""

_MAX_CACHED_REPLIES = 4096
_MAX_CACHED_LENGTH = 256


def classify(reply: SmtpReply, hints: Hints = NO_HINTS, *, rules: RuleSet | None = None) -> Verdict:
    """Classify one reply.

    Args:
        reply: as `reply.parse_reply` read it.
        hints: what the provider reports besides it.
        rules: the built-in ones where not given.
    """
    text, traits = prepare(reply, hints)
    # Servers repeat themselves: with the address masked, many replies are the same string.
    # Long ones are not cached, so that the cache takes 11 MB at the very worst.
    judge = _judge if len(text) <= _MAX_CACHED_LENGTH else _judge.__wrapped__
    return judge(rules or load_rules(), text, traits, reply.code, reply.enhanced or traits.status)


@lru_cache(maxsize=_MAX_CACHED_REPLIES)
def _judge(
    rules: RuleSet, text: str, traits: ReplyTraits, code: int | None, status: str
) -> Verdict:
    selection = rules.select(text, traits)
    if selection is None:
        return Verdict(
            category=Category.UNKNOWN,
            scope=Scope.ADDRESS,
            rule=NO_RULE,
            reply_code=code,
            enhanced_status=status or None,
        )
    return Verdict(
        category=selection.rule.category,
        scope=selection.rule.scope,
        rule=selection.rule.id,
        reply_code=code,
        enhanced_status=status or None,
        find_matched=selection.find_matched,
    )


def classify_event(event: MailEvent, *, rules: RuleSet | None = None) -> Verdict:
    """Classify what a bounce event reports."""
    if event.provider_reason is ProviderReason.AUTOMATIC_REPLY:
        return Verdict(category=Category.AUTOREPLY, scope=Scope.NONE, rule=AUTOMATIC_REPLY)
    hints = Hints(event.status, event.permanence, event.provider_reason, event.action)
    return classify(parse_reply(event.diagnostic), hints, rules=rules)
