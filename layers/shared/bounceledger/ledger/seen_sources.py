"""Which lead sources this execution environment has seen, today and on the list of all."""

from collections.abc import Iterable
from datetime import date
from threading import Lock


class SeenSources:
    """The lead sources that this execution environment has seen. Safe to share between threads.

    Args:
        cap: distinct lead sources that are admitted on one day.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._day: date | None = None
        self._today: set[str] = set()
        self._listed: set[str] = set()
        self._lock = Lock()

    def admit(self, source: str, day: date) -> bool:
        """Whether a lead source is among the first `cap` of the day, in this environment."""
        with self._lock:
            if day != self._day:
                self._day, self._today = day, set()
            if source not in self._today and len(self._today) < self._cap:
                self._today.add(source)
            return source in self._today

    def unlisted(self, sources: Iterable[str]) -> list[str]:
        """Those that are not known to be on the list of all."""
        with self._lock:
            return sorted(set(sources) - self._listed)

    def mark_listed(self, sources: Iterable[str]) -> None:
        """Remember that these are on the list."""
        with self._lock:
            self._listed.update(sources)
