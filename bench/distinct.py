"""Compares ways to count the distinct addresses to which a lead source's messages were delivered.

Simulates a day of one lead source: deliveries to so many different addresses, recorded by one
writer in transactions of 99, which is the worst case for the size of items. Hashes are random
numbers, as those of different addresses are.

- ours: hashes in the items of the counters, written by the ADD that counts the events; above
  5,000 a sample of them (`bounceledger.ledger.sampling`).
- HyperLogLog: 4,096 registers of 6 bits, or a list of hashes while that is shorter, in an item of
  its own. It is replaced after the commit if it changed; the writer knows what is stored, and never
  meets another writer.
- markers: an item for each address, written in the transaction, which then holds half as many
  events. A reader counts the items.

Write units and calls are those that come on top of counting the events. They are computed as
DynamoDB bills them: a write unit per KB of the item, rounded up, and twice that in a transaction.
A year has 366 such days and is read by Queries of 1 MB, at a read unit per 4 KB, the counters
themselves included. No clock is read, so the figures are the same on every machine.

Usage: python bench/distinct.py [--json]
"""

import argparse
import json
import math
import random
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import batched
from pathlib import Path
from typing import Protocol

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from bench.counters import COUNTER, DAYS, PAGE, READ_UNIT
from bounceledger.ledger.attributes import size_of
from bounceledger.ledger.record import PARTS_PER_READ
from bounceledger.ledger.sampling import Sampling
from bounceledger.state.samples import HASH_BYTES, Sample, is_of_level, union

SIZES = {100: 40, 1_000: 40, 5_000: 40, 10_000: 40, 100_000: 20, 1_000_000: 5}
"""Distinct addresses of a day, and from how many random days the error is computed."""
GROUP = 99
"""Deliveries of one transaction, which also adds to a counter."""
WRITE_UNIT = 1024
DAY = date(2026, 11, 26)


class Counting(Protocol):
    """A way to count."""

    name: str
    write_units: int

    @property
    def calls(self) -> int:
        """Calls beside those that count the events."""
        ...

    def record(self, hashes: Sequence[int]) -> None:
        """Record the addresses of one transaction, by hashes of 64 bits."""
        ...

    def count(self) -> float:
        """The number of addresses, as far as it is known."""
        ...

    def stored(self) -> int:
        """Bytes of what a reader of the day reads, counters included."""
        ...


def units(size: int, step: int = WRITE_UNIT) -> int:
    """Size in steps of so many bytes, rounded up."""
    return max(1, math.ceil(size / step))


class Ours:
    """Hashes in the items of the counters."""

    name = "ours"

    def __init__(self) -> None:
        self._sampling = Sampling()
        self._parts: dict[int, Sample] = {}
        self.write_units = self.calls = 0

    def record(self, hashes: Sequence[int]) -> None:
        """Add the hashes, and look at the parts if one of them asks for it."""
        part, level = self._sampling.place("fair", DAY, 0)
        short = [(h >> 32).to_bytes(HASH_BYTES) for h in hashes]
        added = frozenset(h for h in short if is_of_level(h, level))
        before = self._parts.get(part, Sample())
        self._parts[part] = Sample(level=before.level, answered=before.answered | added)
        self.write_units += 2 * (units(self._size(part)) - units(size_of(COUNTER)))
        if any(map(self._sampling.asks_for_a_look, added)):
            self._look()

    def _look(self) -> None:
        self.calls += len(self._parts) // PARTS_PER_READ + 1
        found = self._sampling.arrange(self._parts)
        self.calls += bool(found.trims)
        for trim in found.trims:
            self.write_units += 2 * units(self._size(trim.part))
            left = self._parts[trim.part].answered - trim.answered
            self._parts[trim.part] = Sample(level=trim.level, answered=left)
        self._sampling.remember("fair", DAY, 0, found.place)

    def _size(self, part: int) -> int:
        return size_of(COUNTER) + len("answered") + HASH_BYTES * len(self._parts[part].answered)

    def count(self) -> float:
        """Of the union of all parts."""
        return union(self._parts.values()).mailed

    def stored(self) -> int:
        """Bytes of all parts, each with its counters."""
        return sum(map(self._size, self._parts))


