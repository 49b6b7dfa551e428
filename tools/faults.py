"""Runs the ledger under injected faults and compares the table with a simple model.

Every message is delivered three times, in random order, to four workers. In the first runs
the workers are threads on an in-memory DynamoDB that fails at random; in some of them they take
SES messages the whole way through intake, and are killed or run out of time while they read. In
the last run they are processes that do so and are killed, while they read or at any time, on a
local DynamoDB behind a failing proxy.

Prints a JSON object with the differences; exits with 1 if there are any.

Usage: python -m tools.faults --seed 7 --events 5000
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console
from rich.progress import Progress

from bounceledger.ledger import Ledger
from bounceledger.settings import Settings
from tests.faults import processes, reading, run, stream
from tests.faults.fake import EVERYTHING, FakeDynamoDB, Faults

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SINGLE = {
    "throttling": Faults(throttled=0.3, unprocessed=0.3),
    "server errors": Faults(server_error=0.3),
    "cut connections": Faults(cut=0.3),
    "lost responses": Faults(answer_lost=0.3),
    "killed workers": Faults(killed_before=0.005, killed_after=0.005),
}
"""One kind of fault at a time, each on a fifth of the events."""

RARELY_KILLED = replace(EVERYTHING, killed_before=0.001, killed_after=0.001)
"""All kinds at once, for a stream that is longer than those of the tests."""

type Advance = Callable[[int], None]
"""Called with the number of messages just processed."""

type Work = Callable[[Advance], dict[str, Any]]
"""A run; returns the differences, empty if there are none."""


def in_memory(seed: int, size: int, faults: Faults, advance: Advance) -> dict[str, Any]:
    """Deliver a stream to threads on a failing fake; returns how the table differs."""
    fake = FakeDynamoDB(seed=seed, faults=faults, hold=0.0005)
    settings = Settings(table_name="fake", writers=2)

    def make_ledger() -> Ledger:
        client = cast("DynamoDBClient", fake)
        return Ledger(
            client,
            settings,
            clock=lambda: stream.NOW,
            sleep=lambda s: time.sleep(s / 50),
            sampling=run.small_samples(),
        )

    observations = stream.make(seed, size)
    run.deliver(run.shuffled(observations, seed), make_ledger, advance)
    fake.faults = Faults()
    return run.differences(observations, fake.scan()["Items"], make_ledger(), stream.NOW)


def while_reading(seed: int, size: int, faults: Faults, advance: Advance) -> dict[str, Any]:
    """Have a stream's messages read by threads that die of it; returns how the table differs."""
    fake = FakeDynamoDB(seed=seed, faults=faults, hold=0.0005)
    settings = Settings(table_name="fake", writers=2)
    rng = random.Random(seed)

    def make_ledger() -> Ledger:
        client = cast("DynamoDBClient", fake)
        return Ledger(
            client,
            settings,
            clock=lambda: reading.NOW,
            sleep=lambda s: time.sleep(s / 50),
            sampling=run.small_samples(),
        )

    def make_worker() -> run.Process[reading.Record]:
        own = random.Random(rng.random())
        return reading.Reader(make_ledger(), own, reading.killed_in_a_thread).process

    messages = reading.records(seed, size)
    run.distribute(run.shuffled(messages, seed), make_worker, advance)
    fake.faults = Faults()
    read = reading.observations(messages)
    return run.differences(read, fake.scan()["Items"], make_ledger(), reading.NOW)


def runs(seed: int, size: int) -> Iterator[tuple[str, int, Work]]:
    """Name, number of events and work of every run."""
    part = max(1, size // 5)
    for name, faults in SINGLE.items():
        yield name, part, partial(in_memory, seed, part, faults)
    yield "killed while reading", size, partial(while_reading, seed, size, Faults())
    yield (
        "killed while reading, and all faults",
        part,
        partial(while_reading, seed, part, RARELY_KILLED),
    )
    yield "all faults at once", size, partial(in_memory, seed, size, RARELY_KILLED)
    yield "killed processes", size, partial(processes.differences, seed, size)


def main() -> int:
    """Do all runs and print the differences; 1 if there are any."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--seed", type=int, default=1, help="random seed for events, faults and order (default: 1)"
    )
    parser.add_argument(
        "--events", type=int, default=5000, help="number of distinct events (default: 5000)"
    )
    args = parser.parse_args()
    differences: dict[str, Any] = {}
    screen = Console(stderr=True)
    with Progress(console=screen, disable=not screen.is_terminal) as progress:
        for name, size, work in runs(args.seed, args.events):
            task = progress.add_task(name, total=size * run.COPIES)
            found = work(partial(progress.advance, task))
            if found:
                differences[name] = found
    print(json.dumps({"seed": args.seed, "events": args.events, "differences": differences}))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
