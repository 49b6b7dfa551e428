"""Where hashes of addresses go, and when a sample gets smaller."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bounceledger.ledger.sampling import MAX_PLACES, Arrangement, Place, Sampling
from bounceledger.state.samples import HASH_BYTES, Sample, is_of_level, union

DAY = date(2026, 11, 20)
HASHES = st.binary(min_size=HASH_BYTES, max_size=HASH_BYTES)


def hashed(number: int) -> bytes:
    """A hash that begins with this byte."""
    return bytes([number, 0, 0, 0])


def sample(*numbers: int, level: int = 0) -> Sample:
    return Sample(level=level, answered=frozenset(map(hashed, numbers)))


def small() -> Sampling:
    return Sampling(max_sample=4, max_part=2)


def test_hashes_go_to_the_first_part_until_someone_looked() -> None:
    assert small().place("fair", DAY, 0) == Place(part=0, level=0)


def test_a_shard_without_items_has_room_in_its_first_part() -> None:
    assert small().arrange({}) == Arrangement(place=Place(), trims=())


def test_a_full_part_is_followed_by_the_next() -> None:
    """Every write costs the size of the item, so items stay small."""
    assert small().arrange({0: sample(1, 2)}).place == Place(part=1)
    assert small().arrange({0: sample(1, 2), 1: sample(3)}).place == Place(part=1)


def test_a_shard_with_too_many_hashes_rises_in_level() -> None:
    """Half of the hashes begin with one more zero bit."""
    # GIVEN six hashes, of which three begin with a zero bit
    parts = {0: sample(0x01, 0x81, 0x91), 1: sample(0x02, 0x82, 0x03)}

    # WHEN somebody looks
    found = small().arrange(parts)

    # THEN the others are removed, and those to come go to where there is room again
    assert found.place == Place(part=0, level=1)
    gone = {trim.part: trim.answered for trim in found.trims}
    assert gone == {0: {hashed(0x81), hashed(0x91)}, 1: {hashed(0x82)}}


def test_hashes_that_were_one_too_many_are_removed() -> None:
    """An environment that has not looked yet adds all of them."""
    parts = {0: sample(0x01, level=1), 1: sample(0x02, 0x82)}
    [trim] = small().arrange(parts).trims
    assert (trim.part, trim.level, [*trim.answered]) == (1, 1, [hashed(0x82)])


@given(st.dictionaries(st.integers(0, 3), st.frozensets(HASHES, max_size=8)))
def test_a_look_removes_nothing_that_its_sample_holds(parts: dict[int, frozenset[bytes]]) -> None:
    """What a shard holds at its level is complete."""
    # GIVEN parts of any content
    before = {part: Sample(answered=held) for part, held in parts.items()}

    # WHEN they are arranged
    found = small().arrange(before)

    # THEN just the hashes that are not of the level are removed, and the rest fits
    level = found.place.level
    gone = {trim.part: trim.answered for trim in found.trims}
    for part, held in parts.items():
        left = held - gone.get(part, frozenset())
        assert left == {h for h in held if is_of_level(h, level)}
    assert union([*before.values(), Sample(level=level)]).size <= 4


def test_one_hash_in_many_makes_its_writer_look() -> None:
    sampling = Sampling(look_every=128)
    looks = sum(sampling.asks_for_a_look(n.to_bytes(4)) for n in range(1 << 16))
    assert looks == (1 << 16) // 128


def test_what_is_remembered_is_bounded() -> None:
    """Strangers choose lead sources and, within limits, days."""
    # GIVEN an environment that has looked at as many shards as it remembers
    sampling = Sampling()
    for n in range(MAX_PLACES):
        sampling.remember("fair", DAY + timedelta(days=n), 0, Place(part=1))
    assert sampling.place("fair", DAY, 0) == Place(part=1)

    # WHEN it looks at one more
    sampling.remember("other", DAY, 0, Place(part=2))

    # THEN it begins again with the others
    assert sampling.place("fair", DAY, 0) == Place()
    assert sampling.place("other", DAY, 0) == Place(part=2)
