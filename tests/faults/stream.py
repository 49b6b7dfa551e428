"""Streams of events that conflict: few addresses, many events each, close in time."""

import hashlib
import random
from datetime import UTC, datetime, timedelta

from bounceledger import state
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.policy import Policy
from bounceledger.state import Observation
from bounceledger.verdict import DISPOSITIONS, Category, Disposition, Scope, Verdict

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAYS = 100
"""Days before `NOW` over which events are spread."""

_KINDS = {
    Kind.DELIVERY: 45,
    Kind.BOUNCE: 45,
    Kind.COMPLAINT: 4,
    Kind.DELIVERY_DELAY: 3,
    Kind.REJECT: 2,
    Kind.OTHER: 1,
}
_COMPLAINTS = (
    ProviderReason.ABUSE,
    ProviderReason.NOT_SPAM,
    ProviderReason.SUPPRESSION_LIST,
)
_DISPOSITIONS = {
    Disposition.SOFT: 50,
    Disposition.HARD: 25,
    Disposition.BLOCK: 15,
    Disposition.ECHO: 8,
    Disposition.NONE: 2,
}


def make(seed: int, size: int) -> list[Observation]:
    """Distinct events, the same for the same seed."""
    rng = random.Random(seed)
    addresses = [f"person{n}@example{n % 7}.test" for n in range(max(3, size // 8))]
    sources = [f"source-{n}" for n in range(12)]
    return [
        _observation(rng, f"{seed}/{n}", rng.choice(addresses), rng.choice(sources))
        for n in range(size)
    ]


def _observation(rng: random.Random, name: str, address: str, source: str) -> Observation:
    kind = _weighted(rng, _KINDS)
    # Whole hours, so that equal times occur.
    at = NOW - timedelta(hours=rng.randrange(DAYS * 24))
    event = MailEvent(
        event_id=hashlib.sha256(name.encode()).hexdigest()[:32],
        provider="ses",
        kind=kind,
        provider_kind=kind.value,
        address=address,
        lead_source=source,
        occurred_at=at,
        message_id=f"message-{name}",
        diagnostic=f"smtp; 550 as said in {name}",
        provider_reason=(
            rng.choice(_COMPLAINTS) if kind is Kind.COMPLAINT else ProviderReason.UNSTATED
        ),
        ambiguous=rng.random() < 0.2,
    )
    if kind is not Kind.BOUNCE:
        return state.observe(event, policy=Policy())
    disposition = _weighted(rng, _DISPOSITIONS)
    category = rng.choice([c for c in Category if DISPOSITIONS[c] is disposition])
    scope = Scope.DOMAIN if rng.random() < 0.1 else Scope.ADDRESS
    verdict = Verdict(category=category, scope=scope, rule=f"{category}-1", reply_code=550)
    return state.observe(event, policy=Policy(), verdict=verdict)


def _weighted[T](rng: random.Random, weights: dict[T, int]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]
