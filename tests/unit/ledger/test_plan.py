"""Batches cut into transactions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bounceledger.ledger.plan import plan, slices
from bounceledger.ledger.table import MAX_ACTIONS
from bounceledger.settings import Settings
from bounceledger.verdict import Category
from tests.faults import stream
from tests.unit.ledger.recording import NOW, SETTINGS, hard_bounces, observe


@given(st.integers(0, 10_000), st.integers(1, 400))
@settings(deadline=None)
def test_every_slice_fits_into_one_transaction(seed: int, size: int) -> None:
    """DynamoDB takes at most 100 actions, each on another item."""
    # GIVEN a stream
    observations = stream.make(seed, size)

    # WHEN it is sliced
    groups = slices(observations, SETTINGS)

    # THEN nothing is lost, and each group makes one action per item, a hundred at most
    assert sorted(o.event.event_id for group in groups for o in group) == sorted(
        o.event.event_id for o in observations
    )
    for group in groups:
        actions = plan(group, {}, shard=0, settings=SETTINGS, now=NOW).actions
        keys = [action.key for action in actions]
        assert len(set(keys)) == len(keys) <= MAX_ACTIONS


def test_an_address_stays_together_and_sources_side_by_side() -> None:
    """Facts are written once per batch, and counters of a source add up."""
    # GIVEN events of 40 addresses and four lead sources, mixed
    observations = [
        observe(f"{n}", Category.MAILBOX_FULL, address=f"{n % 40}@x.test", source=f"s{n % 4}")
        for n in range(160)
    ]

    # WHEN they are cut into transactions
    groups = slices(observations, SETTINGS)

    # THEN no address is in two of them
    addresses = [{o.event.address for o in group} for group in groups]
    assert sum(map(len, addresses)) == 40

    # AND events of one source follow each other
    sources = [o.event.lead_source for group in groups for o in group]
    assert sources == sorted(sources)


def test_a_transaction_holds_no_more_than_dynamodb_takes() -> None:
    """A flood of events of one address is cut, too."""
    # GIVEN events of one address
    events = hard_bounces("flood@example.test", 500)

    # THEN no slice holds more events than leave room for facts, source and counters
    assert max(len(group) for group in slices(events, Settings())) < 100
