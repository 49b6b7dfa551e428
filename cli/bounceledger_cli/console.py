"""Where the command reads and writes, and how text from strangers is made harmless."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that move the cursor, reorder the line or show nothing."""


_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False)


class CommandError(Exception):
    """Ends a command with one message for people.

    Attributes:
        exit_code: what the process answers; 2 stands for input that cannot be used.
    """

    def __init__(self, message: str, *, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def visible(text: str) -> str:
    """`text` on one line, with whatever could steer a terminal written as an escape.

    Control characters, direction overrides, zero-width characters and lone surrogates
    come out as ``\\x1b`` or ``\\u202e``; everything else is kept.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii")
        if unicodedata.category(char) in _HIDDEN
        else char
        for char in text
    )


def encode(value: object) -> str:
    """`value` as one line of JSON, printable on any terminal.

    Raises:
        ValueError: a number that JSON cannot hold.
    """
    return _ENCODER.encode(value)


@dataclass(slots=True)
class Console:
    """The three streams of one run of the command.

    Answers go to `stdout`, everything said about the work itself to `stderr`.
    """

    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)

    def json(self, value: object) -> None:
        """Write one line of JSON to standard output."""
        self.stdout.write(encode(value) + "\n")

    def line(self, text: str = "") -> None:
        """Write one line to standard output, hidden characters escaped."""
        self.stdout.write(visible(text) + "\n")

    def note(self, text: str) -> None:
        """Write one line about the work to standard error, hidden characters escaped."""
        self.stderr.write(visible(text) + "\n")

    def error(self, text: str) -> None:
        """Write why the command stops to standard error."""
        self.note(f"bounceledger: {text}")

    def rich(self, *, error: bool = False) -> RichConsole:
        """A rich console on standard output (or error) that interprets no markup."""
        return RichConsole(
            file=self.stderr if error else self.stdout,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        *,
        title: str = "",
        error: bool = False,
    ) -> None:
        """Print a table; numbers stand right, texts are escaped and never interpreted."""
        body = [tuple(row) for row in rows]
        table = Table(title=Text(visible(title)) if title else None, title_justify="left")
        for index, name in enumerate(columns):
            numeric = bool(body) and all(isinstance(row[index], int | float) for row in body)
            table.add_column(Text(name), justify="right" if numeric else "left")
        for row in body:
            table.add_row(*(Text(visible(str(cell))) for cell in row))
        self.rich(error=error).print(table)

    def fields(self, values: Mapping[str, Any]) -> None:
        """Print names and values in two columns, without a border."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in values.items():
            grid.add_row(Text(name), Text(visible(str(value))))
        self.rich().print(grid)
