"""How an erased address is recognised, and how its markers move to its tombstone. No side effects.

A tombstone is in a partition whose key is a hash of the address. The markers of the address's
events are there, too, so that an event that is delivered again is not counted twice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bounceledger.erasure_keys import ErasureKeys
from bounceledger.ledger import items
from bounceledger.ledger.attributes import Item
from bounceledger.ledger.items import DELIVERED, Key
from bounceledger.ledger.plan import Counters
from bounceledger.ledger.table import Action, put_new, put_over


@dataclass(frozen=True, slots=True)
class Hashes:
    """Where tombstones of addresses would be, by the keys that are known.

    Attributes:
        keys: of the deployment; None if it cannot erase, so that there are none.
    """

    keys: ErasureKeys | None = None

    @property
    def per_address(self) -> int:
        """Places in which the tombstone of one address may be."""
        return len(self.keys.keys) if self.keys else 0

    def partitions(self, address: str, key_ids: Iterable[str] | None = None) -> list[str]:
        """Partitions in which an address's tombstone may be, that of the current key first.

        Args:
            address: canonical form; there are none for an empty one, or for what is one already.
            key_ids: those of the keys to look under; all by default.
        """
        if self.keys is None or not address or items.is_erased(address):
            return []
        wanted = self.keys.keys.keys() if key_ids is None else set(key_ids)
        ordered = sorted(wanted, key=lambda key_id: (key_id != self.keys.current, key_id))
        return [items.erased_partition(i, self.keys.hash_of(address, i)) for i in ordered]

    def tombstones(self, addresses: Iterable[str]) -> list[Key]:
        """Keys of all tombstones that some addresses may have."""
        return [items.tombstone_key(p) for a in addresses for p in self.partitions(a)]

    def erased(self, addresses: Iterable[str], found: Mapping[Key, Item]) -> dict[str, str]:
        """The partitions of those of the addresses that are erased.

        Args:
            addresses: canonical form.
            found: items that exist, their tombstones among them.
        """
        there = {key.pk for key in found if key.sk == items.TOMBSTONE}
        if not there:
            return {}
        places = {address: self.partitions(address) for address in addresses}
        return {
            address: next(partition for partition in partitions if partition in there)
            for address, partitions in places.items()
            if not there.isdisjoint(partitions)
        }


def counted_key(marker: Key, partition: str) -> Key:
    """Where a marker of an erased address moves to."""
    return Key(partition, marker.sk)


def moves(
    markers: Iterable[Item],
    found: Mapping[Key, Item],
    partition: str,
    counters: Counters,
    remove: Callable[[Item], Action],
) -> Iterator[Action]:
    """Move markers of an erased address, so that each event stays counted exactly once.

    An event may be there twice: its marker had moved when it was delivered again, and was then
    recorded before anybody saw the tombstone. What was counted the second time is taken back. Only
    events that are no evidence can be, since evidence is not recorded beside a tombstone.

    Args:
        markers: of the address, as they were read.
        found: items that exist, those of `counted_key` among them.
        partition: of the erased address.
        counters: takes what is no longer counted; its actions belong to the same transaction.
        remove: takes a marker away if it is still as it was read.

    Yields:
        Actions, on condition that nothing has changed since.
    """
    for marker in markers:
        if items.is_emptied(marker):
            continue
        key = Key(str(marker["pk"]), str(marker["sk"]))
        counted = found.get(counted_key(key, partition))
        moved = items.counted_item(marker, partition)
        yield remove(marker)
        if counted is None:
            yield put_new(moved)
        elif not key.sk.startswith(items.MESSAGE_PREFIX):
            counters.take_back_event(marker)
        elif marker.get("outcome") == DELIVERED:
            counters.take_back_delivery(marker)
        elif counted.get("outcome") == DELIVERED:
            counters.take_back_delivery(counted)
            yield put_over(moved, "outcome", DELIVERED)
