"""Items that another version wrote, and groups that belong to one writer."""

from datetime import UTC, datetime, timedelta

from bounceledger import state
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger import items
from bounceledger.ledger.ledger import _runs
from bounceledger.ledger.plan import slices
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import AddressFacts, ManualEntry, Observation, merge
from bounceledger.verdict import Category, Scope, Verdict

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def bounce(address: str, number: int) -> Observation:
    event = MailEvent(
        event_id=f"{number:032x}",
        provider="ses",
        kind=Kind.BOUNCE,
        provider_kind="Bounce",
        address=address,
        lead_source="fair",
        occurred_at=NOW - timedelta(minutes=number),
    )
    verdict = Verdict(category=Category.MAILBOX_UNKNOWN, scope=Scope.ADDRESS, rule="r")
    return state.observe(event, policy=Policy(), verdict=verdict)


def test_what_a_later_version_wrote_beside_is_passed_over() -> None:
    # GIVEN facts with evidence and a manual entry
    facts = merge(AddressFacts(address="a@example.test"), bounce("a@example.test", 1), Policy())
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


def test_groups_that_share_an_address_run_in_one_lane() -> None:
    # GIVEN many events of one address, and a few of others
    many = [bounce("flood@example.test", number) for number in range(200)]
    others = [bounce(f"a{number}@example.test", number) for number in range(60)]
    groups = slices([*many, *others], Settings())
    assert len(groups) > 3

    # WHEN they are dealt to writers
    runs = _runs(groups)

    # THEN no address is in two runs, and nothing is lost
    homes: dict[str, set[int]] = {}
    for number, run in enumerate(runs):
        for group in run:
            for item in group:
                homes.setdefault(item.event.address, set()).add(number)
    assert all(len(home) == 1 for home in homes.values())
    assert sum(len(group) for run in runs for group in run) == 260
    assert len(runs) > 1


def test_a_transaction_holds_no_more_than_dynamodb_takes() -> None:
    # GIVEN events of one address
    events = [bounce("flood@example.test", number) for number in range(500)]

    # THEN no slice holds more events than leave room for facts, source and counters
    assert max(len(group) for group in slices(events, Settings())) < 100
