"""Rates of outcomes, from the counters of a lead source."""

from collections.abc import Mapping

BOUNCES = ("hard", "soft", "block", "echo")
"""Together with deliveries, the denominator of a rate."""

RATES = ("hard", "soft", "block", "complaint")
"""Outcomes that have a rate."""


def rates(counters: Mapping[str, int]) -> dict[str, float | None]:
    """Shares of deliveries and bounces, 0.0 to 1.0; None where there were neither.

    Args:
        counters: counts by outcome, as in `ledger.Counts`; absent ones are 0.
    """
    sent = messages_sent(counters)
    return {name: counters.get(name, 0) / sent if sent else None for name in RATES}


def messages_sent(counters: Mapping[str, int]) -> int:
    """Messages with an outcome, which is the denominator of a rate."""
    return counters.get("delivered", 0) + sum(counters.get(name, 0) for name in BOUNCES)
