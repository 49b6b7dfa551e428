"""Streams of events that conflict: few addresses, many events each, close in time.

A message has one event or several: a host accepts it and bounces it later, answers it by
itself, delays it first, or reports it twice.
"""

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from bounceledger import state
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.policy import Policy
from bounceledger.state import Observation
from bounceledger.verdict import DISPOSITIONS, Category, Disposition, Scope, Verdict

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAYS = 100
"""Days before `NOW` over which messages are spread."""

_KINDS = {
    (Kind.DELIVERY,): 35,
    (Kind.BOUNCE,): 30,
    (Kind.DELIVERY, Kind.BOUNCE): 14,
    (Kind.DELIVERY, Kind.BOUNCE, Kind.BOUNCE): 3,
    (Kind.DELIVERY_DELAY, Kind.DELIVERY, Kind.BOUNCE): 3,
    (Kind.DELIVERY_DELAY, Kind.DELIVERY): 3,
    (Kind.DELIVERY, Kind.COMPLAINT): 3,
    (Kind.COMPLAINT,): 3,
    (Kind.DELIVERY, Kind.UNSUBSCRIBE): 4,
    (Kind.DELIVERY_DELAY,): 3,
    (Kind.REJECT,): 2,
    (Kind.OTHER,): 1,
}
"""Kinds of the events of one message, with weights."""
_COMPLAINTS = (
    ProviderReason.ABUSE,
    ProviderReason.NOT_SPAM,
    ProviderReason.SUPPRESSION_LIST,
)
_DISPOSITIONS = {
    Disposition.SOFT: 50,
    Disposition.HARD: 22,
    Disposition.BLOCK: 15,
    Disposition.ECHO: 7,
    Disposition.NONE: 6,
}


def make(seed: int, size: int) -> list[Observation]:
    """Distinct events, the same for the same seed."""
    rng = random.Random(seed)
    addresses = [f"person{n}@example{n % 7}.test" for n in range(max(3, size // 8))]
    sources = [f"source-{n}" for n in range(12)]
    return list(islice(_events(rng, seed, addresses, sources), size))


def _events(
    rng: random.Random, seed: int, addresses: list[str], sources: list[str]
) -> Iterator[Observation]:
    number = 0
    while True:
        # Whole hours, so that equal times occur.
        mailed_at = NOW - timedelta(hours=rng.randrange(DAYS * 24))
        address, source = rng.choice(addresses), rng.choice(sources)
        message = "" if rng.random() < 0.05 else f"message-{seed}/{number}"
        for kind in _weighted(rng, _KINDS):
            number += 1
            # An event can come under another source, where one execution environment has
            # seen too many of them.
            under = source if rng.random() < 0.9 else "other"
            happened = mailed_at + timedelta(hours=rng.choice((0, 0, 1, 30, 80)))
            yield _observation(
                rng,
                kind,
                MailEvent(
                    event_id=_digest(f"{seed}/{number}"),
                    provider="ses",
                    kind=kind,
                    provider_kind=kind.value,
                    address=address,
                    lead_source=under,
                    occurred_at=min(happened, NOW),
                    mailed_at=mailed_at,
                    reported_at=min(happened + timedelta(minutes=rng.choice((0, 7, 600))), NOW),
                    message_id=message,
                    diagnostic=f"smtp; 550 as said in {seed}/{number}",
                    provider_reason=(
                        rng.choice(_COMPLAINTS)
                        if kind is Kind.COMPLAINT
                        else ProviderReason.UNSTATED
                    ),
                    ambiguous=rng.random() < 0.2,
                ),
            )


def _observation(rng: random.Random, kind: Kind, event: MailEvent) -> Observation:
    if kind is not Kind.BOUNCE:
        return state.observe(event, policy=Policy())
    disposition = _weighted(rng, _DISPOSITIONS)
    category = rng.choice([c for c in Category if DISPOSITIONS[c] is disposition])
    scope = Scope.DOMAIN if rng.random() < 0.1 else Scope.ADDRESS
    verdict = Verdict(category=category, scope=scope, rule=f"{category}-1", reply_code=550)
    return state.observe(event, policy=Policy(), verdict=verdict)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _weighted[T](rng: random.Random, weights: dict[T, int]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]
