"""The rule file, its strict loader, and how a rule is picked."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bounceledger.classify import compiled, rule_file
from bounceledger.classify.compiled import load_rules, to_json
from bounceledger.classify.reply import parse_reply
from bounceledger.classify.rule_file import check_rules, read_entries
from bounceledger.classify.traits import Hints, ReplyTraits, prepare
from bounceledger.errors import RulesError
from bounceledger.verdict import DISPOSITIONS, Category, Disposition, Scope


def entry(**changes: Any) -> dict[str, Any]:
    """A sound rule, changed; a change to None leaves the field out."""
    sound = {
        "id": "made-up",
        "category": "policy",
        "any": ["purple prose"],
        "examples": ["550 Purple prose is not taken"],
        "note": "Made up.",
    }
    return {name: value for name, value in (sound | changes).items() if value is not None}


def toml(*entries: dict[str, Any]) -> str:
    """Entries as a rule file; JSON texts and lists are TOML too."""
    tables = [
        "[[rule]]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in item.items())
        for item in entries
    ]
    return "\n\n".join(tables)


class TestOurRules:
    def test_pass_every_check(self) -> None:
        checked = check_rules(read_entries(compiled.SOURCE))
        assert len(checked.rules) > 50

    def test_run_from_a_compact_copy_of_the_source(self) -> None:
        # WHEN the compact copy is stale, "make rules" writes it again
        checked = check_rules(read_entries(compiled.SOURCE))
        assert compiled.COMPILED.read_text(encoding="utf-8") == to_json(checked)
        assert load_rules().rules == checked.rules

    def test_carry_no_copy_of_a_reply(self) -> None:
        for rule in load_rules().rules:
            for pattern in (*rule.any, *rule.all, *rule.none, *rule.names):
                longest = max(
                    (len(run) for run in re.findall(r"[\w ,;:'/@-]+", pattern)), default=0
                )
                assert longest <= rule_file.MAX_LITERAL, (rule.id, pattern)

    def test_every_pattern_of_a_hard_rule_skips_temporary_replies(self) -> None:
        hard = [r for r in load_rules().rules if DISPOSITIONS[r.category] is Disposition.HARD]
        assert hard
        assert all(rule.temporary is False for rule in hard)

    def test_blocks_reach_nobody_and_dead_domains_reach_the_domain(self) -> None:
        for rule in load_rules().rules:
            if rule.category in (Category.DOMAIN_UNKNOWN, Category.NO_MAIL_ACCEPTED):
                assert rule.scope is Scope.DOMAIN
            elif DISPOSITIONS[rule.category] in (Disposition.BLOCK, Disposition.NONE):
                assert rule.scope is Scope.NONE
            else:
                assert rule.scope is Scope.ADDRESS


class TestTheLoaderRefuses:
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
    def test_a_broken_rule_by_name(self, broken: dict[str, Any], complaint: str) -> None:
        with pytest.raises(RulesError) as caught:
            check_rules([entry(**broken)])
        assert complaint in str(caught.value)
        if isinstance(broken.get("id", ""), str):
            assert repr(broken.get("id", "made-up")) in str(caught.value)

    def test_two_rules_with_one_id(self) -> None:
        with pytest.raises(RulesError, match="'made-up': 2 rules"):
            check_rules([entry(), entry()])

    def test_a_rule_that_an_earlier_one_always_beats(self) -> None:
        earlier = entry(id="earlier", any=["prose"], examples=["550 prose"])
        with pytest.raises(RulesError, match="'made-up': 'earlier' selects"):
            check_rules([earlier, entry()])

    @pytest.mark.parametrize("text", ["rule = 1", "[[rule]\n", "version = 1", "", "rule = [1]"])
    def test_a_file_of_another_shape(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "own.toml"
        path.write_text(text)
        with pytest.raises(RulesError, match=r"own\.toml"):
            load_rules(path)


class TestAUsersOwnRules:
    def test_stand_in_front_of_ours(self, tmp_path: Path) -> None:
        # GIVEN a user who knows better what a text means
        path = tmp_path / "own.toml"
        text = toml(entry(id="own", any=["user unknown"], examples=["550 User unknown"]))
        path.write_text(text)
        # WHEN
        both = load_rules(path)
        chosen = both.select(*prepare(parse_reply("550 5.1.1 User unknown"), Hints()))
        # THEN
        assert chosen is not None
        assert chosen.rule.id == "own"
        assert len(both.rules) == len(load_rules().rules) + 1
        assert both.version != load_rules().version

    def test_may_not_take_one_of_our_ids(self, tmp_path: Path) -> None:
        path = tmp_path / "own.toml"
        path.write_text(toml(entry(id=load_rules().rules[0].id)))
        with pytest.raises(RulesError, match="2 rules have this id"):
            load_rules(path)

    def test_stop_the_start_when_the_file_is_missing(self) -> None:
        with pytest.raises(RulesError, match=r"nowhere\.toml"):
            load_rules("nowhere.toml")

    def test_are_checked_by_their_examples(self, tmp_path: Path) -> None:
        path = tmp_path / "own.toml"
        path.write_text(toml(entry(examples=["550 User unknown"])))
        with pytest.raises(RulesError, match="'made-up'"):
            load_rules(path)


class TestPicking:
    def test_goes_by_the_order_of_rules_and_not_of_words(self) -> None:
        both = check_rules([entry(id="one", any=["beta"], examples=["550 beta"]),
                            entry(id="two", any=["alpha"], examples=["550 alpha"])])  # fmt: skip
        chosen = both.select("alpha beta", ReplyTraits())
        assert chosen is not None
        assert (chosen.rule.id, chosen.matched) == ("one", "beta")

    def test_needs_all_and_none(self) -> None:
        one = entry(any=["a"], all=["b", "c"], none=["d"], examples=["550 a b c"])
        picky = check_rules([one])
        assert picky.select("a b c", ReplyTraits()) is not None
        assert picky.select("a b", ReplyTraits()) is None
        assert picky.select("a b c d", ReplyTraits()) is None

    def test_sees_names_of_hosts_only_through_names(self) -> None:
        words = check_rules([entry(any=["purple"], examples=["550 purple"])])
        names = check_rules([entry(any=None, names=["purple.org"], examples=["550 purple.org"])])
        question = prepare(parse_reply("550 see http://purple.org/"), Hints())
        assert words.select(*question) is None
        assert names.select(*question) is not None
