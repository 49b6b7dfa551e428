"""Functions that are killed, or run out of time, while they read a batch."""

import random
import time
from collections.abc import Callable

import pytest

from bounceledger.ledger import Ledger
from bounceledger.settings import Settings
from tests.faults import reading, run
from tests.faults.fake import EVERYTHING, FakeDynamoDB, Faults, Killed, as_client

SETTINGS = Settings(table_name="fake", writers=2)

SCENARIOS = {
    "nothing else fails": Faults(),
    "lost answers": Faults(answer_lost=0.2),
    "everything": EVERYTHING,
}


def ledgers(fake: FakeDynamoDB) -> Callable[[], Ledger]:
    return lambda: Ledger(
        as_client(fake), SETTINGS, clock=lambda: reading.NOW, sleep=lambda s: time.sleep(s / 50)
    )


@pytest.mark.parametrize("faults", SCENARIOS.values(), ids=SCENARIOS)
def test_the_table_equals_the_model_whoever_dies_while_reading(faults: Faults) -> None:
    # GIVEN every message three times, in random order, for four functions
    messages = reading.records(seed=1, size=200)
    fake = FakeDynamoDB(seed=1, faults=faults, hold=0.0005)
    rng = random.Random(1)
    deaths: list[int] = []

    def die() -> None:
        deaths.append(1)
        raise Killed

    def make_worker() -> run.Process[reading.Record]:
        return reading.Reader(ledgers(fake)(), random.Random(rng.random()), die).process

    # WHEN they are killed or run out of time while they read
    run.distribute(run.shuffled(messages, seed=1), make_worker)

    # THEN the table is the same as if nothing had happened
    fake.faults = Faults()
    read = reading.observations(messages)
    found = run.differences(read, fake.scan()["Items"], ledgers(fake)(), reading.NOW)
    assert found == {}
    assert deaths


def test_a_function_that_dies_at_any_call_of_reading_has_recorded_nothing() -> None:
    # GIVEN a batch, and how many calls it takes to read it
    messages = reading.records(seed=2, size=3)
    read = reading.observations(messages)
    died = True
    call = 0
    while died:
        fake = FakeDynamoDB()
        call += 7
        try:
            # WHEN the function dies at one of them
            with reading.dying_at(call, reading.killed_in_a_thread):
                reading.make_intake(ledgers(fake)(), lambda: reading.NOW).process(messages)
            died = False
        except Killed:
            assert not fake.table

        # THEN delivering the batch again records it once
        reading.make_intake(ledgers(fake)(), lambda: reading.NOW).process(messages)
        found = run.differences(read, fake.scan()["Items"], ledgers(fake)(), reading.NOW)
        assert found == {}
    assert call > 300


def test_messages_for_which_there_is_no_time_are_delivered_again() -> None:
    # GIVEN a batch, and a function that has time for a part of it, again and again
    messages = reading.records(seed=3, size=30)
    fake = FakeDynamoDB()
    left, rounds = messages, 0
    while left:
        clock = reading.Clock()
        intake = reading.make_intake(ledgers(fake)(), clock)

        # WHEN it processes what is left
        report = intake.process(left, deadline=reading.NOW + 60 * clock.step)
        left = [record for record in left if record["messageId"] in report.retry]
        rounds += 1

    # THEN in the end all of it is recorded once
    read = reading.observations(messages)
    found = run.differences(read, fake.scan()["Items"], ledgers(fake)(), reading.NOW)
    assert found == {}
    assert rounds > 2
