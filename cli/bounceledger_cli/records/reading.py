"""Reading records of any layout."""

from collections.abc import Iterator
from itertools import chain
from typing import TextIO

from bounceledger_cli.records.csv_rows import csv_records
from bounceledger_cli.records.json_lines import json_record
from bounceledger_cli.records.layout import Layout, detect_layout
from bounceledger_cli.records.lines import MAX_LINE, Line, read_lines
from bounceledger_cli.records.record import BadRecord, Record


def read_records(
    stream: TextIO,
    *,
    name: str = "",
    layout: Layout = Layout.AUTO,
    column: str = "diagnostic",
    longest: int = MAX_LINE,
) -> Iterator[Record | BadRecord]:
    """Records of `stream`; empty lines are skipped.

    Args:
        stream: the input.
        name: file name, whose extension gives the layout where `layout` is `AUTO`; without
            a known extension the first line decides.
        layout: how the input is laid out.
        column: name of the CSV column that holds the diagnostic.
        longest: maximum number of characters of a line, or of a CSV cell.
    """
    lines = read_lines(stream, longest)
    first = next((line for line in lines if not _is_empty(line)), None)
    if first is None:
        return iter(())
    if layout is Layout.AUTO:
        layout = detect_layout(name, "" if isinstance(first, BadRecord) else first[1], column)
    rest = chain((first,), lines)
    if layout is Layout.CSV:
        return csv_records(rest, column, longest)
    return (_record(line, layout) for line in rest if not _is_empty(line))


def _is_empty(line: Line | BadRecord) -> bool:
    return not isinstance(line, BadRecord) and not line[1].strip()


def _record(line: Line | BadRecord, layout: Layout) -> Record | BadRecord:
    if isinstance(line, BadRecord):
        return line
    number, text = line
    if layout is Layout.JSONL:
        return json_record(number, text)
    diagnostic = text.rstrip("\r\n")
    return Record(number, {"diagnostic": diagnostic}, diagnostic)
