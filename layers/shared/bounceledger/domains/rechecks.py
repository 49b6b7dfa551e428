"""When a domain is probed again, and which domains are due."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Protocol

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.policy import Policy
from bounceledger.state import DEAD_VERDICTS, DomainFacts, DomainVerdict, Span, unbroken

LOOK_BACK = 30
"""Days back for which missed rechecks are still made up."""


class Rechecks(Protocol):
    """What `due` needs of a `ledger.Ledger`."""

    def due_rechecks(self, day: date) -> Iterator[str]:
        """Host names whose recheck falls on a UTC day."""
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


def due(rechecks: Rechecks, today: date, *, days: int = LOOK_BACK) -> Iterator[ProbeRequest]:
    """Requests for domains that are due today or were missed before, each domain once.

    A due day ends when a probe is conclusive or given up, so what comes up again was not
    answered yet.

    Args:
        rechecks: the ledger.
        today: UTC day.
        days: how many days before it to look at.
    """
    seen: set[str] = set()
    for back in range(days, -1, -1):
        day = today - timedelta(days=back)
        for domain in rechecks.due_rechecks(day):
            if domain not in seen:
                seen.add(domain)
                yield ProbeRequest(domain, due=day)
