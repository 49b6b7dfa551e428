"""Finding and reading pages of the reference.

One TOML file per page under ``data``: ``reply`` (three digits, RFC 5321 section 4.2),
``enhanced`` (``x.1.1``, RFC 3463 without its class) and ``topic`` (what people look up
by name). `find` reads one small file; nothing is read at import.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_DATA = Path(__file__).parent / "data"

_WORD = re.compile(r"[a-z0-9]+(?:\.[a-z0-9]+)*")
_LONGEST_QUERY = 200
_LEAST_PART = 3
_VENDOR_CLASS = "6"
"""No class of RFC 3463; Mailgun writes it for refusals of its own."""

CLASS_NAMES: Mapping[str, str] = {
    "2": "success",
    "4": "persistent transient failure",
    "5": "permanent failure",
}
"""First digit of an enhanced status code, RFC 3463 section 2."""


class PageKind(StrEnum):
    """What a page is about."""

    REPLY = "reply"
    ENHANCED = "enhanced"
    TOPIC = "topic"


class Note(NamedTuple):
    """A special case worth a heading of its own."""

    title: str
    text: str


class ClassReading(NamedTuple):
    """What the first digit makes of an enhanced status code, where it changes the advice."""

    text: str
    retry: str
    nature: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the reference. Texts are paragraphs parted by an empty line.

    Attributes:
        code: ``521``, ``X.1.1`` or a topic's slug such as ``gmail-rate-limit``.
        kind: what sort of code it is.
        title: a few words.
        meaning: what it says.
        sent_by: who sends it, and where in the session.
        causes: why it happens.
        action: what to do.
        retry: ``yes``, ``no`` or ``with care``; empty where nothing failed.
        nature: ``hard``, ``soft``, ``block``, ``echo``, ``none``, or ``depends`` where
            the code alone does not say.
        scope: ``address``, ``domain`` or ``none``: how far it reaches at most.
        rfc: ``RFC 5321 section 4.2.3`` and the like.
        related: codes of other pages.
        keywords: further words that `search` finds it by.
        notes: special cases.
        classes: for enhanced status codes, what each class digit changes.
        asked: the code that was looked up, where it says more than `code`
            (``4.2.2`` for the page ``X.2.2``).
    """

    code: str
    kind: PageKind
    title: str
    meaning: str
    sent_by: str
    causes: str
    action: str
    retry: str
    nature: str
    scope: str
    rfc: tuple[str, ...]
    related: tuple[str, ...]
    keywords: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    classes: Mapping[str, ClassReading]
    asked: str = ""

    @property
    def class_digit(self) -> str:
        """Class digit of the code that was looked up; empty where it had none."""
        return self.asked[:1] if self.kind is PageKind.ENHANCED else ""

    def to_json(self) -> dict[str, Any]:
        """The page as JSON types; ``class`` only where a class digit was asked about."""
        page: dict[str, Any] = {
            "code": self.code,
            "kind": self.kind.value,
            "title": self.title,
            "meaning": self.meaning,
            "sent_by": self.sent_by,
            "causes": self.causes,
            "action": self.action,
            "retry": self.retry or None,
            "nature": self.nature,
            "scope": self.scope,
            "rfc": list(self.rfc),
            "related": list(self.related),
            "notes": [{"title": note.title, "text": note.text} for note in self.notes],
        }
        if self.asked:
            page["asked"] = self.asked
        if self.class_digit:
            reading = self.classes.get(self.class_digit)
            page["class"] = {
                "digit": int(self.class_digit),
                "name": CLASS_NAMES[self.class_digit],
                "text": reading.text if reading else None,
            }
        elif self.classes:
            page["classes"] = {
                digit: {
                    "text": reading.text,
                    "retry": reading.retry or None,
                    "nature": reading.nature,
                    "scope": reading.scope,
                }
                for digit, reading in self.classes.items()
            }
        return page

    def entry(self) -> dict[str, str]:
        """The page's line in a list of codes."""
        return {"code": self.code, "kind": self.kind.value, "title": self.title}


def find(code: str) -> Page | None:
    """The page of one code.

    Args:
        code: ``521``, ``5.1.1``, ``x.1.1``, ``550 5.1.1`` (the enhanced code wins, being
            the more precise one) or a topic's slug. Case and outer spaces don't matter.

    Returns:
        The page, with `Page.asked` and the advice of its class filled in where the code
        has a class digit; a provider's own extension of the enhanced codes leads to the
        topic that explains it; None for a code without page.
    """
    text = " ".join(code[:_LONGEST_QUERY].lower().split())
    head, _, tail = text.partition(" ")
    if _is_reply_code(head) and _enhanced_parts(tail):
        return find(tail) or find(head)
    enhanced = _enhanced_parts(text)
    if enhanced:
        return _find_enhanced(*enhanced)
    return _read(PageKind.REPLY if _is_reply_code(text) else PageKind.TOPIC, text)


