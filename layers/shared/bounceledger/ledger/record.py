"""Recording groups of events: each exactly once, in as few calls as possible.

A group of events is recorded by one transaction that holds a marker per event, so it is
applied once or found to have been applied. What must follow a commit (see
`GroupRecorder._follow_up`) is repeated for events that turn out to be recorded already, so
that a worker that died in between leaves nothing undone.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from itertools import batched

from bounceledger.errors import LedgerError
from bounceledger.events import Kind
from bounceledger.ledger import items
from bounceledger.ledger.attributes import Item
from bounceledger.ledger.erasing import Hashes, counted_key, moves
from bounceledger.ledger.items import Key
from bounceledger.ledger.plan import (
    Counters,
    Plan,
    bounced_key_of,
    has_soft_cause,
    is_evidence,
    is_marked,
    keys_to_read,
    marker_key_of,
    only_counted,
    plan,
    sample_writes,
)
from bounceledger.ledger.results import Outcome, RecordResult
from bounceledger.ledger.sampling import Sampling
from bounceledger.ledger.shards import Shards
from bounceledger.ledger.table import (
    CONDITION_FAILED,
    CONFLICT,
    MAX_ACTIONS,
    Action,
    CancelledError,
    InvalidWriteError,
    RetryBudget,
    Table,
    is_invalid,
    is_passing,
    put_over,
    put_version,
    remove_elements,
)
from bounceledger.settings import Settings
from bounceledger.state import (
    AddressFacts,
    Observation,
    facts_of,
    has_soft_evidence,
    join,
)
from bounceledger.state.samples import Sample

_PAGES_PER_JOIN = 10
"""Pages of an address's items, some 40,000 messages, after which what was found is stored."""
PARTS_PER_READ = 4
"""Parts of a shard that are read in one call; most shards have one."""
_FACTS_PER_WRITE = 25
"""Facts, of 135 KB at the very worst, that stay below a transaction's 4 MB."""
_MOVES_PER_WRITE = 25
"""Markers that move to a tombstone in one transaction: each takes two actions and some counters."""


_OUTCOMES = (items.DELIVERED, items.BOUNCED)


