"""Measures the CPU time of the worst replies that a stranger can write.

The replies are made of the pieces for which the parser looks (`tests/hostile.py`), by hypothesis
and by a search for the slowest units of up to three pieces; and of the words of the rules in an
order that nobody has written before. Two things are measured: parsing a reply, compared with
the expressions that one would write with `re`; and matching new words, compared with RE2's set
alone, including the first of them, for which the automaton is still built.

Usage: python bench/hostile.py [--replies 60] [--json]
"""

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from bounceledger.classify.compiled import load_rules
from bounceledger.classify.engine import Rule
from bounceledger.classify.masking import MAX_MATCHED_TEXT, fold, matchable
from bounceledger.classify.matcher import Matcher
from bounceledger.classify.reply import MAX_PARSED_DIAGNOSTIC, parse_reply

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.hostile import SEGMENTS, Segments, fill, seconds, slowest

LOOKS_FOR_AN_ADDRESS: Segments = [(" ", 1), ("a", 1), (",@ said: ", 0)]

# What one would write with `re` to find a quoted reply, and to mask addresses and hosts.
_INNER = re.compile(r"(?:<|-> |said: |error )([45]\d\d(?: |-(?=['\"])).*?)>?\s*$", re.ASCII)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.){0,200}"(?=@)')
_ADDRESS = re.compile(
    r"""[^\s<>()\[\]:;,".@]*(?:\.[^\s<>()\[\]:;,".@]+)*@(?:\[[^\]\s]*\]|[\w-]+(?:\.[\w-]+)*)?"""
)
_HOST = re.compile(r"(?:[\w-]{1,63}\.){1,12}(?:com|net|org|[a-z]{2})(?![\w-])[^\s<>,;)\]\"']*")


def with_re(text: str) -> str:
    """A reply as rules see it, by expressions that backtrack."""
    _INNER.search(text)
    text = _ADDRESS.sub("@", _QUOTED.sub("", text.lower()))
    return _HOST.sub(lambda found: found[0].upper(), text)


def with_strings(text: str) -> str:
    """The same by bounceledger."""
    return matchable(parse_reply(text).text)


def hostile_segments(count: int) -> list[Segments]:
    """Segments of hostile texts, made by hypothesis; the same in each run."""
    made: list[Segments] = [LOOKS_FOR_AN_ADDRESS]

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(SEGMENTS)
    def make(segments: Segments) -> None:
        made.append(segments)

    make()
    return made


@dataclass(frozen=True, slots=True)
class Worst:
    """The slowest of many texts: seconds by length in characters."""

    by_length: dict[int, float]

    @property
    def growth(self) -> float:
        """How many times as long the longest takes as one of half its length."""
        half, full = list(self.by_length.values())[-2:]
        return full / half


def worst(work: Callable[[str], object], all_segments: Sequence[Segments]) -> Worst:
    """Seconds of the text that takes longest, for growing lengths."""
    lengths = [MAX_PARSED_DIAGNOSTIC // parts for parts in (4, 2, 1)]
    return Worst(
        {
            length: max(seconds(work, fill(segments, length)) for segments in all_segments)
            for length in lengths
        }
    )


def new_words(count: int, seed: int = 521) -> list[bytes]:
    """Texts of the rules' own words in random order, as long as any text that is matched."""
    rng = random.Random(seed)
    patterns = [pattern for rule in load_rules().rules for pattern in _patterns(rule)]
    words = sorted({word for pattern in patterns for word in re.findall(r"[a-z]{2,}", pattern)})
    return [
        " ".join(rng.choices(words, k=MAX_MATCHED_TEXT))[:MAX_MATCHED_TEXT].encode()
        for _ in range(count)
    ]


def _patterns(rule: Rule) -> tuple[str, ...]:
    return (*rule.any, *rule.all, *rule.none)


def make_matcher(clock: Callable[[], int] = time.perf_counter_ns) -> Matcher:
    """A matcher of all rules; one whose clock stands still uses RE2's set alone."""
    matcher = Matcher(clock=clock)
    for rule in load_rules().rules:
        for pattern in _patterns(rule):
            matcher.add(fold(pattern).encode())
    matcher.compile()
    return matcher


def each(matcher: Matcher, texts: Sequence[bytes]) -> float:
    """Seconds of processor time per text."""
    start = time.process_time()
    for text in texts:
        matcher.match(text)
    return (time.process_time() - start) / len(texts)


def spend(matcher: Matcher, texts: Sequence[bytes]) -> int:
    """Use up the time for building the automaton; how many texts that took."""
    for count, text in enumerate(texts):
        if not matcher.may_build:
            return count
        matcher.match(text)
    raise RuntimeError("there was time left after all words")


def main() -> int:
    """Measure, and print the figures; 1 if a reply takes longer than three times half of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--replies", type=int, default=60, help="hostile replies (default: 60)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    arguments = parser.parse_args()
    segments = hostile_segments(arguments.replies)
    segments += slowest(with_strings, MAX_PARSED_DIAGNOSTIC)
    ours, theirs = worst(with_strings, segments), worst(with_re, segments)
    texts = new_words(200)
    limited = make_matcher()
    start = time.process_time()
    first = spend(limited, new_words(4000, seed=1))
    building = (time.process_time() - start) / first
    set_alone, after = each(make_matcher(lambda: 0), texts[:40]), each(limited, texts)
    figures: dict[str, Any] = {
        "replies": len(segments),
        "parsing_ms": {n: round(s * 1e3, 3) for n, s in ours.by_length.items()},
        "parsing_with_re_ms": {n: round(s * 1e3, 3) for n, s in theirs.by_length.items()},
        "growth": round(ours.growth, 2),
        "growth_with_re": round(theirs.growth, 2),
        "first_replies": first,
        "matching_first_ms": round(building * 1e3, 2),
        "matching_ms": round(after * 1e3, 2),
        "matching_set_alone_ms": round(set_alone * 1e3, 2),
    }
    if arguments.json:
        print(json.dumps(figures))
        return 1 if ours.growth > 3 else 0
    longest = MAX_PARSED_DIAGNOSTIC
    mine, other = ours.by_length[longest], theirs.by_length[longest]
    print(f"worst of {len(segments)} hostile replies of {longest:,} characters, one core")
    print(
        f"  taking it apart: {mine * 1e3:.2f} ms, 1/{other / mine:.0f} of expressions with re"
        f" ({other * 1e3:.1f} ms); {ours.growth:.1f} times the time of one half as long"
        f" (re: {theirs.growth:.1f})"
    )
    print(
        f"  matching words in a new order, the first {first} replies:"
        f" {building * 1e3:.1f} ms each, until time for the automaton is used up"
    )
    print(
        f"  matching words in a new order, once time for the automaton is used up:"
        f" {after * 1e3:.2f} ms, 1/{set_alone / after:.0f} of RE2's set alone"
        f" ({set_alone * 1e3:.1f} ms)"
    )
    return 1 if ours.growth > 3 else 0


if __name__ == "__main__":
    raise SystemExit(main())
