"""Runs the ledger under injected faults and holds the table against a plain model.

Every message is delivered three times in random order to four workers. In the first runs
the workers are threads on a DynamoDB in memory that fails by dice; in the last they are
processes that are really killed, on a local DynamoDB behind a failing proxy.

Prints a JSON object with the differences; exit code 1 if there is any.

Usage: python -m tools.faults --seed 7 --events 5000
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import Progress

from bounceledger.ledger import Ledger
from bounceledger.settings import Settings
from tests.faults import processes, run, stream
from tests.faults.fake import FakeDynamoDB, Faults

SINGLE = {
    "throttling": Faults(throttled=0.3, unprocessed=0.3),
    "server errors": Faults(server_error=0.3),
    "cut connections": Faults(cut=0.3),
    "lost answers": Faults(answer_lost=0.3),
    "dying workers": Faults(killed_before=0.005, killed_after=0.005),
}
"""One fault at a time, on a fifth of the events."""

EVERYTHING = Faults(
    throttled=0.1,
    server_error=0.05,
    cut=0.05,
    answer_lost=0.1,
    unprocessed=0.1,
    killed_before=0.001,
    killed_after=0.001,
)

type Tick = Callable[[int], None]


def in_memory(seed: int, size: int, faults: Faults, tick: Tick) -> dict[str, Any]:
    """Deliver a stream to threads on a fake that fails; how the table differs."""
    fake = FakeDynamoDB(seed=seed, faults=faults, hold=0.0005)
    settings = Settings(table_name="fake", writers=2, counter_shards=8)

    def make_ledger() -> Ledger:
        return Ledger(fake, settings, clock=lambda: stream.NOW, sleep=lambda s: time.sleep(s / 50))

    observations = stream.make(seed, size)
    run.deliver(run.shuffled(observations, seed), make_ledger, tick)
    fake.faults = Faults()
    return run.differences(observations, fake.scan()["Items"], make_ledger(), stream.NOW)


def runs(seed: int, size: int) -> Iterator[tuple[str, int, Callable[[Tick], dict[str, Any]]]]:
    """Name, number of events and work of every run."""
    for name, faults in SINGLE.items():
        part = max(1, size // 5)
        yield name, part, lambda tick, f=faults, n=part: in_memory(seed, n, f, tick)
    yield "everything at once", size, lambda tick: in_memory(seed, size, EVERYTHING, tick)
    yield "killed processes", size, lambda tick: processes.differences(seed, size, tick)


def main() -> int:
    """Run all, print what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of events, faults and order")
    parser.add_argument("--events", type=int, default=5000, help="distinct events")
    args = parser.parse_args()
    differences: dict[str, Any] = {}
    screen = Console(stderr=True)
    with Progress(console=screen, disable=not screen.is_terminal) as progress:
        for name, size, work in runs(args.seed, args.events):
            task = progress.add_task(name, total=size * run.COPIES)
            found = work(lambda count, task=task: progress.advance(task, count))
            if found:
                differences[name] = found
    print(json.dumps({"seed": args.seed, "events": args.events, "differences": differences}))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
