"""Our path beside the same rules as sequential `re`, over two streams of made-up replies.

Both streams are made of the rules' own examples, shuffled, with addresses that differ from
reply to reply. In the first, every reply also names a host of its own, so that no answer can
be one remembered; in the second only the addresses differ, as where one provider answers for
many recipients. Real mail lies between. Both sides get the same replies in the same run, and
both parse them; the second asks its patterns one after the other, in the order of the rules,
and stops at the first rule that fits. One core, no threads; processor time, so that a busy
machine distorts little.

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

from bounceledger.classify import compiled, rule_file
from bounceledger.classify.classifier import classify
from bounceledger.classify.compiled import load_rules
from bounceledger.classify.engine import Rule, RuleSet
from bounceledger.classify.reply import fold, parse_reply
from bounceledger.classify.traits import Hints, prepare

SHARE_OF_SEQUENTIAL = 20
"""The slow side reads every n-th reply; a ratio needs no more."""


class Sequential:
    """The rules as compiled `re` patterns, tried one by one."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._tests = [(rule, *map(self._compile, _patterns(rule))) for rule in ruleset.rules]

    @staticmethod
    def _compile(patterns: Sequence[str]) -> list[re.Pattern[str]]:
        return [re.compile(pattern, re.ASCII) for pattern in patterns]

    def category(self, diagnostic: str) -> str:
        """What the first rule that fits says."""
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
    """Replies; fresh ones differ in what rules see, others only in addresses."""
    random_ = random.Random(seed)
    drafts = rule_file.parse_rules(rule_file.read_entries(compiled.SOURCE))
    said = [
        example["diagnostic"]
        for draft in drafts
        for example in draft.examples
        if example.get("diagnostic")
    ]
    return [_vary(random_.choice(said), random_, fresh=fresh) for _ in range(count)]


def _vary(diagnostic: str, random_: random.Random, *, fresh: bool) -> str:
    number = random_.randrange(10**9)
    varied = diagnostic.replace("x@example", f"user{number}@host{number % 9973}.example")
    if not fresh:
        return f"smtp; {varied}"
    varied = varied.replace("192.0.2.1", f"192.0.2.{number % 256}")
    return f"smtp; {varied} [mx{number:x}.example.net]"


def share_repeated(replies: Sequence[str]) -> float:
    """Share of the replies that ask what an earlier one of the stream asked."""
    return 1 - len({prepare(parse_reply(reply), Hints()) for reply in replies}) / len(replies)


def measure(work: Callable[[str], object], replies: Sequence[str]) -> float:
    """Replies a second of one core's time."""
    start = time.process_time()
    for diagnostic in replies:
        work(diagnostic)
    return len(replies) / (time.process_time() - start)


def load_milliseconds() -> tuple[float, float]:
    """Median over fresh interpreters: importing the engine, and loading every rule."""
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


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    replies = make_stream(arguments.replies, fresh=True)
    alike = make_stream(arguments.replies, fresh=False)
    ruleset = load_rules()
    sequential = Sequential(ruleset)
    sample = replies[::SHARE_OF_SEQUENTIAL]
    differing = sum(
        classify(parse_reply(reply), rules=ruleset).category != sequential.category(reply)
        for reply in sample
    )
    ours = measure(lambda reply: classify(parse_reply(reply), rules=ruleset), replies)
    ours_alike = measure(lambda reply: classify(parse_reply(reply), rules=ruleset), alike)
    parsing = measure(parse_reply, replies)
    theirs = measure(sequential.category, sample)
    theirs_alike = measure(sequential.category, alike[::SHARE_OF_SEQUENTIAL])
    engine, loading = load_milliseconds()
    figures = {
        "replies": len(replies),
        "repeated_share": round(share_repeated(replies), 4),
        "rules": len(ruleset.rules),
        "ours_per_second": round(ours),
        "parsing_alone_per_second": round(parsing),
        "sequential_re_per_second": round(theirs),
        "ratio": round(ours / theirs, 1),
        "alike_repeated_share": round(share_repeated(alike), 4),
        "alike_ours_per_second": round(ours_alike),
        "alike_ratio": round(ours_alike / theirs_alike, 1),
        "differing_answers_in_sample": differing,
        "load_rules_ms": round(loading, 1),
        "import_engine_ms": round(engine, 1),
        "python": platform.python_version(),
    }
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, figure in figures.items():
            print(f"{name:32} {figure}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
