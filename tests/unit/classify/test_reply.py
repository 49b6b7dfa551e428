"""Splitting a diagnostic into codes and text, and the form that rules see."""

import pytest

from bounceledger.classify.masking import matchable
from bounceledger.classify.reply import MAX_PARSED_DIAGNOSTIC, SmtpReply, parse_reply


@pytest.mark.parametrize(
    ("diagnostic", "code", "enhanced", "text"),
    [
        ("smtp; 550 5.1.1 <x@example.com>: gone", 550, "5.1.1", "<x@example.com>: gone"),
        ("SMTP;550 5.1.1 gone", 550, "5.1.1", "gone"),
        ("550 gone", 550, None, "gone"),
        ("550", 550, None, ""),
        ("521 5.3.2", 521, "5.3.2", ""),
        ("smtp; 550-5.1.1 It is 550-5.1.1 gone 550 5.1.1 now", 550, "5.1.1", "It is gone now"),
        ("550-Sorry\r\n550 gone", 550, None, "Sorry gone"),
        ("553 sorry (#5.7.1)", 553, "5.7.1", "sorry (#5.7.1)"),
        ("550 #5.1.0 Address rejected", 550, "5.1.0", "Address rejected"),
        ("550 [5.1.1] gone", 550, "5.1.1", "gone"),
        ("451 mx Resources unavailable [#4.16.1].", 451, "4.16.1", None),
        ("421 [TS01] Wait", 421, None, "[TS01] Wait"),
        ("450 cuda_nsu 4.7.1 Go", 450, "4.7.1", "Go"),
        ("5.1.2 - Bad destination host", None, "5.1.2", "Bad destination host"),
        ("605 6.0.5 Not delivering", 605, "6.0.5", "Not delivering"),
        ("550 4.4.7 Expired", 550, "4.4.7", "Expired"),
        ("gone fishing", None, None, "gone fishing"),
        ("", None, None, ""),
    ],
)
def test_codes_are_read_and_left_out_of_the_text(
    diagnostic: str, code: int | None, enhanced: str | None, text: str | None
) -> None:
    """The forms in which servers write reply code and enhanced status."""
    reply = parse_reply(diagnostic)
    assert (reply.code, reply.enhanced) == (code, enhanced)
    if text is not None:
        assert reply.text == text


@pytest.mark.parametrize(
    ("diagnostic", "code", "enhanced"),
    [
        ("553 5.3.0 x DNSBL:RBL 521< 192.0.2.1 >_is_blocked", 553, "5.3.0"),
        ("521-192.0.2.1 blocked", 521, None),
        ("550 192.0.2.1 is bad", 550, None),
        ("192.0.2.1 is bad", None, None),
        ("550 mail from [5.1.1.7] refused", 550, None),
        ("unable to deliver in 840 minutes", None, None),
        ("Exim 4.92.3 says no", None, None),
    ],
)
def test_numbers_that_only_look_like_codes_are_ignored(
    diagnostic: str, code: int | None, enhanced: str | None
) -> None:
    """IP addresses, versions and list names hold digits in the same form."""
    reply = parse_reply(diagnostic)
    assert (reply.code, reply.enhanced) == (code, enhanced)


@pytest.mark.parametrize(
    "diagnostic",
    [
        (
            "x-postfix; host mx.example.com[192.0.2.1] said: 550 5.1.1 <x@example.org>: gone"
            " (in reply to RCPT TO command)"
        ),
        (
            "SMTP error from remote mail server after RCPT TO:<x@example.org>:"
            " host mx.example.com [192.0.2.1]: 550 5.1.1 <x@example.org>: gone"
        ),
        "192.0.2.1 does not like recipient. Remote host said: 550 5.1.1 <x@example.org>: gone",
    ],
)
def test_what_the_sending_server_adds_is_left_out(diagnostic: str) -> None:
    """Only the receiving server's words are evidence."""
    reply = parse_reply(diagnostic)
    assert reply[:3] == (550, "5.1.1", "<x@example.org>: gone")


@pytest.mark.parametrize(
    ("diagnostic", "inner"),
    [
        (
            (
                "550 4.4.7 Message expired: unable to deliver in 840 minutes."
                "<421 4.4.0 Unable to lookup DNS for example.org>"
            ),
            SmtpReply(421, "4.4.0", "Unable to lookup DNS for example.org"),
        ),
        (
            "550 5.1.351 Remote server returned unknown recipient -> 550 : User unknown",
            SmtpReply(550, None, "User unknown"),
        ),
        (
            "5.1.0 - Unknown address error 550-'5.1.1 gone'",
            SmtpReply(550, "5.1.1", "gone'"),
        ),
    ],
)
def test_a_quoted_reply_is_the_inner_reply(diagnostic: str, inner: SmtpReply) -> None:
    """A report of expiry quotes the reply that kept the message waiting."""
    assert parse_reply(diagnostic).inner == inner


