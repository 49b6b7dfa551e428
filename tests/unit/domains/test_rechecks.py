"""When a domain is probed again, and which domains are due."""

from datetime import timedelta

import pytest

from bounceledger.domains.lookup import Lookup
from bounceledger.domains.rechecks import due, next_recheck
from bounceledger.policy import Policy
from tests.unit.domains.dns_answers import (
    NOW,
    PUBLIC,
    a,
    look,
    mx,
)
from tests.unit.domains.due_days import DAYS, TODAY


@pytest.mark.parametrize(
    ("known", "days"),
    [
        ({("a.test", "MX"): mx((0, "."))}, 90),
        ({}, 90),
        ({("a.test", "A"): a(PUBLIC)}, 90),
        ({("a.test", "MX"): mx((10, "mx.test")), ("mx.test", "A"): a(PUBLIC)}, None),
        ({("a.test", "MX"): Lookup(code="SERVFAIL")}, None),
    ],
)
def test_a_verdict_that_suppresses_is_due_for_a_recheck(
    known: dict[tuple[str, str], Lookup], days: int | None
) -> None:
    """No suppression lasts without being checked again, and no other verdict costs a recheck."""
    # GIVEN DNS answers that lead to a verdict
    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN a recheck is due where the verdict suppresses, and nowhere else
    assert next_recheck(found, Policy()) == (NOW + timedelta(days=days) if days else None)


def test_domains_of_missed_days_are_due_once() -> None:
    """A schedule that failed for days loses no recheck."""
    # WHEN the domains that are due are listed
    # THEN those of missed days come first, none of tomorrow's do
    assert list(due(DAYS, TODAY)) == ["long-missed.test", "b.test", "missed.test", "a.test"]
