"""How old leads were when they first bounced."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from statistics import median

from bounceledger.audit.periods import DeadAddress

BUCKETS: Mapping[str, int] = {"0-30": 30, "31-90": 90, "91-180": 180, "181-365": 365}
"""Days, by their upper ends; older leads are in the last bucket, `OLDER`."""
OLDER = "366+"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadAge:
    """Ages of leads at their first hard bounce.

    Attributes:
        buckets: leads by age in days.
        median: of the ages, days.
        without_date: dead leads whose message had no valid tag `lead_date`.
        after_bounce: dead leads whose `lead_date` is later than the bounce, so it is wrong.
    """

    buckets: Mapping[str, int]
    median: float
    without_date: int
    after_bounce: int


def lead_age(addresses: Iterable[DeadAddress]) -> LeadAge | None:
    """Ages of dead leads; None where no lead has a usable date."""
    ages: list[int] = []
    without_date = after_bounce = 0
    for address in addresses:
        age = _age(address)
        if age is None:
            without_date += 1
        elif age < 0:
            after_bounce += 1
        else:
            ages.append(age)
    if not ages:
        return None
    buckets = dict.fromkeys((*BUCKETS, OLDER), 0)
    for age in ages:
        buckets[_bucket(age)] += 1
    return LeadAge(
        buckets=buckets,
        median=median(ages),
        without_date=without_date,
        after_bounce=after_bounce,
    )


def _age(address: DeadAddress) -> int | None:
    if address.lead_date is None or address.bounced_at is None:
        return None
    bounced: date = address.bounced_at.astimezone(UTC).date()
    return (bounced - address.lead_date).days


def _bucket(age: int) -> str:
    return next((name for name, end in BUCKETS.items() if age <= end), OLDER)
