"""How an input is laid out."""

import csv
import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from functools import cache
from pathlib import PurePath

DELIMITERS = ",;\t"
NO_DELIMITER = "\x1f"
"""For tables of one column, in which a comma is a comma."""


class Layout(StrEnum):
    """How an input is laid out."""

    AUTO = "auto"
    JSON = "json"
    CSV = "csv"
    TEXT = "text"


_EXTENSIONS = {
    ".jsonl": Layout.JSON,
    ".ndjson": Layout.JSON,
    ".json": Layout.JSON,
    ".csv": Layout.CSV,
    ".tsv": Layout.CSV,
}
_NAME = re.compile(r"[^\W\d_](?:[\w \-/()]{0,38}[\w)])?")
"""The name of a column."""
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


@cache
def same_name(name: str) -> str:
    """A key that all spellings of a column's name share: ``Lead Source`` and ``lead_source``."""
    return re.sub(r"[\W_]+", "", name.casefold())


def layout_of(name: str, first_line: str, wanted: Collection[str]) -> Layout:
    """The layout by file extension, otherwise by the first line.

    A ``.txt`` says nothing: spreadsheets save tables under that name, too.

    Args:
        name: file name; empty for standard input.
        first_line: the first line that is not empty, or the header with its line breaks.
        wanted: keys of columns by which a table is known, as `same_name` gives them.
    """
    known = _EXTENSIONS.get(PurePath(name).suffix.lower())
    if known:
        return known
    text = first_line.strip()
    if text.startswith("{") or re.match(r"\[\s*(?:[{\]]|$)", text):
        return Layout.JSON
    if separator_of(text) or delimiter_of(text, wanted) is not None or _is_header(text):
        return Layout.CSV
    return Layout.TEXT


def _is_header(line: str) -> bool:
    """Whether a line can only be a header, though none of its columns is known.

    Replies have a space after a comma or a semicolon.
    """
    return any(
        line.count(delimiter) and all(map(_NAME.fullmatch, line.replace('"', "").split(delimiter)))
        for delimiter in DELIMITERS
    )


def separator_of(line: str) -> str:
    """The delimiter that a line such as ``sep=;`` states for Excel; empty for other lines."""
    match = _SEPARATOR.fullmatch(line.rstrip("\r\n"))
    return match[1] if match else ""


def delimiter_of(header: str, wanted: Collection[str]) -> str | None:
    """The delimiter with which a line is a header that has a wanted column."""
    tried = [(cells_of(header, delimiter), delimiter) for delimiter in DELIMITERS]
    found = [
        (len(names), delimiter)
        for names, delimiter in tried
        if not {*map(same_name, names)}.isdisjoint(wanted)
    ]
    if not found:
        return None
    columns, delimiter = max(found, key=lambda pair: pair[0])
    return delimiter if columns > 1 else NO_DELIMITER


def most_frequent_delimiter(line: str) -> str:
    """The delimiter that a line has most of."""
    return max(DELIMITERS, key=line.count)


def cells_of(line: str, delimiter: str) -> Sequence[str]:
    """The cells of a line, without the space around them."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:  # a cell that is too long
        return [line]
