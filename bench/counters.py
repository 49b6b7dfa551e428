"""Compares where the shards of a lead source's counters lie: in the sort key, or as partitions.

Simulates environments that record the mail of one lead source, which is the worst case: every
transaction adds to that source's counter of today. A transaction that meets another one on a
shard is cancelled, waits and is tried again, as in the ledger.

- ours: every environment begins with the same block of shards and draws from half as many again
  whenever it meets another one. A period is one Query.
- partitions: a fixed number of shards, each a partition, of which every environment draws a
  block at random. A period is one Query for each.

Reading is computed from the shards that were used: a Query returns at most 1 MB and costs a read
unit per 4 KB, rounded up. No clock is read, so the figures are the same on every machine.

Usage: python bench/counters.py [--json]
"""

import argparse
import heapq
import json
import math
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from bounceledger.ledger.attributes import size_of
from bounceledger.ledger.shards import Shards

WRITERS = 4
TRANSACTION = (20, 60)
"""Milliseconds that a transaction is under way; assumed."""
GENERATIONS = 6
"""How often a day all environments are replaced by new ones; assumed."""
SECONDS = 60
"""Simulated work of a generation."""
DAYS = 366
PAGE = 1024 * 1024
READ_UNIT = 4096
COUNTER = {
    "pk": {"S": "COUNT#webinar-2026"},
    "sk": {"S": "DAY#2026-11-26#17"},
    **{
        name: {"N": "1234"}
        for name in (
            *("delivered", "delayed", "hard", "soft", "block", "suppressed", "complaint"),
            *("category_mailbox_unknown", "category_mailbox_full", "category_reputation_block"),
        )
    },
}
"""One shard of a day with all the usual counters."""


class ShardChoice(Protocol):
    """Which shard a writer adds to."""

    def of(self, writer: int) -> int:
        """The shard of a writer."""
        ...

    def leave(self, shard: int) -> None:
        """Move elsewhere, since someone else writes to this shard."""
        ...


class FixedShards:
    """Shards of a fixed number, of which an environment draws a block at random."""

    def __init__(self, count: int, draw: Callable[[int], int]) -> None:
        self._blocks = count // WRITERS
        self._draw = draw
        self._block = draw(self._blocks)

    def of(self, writer: int) -> int:
        """The shard of a writer."""
        return self._block * WRITERS + writer

    def leave(self, shard: int) -> None:
        """Draw another block."""
        del shard
        self._block = self._draw(self._blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Environments at work side by side.

    Attributes:
        environments: how many.
        busy: share of the time for which each is at work.
    """

    environments: int
    busy: float


LOADS = (
    Load(environments=1, busy=1),
    Load(environments=5, busy=0.1),
    Load(environments=5, busy=1),
    Load(environments=20, busy=1),
    Load(environments=250, busy=1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One layout under one load.

    Attributes:
        layout: its name.
        load: the load.
        transactions: those that were applied.
        conflicts: those that were cancelled.
        late_conflicts: of these, in the second half of each generation.
        shards: used on one day.
        calls: Query calls that read a year.
        read_units: of these calls.
    """

    layout: str
    load: Load
    transactions: int
    conflicts: int
    late_conflicts: int
    shards: int
    calls: int
    read_units: int


@dataclass(slots=True)
class Day:
    """Counts of a simulated day."""

    transactions: int = 0
    conflicts: int = 0
    late_conflicts: int = 0


def simulate(load: Load, choose: Callable[[], ShardChoice], rng: random.Random) -> tuple[Day, int]:
    """One day of work; returns the counts, and how many shards were used."""
    day, used = Day(), set[int]()
    for _ in range(GENERATIONS):
        environments = [choose() for _ in range(load.environments)]
        free_at: dict[int, float] = {}
        # Time, environment, writer and tries so far of each writer's next transaction.
        queue = [
            (rng.uniform(0, 100), environment, writer, 0)
            for environment in range(load.environments)
            for writer in range(WRITERS)
        ]
        heapq.heapify(queue)
        while queue and queue[0][0] < SECONDS * 1000:
            now, number, writer, tries = heapq.heappop(queue)
            environment = environments[number]
            shard = environment.of(writer)
            if free_at.get(shard, 0) > now:
                day.conflicts += 1
                day.late_conflicts += now > SECONDS * 500
                environment.leave(shard)
                pause = min(1000, 20 * 2**tries) * rng.random()
                heapq.heappush(queue, (now + pause, number, writer, tries + 1))
                continue
            used.add(shard)
            day.transactions += 1
            ended = now + rng.uniform(*TRANSACTION)
            free_at[shard] = ended
            idle = (ended - now) * (1 / load.busy - 1) * 2 * rng.random()
            heapq.heappush(queue, (ended + idle, number, writer, 0))
    return day, len(used)


def measure(load: Load) -> Iterator[Measured]:
    """Both layouts under one load."""
    size = size_of(COUNTER)
    rng = random.Random(f"ours {load}")
    day, used = simulate(load, lambda: Shards(WRITERS, rng.randrange), rng)
    yield Measured(
        layout="ours",
        load=load,
        **asdict(day),
        shards=used,
        calls=math.ceil(DAYS * used * size / PAGE),
        read_units=math.ceil(DAYS * used * size / READ_UNIT),
    )
    count = max(64, WRITERS * load.environments)
    rng = random.Random(f"partitions {load}")
    day, used = simulate(load, lambda: FixedShards(count, rng.randrange), rng)
    yield Measured(
        layout="partitions",
        load=load,
        **asdict(day),
        shards=used,
        calls=count * math.ceil(DAYS * size / PAGE),
        read_units=used * math.ceil(DAYS * size / READ_UNIT) + (count - used),
    )


def report(console: Console, measured: list[Measured]) -> None:
    """Print the figures."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("environments", "busy", "layout", "conflicts", "late", "shards", "calls", "units"):
        table.add_column(name, justify="left" if name == "layout" else "right")
    for item in measured:
        lives = GENERATIONS * item.load.environments
        table.add_row(
            str(item.load.environments),
            f"{item.load.busy:.0%}",
            item.layout,
            f"{item.conflicts / lives:.1f}",
            f"{item.late_conflicts / lives:.1f}",
            str(item.shards),
            str(item.calls),
            str(item.read_units),
        )
    console.print(
        "One source's counters: conflicts in the life of an environment, and in its second half;\n"
        "shards of a day; Query calls and read units for a year."
    )
    console.print(table)


def main() -> int:
    """Simulate, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    measured = [item for load in LOADS for item in measure(load)]
    if args.json:
        print(json.dumps([asdict(item) for item in measured]))
    else:
        report(Console(markup=False, highlight=False, soft_wrap=True), measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
