"""From a batch of stream records to the events that announce what they changed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol, Self

from bounceledger.addresses import domain_of
from bounceledger.announcements import bus
from bounceledger.announcements.announcement import Announcement
from bounceledger.announcements.changes import announce_address, announce_domain
from bounceledger.announcements.recipients import Recipients
from bounceledger.errors import (
    BounceledgerError,
    BusError,
    LedgerError,
    PayloadError,
    QueueError,
    SecretError,
)
from bounceledger.ledger import Ledger, connect
from bounceledger.ledger.stream import (
    UNREADABLE,
    AddressChange,
    DomainChange,
    facts_change,
    not_readable,
    sequence_number,
)
from bounceledger.policy import Policy
from bounceledger.queues import DeadLetters
from bounceledger.settings import Settings
from bounceledger.state import DomainFacts

GIVE_UP_AFTER = timedelta(minutes=10)
"""Age of a record from which it is dead-lettered where its event cannot be published.

Until then the stream delivers it again. That holds up later records of its shard, which may ask for
probes, so it must not go on for long.
"""
READ_TIME_LIMIT = timedelta(seconds=3)
"""Time after which no further read is begun: a call may take another 7 s of the 30."""

type Record = Mapping[str, Any]


class DomainReader(Protocol):
    """Where the facts of domains are: a `Ledger`."""

    def domain_facts(self, names: Sequence[str]) -> dict[str, DomainFacts]:
        """Facts of those of the host names that have any; raises LedgerError."""
        ...


@dataclass(slots=True)
class AnnouncedBatch:
    """What became of a batch of stream records.

    Attributes:
        published: the events that were published.
        given_up: sequence numbers of the records that were dead-lettered.
        retry_from: sequence number of the first record to be delivered again; empty for none.
        failure: why.
    """

    published: list[Announcement] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    retry_from: str = ""
    failure: BounceledgerError | None = None


class _Result(NamedTuple):
    """A record, the event that it makes, if any, and what kept it from being published."""

    record: Record
    announcement: Announcement | None = None
    error: BounceledgerError | None = None


class Announcer:
    """Publishes the events that follow from changes of facts.

    Args:
        event_bus: where they are published.
        domains: reads the facts of the domains of addresses.
        policy: the deployment's thresholds.
        recipients: says whom an event is about.
    """

    def __init__(
        self, event_bus: bus.Bus, domains: DomainReader, policy: Policy, recipients: Recipients
    ) -> None:
        self._bus = event_bus
        self._domains = domains
        self._policy = policy
        self._recipients = recipients

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """As a deployment has it; makes no call yet."""
        return cls(
            bus.EventBus(bus.connect_later(), settings.event_bus_name, settings.stack_name),
            Ledger(connect(), settings, time_limit=READ_TIME_LIMIT),
            settings.policy,
            Recipients.from_settings(settings),
        )

    def announce(
        self,
        records: Sequence[Record],
        dead_letters: DeadLetters,
        *,
        dead_lettered: AbstractSet[str] = frozenset(),
        now: datetime | None = None,
    ) -> AnnouncedBatch:
        """Publish the events that a batch makes.

        Args:
            records: of a DynamoDB stream with new and old images, in order.
            dead_letters: where records end, whole and with the reason, that cannot be read or
                whose events cannot be published.
            dead_lettered: sequence numbers of records that are there already.
            now: time of the invocation; that of the clock by default.

        Returns:
            What became of them. Only a call that may succeed later ends the batch early.
        """
        batch = AnnouncedBatch()
        for record, announcement, error in self._publish(self._events(records)):
            number = sequence_number(record)
            if error is None:
                if announcement:
                    batch.published.append(announcement)
            elif _is_retried(record, error, now or datetime.now(UTC)):
                batch.retry_from, batch.failure = number, error
                break
            elif number not in dead_lettered:
                try:
                    dead_letters.send(json.dumps(record), _reason(error))
                except QueueError as down:
                    batch.retry_from, batch.failure = number, down
                    break
                batch.given_up.append(number)
        return batch

    def _events(self, records: Sequence[Record]) -> list[_Result]:
        """The events that records make, and what kept them from being made."""
        read = [_read(record) for record in records]
        hosts = {
            domain_of(one.change.after.address)
            for one in read
            if isinstance(one.change, AddressChange)
        }
        try:
            domains = self._domains.domain_facts(sorted(hosts)) if hosts else {}
        except LedgerError as down:
            return [_Result(one.record, error=one.error or down) for one in read if one.is_needed]
        results: list[_Result] = []
        no_key: SecretError | None = None
        for one in read:
            if no_key and isinstance(one.change, AddressChange):  # asking again would take too long
                results.append(_Result(one.record, error=no_key))
                continue
            results.append(result := self._event(one, domains))
            no_key = result.error if isinstance(result.error, SecretError) else no_key
        return results

    def _event(self, read: "_Read", domains: Mapping[str, DomainFacts]) -> _Result:
        record, change, error = read
        try:
            match change:
                case DomainChange():
                    return _Result(record, announce_domain(change, self._policy))
                case AddressChange():
                    domain = domains.get(domain_of(change.after.address))
                    event = announce_address(change, domain, self._policy, self._recipients)
                    return _Result(record, event)
                case None:
                    return _Result(record, error=error)
        except SecretError as unread:
            return _Result(record, error=unread)
        except UNREADABLE as wrong:
            return _Result(record, error=not_readable(wrong))

    def _publish(self, results: Sequence[_Result]) -> Iterable[_Result]:
        """The results, with what kept their events from being published."""
        events = [result.announcement for result in results if result.announcement]
        errors = iter(self._bus.publish(events) if events else ())
        for result in results:
            yield result._replace(error=next(errors)) if result.announcement else result


class _Read(NamedTuple):
    """A record, the change that it says, if any, and why it cannot be read."""

    record: Record
    change: AddressChange | DomainChange | None = None
    error: PayloadError | None = None

    @property
    def is_needed(self) -> bool:
        """Whether anything may follow from it."""
        return self.change is not None or self.error is not None


def _read(record: Record) -> _Read:
    try:
        return _Read(record, facts_change(record))
    except PayloadError as error:
        return _Read(record, error=error)


def _is_retried(record: Record, error: BounceledgerError, now: datetime) -> bool:
    """Whether a record is worth another delivery."""
    if isinstance(error, PayloadError) or (isinstance(error, BusError) and not error.retry_helps):
        return False
    written_at = record["dynamodb"]["ApproximateCreationDateTime"]
    return now - datetime.fromtimestamp(written_at, UTC) < GIVE_UP_AFTER


def _reason(error: BounceledgerError) -> PayloadError:
    if isinstance(error, PayloadError):
        return error
    return bus.not_published(error)
