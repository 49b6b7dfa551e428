"""The first soft bounce of an address with more messages than one invocation can look through."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bounceledger.events import Kind
from bounceledger.ledger import Ledger, items
from bounceledger.ledger.attributes import from_attributes
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import Observation
from bounceledger.verdict import Category
from tests.faults import stream
from tests.faults.fake import FakeDynamoDB, Killed, as_client
from tests.faults.test_races import ADDRESS, Dying, assert_equals_model, event, ledger

MESSAGES = 300
PAGES = MESSAGES // 4
PER_JOIN = 10
SOFT = event("soft", Kind.BOUNCE, Category.MAILBOX_FULL, hours=700)


def history(count: int = MESSAGES) -> list[Observation]:
    """Messages to one address, an hour apart; every third bounced."""
    delivery = event("delivery", Kind.DELIVERY, None, hours=0)
    block = event("block", Kind.BOUNCE, Category.POLICY, hours=0)
    made = []
    for n in range(count):
        kind = block if n % 3 == 0 else delivery
        changed = replace(
            kind.event,
            event_id=f"{n}",
            message_id=f"message {n}",
            occurred_at=stream.NOW - timedelta(hours=n),
        )
        made.append(replace(kind, event=changed))
    return made


class Slow:
    """A client on which every Query takes a second."""

    def __init__(self, fake: FakeDynamoDB) -> None:
        self.fake = fake
        self.seconds = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.fake, name)

    def query(self, **request: Any) -> dict[str, Any]:
        self.seconds += 1
        return self.fake.query(**request)

    def now(self) -> datetime:
        return stream.NOW + timedelta(seconds=self.seconds)


def recorded(fake: FakeDynamoDB, events: Sequence[Observation]) -> FakeDynamoDB:
    for start in range(0, len(events), 50):
        assert all(result.ok for result in ledger(fake).record(events[start : start + 50]))
    return fake


@pytest.mark.parametrize("seconds", [PER_JOIN + 1, 15, 30, 200])
def test_a_search_that_is_cut_off_goes_on_where_it_stopped(seconds: int) -> None:
    """Otherwise the message would come back until it is given up, and hold up its batches."""
    # GIVEN an address with more messages than there is time for
    events = history()
    slow = Slow(recorded(FakeDynamoDB(), events))

    # WHEN its first soft bounce is delivered again until it is recorded
    tries = 1
    while True:
        own = Ledger(
            as_client(slow),
            Settings(table_name="fake", writers=1),
            clock=slow.now,
            sleep=lambda _: None,
        )
        deadline = slow.now() + timedelta(seconds=seconds)
        [result] = own.record([SOFT], deadline=deadline)
        if result.ok:
            break
        assert result.retry_helps
        tries += 1
        assert tries <= PAGES

    # THEN no page was read twice but those after the last place that was stored
    assert slow.seconds <= PAGES + 1 + (tries - 1) * PER_JOIN
    assert tries <= 1 + PAGES // ((seconds - 1) // PER_JOIN * PER_JOIN)

    # AND the facts are what they are if there is time
    assert_equals_model(slow.fake, [*events, SOFT])


def test_a_search_that_is_done_is_not_made_again() -> None:
    # GIVEN the first soft bounce of an address with many messages
    fake = recorded(FakeDynamoDB(), [*history(), SOFT])
    # WHEN it is delivered again
    before = fake.calls["Query"]
    ledger(fake).record([SOFT])
    # THEN nothing is searched
    assert fake.calls["Query"] == before


def test_an_address_with_few_messages_keeps_no_place() -> None:
    fake = recorded(FakeDynamoDB(), [*history(20), SOFT])
    assert "searched_to" not in from_attributes(fake.table[items.facts_key(ADDRESS)])


@pytest.mark.parametrize("applied", [False, True])
def test_a_worker_that_dies_during_a_long_search_leaves_nothing_undone(*, applied: bool) -> None:
    events = history(120)
    for deadly in range(1, 44):
        # GIVEN a worker that dies at one of its calls
        fake = recorded(FakeDynamoDB(), events)
        try:
            ledger(Dying(fake, deadly, applied=applied)).record([SOFT])
        except Killed:
            # WHEN the queue delivers the soft bounce again
            ledger(fake).record([SOFT])
        # THEN the facts know of all messages
        assert_equals_model(fake, [*events, SOFT])


def test_messages_that_come_during_a_long_search_are_not_missed() -> None:
    # GIVEN an address with many messages, and others of its messages that come meanwhile
    events = history(200)
    early, late = events[:100], events[100:]
    fake = recorded(FakeDynamoDB(), early)
    coming = iter(late)

    class Busy(Slow):
        def query(self, **request: Any) -> dict[str, Any]:
            answer = super().query(**request)
            for item in [next(coming, None) for _ in range(5)]:
                if item:
                    ledger(fake).record([item])
            return answer

    # WHEN the search goes through them
    ledger(Busy(fake)).record([SOFT])
    recorded(fake, list(coming))

    # THEN the facts are complete
    assert_equals_model(fake, [*events, SOFT])


def test_where_deliveries_are_not_counted_bounces_are_searched_in_the_same_way() -> None:
    # GIVEN a deployment that does not count deliveries, and an address with many blocks
    settings = Settings(table_name="fake", writers=1, count_deliveries=False)
    slow = Slow(FakeDynamoDB())
    own = Ledger(as_client(slow), settings, clock=slow.now, sleep=lambda _: None)
    blocks = [item for item in history() if item.event.kind is Kind.BOUNCE]
    for item in blocks:
        own.record([item])

    # WHEN its first soft bounce is recorded in as many tries as that takes
    tries = 0
    while not own.record([SOFT], deadline=slow.now() + timedelta(seconds=11))[0].ok:
        tries += 1
        assert tries < PAGES

    # THEN the last of them are known to have bounced
    assert tries
    [found] = own.check([ADDRESS])
    assert found.facts is not None
    assert len(found.facts.messages) == Policy().messages_kept
    assert found.facts.delivered_at is None
