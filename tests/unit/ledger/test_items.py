"""How facts, events and counters look as items."""

from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.ledger import items
from bounceledger.ledger.attributes import from_attributes, to_attributes
from bounceledger.policy import Policy
from bounceledger.state import (
    AddressFacts,
    ManualEntry,
    Observation,
    join,
    merge,
)
from bounceledger.verdict import Category
from tests.faults.fake import FakeDynamoDB
from tests.unit.ledger.recording import NOW, hard_bounces, ledger, observe, stored
from tests.unit.state.strategies import changes, merged, policies, streams, unhurried


def test_the_items_of_a_hard_bounce() -> None:
    fake = FakeDynamoDB()
    ledger(fake).record(
        [
            observe(
                "e1",
                Category.MAILBOX_UNKNOWN,
                ago=1,
                diagnostic="550 no",
                message_id="m1",
                status="5.1.1",
            )
        ]
    )
    at = "2026-11-19T12:00:00.000000Z"
    event = stored(fake, items.event_key("a@example.test", "e1"))
    assert event == {
        "pk": "ADDRESS#a@example.test",
        "sk": "EVENT#e1",
        "kind": "bounce",
        "occurred_at": at,
        "lead_source": "fair",
        "message": event["message"],
        "outcome": "bounced",
        "category": "mailbox_unknown",
        "rule": "r",
        "ttl": int((NOW + timedelta(days=90)).timestamp()),
    }
    entry = stored(fake, items.source_key("fair", "a@example.test"))
    said = {
        "first": at,
        "last": at,
        "count": 1,
        "event_id": "e1",
        "provider": "ses",
        "message_id": "m1",
        "rule": "r",
        "diagnostic": "550 no",
        "enhanced_status": "5.1.1",
    }
    assert entry == said | {
        "pk": "SOURCE#fair",
        "sk": "ADDRESS#a@example.test",
        "lead_source": "fair",
        "address": "a@example.test",
        "cause": "mailbox_unknown",
        "evidence": {"mailbox_unknown": said | {"lead_source": "fair"}},
        "version": 1,
    }
    facts = stored(fake, items.facts_key("a@example.test"))
    assert "ttl" not in facts
    assert items.Key("SOURCES", "fair") in fake.table
    assert sum(key[0].startswith("COUNT#fair#") for key in fake.table) == 1


@pytest.mark.parametrize(
    ("category", "days"),
    [
        (Category.MAILBOX_UNKNOWN, None),
        (Category.MAILBOX_FULL, 365 + 400),
        (Category.PROVIDER_SUPPRESSED, 365 + 400),
    ],
)
def test_only_what_ends_by_itself_is_cleaned_up(category: Category, days: int | None) -> None:
    fake = FakeDynamoDB()
    event = observe("e", category)
    ledger(fake).record([event])
    end = None if days is None else event.event.occurred_at + timedelta(days=days)
    for key in (
        items.facts_key("a@example.test"),
        items.source_key("fair", "a@example.test"),
    ):
        assert stored(fake, key).get("ttl") == (int(end.timestamp()) if end else None)


def test_a_lift_keeps_facts_for_good() -> None:
    fake = FakeDynamoDB()
    booked = ledger(fake)
    booked.record([observe("e", Category.MAILBOX_FULL)])
    booked.apply_change(
        AddressFacts(address="a@example.test", removed_at=NOW), by="me", note="asked"
    )
    assert "ttl" not in stored(fake, items.facts_key("a@example.test"))
    [change] = [key for key in fake.table if key[1].startswith("CHANGE#")]
    assert stored(fake, items.Key(*change))["note"] == "asked"


def test_what_a_later_version_wrote_beside_is_passed_over() -> None:
    # GIVEN facts with evidence and a manual entry
    [observation] = hard_bounces("a@example.test", 1)
    facts = merge(AddressFacts(address="a@example.test"), observation, Policy())
    facts = AddressFacts(
        address=facts.address, evidence=facts.evidence, manual=ManualEntry(at=NOW), version=1
    )
    item = items.facts_item(facts, Policy()) | {"version": 1}

    # WHEN a later version has written fields that this one does not know
    evidence = item["evidence"]
    assert isinstance(evidence, dict)
    for said in (*evidence.values(), item["manual"]):
        assert isinstance(said, dict)
        said["of_a_later_version"] = "x"
    item["of_a_later_version"] = "x"

    # THEN the facts are read as they were
    assert items.facts_of_item(item) == facts


@given(streams, st.lists(changes(), max_size=3), policies)
@unhurried
def test_facts_survive_the_way_to_the_table_and_back(
    stream: list[Observation], changed: list[AddressFacts], policy: Policy
) -> None:
    facts = reduce(lambda a, b: join(a, b, policy), changed, merged(stream, policy))
    attributes = to_attributes(items.facts_item(facts, policy) | {"version": 0})
    assert items.facts_of_item(from_attributes(attributes)) == facts
