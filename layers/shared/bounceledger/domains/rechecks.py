"""Which domains are due for another look at DNS."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Protocol

LOOK_BACK = 30
"""Days past whose rechecks are still made up for."""


class Rechecks(Protocol):
    """What `due` needs of a `ledger.Ledger`."""

    def due_rechecks(self, day: date) -> Iterator[str]:
        """Host names whose recheck falls on a UTC day."""
        ...


def due(rechecks: Rechecks, today: date, *, days: int = LOOK_BACK) -> Iterator[str]:
    """Domains whose recheck day has come, or came and was missed, each once.

    A domain's day moves on when a probe finds out something or is given up, so what comes
    up again was not answered yet.

    Args:
        rechecks: the ledger.
        today: UTC day.
        days: how many days before it to look at.
    """
    seen: set[str] = set()
    for back in range(days, -1, -1):
        for domain in rechecks.due_rechecks(today - timedelta(days=back)):
            if domain not in seen:
                seen.add(domain)
                yield domain
