"""Domains that are due for a recheck, by day."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from bounceledger.domains.rechecks import LOOK_BACK
from tests.probing import NOW


class Days:
    """Domains that are due, by day."""

    def __init__(self, days: Mapping[date, Sequence[str]]) -> None:
        self.days = days

    def due_rechecks(self, day: date) -> Iterator[str]:
        yield from self.days.get(day, ())


TODAY = NOW.date()


DAYS = Days(
    {
        TODAY: ["a.test", "b.test"],
        TODAY - timedelta(days=1): ["b.test", "missed.test"],
        TODAY - timedelta(days=LOOK_BACK): ["long-missed.test"],
        TODAY - timedelta(days=LOOK_BACK + 1): ["forgotten.test"],
        TODAY + timedelta(days=1): ["tomorrow.test"],
    }
)
