"""Which lead sources are on the list of all, as far as this execution environment knows."""

from collections.abc import Iterable
from datetime import date
from threading import Lock

MAX_KNOWN = 20_000
"""Lead sources that an environment remembers; beyond that it reads the list again."""


class SeenSources:
    """The lead sources that are on the list, and the new ones of today. Safe to share between
    threads.

    Args:
        limit: new lead sources that are admitted on one day. Those on the list always are, so
            that nobody can push them out by making up others.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._day: date | None = None
        self._new: set[str] = set()
        self._listed: set[str] = set()
        self._lock = Lock()

    def unlisted(self, sources: Iterable[str]) -> list[str]:
        """Those that are not known to be on the list, in their order, without repetition."""
        with self._lock:
            return [source for source in dict.fromkeys(sources) if source not in self._listed]

    def mark_listed(self, sources: Iterable[str]) -> None:
        """Remember that these are on the list."""
        with self._lock:
            if len(self._listed) >= MAX_KNOWN:
                self._listed.clear()
            self._listed.update(sources)

    def admit(self, source: str, day: date) -> bool:
        """Whether a lead source is on the list, or among the day's first new ones."""
        with self._lock:
            if day != self._day:
                self._day, self._new = day, set()
            if source in self._listed or source in self._new:
                return True
            if len(self._new) >= self._limit:
                return False
            self._new.add(source)
            return True
