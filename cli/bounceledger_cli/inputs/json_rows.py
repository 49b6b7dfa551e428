"""Rows that are JSON objects: one per line, or in one document over many lines."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bounceledger_cli.inputs.lines import Line
from bounceledger_cli.inputs.rows import BadRow, Row

_OUTSIDE = re.compile(r'["{}\[\]]')
_INSIDE = re.compile(r'["\\]')
_BETWEEN = re.compile(r"[\s,]*")


def is_document(first_line: str) -> bool:
    """Whether JSON that begins with this line is laid out over several, or is a list."""
    text = first_line.strip()
    return text.startswith("[") or text.endswith(("{", "[", ","))


def rows_of_lines(lines: Iterable[Line | BadRow]) -> Iterator[Row | BadRow]:
    """One row per line; empty lines are skipped."""
    for line in lines:
        if isinstance(line, BadRow):
            yield line
        elif line.text.strip():
            yield _row(line.number, line.text, source=line.text)


def rows_of_document(
    chunks: Iterable[str], line: int, longest: int, fault_of: Callable[[str], str]
) -> Iterator[Row | BadRow]:
    """The objects of a list, or objects that follow one another.

    Args:
        chunks: the text, in pieces.
        line: number of its first line.
        longest: maximum number of characters of an object; longer ones are rejected.
        fault_of: what is wrong with the encoding of a string, as a predicate.
    """
    cutter = _Cutter(line, longest)
    for chunk in chunks:
        for value in cutter.feed(chunk):
            if isinstance(value, BadRow):
                yield value
            elif fault := fault_of(value.text):
                yield BadRow(value.number, fault)
            else:
                yield _row(value.number, value.text)
    yield from cutter.end()


class _Cutter:
    """Cuts JSON text into the objects that it consists of, without reading them."""

    def __init__(self, line: int, longest: int) -> None:
        self._line = line
        self._longest = longest
        self._depth = 0
        self._outer = 0
        """Depth outside of objects: 1 within a list."""
        self._in_string = False
        self._escaped = False
        self._begun = 0
        self._parts: list[str] = []
        self._size = 0
        self._seen = False

    def feed(self, chunk: str) -> Iterator[Line | BadRow]:
        """The objects that end in a piece of text."""
        kept = 0
        for char, at in self._brackets(chunk):
            if char in "{[" and self._depth > self._outer:
                self._depth += 1
            elif char in "{[":
                yield from self._between(chunk[kept:at])
                kept = at
                if char == "[" and not self._seen:
                    self._outer, kept = 1, at + 1
                self._seen = True
                self._begun = self._line
                self._depth += 1
            elif self._depth > self._outer + 1:
                self._depth -= 1
            elif self._depth > self._outer:
                self._depth -= 1
                self._keep(chunk[kept : at + 1])
                kept = at + 1
                yield self._take()
            else:  # the end of the list
                yield from self._between(chunk[kept:at])
                self._depth = self._outer = 0
                kept = at + 1
        if self._depth > self._outer:
            self._keep(chunk[kept:])
        else:
            yield from self._between(chunk[kept:])

    def _brackets(self, chunk: str) -> Iterator[tuple[str, int]]:
        """Brackets outside of strings, and where they are."""
        at = 1 if self._escaped else 0
        self._escaped = False
        while match := (_INSIDE if self._in_string else _OUTSIDE).search(chunk, at):
            char, at = match[0], match.end()
            if char == "\\":
                at += 1
            elif char == '"':
                self._in_string = not self._in_string
            else:
                yield char, at - 1
        self._escaped = at > len(chunk)

    def end(self) -> Iterator[BadRow]:
        """What is wrong with the end of the text."""
        if self._depth > self._outer:
            yield BadRow(self._begun, "is not valid JSON: an object is not closed")
        elif self._outer:
            yield BadRow(self._line, "is not valid JSON: the list is not closed")

    def _between(self, text: str) -> Iterator[BadRow]:
        """Count the lines of what stands between two objects; only commas are allowed there."""
        if not _BETWEEN.fullmatch(text):
            yield BadRow(self._line, "is not valid JSON: there is something beside the objects")
        self._line += text.count("\n")

    def _keep(self, text: str) -> None:
        self._line += text.count("\n")
        self._size += len(text)
        if self._size <= self._longest:
            self._parts.append(text)

    def _take(self) -> Line | BadRow:
        text, size = "".join(self._parts), self._size
        self._parts.clear()
        self._size = 0
        if size > self._longest:
            return BadRow(self._begun, f"is longer than {self._longest} characters")
        return Line(self._begun, text)


def _row(number: int, text: str, *, source: str = "") -> Row | BadRow:
    try:
        value = _decode(text)
    except ValueError as error:
        return BadRow(number, str(error))
    if not isinstance(value, dict):
        return BadRow(number, "is not a JSON object")
    return Row(number, value, source)


def _decode(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not valid JSON: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        raise ValueError(f"is not valid JSON: {error}") from None


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_finite)
