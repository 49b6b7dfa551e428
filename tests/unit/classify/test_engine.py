"""How a rule is selected."""

from bounceledger.classify.reply import parse_reply
from bounceledger.classify.rule_file import check_rules
from bounceledger.classify.traits import Hints, ReplyTraits, prepare
from tests.unit.classify.rule_entries import entry


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

    def test_goes_by_the_order_of_rules_between_names_and_words(self) -> None:
        # GIVEN a rule that asks for a name, before and after one that asks for words
        name = entry(any=None, names=["purple.org"], examples=["550 see http://purple.org/"])
        early = entry(id="early", any=["alpha"], examples=["550 alpha"])
        late = entry(id="late", any=["omega"], examples=["550 omega"])
        three = check_rules([early, name, late])
        # WHEN both are found THEN the first rule wins
        expected = [("alpha", "early", "alpha"), ("omega", name["id"], "purple.org")]
        for words, chosen, matched in expected:
            selection = three.select(f"{words} HTTP://PURPLE.ORG/", ReplyTraits())
            assert selection is not None
            assert (selection.rule.id, selection.matched) == (chosen, matched)

    def test_holds_a_named_rule_to_its_conditions(self) -> None:
        rule = entry(any=None, names=["purple.org"], none=["not"], examples=["550 purple.org"])
        one = check_rules([rule])
        assert one.select("PURPLE.ORG", ReplyTraits()) is not None
        assert one.select("not PURPLE.ORG", ReplyTraits()) is None
