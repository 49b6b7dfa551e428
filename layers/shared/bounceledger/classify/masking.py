"""The form of a reply's text against which rules are matched.

A stranger writes the text. Plain string methods take it apart, each character a fixed number
of times: a backtracking expression would let it choose how much time that takes.
"""

import unicodedata
from itertools import product
from string import ascii_lowercase, digits

from bounceledger.combining import without_stacks

MAX_MATCHED_TEXT = 1024
"""Characters of the text that rules are matched against."""

_MAX_DECOMPOSED = 3 * MAX_MATCHED_TEXT
"""Characters of a text once accents stand by themselves; one may become eighteen."""
_MAX_QUOTED = 200
"""Characters of a quoted local part."""

_ACCENTS = frozenset(map(chr, range(0x0300, 0x0370)))
_QUOTES = str.maketrans("\u2018\u2019\u00b4`", "''''")


def fold(text: str) -> str:
    """One spelling for strings that read the same: width, accents, typographic quotes."""
    if text.isascii():
        return text
    text = without_stacks(text.translate(_QUOTES))
    folded = unicodedata.normalize("NFKD", text)[:_MAX_DECOMPOSED]
    for accent in _ACCENTS.intersection(folded):
        folded = folded.replace(accent, "")
    return unicodedata.normalize("NFC", folded)


def matchable(text: str) -> str:
    """A text as rules see it.

    What a stranger may have chosen, or what only looks like words, must not decide: addresses
    are masked, and names of hosts and pages are put in upper case, where only `names` of a
    rule can match them.

    Returns:
        Lower case, one space between words, addresses as ``@``, names of hosts and pages in
        upper case, at most `MAX_MATCHED_TEXT` characters.
    """
    text = text[:MAX_MATCHED_TEXT].lower()
    if not text.isascii():
        text = fold(text).lower()[:MAX_MATCHED_TEXT]
    if '"@' in text:
        text = _without_quoted_local_parts(text)
    return " ".join(
        [
            word
            if word.isalpha() or not ("@" in word or "/" in word or word.find(".", 1, -1) > 0)
            else _mask(word)
            for word in text.split()
        ]
    )


def _mask(word: str) -> str:
    if "://" in word:
        start = word.find("://")
        start = max(word.rfind("http", 0, start), 0)
        return _mask(word[:start]) + word[start:].upper() if start else word.upper()
    if "@" in word:
        word = _mask_addresses(word)
    return _raise_hosts(word) if "." in word else word


def _is_name(text: str) -> bool:
    """Whether a text is letters, digits, hyphens and dots, without two dots in a row."""
    letters = text.replace(".", "")
    if "-" in letters:
        letters = letters.replace("-", "")
    return letters.isalnum() and ".." not in text


# -------------------------------------------------------------------------- addresses


def _without_quoted_local_parts(text: str) -> str:
    r"""The text without ``"..."`` in front of an @; ``\"`` is not the end of one."""
    kept: list[str] = []
    done, opened = 0, -1
    quote = text.find('"')
    while quote >= 0:
        escape = quote
        while escape and text[escape - 1] == "\\":
            escape -= 1
        if opened < 0 or (quote - escape) % 2 == 0:
            if opened >= 0 and text.startswith("@", quote + 1) and quote - opened <= _MAX_QUOTED:
                kept.append(text[done:opened])
                done, opened = quote + 1, -1
            else:
                opened = quote
        quote = text.find('"', quote + 1)
    return "".join((*kept, text[done:]))


_NOT_IN_LOCAL_PART = str.maketrans('>()[]:;,"', "<<<<<<<<<")


def _mask_addresses(word: str) -> str:
    """A word in which each address is an @."""
    before, _, after = word.partition("@")
    local, domain = before.lstrip("<(["), after.rstrip(_CLOSING)
    if (
        (local.isalnum() or (_is_name(local) and local[-1] != "."))
        and _is_name(domain)
        and domain[0] != "."
    ):
        # One plain address, as in most words: the general case costs twice as much.
        return f"{before[: len(before) - len(local)]}@{after[len(domain) :]}"
    before, *parts = word.split("@")
    masked: list[str] = []
    for part in parts:
        masked.append(before[: _local_part_start(before)] if before else "")
        before = part[_domain_end(part) :] if part else ""
    masked.append(before)
    return "@".join(masked)


