"""Samples of addresses, from which distinct addresses are counted.

An address is represented by a keyed hash. A sample of level *n* holds the hashes that begin with
*n* zero bits, which one address in 2**n has, so it counts addresses exactly at level 0 and
estimates their number above. Whether a hash belongs to a sample does not depend on the other
hashes: samples are joined by union, in any order, and the same hash twice is the same as once.
This is Wegman's adaptive sampling (Flajolet, "On adaptive sampling", Computing 43, 1990).
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

HASH_BYTES = 4
"""Bytes of a hash: enough for a thousand million addresses, and few to store."""
MAX_LEVEL = 20
"""Highest level: room for 2**20 times the hashes that a sample may hold."""

_BITS = 8 * HASH_BYTES


def hash_of(address: str, secret: bytes) -> bytes:
    """Hash of an address in canonical form, `HASH_BYTES` long.

    Without the secret nobody can choose addresses whose hashes bend an estimate, or find out
    whether a sample holds an address.
    """
    return hashlib.blake2b(address.encode(), digest_size=HASH_BYTES, key=secret).digest()


def is_of_level(hashed: bytes, level: int) -> bool:
    """Whether a sample of this level holds a hash, that is: it begins with so many zero bits."""
    return int.from_bytes(hashed) >> (_BITS - level) == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Hashes of some addresses that were mailed.

    Attributes:
        level: zero bits with which each hash begins.
        answered: of addresses about which a server answered: those with a delivery or a bounce
            of `verdict.ANSWERS`.
        blocked: of addresses with a block or another soft bounce, which says nothing about them.
    """

    level: int = 0
    answered: frozenset[bytes] = frozenset()
    blocked: frozenset[bytes] = frozenset()

    @property
    def size(self) -> int:
        """Distinct hashes."""
        return len(self.answered | self.blocked)

    @property
    def mailed(self) -> int:
        """Distinct addresses with an answer, estimated above level 0."""
        return self._estimate(len(self.answered))

    @property
    def mailed_error(self) -> float:
        """Relative standard error of `mailed`; 0.0 where it is exact."""
        held = len(self.answered)
        return math.sqrt((1 - 0.5**self.level) / held) if self.level and held else 0.0

    @property
    def unanswered(self) -> int:
        """Distinct addresses about which no server answered, estimated above level 0."""
        return self._estimate(len(self.blocked - self.answered))

    def _estimate(self, held: int) -> int:
        # Two addresses may have one hash: as many more as linear counting says.
        hashes = 2.0 ** (_BITS - self.level)
        return round(-hashes * math.log1p(-min(held, hashes - 1) / hashes) * 2.0**self.level)


def union(samples: Iterable[Sample]) -> Sample:
    """The sample of all addresses of some samples, of the highest of their levels."""
    samples = list(samples)
    level = max((sample.level for sample in samples), default=0)
    return Sample(
        level=level,
        answered=_held(level, (sample.answered for sample in samples)),
        blocked=_held(level, (sample.blocked for sample in samples)),
    )


def _held(level: int, sets: Iterable[frozenset[bytes]]) -> frozenset[bytes]:
    together = frozenset[bytes]().union(*sets)
    if not level:
        return together
    # Equally long strings of bytes sort as the numbers that they stand for.
    end = (1 << (_BITS - level)).to_bytes(HASH_BYTES)
    return frozenset(hashed for hashed in together if hashed < end)
