"""From an event and its verdict to an observation: what the event is evidence of."""

from dataclasses import replace

from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.policy import Policy
from bounceledger.state.facts import Observation
from bounceledger.verdict import Category, Cause, Scope, Verdict


def observe(
    event: MailEvent,
    verdict: Verdict | None = None,
    *,
    policy: Policy,
    rules_version: str = "",
) -> Observation:
    """An event with its cause.

    Blocks of the sender, automatic replies, delays and the like are evidence of nothing.
    Neither are complaints that no person made (``auth_failure``, ``virus``) or that withdraw
    one (``not_spam``), nor events that match nobody who was mailed. An unsubscribe is evidence
    whether the policy lets it suppress or not, so that a change of that applies to it, too.

    A reply about an address to which the recipient's mail is forwarded says little about the
    recipient: the mailbox may be read all the same, or be a list of which one member is gone.
    Its category is therefore ``forward_failed``, unless it blocks the sender.
    """
    if verdict is not None and event.forwarded_to and Cause.of(verdict.category):
        verdict = replace(verdict, category=Category.FORWARD_FAILED, scope=Scope.ADDRESS)
    if event.unmatched:
        verdict = None
    return Observation(
        event=event,
        cause=_cause_of(event, verdict, policy),
        verdict=verdict,
        rules_version=rules_version,
    )


def _cause_of(event: MailEvent, verdict: Verdict | None, policy: Policy) -> Cause | None:
    if not event.address:
        return None
    if event.kind is Kind.BOUNCE and verdict is not None:
        return Cause.of(verdict.category, verdict.scope)
    cause = _cause_of_a_wish(event)
    is_meant = not event.ambiguous or policy.suppress_ambiguous_complaints
    return cause if is_meant or cause is Cause.PROVIDER_SUPPRESSED else None


def _cause_of_a_wish(event: MailEvent) -> Cause | None:
    """What an event is evidence of that reports what its recipient wants."""
    if event.kind is Kind.UNSUBSCRIBE:
        return Cause.UNSUBSCRIBE
    if event.kind is not Kind.COMPLAINT or event.provider_reason in _NOBODY_COMPLAINED:
        return None
    if event.provider_reason is ProviderReason.SUPPRESSION_LIST:
        return Cause.PROVIDER_SUPPRESSED
    return Cause.COMPLAINT


_NOBODY_COMPLAINED = frozenset(
    {ProviderReason.NOT_SPAM, ProviderReason.AUTH_FAILURE, ProviderReason.VIRUS}
)
"""Reports without a person who complains: RFC 6430; RFC 6591; RFC 5965 section 7.3."""