def _is_reply_code(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdigit() and text[0] in "23456"


def _enhanced_parts(text: str) -> tuple[str, str, str] | None:
    """Class, subject and detail of an enhanced status code; None for anything else."""
    parts = text.split(".")
    if len(parts) != 3 or parts[0] not in ("2", "4", "5", "6", "x") or not text.isascii():
        return None
    digit, subject, detail = parts
    if not all(part.isdigit() and len(part) <= 3 for part in (subject, detail)):
        return None
    return digit, subject, detail


def search(words: str, *, limit: int = 10) -> list[Page]:
    """Pages by words, best first.

    A page must hold every word somewhere; words in its code, title and keywords weigh
    more than words in its text. There a part of a word will do, if it has three letters; in
    the text it must be a whole word, since nobody who types ``foo`` means a footer. Words that
    a quarter of the pages have, such as ``the``, find nothing by themselves.

    Args:
        words: what someone would type; at most 200 characters are read.
        limit: how many pages to return at most.
    """
    wanted = _words(words)
    if not wanted or only_common(words):
        return []
    scored = [(score, page) for page in pages() if (score := _score(page, wanted))]
    scored.sort(key=lambda pair: -pair[0])
    return [page for _, page in scored[:limit]]


def only_common(words: str) -> bool:
    """Whether there are words, all of them too common to be searched for."""
    wanted = _words(words)
    return bool(wanted) and all(map(_is_common, wanted))


@cache
def pages() -> tuple[Page, ...]:
    """Every page: reply codes, then enhanced status codes, then topics, each in its own order."""
    found = [
        _parse(kind, path)
        for kind in PageKind
        for path in sorted(_paths(kind).values(), key=_order)
    ]
    return tuple(found)


def topics() -> tuple[Page, ...]:
    """The pages that are looked up by name."""
    return tuple(page for page in pages() if page.kind is PageKind.TOPIC)


def codes() -> list[dict[str, str]]:
    """The list of all pages as JSON types: code, kind and title of each."""
    return [page.entry() for page in pages()]


def _find_enhanced(digit: str, subject: str, detail: str) -> Page | None:
    subject, detail = str(int(subject)), str(int(detail))
    page = _read(PageKind.ENHANCED, f"x.{subject}.{detail}") if digit != _VENDOR_CLASS else None
    if page is None:
        slug = _extension(digit, int(subject), int(detail))
        page = _read(PageKind.TOPIC, slug) if slug else None
    if page is None or digit == "x":
        return page
    asked = f"{digit}.{subject}.{detail}"
    reading = page.classes.get(digit)
    if reading is None:
        return replace(page, asked=asked)
    return replace(
        page, asked=asked, retry=reading.retry, nature=reading.nature, scope=reading.scope
    )


@cache
def _extensions() -> tuple[dict[str, Any], ...]:
    """Ranges of unregistered enhanced status codes: subject, first and last detail, topic."""
    table = _toml(_DATA / "extensions.toml")
    return tuple(table["range"])


def _extension(digit: str, subject: int, detail: int) -> str | None:
    for row in _extensions():
        if (
            row["subject"] == subject
            and row["first"] <= detail <= row["last"]
            and digit in row.get("classes", digit)
        ):
            return str(row["topic"])
    return None


def _read(kind: PageKind, name: str) -> Page | None:
    # Anybody may ask for any name, so that only those of pages are remembered.
    return _parse(kind, _paths(kind)[name]) if name in _paths(kind) else None


@cache
def _paths(kind: PageKind) -> Mapping[str, Path]:
    """The pages' files by their names."""
    return {path.stem: path for path in (_DATA / kind.value).glob("*.toml")}


@cache
def _parse(kind: PageKind, path: Path) -> Page:
    data = _toml(path)
    lists: dict[str, Any] = {
        name: tuple(data.pop(name, ())) for name in ("rfc", "related", "keywords")
    }
    notes = tuple(
        Note(title=note["title"], text=_paragraphs(note["text"])) for note in data.pop("note", ())
    )
    classes = {
        digit: ClassReading(**{name: _paragraphs(text) for name, text in reading.items()})
        for digit, reading in data.pop("class", {}).items()
    }
    texts: dict[str, Any] = {name: _paragraphs(text) for name, text in data.items()}
    code = path.stem.upper() if kind is PageKind.ENHANCED else path.stem
    return Page(code=code, kind=kind, notes=notes, classes=classes, **lists, **texts)


def _toml(path: Path) -> dict[str, Any]:
    import tomllib  # a cold start that looks up no code does without it

    return tomllib.loads(path.read_text(encoding="utf-8"))


def _paragraphs(text: str) -> str:
    """`text` with its source lines joined; an empty line parts paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    """Numbers by value, so that x.1.10 follows x.1.9."""
    return tuple(
        (int(part), "") if part.isdigit() else (0, part) for part in re.split(r"[.-]", path.stem)
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text[:_LONGEST_QUERY].lower())


@cache
def _common_words() -> frozenset[str]:
    """Words that a quarter of the pages have, apart from those in the name of a topic."""
    found = Counter(word for page in pages() for word in set(_WORD.findall(_text(page))))
    names = {word for page in topics() for word in re.split(r"[.-]", page.code)}
    return frozenset(word for word in found.keys() - names if 4 * found[word] > len(pages()))


def _is_common(word: str) -> bool:
    return word in _common_words() or (len(word) == 1 and word.isalpha())


def _text(page: Page) -> str:
    """The text of a page below its title, in small letters."""
    texts = (page.meaning, page.sent_by, page.causes, page.action)
    return "\n".join((*texts, *(note.text for note in page.notes))).lower()


def _score(page: Page, wanted: list[str]) -> int:
    name = f"{page.code} {page.title} {' '.join(page.keywords)}".lower()
    body = set(_WORD.findall(_text(page)))
    names = set(_WORD.findall(name)) | set(re.findall(r"[a-z0-9]+", name))
    total = 0
    for word in wanted:
        if word in names:
            total += 10
        elif word in name and len(word) >= _LEAST_PART:
            total += 5
        elif word in body:
            total += 1
        else:
            return 0
    return total * 2 + (page.kind is PageKind.TOPIC)
