"""The system in one process: the layer's own code between an in-memory table and queue."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched
from typing import Any

from bounceledger.domains.claims import request_probes
from bounceledger.domains.probe import probe
from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.prober import ProbeOutcome, Prober
from bounceledger.domains.rechecks import request_due
from bounceledger.domains.resolver import Resolver
from bounceledger.intake import Intake
from bounceledger.ledger import Ledger
from bounceledger.ledger.items import ADDRESS_PREFIX, FACTS
from bounceledger.settings import Settings
from tests.fakes import FakeDeadLetters
from tests.faults.fake import FakeDynamoDB, as_client
from tools.demo_audit.ses_events import ACCOUNT

BATCH = 100
"""Messages of one batch of the event queue, as deployed."""
PAGE = 1000
"""Items of one page of a Query."""

type Record = dict[str, Any]


class Deployment:
    """Table, stream, queues and DNS, with a clock that the caller sets.

    Args:
        resolver: answers the probes.
        now: the time, aware UTC.
    """

    def __init__(self, resolver: Resolver, now: datetime) -> None:
        self.now = now
        self.recorded = 0
        self._table = _Table(clock=self._clock)
        settings = Settings(
            table_name="demo", writers=1, allowed_accounts=frozenset({ACCOUNT}), probe_queue_url="-"
        )
        self.ledger = Ledger(
            as_client(self._table), settings, clock=self._clock, sleep=lambda _: None
        )
        self._dead_letters = FakeDeadLetters()
        self._queue = _ProbeQueue()
        self._intake = Intake(
            settings, self.ledger, self._dead_letters, provider="ses", clock=self._clock
        )
        self._prober = Prober(
            self.ledger,
            self._queue,
            self._dead_letters,
            partial(probe, resolver=resolver, now=self._clock),
            settings.policy,
            clock=self._clock,
        )

    def may_send(self, addresses: Iterable[str]) -> set[str]:
        """Those of the addresses that are not suppressed."""
        return {
            result.address
            for some in batched(addresses, 1000, strict=False)
            for result in self.ledger.check(some)
            if not result.decision.suppressed
        }

    def receive(self, records: Sequence[Record]) -> None:
        """Process messages of the event queue, as `ingest` does.

        Raises:
            RuntimeError: one was not recorded.
        """
        for batch in batched(records, BATCH, strict=False):
            report = self._intake.process(batch)
            if report.retry or report.dead_letters or report.overflowed:
                raise RuntimeError(f"not all events were recorded: {report}")
            self.recorded += report.recorded

    def look_at_domains(self) -> None:
        """Process the stream, what is due today and the probe queue, as the functions do.

        Raises:
            RuntimeError: a stream record or a request could not be processed.
        """
        changes, self._table.stream = self._table.stream, []
        request_probes(changes, self._queue, self._dead_letters)
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        request_due(self.ledger, self._queue, self.now.date(), deadline=tomorrow)
        for number, request in enumerate(self._queue.take()):
            message = {"messageId": f"{number}", "receiptHandle": "-", "body": request.to_body()}
            result = self._prober.process(message)
            if result.outcome not in (ProbeOutcome.PROBED, ProbeOutcome.ALREADY_ANSWERED):
                raise RuntimeError(f"a domain was not probed: {result}")
        if len(self._dead_letters):
            raise RuntimeError(f"unreadable: {self._dead_letters.messages[0]}")

    def _clock(self) -> datetime:
        return self.now


class _Table(FakeDynamoDB):
    """The table, with as much of its stream as the outbox reads: changes to facts of addresses."""

    def __init__(self, clock: Any) -> None:
        super().__init__(page=PAGE)
        self.stream: list[Record] = []
        self._now = clock

    def _write(self, kind: str, action: dict[str, Any], key: tuple[str, str]) -> None:
        old = self.table.get(key)
        super()._write(kind, action, key)
        if kind == "Put" and key[1] == FACTS and key[0].startswith(ADDRESS_PREFIX):
            self.stream.append(self._change(key, old, self.table[key]))

    def _change(
        self, key: tuple[str, str], old: Mapping[str, Any] | None, new: Mapping[str, Any]
    ) -> Record:
        number = str(len(self.stream))
        change = {
            "Keys": {"pk": {"S": key[0]}, "sk": {"S": key[1]}},
            "SequenceNumber": number,
            "ApproximateCreationDateTime": int(self._now().timestamp()),
            "NewImage": new,
        } | ({"OldImage": old} if old else {})
        name = "MODIFY" if old else "INSERT"
        return {"eventID": number, "eventName": name, "dynamodb": change}


class _ProbeQueue:
    """The probe queue in memory."""

    def __init__(self) -> None:
        self._requests: list[ProbeRequest] = []

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        self._requests += requests

    def take(self) -> list[ProbeRequest]:
        """All requests, which are not in the queue any more."""
        found, self._requests = self._requests, []
        return found

    def hide(self, receipt_handle: str, seconds: int) -> None:
        raise RuntimeError(f"{receipt_handle} is to be hidden for {seconds} s: DNS gave no answer")
