"""Finds which of many patterns occur in a text, at a bounded cost even for hostile texts.

RE2's `Set` finds all patterns in one pass, by an automaton that it builds as texts need it. A
byte takes about 1 ns if its state exists and 20 µs if it has to be built, and words in an order
not seen before need a new state for every byte. The time for building is limited. When it is used
up, patterns are matched one by one, but only those of which RE2 finds a literal part in the text.
This is several times slower for a common reply, and ten times as fast for a hostile one. Both
find the same.
"""

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import re2  # type: ignore[import-untyped]  # ships no types

_SET_MEMORY = 64 << 20
"""Bytes that the set of all patterns may take."""
_PATTERN_MEMORY = 1 << 17
"""Bytes that a pattern by itself may take."""

BUILDING_TIME = 1_000_000_000
"""Nanoseconds at most that building the automaton may take at a time.

About what 700 collected replies need, or 20,000 of the benchmark's. With a quarter of it, 20,000
new replies took 1.3 times as long, and the same again 8 times; each of a stranger's first replies
took as long as before, and only their number fell, from 53 to 16.
"""
BUILDING_SHARE = 20
"""One part in so many of the time that passes is granted again."""
_KNOWN_STATES = 30_000
"""Nanoseconds that a match takes at most where no state is new."""
_NEW_STATE = 25_000
"""Nanoseconds that a new state takes at most; a longer time went by for another reason."""


def options(memory: int = _SET_MEMORY) -> Any:
    """How all patterns are compiled."""
    made = re2.Options()
    made.encoding = re2.Options.Encoding.LATIN1  # bytes for letters: half the automaton
    made.max_mem = memory
    made.never_capture = True
    made.log_errors = False
    return made


class Matcher:
    """Patterns, ready to match once all are added and `compile` was called.

    Args:
        clock: nanoseconds that have passed.
    """

    def __init__(self, *, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self.patterns: list[bytes] = []
        self._set = re2.Set.SearchSet(options())
        self._clock = clock
        self._left = BUILDING_TIME
        self._since = clock()

    def add(self, pattern: bytes) -> int:
        """Add a pattern in UTF-8; returns its index.

        Raises:
            re2.error: it cannot be matched in linear time.
        """
        self.patterns.append(pattern)
        index: int = self._set.Add(pattern)
        return index

    def compile(self) -> None:
        """Make ready to match."""
        self._set.Compile()

    @property
    def may_build(self) -> bool:
        """Whether there was time left for building the automaton when it was last asked."""
        return self._left >= 0

    def match(self, text: bytes) -> list[int]:
        """Indexes of the patterns that are found in a text, in any order."""
        if self._left < 0 and not self._is_granted():
            return self._one_by_one.match(text)
        clock = self._clock
        start = clock()
        found: list[int] = self._set.Match(text) or []
        spent = clock() - start
        if spent > _KNOWN_STATES:
            self._left -= min(spent, _NEW_STATE * len(text))
        return found

    def _is_granted(self) -> bool:
        """Whether enough time has passed to go on building the automaton."""
        now = self._clock()
        granted = (now - self._since) // BUILDING_SHARE
        if self._left + granted < 0:
            return False
        self._left = min(BUILDING_TIME, self._left + granted)
        self._since = now
        return True

    @cached_property
    def _one_by_one(self) -> "OneByOne":
        return OneByOne(self.patterns)  # an attack makes it worth its 50 ms, and nothing else


class OneByOne:
    """Patterns that are matched by themselves where one of their literal parts is found.

    Args:
        patterns: patterns of RE2, in UTF-8.
    """

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self._ascii = [n for n, pattern in enumerate(patterns) if pattern.isascii()]
        self._others = [n for n, pattern in enumerate(patterns) if not pattern.isascii()]
        self._filter = re2.Filter()
        for number in self._ascii:
            self._filter.Add(patterns[number], options(_PATTERN_MEMORY))
        self._filter.Compile()
        # Literal parts have to be whole letters, which those of other patterns may not be.
        self._set = re2.Set.SearchSet(options())
        for number in self._others:
            self._set.Add(patterns[number])
        self._set.Compile()

    def match(self, text: bytes) -> list[int]:
        """As `Matcher.match`."""
        found = [self._ascii[index] for index in self._filter.Match(text) or ()]
        return found + [self._others[index] for index in self._set.Match(text) or ()]
