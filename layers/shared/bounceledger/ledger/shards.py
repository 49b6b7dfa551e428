"""Which shard of a day's counters a writer adds to."""

import secrets
from collections.abc import Callable
from threading import Lock

MAX_BLOCKS = 512
"""Blocks of shards among which execution environments draw, at most."""


class Shards:
    """Which shard of a counter a writer adds to. Safe to share between threads.

    A writer is one thread of an execution environment. Each writer of an environment has its
    own shard; together these are the environment's block. Every environment begins with the
    first block and, whenever it meets another one, draws one from half as many again. So a
    day's shards are few where few environments were at work side by side (bench/counters.py).
    """

    def __init__(self, writers: int, draw: Callable[[int], int] = secrets.randbelow) -> None:
        self._writers = writers
        self._draw = draw
        self._blocks = 1
        self._block = 0
        self._lock = Lock()

    def of(self, writer: int) -> int:
        """The shard of a writer."""
        return self._block * self._writers + writer

    def leave(self, shard: int) -> None:
        """Draw another block, since someone else is writing to this shard.

        Only the first of several writers that say so about one block makes it move.
        """
        with self._lock:
            if shard // self._writers != self._block:
                return
            self._blocks = min(self._blocks + max(1, self._blocks // 2), MAX_BLOCKS)
            drawn = self._draw(self._blocks - 1)
            self._block = drawn if drawn < self._block else drawn + 1
