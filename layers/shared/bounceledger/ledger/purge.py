"""Deleting everything that is kept about an erased address.

First the items under the address, whose markers move to the tombstone, then the entries of lead
sources. Facts keep no more than 200 of these, so all that are on the list are looked through. The
tombstone says how far that has come, so that another request goes on from there.
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
    MAX_ACTIONS,
    Action,
    CancelledError,
    RetryBudget,
    Table,
    delete,
    delete_over,
    put_version,
)
from bounceledger.settings import Settings

_ITEMS_PER_WRITE = 25
"""Items under an address that go at once: a marker takes two actions, and some counters."""
_SOURCES_PER_READ = MAX_ACTIONS - 1
"""Lead sources whose entries are read at once, besides the one of what people added."""
_READS_PER_SAVE = 20
"""Reads of entries after which the place is saved, some 2,000 lead sources."""


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
        """
        if tombstone.finished:  # once more from the beginning
            tombstone = replace(tombstone, purged_to="", finished=False)
        return self._purge_items(address, tombstone.partition, budget, end) and self._purge_entries(
            address, tombstone, budget, end
        )

    def _purge_items(
        self, address: str, partition: str, budget: RetryBudget, end: datetime
    ) -> bool:
        pk, keys = items.everything_range(address)
        while True:
            found, more = self._table.up_to(_ITEMS_PER_WRITE, pk, keys, budget)
            markers = [item for item in found if items.is_marker(item)]
            moved = self._table.get([counted_key(_key(m), partition) for m in markers], budget)
            counters = Counters(self._shards.of(0), self._settings, Sampling())
            actions = [*moves(markers, moved, partition, counters, _removed)]
            others = (i for i in found if not items.is_marker(i) or items.is_emptied(i))
            actions += [*map(_removed, others), *counters.actions()]
            if self._written(actions, budget) and not more:
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
                while not self._written([delete(key) for key in some], budget):
                    pass
            after, reads = sources[-1] if sources else after, reads + 1
            late = more and self._clock() >= end
            if late or (more and reads % _READS_PER_SAVE == 0):
                tombstone = self._saved(replace(tombstone, purged_to=after), budget)
            if late:
                return False
        return self._saved(replace(tombstone, purged_to=after, finished=True), budget).finished

    def _saved(self, tombstone: Tombstone, budget: RetryBudget) -> Tombstone:
        """Write how far it has come; somebody else's word counts if they were first."""
        written = put_version(items.tombstone_item(tombstone), tombstone.version)
        while not self._written([written], budget):
            key = items.tombstone_key(tombstone.partition)
            found = self._table.get([key], budget)
            if key not in found:  # the erasure was ended
                return replace(tombstone, finished=False)
            now = items.tombstone_of_item(found[key])
            if now.version != tombstone.version:
                tombstone = replace(tombstone, version=now.version)
                written = put_version(items.tombstone_item(tombstone), now.version)
        return replace(tombstone, version=tombstone.version + 1)

    def _written(self, actions: list[Action], budget: RetryBudget) -> bool:
        """Whether actions were applied; otherwise what they rest on is to be read again."""
        try:
            if actions:
                self._table.transact(actions, budget)
        except CancelledError as cancelled:
            budget.wait(cancelled)
            return False
        return True


def _removed(item: Item) -> Action:
    return delete_over(_key(item), *items.still_there(item))


def _key(item: Item) -> Key:
    return Key(str(item["pk"]), str(item["sk"]))
