"""How a rule is selected."""

from bounceledger.classify.reply import parse_reply
from bounceledger.classify.rule_file import check_rules
from bounceledger.classify.traits import Hints, ReplyTraits, prepare
from tests.unit.classify.rule_entries import entry


def test_selection_goes_by_the_order_of_rules_and_not_of_words() -> None:
    """The file's order is the order of evidence."""
    both = check_rules([entry(id="one", any=["beta"], examples=["550 beta"]),
                        entry(id="two", any=["alpha"], examples=["550 alpha"])])  # fmt: skip
    selection = both.select("alpha beta", ReplyTraits())
    assert selection is not None
    assert (selection.rule.id, selection.matched) == ("one", "beta")


def test_a_rule_needs_all_and_none() -> None:
    careful = entry(any=["a"], all=["b", "c"], none=["d"], examples=["550 a b c"])
    rules = check_rules([careful])
    assert rules.select("a b c", ReplyTraits()) is not None
    assert rules.select("a b", ReplyTraits()) is None
    assert rules.select("a b c d", ReplyTraits()) is None


def test_a_rule_sees_host_names_only_through_names() -> None:
    """Strangers choose host names, so words in them are not evidence."""
    words = check_rules([entry(any=["purple"], examples=["550 purple"])])
    names = check_rules([entry(any=None, names=["purple.org"], examples=["550 purple.org"])])
    question = prepare(parse_reply("550 see http://purple.org/"), Hints())
    assert words.select(*question) is None
    assert names.select(*question) is not None


def test_the_order_of_rules_holds_between_names_and_words() -> None:
    """Names are matched in a set of their own, which must not change the order."""
    # GIVEN a rule that asks for a name, between two that ask for words
    name = entry(any=None, names=["purple.org"], examples=["550 see http://purple.org/"])
    early = entry(id="early", any=["alpha"], examples=["550 alpha"])
    late = entry(id="late", any=["omega"], examples=["550 omega"])
    rules = check_rules([early, name, late])
    # WHEN a name and words are found
    expected = [("alpha", "early", "alpha"), ("omega", name["id"], "purple.org")]
    for words, chosen, matched in expected:
        selection = rules.select(f"{words} HTTP://PURPLE.ORG/", ReplyTraits())
        # THEN the first rule wins
        assert selection is not None
        assert (selection.rule.id, selection.matched) == (chosen, matched)


def test_a_rule_that_asks_for_a_name_keeps_its_other_conditions() -> None:
    rule = entry(any=None, names=["purple.org"], none=["not"], examples=["550 purple.org"])
    one = check_rules([rule])
    assert one.select("PURPLE.ORG", ReplyTraits()) is not None
    assert one.select("not PURPLE.ORG", ReplyTraits()) is None
