"""Deleting everything that is kept about an erased address.

First the items under the address, whose markers move to the tombstone, then the entries of lead
sources. Facts keep no more than 200 of these, so all that are on the list are looked through. The
tombstone says how far that has come, so that another request goes on from there. Every transaction
requires that the tombstone is still there: what is written once the erasure has ended must stay.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import batched

from bounceledger.ledger import items
from bounceledger.ledger.attributes import Item
from bounceledger.ledger.erasing import counted_key, moves
from bounceledger.ledger.items import Key, Tombstone
from bounceledger.ledger.plan import Counters
from bounceledger.ledger.sampling import Sampling
from bounceledger.ledger.shards import Shards
from bounceledger.ledger.table import (
    CONDITION_FAILED,
    MAX_ACTIONS,
    Action,
    CancelledError,
    RetryBudget,
    Table,
    delete,
    delete_over,
    put_over,
    still,
)
from bounceledger.settings import Settings

_ITEMS_PER_WRITE = 25
"""Items under an address that go at once: a marker takes up to three actions, the tombstone one."""
_SOURCES_PER_READ = MAX_ACTIONS - 1
"""Lead sources whose entries are read at once, besides the one of what people added."""
_READS_PER_SAVE = 20
"""Reads of entries after which the place is saved, some 2,000 lead sources."""


class ErasureEndedError(Exception):
    """The tombstone is gone, or is that of a later erasure, so nothing more may be deleted."""


class Purge:
    """Deletes what is kept about addresses that have a tombstone.

    Args:
        table: the table.
        settings: of the deployment.
        shards: of the counters from which an event is taken that was counted twice.
        clock: now, aware.
    """

    def __init__(
        self, table: Table, settings: Settings, shards: Shards, clock: Callable[[], datetime]
    ) -> None:
        self._table = table
        self._settings = settings
        self._shards = shards
        self._clock = clock

    def purge(self, address: str, tombstone: Tombstone, budget: RetryBudget, end: datetime) -> bool:
        """Delete what there is, from the place on that the tombstone has.

        Whatever was written about the address before the tombstone is found, since all reads come
        after it. Later nothing is written under the address that is not moved by whoever wrote it.

        Args:
            address: canonical form.
            tombstone: as it was read.
            budget: how long and how often to try.
            end: moment after which only one step more of each sort is made, so that requests that
                are repeated come to an end.

        Returns:
            Whether all of it is gone.

        Raises:
            ErasureEndedError: the erasure was ended.
        """
        if tombstone.finished:  # once more from the beginning
            tombstone = replace(tombstone, purged_to="", finished=False)
        return self._purge_items(address, tombstone, budget, end) and self._purge_entries(
            address, tombstone, budget, end
        )

    def _purge_items(
        self, address: str, tombstone: Tombstone, budget: RetryBudget, end: datetime
    ) -> bool:
        pk, keys = items.everything_range(address)
        partition = tombstone.partition
        while True:
            found, more = self._table.up_to(_ITEMS_PER_WRITE, pk, keys, budget)
            markers = [item for item in found if items.is_marker(item)]
            moved = self._table.get([counted_key(_key(m), partition) for m in markers], budget)
            counters = Counters(self._shards.of(0), self._settings, Sampling())
            actions = [*moves(markers, moved, partition, counters, _removed)]
            others = (i for i in found if not items.is_marker(i) or items.is_emptied(i))
            actions += [*map(_removed, others), *counters.actions()]
            if self._written(actions, tombstone, budget) and not more:
                return True
            if self._clock() >= end:
                return False

    def _purge_entries(
        self, address: str, tombstone: Tombstone, budget: RetryBudget, end: datetime
    ) -> bool:
        partition, names = items.source_list_range()
        after, more, reads = tombstone.purged_to, True, 0
        while more:
            listed, more = self._table.up_to(
                _SOURCES_PER_READ, partition, names, budget, after=after
            )
            sources = [str(item["sk"]) for item in listed]
            wanted = [items.source_key(source, address) for source in (items.MANUAL, *sources)]
            entries = self._table.get(wanted, budget)
            for some in batched(entries, _ITEMS_PER_WRITE, strict=False):
                while not self._written([delete(key) for key in some], tombstone, budget):
                    pass
            after, reads = sources[-1] if sources else after, reads + 1
            late = more and self._clock() >= end
            if late or (more and reads % _READS_PER_SAVE == 0):
                tombstone = self._saved(replace(tombstone, purged_to=after), budget)
            if late:
                return False
        return self._saved(replace(tombstone, purged_to=after, finished=True), budget).finished

    def _saved(self, tombstone: Tombstone, budget: RetryBudget) -> Tombstone:
        """Write how far it has come.

        Another request may have written it, too, and have come further. What is between the two is
        then looked through once more.
        """
        item = items.tombstone_item(replace(tombstone, version=tombstone.version + 1))
        written = put_over(item, *items.same_erasure(tombstone))
        while not self._applied([written], budget):
            pass
        return replace(tombstone, version=tombstone.version + 1)

    def _written(self, actions: list[Action], tombstone: Tombstone, budget: RetryBudget) -> bool:
        """Whether actions were applied; otherwise what they rest on is to be read again."""
        if not actions:
            return True
        key = items.tombstone_key(tombstone.partition)
        return self._applied([still(key, *items.same_erasure(tombstone)), *actions], budget)

    def _applied(self, actions: list[Action], budget: RetryBudget) -> bool:
        """The same of actions of which the first rests on the tombstone."""
        try:
            self._table.transact(actions, budget)
        except CancelledError as cancelled:
            if cancelled.codes and cancelled.codes[0] == CONDITION_FAILED:
                raise ErasureEndedError from cancelled
            budget.wait(cancelled)
            return False
        return True


def _removed(item: Item) -> Action:
    return delete_over(_key(item), *items.still_there(item))


def _key(item: Item) -> Key:
    return Key(str(item["pk"]), str(item["sk"]))
