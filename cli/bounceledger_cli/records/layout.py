"""How an input is laid out."""

import csv
from enum import StrEnum
from pathlib import PurePath


class Layout(StrEnum):
    """How an input is laid out."""

    AUTO = "auto"
    JSONL = "jsonl"
    CSV = "csv"
    TEXT = "text"


_EXTENSIONS = {
    ".jsonl": Layout.JSONL,
    ".ndjson": Layout.JSONL,
    ".json": Layout.JSONL,
    ".csv": Layout.CSV,
    ".tsv": Layout.CSV,
    ".txt": Layout.TEXT,
    ".log": Layout.TEXT,
}


def detect_layout(name: str, first_line: str, column: str) -> Layout:
    """The layout by file extension, otherwise by the first line.

    Args:
        name: file name; empty for standard input.
        first_line: the first line that is not empty.
        column: name of the CSV column with the diagnostic.
    """
    known = _EXTENSIONS.get(PurePath(name).suffix.lower())
    if known:
        return known
    if first_line.lstrip().startswith("{"):
        return Layout.JSONL
    return Layout.CSV if column in header_of(first_line) else Layout.TEXT


def delimiter_of(line: str) -> str:
    """The delimiter that is most frequent in the first line of a CSV file."""
    return max(",;\t", key=line.count)


def header_of(line: str) -> list[str]:
    """Column names of a CSV header."""
    cells = next(csv.reader([line], delimiter=delimiter_of(line)), [])
    return [cell.strip() for cell in cells]
