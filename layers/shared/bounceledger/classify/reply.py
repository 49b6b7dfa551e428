"""Parse a diagnostic: reply code, enhanced status, text, and a quoted inner reply.

A diagnostic is what a bounce report says that the receiving server answered (RFC 3464
section 2.3.6). A stranger wrote it, so what is read of it is bounded, and nothing in it makes
this raise.
"""

import re
import unicodedata
from typing import NamedTuple

MAX_PARSED_DIAGNOSTIC = 4096
"""Characters of a diagnostic that are read; the rest decides nothing."""

_MAX_MATCHED_TEXT = 2048
"""Characters of the text that rules are matched against."""


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


# smtp; 550-5.1.1 ... | x-postfix; host x said: ... | 550 cuda_nsu 5.1.1 ... | 5.1.2 - Bad ...
_HEAD = re.compile(
    r"""\s*(?:[a-z][\w.+-]{0,30};)?            # diagnostic type, RFC 3464
        [\s"'<>(\[]*
        (?:(?:smtp\ )?error:?\ )?
        (?:([2-6][0-9]\d)(?=[\s:;,.<(\[#-]|$)(?!\.\d))?   # reply code
        [\s:;,-]*(?:cuda_nsu\s+)?(?:['"](?=\d\.\d))?
        (?:[(\[#]*([2-6]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)[)\]]?)?  # enhanced status
        [\s:;-]*""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
# host mx.example[192.0.2.1] said: 550 ... | remote server responded '550 ... | -> 550 : ...
# Both begin with the digit that they look for, and then look back: `re` skips to such a digit
# several times faster than it tries a look-behind at every character.
_LATER_CODE = re.compile(
    r"""[45][0-5]\d(?:(?<=[:>"'(<.]\s...)|(?<=["'(<]...))(?=[ -](?!\d{3}\b)|$)""", re.ASCII
)
_LATER_STATUS = re.compile(
    r"#([245]\.\d{1,3}\.\d{1,3})\b|[245](?<![\w./:-].)\.[0-7]\.\d{1,3}(?![\w/]|\.\d|-\d)",
    re.ASCII,
)
# How the sending server introduces a reply that it quotes: Postfix, Exim, qmail.
_NARRATION = re.compile(
    r"(?!\s*(?:[a-z-]+;)?\s*(?:[2-6]\d\d[ -]|[245]\.\d{1,3}\.\d{1,3} <))(?!.*mail from:)"
    r".{0,600}?(?:\bsaid: |\bhost \S+ \[[^\]]{0,45}\](?::\d+)?: )(?=[45]\d\d(?:[ -]|$))",
    re.IGNORECASE | re.ASCII,
)
_IN_REPLY_TO = re.compile(r"\(in reply to (?:RCPT TO|end of DATA|DATA) command\)\s*$")
_INNER = re.compile(r"(?:<|-> |said: |error )([45]\d\d(?: |-(?=['\"])).*?)>?\s*$", re.ASCII)


def parse_reply(diagnostic: str) -> SmtpReply:
    """Read a diagnostic as SES and other senders report it.

    Args:
        diagnostic: with or without a type (``smtp;``, ``x-postfix;``), of one or several
            lines. Only the first `MAX_PARSED_DIAGNOSTIC` characters count.
    """
    text = diagnostic[:MAX_PARSED_DIAGNOSTIC]
    if not text.isprintable():
        clean = "".join(letter if letter.isprintable() else " " for letter in text)
        text = " ".join(clean.split())
    narrated = _NARRATION.match(text) if "said: " in text or "]: " in text else None
    reply = _read(text[narrated.end() :] if narrated else text)
    # Looking for a plain piece first is several times cheaper than the pattern.
    if "<4" in text or "<5" in text or "-> " in text or "said: " in text or "error " in text:
        inner = _INNER.search(text)
        if inner is not None:
            return reply._replace(inner=_read(inner[1]))
    return reply


def _read(text: str) -> SmtpReply:
    head = _HEAD.match(text)
    assert head is not None  # noqa: S101  every part of it is optional
    code, enhanced = head.groups()
    words = text[head.end() :]
    if code is None and (later := _LATER_CODE.search(text)):
        code = later[0]
    if enhanced is None and (status := _LATER_STATUS.search(words)):
        enhanced = status[1] or status[0]
    if code is not None:
        if code in words or " 421" in words:
            words = _join_lines(words, code, enhanced)
        if words[:9].lower() == "requested":
            words = _without_stock_line(words)
    if "(in reply" in words:
        words = _IN_REPLY_TO.sub("", words)
    return SmtpReply(None if code is None else int(code), enhanced, words.strip())


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


# What a stranger may have chosen, or what only looks like words, must not decide: addresses
# are masked, and names of hosts and pages are put in upper case, where only `names` of a rule
# can match them.
_QUOTED_LOCAL_PART = re.compile(r'"(?:[^"\\]|\\.){0,200}"(?=@)')
_ADDRESS = re.compile(
    r"""[^\s<>()\[\]:;,".@]*(?:\.[^\s<>()\[\]:;,".@]+)*@(?:\[[^\]\s]*\]|[\w-]+(?:\.[\w-]+)*)?"""
)
_HOST = re.compile(
    r"(?:[\w-]{1,63}\.){1,12}(?:com|net|org|edu|gov|mil|int|info|biz|name|pro|mobi|jobs|asia|arpa|cloud|online"
    r"|local|localhost|localdomain|lan|internal|invalid|example|test|[a-z]{2})(?![\w-])[^\s<>,;)\]\"']*"
)
_ACCENTS = re.compile("[\u0300-\u036f]+")
_QUOTES = str.maketrans("\u2018\u2019\u00b4`", "''''")


def fold(text: str) -> str:
    """One spelling for strings that read the same: width, accents, typographic quotes."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_QUOTES))
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


def matchable(text: str) -> str:
    """The form of a reply's text against which rules are matched.

    Lower case, one space between words, addresses as ``@``, names of hosts and pages in
    upper case, at most 2048 characters.
    """
    text = fold(text[:_MAX_MATCHED_TEXT]).lower()[:_MAX_MATCHED_TEXT]
    if '"@' in text:
        text = _QUOTED_LOCAL_PART.sub("", text)
    return " ".join(
        [
            _mask(word)
            if "@" in word or "/" in word or ("." in word and word.find(".", 1, -1) > 0)
            else word
            for word in text.split()
        ]
    )


def _mask(word: str) -> str:
    start = word.find("://")
    if start >= 0:
        start = max(word.rfind("http", 0, start), 0)
        return _mask(word[:start]) + word[start:].upper() if start else word.upper()
    if "@" in word:
        word = _ADDRESS.sub("@", word)
    return _HOST.sub(_upper, word) if "." in word else word


def _upper(match: re.Match[str]) -> str:
    return match[0].upper()
