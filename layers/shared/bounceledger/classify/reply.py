"""Parse a diagnostic: reply code, enhanced status, text, and a quoted inner reply.

A diagnostic is what a bounce report says that the receiving server answered (RFC 3464
section 2.3.6). A stranger wrote it, so what is read of it is bounded, and nothing in it makes
this raise. Plain string methods take it apart, each character a fixed number of times: a
backtracking expression would let it choose how much time that takes.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from string import ascii_letters, ascii_lowercase, digits
from typing import NamedTuple

MAX_PARSED_DIAGNOSTIC = 4096
"""Characters of a diagnostic that are read; the rest decides nothing."""


class SmtpReply(NamedTuple):
    """One SMTP reply.

    Attributes:
        code: three-digit reply code (RFC 5321 section 4.2), where one was written.
        enhanced: enhanced status code such as ``5.1.1`` (RFC 3463), where one was written.
            Its class may contradict the code's, and need not be a registered one.
        text: the words, without the codes that each line repeats; control characters are gone.
        inner: the reply that this one quotes, as in ``Message expired <421 4.4.0 ...>``; its
            words are part of `text` too.
    """

    code: int | None
    enhanced: str | None
    text: str
    inner: "SmtpReply | None" = None


def parse_reply(diagnostic: str) -> SmtpReply:
    """Read a diagnostic as SES and other senders report it.

    Args:
        diagnostic: with or without a type (``smtp;``, ``x-postfix;``), of one or several
            lines. Only the first `MAX_PARSED_DIAGNOSTIC` characters count.
    """
    text = diagnostic[:MAX_PARSED_DIAGNOSTIC]
    if not text.isprintable():
        text = _printable(text)
    said = "said: " in text
    narrated = _narration_end(text) if said or "]: " in text else 0
    reply = _read(text[narrated:] if narrated else text)
    # Looking for a plain piece first is several times cheaper.
    if said or "<4" in text or "<5" in text or "-> " in text or "error " in text:
        inner = _quoted_reply(text)
        if inner:
            return reply._replace(inner=_read(inner))
    return reply


def _printable(text: str) -> str:
    """A text on one line, with a space for what cannot be printed."""
    text = " ".join(text.split())
    if text.isprintable():
        return text
    return " ".join("".join([c if c.isprintable() else " " for c in text]).split())


def _read(text: str) -> SmtpReply:
    start = 6 if text.startswith("smtp; ") else 0
    enhanced: str | None = text[start + 4 : start + 9]
    code: str | None = text[start : start + 3]
    if (
        enhanced in _SHORT_STATUSES
        and code in _CODES
        and text[start + 3] in " -"
        and text[start + 9 : start + 10] == " "
    ):  # as in most replies; reading any other form costs several times as much
        words = text[start + 10 :].lstrip(" :;-")
    else:
        code, enhanced, words = _read_head(text)
    if code is None:
        code = _later_code(text)
    if enhanced is None and "." in words:
        enhanced = _later_status(words)
    if code is not None:
        if code in words or " 421" in words:
            words = _join_lines(words, code, enhanced)
        if words[:9].lower() == "requested":
            words = _without_stock_line(words)
    words = words.strip()
    if words[-1:] == ")":
        words = _without_command(words)
    return SmtpReply(None if code is None else int(code), enhanced, words)


# ------------------------------------------------------------------------------ codes

_CODES = frozenset(map(str, range(200, 700)))
_FAILURES = frozenset(map(str, range(400, 600)))
_LATER_CODES = frozenset(code for code in _FAILURES if code[1] <= "5")
"""Numbers that are read as a code where they do not begin the reply."""
_SHORT_STATUSES = frozenset(map(".".join, product("23456", digits, digits)))
_MAX_POSITIONS = 128
"""Places at most that are looked at for one thing, such as an enhanced status. Of 6,350 collected
texts none has more than 13; a stranger can write 2,048."""
_TYPE = ascii_letters + digits + "_.+-"
_NUMBER = digits + "."


def _read_head(text: str) -> tuple[str | None, str | None, str]:
    """Reply code and enhanced status with which a text begins, and the words after them.

    smtp; 550-5.1.1 ... | 550 cuda_nsu 5.1.1 ... | 5.1.2 - Bad ... | SMTP error: 550 ...
    """
    code = None
    rest = _after_type(text.lstrip(" ")).lstrip(" \"'<>([")
    if rest[:1] in _E_OR_S:
        rest = _after_error(rest)
    if rest[:3] in _CODES and _may_follow_code(rest[3:5]):
        code, rest = rest[:3], rest[3:]
    rest = rest.lstrip(" :;,-")
    if rest[:9].lower() == "cuda_nsu ":
        rest = rest[9:].lstrip(" ")
    opened = rest.lstrip("'\"([#")
    status = _leading_status(opened) if opened[1:2] == "." else None
    if status is not None:
        rest = opened[len(status) :]
        if rest[:1] in _CLOSING_BRACKETS:
            rest = rest[1:]
    return code, status, rest.lstrip(" :;-")


_E_OR_S = frozenset("eEsS")
_CLOSING_BRACKETS = frozenset(")]")
_ERROR = ("error ", "error: ", "smtp error ", "smtp error: ")


def _may_follow_code(two: str) -> bool:
    """Whether a code ends before these two characters: ``550.5`` is another number."""
    return not two or (two[0] in " -:;,.<([#" and not (two[0] == "." and two[1:].isdecimal()))


def _after_type(text: str) -> str:
    """What follows a type such as ``smtp;`` (RFC 3464 section 2.3.6)."""
    if text[:1].isalpha():
        end = text.find(";", 1, 32)
        if end > 0 and not text[:end].strip(_TYPE):
            return text[end + 1 :]
    return text


def _after_error(text: str) -> str:
    start = text[:12].lower()
    return text[max(len(words) if start.startswith(words) else 0 for words in _ERROR) :]


def _leading_status(text: str) -> str | None:
    """The enhanced status with which a text begins, if it is not part of a longer number."""
    number = text[: len(text) - len(text.lstrip(_NUMBER))].rstrip(".")
    return number if _is_status(number.split(".", 3), "23456") else None


def is_enhanced_status(text: str) -> bool:
    """Whether a text is an enhanced status code such as ``5.1.1``, and nothing else."""
    return not text.strip(_NUMBER) and _is_status(text.split(".", 3), "23456")


def _is_status(numbers: Sequence[str], classes: str) -> bool:
    """Whether these numbers are those of an enhanced status of one of these classes."""
    return (
        len(numbers) == 3
        and numbers[0] in classes
        and len(numbers[0]) == 1
        and 1 <= len(numbers[1]) <= 3
        and 1 <= len(numbers[2]) <= 3
    )


def _later_code(text: str) -> str | None:
    """The first reply code in a text that something introduces.

    host mx.example[192.0.2.1] said: 550 ... | remote server responded '550 ... | -> 550 : ...
    """
    shape = text.replace("5", "4")
    for opening in " \"'(":
        shape = shape.replace(opening, "<")
    for opened in _positions(shape, "<4"):
        at = opened + 1
        if text[at : at + 3] in _LATER_CODES and _introduces(text[max(at - 2, 0) : at]):
            after, number = text[at + 3 : at + 4], text[at + 4 : at + 7]
            followed = len(number) == 3 and not number.strip(digits)
            if after in ("", " ", "-") and not (followed and not _in_word(text[at + 7 : at + 8])):
                return text[at : at + 3]
    return None


def _introduces(before: str) -> bool:
    """Whether a code may follow these characters."""
    return before[-1] in "\"'(<" or (before[-1] == " " and before[0] in ":>\"'(<.")


def _later_status(text: str) -> str | None:
    """The first enhanced status in a text that is not part of a name or a longer number."""
    for at in _positions(text.replace("5.", "4.").replace("2.", "4."), "4."):
        before = text[at - 1] if at else " "
        if _in_word(before) or before in "./:-":
            continue
        status = _status_at(text, at)
        after = text[at + len(status) : at + len(status) + 2]
        if not status or _in_word(after[:1]):
            continue
        goes_on = after[:1] == "/" or (after[:1] in ("-", ".") and after[1:].isdecimal())
        if before == "#" or (status[3] == "." and status[2] <= "7" and not goes_on):
            return status
    return None


def _status_at(text: str, at: int) -> str:
    """An enhanced status as it stands in a text, whatever follows; empty if there is none."""
    piece = text[at : at + 10]
    numbers = piece[: len(piece) - len(piece.lstrip(_NUMBER))].split(".")[:3]
    return ".".join(numbers) if _is_status(numbers, "245") else ""


def _positions(text: str, piece: str) -> Iterator[int]:
    """Where a piece stands in a text, for the first `_MAX_POSITIONS` times."""
    at = text.find(piece)
    for _ in range(_MAX_POSITIONS):
        if at < 0:
            return
        yield at
        at = text.find(piece, at + 1)


def _in_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


# ------------------------------------------------------- what the sending server adds

_MAX_NARRATION = 600
"""Characters before the words that introduce a reply."""
_MAX_HOST_ADDRESS = 45
"""Characters of an IPv6 address."""
_QUOTING = ("<", "-> ", "said: ", "error ")
_IN_REPLY_TO = (
    "(in reply to RCPT TO command)",
    "(in reply to end of DATA command)",
    "(in reply to DATA command)",
)


def _narration_end(text: str) -> int:
    """Length of what a sending server says before a reply that it quotes; 0 if nothing.

    Postfix, Exim, qmail: host mx.example[192.0.2.1] said: 550 ... | host mx [192.0.2.1]: 550 ...
    """
    lower = text.lower()
    text = lower if len(lower) == len(text) else text  # every character stays in its place
    if "mail from:" in text or _begins_with_codes(text):
        return 0
    start = text[: _MAX_NARRATION + len("said: ")]
    introductions = [(at, at + len("said: ")) for at in _positions(start, "said: ")]
    introductions += [(at, _host_end(text, at)) for at in _positions(start, "host ")]
    for at, end in sorted(introductions):
        code, after = text[end : end + 3], text[end + 3 : end + 4]
        if (
            end
            and code in _FAILURES
            and after in ("", " ", "-")
            and not _in_word(text[at - 1 : at])
        ):
            return end
    return 0


def _begins_with_codes(text: str) -> bool:
    """Whether a text begins as a reply does, and not with what somebody says about one."""
    start = text.lstrip(" ")
    kind, semicolon, rest = start.partition(";")
    if semicolon and kind and not kind.strip(ascii_lowercase + "-"):
        start = rest.lstrip(" ")
    if start[:3] in _CODES:
        return start[3:4] in (" ", "-")
    status = _status_at(start, 0)
    return bool(status) and start.startswith(" <", len(status))


def _host_end(text: str, at: int) -> int:
    """End of ``host mx.example [192.0.2.1]:25: ``; 0 if something else stands there."""
    name = at + len("host ")
    opened = text.find(" ", name)
    closed = text.find("]", opened, opened + _MAX_HOST_ADDRESS + 3)
    if opened <= name or text[opened + 1 : opened + 2] != "[" or closed < 0:
        return 0
    end = closed + 1
    port = text[end : end + 7]
    if port[:1] == ":" and port[1:2] in digits:
        end += 1 + len(port[1:]) - len(port[1:].lstrip(digits))
    return end + 2 if text.startswith(": ", end) else 0


def _quoted_reply(text: str) -> str:
    """The reply that a text quotes to its end; empty if there is none.

    Message expired <421 4.4.0 ...> | said: 550 ... | -> 550 : ... | error 550-'5.1.1 ...'
    """
    fours = text.replace("5", "4")
    found = [
        (at, at + len(words))
        for words in _QUOTING
        if (at := next(_quotations(text, fours, words), -1)) >= 0
    ]
    return text[min(found)[1] :].rstrip(" ").removesuffix(">") if found else ""


def _quotations(text: str, fours: str, words: str) -> Iterator[int]:
    """Where these words stand and a code that goes on follows them."""
    for at in _positions(fours, f"{words}4"):
        code = at + len(words)
        after = text[code + 3 : code + 5]
        if text[code : code + 3] in _FAILURES and (after[:1] == " " or after in ("-'", '-"')):
            yield at


def _without_command(words: str) -> str:
    """Leave out to which command a reply answered, which Postfix adds."""
    for last in _IN_REPLY_TO:
        if words.endswith(last):
            return words.removesuffix(last).rstrip()
    return words


# ------------------------------------------------------------------------------ lines

# What a server says when it ends the dialogue. After an answer about the recipient it says
# nothing about them: Postfix, for one, adds "421 ... Error: too many errors".
_CLOSING = (
    "too many errors",
    "too many bad commands",
    "too many invalid",
    "too many unknown",
    "too many failed",
    "error limit",
    "closing connection",
    "closing transmission",
    "closing channel",
    "connection closed",
    "connection will be closed",
    "disconnecting",
    "dropping connection",
    "goodbye",
    "good bye",
)
# The rest of what may be said of the connection counts only before an answer about the recipient.
_CONNECTION = ("connection", "your connection", "this connection", "the connection")
_ANSWERS = (
    "user unknown",
    "unknown user",
    "no such user",
    "no such recipient",
    "no such mailbox",
    "recipient unknown",
    "unknown recipient",
    "mailbox not found",
    "mailbox unknown",
    "user not found",
    "recipient not found",
    "does not exist",
    "doesn't exist",
)
_MAX_LINES = 32


def _join_lines(words: str, code: str, enhanced: str | None) -> str:
    """Join the lines of a multi-line reply, each of which began with the codes again.

    A later line that only ends the connection is left out, and so is any about the connection
    after an answer about the recipient.
    """
    if enhanced is not None:
        words = words.replace(f"{code}-{enhanced} ", f" {code}-")
        words = words.replace(f"{code} {enhanced} ", f" {code}-")
    words = words.replace(f" {code} ", f" {code}-")
    if code != "421":
        words = words.replace(" 421 ", " 421-")
    first, *later = words.split(f" {code}-", _MAX_LINES)
    lines = [first]
    answered = False
    for line in later:
        answered = answered or any(words in lines[-1].lower() for words in _ANSWERS)
        if not first.strip() or not (
            _ends_dialogue(line) or (answered and line.lower().startswith(_CONNECTION))
        ):
            lines.append(line)
    *kept, last = lines
    said, closing, line = last.partition(" 421-")
    # A quoted 421 belongs to the sentence that introduces it.
    if closing and said and said[-1] not in ":>('\"" and _ends_dialogue(line):
        last = said
    return " ".join(line.strip() for line in (*kept, last)).replace(" 421-", " 421 ")


def _ends_dialogue(line: str) -> bool:
    start = line[:80].lower()
    return any(words in start for words in _CLOSING)


# RFC 5321 section 4.2.3. United Internet (GMX, web.de, IONOS, mail.com) begins its replies
# with this text, and documents that the last line decides.
_STOCK_LINES = (
    "requested action not taken: mailbox unavailable",
    "requested mail action not taken: mailbox unavailable",
)
_POINTERS = (
    "http",
    "for explanation",
    "for more",
    "for further",
    "see ",
    "please see",
    "or ",
    "(",
    "[",
)


def _without_stock_line(words: str) -> str:
    """Leave out a standard first line where another line says what it means."""
    lower = words.lower()
    for stock in _STOCK_LINES:
        if lower.startswith(stock):
            rest = words[len(stock) :].lstrip(" .;,-")
            if rest and not rest.lower().startswith(_POINTERS):
                return rest
    return words
