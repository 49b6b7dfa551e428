"""``bounceledger explain``: codes, topics and whole replies."""

import json

import pytest

from bounceledger.api import responses
from bounceledger.classify.classifier import classify
from bounceledger.classify.meanings import explain
from bounceledger.classify.reply import parse_reply
from tests.unit.cli.runner import BLOCKED, ESCAPES, UNKNOWN_USER, Terminal, run


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["521"], "521  Host does not accept mail"),
        (["5.1.1"], "5.1.1  Bad destination mailbox address"),
        (["x.1.1"], "X.1.1  Bad destination mailbox address"),
        (["550", "5.2.2"], "5.2.2  Mailbox full"),
        (["550-5.2.2"], "5.2.2  Mailbox full"),
        (["gmail rate"], "gmail-rate-limit  "),
        (["gmail", "rate"], "gmail-rate-limit  "),
        (["sorbs"], "sorbs  SORBS"),
        (["microsoft-365-5.7.x"], "microsoft-365-5.7.x  "),
    ],
)
def test_a_code_or_topic_prints_its_page(words: list[str], first: str) -> None:
    ran = run("explain", *words)
    assert ran.code == 0
    assert ran.out.startswith(first)
    assert "What to do" in ran.out


def test_a_page_reads_well_in_80_columns_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "dumb")
    ran = run("explain", "521", stdout=Terminal())
    assert max(map(len, ran.out.splitlines())) <= 80
    assert all(line == line.rstrip() for line in ran.out.splitlines())
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("words", ["521", "550 5.1.1 <ada@example.com>: User unknown"])
def test_in_a_pipe_nothing_is_wrapped(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that searches for a sentence finds it on one line."""
    monkeypatch.setenv("TERM", "dumb")
    # WHEN a page goes into a pipe THEN it has the same words, with a line for each paragraph
    piped, watched = run("explain", words), run("explain", words, stdout=Terminal())
    assert piped.out.split() == watched.out.split()
    assert max(map(len, piped.out.splitlines())) > 100


def test_part_of_a_word_in_the_text_finds_nothing() -> None:
    """Who asks for `foo` does not mean a page that speaks of a footer."""
    ran = run("explain", "foo")
    assert (ran.code, ran.out) == (2, "")
    assert "nothing found for 'foo'" in ran.err


def test_the_fields_of_a_reply_are_those_of_the_api() -> None:
    """A program reads both alike."""
    (reply,) = run("explain", "--json", UNKNOWN_USER).records
    verdict = classify(parse_reply(UNKNOWN_USER))
    assert reply.items() >= responses.verdict(verdict).items()
    assert reply["explanation"] == explain(verdict)


def test_a_class_digit_shows_what_it_changes() -> None:
    assert "With class 4 (persistent transient failure)" in run("explain", "4.1.1").out
    both = run("explain", "X.1.1").out
    assert "With class 4" in both
    assert "With class 5" in both


def test_a_whole_reply_is_classified_and_its_codes_explained() -> None:
    # GIVEN Exchange's misleading reply WHEN explained
    ran = run("explain", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)")

    # THEN verdict, evidence, advice and the pages of both codes are there
    assert ran.code == 0
    for expected in (
        "mailbox_unknown",
        "hard",
        "Matched",
        "yes, the address at once",
        "What happened",
        "What to do",
        "5.4.1  No answer from host",
        "550  Refused",
    ):
        assert expected in ran.out


def test_a_reply_about_the_sender_suppresses_nobody() -> None:
    assert "no, and it does not count against the source" in run("explain", BLOCKED).out


def test_a_dead_domain_is_suppressed_as_far_as_dns_confirms() -> None:
    ran = run("explain", "556 5.1.10 Domain example.com does not accept mail (nullMX)")
    assert "the domain when DNS confirms it" in ran.out


def test_the_inner_reply_has_its_pages_too() -> None:
    """A report of expiry is explained by the reply that it quotes."""
    ran = run("explain", "--json", "550 4.4.7 Message expired <421 4.4.0 Unable to lookup DNS>")
    codes = [page["code"] for page in json.loads(ran.out)["pages"]]
    assert codes == ["X.4.7", "550", "X.4.0", "421"]


@pytest.mark.parametrize(
    "text",
    [
        "smtp; 550 no",
        "sorry, no mailbox here by that name",
        "your mail was refused because we said so today",
    ],
)
def test_what_reads_like_a_reply_is_one(text: str) -> None:
    """Words that are neither a code nor a topic are classified."""
    assert run("explain", text).out.startswith("Category")


def test_json_is_one_line_per_page_or_reply() -> None:
    page = run("explain", "--json", "521").records
    assert page[0]["code"] == "521"
    (reply,) = run("explain", "--json", UNKNOWN_USER).records
    assert reply["category"] == "mailbox_unknown"
    assert reply["diagnostic"] == UNKNOWN_USER
    assert reply["suppress"].startswith("yes")


@pytest.mark.parametrize(
    ("words", "near"),
    [
        ("5.1.99", "X.1.1"),
        ("559", "550"),
        ("999", "try a code such as 550"),
        ("yahho", "yahoo-tss"),
        ("gmail zebra", "gmail"),
    ],
)
def test_an_unknown_code_suggests_what_is_near(words: str, near: str) -> None:
    ran = run("explain", words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("bounceledger: nothing found for")
    assert near in ran.err


def test_hostile_text_is_neither_markup_nor_control() -> None:
    """A pasted reply cannot change what the terminal shows."""
    for argv in ([ESCAPES], ["--json", ESCAPES], ["\x1b[2J[bold]zebra"]):
        ran = run("explain", *argv)
        for stream in (ran.out, ran.err):
            assert "\x1b" not in stream
            assert "\u202e" not in stream


@pytest.mark.parametrize("words", ["a", "an", "the", "is", "to", "is the"])
def test_words_that_are_everywhere_find_nothing(words: str) -> None:
    """Any page would do for them, and none is meant."""
    ran = run("explain", words)
    assert (ran.code, ran.out) == (2, "")
    assert f"nothing found for {words!r}, which is too common" in ran.err


def test_two_letters_are_not_looked_for_within_words() -> None:
    ran = run("explain", "se")
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.parametrize("words", ["gmail", "the gmail rate limit", "mailbox full"])
def test_common_words_beside_others_do_no_harm(words: str) -> None:
    assert run("explain", words).code == 0
