"""What is read from an input: rows, and lines that hold none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bounceledger_cli.inputs.layout import Layout


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, one JSON object, or one line.

    Attributes:
        line: number of the line that it begins on, from 1.
        fields: its fields by the names that the input gives them, in their order.
        text: as the input has it, with the end of its line; empty for a part of a JSON document.
    """

    line: int
    fields: Mapping[str, Any]
    text: str = ""


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


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of an input; iterate over it once.

    Attributes:
        rows: the rows, in their order.
        layout: how the input is laid out.
        head: the lines above a table: comments, and ``sep=;``.
        header: the row of a table with the names of its columns, as it is; empty for none.
        delimiter: what stands between the cells of a table; `layout.NO_DELIMITER` in one
            of a single column.
    """

    rows: Iterator[Row | BadRow]
    layout: Layout
    head: str = ""
    header: str = ""
    delimiter: str = ""

    def __iter__(self) -> Iterator[Row | BadRow]:
        """The rows."""
        return self.rows
