"""Erasures that meet ingest at every call, die or are ended at every call, amid every fault."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import batched, combinations, count, permutations
from typing import Any

import pytest

from bounceledger.events import Kind
from bounceledger.ledger import ChangeOutcome, Ledger
from bounceledger.settings import Settings
from bounceledger.state import Action, Change, Observation, ReasonCode
from bounceledger.verdict import Category
from tests.erasing import erasure, expired_in_full, keyring, miscounted, naming
from tests.faults import model, run, stream
from tests.faults.fake import EVERYTHING, FakeDynamoDB, Faults, Killed, as_client
from tests.faults.test_races import Client, Dying, Turns
from tests.unit.ledger.recording import delivery, observe

ADDRESS = "a@example.test"
NOW = stream.NOW

DELIVERED = delivery("delivered", message_id="m")
BLOCKED = observe(
    "blocked", Category.VIRUS, message_id="m", diagnostic="550 virus to a@example.test"
)
FULL = observe("full", Category.MAILBOX_FULL, message_id="m")
GONE = observe("gone", Category.MAILBOX_UNKNOWN, message_id="m", diagnostic="550 unknown")
OTHER_GONE = observe("other gone", Category.DOMAIN_UNKNOWN, message_id="n", source="other")
DELAYED = observe("delayed", kind=Kind.DELIVERY_DELAY, message_id="m", diagnostic="451 later")
COMPLAINT = observe("complaint", kind=Kind.COMPLAINT, message_id="m")
UNSUBSCRIBED = observe("unsubscribed", kind=Kind.UNSUBSCRIBE, message_id="m")
ANSWERED = observe("answered", Category.AUTOREPLY, message_id="m")
EVENTS = (DELIVERED, BLOCKED, FULL, GONE, OTHER_GONE, DELAYED, COMPLAINT, UNSUBSCRIBED, ANSWERED)
HISTORIES: dict[str, Sequence[Observation]] = {
    "nothing known": (),
    "delivered": (DELIVERED,),
    "bounced": (GONE, OTHER_GONE),
    "all": EVENTS,
}
CALLS = 14
"""Calls of an erasure, and more than those of recording one event."""


def ledger(client: Any, now: datetime = NOW) -> Ledger:
    return Ledger(
        as_client(client),
        Settings(table_name="fake", writers=1),
        clock=lambda: now,
        sleep=lambda seconds: time.sleep(seconds / 50),
        erasure=keyring(),
    )


def erase(client: Any, address: str = ADDRESS) -> None:
    """Ask for an erasure until it is finished."""
    for _ in range(50):
        [result] = ledger(client).apply_changes([erasure(address)])
        if result.outcome is ChangeOutcome.DONE and result.finished:
            return
    raise AssertionError("the erasure does not come to an end")


def record(client: Any, *observations: Observation) -> None:
    outcomes = ledger(client).record(observations)
    assert all(outcome.ok for outcome in outcomes)


def assert_erased(fake: FakeDynamoDB, events: Sequence[Observation]) -> None:
    """Nothing names the address, it is suppressed, and every event counts once."""
    scanned = fake.scan()["Items"]
    assert naming(ADDRESS, scanned, NOW) == []
    assert expired_in_full(ADDRESS, scanned, NOW) == []
    [answer] = ledger(fake).check([ADDRESS], source="fair")
    assert (answer.decision.reason_code, answer.entry) == (ReasonCode.ERASED, None)
    assert miscounted(events, scanned) == {}


def assert_stays_erased(fake: FakeDynamoDB, events: Sequence[Observation]) -> None:
    """The same, also when everything is delivered again, before and after TTL has cleaned up."""
    assert_erased(fake, events)
    for event in (*events, *reversed(events)):
        record(fake, event)
    assert_erased(fake, events)
    fake.expire(NOW)
    record(fake, *events)
    assert_erased(fake, events)
    erase(fake)
    record(fake, *events)
    assert_erased(fake, events)


class Interrupted:
    """A client before whose n-th call something else happens."""

    def __init__(self, fake: FakeDynamoDB, call: int, happens: Callable[[], None]) -> None:
        self._fake, self._left, self._happens = fake, call, happens

    def __getattr__(self, name: str) -> Any:
        def call(**parameters: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                self._happens()
            return getattr(self._fake, name)(**parameters)

        return call


def distinct(*events: Observation) -> list[Observation]:
    return list({event.event.event_id: event for event in events}.values())


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event.event_id)
def test_an_erasure_between_any_two_calls_of_ingest_leaves_nothing(
    event: Observation, history: Sequence[Observation]
) -> None:
    for call in range(1, 12):
        # GIVEN what is known already
        fake = FakeDynamoDB()
        record(fake, *history)

        # WHEN the person is erased while an event is recorded
        record(Interrupted(fake, call, lambda fake=fake: erase(fake)), event)  # type: ignore[misc]
        [answer] = ledger(fake).check([ADDRESS])
        if answer.decision.reason_code is not ReasonCode.ERASED:  # there is no such call
            break

        # THEN the event is counted, and nothing is left of the person
        assert_stays_erased(fake, distinct(*history, event))


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event.event_id)
def test_an_event_between_any_two_calls_of_an_erasure_is_only_counted(
    event: Observation, history: Sequence[Observation]
) -> None:
    for call in range(1, CALLS):
        # GIVEN what is known already
        fake = FakeDynamoDB()
        record(fake, *history)

        # WHEN an event is recorded while the person is erased
        erase(Interrupted(fake, call, lambda fake=fake: record(fake, event)))  # type: ignore[misc]
        record(fake, event)

        # THEN it is counted, and nothing is left of the person
        assert_stays_erased(fake, distinct(*history, event))


OF_A_MESSAGE = ((DELIVERED, BLOCKED, DELAYED), (DELIVERED, BLOCKED, FULL))


@pytest.mark.parametrize(
    "order",
    [order for events in OF_A_MESSAGE for order in permutations(events)],
    ids=lambda order: " ".join(item.event.event_id for item in order),
)
@pytest.mark.parametrize("together", [1, 2, 4])
def test_events_of_an_erased_person_may_come_in_any_order(
    order: Sequence[Observation], together: int
) -> None:
    """A delivery is taken back, wherever its message's item is."""
    # GIVEN an erased person
    fake = FakeDynamoDB()
    erase(fake)

    # WHEN a message is delivered, blocked and bounces
    for some in batched(order, together, strict=False):
        record(fake, *some)

    # THEN it bounced, and every event counts once
    assert_stays_erased(fake, order)


