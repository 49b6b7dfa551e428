"""Erases people again from a table that was restored from a backup.

The restored table knows everybody who was erased since the backup. This copies the tombstones, and
what domains know of them, from the table that is still there. Then it looks for addresses in the
restored table that have a tombstone, and deletes everything about them, as the API does. It names
nobody, and may be interrupted and repeated.

Run it while nothing else writes to the restored table (docs/operations.md).

Usage: python -m tools.reapply_erasures --from OLD_TABLE --to NEW_TABLE --secret ARN [--dry-run]
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any, Protocol, cast

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import Progress

from bounceledger.erasure_keys import ErasureKeyring
from bounceledger.errors import BounceledgerError, LedgerError
from bounceledger.ledger import ChangeOutcome, Ledger, connect, items
from bounceledger.ledger.attributes import Item, from_attributes
from bounceledger.ledger.erasing import Hashes
from bounceledger.ledger.items import Tombstone
from bounceledger.ledger.table import CancelledError, RetryBudget, Table, put_version
from bounceledger.settings import Settings
from bounceledger.state import Action, Change, DomainFacts, join_domain

PEOPLE_PER_CALL = 25
"""Addresses that are erased side by side."""
TRIES = 1000
"""How often one erasure is asked for until it is finished; each goes on from the last."""

type Advance = Callable[[int], None]
"""Called with the number of items just looked at."""


class Client(Protocol):
    """The calls of a DynamoDB client that are made beside those of the ledger."""

    def scan(self, **request: Any) -> Mapping[str, Any]:
        """A page of all items."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasures:
    """What a table knows of erasures.

    Attributes:
        tombstones: by the partition that stands for the address.
        domains: ids of the keys under which people were erased, by domain.
    """

    tombstones: Mapping[str, Tombstone]
    domains: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done, or would be.

    Attributes:
        erasures: tombstones in the old table.
        copied: those of them that the restored table did not have.
        domains: domains whose facts got to know of erasures.
        people: addresses in the restored table that have a tombstone.
        ended: tombstones of the restored table that the old one no longer has; they stay.
    """

    erasures: int
    copied: int
    domains: int
    people: int
    ended: int

    def to_json(self) -> dict[str, int]:
        """The outcome as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


def scan(client: Client, table: str, advance: Advance, **request: Any) -> Iterator[Item]:
    """All items of a table, strongly consistent."""
    request |= {"TableName": table, "ConsistentRead": True}
    while True:
        page = client.scan(**request)
        yield from map(from_attributes, page["Items"])
        advance(page.get("ScannedCount", len(page["Items"])))
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def erasures_of(client: Client, table: str, advance: Advance) -> Erasures:
    """What a table knows of erasures."""
    found = scan(
        client,
        table,
        advance,
        FilterExpression="sk = :tombstone OR attribute_exists(erasures)",
        ExpressionAttributeValues={":tombstone": {"S": items.TOMBSTONE}},
    )
    tombstones, domains = {}, {}
    for item in found:
        if item["sk"] == items.TOMBSTONE:
            tombstone = items.tombstone_of_item(item)
            tombstones[tombstone.partition] = tombstone
        elif "erasures" in item:
            facts = items.domain_of_item(item)
            domains[facts.domain] = facts.erasures
    return Erasures(tombstones=tombstones, domains=domains)


def addresses_of(client: Client, table: str, advance: Advance) -> Iterator[str]:
    """Addresses that items of a table name, some of them more than once."""
    for item in scan(client, table, advance, ProjectionExpression="pk, sk"):
        pk, sk = str(item["pk"]), str(item["sk"])
        named = pk if pk.startswith(items.ADDRESS_PREFIX) else sk
        address = named.removeprefix(items.ADDRESS_PREFIX)
        if named.startswith(items.ADDRESS_PREFIX) and "@" in address:
            yield address


