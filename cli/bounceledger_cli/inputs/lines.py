"""Numbered lines of bounded length."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TextIO

from bounceledger_cli.inputs.rows import BadRow

MAX_LINE = 4 << 20
"""Characters of one line; a longer one is rejected and skipped."""

_HEADER_LINES = 30
"""Line breaks in a header; more are a quotation mark that is never closed."""

_ENDS = ("\n", "\r")


class Line(NamedTuple):
    """A line with its end, and its number from 1."""

    number: int
    text: str


class Lines:
    """The lines of a stream.

    Args:
        stream: what to read.
        fault_of: what is wrong with the encoding of a line, as a predicate.
        longest: maximum number of characters of a line.
    """

    def __init__(self, stream: TextIO, fault_of: Callable[[str], str], longest: int) -> None:
        self.stream = stream
        self.longest = longest
        self.fault_of = fault_of
        self._number = 0
        self._pushed: list[Line] = []

    def __iter__(self) -> Iterator[Line | BadRow]:
        """The lines, those that are too long or wrongly encoded as `BadRow`."""
        while (line := self.next_piece()) is not None:
            yield self._checked(line)

    def next_piece(self) -> Line | None:
        """The next line, or the beginning of one that is too long; None at the end."""
        if self._pushed:
            return self._pushed.pop()
        text = self.stream.readline(self.longest)
        self._number += 1
        return Line(self._number, text) if text else None

    def first_filled(self) -> Line | None:
        """The next line that is not empty; None at the end."""
        while (line := self.next_piece()) is not None:
            if line.text.strip():
                return line
        return None

    def whole_row(self, first: Line) -> str:
        """A line and those after it that belong to the same row of a table.

        A cell in quotation marks may hold line breaks. The lines after `first` are still to come.
        """
        text = first.text
        begun: list[Line] = []
        while text.count('"') % 2 and len(begun) < _HEADER_LINES:
            line = self.next_piece()
            if line is None:
                break
            begun.append(line)
            text += line.text
        for line in reversed(begun):
            self.push_back(line)
        return first.text if text.count('"') % 2 else text

    def push_back(self, line: Line) -> None:
        """Let a line be the next one again."""
        self._pushed.append(line)

    def _checked(self, line: Line) -> Line | BadRow:
        text = line.text
        if len(text) < self.longest or text.endswith(_ENDS):
            fault = self.fault_of(text)
            return BadRow(line.number, fault) if fault else line
        while len(text) == self.longest and not text.endswith(_ENDS):
            text = self.stream.readline(self.longest)
        return BadRow(line.number, f"is longer than {self.longest} characters")
