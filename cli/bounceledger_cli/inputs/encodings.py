"""Which encoding an input has."""

import codecs
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import click

from bounceledger_cli.inputs.letters import is_strange, log_likelihood

SAMPLE = 1 << 20
"""Bytes that an encoding is guessed from, beginning with the first that is not ASCII."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks. That of UTF-32 begins with that of UTF-16, so it stands before it."""

_TWO_BYTES = ("cp932", "gb18030", "cp949", "cp950")

_CANDIDATES = {
    "cp1252": 0.0,
    **dict.fromkeys(("cp1250", "cp1251", *_TWO_BYTES), -1.0),
    **dict.fromkeys(("cp1253", "cp1254", "cp1255", "cp1256", "koi8-r"), -1.5),
    **dict.fromkeys(("cp1257", "iso8859-15", "iso8859-2", "mac-roman", "cp850", "cp866"), -2.5),
    **dict.fromkeys(("cp437", "cp852"), -3.0),
}
"""What spreadsheets and databases write, and the logarithm of how usual each is."""

_CERTAIN = math.log(21)
"""How much likelier the likeliest reading must be than any other, as a logarithm.

More than the difference between any two encodings: how usual one is never decides alone.
"""
_CERTAIN_IF_UNUSUAL = math.log(100)
"""The same where it is not Windows-1252."""
_SHOWN = 3
"""Readings that are shown where none is certain."""
_UNLIKELY = 8.0
"""Readings that are so much less likely than the first (a logarithm) are not shown."""
_MOST_CELLS = 400
_MOST_BYTES = 200
"""Cells that a guess rests on, and bytes of each; a name is shorter, a reply may be longer."""
_SHOWN_LENGTH = 40

_UNDECODABLE = re.compile("[\udc80-\udcff]+")
_CUT_OFF = re.compile("[\udc80-\udcff]{1,3}\\Z")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_CELL_END = re.compile(rb'[,;\t\r\n"]')

_FORMATS = (
    (b"PK\x03\x04", "an Excel workbook or another zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF-", "a PDF document"),
)
"""How files begin that are not text, and what they are."""


class EncodingType(click.ParamType[str]):
    """The name of a text encoding that Python knows."""

    name = "encoding"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Python's name of the encoding; fails with a usage error."""
        try:
            "".encode(value)  # unlike codecs.lookup, this refuses what is not text, such as hex
            return codecs.lookup(value).name
        except (LookupError, ValueError):
            self.fail(f"{value!r} is not an encoding such as utf-8 or windows-1252.", param, ctx)


def file_format(head: bytes) -> str:
    """What a file is that is not text, by its first bytes; empty for what may be text."""
    return next((words for begin, words in _FORMATS if head.startswith(begin)), "")


def stated_encoding(head: bytes) -> str:
    """The encoding that the first bytes show by themselves; empty where they do not.

    Without a byte order mark, UTF-16 shows by its zero bytes: those of ASCII characters, such
    as delimiters and line ends, all stand at odd places or all at even ones. A few of them in
    what is otherwise ASCII or UTF-8 are a fault of it.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if head.count(0) * 3 < len(head) and _is_all_utf8(head[: head.rfind(b"\n") + 1]):
        return ""
    high, low = head[::2].count(0), head[1::2].count(0)
    if min(high, low) * 10 > max(high, low) or not (high or low):
        return ""
    return "utf-16-le" if low else "utf-16-be"


def is_utf8(sample: bytes) -> bool:
    """Whether bytes are UTF-8, apart from a few that are wrong and the last, which is cut off.

    Text in another encoding hardly ever has a valid sequence of UTF-8.
    """
    text = _CUT_OFF.sub("", sample.decode("utf-8", "surrogateescape"))
    others = len(text) - len(_NOT_ASCII.sub("", text))
    return others > 2 * (len(text) - len(_UNDECODABLE.sub("", text)))


@dataclass(frozen=True, slots=True)
class Reading:
    """Some bytes, decoded in one encoding.

    Attributes:
        encoding: Python's name.
        likelihood: logarithm of how likely it is that somebody wrote that.
        cells: the cells as read.
    """

    encoding: str
    likelihood: float
    cells: tuple[str, ...]


def guess_encoding(sample: bytes) -> Reading | list[Reading]:
    """The only likely reading of bytes that are not UTF-8; or the likeliest, if unclear.

    Only cells with non-ASCII characters are read, each once: they are a small part of a list
    of addresses, and show its encoding. A reading is certain if every different reading is
    much less likely, and if most of its cells are plausible. Encodings that read the cells
    the same way are one reading, named after the most common one.
    """
    readings = _readings(_cells(sample))
    first, *others = readings
    strange = sum(map(is_strange, first.cells))
    needed = _CERTAIN if first.encoding == "cp1252" else _CERTAIN_IF_UNUSUAL
    lead = first.likelihood - others[0].likelihood if others else needed
    if lead >= needed and 4 * strange < len(first.cells):
        return first
    return [reading for reading in readings if first.likelihood - reading.likelihood < _UNLIKELY][
        :_SHOWN
    ]


def is_utf8_read_as(encoding: str, line: str) -> bool:
    """Whether a line is UTF-8 that was read in another encoding, as ``Ã¶`` for ``ö``.

    In encodings with two bytes for a character, some words happen to be valid UTF-8.
    """
    try:
        text = line.encode(encoding).decode()
    except UnicodeError:
        return False
    return encoding not in _TWO_BYTES or log_likelihood([text]) > log_likelihood([line])


def show_readings(readings: Sequence[Reading]) -> list[str]:
    """One line for each reading: how to ask for it, and a cell that tells it from others."""
    columns = list(zip(*(reading.cells for reading in readings), strict=True))
    telling = max(columns, key=lambda cells: (len(set(cells)), -len(cells[0])))
    return [
        f"  --encoding {reading.encoding:<12} {cell.strip()[:_SHOWN_LENGTH]}"
        for reading, cell in zip(readings, telling, strict=True)
    ]


def _cells(sample: bytes) -> list[bytes]:
    """Cells that are not ASCII; UTF-8 that was joined to the file says nothing about the rest."""
    cells = [cell for cell in dict.fromkeys(_CELL_END.split(sample)) if not cell.isascii()]
    others = [cell for cell in cells if not _is_all_utf8(cell)]
    return (others or cells)[:_MOST_CELLS]


def _is_all_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeError:
        return False
    return True


def _readings(cells: Sequence[bytes]) -> list[Reading]:
    """Different readings of some cells, the likeliest first."""
    by_text: dict[tuple[str, ...], Reading] = {}
    for encoding, prior in _CANDIDATES.items():
        texts = tuple(_read(cell, encoding) for cell in cells)
        if texts not in by_text:  # candidates begin with the most usual ones
            likelihood = prior + log_likelihood(texts)
            by_text[texts] = Reading(encoding, likelihood, texts)
    return sorted(by_text.values(), key=lambda reading: -reading.likelihood)


def _read(cell: bytes, encoding: str) -> str:
    text = cell[:_MOST_BYTES].decode(encoding, "replace")
    return text[:-2] if len(cell) > _MOST_BYTES else text  # a character may be cut off
