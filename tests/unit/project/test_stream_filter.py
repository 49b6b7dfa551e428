"""The filter in front of outbox."""

import json
from pathlib import Path
from typing import Any

import yaml

from bounceledger.verdict import Category
from tests.stream_records import bounced, record

ROOT = Path(__file__).parents[3]


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's tags as nothing."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def patterns() -> list[dict[str, Any]]:
    template = yaml.load((ROOT / "template.yaml").read_text(), _Loader)
    mapping = template["Resources"]["OutboxFunction"]["Properties"]["Events"]["Changes"]
    filters = mapping["Properties"]["FilterCriteria"]["Filters"]
    return [json.loads(item["Pattern"]) for item in filters]


def matches(pattern: Any, value: Any) -> bool:
    """As much of Lambda's event filtering as the patterns use."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            matches(part, value.get(name)) for name, part in pattern.items()
        )
    return any(_matches_one(rule, value) for rule in pattern)


def _matches_one(rule: Any, value: Any) -> bool:
    if isinstance(rule, dict) and "prefix" in rule:
        return isinstance(value, str) and value.startswith(rule["prefix"])
    if isinstance(rule, dict):
        return (value is not None) is rule["exists"]
    return bool(rule == value)


def admitted(change: dict[str, Any]) -> bool:
    return any(matches(pattern, change) for pattern in patterns())


def test_the_filter_admits_what_the_outbox_reads_and_little_else() -> None:
    # GIVEN changes of facts
    dead = bounced(Category.NO_MAIL_ACCEPTED)
    gone = bounced(Category.DOMAIN_UNKNOWN)

    # THEN those that hold a claim come through, as new ones and as changes
    assert admitted(record(dead))
    assert admitted(record(gone, dead))

    # AND other facts, other items and removals do not
    assert not admitted(record(bounced(Category.MAILBOX_UNKNOWN)))
    assert not admitted(record(None, dead))
    other = record(dead)
    other["dynamodb"]["Keys"]["sk"] = {"S": "EVENT#1"}
    assert not admitted(other)
