"""Ranges of UTC days, as ``--from`` and ``--to`` give them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bounceledger_cli.errors import CommandError

DEFAULT_DAYS = 30
FIRST_DAY = date(2011, 1, 1)
"""SES sent no mail before."""

type Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Days:
    """The days that were asked for.

    Attributes:
        first: the first day; None for `DEFAULT_DAYS` days in all.
        last: the last day; None for today.
    """

    first: date | None = None
    last: date | None = None

    def resolve(self, today: date) -> tuple[date, date]:
        """First and last day.

        Args:
            today: the UTC day.

        Raises:
            CommandError: the days are too early, or the first is later than the last.
        """
        last = self.last or today
        if min(last, self.first or last) < FIRST_DAY:
            raise CommandError(f"SES sent no mail before {FIRST_DAY}")
        first = self.first or last - timedelta(days=DEFAULT_DAYS - 1)
        if first > last:
            raise CommandError(f"--from {first} is later than --to {last}")
        return first, last
