"""Events and probes while calls fail and the function is killed: at least once, and none lost.

A shard of the table's stream is read as Lambda reads it: a batch is delivered again from the record
that the function names, or as a whole if it dies.
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from bounceledger.announcements.announcer import Announcer
from bounceledger.announcements.bus import EventBus
from bounceledger.announcements.recipients import Recipients
from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.errors import InputError, LedgerError, QueueError
from bounceledger.policy import Policy
from bounceledger.settings import EventAddresses
from bounceledger.state import AddressFacts, DomainFacts, DomainVerdict, ManualEntry, Probe
from bounceledger.verdict import Category
from tests.fakes import FakeContext
from tests.faults.fake import Killed
from tests.functions import load
from tests.stream_records import bounced, domain_record, record

outbox = load("outbox")
BATCH = 7

type Record = Mapping[str, Any]
type Fail = Callable[[str], None]
"""Called before and after each call with its name; raises what goes wrong."""


class Services:
    """Bus, queues and table of one deployment, of which any call may fail.

    Attributes:
        published: details of the events that the bus took, by ID.
        probed: domains for which a probe was requested.
        kept: records in the failure queue.
    """

    def __init__(self, before: Fail, after: Fail, reject: Callable[[], bool]) -> None:
        self.published: dict[str, list[Any]] = {}
        self.probed: set[str] = set()
        self.kept: list[Record] = []
        self._before, self._after, self._reject = before, after, reject
        recipients = Recipients(EventAddresses.PLAIN, str)
        bus = EventBus(self, "bus", "mail")
        self._announcer = Announcer(bus, self, Policy(), recipients)

    def put_events(self, *, Entries: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803
        self._before("bus")
        answers: list[dict[str, str]] = []
        for entry in Entries:
            if self._reject():
                answers.append({"ErrorCode": "ThrottlingException"})
                continue
            detail = json.loads(entry["Detail"])
            self.published.setdefault(detail["id"], []).append(detail)
            answers.append({"EventId": "1"})
        self._after("bus")
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}

    def domain_facts(self, names: Sequence[str]) -> dict[str, DomainFacts]:
        self._before("table")
        return {}

    def invoke(self, batch: Sequence[Record]) -> str:
        """Where the stream begins again; empty for after the batch."""
        answer = outbox.handler(
            {"Records": batch},
            FakeContext(),
            queue=_Probes(self),
            dead_letters=_Kept(self),
            announcer=self._announcer,
        )
        [failure] = answer["batchItemFailures"] or [{"itemIdentifier": ""}]
        return str(failure["itemIdentifier"])

    def consume(self, records: Sequence[Record]) -> int:
        """Read a shard to its end; returns how many invocations that took."""
        position = invocations = 0
        while position < len(records):
            invocations += 1
            batch = records[position : position + BATCH]
            try:
                again = self.invoke(batch)
            except Killed:
                continue
            numbers = [one["dynamodb"]["SequenceNumber"] for one in batch]
            position += numbers.index(again) if again else len(batch)
        return invocations


class _Probes:
    def __init__(self, services: Services) -> None:
        self._services = services

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        domains = {request.domain for request in requests}
        if not domains:
            return
        self._services._before("queue")
        self._services.probed |= domains
        self._services._after("queue")


class _Kept:
    def __init__(self, services: Services) -> None:
        self._services = services

    def send(self, message: str, error: InputError) -> None:
        self._services._before("failure queue")
        self._services.kept.append(json.loads(message))
        self._services._after("failure queue")


def nothing(_: str) -> None:
    """No call fails."""


def never() -> bool:
    return False


def shard(at: datetime) -> list[Record]:
    """Changes of addresses and domains, of which most are announced, and some unreadable."""
    rng = random.Random(7)
    records: list[Record] = []
    categories = (Category.MAILBOX_UNKNOWN, Category.NO_MAIL_ACCEPTED, Category.MAILBOX_FULL)
    for n in range(60):
        number, moment = str(n), at - timedelta(seconds=60 - n)
        address = f"p{n}@d{n % 9}.test"
        match rng.randrange(4):
            case 0:
                old = bounced(categories[n % 2], at=moment, address=address)
                removed = AddressFacts(address=address, removed_at=moment, version=2)
                records.append(record(removed, old, number=number, at=moment))
            case 1:
                probe = Probe(verdict=DomainVerdict.NULL_MX, probed_at=moment)
                facts = DomainFacts(domain=f"d{n}.test", probe=probe)
                records.append(domain_record(facts, number=number, at=moment))
            case 2:
                entry = AddressFacts(address=address, manual=ManualEntry(at=moment))
                records.append(record(entry, number=number, at=moment))
            case _:
                facts_ = bounced(categories[n % 3], at=moment, address=address)
                records.append(record(facts_, number=number, at=moment))
    broken: Any = record(bounced(Category.MAILBOX_FULL), number="60", at=at)
    del broken["dynamodb"]["NewImage"]["version"]
    records.insert(30, broken)
    return records


def expected(records: Sequence[Record]) -> Services:
    """What a run without faults does."""
    services = Services(nothing, nothing, never)
    services.consume(records)
    return services


def assert_nothing_is_lost(services: Services, records: Sequence[Record]) -> None:
    wanted = expected(records)
    assert len(wanted.published) > 40
    assert len(wanted.kept) == 1
    assert services.published.keys() == wanted.published.keys()
    for event_id, copies in services.published.items():
        assert all(copy == wanted.published[event_id][0] for copy in copies)
    assert services.probed == wanted.probed
    assert all(one in services.kept for one in wanted.kept)
    assert all(one in wanted.kept for one in services.kept)


class DiesAt:
    """Kills the function at one call of a run, before or after it."""

    def __init__(self, call: int) -> None:
        self._call = call
        self.calls = 0

    def __call__(self, _: str) -> None:
        self.calls += 1
        if self.calls == self._call:
            raise Killed


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_function_that_dies_at_any_call_loses_no_event_and_no_probe(when: str) -> None:
    records = shard(datetime.now(UTC))
    counted = DiesAt(0)
    Services(counted, nothing, never).consume(records)
    assert counted.calls > 20
    for call in range(1, counted.calls + 1):
        # GIVEN a function that dies before or after that call
        dies = DiesAt(call)
        before, after = (dies, nothing) if when == "before" else (nothing, dies)
        services = Services(before, after, never)

        # WHEN the shard is read to its end
        services.consume(records)

        # THEN everything was announced and requested, at least once
        assert_nothing_is_lost(services, records)


@pytest.mark.parametrize("seed", range(20))
def test_random_faults_lose_no_event_and_no_probe(seed: int) -> None:
    """Throttled entries, cut connections, lost answers, outages and kills, all at once."""
    # GIVEN services of which every third call fails in some way
    rng = random.Random(seed)
    failures: Mapping[str, Exception] = {
        "bus": ConnectionClosedError(endpoint_url="https://events"),
        "table": LedgerError("the table does not answer"),
        "queue": QueueError("the queue does not answer"),
        "failure queue": QueueError("the failure queue does not answer"),
    }

    def fail(name: str) -> None:
        drawn = rng.random()
        if drawn < 0.05:
            raise Killed
        if drawn < 0.15:
            raise failures[name]

    services = Services(fail, fail, lambda: rng.random() < 0.2)
    records = shard(datetime.now(UTC))

    # WHEN the shard is read to its end
    invocations = services.consume(records)

    # THEN everything was announced and requested, at least once
    assert invocations > len(records) // BATCH + 1
    assert_nothing_is_lost(services, records)


def test_a_bus_that_stays_down_holds_up_no_probe_and_loses_no_record() -> None:
    # GIVEN records that are older than retries last, and a bus that no longer exists
    records = shard(datetime.now(UTC) - timedelta(hours=1))
    gone = ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "PutEvents")

    def fail(name: str) -> None:
        if name == "bus":
            raise gone

    services = Services(fail, nothing, never)

    # WHEN the shard is read
    invocations = services.consume(records)

    # THEN it is read once, and all probes are requested
    wanted = expected(records)
    assert invocations == -(-len(records) // BATCH)
    assert services.probed == wanted.probed

    # AND sending the kept records again, when there is a bus, announces all
    repaired = Services(nothing, nothing, never)
    repaired.consume(services.kept)
    assert repaired.published.keys() == wanted.published.keys()