class GroupRecorder:
    """Records groups of events that fit into one transaction each."""

    def __init__(
        self,
        table: Table,
        settings: Settings,
        shards: Shards,
        sampling: Sampling,
        clock: Callable[[], datetime],
    ) -> None:
        self._table = table
        self._settings = settings
        self._shards = shards
        self._sampling = sampling
        self._clock = clock

    def record(
        self,
        group: Sequence[Observation],
        writer: int,
        budget: RetryBudget,
        hashes: Hashes = Hashes(),  # noqa: B008 - it is frozen
    ) -> dict[Key, RecordResult]:
        """Record distinct events; one that can never be written fails alone.

        Args:
            group: distinct events that fit into one transaction.
            writer: number of the thread, which has a counter's shard of its own.
            budget: how long and how often to try.
            hashes: find those of the addresses that are erased.
        """
        try:
            return self._record_as_one(group, writer, budget, hashes)
        except InvalidWriteError as error:
            if len(group) == 1:
                return {marker_key_of(group[0]): _refused(str(error))}
        except LedgerError as error:
            return {marker_key_of(item): _worth_a_retry(str(error)) for item in group}
        except Exception as error:  # noqa: BLE001 - one event must not hold its group back
            if len(group) == 1:
                return {marker_key_of(group[0]): _worth_a_retry(_place(error))}
        middle = len(group) // 2
        first, second = group[:middle], group[middle:]
        return self.record(first, writer, budget, hashes) | self.record(
            second, writer, budget, hashes
        )

    def _record_as_one(
        self, group: Sequence[Observation], writer: int, budget: RetryBudget, hashes: Hashes
    ) -> dict[Key, RecordResult]:
        addresses = {item.event.address for item in group if is_evidence(item)}
        to_read = [*keys_to_read(group, self._settings), *hashes.tombstones(addresses)]
        known = self._table.get(to_read, budget)
        duplicates: set[Key] = set()
        newly_soft: frozenset[str] = frozenset()
        to_report: set[str] = set()
        to_look, looked_at = frozenset[tuple[str, date]](), 0
        while True:
            erased = self._erased(group, known, budget, hashes)
            duplicates |= _recorded(group, erased, known)
            left = [item for item in group if marker_key_of(item) not in duplicates]
            if not left:
                break
            shard = self._shards.of(writer)
            todo, guards = self._for_plan(left, erased, hashes)
            planned = plan(
                todo,
                known,
                shard=shard,
                settings=self._settings,
                now=self._clock(),
                sampling=self._sampling,
                sampled=left,
                must_be_absent=guards,
            )
            if not planned.actions:  # deliveries that are not counted
                break
            if len(planned.actions) > MAX_ACTIONS:
                raise InvalidWriteError("too many actions for one transaction")
            try:
                self._table.transact(planned.actions, budget)
            except CancelledError as cancelled:
                if _met_on_counter(planned, cancelled):
                    self._shards.leave(shard)
                failed = self._learn(planned, cancelled, known, budget)
                duplicates |= {
                    marker_key_of(item)
                    for item, kept in zip(left, todo, strict=True)
                    if marker_key_of(kept) in failed
                }
            else:
                newly_soft = planned.newly_soft
                to_report = set(planned.newly_suppressed)
                to_look, looked_at = planned.to_look, shard
                break
        self._sample_deliveries(group, duplicates, writer, budget)
        not_erased = [item for item in group if item.event.address not in erased]
        self._follow_up(
            not_erased, duplicates, newly_soft, known, budget, writer=writer, hashes=hashes
        )
        self._settle_left_behind(group, erased, known, budget, writer)
        self._look(to_look, looked_at, budget)
        results: dict[Key, RecordResult] = {}
        for item in group:
            key, address = marker_key_of(item), item.event.address
            if key in duplicates:
                results[key] = RecordResult(outcome=Outcome.DUPLICATE, erased=address in erased)
                continue
            # One event of several about an address reports that it is suppressed.
            suppresses = item.cause is not None and address in to_report
            to_report -= {address} if suppresses else set()
            results[key] = RecordResult(
                outcome=Outcome.RECORDED, suppresses=suppresses, erased=address in erased
            )
        return results

    def _erased(
        self,
        group: Iterable[Observation],
        known: dict[Key, Item],
        budget: RetryBudget,
        hashes: Hashes,
    ) -> dict[str, str]:
        """The partitions of the addresses that are known to be erased.

        Adds to `known` what is there of the messages of their events. Whether an address is erased
        is looked up before its events are recorded if they are evidence, or if an item of it was
        emptied; otherwise afterwards.
        """
        emptied = {key.pk for key, item in known.items() if items.is_emptied(item)}
        addresses = {item.event.address for item in group}
        if emptied:
            looked_up = {a for a in addresses if items.facts_key(a).pk in emptied}
            unread = [key for key in hashes.tombstones(looked_up) if key not in known]
            known.update(self._table.get(unread, budget))
        erased = hashes.erased(addresses, known)
        counted = [_as_kept(item, erased) for item in group if item.event.address in erased]
        messages = {key for key in keys_to_read(counted, self._settings) if key not in known}
        known.update(self._table.get(messages, budget))
        return erased

    def _for_plan(
        self, left: Sequence[Observation], erased: Mapping[str, str], hashes: Hashes
    ) -> tuple[list[Observation], list[Key]]:
        """Events as they are kept, in their order, and items that must not be there beside them.

        Evidence is recorded beside no tombstone. An event of an erased address may have been
        recorded under the address before, if its marker has not moved yet.
        """
        others = {
            item.event.address
            for item in left
            if is_evidence(item) and item.event.address not in erased
        }
        unmoved = [
            marker_key_of(item)
            for item in left
            if item.event.address in erased and is_marked(item, self._settings)
        ]
        kept = [_as_kept(item, erased) for item in left]
        return kept, [*hashes.tombstones(sorted(others)), *unmoved]

    def _learn(
        self,
        planned: Plan,
        cancelled: CancelledError,
        known: dict[Key, Item],
        budget: RetryBudget,
    ) -> set[Key]:
        """Find out why a transaction was cancelled, so that the next one is not.

        Brings `known` up to date for items that have changed, and pauses if only time helps.

        Returns:
            The events that turn out to be recorded already.
        """
        refused = list(zip(planned.actions, cancelled.codes, strict=True))
        if any(is_invalid(code) for _, code in refused):
            raise InvalidWriteError(str(cancelled))
        failed = {action.key for action, code in refused if code == CONDITION_FAILED}
        markers = {marker_key_of(item) for item in planned.marked}
        changed = failed - markers
        if changed or not failed or any(is_passing(code) for _, code in refused):
            budget.wait(cancelled)
        for key in changed:
            known.pop(key, None)
        known.update(self._table.get(changed, budget))
        return failed & markers

    def _sample_deliveries(
        self, group: Iterable[Observation], duplicates: set[Key], writer: int, budget: RetryBudget
    ) -> None:
        """Add the addresses of deliveries that were not recorded, which may have an answer by them.

        A delivery is not counted if its message is known to have bounced. If that was a block, its
        address is added here, as it is if the delivery comes first. It does no harm for a delivery
        that was recorded before, since adding a hash twice is the same as once.
        """
        late = [
            item
            for item in group
            if item.event.kind is Kind.DELIVERY and marker_key_of(item) in duplicates
        ]
        while late:
            shard = self._shards.of(writer)
            actions = sample_writes(
                late, shard=shard, settings=self._settings, sampling=self._sampling
            )
            try:
                if actions:
                    self._table.transact(actions, budget)
            except CancelledError as cancelled:
                if CONFLICT in cancelled.codes:
                    self._shards.leave(shard)
                budget.wait(cancelled)
            except InvalidWriteError as error:
                raise LedgerError("an address could not be added to a sample") from error
            else:
                return

    def _look(self, places: Iterable[tuple[str, date]], shard: int, budget: RetryBudget) -> None:
        """Keep the samples of addresses small that an event was added to.

        Nothing depends on it, so a failure is not one of the events': someone looks again later.
        """
        for source, day in sorted(places):
            with suppress(LedgerError, CancelledError):
                found = self._sampling.arrange(self._parts(source, day, shard, budget))
                actions = [
                    remove_elements(
                        self._part_key(source, day, shard, trim.part),
                        {items.ANSWERED: trim.answered, items.BLOCKED: trim.blocked},
                        level=trim.level,
                        attribute=items.LEVEL,
                    )
                    for trim in found.trims
                ]
                if actions:
                    self._table.transact(actions, budget)
                self._sampling.remember(source, day, shard, found.place)

    def _parts(self, source: str, day: date, shard: int, budget: RetryBudget) -> dict[int, Sample]:
        """The sample in each part of a shard."""
        parts: dict[int, Sample] = {}
        while True:
            wanted = range(len(parts), len(parts) + PARTS_PER_READ)
            keys = {self._part_key(source, day, shard, part): part for part in wanted}
            found = self._table.get(keys, budget)
            parts |= {keys[key]: items.sample_of_item(item) for key, item in found.items()}
            if len(found) < len(keys):
                return parts

    def _part_key(self, source: str, day: date, shard: int, part: int) -> Key:
        partitions = self._settings.counter_partitions
        return items.counter_key(source, shard, day, partitions, part=part)

    def _follow_up(
        self,
        group: Iterable[Observation],
        duplicates: set[Key],
        newly_soft: Iterable[str],
        known: Mapping[Key, Item],
        budget: RetryBudget,
        *,
        writer: int,
        hashes: Hashes,
    ) -> None:
        """Bring what became of messages and soft bounces of the same address together.

        A delivery or a block commits what became of its message, then looks for facts; an
        address's first soft evidence is committed, then what became of the address's
        messages is searched. Whichever commits second sees the other, so nothing is missed
        although neither reads the other's item inside its transaction (docs/data-model.md
        has the proof).
        """
        changes: dict[str, AddressFacts] = {}
        to_search = set(newly_soft)
        for item in group:
            if item.cause is None:
                self._join_into(changes, facts_of(item))
            elif marker_key_of(item) in duplicates and has_soft_cause(item):
                to_search.add(item.event.address)
        for address in sorted(to_search):
            facts = known.get(items.facts_key(address))
            searched_to = items.facts_of_item(facts).searched_to if facts else ""
            self._join_into(changes, self._search(address, searched_to, budget))
        unseen = self._not_looked_up(group)
        tombstones = hashes.tombstones(unseen)
        if not tombstones:
            self._join_to_facts(changes, budget)
            return
        found = self._table.get([*map(items.facts_key, changes), *tombstones], budget)
        for address, partition in hashes.erased(unseen, found).items():
            changes.pop(address, None)
            self._settle(unseen[address], partition, budget, writer)
        self._join_to_facts(changes, budget, found)

    def _not_looked_up(self, group: Iterable[Observation]) -> dict[str, list[Key]]:
        """By address, the markers that were written before anybody looked for a tombstone."""
        found: dict[str, list[Key]] = {}
        for item in group:
            if item.cause is None and item.event.address and is_marked(item, self._settings):
                markers = [marker_key_of(item), bounced_key_of(item, self._settings)]
                found.setdefault(item.event.address, []).extend(key for key in markers if key)
        return found

    def _settle_left_behind(
        self,
        group: Iterable[Observation],
        erased: Mapping[str, str],
        known: Mapping[Key, Item],
        budget: RetryBudget,
        writer: int,
    ) -> None:
        """Move markers of erased addresses that are still under the address.

        Whoever wrote one may have died before it looked for the tombstone. The event comes again,
        and is known to be recorded by this marker.
        """
        for item in group:
            partition = erased.get(item.event.address)
            if partition is None or not is_marked(item, self._settings):
                continue
            keys = (marker_key_of(item), bounced_key_of(item, self._settings))
            there = [key for key in keys if key is not None and key in known]
            left = [key for key in there if not items.is_emptied(known[key])]
            self._settle(left, partition, budget, writer)

    def _settle(
        self, markers: Iterable[Key], partition: str, budget: RetryBudget, writer: int
    ) -> None:
        """Move markers of an address that turns out to be erased to its tombstone.

        Whoever erases an address first writes the tombstone, and then reads the markers. These were
        written first, and then the tombstone is read: one of the two sees the other.
        """
        for some in batched(dict.fromkeys(markers), _MOVES_PER_WRITE, strict=False):
            while True:
                moved = [counted_key(key, partition) for key in some]
                found = self._table.get([*some, *moved], budget)
                counters = Counters(self._shards.of(writer), self._settings, self._sampling)
                there = [found[key] for key in some if key in found]
                actions = [*moves(there, found, partition, counters, self._emptied)]
                actions += counters.actions()
                try:
                    if actions:
                        self._table.transact(actions, budget)
                except CancelledError as cancelled:
                    budget.wait(cancelled)
                else:
                    break

    def _emptied(self, item: Item) -> Action:
        """Take everything from an item that may not be deleted here."""
        key = Key(str(item["pk"]), str(item["sk"]))
        return put_over(items.emptied_item(key, self._clock()), *items.still_there(item))

    def _join_into(self, changes: dict[str, AddressFacts], change: AddressFacts) -> None:
        if change.messages or change.searched_to:
            before = changes.get(change.address, AddressFacts(address=change.address))
            changes[change.address] = join(before, change, self._settings.policy)

    def _search(self, address: str, searched_to: str, budget: RetryBudget) -> AddressFacts:
        """What became of the messages to an address, as far as its events tell.

        What is found on every `_PAGES_PER_JOIN` pages is joined to the facts with the place, so
        that the next try goes on from there if this one runs out of time.

        Args:
            address: canonical form.
            searched_to: where an earlier search came to; empty for nowhere.
            budget: how long and how often to try.

        Returns:
            What was found since, yet to be joined.
        """
        found = AddressFacts(address=address)
        if searched_to == items.LAST:
            return found
        pk, first, equals = self._messages_of(address)
        low = searched_to if searched_to.startswith(first) else first
        pages = self._table.pages(pk, (low, first + items.LAST), budget, equals=equals)
        for number, (page, place) in enumerate(pages, 1):
            # A newer version may have other outcomes, of which this one cannot say what they mean.
            known = (item for item in page if item.get("outcome") in _OUTCOMES)
            messages = dict(map(items.message_of_item, known))
            found = join(
                found, AddressFacts(address=address, messages=messages), self._settings.policy
            )
            if place and number % _PAGES_PER_JOIN == 0:
                searched_to = place
                self._join_to_facts({address: replace(found, searched_to=place)}, budget)
        # Most addresses have one page, and nothing to go on from.
        return replace(found, searched_to=items.LAST) if searched_to else found

    def _messages_of(self, address: str) -> tuple[str, str, tuple[str, str] | None]:
        """Where messages to an address are: partition, start of the sort key, and a filter."""
        if self._settings.count_deliveries:
            return *items.message_key(address, ""), None
        return *items.event_key(address, ""), ("outcome", items.BOUNCED)

    def _join_to_facts(
        self,
        changes: Mapping[str, AddressFacts],
        budget: RetryBudget,
        found: Mapping[Key, Item] | None = None,
    ) -> None:
        """Join what became of messages to the facts of those addresses for which it matters.

        Args:
            changes: by address.
            budget: how long and how often to try.
            found: the facts, if they were read since the commit.
        """
        keys = [*map(items.facts_key, changes)]
        while changes:
            found = self._table.get(keys, budget) if found is None else found
            facts = [items.facts_of_item(found[key]) for key in keys if key in found]
            writes = []
            for before in facts:
                if not self._matters_to(before):
                    continue
                after = join(before, changes[before.address], self._settings.policy)
                if after != before:
                    item = items.facts_item(after, self._settings.policy, over=before)
                    writes.append(put_version(item, before.version))
            try:
                for some in batched(writes, _FACTS_PER_WRITE, strict=False):
                    self._table.transact(some, budget)
            except CancelledError as cancelled:
                budget.wait(cancelled)
                found = None
            except InvalidWriteError as error:
                # The events themselves are recorded, so they must not be refused for this.
                raise LedgerError("a message could not be joined to the facts") from error
            else:
                return

    def _matters_to(self, facts: AddressFacts) -> bool:
        """Whether facts must hold the address's messages now.

        Without soft evidence they need not: the first will search for them. Deliveries that
        are not counted cannot be searched for.
        """
        return has_soft_evidence(facts) or not self._settings.count_deliveries


