"""How facts, events and counters look as items."""

from datetime import date, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.events import Kind
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
from tests.unit.ledger.recording import NOW, hard_bounces, ledger, observe, removal, stored
from tests.unit.state.strategies import changes, merged, policies, streams, unhurried

AT = "2026-11-19T12:00:00.000000Z"
SAID = {
    "first": AT,
    "last": AT,
    "count": 1,
    "event_id": "e1",
    "provider": "ses",
    "message_id": "m1",
    "rule": "r",
    "diagnostic": "550 no",
    "enhanced_status": "5.1.1",
    "disposition": "hard",
    "lead_date": "2026-10-01",
}
"""Evidence as it is stored, without the lead source."""


@pytest.fixture
def hard_bounce() -> FakeDynamoDB:
    """A table in which one hard bounce was recorded."""
    fake = FakeDynamoDB()
    said: dict[str, Any] = {"diagnostic": "550 no", "message_id": "m1", "status": "5.1.1"}
    said["lead_date"] = date(2026, 10, 1)
    ledger(fake).record([observe("e1", Category.MAILBOX_UNKNOWN, ago=1, **said)])
    return fake


def test_a_hard_bounce_leaves_a_marker(hard_bounce: FakeDynamoDB) -> None:
    """The marker makes the event count once, and is the address's history."""
    assert stored(hard_bounce, items.event_key("a@example.test", "e1")) == {
        "pk": "ADDRESS#a@example.test",
        "sk": "EVENT#e1",
        "schema": 1,
        "kind": "bounce",
        "occurred_at": AT,
        "lead_source": "fair",
        "message": observe("e1", message_id="m1").event.message_digest,
        "outcome": "bounced",
        "category": "mailbox_unknown",
        "rule": "r",
        "ttl": int((NOW + timedelta(days=91)).timestamp()),
    }


def test_a_marker_tells_what_was_recorded_and_facts_tell_nothing_of_it(
    hard_bounce: FakeDynamoDB,
) -> None:
    marker = stored(hard_bounce, items.event_key("a@example.test", "e1"))
    facts = stored(hard_bounce, items.facts_key("a@example.test"))

    event = items.recorded_event_of_item(marker)
    assert event is not None
    assert (event.kind, event.lead_source, event.category, event.event_id) == (
        Kind.BOUNCE,
        "fair",
        Category.MAILBOX_UNKNOWN,
        "e1",
    )
    assert items.recorded_event_of_item(facts) is None


def test_a_hard_bounce_leaves_an_entry_of_its_lead_source(hard_bounce: FakeDynamoDB) -> None:
    """The cause stands at the top level, where a listing can filter by it."""
    assert stored(hard_bounce, items.source_key("fair", "a@example.test")) == SAID | {
        "pk": "SOURCE#fair",
        "sk": "ADDRESS#a@example.test",
        "schema": 1,
        "lead_source": "fair",
        "address": "a@example.test",
        "cause": "mailbox_unknown",
        "evidence": {"mailbox_unknown": SAID | {"lead_source": "fair"}},
        "version": 1,
    }


def test_a_hard_bounce_leaves_facts_a_message_a_listing_and_a_counter(
    hard_bounce: FakeDynamoDB,
) -> None:
    """Seven items with the key of hashes; the facts of a hard bounce do not expire."""
    facts = stored(hard_bounce, items.facts_key("a@example.test"))
    assert facts["evidence"] == {"mailbox_unknown": SAID | {"lead_source": "fair"}}
    assert "ttl" not in facts
    assert items.source_list_key("fair") in hard_bounce.table
    assert items.counter_key("fair", 0, items.to_time(AT).date()) in hard_bounce.table
    digest = observe("e1", message_id="m1").event.message_digest
    message = stored(hard_bounce, items.message_key("a@example.test", digest))
    assert (message["outcome"], message["mailed_at"]) == ("bounced", AT)
    assert items.secret_key() in hard_bounce.table
    assert len(hard_bounce.table) == 7


@pytest.mark.parametrize(
    ("category", "days"),
    [
        (Category.MAILBOX_UNKNOWN, None),
        (Category.MAILBOX_FULL, 365 + 400),
        (Category.PROVIDER_SUPPRESSED, 365 + 400),
    ],
)
def test_only_what_ends_by_itself_is_cleaned_up(category: Category, days: int | None) -> None:
    """Hard evidence stays; soft evidence and echoes expire long after they ended."""
    # WHEN a bounce is recorded
    fake = FakeDynamoDB()
    event = observe("e", category)
    ledger(fake).record([event])

    # THEN its facts and its entry expire, or never do
    end = None if days is None else event.event.occurred_at + timedelta(days=days)
    for key in (
        items.facts_key("a@example.test"),
        items.source_key("fair", "a@example.test"),
    ):
        assert stored(fake, key).get("ttl") == (int(end.timestamp()) if end else None)


def test_facts_with_a_removal_are_kept_permanently() -> None:
    """What a person decided must outlive the evidence."""
    # GIVEN a soft bounce, whose facts would expire
    fake = FakeDynamoDB()
    recorder = ledger(fake)
    recorder.record([observe("e", Category.MAILBOX_FULL)])

    # WHEN a person removes the suppression
    recorder.apply_changes([removal("a@example.test", by="me", note="asked")])

    # THEN the facts no longer expire
    assert "ttl" not in stored(fake, items.facts_key("a@example.test"))

    # AND the change is remembered with its note
    [change] = [key for key in fake.table if key[1].startswith("CHANGE#")]
    assert stored(fake, items.Key(*change))["note"] == "asked"


def test_fields_of_a_later_version_are_ignored() -> None:
    """After a roll-back the table can still be read."""
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


@pytest.mark.parametrize("newer", ["2026-10", 20261001, {"day": "2026-10-01"}, None])
def test_a_lead_date_in_the_form_of_a_later_version_is_left_as_it_is(
    hard_bounce: FakeDynamoDB, newer: Any
) -> None:
    # GIVEN a source's entry whose lead date only a later version can read
    item = stored(hard_bounce, items.source_key("fair", "a@example.test"))
    item["evidence"]["mailbox_unknown"]["lead_date"] = newer

    # WHEN it is read and written
    entry = items.source_of_item(item)
    written = items.source_item(entry, Policy(), over=entry)

    # THEN there is no date for this version, and the later one finds its own
    assert entry.leading[1].lead_date is None
    evidence: Any = written["evidence"]
    assert evidence["mailbox_unknown"]["lead_date"] == newer


@given(streams, st.lists(changes(), max_size=3), policies)
@unhurried
def test_facts_survive_the_way_to_the_table_and_back(
    stream: list[Observation], changed: list[AddressFacts], policy: Policy
) -> None:
    """Nothing is lost or changed in DynamoDB's form."""
    # GIVEN facts of any events and changes
    facts = reduce(lambda a, b: join(a, b, policy), changed, merged(stream, policy))

    # WHEN they are written and read
    attributes = to_attributes(items.facts_item(facts, policy) | {"version": 0})

    # THEN they are the same
    assert items.facts_of_item(from_attributes(attributes)) == facts