def test_control_characters_are_gone_and_the_text_is_bounded() -> None:
    """The text of a reply comes from a stranger, and may be of any size."""
    # GIVEN a megabyte with terminal controls
    diagnostic = "550 5.1.1 \x1b[31mgone\x07\u202e " + "x " * 500_000

    # WHEN it is read
    reply = parse_reply(diagnostic)

    # THEN the codes are found, and the text can be shown and stored
    assert reply.text.isprintable()
    assert len(reply.text) <= MAX_PARSED_DIAGNOSTIC
    assert (reply.code, reply.enhanced) == (550, "5.1.1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("User  UNKNOWN\n here", "user unknown here"),
        ("<user-unknown@spam.example.com>... No", "<@>... no"),
        ("x@example.com...User unknown", "@...user unknown"),
        ('<"no such user"@example.com> ok', "<@> ok"),
        ("see https://example.com/Spam?x=1 now", "see HTTPS://EXAMPLE.COM/SPAM?X=1 now"),
        ("by zen.spamhaus.org.", "by ZEN.SPAMHAUS.ORG."),
        ("Rejected.Try again", "rejected.try again"),
        ("Usuário inválido", "usuario invalido"),
        ("does’nt exist", "does'nt exist"),
        ("ｕｓｅｒ　unknown", "user unknown"),
    ],
)
def test_rules_see_words_but_not_what_a_stranger_named(text: str, expected: str) -> None:
    """Addresses are masked, host names and URLs are in upper case, spelling is folded."""
    assert matchable(text) == expected


@pytest.mark.parametrize(
    ("diagnostic", "text"),
    [
        ("550-5.1.1 Gone\n550 5.1.1 Too many errors, bye", "Gone"),
        ("550 5.1.1 Gone 421 4.7.0 mx.example.com Error: too many errors", "Gone"),
        ("550-Gone\r\n550-for good\r\n550 closing connection", "Gone for good"),
        # the first line stands whatever it says, and so does a sentence that goes on
        ("421-Too many errors\n421 Goodbye", "Too many errors"),
        ("550-Gone\n550 since May", "Gone since May"),
        # a quoted 421 belongs to the sentence before it
        ("550 Expired -> 421 4.4.2 Connection closed", "Expired -> 421 4.4.2 Connection closed"),
    ],
)
def test_a_later_line_that_ends_the_connection_is_left_out(diagnostic: str, text: str) -> None:
    assert parse_reply(diagnostic).text == text


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["bad DNS record"], "bad DNS record"),
        (["Reject", "https://postmaster.gmx.com/x"], "Reject https://postmaster.gmx.com/x"),
        (
            ["For explanation visit https://postmaster.web.de/x"],
            (
                "Requested action not taken: mailbox unavailable"
                " For explanation visit https://postmaster.web.de/x"
            ),
        ),
        ([], "Requested action not taken: mailbox unavailable"),
    ],
)
def test_a_standard_first_line_gives_way_to_one_that_says_more(lines: list[str], text: str) -> None:
    # GIVEN a reply as United Internet writes it
    first = "Requested action not taken: mailbox unavailable"
    *others, last = [first, *lines]
    reply = "".join(f"550-{line}\r\n" for line in others) + f"550 {last}"
    # THEN the last line decides, unless it only points to a page
    assert parse_reply(reply).text == text


def test_a_status_is_looked_for_in_so_many_places_only() -> None:
    """A stranger can fill a reply with what begins like a status, and each takes time to read."""
    # GIVEN a status behind what begins like one: in places that a real reply has, and in 500
    usual, endless = (f"550 gone {'4. ' * places}#5.1.1" for places in (50, 500))

    # THEN the first is read, and for the second the search ends before
    assert parse_reply(usual).enhanced == "5.1.1"
    assert parse_reply(endless).enhanced is None


def test_an_outer_status_is_not_lost_behind_a_quoted_reply() -> None:
    reply = parse_reply("5.1.1 <x@example.com>: rejected: host mx[192.0.2.1] said: 554 5.7.1 No")
    assert reply.enhanced == "5.1.1"