def _as_kept(item: Observation, erased: Mapping[str, str]) -> Observation:
    """An event as it is kept, which of an erased address is no more than that it was counted."""
    partition = erased.get(item.event.address)
    return only_counted(item, partition) if partition else item


def _met_on_counter(planned: Plan, cancelled: CancelledError) -> bool:
    """Whether another transaction was writing to a counter's shard."""
    return any(
        code == CONFLICT and items.is_counter(action.key)
        for action, code in zip(planned.actions, cancelled.codes, strict=True)
    )


def _recorded(
    group: Iterable[Observation], erased: Mapping[str, str], known: Mapping[Key, Item]
) -> set[Key]:
    """Events that are recorded already, as far as known.

    A delivery's marker that is among the known items is that of its message: the delivery was
    recorded before, or the message is known to have bounced. Any other marker was found by a
    transaction that failed for it.
    """
    return {
        marker_key_of(item)
        for item in group
        if marker_key_of(item) in known or marker_key_of(_as_kept(item, erased)) in known
    }


def _worth_a_retry(reason: str) -> RecordResult:
    return RecordResult(outcome=Outcome.FAILED, reason=reason, retry_helps=True)


def _refused(reason: str) -> RecordResult:
    reason = f"cannot be stored: {reason}"
    return RecordResult(outcome=Outcome.FAILED, reason=reason, field="event")


def _place(error: Exception) -> str:
    """What went wrong and where, without the error's text, which may name a person."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name}, line {last.lineno} of {last.filename}"
