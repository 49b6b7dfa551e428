"""How far an account is from the rates at which SES reviews and pauses it.

Source: SES developer guide, "Reputation metrics": reviews begin at 5 % bounces or 0.1 %
complaints, sending may be paused at 10 % and 0.5 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bounceledger.audit.intervals import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One rate of the account, and SES's limits for it; 0.0 to 1.0.

    Attributes:
        rate: estimated; None where nothing was sent.
        low, high: bounds of its interval; None where nothing was sent. They hold for our own
            count, not for what makes it an estimate.
        review, pause: where SES reviews the account, and where it may pause it.
    """

    rate: float | None
    low: float | None
    high: float | None
    review: float
    pause: float

    @property
    def headroom(self) -> float | None:
        """By how much the rate may rise before SES reviews the account; negative above it."""
        return None if self.rate is None else self.review - self.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingLimits:
    """Both limits of an account.

    These are estimates: SES counts by its own bounce types, which are not our categories, and
    over its own "representative volume", which it does not publish.

    Attributes:
        bounce, complaint: the limits.
        reported_bounce_rate: SES's own figure, the CloudWatch metric `Reputation.BounceRate`;
            None where it was not read.
    """

    bounce: Limit
    complaint: Limit
    reported_bounce_rate: float | None = None


def sending_limits(
    raw: Mapping[str, Rate], *, reported_bounce_rate: float | None = None
) -> SendingLimits:
    """The account's distance from SES's limits.

    Args:
        raw: share of the account's messages by outcome. Hard bounces are compared with the
            limit; echoes are not, since SES leaves out those of the account's own suppression
            list.
        reported_bounce_rate: what SES reports itself, 0.0 to 1.0, if it was read.
    """
    return SendingLimits(
        bounce=_limit(raw["hard"], review=0.05, pause=0.10),
        complaint=_limit(raw["complaint"], review=0.001, pause=0.005),
        reported_bounce_rate=reported_bounce_rate,
    )


def _limit(found: Rate, *, review: float, pause: float) -> Limit:
    return Limit(rate=found.rate, low=found.low, high=found.high, review=review, pause=pause)
