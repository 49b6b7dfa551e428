"""Whatever a stranger writes: nothing raises, output is bounded, time is too."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceledger.classify.classifier import classify
from bounceledger.classify.compiled import load_rules
from bounceledger.classify.masking import MAX_MATCHED_TEXT, matchable
from bounceledger.classify.meanings import explain
from bounceledger.classify.reply import MAX_PARSED_DIAGNOSTIC, parse_reply
from bounceledger.classify.traits import Hints
from bounceledger.verdict import Disposition

codes = st.sampled_from(["550 ", "smtp; 550-5.1.1 ", "421 4.7.0 ", "5.1.2 - ", "521", "", "605 "])
pieces = st.sampled_from(
    [
        "user unknown",
        "spam",
        "blocked using",
        "<x@example.com>",
        "<421 ",
        "host ",
        " said: ",
        "5.1.1",
    ]
)
texts = st.builds(
    lambda code, words: code + " ".join(words),
    codes,
    st.lists(pieces | st.text(max_size=60), max_size=12),
)


@given(diagnostic=texts, hints=st.builds(Hints, *[st.text(max_size=12)] * 4))
@settings(max_examples=300, deadline=None)
def test_any_reply_yields_a_verdict_of_bounded_size(diagnostic: str, hints: Hints) -> None:
    """Nothing that a server writes raises, or fills a log."""
    reply = parse_reply(diagnostic)
    verdict = classify(reply, hints)
    assert len(reply.text) <= MAX_PARSED_DIAGNOSTIC
    assert reply.text.isprintable()
    assert len(verdict.matched) <= 120
    assert explain(verdict)["what_to_do"]


@given(words=st.lists(pieces | st.text(max_size=60), max_size=12))
@settings(max_examples=200, deadline=None)
def test_a_temporary_reply_is_never_hard(words: list[str]) -> None:
    """A server that says "try again" suppresses nobody, whatever else it says."""
    for code in ("421", "450 4.1.1", "451 5.1.1", "4.2.0 -"):
        reply = parse_reply(f"{code} {' '.join(words)}")
        if reply.code is None and (reply.enhanced or "5")[0] != "4":
            continue  # words that begin with a dot or a digit change what the status is
        assert classify(reply).disposition is not Disposition.HARD


EXAMPLES = [
    "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown in local recipient table",
    "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using dnsbl.example.net",
    "552 5.2.2 <x@example.com>: mailbox is full",
    "550 5.4.4 Invalid domain",
    "554 5.7.1 Message rejected as spam",
    "451 4.3.0 Error: queue file write error",
]


@pytest.mark.parametrize("example", EXAMPLES)
@given(
    local=st.from_regex(r"[a-z0-9!#$%&'*+=?^_{|}~-]{1,20}", fullmatch=True),
    domain=st.from_regex(r"[a-z0-9-]{1,20}\.(com|org|example)", fullmatch=True),
)
@settings(max_examples=50, deadline=None)
def test_the_address_in_a_reply_changes_nothing(example: str, local: str, domain: str) -> None:
    """An address is chosen by a stranger, and is not evidence."""
    changed = example.replace("x@example.com", f"{local}@{domain}")
    assert classify(parse_reply(changed)).category == classify(parse_reply(example)).category


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.lower,
        lambda text: "smtp; " + text,
        lambda text: text.replace(" ", "\r\n ", 3),
        lambda text: text.replace(" ", " \t "),
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text[:3] + "-" + text[4:],
        lambda text: f"x-postfix; host mx.spam.example[192.0.2.9] said: {text}",
        lambda text: f"{text} (in reply to RCPT TO command)",
        lambda text: f"{text} https://example.com/user-unknown/spam",
    ],
)
def test_the_form_of_a_reply_changes_nothing(example: str, change: Callable[[str], str]) -> None:
    """Case, spaces, prefixes and quoting are habits of servers."""
    changed = parse_reply(change(example))
    assert classify(changed).category == classify(parse_reply(example)).category


@pytest.mark.parametrize(
    "text",
    [
        "550 " + "a" * 1_000_000,
        "550 " + "a@" * 500_000,
        "550 " + "a." * 500_000,
        "550 " + '"' * 1_000_000,
        "550 " + "user " * 200_000 + "unknown",
        "host " * 200_000,
        "error 450 " * 100_000,
        "<" * 1_000_000,
        " " * 1_000_000,
        "550 " + "\u0301" * 1_000_000,
        "550 " + "\ufdfa" * 1_000_000,  # one character that unfolds to eighteen
    ],
)
def test_a_megabyte_costs_little(text: str) -> None:
    """CPU time is bounded, since it can be chosen by strangers."""
    load_rules()
    classify(parse_reply(text))
    start = time.process_time()
    classify(parse_reply(text))
    assert time.process_time() - start < 0.5


def test_what_rules_see_is_bounded_even_if_letters_unfold() -> None:
    """Normalisation may turn one character into eighteen."""
    assert len(matchable("\ufdfa" * 4096)) <= MAX_MATCHED_TEXT