def in_turns(ingest: int, erasing: int) -> Iterator[list[str]]:
    for first in combinations(range(ingest + erasing), ingest):
        yield ["ingest" if n in first else "erase" for n in range(ingest + erasing)]


@pytest.mark.parametrize("event", [DELIVERED, BLOCKED, GONE], ids=lambda e: e.event.event_id)
def test_ingest_and_an_erasure_may_take_turns_in_every_order(event: Observation) -> None:
    for order in in_turns(4, 6):
        # GIVEN an address with a delivered message, and one that bounced
        fake = FakeDynamoDB()
        record(fake, DELIVERED, OTHER_GONE)

        # WHEN an event is recorded and the person is erased at the same time
        turns = Turns(order)

        def worker(name: str, fake: FakeDynamoDB = fake, turns: Turns = turns) -> None:
            client = Client(fake, name, turns)
            try:
                record(client, event) if name == "ingest" else erase(client)
            finally:
                turns.leave(name)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(worker, ("ingest", "erase")))

        # THEN it is counted, and nothing is left of the person
        assert_erased(fake, distinct(DELIVERED, OTHER_GONE, event))


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_an_erasure_that_dies_at_any_call_is_taken_up_again(
    history: Sequence[Observation], *, applied: bool
) -> None:
    for deadly in range(1, CALLS):
        # GIVEN an erasure that dies at one of its calls, before or after it takes effect
        fake = FakeDynamoDB()
        record(fake, *history)
        try:
            erase(Dying(fake, deadly, applied=applied))
        except Killed:
            # WHEN events come in the meantime, and it is asked for again
            record(fake, *EVENTS)
            erase(fake)
        else:
            record(fake, *EVENTS)

        # THEN nothing is left of the person, and every event counts once
        assert_stays_erased(fake, EVENTS)


@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event.event_id)
def test_an_ingest_that_dies_at_any_call_is_repeated(event: Observation, *, applied: bool) -> None:
    others = [other for other in EVENTS if other is not event]
    for deadly in range(1, 9):
        # GIVEN an erased person, and an event that was recorded before
        fake = FakeDynamoDB()
        record(fake, *others)
        erase(fake)
        # WHEN ingest dies at one of its calls with an event, new or not, and it is delivered again
        for delivered in (event, *others):
            try:
                record(Dying(fake, deadly, applied=applied), delivered)
            except Killed:
                # in between it may be erased once more
                if deadly % 2:
                    erase(fake)
                record(fake, delivered)

        # THEN nothing is left of the person, and every event counts once
        erase(fake)
        assert_stays_erased(fake, EVENTS)


@pytest.mark.parametrize("event", [BLOCKED, DELAYED, ANSWERED], ids=lambda one: one.event.event_id)
def test_a_marker_that_was_left_behind_moves_when_its_event_comes_with_evidence(
    event: Observation,
) -> None:
    """With evidence the tombstone is looked up first, and the event is known to be recorded."""
    died = 0
    for call in count(1):
        # GIVEN an erased person, and an ingest that died at some call of another event
        fake = FakeDynamoDB()
        record(fake, OTHER_GONE)
        erase(fake)
        try:
            ledger(Dying(fake, call, applied=True)).record([event])
        except Killed:
            died += 1
        else:
            break

        # WHEN the event comes again with evidence in one batch
        record(fake, event, GONE)

        # THEN nothing is left of the person
        assert naming(ADDRESS, fake.scan()["Items"], NOW) == [], call
    assert died > 1


