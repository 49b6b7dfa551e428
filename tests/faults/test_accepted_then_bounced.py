"""A host accepts a message and bounces it: deliveries and bounces that meet, in every order."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pytest

from bounceledger import state
from bounceledger.events import Kind
from bounceledger.ledger import Ledger
from bounceledger.ledger.plan import MAX_CLUSTER
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import Observation
from bounceledger.verdict import Category
from tests.faults import stream
from tests.faults.fake import FakeDynamoDB, Killed, as_client
from tests.faults.test_races import (
    ADDRESS,
    TURNS,
    Dying,
    assert_equals_model,
    event,
    ledger,
    run_side_by_side,
)


def of(message: str, observation: Observation) -> Observation:
    """The same event, about a message."""
    return replace(observation, event=replace(observation.event, message_id=message))


DELIVERY = of("accepted", event("delivery", Kind.DELIVERY, None, hours=10))
SOFT = of("accepted", event("soft", Kind.BOUNCE, Category.MAILBOX_FULL, hours=9))
HARD = of("accepted", event("hard", Kind.BOUNCE, Category.MAILBOX_UNKNOWN, hours=9))
BLOCK = of("accepted", event("block", Kind.BOUNCE, Category.POLICY, hours=9))
AUTOREPLY = of("accepted", event("autoreply", Kind.BOUNCE, Category.AUTOREPLY, hours=9))
EARLIER_SOFT = of("earlier", event("earlier", Kind.BOUNCE, Category.MAILBOX_FULL, hours=40))
EARLIER_HARD = of("earliest", event("earliest", Kind.BOUNCE, Category.MAILBOX_MOVED, hours=60))
ANSWERS = (SOFT, HARD, BLOCK, AUTOREPLY)

HISTORIES: dict[str, Sequence[Observation]] = {
    "nothing known": (),
    "hard facts": (EARLIER_HARD,),
    "soft facts": (EARLIER_SOFT,),
}


def names(items: Sequence[Observation]) -> list[str]:
    return [item.event.event_id for item in items]


@pytest.mark.slow
@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("answer", ANSWERS, ids=names(ANSWERS))
def test_a_delivery_and_its_bounce_see_each_other_in_every_order(
    history: Sequence[Observation], answer: Observation
) -> None:
    for first in combinations(range(2 * TURNS), TURNS):
        # GIVEN what is known already
        fake = FakeDynamoDB()
        ledger(fake).record(history)
        # WHEN a delivery and a bounce of the same message are recorded at the same time
        order = ["delivery" if n in first else "bounce" for n in range(2 * TURNS)]
        run_side_by_side(fake, {"delivery": DELIVERY, "bounce": answer}, order)
        # THEN the table is the same as in any other order
        assert_equals_model(fake, [*history, DELIVERY, answer])


@pytest.mark.parametrize("seed", range(150))
def test_a_first_soft_bounce_meets_a_delivery_and_its_block(seed: int) -> None:
    # GIVEN three workers: a delivery, a block of the same message, and the address's first
    # soft bounce, by another message
    work = {"delivery": DELIVERY, "block": BLOCK, "soft": EARLIER_SOFT}
    order = [name for name in work for _ in range(TURNS)]
    random.Random(seed).shuffle(order)
    fake = FakeDynamoDB()
    # WHEN their calls come in some order
    run_side_by_side(fake, work, order)
    # THEN the delivery counts for nothing
    assert_equals_model(fake, list(work.values()))


@pytest.mark.parametrize("last", [DELIVERY, SOFT, BLOCK], ids=names([DELIVERY, SOFT, BLOCK]))
@pytest.mark.parametrize("batch", ["alone", "with its delivery"])
def test_a_worker_that_dies_at_any_call_leaves_nothing_undone(
    last: Observation, batch: str
) -> None:
    together = [last] if batch == "alone" else [DELIVERY, last]
    events = [DELIVERY, SOFT, BLOCK, EARLIER_SOFT]
    for applied in (False, True):
        for deadly in range(1, 12):
            # GIVEN a worker that dies at one of its calls, before or after it takes effect
            fake = FakeDynamoDB()
            ledger(fake).record([item for item in events if item is not last])
            try:
                ledger(Dying(fake, deadly, applied=applied)).record(together)
            except Killed:
                # WHEN the queue delivers the events again
                ledger(fake).record(together)
            # THEN each counts exactly once, and nothing is missing
            assert_equals_model(fake, events)


@pytest.mark.parametrize("others", [(DELIVERY,), (DELIVERY, BLOCK)], ids=["stands", "bounced"])
def test_a_worker_that_dies_before_it_searched_is_made_up_for(
    others: Sequence[Observation],
) -> None:
    for applied in (False, True):
        for deadly in range(1, 8):
            # GIVEN messages that are known, and an address's first soft bounce, whose worker
            # dies at one of its calls
            fake = FakeDynamoDB()
            ledger(fake).record(others)
            try:
                ledger(Dying(fake, deadly, applied=applied)).record([EARLIER_SOFT])
            except Killed:
                # WHEN the queue delivers only the soft bounce again
                ledger(fake).record([EARLIER_SOFT])
            # THEN the facts know of all messages
            assert_equals_model(fake, [*others, EARLIER_SOFT])


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("copies", [1, 2])
def test_two_bounces_take_a_delivery_back_once(copies: int, *, batched: bool) -> None:
    # GIVEN a delivery, and two bounces of the same message
    events = [DELIVERY, SOFT, BLOCK]
    fake = FakeDynamoDB()
    # WHEN they are recorded one by one or in one batch, once or twice
    for _ in range(copies):
        for some in [events] if batched else [[item] for item in events]:
            ledger(fake).record(some)
    # THEN the source and the day of the delivery have none, not minus one
    assert_equals_model(fake, events)


def test_a_delivery_is_taken_back_where_it_was_counted() -> None:
    # GIVEN a delivery that was counted for another source, on another day of mailing
    day = stream.NOW.replace(day=1)
    counted = replace(DELIVERY, event=replace(DELIVERY.event, lead_source="other", mailed_at=day))
    fake = FakeDynamoDB()
    ledger(fake).record([counted])
    # WHEN its message bounces
    ledger(fake).record([BLOCK])
    # THEN that source and day have no delivery any more
    counts = ledger(fake).counts("other", day.date(), stream.NOW.date())
    assert counts.days.get(day.date(), {}) == {}


def test_deliveries_counted_in_many_places_are_taken_back_in_more_than_one_transaction() -> None:
    # GIVEN deliveries of one address that were counted for other sources than those of their
    # bounces, more than one transaction can hold
    def numbered(item: Observation, number: int, source: str) -> Observation:
        changed = replace(
            item.event,
            event_id=f"{item.event.kind} {number}",
            message_id=f"message {number}",
            lead_source=f"{source}-{number}",
        )
        return replace(item, event=changed)

    deliveries = [numbered(DELIVERY, n, "one") for n in range(MAX_CLUSTER)]
    bounces = [numbered(HARD, n, "another") for n in range(MAX_CLUSTER)]
    fake = FakeDynamoDB()
    ledger(fake).record(deliveries)
    # WHEN the bounces come in one batch
    results = ledger(fake).record(bounces)
    # THEN all of them are recorded, and every delivery is taken back
    assert all(result.ok for result in results)
    assert_equals_model(fake, [*deliveries, *bounces])


def test_deliveries_of_different_messages_are_not_taken_back() -> None:
    # GIVEN a delivery of one message and a bounce of another to the same address
    other = replace(SOFT, event=replace(SOFT.event, message_id="another"))
    fake = FakeDynamoDB()
    # WHEN both are recorded THEN both stand
    ledger(fake).record([DELIVERY, other])
    assert_equals_model(fake, [DELIVERY, other])


def test_a_report_about_nobody_who_was_mailed_leaves_deliveries_standing() -> None:
    # GIVEN a delivery, and a bounce of its message that matches none of its recipients
    unmatched = replace(HARD.event, address="", unmatched=True)
    fake = FakeDynamoDB()
    # WHEN both are recorded
    ledger(fake).record([DELIVERY, state.observe(unmatched, HARD.verdict, policy=Policy())])
    # THEN each counts as what it is
    [counted] = ledger(fake).counts("fair", stream.NOW.date(), stream.NOW.date()).days.values()
    assert counted == {"delivered": 1, "unmatched": 1}


@pytest.mark.parametrize("answer", [SOFT, HARD, BLOCK], ids=names([SOFT, HARD, BLOCK]))
@pytest.mark.parametrize("place", range(3))
def test_where_deliveries_are_not_counted_the_facts_alone_tell(
    place: int, answer: Observation
) -> None:
    # GIVEN a deployment that does not count deliveries
    fake = FakeDynamoDB()
    settings = Settings(table_name="fake", writers=1, count_deliveries=False)
    own = Ledger(as_client(fake), settings, clock=lambda: stream.NOW, sleep=lambda _: None)
    # WHEN an address's first soft bounce comes before a delivery, and the bounce of the
    # delivered message comes anywhere
    events = [EARLIER_SOFT, DELIVERY]
    events.insert(place, answer)
    for item in events:
        own.record([item])
    # THEN the delivery resets nothing, and the message has no item
    [found] = own.check([ADDRESS])
    assert found.facts is not None
    assert found.facts.delivered_at is None
    assert not [key for key in fake.table if key[1].startswith("MESSAGE#")]
