"""Read diagnostics from JSON lines, CSV or plain lines, one record at a time.

Nothing here holds more than one record, so a file of any size runs in the same memory.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from pathlib import PurePath
from typing import Any, TextIO

from bounceledger.classify.traits import Hints
from bounceledger.providers.ses import read_bounce_type

MAX_LINE = 4 << 20
"""Characters of one line; a longer one is refused, not read."""

_HINT_FIELDS = ("status", "bounce_type", "bounce_subtype", "action")
_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "text",
    ".log": "text",
}


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


class Format(StrEnum):
    """How an input is laid out."""

    AUTO = "auto"
    JSONL = "jsonl"
    CSV = "csv"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Record:
    """One diagnostic with what came beside it.

    Attributes:
        line: number of the line it ends on, from 1.
        fields: the input's own fields, in their order.
        diagnostic: what the receiving server said; may be empty.
        hints: what the provider reported.
    """

    line: int
    fields: dict[str, Any]
    diagnostic: str
    hints: Hints = field(default_factory=Hints)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A line that holds no record. `field` is empty where the whole line is at fault."""

    line: int
    field: str
    reason: str

    def describe(self, source: str) -> str:
        """One line for people, such as ``a.jsonl: line 3: diagnostic: is missing``."""
        where = f"{source}: line {self.line}: "
        return where + (f"{self.field}: {self.reason}" if self.field else self.reason)


def read_records(
    stream: TextIO,
    *,
    name: str = "",
    layout: Format = Format.AUTO,
    column: str = "diagnostic",
    longest: int = MAX_LINE,
) -> Iterator[Record | BadRecord]:
    """Records of `stream`; empty lines are passed over.

    Args:
        stream: text, read line by line.
        name: file name, whose suffix tells the layout where `layout` is `AUTO`; without a
            telling one the first line does.
        layout: how the input is laid out.
        column: name of the CSV column that holds the diagnostic.
        longest: characters that one line, or one cell, may have.
    """
    lines = _lines(stream, longest)
    first = next((line for line in lines if isinstance(line, BadRecord) or line[1].strip()), None)
    if first is None:
        return iter(())
    if layout is Format.AUTO:
        layout = _detect(name, "" if isinstance(first, BadRecord) else first[1], column)
    rest = chain((first,), lines)
    if layout is Format.CSV:
        return _csv_records(rest, column, longest)
    return (_one(line, layout) for line in rest if isinstance(line, BadRecord) or line[1].strip())


type _Line = tuple[int, str]


def _lines(stream: TextIO, longest: int) -> Iterator[_Line | BadRecord]:
    number = 0
    while text := stream.readline(longest):
        number += 1
        if text.endswith("\n") or len(text) < longest:
            yield number, text.removeprefix("\ufeff") if number == 1 else text
            continue
        while len(text) == longest and not text.endswith("\n"):
            text = stream.readline(longest)
        yield BadRecord(number, "", f"is longer than {longest} characters")


def _detect(name: str, first: str, column: str) -> Format:
    known = _SUFFIXES.get(PurePath(name).suffix.lower())
    if known:
        return Format(known)
    if first.lstrip().startswith("{"):
        return Format.JSONL
    header = next(csv.reader([first], delimiter=_delimiter(first)), [])
    return Format.CSV if column in (cell.strip() for cell in header) else Format.TEXT


def _one(line: _Line | BadRecord, layout: Format) -> Record | BadRecord:
    if isinstance(line, BadRecord):
        return line
    number, text = line
    if layout is Format.JSONL:
        return _json_record(number, text)
    diagnostic = text.rstrip("\r\n")
    return Record(number, {"diagnostic": diagnostic}, diagnostic)


def _json_record(number: int, text: str) -> Record | BadRecord:
    try:
        value = _json(text)
    except ValueError as error:
        return BadRecord(number, "", str(error))
    if not isinstance(value, dict):
        return BadRecord(number, "", "is not a JSON object")
    if "diagnostic" not in value:
        return BadRecord(number, "diagnostic", "is missing")
    for name in ("diagnostic", *_HINT_FIELDS):
        if not isinstance(value.get(name), str | None):
            return BadRecord(number, name, f"is {_kind(value[name])}, not a text")
    return _record(number, value, "diagnostic")


def _json(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None


def _csv_records(
    lines: Iterable[_Line | BadRecord], column: str, longest: int
) -> Iterator[Record | BadRecord]:
    source = _CsvLines(lines)
    header_line = next(source, "")
    delimiter = _delimiter(header_line)
    header = [cell.strip() for cell in next(csv.reader([header_line], delimiter=delimiter), [])]
    names = ", ".join(header)
    if column not in header:
        yield BadRecord(source.number, column, f"is no column; there are: {names}")
        return
    if len(set(header)) != len(header):
        yield BadRecord(source.number, "", f"names a column twice: {names}")
        return
    limit = csv.field_size_limit(longest)
    try:
        yield from _rows(source, header, delimiter, column)
    finally:
        csv.field_size_limit(limit)


def _rows(
    source: "_CsvLines", header: list[str], delimiter: str, column: str
) -> Iterator[Record | BadRecord]:
    rows = csv.reader(source, delimiter=delimiter)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield BadRecord(source.number, "", f"is not CSV: {error}")
            continue
        yield from source.refused()
        if row is None:
            return
        if not any(row):
            continue
        if len(row) != len(header):
            reason = f"has {len(row)} columns, the header has {len(header)}"
            yield BadRecord(source.number, "", reason)
            continue
        yield _record(source.number, dict(zip(header, row, strict=True)), column)


class _CsvLines:
    """Lines for csv.reader, which knows nothing of numbers and of lines we refused."""

    def __init__(self, lines: Iterable[_Line | BadRecord]) -> None:
        self.number = 0
        self._lines = iter(lines)
        self._refused: list[BadRecord] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            if isinstance(line, BadRecord):
                self._refused.append(line)
                continue
            self.number, text = line
            return text
        raise StopIteration

    def refused(self) -> list[BadRecord]:
        taken, self._refused = self._refused, []
        return taken


def _record(number: int, fields: dict[str, Any], column: str) -> Record:
    status, type_, subtype, action = (fields.get(name) or "" for name in _HINT_FIELDS)
    return Record(
        number,
        fields,
        fields[column] or "",
        Hints(status, *read_bounce_type(type_, subtype), action),
    )


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _kind(value: object) -> str:
    match value:
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


def utf8(stream: TextIO) -> TextIO:
    """`stream` read as UTF-8 whatever the locale says; stray bytes come out as ``\\xff``."""
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        return stream
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace", newline=None)
