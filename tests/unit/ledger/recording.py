"""Observations, and a ledger on the fake table."""

from datetime import timedelta
from typing import Any

from bounceledger import state
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger import Ledger, items
from bounceledger.ledger.attributes import from_attributes
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import Action, Change, Observation
from bounceledger.verdict import Category, Scope, Verdict
from tests.faults import stream
from tests.faults.fake import FakeDynamoDB, as_client

NOW = stream.NOW


SETTINGS = Settings(table_name="fake", writers=1)


TODAY = NOW.date()


def observe(
    name: str,
    category: Category | None = None,
    *,
    kind: Kind = Kind.BOUNCE,
    address: str = "a@example.test",
    source: str = "fair",
    ago: float = 0.1,
    scope: Scope = Scope.ADDRESS,
    **fields: Any,
) -> Observation:
    event = MailEvent(
        event_id=name,
        provider="ses",
        kind=kind,
        provider_kind=kind.value,
        address=address,
        lead_source=source,
        occurred_at=NOW - timedelta(days=ago),
        **fields,
    )
    verdict = Verdict(category=category, scope=scope, rule="r") if category else None
    return state.observe(event, policy=Policy(), verdict=verdict)


def delivery(name: str, **fields: Any) -> Observation:
    return observe(name, kind=Kind.DELIVERY, **fields)


def removal(address: str, *, by: str = "ada", note: str = "asked") -> Change:
    return Change(action=Action.REMOVE, subject=address, by=by, note=note)


def ledger(fake: FakeDynamoDB, settings: Settings = SETTINGS, **more: Any) -> Ledger:
    return Ledger(as_client(fake), settings, clock=lambda: NOW, sleep=lambda _: None, **more)


def stored(fake: FakeDynamoDB, key: items.Key) -> dict[str, Any]:
    return from_attributes(fake.table[key])


def hard_bounces(address: str, count: int) -> list[Observation]:
    """Distinct hard bounces of one address."""
    return [
        observe(f"{address} {n}", Category.MAILBOX_UNKNOWN, address=address, ago=n / 1440)
        for n in range(count)
    ]
