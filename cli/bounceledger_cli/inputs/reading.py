"""Reading rows of any layout."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain

from bounceledger_cli.errors import CommandError
from bounceledger_cli.inputs import json_rows
from bounceledger_cli.inputs.csv_rows import Cells, named_rows, read_cells
from bounceledger_cli.inputs.layout import (
    DELIMITERS,
    Layout,
    delimiter_of,
    layout_of,
    most_frequent_delimiter,
    same_name,
    separator_of,
)
from bounceledger_cli.inputs.lines import MAX_LINE, Lines
from bounceledger_cli.inputs.rows import BadRow, Row, Rows
from bounceledger_cli.inputs.text import DecodedInput

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command needs of an input.

    Attributes:
        columns: names of which a table must have one, the most usual one first.
        is_value: whether a cell can be a value of that column. It finds the column of a table
            without a header.
        lenient: accept a table without a header, rows of any length, and comments above it:
            lines that begin with ``#``.
        comments: skip such lines everywhere in a table.
        plain_text: read what is neither JSON nor such a table as one value per line.
    """

    columns: tuple[str, ...]
    is_value: Callable[[str], bool] = lambda _: False
    lenient: bool = False
    comments: bool = False
    plain_text: bool = False

    @property
    def keys(self) -> Collection[str]:
        """The names as `same_name` gives them."""
        return {same_name(name) for name in self.columns}

    def of(self, fields: Iterable[str]) -> str | None:
        """The field that holds the column; None where there is none."""
        return field_called(self.columns, tuple(fields))


@lru_cache(maxsize=256)
def field_called(names: tuple[str, ...], fields: tuple[str, ...]) -> str | None:
    """The first field that has one of some names, in any spelling; None for none.

    Args:
        names: names, the most usual one first.
        fields: the fields of a row.
    """
    by_key: dict[str, str] = {}
    for field in fields:
        by_key.setdefault(same_name(field), field)
    return next((by_key[key] for key in map(same_name, names) if key in by_key), None)


def read_rows(
    decoded: DecodedInput,
    wanted: Wanted,
    *,
    name: str,
    extension_of: str = "",
    layout: Layout = Layout.AUTO,
    longest: int = MAX_LINE,
) -> Rows:
    """Rows of an input; empty ones are skipped.

    Args:
        decoded: the input.
        wanted: what the command needs.
        name: name of the input in messages.
        extension_of: file name, whose extension gives the layout where `layout` is `AUTO`;
            without a known extension the first line decides.
        layout: how the input is laid out.
        longest: maximum number of characters of a line, a cell or a JSON object.

    Raises:
        CommandError: with exit code 1 if there are no rows at all; with 2 if a table lacks
            the column.
    """
    lines = Lines(decoded.text, decoded.fault_of, longest)
    first = lines.first_filled()
    if first is None:
        raise CommandError(f"{name} is empty", exit_code=1)
    if layout is Layout.AUTO:
        head = first.text if first.text.lstrip().startswith(("{", "[")) else lines.whole_row(first)
        layout = layout_of(extension_of, head, wanted.keys)
        if layout is Layout.TEXT and not wanted.plain_text:
            layout = Layout.CSV
    lines.push_back(first)
    if layout is Layout.JSON:
        return Rows(_or_empty(_json(lines), f"{name} holds no JSON objects"), layout)
    if layout is Layout.TEXT:
        return Rows(_text(lines, wanted.columns[0]), layout)
    return _table(lines, wanted, name)


def _json(lines: Lines) -> Iterator[Row | BadRow]:
    first = lines.next_piece()
    assert first is not None  # noqa: S101 - pushed back by the caller
    if not json_rows.is_document(first.text):
        lines.push_back(first)
        return json_rows.rows_of_lines(lines)
    chunks = chain([first.text], iter(partial(lines.stream.read, _CHUNK), ""))
    return json_rows.rows_of_document(chunks, first.number, lines.longest, lines.fault_of)


def _text(lines: Lines, column: str) -> Iterator[Row | BadRow]:
    for line in lines:
        if isinstance(line, BadRow):
            yield line
        elif line.text.strip():
            yield Row(line.number, {column: line.text.rstrip("\r\n")}, line.text)


def _table(lines: Lines, wanted: Wanted, name: str) -> Rows:
    delimiter, head = _delimiter(lines, wanted)
    rows = read_cells(lines, delimiter, lines.longest, comments=wanted.comments)
    before: list[Row | BadRow] = []
    for first in rows:
        if isinstance(first, Cells):
            break
        before.append(first)
    else:
        return Rows(_or_empty(iter(before), f"{name} is empty"), Layout.CSV)
    names, has_header = _columns(first, wanted, name)
    if not has_header:
        every = chain(before, named_rows(chain([first], rows), names, ragged=True))
        return Rows(every, Layout.CSV, head, "", delimiter)
    body = named_rows(rows, names, ragged=wanted.lenient)
    every = chain(before, _or_empty(body, f"{name} has a header but no rows"))
    return Rows(every, Layout.CSV, head, first.text, delimiter)


def _delimiter(lines: Lines, wanted: Wanted) -> tuple[str, str]:
    """The delimiter that a line such as ``sep=;`` states, or that of the header.

    Also the text above the header: that line, and comments.
    """
    head = ""
    while (line := lines.first_filled()) is not None:
        if wanted.lenient and line.text.lstrip().startswith("#"):
            head += line.text
            continue
        if stated := separator_of(line.text):
            return stated, head + line.text
        header = lines.whole_row(line)
        lines.push_back(line)
        return delimiter_of(header, wanted.keys) or most_frequent_delimiter(header), head
    return DELIMITERS[0], head


def _columns(first: Cells, wanted: Wanted, name: str) -> tuple[list[str], bool]:
    """Names of the columns, and whether the first row holds them.

    Raises:
        CommandError: the wanted column is not there.
    """
    names = [cell.strip() for cell in first.cells]
    if wanted.of(names) is not None:
        filled = [name for name in names if name]
        if not wanted.lenient and len(set(filled)) != len(filled):
            listed = ", ".join(names)
            raise CommandError(f"{name}: line {first.line} has two columns of one name: {listed}")
        return _distinct(names), True
    value = next((index for index, cell in enumerate(names) if wanted.is_value(cell)), None)
    if value is None and (len(names) > 1 or not wanted.lenient):
        raise CommandError(
            f"{name}: line {first.line} has no column {wanted.columns[0]!r}; the file has:"
            f" {', '.join(names)}; name one with --column"
        )
    numbered = [str(number) for number in range(1, len(names) + 1)]
    numbered[value or 0] = wanted.columns[0]
    return numbered, False


def _distinct(names: Sequence[str]) -> list[str]:
    """The names; a further one of the same name, or one without, gets a number."""
    given: list[str] = []
    for index, written in enumerate(names, 1):
        name = written or str(index)
        number, free = 1, name
        while free in given:
            number += 1
            free = f"{name} ({number})"
        given.append(free)
    return given


def _or_empty(rows: Iterator[Row | BadRow], message: str) -> Iterator[Row | BadRow]:
    """The rows; raises CommandError where there is none."""
    first = next(rows, None)
    if first is None:
        raise CommandError(message, exit_code=1)
    yield first
    yield from rows
