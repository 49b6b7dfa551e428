"""Records of the table's stream, as DynamoDB makes them of the ledger's items."""

from datetime import UTC, datetime
from typing import Any

from bounceledger import state
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger.attributes import Item, to_attributes
from bounceledger.ledger.items import domain_item, facts_item
from bounceledger.policy import Policy
from bounceledger.state import AddressFacts, DomainFacts, merge
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
    new: AddressFacts | None,
    old: AddressFacts | None = None,
    *,
    number: str = "1",
    at: datetime = NOW,
    **extra: Any,
) -> dict[str, Any]:
    facts = new or old
    assert facts is not None
    images = [facts_item(one, Policy()) if one else None for one in (new, old)]
    return stream_record(f"ADDRESS#{facts.address}", *images, number=number, at=at) | extra


def domain_record(
    new: DomainFacts, old: DomainFacts | None = None, *, number: str = "1", at: datetime = NOW
) -> dict[str, Any]:
    images = domain_item(new), domain_item(old) if old else None
    return stream_record(f"DOMAIN#{new.domain}", *images, number=number, at=at)


def stream_record(
    pk: str, new: Item | None, old: Item | None, *, number: str, at: datetime
) -> dict[str, Any]:
    change: dict[str, Any] = {
        "Keys": to_attributes({"pk": pk, "sk": "FACTS"}),
        "SequenceNumber": number,
        "ApproximateCreationDateTime": int(at.timestamp()),
    }
    if new:
        change["NewImage"] = to_attributes(new)
    if old:
        change["OldImage"] = to_attributes(old)
    name = "REMOVE" if new is None else "MODIFY" if old else "INSERT"
    return {"eventID": f"{pk} {number}", "eventName": name, "dynamodb": change}
