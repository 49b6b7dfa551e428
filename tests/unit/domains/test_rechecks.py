"""When a domain is probed again, and which domains are due."""

from datetime import timedelta

import pytest

from bounceledger.domains.lookup import Lookup
from bounceledger.domains.rechecks import LOOK_BACK, due, next_recheck
from bounceledger.ledger import items
from bounceledger.policy import Policy
from bounceledger.state import DomainFacts
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
        ({("a.test", "MX"): mx((0, "."))}, 1),
        ({}, 1),
        ({("a.test", "A"): a(PUBLIC)}, 1),
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
    domain = DomainFacts(domain="a.test", probe=found)
    assert next_recheck(domain, Policy()) == (NOW + timedelta(days=days) if days else None)


def test_domains_of_missed_days_are_due_once() -> None:
    """A schedule that failed for days loses no recheck."""
    # WHEN the domains that are due are listed
    # THEN those of missed days come first, none of tomorrow's do
    requests = list(due(DAYS, TODAY))
    assert [r.domain for r in requests] == ["long-missed.test", "b.test", "missed.test", "a.test"]

    # AND each says on which day it was due
    yesterday = TODAY - timedelta(days=1)
    days = [TODAY - timedelta(days=LOOK_BACK), yesterday, yesterday, TODAY]
    assert [request.due for request in requests] == days


def test_a_due_day_is_kept_until_nobody_looks_back_for_it() -> None:
    assert timedelta(days=LOOK_BACK + 1) < items.RECHECK_LIFE
