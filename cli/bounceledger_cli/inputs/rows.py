"""What is read from an input: rows, and lines that hold none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, one JSON object, or one line.

    Attributes:
        line: number of the line that it begins on, from 1.
        fields: its fields by the names that the input gives them, in their order.
    """

    line: int
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """What could not be read.

    Attributes:
        line: number of the line, from 1.
        reason: what is wrong, as a predicate of the field or the line.
        field: the field at fault; empty for the whole line.
    """

    line: int
    reason: str
    field: str = ""

    def describe(self, source: str) -> str:
        """One line for people, such as ``a.jsonl: line 3: diagnostic is required``."""
        subject = f"line {self.line}: {self.field}" if self.field else f"line {self.line}"
        return f"{source}: {subject} {self.reason}"
