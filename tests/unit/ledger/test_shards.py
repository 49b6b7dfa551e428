"""Which shard of a day's counters a writer adds to."""

import random

from bounceledger.ledger import items
from bounceledger.ledger.shards import MAX_BLOCKS, Shards
from bounceledger.ledger.table import add
from bounceledger.settings import Settings
from tests.faults.fake import FakeDynamoDB
from tests.unit.ledger.recording import TODAY, delivery, ledger


def test_an_environment_alone_uses_a_shard_for_each_writer() -> None:
    """What was never shared need not be read from many items."""
    # GIVEN an environment that meets no other
    shards = Shards(writers=4)

    # THEN its writers have the first shards
    assert [shards.of(writer) for writer in range(4)] == [0, 1, 2, 3]


def test_whoever_meets_another_draws_from_more_and_never_the_same() -> None:
    # GIVEN an environment
    asked: list[int] = []

    def draw(size: int) -> int:
        asked.append(size)
        return 0

    shards = Shards(writers=4, draw=draw)

    # WHEN it meets another one wherever it goes
    seen = [shards.of(0)]
    for _ in range(6):
        shards.leave(shards.of(2))
        seen.append(shards.of(0))

    # THEN it moves to another block each time, and draws from more of them
    assert seen == [0, 4, 0, 4, 0, 4, 0]
    assert asked == [1, 2, 3, 5, 8, 12]


def test_all_blocks_are_drawn_and_no_other() -> None:
    # GIVEN an environment that has met others so often that it draws from all blocks
    shards = Shards(writers=1, draw=random.Random(1).randrange)
    seen = set()

    # WHEN it moves on and on
    for _ in range(10_000):
        shards.leave(shards.of(0))
        seen.add(shards.of(0))

    # THEN it has been everywhere
    assert seen == set(range(MAX_BLOCKS))


def test_writers_that_meet_another_at_the_same_time_move_once() -> None:
    """Otherwise every conflict of a batch would add to what has to be read."""
    # GIVEN two writers that met someone on the same block
    shards = Shards(writers=4, draw=lambda _: 0)
    first, second = shards.of(0), shards.of(1)

    # WHEN both say so
    shards.leave(first)
    shards.leave(second)

    # THEN the environment has moved once
    assert shards.of(0) == 4


def test_one_query_answers_a_period() -> None:
    """Besides those for claims and for what is under ``other``: writers add no cost."""
    # GIVEN a year of which two days have counts, from two environments
    fake = FakeDynamoDB()
    ledger(fake).record([delivery("e1", ago=1), delivery("e2", ago=300)])
    other = add(items.counter_key("fair", 5, TODAY), {"delivered": 7}).request("fake")
    fake.transact_write_items(TransactItems=[other], ClientRequestToken="other")

    # WHEN the counts are read
    before = fake.calls["Query"]
    found = ledger(fake).counts("fair", TODAY.replace(year=TODAY.year - 1), TODAY)

    # THEN the shards are added up in one call
    assert fake.calls["Query"] - before == 3
    assert sum(day.get("delivered", 0) for day in found.days.values()) == 9


def test_a_source_may_have_several_partitions() -> None:
    """One partition accepts 1,000 write units a second."""
    # GIVEN four writers, two partitions, and one source
    fake = FakeDynamoDB()
    settings = Settings(table_name="fake", writers=4, counter_partitions=2)
    wide = ledger(fake, settings)

    # WHEN many events are recorded
    wide.record([delivery(f"e{n}", address=f"{n}@example.test") for n in range(400)])

    # THEN the partitions share the counters, and a read adds up both
    counters = [key for key in fake.table if key[0].startswith("COUNT#")]
    assert {pk for pk, _ in counters} == {"COUNT#fair", "COUNT#fair#1"}
    assert wide.counts("fair", TODAY, TODAY).days == {TODAY: {"delivered": 400}}


def test_partitions_may_be_raised_later() -> None:
    # GIVEN counts from when there was one partition
    fake = FakeDynamoDB()
    ledger(fake).record([delivery("e1")])

    # WHEN there are more
    later = ledger(fake, Settings(table_name="fake", writers=1, counter_partitions=4))
    later.record([delivery("e2", address="b@example.test")])

    # THEN nothing is lost
    [counted] = later.counts("fair", TODAY, TODAY).days.values()
    assert counted == {"delivered": 2}


def test_a_source_whose_name_ends_in_a_number_has_its_own_counters() -> None:
    """No name can look like another one's second partition."""
    # GIVEN two sources, of which one could be taken for the other's partition
    fake = FakeDynamoDB()
    recorder = ledger(fake, Settings(table_name="fake", writers=1, counter_partitions=4))
    recorder.record([delivery("e1"), delivery("e2", source="fair-1", address="b@example.test")])

    # THEN each is counted alone
    assert recorder.counts("fair", TODAY, TODAY).days == {TODAY: {"delivered": 1}}
    assert recorder.counts("fair-1", TODAY, TODAY).days == {TODAY: {"delivered": 1}}
