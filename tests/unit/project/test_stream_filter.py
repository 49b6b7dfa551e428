"""The filter in front of outbox lets exactly the claims about domains through.

With an event bus it lets all facts through instead.

It repeats in the template what `ledger.items` and `verdict.DOMAIN_CLAIMS` say in code: key
shapes, attribute paths and causes. Each test compares it with items that the code writes.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from bounceledger.ledger import items
from bounceledger.ledger.attributes import to_attributes
from bounceledger.ledger.stream import claims_change, facts_change
from bounceledger.policy import Policy
from bounceledger.state import (
    Action,
    AddressFacts,
    Change,
    Decision,
    DomainFacts,
    Evidence,
    ManualEntry,
    SourceEntry,
    Span,
)
from bounceledger.verdict import DOMAIN_CLAIMS, Cause
from tests.stream_records import NOW, domain_record, record
from tests.unit.project.cloudformation import RESOURCES

MAPPING = RESOURCES["OutboxFunction"]["Properties"]["Events"]["Changes"]["Properties"]
CONDITION, WITH_BUS, WITHOUT_BUS = MAPPING["FilterCriteria"]["Filters"]["If"]
PATTERNS = [json.loads(item["Pattern"]) for item in WITHOUT_BUS]
PATTERNS_WITH_BUS = [json.loads(item["Pattern"]) for item in WITH_BUS]


def admits(record: dict[str, Any], patterns: Sequence[Any] = PATTERNS) -> bool:
    """Whether a record reaches the function: one of the patterns has to match."""
    return any(matches(pattern, record) for pattern in patterns)


def matches(pattern: Any, value: Any) -> bool:
    """As much of Lambda's event filtering as the patterns use.

    Lambda developer guide, "Filter rule syntax": objects have to match in every key that
    the pattern names, a list of rules in one of them, and `exists` sees leaves only.
    """
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            matches(part, value.get(name)) for name, part in pattern.items()
        )
    return any(_matches_rule(rule, value) for rule in pattern)


def _matches_rule(rule: Any, value: Any) -> bool:
    match rule:
        case str():
            return bool(value == rule)
        case {"prefix": str(prefix), **others} if not others:
            return isinstance(value, str) and value.startswith(prefix)
        case {"exists": True, **others} if not others:
            return value is not None and not isinstance(value, dict)
    raise AssertionError(f"the test does not know the rule {rule}")


def known_for(*causes: Cause, last: datetime = NOW) -> AddressFacts:
    """Facts of an address against which some causes are known."""
    evidence = Evidence(first=NOW, last=last, count=1, event_id="e", lead_source="fair")
    return AddressFacts(address="ann@a.test", evidence=dict.fromkeys(causes, evidence))


@pytest.mark.parametrize("cause", Cause)
def test_facts_pass_if_a_claim_about_the_domain_is_among_them(cause: Cause) -> None:
    """A cause that the filter does not know would never be probed."""
    # GIVEN facts with one cause, written for the first time and over older facts
    facts = known_for(cause)
    older = known_for(Cause.MAILBOX_FULL)

    # THEN the filter admits them if the cause is a claim
    is_claim = cause in DOMAIN_CLAIMS
    assert admits(record(facts)) is is_claim
    assert admits(record(facts, older)) is is_claim


@pytest.mark.parametrize("cause", Cause)
def test_a_claim_passes_beside_any_other_cause(cause: Cause) -> None:
    """What else is known of the address must not hide the claim."""
    for claim in DOMAIN_CLAIMS:
        assert admits(record(known_for(claim, cause), known_for(cause)))


@pytest.mark.parametrize("cause", Cause)
def test_the_filter_and_the_function_agree_on_what_is_a_claim(cause: Cause) -> None:
    """What is admitted is worth an invocation, and what is not would be ignored by it."""
    # GIVEN a change that adds a cause, and one that says it again later
    added = record(known_for(cause), known_for(Cause.MAILBOX_FULL))
    repeated = record(known_for(cause, last=NOW + timedelta(days=1)), known_for(cause))

    # THEN the function reads a claim where the filter admits the record
    for change in (added, repeated):
        read = claims_change(change)
        assert read is not None
        assert admits(change) is bool(read.after)


def test_removed_facts_do_not_pass() -> None:
    """Facts are removed by their time to live, which says nothing new."""
    for claim in DOMAIN_CLAIMS:
        assert not admits(record(None, known_for(claim)))


def test_facts_without_evidence_do_not_pass() -> None:
    """A person's change and a delivery say nothing about the domain."""
    for facts in (
        AddressFacts(address="ann@a.test", removed_at=NOW),
        AddressFacts(address="ann@a.test", erased=True),
        AddressFacts(address="ann@a.test", manual=ManualEntry(at=NOW)),
        AddressFacts(address="ann@a.test", voided_at=dict.fromkeys(DOMAIN_CLAIMS, NOW)),
    ):
        assert not admits(record(facts))


