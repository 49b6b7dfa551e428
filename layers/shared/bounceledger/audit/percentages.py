"""Percentages for people, written in one way in explanations, tables and pages.

Measured rates have one decimal, and two below 1 %. Thresholds are exact, so they are written as
they were set.
"""

_MOST_DECIMALS = 6


def number(share: float, *, beside: float | None = None) -> str:
    """A share as a number of percent, such as ``9.4``, ``0.04``, or ``0`` for exactly none.

    Args:
        share: 0.0 to 1.0.
        beside: a threshold that the share is not equal to. Where both would read alike, such as
            5.04 % and 5 %, the share gets more decimals.
    """
    value = 100 * share
    if value in {0, 100}:
        return f"{value:.0f}"
    decimals = 2 if round(value, 2) < 1 else 1
    text = f"{value:.{decimals}f}"
    if not float(text):
        return "<0.01"
    while beside is not None and float(text) == 100 * beside and decimals < _MOST_DECIMALS:
        decimals += 1
        text = f"{value:.{decimals}f}"
    return text


def percent(share: float, *, beside: float | None = None) -> str:
    """A share such as ``9.4%`` or ``0.04%``; arguments as for `number`."""
    return f"{number(share, beside=beside)}%"


def interval(low: float, high: float) -> str:
    """An interval of shares, such as ``8.1 to 10.9%``."""
    return f"{number(low)} to {number(high)}%"


def threshold(share: float) -> str:
    """A share that somebody set, such as ``5%`` or ``0.1%``."""
    return f"{100 * share:.6g}%"