class HyperLogLog:
    """Registers in an item of their own (Flajolet et al. 2007, with 64-bit hashes)."""

    name = "HyperLogLog"
    PRECISION = 12
    REGISTERS = 1 << PRECISION
    DENSE = REGISTERS * 6 // 8
    OVERHEAD = 60
    """Bytes of keys and version."""

    def __init__(self) -> None:
        self._listed: set[int] | None = set()
        self._registers = bytearray(self.REGISTERS)
        self.write_units = self.calls = 0

    def record(self, hashes: Sequence[int]) -> None:
        """Write the item if a register rose, or a hash is new on the list."""
        changed = False
        if self._listed is not None:
            changed = not self._listed.issuperset(hashes)
            self._listed.update(hashes)
        for hashed in hashes:
            register = hashed >> (64 - self.PRECISION)
            rank = 64 - self.PRECISION + 1 - (hashed % (1 << (64 - self.PRECISION))).bit_length()
            if rank > self._registers[register]:
                self._registers[register] = rank
                changed = True
        if self._listed is not None and HASH_BYTES * len(self._listed) > self.DENSE:
            self._listed = None
        if changed:
            self.calls += 1
            self.write_units += units(self._size())

    def _size(self) -> int:
        content = self.DENSE if self._listed is None else HASH_BYTES * len(self._listed)
        return self.OVERHEAD + content

    def count(self) -> float:
        """Linear counting while many registers are empty."""
        if self._listed is not None:
            return len(self._listed)
        m = self.REGISTERS
        empty = self._registers.count(0)
        raw = 0.7213 / (1 + 1.079 / m) * m * m / sum(2.0**-rank for rank in self._registers)
        return m * math.log(m / empty) if empty and raw <= 2.5 * m else raw

    def stored(self) -> int:
        """Bytes of the item and the counter."""
        return self._size() + size_of(COUNTER)


class Markers:
    """An item for each address."""

    name = "markers"
    SIZE = 75
    """Bytes: a source, a day and an address of some 25 bytes."""

    def __init__(self) -> None:
        self._written = 0
        self._calls = 0.0
        self.write_units = 0

    @property
    def calls(self) -> int:
        """Transactions that there are more of."""
        return round(self._calls)

    def record(self, hashes: Sequence[int]) -> None:
        """Write them all, in the room that as many events had."""
        self._written += len(hashes)
        self.write_units += 2 * len(hashes)
        self._calls += len(hashes) / GROUP

    def count(self) -> float:
        """All of them."""
        return self._written

    def stored(self) -> int:
        """Bytes of all markers and the counter."""
        return self._written * self.SIZE + size_of(COUNTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One way with one number of addresses.

    Attributes:
        way: its name.
        addresses: distinct ones of a day.
        write_units: per event, beside those of counting it.
        calls: per event, likewise.
        error: root mean square of the relative error.
        stored: bytes of a day.
        year_calls: Query calls that read a year.
        year_read_units: of these calls.
    """

    way: str
    addresses: int
    write_units: float
    calls: float
    error: float
    stored: int
    year_calls: int
    year_read_units: int


def measure(addresses: int, rounds: int) -> Iterator[Measured]:
    """All ways with as many addresses."""
    rng = random.Random(addresses)
    runs: list[tuple[Counting, ...]] = []
    for _ in range(rounds):
        ways = Ours(), HyperLogLog(), Markers()
        for hashes in batched((rng.getrandbits(64) for _ in range(addresses)), GROUP, strict=False):
            for way in ways:
                way.record(hashes)
        runs.append(ways)
    for same in zip(*runs, strict=True):
        stored = round(statistics.mean(way.stored() for way in same))
        yield Measured(
            way=same[0].name,
            addresses=addresses,
            write_units=statistics.mean(way.write_units for way in same) / addresses,
            calls=statistics.mean(way.calls for way in same) / addresses,
            error=statistics.mean((way.count() / addresses - 1) ** 2 for way in same) ** 0.5,
            stored=stored,
            year_calls=math.ceil(DAYS * stored / PAGE),
            year_read_units=math.ceil(DAYS * stored / READ_UNIT),
        )


def report(console: Console, measured: Sequence[Measured]) -> None:
    """Print the figures."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    headings = ("addresses", "way", "WU", "calls", "error", "day, KB", "year, calls", "year, RU")
    for name in headings:
        table.add_column(name, justify="left" if name == "way" else "right")
    for item in measured:
        table.add_row(
            f"{item.addresses:,}",
            item.way,
            f"{item.write_units:.3f}",
            f"{item.calls:.4f}",
            f"{item.error:.2%}",
            f"{item.stored / 1024:,.1f}",
            f"{item.year_calls:,}",
            f"{item.year_read_units:,}",
        )
    console.print(
        "One day: write units (WU) and calls per event on top of counting it; relative error;\n"
        "what the day stores; Query calls and read units (RU) for a year of such days."
    )
    console.print(table)


def main() -> int:
    """Simulate, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    measured = [item for size, rounds in SIZES.items() for item in measure(size, rounds)]
    if args.json:
        print(json.dumps([asdict(item) for item in measured]))
    else:
        report(Console(markup=False, highlight=False, soft_wrap=True), measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
