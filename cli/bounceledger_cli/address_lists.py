"""Lists of addresses or domains as people export them: one per line, or CSV.

A CSV file has commas, semicolons or tabs, and a header with a column such as ``Email``,
and perhaps ``Lead Source``. Empty lines and lines that begin with ``#`` are skipped.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple, TextIO

from bounceledger.addresses import clean_lead_source
from bounceledger_cli.errors import CommandError

ADDRESS_COLUMNS = ("address", "email", "email_address", "e_mail", "recipient", "domain")
SOURCE_COLUMNS = ("lead_source", "source")
NO_SOURCE = "unattributed"
"""Lead source of a row of a list with lead sources whose own cell is empty."""


class Entry(NamedTuple):
    """One row of a list.

    Attributes:
        line: number of the line, from 1.
        text: an address or a domain as it was written; not validated.
        lead_source: its lead source; empty in a list that has none.
    """

    line: int
    text: str
    lead_source: str


class AddressList:
    """A list that is read row by row; iterate over it for its entries.

    Attributes:
        has_lead_sources: whether the list has a column of lead sources.
    """

    def __init__(self, stream: TextIO, *, name: str) -> None:
        """Read the header.

        Args:
            stream: the list.
            name: its name in messages.

        Raises:
            CommandError: the first line is not valid CSV.
        """
        self._name = name
        self._line = 0
        lines = self._lines(stream)
        first_line = next(lines, "")
        self._rows = csv.reader(chain([first_line], lines), delimiter=_delimiter(first_line))
        self._first = self._next_row() or []
        names = [re.sub(r"[\s-]+", "_", cell.strip("\ufeff \t").lower()) for cell in self._first]
        address = _column(names, ADDRESS_COLUMNS)
        self._source = _column(names, SOURCE_COLUMNS) if address is not None else None
        self._has_header = address is not None
        self._address = address or 0
        self.has_lead_sources = self._source is not None

    def __iter__(self) -> Iterator[Entry]:
        """The entries; raises CommandError where the file is not valid CSV."""
        if not self._has_header and any(self._first):
            yield self._entry(self._first)
        while (row := self._next_row()) is not None:
            if any(row):
                yield self._entry(row)

    def _next_row(self) -> list[str] | None:
        try:
            return next(self._rows, None)
        except csv.Error as error:
            message = f"{self._name}: line {self._line} is not valid CSV: {error}"
            raise CommandError(message) from error

    def _entry(self, row: list[str]) -> Entry:
        cells = dict(enumerate(row))
        source = ""
        if self._source is not None:
            source = clean_lead_source(cells.get(self._source, "")) or NO_SOURCE
        return Entry(self._line, cells.get(self._address, "").strip("\ufeff \t\r\n"), source)

    def _lines(self, stream: TextIO) -> Iterator[str]:
        """Lines that are neither empty nor comments; `_line` is the number of the last."""
        for number, line in enumerate(stream, 1):
            text = line.strip("\ufeff \t\r\n")
            if text and not text.startswith("#"):
                self._line = number
                yield line


def _delimiter(line: str) -> str:
    """The delimiter that is most frequent in the first line."""
    return max(",;\t", key=line.count)


def _column(names: list[str], wanted: Iterable[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)
