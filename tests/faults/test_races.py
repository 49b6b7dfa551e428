"""Workers that meet on one address, in every order of their calls, and dying at every call."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from bounceledger import state
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger import Ledger
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import Observation
from bounceledger.verdict import Category, Scope, Verdict
from tests.faults import model, run, stream
from tests.faults.fake import FakeDynamoDB, Killed, as_client

SETTINGS = Settings(table_name="fake", writers=1)
ADDRESS = "a@example.test"
TURNS = 5
"""Calls of each worker whose order is tried out."""


def event(name: str, kind: Kind, category: Category | None, hours: float) -> Observation:
    happened = MailEvent(
        event_id=name,
        provider="ses",
        kind=kind,
        provider_kind=kind.value,
        address=ADDRESS,
        lead_source="fair",
        occurred_at=stream.NOW - timedelta(hours=hours),
        diagnostic=f"as said in {name}",
    )
    verdict = Verdict(category=category, scope=Scope.ADDRESS, rule="r") if category else None
    return state.observe(happened, policy=Policy(), verdict=verdict)


DELIVERY = event("delivery", Kind.DELIVERY, None, hours=10)
SOFT_BEFORE = event("soft before", Kind.BOUNCE, Category.MAILBOX_FULL, hours=40)
SOFT_AFTER = event("soft after", Kind.BOUNCE, Category.EXPIRED, hours=5)
HARD = event("hard", Kind.BOUNCE, Category.MAILBOX_UNKNOWN, hours=20)
EARLY_HARD = event("early hard", Kind.BOUNCE, Category.NO_MAIL_ACCEPTED, hours=90)
DOMAIN = event("domain", Kind.BOUNCE, Category.DOMAIN_UNKNOWN, hours=30)
EVENTS = (DELIVERY, SOFT_BEFORE, SOFT_AFTER, HARD, EARLY_HARD, DOMAIN)

HISTORIES: dict[str, Sequence[Observation]] = {
    "nothing known": (),
    "hard facts": (HARD,),
    "soft facts": (SOFT_AFTER,),
}


class Turns:
    """Lets calls happen in a given order of workers."""

    def __init__(self, order: Sequence[str]) -> None:
        self._order = list(order)
        self._changed = threading.Condition()

    @contextmanager
    def of(self, worker: str) -> Iterator[None]:
        """Wait for a worker's turn, and end it afterwards."""
        with self._changed:
            self._changed.wait_for(lambda: self._order[:1] == [worker] or worker not in self._order)
        yield
        with self._changed:
            if self._order[:1] == [worker]:
                self._order.pop(0)
            self._changed.notify_all()

    def leave(self, worker: str) -> None:
        """A worker is done and takes no more turns."""
        with self._changed:
            self._order = [name for name in self._order if name != worker]
            self._changed.notify_all()


class Client:
    """A worker's view of the fake, one call at a time when it is its turn."""

    def __init__(self, fake: FakeDynamoDB, worker: str, turns: Turns) -> None:
        self._fake, self._worker, self._turns = fake, worker, turns

    def __getattr__(self, name: str) -> Any:
        def call(**parameters: Any) -> Any:
            with self._turns.of(self._worker):
                return getattr(self._fake, name)(**parameters)

        return getattr(self._fake, name) if name == "put_item" else call


def ledger(client: Any) -> Ledger:
    return Ledger(client, SETTINGS, clock=lambda: stream.NOW, sleep=lambda s: time.sleep(s / 50))


