"""Which encoding an input has."""

import codecs
import re

import click

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

_CANDIDATES = (
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("iso8859-15", "mac-roman", "cp850", "cp866", "koi8-r"),
    *("cp932", "gb18030", "cp949", "cp950"),
)
"""What spreadsheets and databases write: with all others left out, few guesses are wrong."""

LATIN = frozenset({"cp1252", "iso8859-15"})
"""Encodings in which UTF-8 would be read without complaint, as ``Ã¶`` for ``ö``."""

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
    as delimiters and line ends, all stand at odd places or all at even ones.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
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


def guess_encoding(sample: bytes) -> str:
    """The likeliest encoding of bytes that are not UTF-8, as Python calls it.

    Only cells with other characters than ASCII are looked at, each once: names are a small
    part of a list of addresses, and they tell the encoding.
    """
    import chardet

    cells = dict.fromkeys(cell for cell in _CELL_END.split(sample) if not cell.isascii())
    found = chardet.detect(
        b"\n".join(cells), include_encodings=_CANDIDATES, prefer_superset=True, compat_names=False
    )
    return _plainest(sample, codecs.lookup(found["encoding"] or "cp1252").name)


def _plainest(sample: bytes, encoding: str) -> str:
    """The encoding, or windows-1252 where that reads the same: it is better known."""
    usual = sample.decode("cp1252", "replace")
    return "cp1252" if usual == sample.decode(encoding, "replace") else encoding
