"""The rules that run: those of `rules.json`, and a deployment's own in front of them.

`rules.toml` is the source of truth. `rules.json` holds the same rules without examples and
notes, because parsing TOML costs a cold start more than everything else here together;
``make rules`` writes it, and a test holds the two together.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from bounceledger.classify.engine import Rule, RuleSet
from bounceledger.verdict import Category, Scope

SOURCE = Path(__file__).with_name("rules.toml")
COMPILED = Path(__file__).with_name("rules.json")


def load_rules(own: str | Path | None = None) -> RuleSet:
    """The built-in rules, with a deployment's own in front of them.

    Args:
        own: a TOML file as docs/rules.md describes; a relative path starts at the layer's
            root. It is checked in full; the built-in rules were checked when they were
            compiled.

    Raises:
        RulesError: the file is not valid; names the rule.
    """
    if not own:
        return _built_in_set()
    from bounceledger.classify import rule_file  # a cold start without own rules skips this

    path = Path(__file__).parents[2] / own
    drafts = rule_file.parse_rules(rule_file.read_entries(path))
    version = _digest(COMPILED, path)
    both = RuleSet((*(draft.rule for draft in drafts), *_built_in_rules()), version=version)
    rule_file.check_ids(both.rules)
    rule_file.check_examples(drafts, both)
    return both


@cache
def _built_in_rules() -> tuple[Rule, ...]:
    return tuple(_from_json(entry) for entry in json.loads(COMPILED.read_bytes()))


@cache
def _built_in_set() -> RuleSet:
    return RuleSet(_built_in_rules(), version=_digest(COMPILED))


def _digest(*files: Path) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def to_json(rules: RuleSet) -> str:
    """The content of `rules.json`: one rule on a line, empty fields left out."""
    lines = (json.dumps(dict(_present(rule)), ensure_ascii=False) for rule in rules.rules)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _present(rule: Rule) -> Iterator[tuple[str, object]]:
    for item in fields(rule):
        value = getattr(rule, item.name)
        if value not in ((), None):
            yield item.name, value


def _from_json(entry: dict[str, Any]) -> Rule:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
    }
    scope, category = Scope(entry["scope"]), Category(entry["category"])
    return Rule(**values | {"category": category, "scope": scope})


if __name__ == "__main__":
    from bounceledger.classify.rule_file import check_rules, read_entries

    COMPILED.write_text(to_json(check_rules(read_entries(SOURCE))), encoding="utf-8")
