"""Answering requests for probes: from the probe queue to the domain's facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.rechecks import next_recheck
from bounceledger.errors import InputError, QueueError
from bounceledger.policy import Policy
from bounceledger.queues import DeadLetters
from bounceledger.state import DomainFacts, DomainVerdict, Probe, Span, join_domain, utc_day
from bounceledger.verdict import Cause

RETRY_DELAYS = (60, 300, 1800, 7200, 21600, 43000)
"""Seconds until the next try, by how often a message was received.

SQS hides a message for at most 12 hours (43,200 seconds) counted from when it was received,
so the last delay leaves the probe some time.
"""
GIVE_UP_AFTER = timedelta(hours=24)
"""Age of a request after which an unknown domain is left to a recheck."""
RECHECK_AFTER_GIVING_UP = timedelta(days=7)
"""When a domain whose request was given up is due again."""


class DomainLedger(Protocol):
    """What probing needs of a `ledger.Ledger`."""

    def domain_facts(self, names: Sequence[str]) -> dict[str, DomainFacts]:
        """Facts of those of the host names that have any."""
        ...

    def record_probe(
        self,
        known: DomainFacts,
        probe: Probe,
        *,
        claims: Mapping[Cause, Span] | None = None,
        due: date | None = None,
    ) -> DomainFacts:
        """Remember what DNS said."""
        ...


class MessageQueue(Protocol):
    """What probing needs of a `probe_requests.ProbeQueue`."""

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Extend a message's visibility timeout; raises QueueError."""
        ...


class ProbeOutcome(StrEnum):
    """What became of a request."""

    PROBED = "probed"
    ALREADY_ANSWERED = "already_answered"
    """An earlier probe had answered it."""
    POSTPONED = "postponed"
    """DNS gave no answer; the queue delivers the message again."""
    GIVEN_UP = "given_up"
    """DNS gave no answer for a day; what was known stays, and a recheck follows."""
    REFUSED = "refused"
    """It is not a request; it went to the dead-letter queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What became of one message.

    Attributes:
        outcome: see `ProbeOutcome`.
        domain: the domain asked about; empty for a message without one.
        probe: what DNS said; None if it was not asked.
        retry_in: seconds until the next try of a postponed request; None where the message
            could not be hidden for that long, so that it comes after the queue's timeout.
        error: why a message was refused.
    """

    outcome: ProbeOutcome
    domain: str = ""
    probe: Probe | None = None
    retry_in: int | None = None
    error: InputError | None = None


@dataclass(frozen=True, slots=True)
class Prober:
    """Answers requests for probes.

    Attributes:
        ledger: where findings are stored.
        queue: where the requests come from.
        dead_letters: where messages that are not requests end up.
        look: probes a domain in DNS.
        policy: the deployment's thresholds; says when to look again.
        clock: aware UTC.
    """

    ledger: DomainLedger
    queue: MessageQueue
    dead_letters: DeadLetters
    look: Callable[[str], Probe]
    policy: Policy
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def process(self, record: Mapping[str, Any]) -> ProbeResult:
        """Answer one message, unless an earlier probe has.

        Args:
            record: SQS record, with its receipt handle and attributes.

        Raises:
            LedgerError: the finding could not be stored; the message is worth a retry.
            QueueError: a bad message could not be dead-lettered; the same.
        """
        try:
            request = ProbeRequest.from_body(record["body"])
        except InputError as error:
            self.dead_letters.send(record["body"], error)
            return ProbeResult(outcome=ProbeOutcome.REFUSED, error=error)
        domain = request.domain
        known = self.ledger.domain_facts([domain]).get(domain, DomainFacts(domain=domain))
        if known.probe and _answers(known.probe, request):
            self.ledger.record_probe(known, known.probe, claims=request.claims, due=request.due)
            outcome = ProbeOutcome.ALREADY_ANSWERED
            return ProbeResult(outcome=outcome, domain=domain, probe=known.probe)
        found = self.look(domain)
        if found.verdict is DomainVerdict.UNKNOWN:
            result = self._postpone(record, domain, found)
            if result.outcome is ProbeOutcome.GIVEN_UP:
                self._recheck_later(known, found, request)
            return result
        looked = join_domain(known, DomainFacts(domain=domain, probe=found))
        found = replace(found, recheck_at=next_recheck(looked, self.policy))
        self.ledger.record_probe(known, found, claims=request.claims, due=request.due)
        return ProbeResult(outcome=ProbeOutcome.PROBED, domain=domain, probe=found)

    def _postpone(self, record: Mapping[str, Any], domain: str, found: Probe) -> ProbeResult:
        attributes = record["attributes"]
        sent_at = datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC)
        delay = retry_in(int(attributes["ApproximateReceiveCount"]), self.clock() - sent_at)
        if delay is None:
            return ProbeResult(outcome=ProbeOutcome.GIVEN_UP, domain=domain, probe=found)
        try:
            self.queue.hide(record["receiptHandle"], delay)
        except QueueError:
            delay = None
        outcome = ProbeOutcome.POSTPONED
        return ProbeResult(outcome=outcome, domain=domain, probe=found, retry_in=delay)

    def _recheck_later(self, known: DomainFacts, found: Probe, request: ProbeRequest) -> None:
        """Give the domain another day, unless its next one is still to come.

        What rests on a claim is checked until DNS confirms or refutes it, so a domain of
        which nothing else is known keeps even a finding that says nothing.
        """
        probe, now = known.probe or found, self.clock()
        if probe.recheck_at is None or probe.recheck_at <= now:
            latest = found if probe.verdict is DomainVerdict.UNKNOWN else probe
            probe = replace(latest, recheck_at=now + RECHECK_AFTER_GIVING_UP)
        self.ledger.record_probe(known, probe, claims=request.claims, due=request.due)


def _answers(probe: Probe, request: ProbeRequest) -> bool:
    """Whether a probe is later than everything that the request rests on, if it is known.

    A recheck that is due on a day is answered by a probe of that day or later, so one that is
    requested twice is probed once, however long the queue is.
    """
    if probe.verdict is DomainVerdict.UNKNOWN or not (request.claims or request.due):
        return False
    return all(probe.probed_at >= said.last for said in request.claims.values()) and (
        request.due is None or utc_day(probe.probed_at) >= request.due
    )


def retry_in(received: int, age: timedelta) -> int | None:
    """Seconds until the next try, None if there is to be none.

    Args:
        received: how often the message was received, from 1.
        age: of the message. The last try is when it is `GIVE_UP_AFTER` old.
    """
    left = int((GIVE_UP_AFTER - age).total_seconds())
    if left <= 0:
        return None
    return min(RETRY_DELAYS[min(max(received, 1), len(RETRY_DELAYS)) - 1], left)
