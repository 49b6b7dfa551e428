"""The ledger's operations. How items look is in `items`, how events are booked in `record`."""

import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, cast

from bounceledger.addresses import domain_of
from bounceledger.errors import LedgerError
from bounceledger.ledger import items
from bounceledger.ledger.answers import Answer, Counts, Fate, Outcome
from bounceledger.ledger.items import Item, Key
from bounceledger.ledger.plan import IGNORED, slices
from bounceledger.ledger.record import Recorder, Shards, event_id
from bounceledger.ledger.table import (
    Action,
    CancelledError,
    Patience,
    Table,
    delete,
    put,
    put_new,
    put_version,
)
from bounceledger.settings import Settings
from bounceledger.state import (
    AddressFacts,
    DomainFacts,
    Observation,
    Probe,
    decide,
    join,
    join_domain,
    utc_day,
)
from bounceledger.verdict import Category

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OVERFLOW = "other"
"""Lead source of events above `Settings.max_sources_per_day`."""

_READERS = 8
"""Shards of a counter that are read at the same time."""


def connect(endpoint_url: str | None = None) -> "DynamoDBClient":
    """A DynamoDB client for a ledger: short time limits, and retries left to the ledger.

    Plain botocore: importing boto3 costs a cold start more and gives nothing here.
    """
    from botocore.config import Config
    from botocore.session import Session

    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"total_max_attempts": 1},
        max_pool_connections=16,
        tcp_keepalive=True,
    )
    client = Session().create_client("dynamodb", endpoint_url=endpoint_url, config=config)
    return cast("DynamoDBClient", client)


