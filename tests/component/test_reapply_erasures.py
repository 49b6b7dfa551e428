"""Erasures that are applied again to a table restored from a backup."""

import base64
import json
from typing import Any

import pytest

from bounceledger.errors import ErasureKeysError
from bounceledger.ledger import items
from bounceledger.state import Action, Change, ReasonCode
from bounceledger.verdict import Category
from tests.erasing import erasure, keyring, miscounted, naming
from tests.faults.fake import FakeDynamoDB
from tests.unit.ledger.recording import NOW, SETTINGS, delivery, ledger, observe, stored
from tools.reapply_erasures import Outcome, Reapplying, read_arguments

ERASED, ALSO_ERASED, KEPT = "a@example.test", "b@example.test", "c@example.test"
EVENTS = [
    event
    for address in (ERASED, ALSO_ERASED, KEPT)
    for event in (
        observe(f"hard {address[0]}", Category.MAILBOX_UNKNOWN, address=address),
        delivery(f"delivery {address[0]}", address=address, message_id="m"),
    )
]


class Tables:
    """Two tables, as one client sees them."""

    def __init__(self, **tables: FakeDynamoDB) -> None:
        self._tables = tables

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            table = request.get("TableName") or next(iter(request.get("RequestItems", {})), "")
            if "TransactItems" in request:
                [action] = request["TransactItems"][0].values()
                table = action["TableName"]
            return getattr(self._tables[table], name)(**request)

        return call


@pytest.fixture
def tables() -> tuple[FakeDynamoDB, FakeDynamoDB]:
    """The table, and what was restored of it from before two erasures."""
    old = FakeDynamoDB()
    ledger(old, erasure=keyring()).record(EVENTS)
    new = restored(old)
    ledger(old, erasure=keyring()).apply_changes([erasure(ERASED), erasure(ALSO_ERASED)])
    return old, new


def restored(old: FakeDynamoDB) -> FakeDynamoDB:
    """A table with the same items."""
    new = FakeDynamoDB()
    for item in old.scan()["Items"]:
        new.put_item(TableName="fake", Item=item)
    return new


def reapply(old: FakeDynamoDB, new: FakeDynamoDB, *, dry_run: bool = False, **more: Any) -> Outcome:
    client = Tables(old=old, fake=new)
    ring = more.get("ring") or keyring()
    work = Reapplying(client, "old", "fake", ring, SETTINGS)
    seen: list[int] = []
    outcome = work.run(seen.append, dry_run=dry_run)
    assert sum(seen) > 0
    return outcome


def test_people_are_erased_again(tables: tuple[FakeDynamoDB, FakeDynamoDB]) -> None:
    # GIVEN a restored table that knows two people who were erased since
    old, new = tables
    own = ledger(new, erasure=keyring())
    assert own.check([ERASED])[0].decision.reason_code is ReasonCode.HARD_BOUNCE

    # WHEN erasures are applied again
    outcome = reapply(old, new)

    # THEN nothing names them, and they are suppressed as erased
    assert outcome == Outcome(erasures=2, copied=2, domains=1, people=2, ended=0)
    for address in (ERASED, ALSO_ERASED):
        assert naming(address, new.scan()["Items"], NOW) == []
        assert own.check([address])[0].decision.reason_code is ReasonCode.ERASED

    # AND the others are as they were, events count once, and the tombstone says who asked
    assert own.check([KEPT])[0].decision.reason_code is ReasonCode.HARD_BOUNCE
    own.record(EVENTS)
    assert miscounted(EVENTS, new.scan()["Items"]) == {}
    stones = [key for key in new.table if key[1] == items.TOMBSTONE]
    assert {stored(new, items.Key(*key))["note"] for key in stones} == {"asked to be forgotten"}
    assert all(stored(new, items.Key(*key))["finished"] for key in stones)


def test_a_second_run_finds_nothing_to_do(tables: tuple[FakeDynamoDB, FakeDynamoDB]) -> None:
    old, new = tables
    reapply(old, new)
    assert reapply(old, new) == Outcome(erasures=2, copied=0, domains=0, people=0, ended=0)


def test_a_dry_run_writes_nothing(tables: tuple[FakeDynamoDB, FakeDynamoDB]) -> None:
    old, new = tables
    before = json.dumps(new.scan(), default=repr)
    outcome = reapply(old, new, dry_run=True)
    assert outcome == Outcome(erasures=2, copied=2, domains=1, people=2, ended=0)
    assert json.dumps(new.scan(), default=repr) == before


def test_an_entry_of_a_source_alone_is_found(tables: tuple[FakeDynamoDB, FakeDynamoDB]) -> None:
    """An earlier run may have been interrupted between the items and the entries."""
    old, new = tables
    gone = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in new.table if pk == f"ADDRESS#{ERASED}"]
    new.transact_write_items(
        TransactItems=[{"Delete": {"TableName": "fake", "Key": key}} for key in gone],
        ClientRequestToken="1",
    )
    assert reapply(old, new).people == 2
    assert naming(ERASED, new.scan()["Items"], NOW) == []


def test_erasures_that_were_ended_since_are_reported() -> None:
    # GIVEN an erasure that was ended after the backup
    old = FakeDynamoDB()
    own = ledger(old, erasure=keyring())
    own.apply_changes([erasure(ERASED)])
    new = restored(old)
    ended = Change(action=Action.END_ERASURE, subject=ERASED, by="ada", note="came back")
    own.apply_changes([ended])

    # THEN the outcome says so, since only people know who it was
    assert reapply(old, new) == Outcome(erasures=0, copied=0, domains=0, people=0, ended=1)


def test_without_a_key_nothing_is_written(tables: tuple[FakeDynamoDB, FakeDynamoDB]) -> None:
    old, new = tables
    before = json.dumps(new.scan(), default=repr)
    secret = json.dumps({"current": "x", "keys": {"x": base64.b64encode(b"x" * 32).decode()}})
    with pytest.raises(ErasureKeysError, match="2026"):
        reapply(old, new, ring=keyring(secret))
    assert json.dumps(new.scan(), default=repr) == before


def test_the_tables_must_differ(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_arguments(["--from", "a", "--to", "a", "--secret", "s"])
    assert "must be different tables" in capsys.readouterr().err
