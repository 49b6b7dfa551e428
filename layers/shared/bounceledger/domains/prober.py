"""From the probe queue to the domain's facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.errors import InputError, QueueError
from bounceledger.queues import DeadLetters
from bounceledger.state import DomainFacts, DomainVerdict, Probe
from bounceledger.verdict import Category

DELAYS = (60, 300, 1800, 7200, 21600, 43000)
"""Seconds until the next try, by how often a message was received.

SQS hides a message for at most 12 hours (43 200 seconds) counted from when it was
received, so the last one leaves the probe some time.
"""
GIVE_UP_AFTER = timedelta(hours=24)
"""Age of a request after which an unknown domain is left as it was."""
FRESH = timedelta(hours=1)
"""Age up to which a probe answers a recheck, too."""
PUT_OFF = timedelta(days=7)
"""When a recheck that was given up is due again, well within `rechecks.LOOK_BACK`."""


class Facts(Protocol):
    """What probing needs of a `ledger.Ledger`."""

    def domain_facts(self, names: Sequence[str]) -> dict[str, DomainFacts]:
        """Facts of those of the host names that have any."""
        ...

    def record_probe(
        self, domain: str, probe: Probe, *, claims: Mapping[Category, datetime] | None = None
    ) -> DomainFacts:
        """Remember what DNS said."""
        ...


class Queue(Protocol):
    """What probing needs of a `probe_requests.ProbeQueue`."""

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Keep a message back; raises QueueError."""
        ...


class Fate(StrEnum):
    """What became of a request."""

    PROBED = "probed"
    KNOWN = "known"
    """An earlier probe had answered it."""
    POSTPONED = "postponed"
    """DNS gave no answer; the queue delivers the message again."""
    GIVEN_UP = "given_up"
    """DNS gave no answer for a day; what was known stays, a recheck is put off."""
    REFUSED = "refused"
    """It is no request; it went to the dead-letter queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one message.

    Attributes:
        fate: see `Fate`.
        domain: the domain asked about; empty for a message that names none.
        probe: what DNS said; None if it was not asked.
        retry_in: seconds until the next try of a postponed request; None where the message
            could not be kept back for that long, so that it comes after the queue's timeout.
        error: why a message was refused.
    """

    fate: Fate
    domain: str = ""
    probe: Probe | None = None
    retry_in: int | None = None
    error: InputError | None = None


@dataclass(frozen=True, slots=True)
class Prober:
    """Answers requests for probes.

    Attributes:
        facts: the ledger.
        queue: where the requests come from.
        dead_letters: where messages end that are none.
        look: asks DNS about a domain.
        clock: aware UTC.
    """

    facts: Facts
    queue: Queue
    dead_letters: DeadLetters
    look: Callable[[str], Probe]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def process(self, record: Mapping[str, Any]) -> Outcome:
        """Answer one message, unless an earlier probe has.

        Args:
            record: SQS record, with its receipt handle and attributes.

        Raises:
            LedgerError: the table did not take the finding; the message is worth a retry.
            QueueError: the dead-letter queue did not take a bad message; the same.
        """
        try:
            request = ProbeRequest.from_body(record["body"])
        except InputError as error:
            self.dead_letters.send(record["body"], error)
            return Outcome(fate=Fate.REFUSED, error=error)
        known = self.facts.domain_facts([request.domain]).get(request.domain)
        if known and known.probe and _answers(known.probe, request, self.clock()):
            self.facts.record_probe(request.domain, known.probe, claims=request.claims)
            return Outcome(fate=Fate.KNOWN, domain=request.domain, probe=known.probe)
        found = self.look(request.domain)
        if found.verdict is DomainVerdict.UNKNOWN:
            outcome = self._postpone(record, request.domain, found)
            if outcome.fate is Fate.GIVEN_UP and known and known.probe:
                self._put_off(request.domain, known.probe)
            return outcome
        self.facts.record_probe(request.domain, found, claims=request.claims)
        return Outcome(fate=Fate.PROBED, domain=request.domain, probe=found)

    def _postpone(self, record: Mapping[str, Any], domain: str, found: Probe) -> Outcome:
        attributes = record["attributes"]
        sent_at = datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC)
        delay = retry_in(int(attributes["ApproximateReceiveCount"]), self.clock() - sent_at)
        if delay is None:
            return Outcome(fate=Fate.GIVEN_UP, domain=domain, probe=found)
        try:
            self.queue.hide(record["receiptHandle"], delay)
        except QueueError:
            delay = None
        return Outcome(fate=Fate.POSTPONED, domain=domain, probe=found, retry_in=delay)

    def _put_off(self, domain: str, probe: Probe) -> None:
        """Make a recheck that is past due again, or nobody would look for its day any more."""
        if probe.recheck_at is not None and probe.recheck_at <= self.clock():
            later = replace(probe, recheck_at=self.clock() + PUT_OFF)
            self.facts.record_probe(domain, later)


def _answers(probe: Probe, request: ProbeRequest, now: datetime) -> bool:
    """Whether a probe is later than all that the request rests on."""
    if probe.verdict is DomainVerdict.UNKNOWN:
        return False
    if request.claims:
        return probe.probed_at >= max(request.claims.values())
    return now - probe.probed_at < FRESH


def retry_in(received: int, age: timedelta) -> int | None:
    """Seconds until the next try, None if there is to be none.

    Args:
        received: how often the message was received, from 1.
        age: of the message. The last try is when it is `GIVE_UP_AFTER`.
    """
    left = int((GIVE_UP_AFTER - age).total_seconds())
    if left <= 0:
        return None
    return min(DELAYS[min(max(received, 1), len(DELAYS)) - 1], left)
