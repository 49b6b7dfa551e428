"""When a domain is probed again, and which domains are due."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from bounceledger.domains.lookup import Lookup
from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.rechecks import due, next_recheck, request_due
from bounceledger.errors import LedgerError, QueueError
from bounceledger.ledger import DueDomain
from bounceledger.policy import Policy
from bounceledger.state import DomainFacts
from tests.unit.domains.dns_answers import (
    NOW,
    PUBLIC,
    a,
    look,
    mx,
)
from tests.unit.domains.due_days import DUE, TODAY, FakeRechecks, ago, rechecks


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


def requests(items: list[DueDomain]) -> list[ProbeRequest]:
    return [ProbeRequest(item.domain, due=item.day) for item in items]


def test_domains_of_missed_days_are_due_however_long_ago() -> None:
    """A schedule that failed for a year loses no recheck."""
    # WHEN the domains that are due are listed
    # THEN the longest overdue come first, and none of tomorrow's does
    assert list(due(rechecks(), TODAY)) == requests(DUE)


MANY = [ago(days, f"{n}.test") for days in (3, 2, 0) for n in range(10, 40)]


class Run:
    """Runs of the schedule, one after the other, with what they sent."""

    def __init__(self, ledger: FakeRechecks) -> None:
        self.ledger = ledger
        self.sent: list[ProbeRequest] = []
        self.calls_left = 0

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        if self.calls_left == 0:
            raise QueueError("could not send to the probe queue")
        self.calls_left -= 1
        self.sent += requests

    def __call__(self, *, calls: int = 1000, days: int = 0, seconds: float = 1000) -> bool:
        """Run with a queue that takes some calls, and time for some; whether it finished."""
        self.calls_left = calls
        ticks = count()
        return request_due(
            self.ledger,
            self,
            TODAY + timedelta(days=days),
            deadline=NOW + timedelta(seconds=seconds),
            clock=lambda: NOW + timedelta(seconds=next(ticks)),
            per_save=7,
        ).finished


def test_one_run_requests_everything_once() -> None:
    run = Run(FakeRechecks(MANY))
    assert run()
    assert run.sent == requests(MANY)


def test_a_run_after_the_days_last_one_has_nothing_to_do() -> None:
    """Lambda may run it again, and the schedule does."""
    # GIVEN a pass that is finished
    run = Run(FakeRechecks(MANY))
    run()
    run.sent.clear()
    # WHEN the schedule runs again on that day THEN nothing is sent
    assert run()
    assert run.sent == []
    # AND on the next day all that is unanswered is
    assert run(days=1)
    assert run.sent == requests(MANY)


@pytest.mark.parametrize("seconds", [0, 1, 2, 5])
def test_runs_without_time_go_on_where_the_last_one_stopped(seconds: int) -> None:
    # GIVEN runs that have time for a few calls of the queue only
    run = Run(FakeRechecks(MANY))
    # WHEN as many are made as it takes
    runs = 1
    while not run(seconds=max(seconds, 1) if runs > 1 else seconds):
        runs += 1
    # THEN each domain was requested once
    assert run.sent == requests(MANY)


@pytest.mark.parametrize("calls", range(13))
def test_a_run_that_fails_is_continued_and_nothing_is_sent_again(calls: int) -> None:
    # GIVEN a run that ends as the queue fails
    run = Run(FakeRechecks(MANY))
    with pytest.raises(QueueError):
        run(calls=calls)
    # WHEN the next one succeeds, some days later
    assert run(days=5)
    # THEN each domain was requested once
    assert run.sent == requests(MANY)


def test_a_pass_that_never_comes_to_its_end_in_a_day_reaches_every_domain() -> None:
    """What is first in the order must not keep the rest from being looked at."""
    # GIVEN domains of which none is ever answered, and time for a few each day
    run = Run(FakeRechecks(MANY))
    # WHEN a fortnight passes
    for day in range(14):
        run(days=day, seconds=1)
    # THEN each was requested
    assert {(request.due, request.domain) for request in run.sent} == {*MANY}


def test_of_two_runs_at_once_one_stops() -> None:
    """The one that goes on sends everything, and the other little."""
    # GIVEN a run during which another one saves its progress
    ledger = FakeRechecks(MANY)
    other, run = Run(ledger), Run(ledger)

    class Interrupted(FakeRechecks):
        def due_domains(self, *arguments: Any, **named: Any) -> Iterator[DueDomain]:
            for number, item in enumerate(ledger.due_domains(*arguments, **named)):
                if number == 20:
                    other()
                yield item

        recheck_pass = staticmethod(ledger.recheck_pass)
        save_recheck_pass = staticmethod(ledger.save_recheck_pass)

    run.ledger = Interrupted([])
    # THEN it ends
    with pytest.raises(LedgerError, match="another recheck is under way"):
        run()
    # AND all were requested
    assert other.sent == requests(MANY[14:])
    assert run.sent == requests(MANY[:21])
    assert ledger.progress.finished == TODAY
