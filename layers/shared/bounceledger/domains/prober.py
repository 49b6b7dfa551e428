"""Answering requests for probes: from the probe queue to the domain's facts."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.rechecks import next_recheck
from bounceledger.errors import InputError, QueueError
from bounceledger.policy import Policy
from bounceledger.queues import DeadLetters
from bounceledger.state import (
    DomainFacts,
    DomainVerdict,
    PendingProbe,
    Probe,
    Span,
    join_domain,
    join_span,
    utc_day,
)
from bounceledger.verdict import Cause

RETRY_DELAYS = (60, 300, 1800, 7200, 21600, 43000)
"""Seconds until the next look, by how often DNS was asked without an answer.

SQS hides a message for at most 12 hours (43,200 seconds) counted from when it was received,
so the last delay leaves the probe some time.
"""
GIVE_UP_AFTER = timedelta(hours=24)
"""Time since the first look after which an unknown domain is left to a recheck."""
MAX_DUE_DAYS = 50
"""Due days that a pending probe keeps, so that they end in one transaction with it. Others stay."""
RECHECK_AFTER_GIVING_UP = timedelta(days=7)
"""When a domain whose request was given up is due again."""


class DomainLedger(Protocol):
    """What probing needs of a `ledger.Ledger`."""

    def probe_state(self, domain: str) -> tuple[DomainFacts, PendingProbe | None]:
        """Facts of a host name, and a probe that is pending."""
        ...

    def save_pending(self, pending: PendingProbe) -> bool:
        """Remember a pending probe; whether nobody else has changed it since it was read."""
        ...

    def record_probe(
        self,
        known: DomainFacts,
        probe: Probe,
        *,
        claims: Mapping[Cause, Span] | None = None,
        due: date | None = None,
        pending: PendingProbe | None = None,
    ) -> DomainFacts:
        """Remember what DNS said, and end what waited for it."""
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
    WAITING = "waiting"
    """DNS gave another request about the domain no answer; this one waits with that."""
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
        while True:
            if result := self._answer(record, request):
                return result

    def _answer(self, record: Mapping[str, Any], request: ProbeRequest) -> ProbeResult | None:
        """Answer a request; None if what is pending changed meanwhile, so it must be read again."""
        domain, now = request.domain, self.clock()
        known, pending = self.ledger.probe_state(domain)
        answered = _answers(known.probe, request.claims, _days(request))
        if pending and now < pending.next_at:
            if pending.message_id == record["messageId"]:
                return self._hide(record, domain, pending.next_at - now)
            if not answered:
                return self._wait(_join(pending, request), pending)
            pending = None  # that one goes on without this request
        if pending:
            answered = answered and _answers(known.probe, pending.claims, pending.due)
        if known.probe and answered:
            self._record(known, known.probe, request, pending)
            outcome = ProbeOutcome.ALREADY_ANSWERED
            return ProbeResult(outcome=outcome, domain=domain, probe=known.probe)
        found = self.look(domain)
        if found.verdict is DomainVerdict.UNKNOWN:
            return self._postpone(record, request, known, found, pending)
        looked = join_domain(known, DomainFacts(domain=domain, probe=found))
        found = replace(found, recheck_at=next_recheck(looked, self.policy))
        self._record(known, found, request, pending)
        return ProbeResult(outcome=ProbeOutcome.PROBED, domain=domain, probe=found)

    def _record(
        self,
        known: DomainFacts,
        probe: Probe,
        request: ProbeRequest,
        pending: PendingProbe | None,
    ) -> None:
        self.ledger.record_probe(
            known, probe, claims=request.claims, due=request.due, pending=pending
        )

    def _wait(self, joined: PendingProbe, pending: PendingProbe) -> ProbeResult | None:
        """Leave a request to the message that retries for the domain."""
        if joined != pending and not self.ledger.save_pending(joined):
            return None
        return ProbeResult(outcome=ProbeOutcome.WAITING, domain=pending.domain)

    def _postpone(
        self,
        record: Mapping[str, Any],
        request: ProbeRequest,
        known: DomainFacts,
        found: Probe,
        pending: PendingProbe | None,
    ) -> ProbeResult | None:
        """Let this message retry for the domain, until DNS gave no answer for a day."""
        domain, now = request.domain, self.clock()
        looks, since = (pending.looks + 1, pending.since) if pending else (1, now)
        delay = retry_in(looks, now - since)
        if delay is None:
            self._recheck_later(known, found, request, pending)
            return ProbeResult(outcome=ProbeOutcome.GIVEN_UP, domain=domain, probe=found)
        own = PendingProbe(
            domain=domain,
            message_id=record["messageId"],
            since=since,
            next_at=now + delay,
            looks=looks,
            claims=pending.claims if pending else {},
            due=pending.due if pending else frozenset(),
            version=pending.version if pending else 0,
        )
        if not self.ledger.save_pending(_join(own, request)):
            return None
        return replace(self._hide(record, domain, delay), probe=found)

    def _hide(self, record: Mapping[str, Any], domain: str, delay: timedelta) -> ProbeResult:
        """Let the queue deliver a message again after a delay, or else after its own timeout."""
        seconds = min(math.ceil(delay.total_seconds()), RETRY_DELAYS[-1])
        postponed = ProbeResult(outcome=ProbeOutcome.POSTPONED, domain=domain, retry_in=seconds)
        try:
            self.queue.hide(record["receiptHandle"], seconds)
        except QueueError:
            return replace(postponed, retry_in=None)
        return postponed

    def _recheck_later(
        self,
        known: DomainFacts,
        found: Probe,
        request: ProbeRequest,
        pending: PendingProbe | None,
    ) -> None:
        """Give the domain another day, unless its next one is still to come.

        What rests on a claim is checked until DNS confirms or refutes it, so a domain of
        which nothing else is known keeps even a finding that says nothing.
        """
        probe, now = known.probe or found, self.clock()
        if probe.recheck_at is None or probe.recheck_at <= now:
            latest = found if probe.verdict is DomainVerdict.UNKNOWN else probe
            probe = replace(latest, recheck_at=now + RECHECK_AFTER_GIVING_UP)
        self._record(known, probe, request, pending)


def _days(request: ProbeRequest) -> frozenset[date]:
    return frozenset({request.due} if request.due else ())


def _join(pending: PendingProbe, request: ProbeRequest) -> PendingProbe:
    """What is pending, with what another request asks."""
    claims = dict(pending.claims)
    for cause, said in request.claims.items():
        claims[cause] = join_span(said, claims.get(cause, said))
    due = sorted(pending.due | _days(request))[:MAX_DUE_DAYS]
    return replace(pending, claims=claims, due=frozenset(due))


def _answers(probe: Probe | None, claims: Mapping[Cause, Span], due: Collection[date]) -> bool:
    """Whether a probe is later than everything that a request rests on, if that is known.

    A recheck that is due on a day is answered by a probe of that day or later, so one that is
    requested twice is probed once, however long the queue is.
    """
    if probe is None or probe.verdict is DomainVerdict.UNKNOWN or not (claims or due):
        return False
    return all(probe.probed_at >= said.last for said in claims.values()) and all(
        utc_day(probe.probed_at) >= day for day in due
    )


def retry_in(looks: int, since_first: timedelta) -> timedelta | None:
    """Time until the next look, None if there is to be none.

    Args:
        looks: how often DNS was asked without an answer, from 1.
        since_first: time since the first look. The last one is `GIVE_UP_AFTER` it.
    """
    left = GIVE_UP_AFTER - since_first
    if left <= timedelta(0):
        return None
    return min(timedelta(seconds=RETRY_DELAYS[min(looks, len(RETRY_DELAYS)) - 1]), left)
