"""Stand-ins for collaborators, with the behaviour that the tests rely on."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from bounceledger.announcements.announcement import Announcement
from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.errors import BusError, InputError, QueueError
from bounceledger.ledger import (
    CheckResult,
    Counts,
    History,
    Known,
    Outcome,
    RecordResult,
    items,
)
from bounceledger.ledger.known import known_of
from bounceledger.policy import Policy
from bounceledger.state import AddressFacts, DomainFacts, Observation, decide, merge
from tests.faults.fake import failure


class FakeLedger:
    """A ledger in memory: every event counts once, facts and decisions are the real ones.

    Args:
        failing: results that some addresses get instead of being recorded.
    """

    def __init__(self, failing: dict[str, RecordResult] | None = None) -> None:
        self.facts: dict[str, AddressFacts] = {}
        self.domains: dict[str, DomainFacts] = {}
        self.recorded: list[Observation] = []
        self.deadlines: list[datetime | None] = []
        self._failing = failing or {}
        self._seen: set[str] = set()

    def __len__(self) -> int:
        return len(self.recorded)

    def record(
        self, observations: Sequence[Observation], *, deadline: datetime | None = None
    ) -> list[RecordResult]:
        self.deadlines.append(deadline)
        return [self._record(observation) for observation in observations]

    def _record(self, observation: Observation) -> RecordResult:
        event = observation.event
        if event.address in self._failing:
            return self._failing[event.address]
        if event.event_id in self._seen:
            return RecordResult(outcome=Outcome.DUPLICATE)
        self._seen.add(event.event_id)
        self.recorded.append(observation)
        facts = self.facts.get(event.address) or AddressFacts(address=event.address)
        self.facts[event.address] = merge(facts, observation, Policy())
        return RecordResult(outcome=Outcome.RECORDED)

    def check(self, addresses: Sequence[str], *, source: str | None = None) -> list[CheckResult]:
        return [
            CheckResult(
                address=address,
                decision=decide(
                    self.facts.get(address),
                    self.domains.get(address.rpartition("@")[2]),
                    datetime.now(UTC),
                    Policy(),
                ),
                facts=self.facts.get(address),
            )
            for address in addresses
        ]

    def history(self, address: str, *, limit: int) -> History:
        made = (items.event_item(one, datetime.now(UTC)) for one in self.recorded)
        of_address = [item for item in made if item["pk"] == items.facts_key(address).pk]
        entries = [e for e in map(items.recorded_event_of_item, of_address) if e]
        entries.sort(key=lambda entry: entry.at, reverse=True)
        return History(entries=entries[:limit], truncated=len(entries) > limit)

    def known(self, result: CheckResult) -> Known:
        history = self.history(result.address, limit=1000)
        return known_of(result, history, datetime.now(UTC), Policy())

    def domain_facts(self, names: Sequence[str]) -> dict[str, DomainFacts]:
        return {name: self.domains[name] for name in names if name in self.domains}

    def counts(self, source: str, first: date, last: date) -> Counts:
        return Counts(source=source, days={last: {"hard": 1}, first: {"delivered": 3}})


class FakeDeadLetters:
    """A dead-letter queue in memory, which can be down."""

    def __init__(self, *, down: bool = False) -> None:
        self.messages: list[tuple[str, InputError]] = []
        self._down = down

    def __len__(self) -> int:
        return len(self.messages)

    def send(self, message: str, error: InputError) -> None:
        if self._down:
            raise QueueError("could not send to the dead-letter queue")
        self.messages.append((message, error))


class FakeProbes:
    """A probe queue in memory, which can be down."""

    def __init__(self, *, down: bool = False) -> None:
        self.requests: list[ProbeRequest] = []
        self._down = down

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        for request in requests:
            if self._down:
                raise QueueError("could not send to the probe queue")
            self.requests.append(request)


class FakeBus:
    """An event bus in memory, which can be down, or reject events of some origins for ever."""

    def __init__(self, *, down: bool = False, rejected: Collection[str] = ()) -> None:
        self.published: list[Announcement] = []
        self.down = down
        self._rejected = rejected

    def publish(self, announcements: Sequence[Announcement]) -> list[BusError | None]:
        return [self._publish(announcement) for announcement in announcements]

    def text_of(self, announcement: Announcement) -> str:
        return json.dumps(announcement.detail("stack"))

    def _publish(self, announcement: Announcement) -> BusError | None:
        if self.down:
            return BusError("the event bus does not answer")
        if announcement.origin in self._rejected:
            return BusError("the event bus rejected the event", retry_helps=False)
        self.published.append(announcement)
        return None


@dataclass
class FakeContext:
    """The part of a Lambda context that the functions read."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:111122223333:function:function"
    aws_request_id: str = "request"
    milliseconds: int = 30_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


class FakeSes:
    """The part of SES that has the account's list, in memory.

    Args:
        listed: addresses on it.
        failing: makes the error of a call about an address; None lets it pass.
    """

    def __init__(
        self,
        listed: Iterable[str] = (),
        failing: Callable[[str], Exception | None] = lambda _: None,
    ) -> None:
        self.listed = set(listed)
        self.asked: list[str] = []
        self.failing = failing

    def delete_suppressed_destination(self, *, EmailAddress: str) -> Mapping[str, Any]:  # noqa: N803 - as AWS has it
        self.asked.append(EmailAddress)
        if error := self.failing(EmailAddress):
            raise error
        if EmailAddress not in self.listed:
            raise failure("NotFoundException", "DeleteSuppressedDestination")
        self.listed.remove(EmailAddress)
        return {}
