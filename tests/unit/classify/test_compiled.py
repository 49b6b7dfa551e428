"""The rules that run: the built-in ones, and a deployment's own in front of them."""

import re
from pathlib import Path

import pytest

from bounceledger.classify import compiled, rule_file
from bounceledger.classify.compiled import load_rules, to_json
from bounceledger.classify.reply import parse_reply
from bounceledger.classify.rule_file import check_rules, read_entries
from bounceledger.classify.traits import Hints, prepare
from bounceledger.errors import RulesError
from bounceledger.verdict import DISPOSITIONS, Category, Disposition, Scope
from tests.unit.classify.rule_entries import entry, toml


def test_our_rules_pass_every_check() -> None:
    """The built-in rules are held to what a user's own are."""
    checked = check_rules(read_entries(compiled.SOURCE))
    assert len(checked.rules) > 50


def test_our_rules_run_from_a_compact_copy_of_the_source() -> None:
    """If the copy is out of date, "make rules" writes it again."""
    checked = check_rules(read_entries(compiled.SOURCE))
    assert compiled.COMPILED.read_text(encoding="utf-8") == to_json(checked)
    assert load_rules().rules == checked.rules


def test_our_rules_carry_no_copy_of_a_reply() -> None:
    """Rules name the words that decide, so that they read other replies, too."""
    for rule in load_rules().rules:
        for pattern in (*rule.any, *rule.all, *rule.none, *rule.names):
            longest = max((len(run) for run in re.findall(r"[\w ,;:'/@-]+", pattern)), default=0)
            assert longest <= rule_file.MAX_LITERAL, (rule.id, pattern)


def test_every_pattern_of_a_hard_rule_skips_temporary_replies() -> None:
    """A 4xx reply must not suppress at once."""
    hard = [r for r in load_rules().rules if DISPOSITIONS[r.category] is Disposition.HARD]
    assert hard
    assert all(rule.temporary is False for rule in hard)


def test_blocks_reach_nobody_and_dead_domains_reach_the_domain() -> None:
    """The scope of a rule follows from its category, except that a soft one may claim a domain."""
    for rule in load_rules().rules:
        if rule.category in (Category.DOMAIN_UNKNOWN, Category.NO_MAIL_ACCEPTED):
            assert rule.scope is Scope.DOMAIN
        elif DISPOSITIONS[rule.category] in (Disposition.BLOCK, Disposition.NONE):
            assert rule.scope is Scope.NONE
        elif rule.scope is Scope.DOMAIN:
            # a claim, which suppresses nobody until DNS confirms it
            assert DISPOSITIONS[rule.category] is Disposition.SOFT
        else:
            assert rule.scope is Scope.ADDRESS


def test_a_users_own_rules_stand_in_front_of_ours(tmp_path: Path) -> None:
    """A user may know better what a reply means."""
    # GIVEN a user's rule for words that a built-in rule reads, too
    path = tmp_path / "own.toml"
    text = toml(entry(id="own", any=["user unknown"], examples=["550 User unknown"]))
    path.write_text(text)

    # WHEN a reply has these words
    both = load_rules(path)
    chosen = both.select(*prepare(parse_reply("550 5.1.1 User unknown"), Hints()))

    # THEN the user's rule is selected
    assert chosen is not None
    assert chosen.rule.id == "own"

    # AND it is one rule more, in another version
    assert len(both.rules) == len(load_rules().rules) + 1
    assert both.version != load_rules().version


def test_a_users_own_rules_may_not_take_one_of_our_ids(tmp_path: Path) -> None:
    """The id of a rule is kept with every suppression."""
    path = tmp_path / "own.toml"
    path.write_text(toml(entry(id=load_rules().rules[0].id)))
    with pytest.raises(RulesError, match="2 rules have this id"):
        load_rules(path)


def test_a_users_own_rules_stop_the_start_when_the_file_is_missing() -> None:
    """Classifying without the user's rules would go unnoticed."""
    with pytest.raises(RulesError, match=r"nowhere\.toml"):
        load_rules("nowhere.toml")


def test_a_users_own_rules_are_checked_by_their_examples(tmp_path: Path) -> None:
    """A rule that does not read its own example is wrong."""
    path = tmp_path / "own.toml"
    path.write_text(toml(entry(examples=["550 User unknown"])))
    with pytest.raises(RulesError, match="'made-up'"):
        load_rules(path)