def run_side_by_side(
    fake: FakeDynamoDB, work: dict[str, Observation], order: Sequence[str]
) -> None:
    turns = Turns(order)

    def worker(name: str) -> None:
        try:
            [outcome] = ledger(Client(fake, name, turns)).record([work[name]])
            assert outcome.ok
        finally:
            turns.leave(name)

    threads = [threading.Thread(target=worker, args=(name,)) for name in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def assert_equals_model(fake: FakeDynamoDB, events: Sequence[Observation]) -> None:
    found = run.differences(events, fake.scan()["Items"], ledger(fake), stream.NOW)
    assert found == {}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("soft", [SOFT_BEFORE, DOMAIN], ids=["soft", "domain unknown"])
@pytest.mark.slow
def test_a_delivery_and_a_soft_bounce_see_each_other_in_every_order(
    history: Sequence[Observation], soft: Observation
) -> None:
    """Neither may be written without regard to the other."""
    for first in combinations(range(2 * TURNS), TURNS):
        # GIVEN what is known already
        fake = FakeDynamoDB()
        ledger(fake).record(history)

        # WHEN a delivery and an older soft bounce are recorded at the same time
        order = ["delivery" if n in first else "soft" for n in range(2 * TURNS)]
        run_side_by_side(fake, {"delivery": DELIVERY, "soft": soft}, order)

        # THEN the delivery has voided the soft day
        assert_equals_model(fake, [*history, DELIVERY, soft])


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("last", EVENTS, ids=lambda item: item.event.event_id)
def test_a_worker_that_dies_at_any_call_leaves_nothing_undone(
    last: Observation, copies: int
) -> None:
    others = [item for item in EVENTS if item is not last]
    for applied in (False, True):
        for deadly in range(1, 12):
            # GIVEN a worker that dies at one of its calls, before or after it takes effect
            fake = FakeDynamoDB()
            ledger(fake).record(others)
            dying = Dying(fake, deadly, applied=applied)
            try:
                ledger(dying).record([last] * copies)
            except Killed:
                # WHEN the queue delivers the event again
                ledger(fake).record([last])

            # THEN it counts exactly once, and nothing is missing
            assert_equals_model(fake, EVENTS)


@pytest.mark.parametrize("claim", [EARLY_HARD, DOMAIN], ids=lambda item: item.event.event_id)
@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_no_claim_is_acknowledged_before_its_domain_is_due_for_a_probe(
    claim: Observation, applied: bool
) -> None:
    """A suppression that rests on a claim is checked, even if the stream loses the record."""
    for deadly in range(1, 8):
        # GIVEN a worker that dies at one of its calls, before or after it takes effect
        fake = FakeDynamoDB()
        acknowledged = True
        try:
            ledger(Dying(fake, deadly, applied=applied)).record([claim])
        except Killed:
            acknowledged = False
        # WHEN the queue delivers the event again, if it was not acknowledged
        due = [sk for pk, sk in fake.table if pk == "RECHECK#DUE"]
        assert due == ["2026-11-21#example.test"] or not acknowledged
        ledger(fake).record([claim])
        # THEN it counts once, and its domain is due tomorrow
        assert_equals_model(fake, [claim])


class Dying:
    """A client whose n-th call is the worker's last."""

    def __init__(self, fake: FakeDynamoDB, deadly: int, *, applied: bool) -> None:
        self._fake, self._left, self._applied = fake, deadly, applied

    def __getattr__(self, name: str) -> Any:
        def call(**parameters: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._applied:
                raise Killed
            answer = getattr(self._fake, name)(**parameters)
            if self._left == 0:
                raise Killed
            return answer

        return call


@pytest.mark.parametrize("seed", range(3))
def test_events_delivered_once_in_any_order_and_grouping_give_one_table(seed: int) -> None:
    """No result depends on a second delivery."""
    # GIVEN distinct events in random order, each delivered once, by workers side by side
    observations = stream.make(seed, 200)
    fake = FakeDynamoDB(seed=seed, hold=0.0002)
    batches = run.shuffled(observations, seed, copies=1)

    # WHEN they are recorded
    run.deliver(batches, lambda: ledger(fake))

    # THEN nothing depended on a second delivery
    assert_equals_model(fake, observations)


def test_an_event_that_the_table_rejects_fails_alone() -> None:
    # GIVEN a batch in which the table rejects one event permanently
    observations = stream.make(seed=3, size=60)
    number = next(n for n, item in enumerate(observations) if item.event.kind is Kind.BOUNCE)
    rejected = observations[number]
    observations[number] = replace(
        rejected, event=replace(rejected.event, lead_source="UNWRITABLE")
    )
    fake = FakeDynamoDB()

    # WHEN it is recorded
    outcomes = ledger(fake).record(observations)

    # THEN that one fails permanently, and every other one is recorded
    failed = [n for n, outcome in enumerate(outcomes) if not outcome.ok]
    assert failed == [number]
    assert not outcomes[number].retry_helps
    assert outcomes[number].field == "event"
    rest = observations[:number] + observations[number + 1 :]
    found = model.difference(model.expected(rest), model.actual(fake.scan()["Items"]))
    assert set(found) <= {"listed"}


def test_what_there_is_no_time_for_is_reported_as_failed() -> None:
    # GIVEN a deadline that has come
    fake = FakeDynamoDB()

    # WHEN a batch is recorded
    outcomes = ledger(fake).record(stream.make(seed=4, size=20), deadline=stream.NOW)

    # THEN all of it fails, a retry helps, and nothing was recorded
    assert all(not outcome.ok and outcome.retry_helps for outcome in outcomes)
    assert not fake.table


ENVIRONMENTS = 4
ROUNDS = 40
"""Rounds that environments get to move apart; most need two or three."""


class Environments:
    """Execution environments that record deliveries side by side, in rounds.

    Each has deliveries of the same three sources and the same day.

    Args:
        fake: the table.
    """

    def __init__(self, fake: FakeDynamoDB) -> None:
        self._fake = fake
        self._settings = replace(SETTINGS, writers=2)
        self._round = threading.Barrier(ENVIRONMENTS)
        self.conflicts: list[int] = []
        """Conflicts so far, after each round."""

    @property
    def quiet(self) -> bool:
        """Whether there were conflicts, and none in the last three rounds."""
        met = self.conflicts
        return len(met) > 3 and met[-1] > 0 and met[-1] == met[-4]

    def run(self) -> None:
        """Record until it is quiet, at most for `ROUNDS`."""
        threads = [threading.Thread(target=self._work, args=(n,)) for n in range(ENVIRONMENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, number: int) -> None:
        own = Ledger(
            as_client(self._fake),
            self._settings,
            clock=lambda: stream.NOW,
            sleep=lambda _: None,
            draw=random.Random(number).randrange,
        )
        for round_ in range(ROUNDS):
            self._round.wait()
            if self.quiet:
                return
            own.record(_deliveries(number, first=300 * round_))
            self._round.wait()
            if number == 0:
                self.conflicts.append(len(self._fake.conflicts))


def _deliveries(environment: int, first: int) -> list[Observation]:
    return [
        replace(
            DELIVERY,
            event=replace(
                DELIVERY.event,
                address=f"{environment}-{n}@example.test",
                lead_source=f"source-{n % 3}",
            ),
        )
        for n in range(first, first + 300)
    ]


def test_writers_and_environments_do_not_conflict_on_counters_for_long() -> None:
    """Those that meet on a counter's shard move apart."""
    # GIVEN environments, all of which begin with the same shards
    fake = FakeDynamoDB(hold=0.005)
    environments = Environments(fake)

    # WHEN they work side by side
    environments.run()

    # THEN they conflict at first, and not any more once they have moved apart
    assert environments.conflicts[-1] > 0
    assert environments.quiet

    # AND there are not many more shards to read than writers
    shards = {sk.rpartition("#")[2] for pk, sk in fake.table if pk == "COUNT#source-0"}
    assert len(shards) <= 16 * ENVIRONMENTS
