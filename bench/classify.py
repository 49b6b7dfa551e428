"""Compares our classifier with the same rules as sequential `re`, on two generated streams.

Both streams consist of the rules' own examples in random order, with addresses that differ from
reply to reply. In the first, every reply also names a different host, so that no answer can come
from the cache; in the second only the addresses differ, as when one provider answers for many
recipients. Real mail lies in between.

Both sides get the same replies in the same run, and both parse them. The sequential side tries
its patterns one by one, in the order of the rules, and stops at the first rule that matches. Both
run on one core without threads, and processor time is measured, so that other load on the machine
distorts the figures little.

Usage: python bench/classify.py [--replies 100000] [--json]
"""

import argparse
import json
import platform
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bounceledger.classify import compiled, rule_file
from bounceledger.classify.classifier import classify
from bounceledger.classify.compiled import load_rules
from bounceledger.classify.engine import Rule, RuleSet
from bounceledger.classify.masking import fold
from bounceledger.classify.reply import parse_reply
from bounceledger.classify.traits import Hints, prepare

SHARE_OF_SEQUENTIAL = 20
"""The sequential side reads every n-th reply only, which is enough for a ratio."""


class Sequential:
    """The rules as compiled `re` patterns, tried one by one."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._tests = []
        for rule in ruleset.rules:
            wanted, required, forbidden = map(self._compile, _patterns(rule))
            self._tests.append((rule, wanted, required, forbidden))

    @staticmethod
    def _compile(patterns: Sequence[str]) -> list[re.Pattern[str]]:
        return [re.compile(pattern, re.ASCII) for pattern in patterns]

    def category(self, diagnostic: str) -> str:
        """Category of the first rule that matches."""
        text, traits = prepare(parse_reply(diagnostic), Hints())
        for rule, wanted, required, forbidden in self._tests:
            if (
                rule.admits(traits)
                and (not wanted or any(pattern.search(text) for pattern in wanted))
                and all(pattern.search(text) for pattern in required)
                and not any(pattern.search(text) for pattern in forbidden)
            ):
                return rule.category.value
        return "unknown"


def _patterns(rule: Rule) -> tuple[list[str], list[str], list[str]]:
    names = [re.escape(name.upper()) for name in rule.names]
    return [*map(fold, rule.any), *names], [*map(fold, rule.all)], [*map(fold, rule.none)]


def make_stream(count: int, *, fresh: bool, seed: int = 521) -> list[str]:
    """Generate replies.

    Args:
        count: number of replies.
        fresh: whether replies also differ in what the rules see, not only in addresses.
        seed: random seed.
    """
    rng = random.Random(seed)
    drafts = rule_file.parse_rules(rule_file.read_entries(compiled.SOURCE))
    diagnostics = [
        example["diagnostic"]
        for draft in drafts
        for example in draft.examples
        if example.get("diagnostic")
    ]
    return [_vary(rng.choice(diagnostics), rng, fresh=fresh) for _ in range(count)]


def _vary(diagnostic: str, rng: random.Random, *, fresh: bool) -> str:
    number = rng.randrange(10**9)
    varied = diagnostic.replace("x@example", f"user{number}@host{number % 9973}.example")
    if not fresh:
        return f"smtp; {varied}"
    varied = varied.replace("192.0.2.1", f"192.0.2.{number % 256}")
    return f"smtp; {varied} [mx{number:x}.example.net]"


def share_repeated(replies: Sequence[str]) -> float:
    """Share of the replies that look to the rules like an earlier one of the stream."""
    return 1 - len({prepare(parse_reply(reply), Hints()) for reply in replies}) / len(replies)


def measure(work: Callable[[str], object], replies: Sequence[str]) -> float:
    """Replies per second of processor time."""
    start = time.process_time()
    for diagnostic in replies:
        work(diagnostic)
    return len(replies) / (time.process_time() - start)


def load_milliseconds() -> tuple[float, float]:
    """Milliseconds to import the engine and to load all rules: medians over new interpreters."""
    code = (
        "import time; a = time.process_time(); import re2; b = time.process_time();"
        "import bounceledger.classify.compiled as r; c = time.process_time(); r.load_rules();"
        "d = time.process_time(); print((b - a) * 1e3, (d - c) * 1e3)"
    )
    runs = [
        tuple(map(float, subprocess.check_output([sys.executable, "-c", code], text=True).split()))
        for _ in range(9)
    ]
    engine, loading = (sorted(column)[len(runs) // 2] for column in zip(*runs, strict=True))
    return engine, loading


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Both sides on one stream; speeds are replies per second of processor time."""

    repeated_share: float
    ours_per_second: float
    sequential_per_second: float

    @property
    def ratio(self) -> float:
        """How many times as fast ours is."""
        return self.ours_per_second / self.sequential_per_second

    def to_json(self) -> dict[str, float]:
        """The figures as a JSON object."""
        return {
            "repeated_share": round(self.repeated_share, 4),
            "ours_per_second": round(self.ours_per_second),
            "sequential_per_second": round(self.sequential_per_second),
            "ratio": round(self.ratio, 1),
        }


def compare(replies: Sequence[str], rules: RuleSet, sequential: Sequential) -> Measured:
    """Measure both sides on one stream."""
    return Measured(
        repeated_share=share_repeated(replies),
        ours_per_second=measure(lambda reply: classify(parse_reply(reply), rules=rules), replies),
        sequential_per_second=measure(sequential.category, replies[::SHARE_OF_SEQUENTIAL]),
    )


def main() -> int:
    """Measure, and print the figures; 1 if the two sides disagree on a category."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--replies", type=int, default=100_000, help="replies per stream (default: 100000)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    arguments = parser.parse_args()
    streams = {
        "every reply new": make_stream(arguments.replies, fresh=True),
        "only addresses differ": make_stream(arguments.replies, fresh=False),
    }
    rules = load_rules()
    sequential = Sequential(rules)
    replies = streams["every reply new"]
    sample = replies[::SHARE_OF_SEQUENTIAL]
    disagreements = sum(
        classify(parse_reply(reply), rules=rules).category != sequential.category(reply)
        for reply in sample
    )
    measured = {name: compare(stream, rules, sequential) for name, stream in streams.items()}
    parsing = measure(parse_reply, replies)
    engine, loading = load_milliseconds()
    if arguments.json:
        figures = {
            "replies": len(replies),
            "rules": len(rules.rules),
            "streams": {name: one.to_json() for name, one in measured.items()},
            "parsing_per_second": round(parsing),
            "disagreements": disagreements,
            "import_engine_ms": round(engine, 1),
            "load_rules_ms": round(loading, 1),
            "python": platform.python_version(),
        }
        print(json.dumps(figures))
    else:
        print(
            f"{len(replies):,} replies per stream, {len(rules.rules)} rules, "
            f"Python {platform.python_version()}, one core"
        )
        for name, one in measured.items():
            print(
                f"  {name} ({one.repeated_share:.0%} repeated): "
                f"{one.ours_per_second:,.0f} replies/s, "
                f"{one.ratio:.1f} times sequential re ({one.sequential_per_second:,.0f}/s)"
            )
        print(f"  parsing alone: {parsing:,.0f} replies/s")
        print(f"  importing the engine: {engine:.1f} ms; loading the rules: {loading:.1f} ms")
        print(f"  different categories: {disagreements} of {len(sample):,} replies compared")
    return 1 if disagreements else 0


if __name__ == "__main__":
    raise SystemExit(main())
