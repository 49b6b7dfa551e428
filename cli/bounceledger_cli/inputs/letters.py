"""Judges how plausible a decoded string is; a wrong encoding makes implausible ones.

A letter is judged by what stands beside it: ``ö`` between ``K`` and ``l`` is common, ``ц`` or
``Ö`` there is not. ``letters.txt`` says how common, for the usual languages of Europe and
the Near East, and which Chinese, Japanese and Korean characters are common at all.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

_DATA = Path(__file__).with_name("letters.txt")
_EDGE = "^"
_OTHER = re.compile(r"[^\x00-\x7f]")

_ENDING = re.compile(r"(?:[sStTmMdD]|ll|re|ve)(?!\w)")
_ARTICLE = re.compile(r"\W[dDlLO]’[AEIOUHaeiouhâàéèêîôœÉÈÊÂÎÔŒA-Z]")
"""What stands after an apostrophe, and around it."""

_USUAL_SIGN = math.log(1e-5)
_APOSTROPHE = math.log(4e-5)
_SPACED_DASH = math.log(1e-4)
_SECOND_CAPITAL = math.log(1e-8)
_JOINED = math.log(1e-7)
_RARE_CHARACTER = math.log(1e-7)
_FULL_WIDTH = math.log(1e-4)
_LEAST_LETTER = math.log(2e-8)
_STRANGE = math.log(1e-9)
_IMPOSSIBLE = math.log(1e-15)
_MARK = math.log(1e-3)
_MAIN = 0.98
"""Share of the letters of a list that are in its main language."""
_BESIDE_NEW = math.log(2e-4)
"""How much less likely a letter is where it was never seen."""

_OPENING = frozenset("“„«»‘‚¿¡")
_CLOSING = frozenset("”»«’™®©…“ºª°")
_QUOTES = frozenset("“„”«»")
_NUMBERS = frozenset("½¼¾²³")
_AMOUNTS = frozenset("€£¥§©°")
_DASHES = frozenset("–—·•")
_BEFORE = frozenset(" ('\"-/")
_AFTER = frozenset(" )'\".,;:-/!?")
_EASTERN_MARKS = frozenset("、。」・ー】》")

_SCRIPTS = (
    (0x00, 0x24F, "Latin"),
    (0x370, 0x3FF, "Greek"),
    (0x400, 0x52F, "Cyrillic"),
    (0x590, 0x5FF, "Hebrew"),
    (0x600, 0x6FF, "Arabic"),
    (0x3005, 0x30FF, "Han"),
    (0x4E00, 0x9FFF, "Han"),
    (0xAC00, 0xD7A3, "Hangul"),
)
_FINAL = {"ς": "σ"}
_EASTERN = frozenset({"Han", "Hangul"})
_WITH_CASE = frozenset({"Latin", "Greek", "Cyrillic"})


def log_likelihood(texts: Iterable[str]) -> float:
    """Natural logarithm of how likely the characters of strings that are not ASCII are.

    Whatever else there is is taken as given, so only readings of the same bytes compare. A
    list is mostly in one language, the one that explains it best, with names in others. What
    stands in many names counts once, since it is either right in all or wrong in all.
    """
    total = 0.0
    letters: list[_Letter] = []
    for place in {place for text in texts for place in _places(text)}:
        likelihood = _of_place(place)
        if isinstance(likelihood, _Letter):
            letters.append(likelihood)
        else:
            total += likelihood
    return total + max(_of_letters(letters, table) for table in _tables().values())


def is_strange(text: str) -> bool:
    """Whether a string has a character that nobody writes where it stands."""
    found = (_of_place(place) for place in _places(text))
    return any(
        (_anywhere(likelihood) if isinstance(likelihood, _Letter) else likelihood) <= _STRANGE
        for likelihood in found
    )


class _Place(NamedTuple):
    """A character and its neighbours.

    Attributes:
        fits: for quotation marks, whether a quotation is open; for an apostrophe, whether
            the end of an English word follows, or the word that a French article belongs to.
    """

    before: str
    char: str
    after: str
    fits: bool


class _Letter(NamedTuple):
    """A letter as `_tables` have it, and what stands beside it there."""

    letter: str
    beside: str
    ends: bool
    """Whether it ends a word, where `beside` does not say."""
    follows: str
    """The letter before it, where that is judged itself."""


def _places(text: str) -> Iterator[_Place]:
    padded = f" {text} "
    for match in _OTHER.finditer(padded):
        at = match.start()
        if match[0] == "’":
            fits = bool(_ENDING.match(padded, at + 1) or _ARTICLE.match(padded, at - 2))
        else:
            fits = match[0] in _QUOTES and not _QUOTES.isdisjoint(padded[:at])
        yield _Place(padded[at - 1], match[0], padded[at + 1], fits)


def _of_place(place: _Place) -> float | _Letter:
    """How likely a character is; for letters with a table, what to look up."""
    char = place.char
    if char == "\ufffd" or unicodedata.category(char) in {"Cc", "Cn", "Co", "Cs"}:
        return _IMPOSSIBLE
    if char.isalpha() and char not in _CLOSING:
        return _of_letter(*place[:3])
    if unicodedata.category(char) == "Mn" and place.before.isalpha():
        return _MARK if _script(char) == _script(place.before) else _STRANGE
    return _of_sign(*place)


def _of_letter(before: str, char: str, after: str) -> float | _Letter:
    script = _script(char)
    if (misplaced := _misplaced(before, char, after, script)) is not None:
        return misplaced
    if "\uff01" <= char <= "\uff5e":
        return _FULL_WIDTH
    if script in _EASTERN or not script:
        return _Letter(char, char, ends=False, follows="")
    left, letter, right = (_plain(one) for one in (before, char, after))
    if left == right == _EDGE and (script != "Latin" or char.isupper()):
        return _JOINED
    if script == "Latin":
        return _Letter(letter, left + letter + right, ends=False, follows="")
    follows = "" if left == _EDGE else left
    return _Letter(letter, left + letter, ends=right == _EDGE, follows=follows)


def _misplaced(before: str, char: str, after: str, script: str) -> float | None:
    """The logarithm for a letter in a word of another script or case; None for others."""
    if not (_go_together(script, before) and _go_together(script, after)):
        return 2 * _STRANGE if script in _EASTERN else _STRANGE  # the former have two bytes
    if script not in _WITH_CASE:
        return None
    if (char.isupper() and before.islower()) or (
        char.islower() and after.isupper() and char != "ß"
    ):
        return _STRANGE
    if script == "Latin" and char.isupper() and before.isupper() and after.islower():
        return _SECOND_CAPITAL
    return None


def _of_letters(letters: Iterable[_Letter], table: Mapping[str, float]) -> float:
    """The logarithm for letters in a list that is mostly in one language."""
    return sum(
        math.log(_MAIN * math.exp(_in_table(one, table)) + (1 - _MAIN) * math.exp(_anywhere(one)))
        for one in letters
    )


@cache
def _anywhere(one: _Letter) -> float:
    """The logarithm for a letter in the language in which it is most usual."""
    return max(_in_table(one, table) for table in _tables().values())


def _in_table(one: _Letter, table: Mapping[str, float]) -> float:
    alone = table.get(one.letter)
    if alone is None:
        return _RARE_CHARACTER if _script(one.letter) in _EASTERN else _STRANGE
    new = max(alone + _BESIDE_NEW, _LEAST_LETTER)
    found = table.get(one.beside, new)
    if one.follows:
        found -= table.get(one.follows, found)
    if one.ends:
        found += min(table.get(one.letter + _EDGE, new) - alone, 0.0)
    return found


def _of_sign(before: str, char: str, after: str, fits: bool) -> float:
    begins = before in _BEFORE
    ends = after in _AFTER
    if char in _DASHES:
        if before == after == " " or (char == "–" and before.isdigit() and after.isdigit()):
            return _SPACED_DASH
        return _JOINED if before.isalnum() and after.isalnum() else _STRANGE
    if char == "’" and before.isalpha() and after.isalpha():
        return _APOSTROPHE if fits else _JOINED
    if char in _EASTERN_MARKS:
        return _FULL_WIDTH if _script(before) in _EASTERN else _STRANGE
    if char == "\xa0":
        return _STRANGE if " " in {before, after} else _JOINED
    usual = (
        (char in _OPENING and begins and not ends)
        or (char in _CLOSING and ends and not begins and (fits or char not in _QUOTES))
        or (char in _NUMBERS and ends and (begins or before.isdigit()))
        or (char in _AMOUNTS and begins and (ends or after.isdigit()))
        or (char in _AMOUNTS and ends and (begins or before.isdigit()))
    )
    return _USUAL_SIGN if usual else _STRANGE


def _go_together(script: str, other: str) -> bool:
    """Whether a letter of a script can stand beside another one in a word."""
    if not other.isalpha():
        return True
    return script == _script(other)


@cache
def _script(char: str) -> str:
    """The script of a letter; empty for one of the rarer ones."""
    return next((name for first, last, name in _SCRIPTS if first <= ord(char) <= last), "")


@cache
def _plain(char: str) -> str:
    """A letter as `_levels` has it."""
    if not char.isalpha():
        return _EDGE
    lower = char.lower()
    return _FINAL.get(lower, lower) if len(lower) == 1 else char  # two for the Turkish İ


@cache
def _tables() -> Mapping[str, Mapping[str, float]]:
    """Logarithms of likelihoods by language: of letters, and of letters beside others."""
    tables: dict[str, dict[str, float]] = {}
    table: dict[str, float] = {}
    for line in _DATA.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            table = tables.setdefault(line.strip("[]"), {})
        elif not line.startswith("#"):
            size, level, letter, rest = line.split("\t")
            step = int(size) - len(letter)
            for at in range(0, len(rest), step):
                around = rest[at : at + step]
                table[around[0] + letter + around[1:]] = -int(level) / 2
    return tables
