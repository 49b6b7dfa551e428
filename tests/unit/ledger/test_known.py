"""What is known of an address that is not suppressed."""

from dataclasses import replace
from datetime import timedelta

from bounceledger.events import Kind
from bounceledger.ledger import Ledger
from bounceledger.ledger.known import Known
from bounceledger.state import Action, Change
from bounceledger.verdict import Category
from tests.faults.fake import FakeDynamoDB, as_client
from tests.unit.ledger.recording import NOW, SETTINGS, delivery, ledger, observe, removal

ADDRESS = "a@example.test"


def known(table: Ledger) -> Known:
    [result] = table.check([ADDRESS])
    assert not result.decision.suppressed
    return table.known(result)


def test_a_block_is_known_although_no_facts_have_it() -> None:
    """A blocklisted sender's mail must not look as if nothing had ever happened."""
    # GIVEN blocks and a delay of an address without facts
    table = ledger(FakeDynamoDB())
    table.record(
        [
            observe("b1", Category.REPUTATION_BLOCK, ago=3, diagnostic="554 listed"),
            observe("b2", Category.RATE_LIMITED, ago=2, diagnostic="451 too many"),
            observe("d", kind=Kind.DELIVERY_DELAY, ago=1, diagnostic="421 busy"),
            observe("x", Category.REPUTATION_BLOCK, ago=0.5, address="b@example.test"),
        ]
    )

    # THEN the latest of each is known, with the server's words
    found = known(table)
    assert found.recorded
    assert found.last_block is not None
    assert found.last_block.reply == "451 too many"
    assert found.last_delay is not None
    assert found.last_delay.reply == "421 busy"
    assert found.last_delivery is None


def test_nothing_is_known_only_where_nothing_is_recorded() -> None:
    table = ledger(FakeDynamoDB())
    assert not known(table).recorded
    table.record([delivery("d", message_id="m")])
    assert known(table).recorded
    last = known(table).last_delivery
    assert last is not None
    assert last.kind is Kind.DELIVERY


def test_soft_days_and_a_removal_are_known() -> None:
    # GIVEN a soft bounce, and a suppression that a person removed
    table = ledger(FakeDynamoDB())
    table.record([observe("h", Category.MAILBOX_UNKNOWN, ago=3)])
    remove(table)
    table.record([observe("s", Category.MAILBOX_FULL, ago=-1)])

    # THEN both are told
    found = known(table)
    assert (found.soft_weight, found.soft_days, found.soft_window) == (1, 3, 30)
    assert found.removed_at == NOW


def test_an_unsubscribe_that_suppresses_nobody_is_known_until_it_is_removed() -> None:
    # GIVEN an unsubscribe
    table = ledger(FakeDynamoDB())
    table.record([observe("u", kind=Kind.UNSUBSCRIBE, ago=3)])
    assert known(table).unsubscribed_at == NOW - timedelta(days=3)

    # WHEN a person removes what suppresses the address THEN it stays, unless that was meant
    remove(table)
    assert known(table).unsubscribed_at is not None
    table.apply_changes([replace(removal(ADDRESS), unsubscribe=True)])
    assert known(table).unsubscribed_at is None


def test_blocks_cost_no_write_for_that() -> None:
    """A sender on a blocklist has one per message: their items must be all that is written."""
    fake = FakeDynamoDB()
    ledger(fake).record([observe("b", Category.REPUTATION_BLOCK, message_id="m", diagnostic="5")])
    kinds = sorted(sk.partition("#")[0] for pk, sk in fake.table if pk.startswith("ADDRESS#"))
    assert kinds == ["EVENT", "MESSAGE"]


def test_an_address_with_too_many_events_is_said_to_be_looked_at_in_part() -> None:
    fake = FakeDynamoDB()
    ledger(fake).record([observe(f"b{n}", Category.VIRUS) for n in range(20)])
    table = Ledger(as_client(fake), SETTINGS, clock=lambda: NOW, max_history=10)
    assert known(table).truncated


def remove(table: Ledger) -> None:
    """Remove the suppression of the address now."""
    table.apply_changes([removal(ADDRESS)])


def test_a_removal_of_the_whole_domain_is_known() -> None:
    table = ledger(FakeDynamoDB())
    for action in (Action.ADD, Action.REMOVE):
        table.apply_changes([Change(action=action, subject="example.test", by="ada", note="asked")])
    assert known(table).removed_at is not None