class Ledger:
    """One table, seen through its operations. Safe to share between threads.

    Every operation raises LedgerError where the table does not answer for long; a later
    try may succeed.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[int], int] = random.randrange,
        within: timedelta | None = None,
    ) -> None:
        """Make a ledger of the table `settings.table_name`; calls nothing.

        Args:
            client: see `connect`.
            settings: of the deployment.
            clock: now, aware.
            sleep: waits for seconds.
            draw: a whole number below its argument; chooses the shards of counters.
            within: time after which an operation without a deadline begins no further try.
        """
        self._table = Table(client, settings.table_name)
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._within = within
        shards = Shards(settings.counter_shards, settings.lanes, draw)
        self._recorder = Recorder(self._table, settings, shards, clock)
        self._sources = _Sources(settings.max_sources_per_day)

    def record(
        self, observations: Sequence[Observation], *, deadline: datetime | None = None
    ) -> list[Outcome]:
        """Book observations, each exactly once; never raises for what one of them holds.

        Args:
            observations: in any order, duplicates allowed.
            deadline: after this moment nothing new is begun; the rest fails, retry helps.
                A call that is under way then may take another 7 seconds.

        Returns:
            One outcome per observation, in their order.
        """
        distinct: dict[Key, Observation] = {}
        for observation in observations:
            if observation.event.kind not in IGNORED:
                distinct.setdefault(event_id(observation), self._within_cap(observation))
        outcomes = self._book(list(distinct.values()), deadline)
        answers = []
        for observation in observations:
            outcome = outcomes.get(event_id(observation), Outcome(fate=Fate.IGNORED))
            answers.append(outcome)
            if outcome.fate is Fate.BOOKED:  # the same event again, further on in the batch
                outcomes[event_id(observation)] = Outcome(fate=Fate.DUPLICATE)
        return answers

    def _within_cap(self, observation: Observation) -> Observation:
        """The observation, under `OVERFLOW` if its lead source is one too many today."""
        event = observation.event
        if self._sources.admit(event.lead_source, self._clock().date()):
            return observation
        return replace(observation, event=replace(event, lead_source=OVERFLOW))

    def _book(
        self, observations: Sequence[Observation], deadline: datetime | None
    ) -> dict[Key, Outcome]:
        """Book distinct events in groups, side by side in lanes."""
        try:
            self._list_sources({item.event.lead_source for item in observations}, deadline)
        except LedgerError as error:
            failed = Outcome(fate=Fate.FAILED, reason=str(error), retry_helps=True)
            return {event_id(item): failed for item in observations}
        runs = _runs(slices(observations, self._settings))
        lanes = min(self._settings.lanes, len(runs))

        def run(lane: int) -> dict[Key, Outcome]:
            outcomes: dict[Key, Outcome] = {}
            for group in chain.from_iterable(runs[lane::lanes]):
                outcomes |= self._recorder.book(group, lane, self._patience(deadline))
            return outcomes

        if lanes <= 1:
            return run(0) if runs else {}
        outcomes: dict[Key, Outcome] = {}
        with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
            for part in pool.map(run, range(lanes)):
                outcomes |= part
        return outcomes

    def _list_sources(self, sources: Iterable[str], deadline: datetime | None) -> None:
        """Put lead sources on the list of all, once per execution environment.

        Before their events are booked: then no source is ever counted and not listed.
        """
        new = self._sources.unlisted(sources)
        lines = [items.keyed(items.listing_key(source), {}) for source in new]
        self._table.put(lines, self._patience(deadline))
        self._sources.mark_listed(new)

    def check(self, addresses: Sequence[str], *, source: str | None = None) -> list[Answer]:
        """Whether addresses may be mailed; strongly consistent.

        Args:
            addresses: in canonical form.
            source: also fetch this lead source's entry about each.

        Returns:
            One answer per address, in their order.
        """
        keys = [
            key
            for address in addresses
            for key in (items.facts_key(address), items.domain_key(domain_of(address)))
        ]
        if source is not None:
            keys += [items.source_key(source, address) for address in addresses]
        found = self._table.get(keys, self._patience())
        now = self._clock()
        return [self._answer(address, source, found, now) for address in addresses]

    def _answer(
        self, address: str, source: str | None, found: Mapping[Key, Item], now: datetime
    ) -> Answer:
        facts = _read(found, items.facts_key(address), items.facts_of_item)
        domain = _read(found, items.domain_key(domain_of(address)), items.domain_of_item)
        entry = (
            None
            if source is None
            else _read(found, items.source_key(source, address), items.source_of_item)
        )
        decision = decide(facts, domain, now, self._settings.policy)
        return Answer(address=address, decision=decision, facts=facts, domain=domain, entry=entry)

    def amend(self, change: AddressFacts, *, by: str, why: str) -> AddressFacts:
        """Join a person's change to an address's facts, and keep a record of it.

        Args:
            change: facts with `lifted_at`, `voided_at`, `manual` or `erased` set.
            by: who asked for it.
            why: the reason given.

        Returns:
            The facts as they are now.
        """
        now = self._clock()
        key = items.facts_key(change.address)
        record = items.change_item(change, now, uuid.uuid4().hex, by, why)
        patience = self._patience()
        while True:
            found = self._table.get([key], patience)
            before = _read(found, key, items.facts_of_item) or AddressFacts(address=change.address)
            after = join(before, change, self._settings.policy)
            written = items.facts_item(after, self._settings.policy)
            try:
                self._table.transact(
                    [put_version(written, before.version), put_new(record)], patience
                )
            except CancelledError as cancelled:
                patience.wait(cancelled)
            else:
                return replace(after, version=before.version + 1)

    def domain_facts(self, names: Sequence[str]) -> dict[str, DomainFacts]:
        """Facts of those of the host names that have any."""
        found = self._table.get(map(items.domain_key, names), self._patience())
        return {facts.domain: facts for facts in map(items.domain_of_item, found.values())}

    def record_probe(
        self, domain: str, probe: Probe, *, claims: Mapping[Category, datetime] | None = None
    ) -> DomainFacts:
        """Remember what DNS said and when to ask again; twice is the same as once.

        Args:
            domain: canonical host name.
            probe: what was found. One with verdict unknown never replaces a finding.
            claims: the mail servers' claims that led to this probe, with their times.

        Returns:
            The facts as they are now.
        """
        change = DomainFacts(domain=domain, probe=probe, claims=claims or {})
        patience = self._patience()
        while True:
            before = self.domain_facts([domain]).get(domain, DomainFacts(domain=domain))
            after = join_domain(before, change)
            if after == before:
                return before
            actions = [
                put_version(items.domain_item(after), before.version),
                *_reschedule(domain, _recheck_day(before), _recheck_day(after)),
            ]
            try:
                self._table.transact(actions, patience)
            except CancelledError as cancelled:
                patience.wait(cancelled)
            else:
                return replace(after, version=before.version + 1)

    def due_rechecks(self, day: date) -> Iterator[str]:
        """Host names whose recheck falls on the given UTC day."""
        pk, _ = items.recheck_key(day, "")
        for item in self._table.query(pk, ("!", items.LAST), self._patience()):
            yield str(item["sk"])

    def counts(self, source: str, first: date, last: date) -> Counts:
        """Outcomes of one lead source's mail on the days `first` to `last`, both included."""

        def read(shard: int) -> list[Item]:
            pk, low = items.counter_key(source, shard, first)
            _, high = items.counter_key(source, shard, last)
            return list(self._table.query(pk, (low, high), self._patience()))

        days: dict[date, Counter[str]] = {}
        with ThreadPoolExecutor(_READERS, thread_name_prefix="counts") as pool:
            for part in pool.map(read, range(self._settings.counter_shards)):
                for item in part:
                    day, sums = items.sums_of_item(item)
                    days.setdefault(day, Counter()).update(sums)
        return Counts(
            source=source,
            days={day: {n: v for n, v in days[day].items() if v} for day in sorted(days)},
        )

    def _patience(self, deadline: datetime | None = None) -> Patience:
        if deadline is None and self._within is not None:
            deadline = self._clock() + self._within
        return Patience(deadline=deadline, clock=self._clock, sleep=self._sleep)


