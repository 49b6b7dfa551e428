"""Both ways to find patterns find the same, and building an automaton takes limited time."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceledger.classify import rule_file
from bounceledger.classify.compiled import SOURCE, load_rules
from bounceledger.classify.masking import fold, matchable
from bounceledger.classify.matcher import BUILDING_SHARE, BUILDING_TIME, Matcher, OneByOne

PATTERNS = [
    fold(pattern).encode()
    for rule in load_rules().rules
    for pattern in (*rule.any, *rule.all, *rule.none)
]
EXAMPLES = [
    example["diagnostic"]
    for draft in rule_file.parse_rules(rule_file.read_entries(SOURCE))
    for example in draft.examples
    if "diagnostic" in example
]
WORDS = sorted({word for text in PATTERNS for word in re.findall(r"[a-zа-я]{2,}", text.decode())})

MILLISECOND = 1_000_000


def matcher(patterns: list[bytes], clock: Callable[[], int]) -> Matcher:
    made = Matcher(clock=clock)
    for pattern in patterns:
        made.add(pattern)
    made.compile()
    return made


@pytest.fixture(scope="module")
def at_once() -> Matcher:
    """A matcher that never runs out of time."""
    return matcher(PATTERNS, clock=lambda: 0)


@pytest.fixture(scope="module")
def one_by_one() -> OneByOne:
    return OneByOne(PATTERNS)


def test_both_ways_find_the_same_in_replies(at_once: Matcher, one_by_one: OneByOne) -> None:
    for example in EXAMPLES:
        text = matchable(example).encode()
        assert sorted(one_by_one.match(text)) == sorted(at_once.match(text)), example


@given(
    words=st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=60),
    glue=st.text(max_size=1),
)
@settings(max_examples=150, deadline=None)
def test_both_ways_find_the_same_in_any_words(
    at_once: Matcher, one_by_one: OneByOne, words: list[str], glue: str
) -> None:
    text = matchable((glue or " ").join(words)).encode()
    assert sorted(one_by_one.match(text)) == sorted(at_once.match(text))


class Clock:
    """A clock that goes on by a step at each look."""

    def __init__(self, step: int) -> None:
        self.now, self.step = 0, step

    def __call__(self) -> int:
        self.now += self.step
        return self.now


def test_time_for_building_the_automaton_is_limited() -> None:
    """Words in an order that nobody has written before cost every other message its time."""
    # GIVEN a matcher for which each text takes a millisecond
    clock = Clock(MILLISECOND)
    tired = matcher([b"user unknown", b"\xd0\xbd\xd0\xb5\xd1\x82", b"spam"], clock)
    text = "user unknown, нет ".encode() * 100

    # WHEN it matches many
    slow = 0
    for _ in range(5000):
        slow += tired.may_build
        # THEN it finds the same whether or not it has time
        assert sorted(tired.match(text)) == [0, 1]

    # AND a second is spent so, and a twentieth of the time that passes
    granted = BUILDING_TIME + clock.now // BUILDING_SHARE
    assert BUILDING_TIME <= slow * MILLISECOND <= granted + MILLISECOND
    assert slow < 2000

    # AND after some time there is time again
    clock.now += BUILDING_TIME
    tired.match(text)
    assert tired.may_build


def test_quick_matches_use_up_no_time() -> None:
    clock = Clock(1000)
    rested = matcher([b"spam"], clock)
    for _ in range(2000):
        rested.match(b"spam" * 100)
    clock.step = 0
    assert rested.may_build


def test_an_interruption_counts_as_no_more_than_its_text_can_take() -> None:
    """A function's processor is taken from it many times a second."""
    # GIVEN a matcher that is interrupted for a second at each text
    interrupted = matcher([b"spam"], Clock(1000 * MILLISECOND))

    # WHEN it matches short texts
    for _ in range(100):
        interrupted.match(b"spam")

    # THEN it does not take this for its own time
    assert interrupted.may_build