ERASED = items.erased_partition("2026", "ab" * 32)

OTHER_ITEMS = {
    "source entry": items.source_item(
        SourceEntry(
            lead_source="fair", address="ann@a.test", evidence=known_for(*DOMAIN_CLAIMS).evidence
        ),
        Policy(),
    ),
    "change by a person": items.change_item(
        Change(action=Action.REMOVE, subject="ann@a.test", by="me", note="asked"),
        NOW,
        "1",
        before=Decision(explanation="It bounced."),
        after=Decision(explanation="It was removed."),
    ),
    "domain": items.domain_item(
        DomainFacts(domain="a.test", claims=dict.fromkeys(DOMAIN_CLAIMS, Span.at(NOW)))
    ),
    "recheck": items.keyed(items.recheck_key(NOW.date(), "a.test"), {}),
    "counter": items.keyed(items.counter_key("fair", 0, NOW.date()), {"domain_unknown": 1}),
    "claim": items.keyed(
        items.claim_key("fair", NOW, NOW, "a.test", DOMAIN_CLAIMS[0]), {"events": 1}
    ),
    "audit report": items.report_row_item("g", 1, {"lead_source": "fair"}, NOW),
    "lead source": items.keyed(items.source_list_key("fair"), {}),
    "tombstone": items.tombstone_item(
        items.Tombstone(partition=ERASED, at=NOW, by="me", note="asked")
    ),
    "marker of an erased person": items.keyed(items.event_key(ERASED, "1"), {"ttl": 1}),
    "emptied item": items.emptied_item(items.event_key("ann@a.test", "1"), NOW),
}


@pytest.mark.parametrize("item", OTHER_ITEMS.values(), ids=OTHER_ITEMS)
def test_other_items_do_not_pass(item: dict[str, Any]) -> None:
    """Even those that hold the same evidence: the facts' record asks for the probe already."""
    # GIVEN the record of an item that is not the facts of an address
    image = to_attributes(item)
    change = {"Keys": {"pk": image["pk"], "sk": image["sk"]}, "NewImage": image}

    # THEN the filter does not admit it
    record = {"eventName": "INSERT", "dynamodb": change}
    assert not admits(record)

    # AND with a bus, that of a domain only
    assert admits(record, PATTERNS_WITH_BUS) is (item["pk"] == "DOMAIN#a.test")


def test_a_pattern_for_each_claim_and_no_other() -> None:
    """A claim that is added or renamed in code has to be added or renamed here."""
    evidence = [pattern["dynamodb"]["NewImage"]["evidence"]["M"] for pattern in PATTERNS]
    assert sorted(name for causes in evidence for name in causes) == sorted(DOMAIN_CLAIMS)


def test_with_a_bus_all_facts_pass() -> None:
    """Any change of them may begin or end a suppression, and soft bounces add up."""
    assert CONDITION == "WithEvents"
    for facts in (
        *(known_for(cause) for cause in Cause),
        AddressFacts(address="ann@a.test", removed_at=NOW),
        AddressFacts(address="ann@a.test", manual=ManualEntry(at=NOW)),
    ):
        for change in (record(facts), record(facts, known_for(Cause.MAILBOX_FULL))):
            assert admits(change, PATTERNS_WITH_BUS)
            assert facts_change(change) is not None
    for change in (
        domain_record(DomainFacts(domain="a.test")),
        domain_record(DomainFacts(domain="a.test"), DomainFacts(domain="a.test")),
    ):
        assert admits(change, PATTERNS_WITH_BUS)
        assert facts_change(change) is not None


def test_with_a_bus_removed_facts_do_not_pass_either() -> None:
    """An erasure and the time to live end nothing that could be announced."""
    assert not admits(record(None, known_for(Cause.MAILBOX_UNKNOWN)), PATTERNS_WITH_BUS)