BACK = Change(action=Action.END_ERASURE, subject=ADDRESS, by="ada", note="came back")
LATER = observe("later", Category.MAILBOX_UNKNOWN, ago=-1, message_id="later", source="later")
MANY = tuple(delivery(f"delivered {n}", message_id=f"m{n}") for n in range(60))


def is_erased(fake: FakeDynamoDB) -> bool:
    return any(sk == "TOMBSTONE" for _, sk in fake.table)


@pytest.mark.parametrize("again", [False, True], ids=["ended", "erased again"])
@pytest.mark.parametrize(
    "history",
    [*HISTORIES.values(), pytest.param((*MANY, GONE), marks=pytest.mark.slow)],
    ids=[*HISTORIES, "many messages"],
)
def test_what_is_recorded_once_an_erasure_has_ended_stays(
    history: Sequence[Observation], *, again: bool
) -> None:
    ended = 0
    for call in count(1):
        # GIVEN what is known already
        fake = FakeDynamoDB()
        record(fake, *history)
        happened: list[bool] = []

        def come_back(fake: FakeDynamoDB = fake, happened: list[bool] = happened) -> None:
            happened.append(is_erased(fake))
            if is_erased(fake):
                ledger(fake).apply_changes([BACK])
                record(fake, LATER)
                if again:  # up to the tombstone only
                    other = ledger(Dying(fake, 3, applied=False), NOW + timedelta(hours=1))
                    with pytest.raises(Killed):
                        other.apply_changes([erasure(ADDRESS)])

        # WHEN the erasure is ended between two calls of the request, and the address bounces again
        client = Interrupted(fake, call, come_back)
        [result] = ledger(client).apply_changes([erasure(ADDRESS)])
        if not happened:  # there is no such call
            break
        if not happened[0]:  # nor was there an erasure yet
            continue
        ended += 1

        # THEN the request has no more to do, unless it is for the later erasure
        assert result.outcome is ChangeOutcome.DONE
        assert result.decision
        if again:
            assert result.decision.reason_code is ReasonCode.ERASED
            if not result.finished:
                erase(fake)
            assert_stays_erased(fake, distinct(*history, LATER))
            continue
        assert (result.finished, result.decision.reason_code) == (True, ReasonCode.HARD_BOUNCE)

        # AND everything that is newer than the end is still there
        [answer] = ledger(fake).check([ADDRESS], source="later")
        assert answer.decision.reason_code is ReasonCode.HARD_BOUNCE
        assert answer.entry is not None
        kept = {(pk, sk.partition("#")[0]) for pk, sk in fake.table}
        own = f"ADDRESS#{ADDRESS}"
        assert kept >= {(own, "FACTS"), (own, "EVENT"), (own, "MESSAGE"), (own, "CHANGE")}
    assert ended >= 3


SCENARIOS = {"nothing fails": Faults(), "everything": EVERYTHING}


@pytest.mark.parametrize("faults", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))]
)
def test_people_are_erased_amid_a_stream_of_events(seed: int, faults: Faults) -> None:
    """Whoever is not erased is not affected."""
    # GIVEN every message three times, in random order, for four workers
    observations = stream.make(seed, 300)
    addresses = sorted({item.event.address for item in observations})
    erased = set(random.Random(seed).sample(addresses, len(addresses) // 2))
    left = sorted(erased)
    fake = FakeDynamoDB(seed=seed, faults=faults, hold=0.0005)

    # WHEN half of the people are erased meanwhile
    def make() -> Ledger:
        return ledger(fake)

    def erase_some(_: int) -> None:
        while left:
            address = left.pop()
            try:
                erase(fake, address)
            except Killed:
                left.append(address)

    batches = run.shuffled(observations, seed)
    run.deliver(batches, make, lambda _: erase_some(0) if len(left) > 3 else None)
    erase_some(0)
    fake.faults = Faults()
    run.deliver(run.shuffled(observations, seed + 1, copies=1), make)

    # THEN nothing is left of them, and they are suppressed
    scanned = fake.scan()["Items"]
    for address in sorted(erased):
        assert naming(address, scanned, NOW) == []
        [answer] = ledger(fake).check([address])
        assert answer.decision.reason_code is ReasonCode.ERASED

    # AND every event counts once, theirs included
    assert miscounted(observations, scanned) == {}

    # AND everything about the others is as if nobody had been erased
    others = [item for item in observations if item.event.address not in erased]
    found = model.actual(
        item
        for item in scanned
        if not item["pk"]["S"].startswith("ERASED#")
        and "erasures" not in item
        and not item.get("erased")
    )
    wanted = model.expected(others)
    for part in ("facts", "entries", "events", "messages"):
        assert model.difference(wanted[part], found[part]) == {}
