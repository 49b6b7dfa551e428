"""Records of the table's stream, as DynamoDB makes them of the ledger's items."""

from datetime import UTC, datetime
from typing import Any

from bounceledger import state
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger.attributes import to_attributes
from bounceledger.ledger.items import facts_item
from bounceledger.policy import Policy
from bounceledger.state import AddressFacts, merge
from bounceledger.verdict import Category, Scope, Verdict

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def bounced(
    category: Category,
    *,
    at: datetime = NOW,
    address: str = "ann@a.test",
    facts: AddressFacts | None = None,
    scope: Scope = Scope.ADDRESS,
) -> AddressFacts:
    event = MailEvent(
        event_id=f"{category}{at}",
        provider="ses",
        kind=Kind.BOUNCE,
        provider_kind="Bounce",
        address=address,
        lead_source="webinar",
        occurred_at=at,
    )
    verdict = Verdict(category=category, scope=scope, rule="rule")
    observation = state.observe(event, policy=Policy(), verdict=verdict)
    return merge(facts or AddressFacts(address=address), observation, Policy())


def record(
    new: AddressFacts | None, old: AddressFacts | None = None, *, number: str = "1", **extra: Any
) -> dict[str, Any]:
    facts = new or old
    assert facts is not None
    change: dict[str, Any] = {
        "Keys": to_attributes({"pk": f"ADDRESS#{facts.address}", "sk": "FACTS"}),
        "SequenceNumber": number,
    }
    if new:
        change["NewImage"] = to_attributes(facts_item(new, Policy()))
    if old:
        change["OldImage"] = to_attributes(facts_item(old, Policy()))
    name = "REMOVE" if new is None else "MODIFY" if old else "INSERT"
    return {"eventName": name, "dynamodb": change, **extra}
