"""The strict loader of rule files."""

from pathlib import Path
from typing import Any

import pytest

from bounceledger.classify.compiled import load_rules
from bounceledger.classify.rule_file import check_rules
from bounceledger.errors import RulesError
from tests.unit.classify.rule_entries import entry


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"patern": ["x"]}, "unknown field 'patern'"),
        ({"category": "mailbox_gone"}, "'mailbox_gone'"),
        ({"category": None}, "not a valid"),
        ({"scope": "planet"}, "'planet'"),
        ({"id": "Made Up"}, "lower-case words"),
        ({"id": None}, "None"),
        ({"note": " "}, "note"),
        ({"note": None}, "note"),
        ({"examples": []}, "no example"),
        ({"examples": None}, "no example"),
        ({"examples": [1]}, "must be a string or a table"),
        ({"examples": [{"diagnostics": "550 Purple prose"}]}, "unknown field 'diagnostics'"),
        ({"examples": ["550 Blue prose"]}, "no rule selects"),
        ({"any": ["purple", "("]}, "not linear-time"),
        ({"any": [r"(purple) \1"]}, "not linear-time"),
        ({"any": ["purple(?= prose)"]}, "not linear-time"),
        ({"any": ["Purple prose"]}, "'Purple prose'"),
        ({"any": ["ящики?", "я[щш]ик"]}, "outside ASCII"),
        ({"any": ["ящ?ик"]}, "outside ASCII"),
        ({"any": "purple prose"}, "must be a list of strings"),
        ({"any": []}, "must be a list of strings"),
        ({"any": None, "none": ["purple"]}, "need 'any'"),
        ({"any": None}, "has no condition"),
        ({"any": ["purple prose " * 6]}, "a copy of a reply"),
        ({"reply": ["55"]}, "'55'"),
        ({"status": ["5.1"]}, "'5.1'"),
        ({"temporary": "no"}, "must be true or false"),
    ],
)
def test_the_loader_refuses_a_broken_rule_by_name(broken: dict[str, Any], complaint: str) -> None:
    """The message names the rule and what is wrong with it."""
    with pytest.raises(RulesError) as caught:
        check_rules([entry(**broken)])
    assert complaint in str(caught.value)
    if isinstance(broken.get("id", ""), str):
        assert repr(broken.get("id", "made-up")) in str(caught.value)


def test_the_loader_refuses_two_rules_with_one_id() -> None:
    with pytest.raises(RulesError, match="'made-up': 2 rules"):
        check_rules([entry(), entry()])


def test_the_loader_refuses_a_rule_that_an_earlier_one_always_beats() -> None:
    """A rule that never decides is a mistake."""
    earlier = entry(id="earlier", any=["prose"], examples=["550 prose"])
    with pytest.raises(RulesError, match="'made-up': 'earlier' selects"):
        check_rules([earlier, entry()])


@pytest.mark.parametrize("text", ["rule = 1", "[[rule]\n", "version = 1", "", "rule = [1]"])
def test_the_loader_refuses_a_file_of_another_shape(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(RulesError, match=r"own\.toml"):
        load_rules(path)
