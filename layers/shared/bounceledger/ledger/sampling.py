"""Which items an execution environment adds hashes of addresses to. No calls.

The hashes of a lead source's day are stored in the shards of its counters, by an ADD that is part
of the transaction and costs no action of its own. So that such a write stays small, a shard goes on
in another item, its next *part*, once an item holds `MAX_PART` hashes. When the parts of a shard
hold more than `MAX_SAMPLE`, the level rises, and the hashes that a sample of that level does not
hold are removed.

An environment knows neither the parts nor the level from the beginning, and need not: a hash that
is one too many is left out by whoever reads it. One hash in `LOOK_EVERY` makes the environment look
at the parts after it was written, so the more is added, the more often someone looks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from bounceledger.state.samples import MAX_LEVEL, Sample, hash_of, union

MAX_SAMPLE = 5000
"""Hashes of a shard that are counted exactly; above, a sample holds half of them to all."""
MAX_PART = 256
"""Hashes of an item, 1 KB, after which the next ones go to another."""
LOOK_EVERY = 256
"""One hash of so many makes its writer look at the parts."""
MAX_PLACES = 2000
"""Shards of which an environment remembers where to add; it forgets them all beyond that."""


class Place(NamedTuple):
    """Where to add the hashes of a shard, and which of them."""

    part: int = 0
    level: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """Hashes that a part holds and the shard's sample does not."""

    part: int
    level: int
    answered: frozenset[bytes]
    blocked: frozenset[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """What follows from a look at the parts of a shard.

    Attributes:
        place: where to add from now on.
        trims: what to remove.
    """

    place: Place
    trims: tuple[Trim, ...]


class Sampling:
    """Hashes addresses, and remembers where they go. Safe to share between threads."""

    def __init__(
        self,
        secret: bytes = b"",
        *,
        max_sample: int = MAX_SAMPLE,
        max_part: int = MAX_PART,
        look_every: int = LOOK_EVERY,
    ) -> None:
        """Nothing is known yet.

        Args:
            secret: key of the hashes; may be given later.
            max_sample: hashes of a shard, at most.
            max_part: hashes of an item after which the next ones go to another.
            look_every: one hash of so many makes its writer look at the parts; up to 65,536.
        """
        self.secret = secret
        self._max_sample, self._max_part = max_sample, max_part
        self._look_every = look_every
        self._places: dict[tuple[str, date, int], Place] = {}

    def hash_of(self, address: str) -> bytes:
        """Hash of an address in canonical form."""
        return hash_of(address, self.secret)

    def place(self, source: str, day: date, shard: int) -> Place:
        """Where hashes of a lead source's day go, as far as is known."""
        return self._places.get((source, day, shard), Place())

    def remember(self, source: str, day: date, shard: int, place: Place) -> None:
        """Add the hashes there from now on."""
        if len(self._places) >= MAX_PLACES:
            self._places.clear()
        self._places[source, day, shard] = place

    def asks_for_a_look(self, hashed: bytes) -> bool:
        """Whether a hash, once written, makes its writer look at the parts."""
        return int.from_bytes(hashed[-2:]) % self._look_every == 0

    def arrange(self, parts: Mapping[int, Sample]) -> Arrangement:
        """Find the level at which a shard's sample has room, and a part that has.

        Args:
            parts: what each part holds.
        """
        together = union(parts.values())
        while together.size > self._max_sample and together.level < MAX_LEVEL:
            together = union([together, Sample(level=together.level + 1)])
        level = together.level
        trims = []
        sizes = {}
        for part, sample in parts.items():
            kept = union([sample, Sample(level=level)])
            sizes[part] = kept.size
            answered, blocked = sample.answered - kept.answered, sample.blocked - kept.blocked
            if answered or blocked:
                trims.append(Trim(part=part, level=level, answered=answered, blocked=blocked))
        with_room = (part for part in sorted(sizes) if sizes[part] < self._max_part)
        place = Place(part=next(with_room, len(sizes)), level=level)
        return Arrangement(place=place, trims=tuple(trims))
