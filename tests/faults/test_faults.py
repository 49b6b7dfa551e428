"""Whatever fails, the table ends as if every event had arrived once, in order, alone."""

import time
from collections.abc import Callable

import pytest

from bounceledger.ledger import Ledger
from bounceledger.settings import Settings
from tests.faults import run, stream
from tests.faults.fake import EVERYTHING, FakeDynamoDB, Faults, as_client

SETTINGS = Settings(table_name="fake", writers=2)

SCENARIOS = {
    "nothing fails": Faults(),
    "throttling": Faults(throttled=0.3, unprocessed=0.3),
    "server errors": Faults(server_error=0.3),
    "cut connections": Faults(cut=0.3),
    "lost answers": Faults(answer_lost=0.3),
    "killed workers": Faults(killed_before=0.01, killed_after=0.01),
    "everything": EVERYTHING,
}


def ledgers(fake: FakeDynamoDB) -> Callable[[], Ledger]:
    return lambda: Ledger(
        as_client(fake),
        SETTINGS,
        clock=lambda: stream.NOW,
        sleep=briefly,
        sampling=run.small_samples(),
    )


def briefly(seconds: float) -> None:
    time.sleep(seconds / 50)


@pytest.mark.parametrize("faults", SCENARIOS.values(), ids=SCENARIOS)
def test_the_table_equals_the_model(faults: Faults) -> None:
    """Every event counts exactly once, whatever fails."""
    # GIVEN every message three times, in random order, for four workers
    observations = stream.make(seed=1, size=300)
    fake = FakeDynamoDB(seed=1, faults=faults, hold=0.0005)

    # WHEN they are recorded while things fail
    run.deliver(run.shuffled(observations, seed=1), ledgers(fake))

    # THEN the table is the same as if nothing had
    fake.faults = Faults()
    found = run.differences(observations, fake.scan()["Items"], ledgers(fake)(), stream.NOW)
    assert found == {}
