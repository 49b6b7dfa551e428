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
from bounceledger.ledger.items import Key
from bounceledger.ledger.plan import (
    Plan,
    has_soft_cause,
    keys_to_read,
    marker_key_of,
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
    CancelledError,
    InvalidWriteError,
    RetryBudget,
    Table,
    is_invalid,
    is_passing,
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
        self, group: Sequence[Observation], writer: int, budget: RetryBudget
    ) -> dict[Key, RecordResult]:
        """Record distinct events; one that can never be written fails alone."""
        try:
            return self._record_as_one(group, writer, budget)
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
        return self.record(first, writer, budget) | self.record(second, writer, budget)

    def _record_as_one(
        self, group: Sequence[Observation], writer: int, budget: RetryBudget
    ) -> dict[Key, RecordResult]:
        known = self._table.get(keys_to_read(group, self._settings), budget)
        duplicates: set[Key] = set()
        newly_soft: frozenset[str] = frozenset()
        to_report: set[str] = set()
        to_look, looked_at = frozenset[tuple[str, date]](), 0
        while todo := _without(group, duplicates, known):
            shard = self._shards.of(writer)
            planned = plan(
                todo,
                known,
                shard=shard,
                settings=self._settings,
                now=self._clock(),
                sampling=self._sampling,
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
                duplicates |= self._learn(planned, cancelled, known, budget)
            else:
                newly_soft = planned.newly_soft
                to_report = set(planned.newly_suppressed)
                to_look, looked_at = planned.to_look, shard
                break
        duplicates |= {key for key in map(marker_key_of, group) if key in known}
        self._sample_deliveries(group, duplicates, writer, budget)
        self._follow_up(group, duplicates, newly_soft, known, budget)
        self._look(to_look, looked_at, budget)
        results: dict[Key, RecordResult] = {}
        for item in group:
            key, address = marker_key_of(item), item.event.address
            if key in duplicates:
                results[key] = RecordResult(outcome=Outcome.DUPLICATE)
                continue
            # One event of several about an address reports that it is suppressed.
            suppresses = item.cause is not None and address in to_report
            to_report -= {address} if suppresses else set()
            results[key] = RecordResult(outcome=Outcome.RECORDED, suppresses=suppresses)
        return results

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
        self._join_to_facts(changes, budget)

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

    def _join_to_facts(self, changes: Mapping[str, AddressFacts], budget: RetryBudget) -> None:
        """Join what became of messages to the facts of those addresses for which it matters."""
        while changes:
            found = self._table.get(map(items.facts_key, changes), budget)
            writes = []
            for before in map(items.facts_of_item, found.values()):
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


def _met_on_counter(planned: Plan, cancelled: CancelledError) -> bool:
    """Whether another transaction was writing to a counter's shard."""
    return any(
        code == CONFLICT and items.is_counter(action.key)
        for action, code in zip(planned.actions, cancelled.codes, strict=True)
    )


def _without(
    group: Iterable[Observation], duplicates: set[Key], known: Mapping[Key, Item]
) -> list[Observation]:
    """Events that are left to record.

    A marker that is among the known items is that of a delivery: it was recorded before, or
    its message is known to have bounced.
    """
    return [
        item
        for item in group
        if (key := marker_key_of(item)) not in duplicates and key not in known
    ]


def _worth_a_retry(reason: str) -> RecordResult:
    return RecordResult(outcome=Outcome.FAILED, reason=reason, retry_helps=True)


def _refused(reason: str) -> RecordResult:
    reason = f"cannot be stored: {reason}"
    return RecordResult(outcome=Outcome.FAILED, reason=reason, field="event")


def _place(error: Exception) -> str:
    """What went wrong and where, without the error's text, which may name a person."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name}, line {last.lineno} of {last.filename}"
