"""How a rule is selected."""

from bounceledger.classify.reply import parse_reply
from bounceledger.classify.rule_file import check_rules
from bounceledger.classify.traits import Hints, ReplyTraits, prepare
from tests.unit.classify.rule_entries import entry


class TestPicking:
    def test_goes_by_the_order_of_rules_and_not_of_words(self) -> None:
        """The file's order is the order of evidence."""
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
        """Strangers choose host names, so words in them are not evidence."""
        words = check_rules([entry(any=["purple"], examples=["550 purple"])])
        names = check_rules([entry(any=None, names=["purple.org"], examples=["550 purple.org"])])
        question = prepare(parse_reply("550 see http://purple.org/"), Hints())
        assert words.select(*question) is None
        assert names.select(*question) is not None