def _local_part_start(text: str) -> int:
    """Where the local part begins with which a text ends; it has no two dots in a row."""
    if text[-1] == ".":
        return len(text)
    start = text.translate(_NOT_IN_LOCAL_PART).rfind("<") + 1
    dots = text.rfind("..", start)
    return start if dots < 0 else dots + 1


def _domain_end(text: str) -> int:
    """Length of the domain or address literal with which a text begins; 0 without one."""
    if text[0] == "[":
        return text.find("]") + 1
    if text.isascii():
        end = len(text) - len(text.lstrip(_NAME))
    else:
        end = next((n for n, letter in enumerate(text) if not _in_name(letter)), len(text))
    name = text[:end]
    return 0 if name[:1] == "." else len(name.partition("..")[0].rstrip("."))


# ------------------------------------------------------------------------------ hosts

_CLOSING = ">)]}'\":;,.!?"
_AROUND_NAME = "<([{" + _CLOSING
_LABEL = ascii_lowercase + digits + "_-"
_NAME = _LABEL + "."
"""ASCII characters of a host name; letters and digits of other scripts are some, too."""
_TOP_LEVEL = frozenset(map("".join, product(ascii_lowercase, repeat=2))) | {
    *("com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "name", "pro", "mobi"),
    *("jobs", "asia", "arpa", "cloud", "online", "local", "localhost", "localdomain", "lan"),
    *("internal", "invalid", "example", "test"),
}
_LONGEST_TOP_LEVEL = max(map(len, _TOP_LEVEL))
_AFTER_PAGE = str.maketrans(">,;)]\"'", "<<<<<<<")
"""What ends the name of a host or of a page on it, all as one character."""


def _in_name(letter: str) -> bool:
    return letter.isalnum() or letter in "._-"


def _raise_hosts(word: str) -> str:
    """A word with names of hosts, and of pages on them, in upper case."""
    name = word.strip(_AROUND_NAME)
    if _is_name(name):  # and nothing else, as in most words; marks have no upper case
        labels = name.split(".")
        if labels[-1] in _TOP_LEVEL and len(labels) > 1:
            return word.upper()
        if _TOP_LEVEL.isdisjoint(labels):
            return word
    kept: list[str] = []
    ends = ""
    done, dot = 0, word.find(".", 1)
    while dot > 0:
        label = word[dot + 1 : dot + 2 + _LONGEST_TOP_LEVEL]
        if (
            "a" <= label[:1] <= "z"
            and _is_top_level(label)
            and (start := _name_start(word, done, dot)) < dot
        ):
            ends = ends or word.translate(_AFTER_PAGE)
            end = ends.find("<", dot)
            end = len(word) if end < 0 else end
            kept += word[done:start], word[start:end].upper()
            done = dot = end
        dot = word.find(".", dot + 1)
    return "".join((*kept, word[done:])) if kept else word


def _is_top_level(text: str) -> bool:
    """Whether a text begins with a top-level domain and goes on with something else."""
    rest = text.lstrip(_LABEL)
    return text[: len(text) - len(rest)] in _TOP_LEVEL and not rest[:1].isalnum()


def _name_start(word: str, low: int, dot: int) -> int:
    """Where the name begins that goes on with a dot, from `low` on; `dot` if there is none."""
    before = word[low:dot]
    if before[-1:] == ".":
        return dot  # before anything is read: another dot may come after each such one
    if before.isascii():
        name = before[len(before.rstrip(_NAME)) :]
    else:
        end = next((n for n, letter in enumerate(reversed(before)) if not _in_name(letter)), None)
        name = before if end is None else before[len(before) - end :]
    return dot - len(name.rpartition("..")[2].lstrip("."))
