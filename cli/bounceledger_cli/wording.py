"""Small helpers for sentences."""

from datetime import datetime


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun, such as ``1 address`` or ``1,204 addresses``.

    Args:
        number: how many.
        one: the noun in the singular.
        many: the noun in the plural; by default the singular with an ``s``.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def utc_time(moment: datetime | None) -> str | None:
    """A time in UTC as the API writes it, such as ``2026-11-20T12:00:00Z``; None for none."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None
