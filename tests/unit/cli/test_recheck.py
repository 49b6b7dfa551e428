"""``bounceledger recheck``: domains that are due."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.ledger import DueDomain
from tests.fakes import FakeProbes
from tests.unit.cli.runner import Ran, run

DAY = date(2026, 11, 30)


class Due:
    """Two domains that were due yesterday, one of them on the day before as well."""

    def due_domains(self, until: date, *, after: DueDomain | None = None) -> Iterator[DueDomain]:
        assert after is None
        if until >= DAY:
            yield DueDomain(DAY - timedelta(days=1), "a.test")
            yield DueDomain(DAY, "a.test")
            yield DueDomain(DAY, "b.test")


def recheck(*argv: str) -> tuple[Ran, FakeProbes]:
    sent = FakeProbes()
    ran = run("recheck", *argv, rechecks=Due(), probe_queue=sent)
    assert ran.code == 0
    return ran, sent


def test_domains_that_are_due_are_sent_and_named() -> None:
    """An operator can start the recheck without waiting for the schedule."""
    # WHEN the day after is rechecked manually
    ran, sent = recheck("--day", "2026-12-01")

    # THEN the domains that were missed are sent, for each day on which they were due
    before = DAY - timedelta(days=1)
    assert sent.requests == [
        ProbeRequest("a.test", due=before),
        ProbeRequest("a.test", due=DAY),
        ProbeRequest("b.test", due=DAY),
    ]
    assert ran.out == "a.test\nb.test\n"


def test_a_dry_run_sends_nothing() -> None:
    ran, sent = recheck("--day", "2026-12-01", "--dry-run")
    assert sent.requests == []
    assert ran.out == "a.test\nb.test\n"
    assert "2 domains due" in ran.err


def test_no_day_is_too_long_past() -> None:
    long_after = DAY + timedelta(days=400)
    assert len(recheck("--day", long_after.isoformat())[1].requests) == 3


def test_a_table_and_a_queue_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN neither variables nor options
    monkeypatch.delenv("TABLE_NAME", raising=False)
    monkeypatch.delenv("PROBE_QUEUE_URL", raising=False)

    # WHEN run THEN the message lists the ways to give one
    ran = run("recheck", "--dry-run")
    assert ran.code == 2
    assert "no table given; use --table, --stack or set TABLE_NAME" in ran.err
    ran = run("recheck", rechecks=Due())
    assert ran.code == 2
    assert "no queue given; use --queue, --stack or set PROBE_QUEUE_URL" in ran.err


def test_today_is_the_default_day() -> None:
    # WHEN no day is given THEN the clock decides
    ran = run(
        "recheck", "--dry-run", rechecks=Due(), clock=lambda: datetime(2026, 12, 1, tzinfo=UTC)
    )
    assert ran.out == "a.test\nb.test\n"
