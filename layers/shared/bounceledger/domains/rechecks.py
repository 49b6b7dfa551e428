"""When a domain is probed again, and which domains are due."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from typing import Protocol

from bounceledger.domains.probe_requests import ProbeRequest, ProbeRequests
from bounceledger.ledger import DueDomain, RecheckPass
from bounceledger.policy import Policy
from bounceledger.state import DEAD_VERDICTS, DomainFacts, DomainVerdict, Span, unbroken

REQUESTS_PER_SAVE = 500
"""Requests after which a pass saves how far it came: as many may be sent twice, if it dies."""


class Rechecks(Protocol):
    """What `due` needs of a `ledger.Ledger`."""

    def due_domains(self, until: date, *, after: DueDomain | None = None) -> Iterator[DueDomain]:
        """Domains due on a UTC day or before, longest overdue first."""
        ...


class RecheckLedger(Rechecks, Protocol):
    """What `request_due` needs of a `ledger.Ledger`."""

    def recheck_pass(self) -> RecheckPass:
        """How far the domains that are due have been requested."""
        ...

    def save_recheck_pass(self, progress: RecheckPass) -> RecheckPass:
        """Remember how far; raises LedgerError if someone else has since it was read."""
        ...


def next_recheck(domain: DomainFacts, policy: Policy) -> datetime | None:
    """When to look again, aware UTC: for every verdict that may suppress a domain.

    Args:
        domain: what is known of the domain, the latest finding included.
        policy: the deployment's thresholds.
    """
    probe = domain.probe
    if probe is None or probe.verdict in {DomainVerdict.ACCEPTS_MAIL, DomainVerdict.UNKNOWN}:
        return None
    alike = DEAD_VERDICTS if probe.verdict in DEAD_VERDICTS else {probe.verdict}
    found = unbroken(domain, alike) or Span.at(probe.probed_at)
    gaps = [timedelta(days=days) for days in policy.recheck_gaps]
    gap = next((gap for gap in gaps if gap > found.last - found.first), gaps[-1])
    return probe.probed_at + gap


def due(rechecks: Rechecks, today: date) -> Iterator[ProbeRequest]:
    """Requests for domains that are due today or have been for however long.

    A due day ends when a probe is conclusive or given up, so what comes up again was not
    answered yet. A domain that is due on several days is requested for each: its first probe
    answers the other requests, which then end their days.

    Args:
        rechecks: the ledger.
        today: UTC day.
    """
    return map(_request, rechecks.due_domains(today))


def _request(due: DueDomain) -> ProbeRequest:
    return ProbeRequest(due.domain, due=due.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecheckReport:
    """What one run of `request_due` did.

    Attributes:
        requested: how many probes it requested.
        finished: whether everything that is due today has now been requested.
    """

    requested: int
    finished: bool


def request_due(
    ledger: RecheckLedger,
    queue: ProbeRequests,
    today: date,
    *,
    deadline: datetime,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    per_save: int = REQUESTS_PER_SAVE,
) -> RecheckReport:
    """Request a probe of every domain that is due, once a day, in as many runs as that takes.

    A pass goes through all domains that are due, oldest first, and the ledger remembers how far
    it came. A run that ends early or dies is continued by the next one, on the same day or
    later; one that comes after the end of the day's pass has nothing to do.

    Args:
        ledger: knows what is due, and keeps the progress.
        queue: where probes are requested.
        today: UTC day.
        deadline: moment after which no more requests are sent.
        clock: aware.
        per_save: requests after which the progress is saved.

    Raises:
        QueueError: requests could not be sent; the next run continues.
        LedgerError: the table did not answer, or another run is under way; the same.
    """
    progress = ledger.recheck_pass()
    if progress.after is None and progress.finished is not None and progress.finished >= today:
        return RecheckReport(requested=0, finished=True)
    requested = 0
    domains = ledger.due_domains(today, after=progress.after)
    for some in batched(domains, per_save, strict=False):
        if clock() >= deadline:
            return RecheckReport(requested=requested, finished=False)
        queue.send(map(_request, some))
        requested += len(some)
        progress = ledger.save_recheck_pass(replace(progress, after=some[-1]))
    ledger.save_recheck_pass(replace(progress, after=None, finished=today))
    return RecheckReport(requested=requested, finished=True)
