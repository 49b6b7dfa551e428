"""A word means the same before and after the noun that it is about."""

import pytest

from bounceledger.classify.classifier import classify
from bounceledger.classify.reply import parse_reply

REMOVED = ("deleted", "removed", "terminated", "cancelled")
DISABLED = ("disabled", "suspended", "inactive", "deactivated", "locked", "retired")


@pytest.mark.parametrize("noun", ["mailbox", "account", "address", "inbox", "user", "recipient"])
@pytest.mark.parametrize(
    ("word", "category"),
    [(word, "mailbox_unknown") for word in REMOVED]
    + [(word, "mailbox_disabled") for word in DISABLED],
)
def test_the_order_of_noun_and_word_does_not_matter(noun: str, word: str, category: str) -> None:
    """ "mailbox terminated" and "terminated mailbox" say the same."""
    for reply in (f"550 {noun} {word}", f"550 {noun} is {word}", f"550 {word} {noun}"):
        assert classify(parse_reply(reply)).category == category, reply
