"""What is known of an address that is not suppressed. No side effects.

Facts remember what may suppress some day. Blocks and delays never do, so no item but their own has
them, and they cost no write beyond it: they are looked for among the address's events when somebody
asks.
"""

from dataclasses import dataclass
from datetime import datetime

from bounceledger.events import Kind
from bounceledger.ledger.items import RecordedEvent
from bounceledger.ledger.results import CheckResult, History
from bounceledger.policy import Policy
from bounceledger.state import Reason, expired_reason, latest, soft_weight, unsubscribed_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of an address that is not suppressed.

    Attributes:
        soft_weight: what its soft days add up to now; 0 for none that count.
        soft_days: what they suppress it at.
        soft_window: days within which they count.
        expired: what suppressed it last, and ended by itself; None for nothing.
        removed_at: when a person last removed a suppression, of the address or of its whole domain;
            None for never.
        unsubscribed_at: when the recipient last unsubscribed, unless that was removed; None for
            never.
        last_block: latest event that blocked the sender, message or path; None for none.
        last_delay: latest delay, likewise.
        last_delivery: latest delivery of a message that did not bounce, likewise.
        recorded: whether anything at all is recorded about the address.
        truncated: whether there are too many events to look at all of them.
    """

    soft_weight: int
    soft_days: int
    soft_window: int
    expired: Reason | None
    removed_at: datetime | None
    unsubscribed_at: datetime | None
    last_block: RecordedEvent | None
    last_delay: RecordedEvent | None
    last_delivery: RecordedEvent | None
    recorded: bool
    truncated: bool


def known_of(result: CheckResult, history: History, now: datetime, policy: Policy) -> Known:
    """What is known of an address.

    Args:
        result: of a check; the address is not suppressed.
        history: all events of the address that are to be looked at, the newest first.
        now: aware.
        policy: the deployment's thresholds.
    """
    facts, domain = result.facts, result.domain
    events = [entry for entry in history.entries if isinstance(entry, RecordedEvent)]
    return Known(
        soft_weight=soft_weight(facts, domain, now, policy) if facts else 0,
        soft_days=policy.soft_days,
        soft_window=policy.soft_window,
        expired=expired_reason(facts, domain, now, policy),
        removed_at=latest(
            facts.removed_at if facts else None, domain.removed_at if domain else None
        ),
        unsubscribed_at=unsubscribed_at(facts) if facts else None,
        last_block=next((event for event in events if event.is_block), None),
        last_delay=next((e for e in events if e.kind is Kind.DELIVERY_DELAY), None),
        last_delivery=next((e for e in events if e.kind is Kind.DELIVERY), None),
        recorded=bool(history.entries) or (facts is not None and not facts.is_empty),
        truncated=history.truncated,
    )