class Reapplying:
    """Applies the erasures of one table to another.

    Args:
        client: of DynamoDB.
        old: the table that is still there.
        new: the restored one.
        keyring: the keys of erasures.
        settings: of the ledger of the restored table.
    """

    def __init__(
        self, client: Client, old: str, new: str, keyring: ErasureKeyring, settings: Settings
    ) -> None:
        self._client = client
        self._old, self._new = old, new
        self._keyring = keyring
        self._table = Table(cast("Any", client), new)
        self._ledger = Ledger(cast("Any", client), settings, erasure=keyring)

    def run(self, advance: Advance, *, dry_run: bool) -> Outcome:
        """Copy, look for addresses, and erase.

        Args:
            advance: called with the number of items just looked at: those of the old table once,
                those of the restored one twice.
            dry_run: write nothing.

        Raises:
            BounceledgerError: a call failed, or a key is missing; repeat it.
        """
        old = erasures_of(self._client, self._old, advance)
        new = erasures_of(self._client, self._new, advance)
        ids = {items.key_id_of(partition) for partition in old.tombstones}
        hashes = Hashes(self._keyring.keys(ids.union(*old.domains.values())))
        missing = [t for p, t in old.tombstones.items() if p not in new.tombstones]
        flags = {d: i for d, i in old.domains.items() if not i <= new.domains.get(d, frozenset())}
        if not dry_run:
            for domain, key_ids in flags.items():
                self._flag(domain, key_ids)
            for tombstone in missing:
                self._put(tombstone)
        gone = old.tombstones.keys() | new.tombstones.keys()
        erased = {
            address
            for address in set(addresses_of(self._client, self._new, advance))
            if not gone.isdisjoint(hashes.partitions(address))
        }
        if not dry_run:
            for some in batched(sorted(erased), PEOPLE_PER_CALL, strict=False):
                self._erase(some)
        return Outcome(
            erasures=len(old.tombstones),
            copied=len(missing),
            domains=len(flags),
            people=len(erased),
            ended=len(new.tombstones.keys() - old.tombstones.keys()),
        )

    def _flag(self, domain: str, key_ids: frozenset[str]) -> None:
        key, budget = items.domain_key(domain), RetryBudget()
        while True:
            found = self._table.get([key], budget)
            known = items.domain_of_item(found[key]) if found else DomainFacts(domain=domain)
            after = join_domain(known, DomainFacts(domain=domain, erasures=key_ids))
            if self._written(items.domain_item(after, over=known), known.version, budget):
                return

    def _put(self, tombstone: Tombstone) -> None:
        fresh = replace(tombstone, purged_to="", finished=False, version=0)
        key, budget = items.tombstone_key(tombstone.partition), RetryBudget()
        while not self._written(items.tombstone_item(fresh), 0, budget):
            if self._table.get([key], budget):
                return

    def _written(self, item: Item, seen: int, budget: RetryBudget) -> bool:
        try:
            self._table.transact([put_version(item, seen)], budget)
        except CancelledError as cancelled:
            budget.wait(cancelled)
            return False
        return True

    def _erase(self, addresses: Sequence[str]) -> None:
        """Erase people until everything about them is gone; their tombstones are there."""
        left = [Change(action=Action.ERASE, subject=a, by="", note="") for a in addresses]
        for _ in range(TRIES):
            results = self._ledger.apply_changes(left)
            for result in results:
                if result.outcome is not ChangeOutcome.DONE:
                    raise LedgerError(result.reason)
            left = [result.change for result in results if not result.finished]
            if not left:
                return
        raise LedgerError("an erasure does not come to an end")


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.reapply_erasures", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--from", dest="old", required=True, metavar="TABLE", help="the table that is still there"
    )
    parser.add_argument(
        "--to", dest="new", required=True, metavar="TABLE", help="the table that was restored"
    )
    parser.add_argument(
        "--secret", required=True, metavar="ARN", help="the secret with the keys of erasures"
    )
    parser.add_argument("--region", help="AWS region (default: that of your AWS settings)")
    parser.add_argument("--endpoint-url", metavar="URL", help="endpoint of a local AWS emulator")
    parser.add_argument(
        "--dry-run", action="store_true", help="count what would be done, and write nothing"
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    given = parser.parse_args(arguments)
    if given.old == given.new:
        parser.error("--from and --to must be different tables")
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    """Apply the erasures; 1 if that failed."""
    given = read_arguments(arguments)
    place = {"region_name": given.region, "endpoint_url": given.endpoint_url}
    screen = Console(stderr=True)
    try:
        # Scans take boto3's own retries, since there is no hurry.
        tables = boto3.client("dynamodb", **place)
        counts = [
            tables.describe_table(TableName=name)["Table"].get("ItemCount", 0)
            for name in (given.old, given.new, given.new)
        ]
        secrets = boto3.client("secretsmanager", **place)
        value = secrets.get_secret_value(SecretId=given.secret)["SecretString"]
        client = _Both(tables, connect(given.endpoint_url, tables.meta.region_name))
        work = Reapplying(
            client,
            given.old,
            given.new,
            ErasureKeyring(lambda: value),
            Settings(table_name=given.new),
        )
        with Progress(console=screen, disable=not screen.is_terminal) as progress:
            task = progress.add_task("Reading items", total=sum(counts) or None)
            outcome = work.run(lambda number: progress.advance(task, number), dry_run=given.dry_run)
    except (BounceledgerError, BotoCoreError, ClientError) as error:
        screen.print(f"Not finished, repeat it: {error}", style="red", markup=False)
        return 1
    if given.json:
        print(json.dumps(outcome.to_json()))
    else:
        _report(outcome, Console(), dry_run=given.dry_run)
    return 0


class _Both:
    """The client of a ledger, with another one's scans."""

    def __init__(self, scans: Any, others: Any) -> None:
        self._scans, self._others = scans, others

    def scan(self, **request: Any) -> Mapping[str, Any]:
        page: Mapping[str, Any] = self._scans.scan(**request)
        return page

    def __getattr__(self, name: str) -> Any:
        return getattr(self._others, name)


def _report(outcome: Outcome, screen: Console, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    screen.print(f"{outcome.erasures} erasures in the old table.")
    screen.print(f"{outcome.copied} tombstones and {outcome.domains} domains {would}copied.")
    screen.print(f"{outcome.people} people {would}erased again from the restored table.")
    if outcome.ended:
        screen.print(
            f"{outcome.ended} erasures of the restored table were ended since; they are in force "
            "again. Whoever asked to be mailed must be let back again."
        )


if __name__ == "__main__":
    sys.exit(main())
