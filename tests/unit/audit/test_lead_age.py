"""How old leads were when they first bounced."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from bounceledger.audit import DeadAddress
from bounceledger.audit.lead_age import lead_age
from bounceledger.verdict import Category

BOUNCED = datetime(2026, 11, 26, 8, tzinfo=UTC)


def lead(age: int | None, bounced_at: datetime | None = BOUNCED) -> DeadAddress:
    return DeadAddress(
        domain="a.example",
        category=Category.MAILBOX_UNKNOWN,
        bounced_at=bounced_at,
        lead_date=None if age is None else BOUNCED.date() - timedelta(days=age),
    )


@pytest.mark.parametrize(
    ("age", "bucket"),
    [
        *((0, "0-30"), (30, "0-30"), (31, "31-90"), (90, "31-90"), (91, "91-180")),
        *((180, "91-180"), (181, "181-365"), (365, "181-365"), (366, "366+"), (4000, "366+")),
    ],
)
def test_ages_are_counted_in_buckets(age: int, bucket: str) -> None:
    found = lead_age([lead(age)])
    assert found
    assert {name: count for name, count in found.buckets.items() if count} == {bucket: 1}
    assert found.median == age


def test_leads_without_a_usable_date_are_counted_apart() -> None:
    # GIVEN leads with a date, without one, without a bounce, and collected after it bounced
    leads = [lead(10), lead(20), lead(40), lead(None), lead(5, None), lead(-1)]

    # WHEN ages are counted
    found = lead_age(leads)

    # THEN each lead is counted once
    assert found
    assert sum(found.buckets.values()) == 3
    assert (found.median, found.without_date, found.after_bounce) == (20, 2, 1)


def test_without_any_date_there_is_no_age() -> None:
    assert lead_age([]) is None
    assert lead_age([lead(None), lead(-3)]) is None


def test_days_are_those_of_utc() -> None:
    local = datetime(2026, 11, 26, 23, tzinfo=timezone(timedelta(hours=-5)))
    address = DeadAddress(
        domain="a.example",
        category=Category.MAILBOX_MOVED,
        bounced_at=local,
        lead_date=date(2026, 11, 26),
    )
    found = lead_age([address])
    assert found
    assert found.median == 1
