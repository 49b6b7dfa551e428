"""The thresholds of an audit."""

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Self

from bounceledger.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class AuditThresholds:
    """When a source is good or bad, and how sure that has to be. Rates are 0.0 to 1.0."""

    bad_above: float = 0.05
    """A source is bad if its rate is certainly above this."""
    good_below: float = 0.02
    """A source is good if its rate is certainly below this."""
    watch_above: float = 0.01
    """A source that is certainly not bad is `watch`, and waits no longer for the verdict good, if
    its rate is certainly above this: it is near `good_below`, on whichever side."""
    confidence: float = 0.95
    """Confidence of every interval, two-sided."""
    max_false_bad: float = 0.05
    """Probability, at most, with which a source whose rate is exactly `bad_above` is called bad.
    Wilson's lower bound alone exceeds 0.05 at up to 96 addresses, and reaches 0.14 at three."""
    min_addresses: int = 20
    """Addresses without which there is no verdict. Those of a short list are often of a few
    companies, and fail together."""
    false_discovery: float = 0.05
    """Share, at most, of the sources said to differ from the others that do not (expected)."""

    def __post_init__(self) -> None:
        """Reject impossible values; raises SettingsError."""
        if not 0 < self.good_below < self.bad_above < 1:
            raise SettingsError("GOOD_BELOW must be above 0 and below BAD_ABOVE, BAD_ABOVE below 1")
        if not 0 < self.watch_above <= self.good_below:
            raise SettingsError("WATCH_ABOVE must be above 0 and at most GOOD_BELOW")
        for name in ("confidence", "max_false_bad", "false_discovery"):
            if not 0 < getattr(self, name) < 1:
                raise SettingsError(f"{name.upper()} must be above 0 and below 1")
        if self.min_addresses < 1:
            raise SettingsError("MIN_ADDRESSES must be at least 1")

    @classmethod
    def of_percent(cls, *, bad_above: float, good_below: float) -> Self:
        """The thresholds of a deployment, which sets two of them in per cent.

        `watch_above` is half of `good_below`, as it is by default.
        """
        good = good_below / 100
        return cls(bad_above=bad_above / 100, good_below=good, watch_above=good / 2)

    @cached_property
    def z(self) -> float:
        """Standard normal quantile of `confidence`, 1.96 for 0.95."""
        return NormalDist().inv_cdf((1 + self.confidence) / 2)
