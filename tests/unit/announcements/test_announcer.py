"""From a batch of stream records to published events, retries and dead letters."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bounceledger.announcements.announcement import EventType
from bounceledger.announcements.announcer import GIVE_UP_AFTER, AnnouncedBatch, Announcer
from bounceledger.announcements.recipients import Recipients
from bounceledger.errors import BounceledgerError, BusError, LedgerError, QueueError, SecretError
from bounceledger.ledger.attributes import to_attributes
from bounceledger.ledger.stream import facts_change
from bounceledger.policy import Policy
from bounceledger.settings import EventAddresses
from bounceledger.state import DomainFacts, DomainVerdict, Probe
from bounceledger.verdict import Category
from tests.fakes import FakeBus, FakeDeadLetters
from tests.stream_records import NOW, bounced, domain_record, record

SOON = NOW + timedelta(seconds=5)
LATE = NOW + GIVE_UP_AFTER
NULL_MX = DomainFacts(domain="dead.test", probe=Probe(verdict=DomainVerdict.NULL_MX, probed_at=NOW))


class FakeDomains:
    """Facts of domains in memory, which can be out of reach."""

    def __init__(self, *known: DomainFacts, down: bool = False) -> None:
        self.asked: list[Sequence[str]] = []
        self._known = {facts.domain: facts for facts in known}
        self._down = down

    def domain_facts(self, names: Sequence[str]) -> dict[str, DomainFacts]:
        self.asked.append(names)
        if self._down:
            raise LedgerError("the table does not answer")
        return {name: self._known[name] for name in names if name in self._known}


def dead(address: str, number: str) -> dict[str, Any]:
    """A record of an address that is suppressed for the first time."""
    return record(bounced(Category.MAILBOX_UNKNOWN, address=address), number=number)


def unreadable(number: str) -> dict[str, Any]:
    broken = dead("bad@a.test", number)
    del broken["dynamodb"]["NewImage"]["version"]
    return broken


def announcer(
    bus: FakeBus, domains: FakeDomains | None = None, recipients: Recipients | None = None
) -> Announcer:
    plain = Recipients(EventAddresses.PLAIN, str)
    return Announcer(bus, domains or FakeDomains(), Policy(), recipients or plain)


RECORDS = [dead("a@a.test", "1"), dead("b@b.test", "2"), dead("c@a.test", "3")]


def addresses(bus: FakeBus) -> list[Any]:
    return [event.fields["address"] for event in bus.published]


def test_a_batch_is_announced_in_order_with_one_read_of_its_domains() -> None:
    # GIVEN three addresses of two domains
    bus, domains = FakeBus(), FakeDomains()

    # WHEN they are announced
    batch = announcer(bus, domains).announce(RECORDS, FakeDeadLetters(), now=SOON)

    # THEN each has its event
    assert addresses(bus) == ["a@a.test", "b@b.test", "c@a.test"]
    assert batch == AnnouncedBatch(published=bus.published)

    # AND each domain was read once
    assert domains.asked == [["a.test", "b.test"]]


def test_what_the_domain_says_is_taken_into_account() -> None:
    """An address at a dead domain needs no event of its own."""
    claim = record(bounced(Category.NO_MAIL_ACCEPTED, address="a@dead.test"))
    bus = FakeBus()
    announcer(bus, FakeDomains(NULL_MX)).announce([claim], FakeDeadLetters(), now=SOON)
    assert bus.published == []


def test_domains_are_announced_without_a_read() -> None:
    bus, domains = FakeBus(), FakeDomains(down=True)
    announcer(bus, domains).announce([domain_record(NULL_MX)], FakeDeadLetters(), now=SOON)
    assert [event.type for event in bus.published] == [EventType.DOMAIN_SUPPRESSED]
    assert domains.asked == []


def test_other_items_are_not_announced() -> None:
    other = dead("a@a.test", "1")
    other["dynamodb"]["Keys"] = to_attributes({"pk": "ADDRESS#a@a.test", "sk": "EVENT#1"})
    assert announcer(FakeBus()).announce([other], FakeDeadLetters(), now=SOON) == AnnouncedBatch()


def no_key() -> str:
    raise SecretError("Secrets Manager does not answer")


FAILURES: dict[str, Announcer] = {
    "bus": announcer(FakeBus(down=True)),
    "table": announcer(FakeBus(), FakeDomains(down=True)),
    "secret": announcer(FakeBus(), recipients=Recipients(EventAddresses.HASH, no_key)),
}


@pytest.mark.parametrize("failing", FAILURES.values(), ids=FAILURES)
def test_while_a_record_is_young_it_is_retried(failing: Announcer) -> None:
    # GIVEN something that does not answer
    dead_letters = FakeDeadLetters()
    batch = failing.announce(RECORDS, dead_letters, now=LATE - timedelta(seconds=1))

    # THEN the stream begins again with the first record
    assert batch.retry_from == "1"
    assert isinstance(batch.failure, BusError | LedgerError | SecretError)
    assert len(dead_letters) == 0


@pytest.mark.parametrize("failing", FAILURES.values(), ids=FAILURES)
def test_an_old_record_no_longer_holds_up_its_shard(failing: Announcer) -> None:
    """Probes of later records wait behind it."""
    # GIVEN something that has not answered for some time
    dead_letters = FakeDeadLetters()
    batch = failing.announce(RECORDS, dead_letters, now=LATE)

    # THEN the records are kept whole, with the reason
    assert (batch.retry_from, batch.given_up) == ("", ["1", "2", "3"])
    assert [json.loads(kept) for kept, _ in dead_letters.messages] == RECORDS
    assert all("could not be published" in error.reason for _, error in dead_letters.messages)


def test_a_secret_that_cannot_be_read_is_asked_for_once_in_a_batch() -> None:
    """Each try may take seconds, of the thirty that there are."""
    # GIVEN a secret that cannot be read, and a domain between addresses
    tries = []

    def read() -> str:
        tries.append(1)
        raise SecretError("Secrets Manager does not answer")

    bus, dead_letters = FakeBus(), FakeDeadLetters()
    records = [*RECORDS[:2], domain_record(NULL_MX, number="9"), RECORDS[2]]
    hashing = announcer(bus, recipients=Recipients(EventAddresses.HASH, read))

    # WHEN they are announced
    batch = hashing.announce(records, dead_letters, now=LATE)

    # THEN it was tried once, and what needs no secret is announced
    assert len(tries) == 1
    assert batch.given_up == ["1", "2", "3"]
    assert [event.type for event in bus.published] == [EventType.DOMAIN_SUPPRESSED]


def test_an_event_that_the_bus_rejects_is_dead_lettered_alone_and_at_once() -> None:
    # GIVEN a bus that rejects the second event
    bus, dead_letters = FakeBus(rejected=[RECORDS[1]["eventID"]]), FakeDeadLetters()
    batch = announcer(bus).announce(RECORDS, dead_letters, now=SOON)

    # THEN the others are published
    assert addresses(bus) == ["a@a.test", "c@a.test"]
    assert (batch.retry_from, batch.given_up) == ("", ["2"])


@pytest.mark.parametrize("known", [False, True])
def test_an_unreadable_record_is_dead_lettered_once(known: bool) -> None:
    # GIVEN a record that cannot be read, and may be dead-lettered already
    records = [RECORDS[0], unreadable("2"), RECORDS[2]]
    bus, dead_letters = FakeBus(), FakeDeadLetters()
    done = frozenset({"2"} if known else ())
    batch = announcer(bus).announce(records, dead_letters, dead_lettered=done, now=SOON)

    # THEN the others are published
    assert addresses(bus) == ["a@a.test", "c@a.test"]
    assert batch.retry_from == ""
    assert len(dead_letters) == (0 if known else 1)


def test_facts_that_cannot_be_judged_are_dead_lettered() -> None:
    """An error in one record must not stop probes for hours."""
    # GIVEN facts with a time that can be read, and compared with no other
    broken = dead("a@a.test", "1")
    broken["dynamodb"]["NewImage"]["removed_at"] = {"S": "2026-11-23T12:00:00"}
    assert facts_change(broken) is not None

    # THEN they are kept, and the next record is announced
    dead_letters = FakeDeadLetters()
    batch = announcer(FakeBus()).announce([broken, RECORDS[1]], dead_letters, now=SOON)
    assert (batch.given_up, len(batch.published)) == (["1"], 1)


@pytest.mark.parametrize("records", [RECORDS, [unreadable("1"), *RECORDS[1:]]])
def test_a_record_that_can_be_neither_published_nor_kept_is_retried(
    records: list[dict[str, Any]],
) -> None:
    bus = FakeBus(rejected=[RECORDS[0]["eventID"]])
    batch = announcer(bus).announce(records, FakeDeadLetters(down=True), now=LATE)
    assert batch.retry_from == "1"
    failure: BounceledgerError | None = batch.failure
    assert isinstance(failure, QueueError)
