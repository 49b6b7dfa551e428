"""Rows of a table."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bounceledger_cli.inputs.lines import Line
from bounceledger_cli.inputs.rows import BadRow, Row
from bounceledger_cli.wording import counted


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one row, the line that it begins on, and its text."""

    line: int
    cells: Sequence[str]
    text: str


def read_cells(
    lines: Iterable[Line | BadRow], delimiter: str, longest: int, *, comments: bool
) -> Iterator[Cells | BadRow]:
    """Rows of cells; empty rows are skipped.

    Args:
        lines: the lines of the table.
        delimiter: what stands between cells.
        longest: maximum number of characters of a cell.
        comments: skip rows that begin with ``#``.
    """
    source = _Source(lines, comments=comments)
    reader = csv.reader(source, delimiter=delimiter)
    while True:
        source.begin_row()
        limit = csv.field_size_limit(longest)
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield BadRow(source.row_line, f"is not valid CSV: {error}")
            continue
        finally:
            csv.field_size_limit(limit)
        yield from source.take_rejected()
        if source.ended_within_row:
            yield BadRow(
                source.row_line,
                "has a quotation mark that is never closed; this row and those below are not read",
            )
            return
        if cells is None:
            return
        if any(cells):
            yield Cells(source.row_line, cells, source.row_text)


def named_rows(
    rows: Iterable[Cells | BadRow], names: Sequence[str], *, ragged: bool
) -> Iterator[Row | BadRow]:
    """Rows with the names of their columns. Empty cells beyond the last column are ignored.

    Args:
        rows: what `read_cells` gives.
        names: names of the columns.
        ragged: accept rows with fewer cells, or more of them; otherwise they are bad.
    """
    width = len(names)
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        cells = row.cells
        if len(cells) != width:
            if len(cells) > width and not any(cells[width:]):
                cells = cells[:width]
            elif ragged:
                cells = [*cells[:width], *[""] * (width - len(cells))]
            else:
                reason = f"has {counted(len(cells), 'column')} but the header has {width}"
                yield BadRow(row.line, reason)
                continue
        yield Row(row.line, dict(zip(names, cells, strict=False)), row.text)


class _Source:
    """Lines for csv.reader, which knows neither line numbers nor rejected lines."""

    def __init__(self, lines: Iterable[Line | BadRow], *, comments: bool) -> None:
        self.row_line = 0
        self.ended_within_row = False
        self._lines = iter(lines)
        self._comments = comments
        self._within_row = False
        self._row_lines: list[str] = []
        self._rejected: list[BadRow] = []

    @property
    def row_text(self) -> str:
        """The lines of the row, as they are."""
        return "".join(self._row_lines)

    def begin_row(self) -> None:
        """Say that the next line begins a row."""
        self._within_row = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            if isinstance(line, BadRow):
                self._rejected.append(line)
                continue
            if not self._within_row:
                text = line.text.strip()
                if not text or (self._comments and text.startswith("#")):
                    continue
                self._within_row = True
                self.row_line = line.number
                self._row_lines.clear()
            self._row_lines.append(line.text)
            return line.text
        self.ended_within_row = self._within_row
        raise StopIteration

    def take_rejected(self) -> list[BadRow]:
        """Lines rejected since the last call."""
        rejected, self._rejected = self._rejected, []
        return rejected
