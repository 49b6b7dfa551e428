"""Facts made of a few observations, and what is decided from them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from bounceledger import state
from bounceledger.events import Kind, MailEvent
from bounceledger.policy import Policy
from bounceledger.state import (
    AddressFacts,
    Decision,
    DomainFacts,
    DomainVerdict,
    Observation,
    Probe,
    ReasonCode,
    Span,
    join,
    join_domain,
    merge,
)
from bounceledger.verdict import Category, Cause, Scope, Verdict

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


ADDRESS = "a@example.test"


def decide(
    facts: AddressFacts | None,
    domain: DomainFacts | None,
    now: datetime,
    policy: Policy = Policy(),
) -> Decision:
    return state.decide(facts, domain, now, policy)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def bounce(
    category: Category,
    ago: float = 1,
    source: str = "fair",
    scope: Scope = Scope.ADDRESS,
    **fields: Any,
) -> Observation:
    event = MailEvent(
        event_id=f"{category} {ago} {source}",
        provider="ses",
        kind=Kind.BOUNCE,
        provider_kind="Bounce",
        address=ADDRESS,
        lead_source=source,
        occurred_at=NOW - days(ago),
        **fields,
    )
    return state.observe(
        event, policy=Policy(), verdict=Verdict(category=category, scope=scope, rule="rule")
    )


def happened(kind: Kind, ago: float = 1, **fields: Any) -> Observation:
    event = MailEvent(
        event_id=f"{kind} {ago}",
        provider="ses",
        kind=kind,
        provider_kind=kind.value,
        address=ADDRESS,
        lead_source="fair",
        occurred_at=NOW - days(ago),
        **fields,
    )
    return state.observe(event, policy=Policy())


def facts(*observations: Observation, policy: Policy = Policy(), **changes: Any) -> AddressFacts:
    known = reduce(
        lambda found, item: merge(found, item, policy), observations, AddressFacts(address=ADDRESS)
    )
    change = AddressFacts(address=ADDRESS, **changes)
    return join(known, change, policy)


def probed(
    verdict: DomainVerdict,
    ago: float = 0.5,
    claims: Mapping[Cause, Span] | None = None,
    *,
    first_ago: float = 5,
) -> DomainFacts:
    """A domain that was found so `first_ago` and `ago` days before now."""
    probes = [
        Probe(verdict=verdict, probed_at=NOW - days(max(number, ago)))
        for number in (first_ago, ago)
    ]
    parts = [DomainFacts(domain="example.test", probe=probe) for probe in probes]
    return reduce(join_domain, parts, DomainFacts(domain="example.test", claims=claims or {}))


def why(decision: Decision) -> list[ReasonCode]:
    return [reason.code for reason in decision.reasons]
