"""What happened to an address, as far as the table keeps it."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.events import Kind
from bounceledger.ledger import Ledger, RecordedChange, RecordedEvent, items
from bounceledger.ledger.attributes import size_of, to_attributes
from bounceledger.ledger.plan import MAX_CLUSTER
from bounceledger.state import Action, Change
from bounceledger.verdict import Category, Scope
from tests.faults.fake import FakeDynamoDB, as_client
from tests.unit.ledger.recording import NOW, SETTINGS, delivery, ledger, observe, removal

ADDRESS = "a@example.test"


def test_events_and_changes_come_newest_first() -> None:
    # GIVEN a delivery, a delay, bounces and a person's change, recorded in no order
    table = ledger(FakeDynamoDB())
    table.record(
        [
            observe("hard", Category.MAILBOX_UNKNOWN, ago=2),
            delivery("d", message_id="m", ago=5),
            observe("block", Category.REPUTATION_BLOCK, ago=3, diagnostic="554 blocked"),
            observe("delay", kind=Kind.DELIVERY_DELAY, ago=4, diagnostic="451 later"),
            observe("other", Category.MAILBOX_UNKNOWN, address="b@example.test"),
        ]
    )
    table.apply_changes([removal(ADDRESS, by="jane", note="is back")])

    # WHEN the history is read
    found = table.history(ADDRESS, limit=100)

    # THEN the latest is first, and nobody else's is there
    events = [entry for entry in found.entries if isinstance(entry, RecordedEvent)]
    assert [(e.kind, e.category, e.reply) for e in events] == [
        (Kind.BOUNCE, Category.MAILBOX_UNKNOWN, ""),
        (Kind.BOUNCE, Category.REPUTATION_BLOCK, "554 blocked"),
        (Kind.DELIVERY_DELAY, None, "451 later"),
        (Kind.DELIVERY, None, ""),
    ]
    [change] = [entry for entry in found.entries if isinstance(entry, RecordedChange)]
    assert found.entries[0] == change
    assert (change.at, change.by, change.note) == (NOW, "jane", "is back")
    assert change.change == {"action": "remove"}
    assert (change.before["suppressed"], change.after["suppressed"]) == (True, False)
    assert not found.truncated


def test_changes_of_the_whole_domain_are_part_of_the_history() -> None:
    """They decide about the address as its own do."""
    # GIVEN a domain that a person added, and another one
    table = ledger(FakeDynamoDB())
    for domain in ("example.test", "other.test"):
        table.apply_changes(
            [Change(action=Action.ADD, subject=domain, by="ada", note=f"asked for {domain}")]
        )

    # THEN the address's history has the change, with whom it is about
    [change] = table.history(ADDRESS, limit=10).entries
    assert isinstance(change, RecordedChange)
    assert (change.scope, change.note) == (Scope.DOMAIN, "asked for example.test")
    assert change.after["suppressed"] is True


def test_what_is_left_out_is_said() -> None:
    # GIVEN more events than an answer has
    table = ledger(FakeDynamoDB())
    table.record([observe(f"e{n}", Category.MAILBOX_FULL, ago=n / 24) for n in range(30)])

    # THEN the newest are there
    some = table.history(ADDRESS, limit=10)
    assert [entry.at for entry in some.entries] == [NOW - timedelta(hours=n) for n in range(10)]
    assert some.truncated

    # AND nothing is said of all
    every = table.history(ADDRESS, limit=30)
    assert (len(every.entries), every.truncated) == (30, False)


def test_no_answer_reads_more_than_its_share() -> None:
    """An address that somebody floods must not take down the route."""
    # GIVEN an address with more items than are looked at, and a person's change
    fake = FakeDynamoDB(page=50)
    flooded = ledger(fake)
    flooded.record([observe(f"e{n:03}", Category.VIRUS) for n in range(10 * MAX_CLUSTER)])
    flooded.apply_changes([removal(ADDRESS)])
    table = Ledger(as_client(fake), SETTINGS, clock=lambda: NOW, max_history=100)

    # WHEN its history is read
    fake.calls.clear()
    found = table.history(ADDRESS, limit=1000)

    # THEN so many items are, changes first, and that there is more is said
    assert len(found.entries) == 100
    assert isinstance(found.entries[0], RecordedChange)
    assert found.truncated
    assert fake.calls["Query"] == 3  # the last one for changes of the domain


def test_words_of_a_newer_version_are_passed_over() -> None:
    """After a roll-back the history must still be read."""
    # GIVEN events with a kind and a category that only a newer version knows
    fake = FakeDynamoDB()
    table = ledger(fake)
    table.record([observe("e1", Category.VIRUS, ago=1), observe("e2", Category.VIRUS, ago=2)])
    fake.table[items.event_key(ADDRESS, "e1")]["category"] = {"S": "telepathy"}
    fake.table[items.event_key(ADDRESS, "e2")]["kind"] = {"S": "omen"}

    # THEN they are there, without those
    entries = table.history(ADDRESS, limit=10).entries
    assert [(e.kind, e.category) for e in entries if isinstance(e, RecordedEvent)] == [
        (Kind.BOUNCE, None),
        (Kind.OTHER, Category.VIRUS),
    ]


def test_an_address_of_which_nothing_is_known_has_an_empty_history() -> None:
    found = ledger(FakeDynamoDB()).history(ADDRESS, limit=10)
    assert (list(found.entries), found.truncated) == ([], False)


# ----------------------------------------------------------------- words of blocks and delays


def reply_of(observation: object) -> str:
    item = items.event_item(observation, NOW)  # type: ignore[arg-type]
    return str(item.get("reply", ""))


def test_a_block_keeps_the_servers_words_without_other_peoples_addresses() -> None:
    text = f"554 {ADDRESS}: from jane.doe@corp.example is blocked\r\n using\0a list"
    assert reply_of(observe("e", Category.REPUTATION_BLOCK, diagnostic=text)) == (
        f"554 {ADDRESS}: from ***@corp.example is blocked   using a list"
    )


@pytest.mark.parametrize(
    "category", [Category.MAILBOX_UNKNOWN, Category.MAILBOX_FULL, Category.AUTOREPLY]
)
def test_other_events_keep_no_words(category: Category) -> None:
    """Facts have the latest, and automatic replies are what a person wrote."""
    assert reply_of(observe("e", category, diagnostic="550 words")) == ""
    assert reply_of(delivery("d", diagnostic="250 ok")) == ""


@given(
    words=st.text(st.characters(exclude_categories=["Cs"]), max_size=600),
    local=st.integers(1, 64),
    labels=st.integers(1, 3),
    source=st.integers(1, 64),
    named=st.integers(0, 64),
    forwarded=st.integers(0, 253),
    at=st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - made aware below
)
def test_words_never_cost_another_write_unit(
    *, words: str, local: int, labels: int, source: int, named: int, forwarded: int, at: datetime
) -> None:
    """Most events are deliveries and blocks: a unit more for each would show on the bill."""
    # GIVEN a block with fields of any size
    event = observe(
        "0123456789abcdef" * 2,
        Category.REPUTATION_BLOCK,
        address=f"{'l' * local}@{'.'.join(['d' * 60] * labels)}.test",
        source="s" * source,
        named_source="n" * named,
        forwarded_to="f" * forwarded,
        mailed_at=at.replace(tzinfo=NOW.tzinfo),
        message_id="m",
        diagnostic=words,
    )

    # WHEN its item is made
    item = items.event_item(event, NOW)

    # THEN the words that it keeps are those that a write unit has room for
    without = size_of(to_attributes({k: v for k, v in item.items() if k != "reply"}))
    whole = size_of(to_attributes(item))
    assert whole <= max(1024, without)
    reply = str(item.get("reply", ""))
    assert len(reply.encode()) <= 256
    cleaned = reply_of(observe("e", Category.REPUTATION_BLOCK, diagnostic=words))
    assert cleaned.startswith(reply)


def test_a_usual_block_keeps_256_bytes() -> None:
    long = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked " + "x" * 1000
    event = observe(
        "0123456789abcdef" * 2,
        Category.REPUTATION_BLOCK,
        address="firstname.lastname@customer-domain.example",
        source="trade-fair-2025",
        message_id="m",
        mailed_at=NOW,
        diagnostic=long,
    )
    assert reply_of(event) == long[:256]
