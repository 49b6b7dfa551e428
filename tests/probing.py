"""A prober with fakes for the ledger, the queue and DNS, and messages for it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.prober import (
    Prober,
)
from bounceledger.errors import LedgerError, QueueError
from bounceledger.policy import Policy
from bounceledger.state import DomainFacts, Json, PendingProbe, Probe, Span, join_domain
from bounceledger.state import DomainVerdict as V
from bounceledger.verdict import Cause
from tests.fakes import FakeDeadLetters

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


CLAIM = {Cause.NO_MAIL_ACCEPTED: Span.at(NOW - timedelta(minutes=2))}


class FakeDomainLedger:
    """The domain's part of a ledger, in memory; it can be down."""

    def __init__(self, *, down: bool = False) -> None:
        self.domains: dict[str, DomainFacts] = {}
        self.pending: dict[str, PendingProbe] = {}
        self.writes = 0
        self.ended: list[date] = []
        self._down = down

    def probe_state(self, domain: str) -> tuple[DomainFacts, PendingProbe | None]:
        known = self.domains.get(domain, DomainFacts(domain=domain))
        return known, self.pending.get(domain)

    def save_pending(self, pending: PendingProbe) -> bool:
        before = self.pending.get(pending.domain)
        if (before.version if before else 0) != pending.version:
            return False
        self.pending[pending.domain] = replace(pending, version=pending.version + 1)
        return True

    def record_probe(
        self,
        known: DomainFacts,
        probe: Probe,
        *,
        claims: Mapping[Cause, Span] | None = None,
        due: date | None = None,
        pending: PendingProbe | None = None,
    ) -> DomainFacts:
        if due is not None:
            self.ended.append(due)
        if pending:
            del self.pending[pending.domain]
        if self._down:
            raise LedgerError("the table did not answer")
        domain = known.domain
        before = self.domains.get(domain, DomainFacts(domain=domain))
        after = join_domain(before, DomainFacts(domain=domain, probe=probe, claims=claims or {}))
        self.writes += after != before
        self.domains[domain] = after
        return after


class FakeProbeQueue:
    """Remembers for how long messages are hidden; it can be down."""

    def __init__(self, *, down: bool = False) -> None:
        self.hidden: list[tuple[str, int]] = []
        self._down = down

    def hide(self, receipt_handle: str, seconds: int) -> None:
        if self._down:
            raise QueueError("could not extend the visibility timeout")
        self.hidden.append((receipt_handle, seconds))


class FakeDns:
    """Finds the same for every domain, and remembers the probes."""

    def __init__(self, verdict: V = V.NULL_MX) -> None:
        self.verdict = verdict
        self.now = NOW
        self.probed: list[str] = []

    def __call__(self, domain: str) -> Probe:
        self.probed.append(domain)
        details: dict[str, Json] = {"answers": {f"MX {domain}": "NOERROR"}, "warnings": []}
        return Probe(verdict=self.verdict, probed_at=self.now, details=details)


def message(request: ProbeRequest | str, number: int = 1) -> dict[str, Any]:
    """A message of the queue, by its number."""
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"handle-{number}",
        "body": request if isinstance(request, str) else request.to_body(),
    }


def pending(
    domain: str, *, since: timedelta, next_in: timedelta = timedelta(0), looks: int = 1
) -> PendingProbe:
    """A probe that message 1 retries, first made some time ago."""
    return PendingProbe(
        domain=domain,
        message_id="message-1",
        since=NOW - since,
        next_at=NOW + next_in,
        looks=looks,
    )


def prober(
    dns: FakeDns,
    facts: FakeDomainLedger | None = None,
    queue: FakeProbeQueue | None = None,
    dead_letters: FakeDeadLetters | None = None,
) -> Prober:
    return Prober(
        facts or FakeDomainLedger(),
        queue or FakeProbeQueue(),
        FakeDeadLetters() if dead_letters is None else dead_letters,
        dns,
        Policy(),
        clock=lambda: NOW,
    )
