"""Booking: every event exactly once, in as few calls as possible.

A group of events is booked by one transaction that holds a marker per event, so it is
applied once or found to have been applied. What must follow a commit (see
`Recorder._follow_up`) is repeated for events found booked already, so that a worker that
died in between leaves nothing undone.
"""

import random
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import batched

from bounceledger.errors import LedgerError
from bounceledger.events import Kind
from bounceledger.ledger import items
from bounceledger.ledger.answers import Fate, Outcome
from bounceledger.ledger.items import Item, Key
from bounceledger.ledger.plan import Plan, has_soft_cause, keys_to_read, plan
from bounceledger.ledger.table import (
    CONDITION_FAILED,
    CONFLICT,
    MAX_ACTIONS,
    CancelledError,
    InvalidWriteError,
    Patience,
    Table,
    is_invalid,
    is_passing,
    put_version,
)
from bounceledger.settings import Settings
from bounceledger.state import AddressFacts, Observation, join

_BOOKED = Outcome(fate=Fate.BOOKED)
_DUPLICATE = Outcome(fate=Fate.DUPLICATE)
_FACTS_PER_WRITE = 25
"""Facts, of 105 KB at the very worst, that stay below a transaction's 4 MB."""


class Shards:
    """Which shard of a counter a lane adds to.

    Lanes of one execution environment have shards of their own; environments draw a block
    of shards, and draw again when they meet another one there.
    """

    def __init__(
        self, count: int, lanes: int, draw: Callable[[int], int] = random.randrange
    ) -> None:
        self._lanes = lanes
        self._blocks = max(1, count // lanes)
        self._draw = draw
        self._block = draw(self._blocks)

    def of(self, lane: int) -> int:
        """The shard of a lane."""
        return self._block * self._lanes + lane

    def move(self) -> None:
        """Draw another block, since someone else is writing to this one."""
        self._block = self._draw(self._blocks)


def event_id(observation: Observation) -> Key:
    """What makes two observations the same event."""
    return items.event_key(observation.event.address, observation.event.event_id)


class Recorder:
    """Books groups of events that fit into one transaction each."""

    def __init__(
        self, table: Table, settings: Settings, shards: Shards, clock: Callable[[], datetime]
    ) -> None:
        self._table = table
        self._settings = settings
        self._shards = shards
        self._clock = clock

    def book(
        self, group: Sequence[Observation], lane: int, patience: Patience
    ) -> dict[Key, Outcome]:
        """Book distinct events; one that can never be written fails alone."""
        try:
            return self._book_as_one(group, lane, patience)
        except InvalidWriteError as error:
            if len(group) == 1:
                return {event_id(group[0]): _refused(str(error))}
        except LedgerError as error:
            return {event_id(item): _worth_a_retry(str(error)) for item in group}
        except Exception as error:  # noqa: BLE001 - one event must not hold its group back
            if len(group) == 1:
                return {event_id(group[0]): _worth_a_retry(_place(error))}
        middle = len(group) // 2
        first, second = group[:middle], group[middle:]
        return self.book(first, lane, patience) | self.book(second, lane, patience)

    def _book_as_one(
        self, group: Sequence[Observation], lane: int, patience: Patience
    ) -> dict[Key, Outcome]:
        known = self._table.get(keys_to_read(group, self._settings), patience)
        outcomes = {event_id(item): _BOOKED for item in group}
        newly_soft: frozenset[str] = frozenset()
        while todo := [item for item in group if outcomes[event_id(item)] is _BOOKED]:
            planned = plan(
                todo,
                known,
                shard=self._shards.of(lane),
                settings=self._settings,
                now=self._clock(),
            )
            if not planned.actions:  # deliveries that are not counted
                break
            if len(planned.actions) > MAX_ACTIONS:
                raise InvalidWriteError("too many actions for one transaction")
            try:
                self._table.transact(planned.actions, patience)
            except CancelledError as cancelled:
                outcomes |= self._learn(planned, cancelled, known, patience)
            else:
                newly_soft = planned.newly_soft
                break
        self._follow_up(group, outcomes, newly_soft, patience)
        return outcomes

    def _learn(
        self,
        planned: Plan,
        cancelled: CancelledError,
        known: dict[Key, Item],
        patience: Patience,
    ) -> dict[Key, Outcome]:
        """Find out why a transaction was cancelled, so that the next one is not.

        Brings `known` up to date for items that moved on, and pauses if only time helps.

        Returns:
            The events found to have been booked before.
        """
        refused = list(zip(planned.actions, cancelled.codes, strict=True))
        if any(is_invalid(code) for _, code in refused):
            raise InvalidWriteError(str(cancelled))
        if any(code == CONFLICT and action.kind == "Update" for action, code in refused):
            self._shards.move()
        failed = [action.key for action, code in refused if code == CONDITION_FAILED]
        markers = {event_id(item) for item in planned.marked}
        moved_on = [key for key in failed if key not in markers]
        if moved_on or not failed or any(is_passing(code) for _, code in refused):
            patience.wait(cancelled)
        for key in moved_on:
            known.pop(key, None)
        known.update(self._table.get(moved_on, patience))
        return {key: _DUPLICATE for key in failed if key in markers}

    def _follow_up(
        self,
        group: Iterable[Observation],
        outcomes: Mapping[Key, Outcome],
        newly_soft: Iterable[str],
        patience: Patience,
    ) -> None:
        """Bring deliveries and soft bounces of the same address together.

        A delivery commits its marker, then looks for facts; an address's first soft
        evidence is committed, then the address's events are looked through. Whichever
        commits second sees the other, so no delivery is missed although neither reads
        the other's item inside its transaction (docs/data-model.md has the proof).
        """
        delivered: dict[str, datetime] = {}
        look_up = set(newly_soft)
        for item in group:
            event = item.event
            if event.kind is Kind.DELIVERY:
                _raise_to(delivered, event.address, event.occurred_at)
            elif outcomes[event_id(item)] is _DUPLICATE and has_soft_cause(item, self._settings):
                look_up.add(event.address)
        for address in sorted(look_up):
            for moment in self._deliveries(address, patience):
                _raise_to(delivered, address, moment)
        self._tell_facts(delivered, patience)

    def _deliveries(self, address: str, patience: Patience) -> Iterable[datetime]:
        pk, first = items.event_key(address, "")
        events = self._table.query(
            pk, (first, first + items.LAST), patience, equals=("kind", Kind.DELIVERY.value)
        )
        return (items.to_time(event["occurred_at"]) for event in events)

    def _tell_facts(self, delivered: Mapping[str, datetime], patience: Patience) -> None:
        """Join deliveries to the facts of those of the addresses that have any."""
        while delivered:
            found = self._table.get(map(items.facts_key, delivered), patience)
            writes = []
            for before in map(items.facts_of_item, found.values()):
                change = AddressFacts(
                    address=before.address, delivered_at=delivered[before.address]
                )
                after = join(before, change, self._settings.policy)
                if after != before:
                    item = items.facts_item(after, self._settings.policy)
                    writes.append(put_version(item, before.version))
            try:
                for some in batched(writes, _FACTS_PER_WRITE, strict=False):
                    self._table.transact(some, patience)
            except CancelledError as cancelled:
                patience.wait(cancelled)
            except InvalidWriteError as error:
                # The events themselves are booked, so they must not be refused for this.
                raise LedgerError("facts could not be told of a delivery") from error
            else:
                return


def _raise_to(latest: dict[str, datetime], address: str, moment: datetime) -> None:
    latest[address] = max(moment, latest.get(address, moment))


def _worth_a_retry(reason: str) -> Outcome:
    return Outcome(fate=Fate.FAILED, reason=reason, retry_helps=True)


def _refused(reason: str) -> Outcome:
    return Outcome(fate=Fate.FAILED, reason=f"the table refuses it: {reason}", field="event")


def _place(error: Exception) -> str:
    """What went wrong and where, without the error's text, which may name a person."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name}, line {last.lineno} of {last.filename}"
