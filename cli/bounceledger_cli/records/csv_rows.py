"""CSV with a header."""

import csv
from collections.abc import Iterable, Iterator

from bounceledger_cli.records.layout import delimiter_of, header_of
from bounceledger_cli.records.lines import Line
from bounceledger_cli.records.record import BadRecord, Record
from bounceledger_cli.wording import counted


def csv_records(
    lines: Iterable[Line | BadRecord], column: str, longest: int
) -> Iterator[Record | BadRecord]:
    """Records of a CSV file; empty rows are skipped.

    Args:
        lines: its lines, the header first.
        column: name of the column with the diagnostic.
        longest: maximum number of characters of a cell.
    """
    source = _Lines(lines)
    header_line = next(source, "")
    header = header_of(header_line)
    names = ", ".join(header)
    if column not in header:
        reason = f"has no column {column!r}; the file has: {names}; name one with --column"
        yield BadRecord(source.number, "", reason)
        return
    if len(set(header)) != len(header):
        yield BadRecord(source.number, "", f"has two columns of one name: {names}")
        return
    limit = csv.field_size_limit(longest)
    try:
        yield from _rows(source, header, delimiter_of(header_line), column)
    finally:
        csv.field_size_limit(limit)


def _rows(
    source: "_Lines", header: list[str], delimiter: str, column: str
) -> Iterator[Record | BadRecord]:
    rows = csv.reader(source, delimiter=delimiter)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield BadRecord(source.number, "", f"is not valid CSV: {error}")
            continue
        yield from source.take_rejected()
        if row is None:
            return
        if not any(row):
            continue
        if len(row) != len(header):
            reason = f"has {counted(len(row), 'column')} but the header has {len(header)}"
            yield BadRecord(source.number, "", reason)
            continue
        yield Record.of(source.number, dict(zip(header, row, strict=True)), column)


class _Lines:
    """Lines for csv.reader, which knows neither line numbers nor rejected lines."""

    def __init__(self, lines: Iterable[Line | BadRecord]) -> None:
        self.number = 0
        self._lines = iter(lines)
        self._rejected: list[BadRecord] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            if isinstance(line, BadRecord):
                self._rejected.append(line)
                continue
            self.number, text = line
            return text
        raise StopIteration

    def take_rejected(self) -> list[BadRecord]:
        """Lines rejected since the last call."""
        rejected, self._rejected = self._rejected, []
        return rejected