def _runs(groups: Iterable[list[Observation]]) -> list[list[list[Observation]]]:
    """Groups, those together that share an address: in two lanes they would only conflict."""
    runs: list[list[list[Observation]]] = []
    before: set[str] = set()
    for group in groups:
        addresses = {item.event.address for item in group}
        if runs and before & addresses:
            runs[-1].append(group)
        else:
            runs.append([group])
        before = addresses
    return runs


def _read[T](found: Mapping[Key, Item], key: Key, read: Callable[[Item], T]) -> T | None:
    return read(found[key]) if key in found else None


def _recheck_day(facts: DomainFacts) -> date | None:
    recheck_at = facts.probe.recheck_at if facts.probe else None
    return utc_day(recheck_at) if recheck_at else None


def _reschedule(domain: str, old: date | None, new: date | None) -> Iterator[Action]:
    if old is not None and old != new:
        yield delete(items.recheck_key(old, domain))
    if new is not None and new != old:
        yield put(items.keyed(items.recheck_key(new, domain), {}))


class _Sources:
    """The lead sources that this execution environment has met."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._day: date | None = None
        self._today: set[str] = set()
        self._listed: set[str] = set()
        self._lock = Lock()

    def admit(self, source: str, day: date) -> bool:
        """Whether a lead source is among the first `cap` of the day, in this environment."""
        with self._lock:
            if day != self._day:
                self._day, self._today = day, set()
            if source not in self._today and len(self._today) < self._cap:
                self._today.add(source)
            return source in self._today

    def unlisted(self, sources: Iterable[str]) -> list[str]:
        """Those that are not known to be on the list of all."""
        with self._lock:
            return sorted(set(sources) - self._listed)

    def mark_listed(self, sources: Iterable[str]) -> None:
        """Remember that these are on the list."""
        with self._lock:
            self._listed.update(sources)
