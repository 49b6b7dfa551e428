"""The streams of a run, and how untrusted strings are made safe for a terminal."""

import io
import json
import os
import sys
import unicodedata
from dataclasses import dataclass, field
from textwrap import fill
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that move the cursor, reorder the line or show nothing."""

_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False)

_UNLIMITED = 100_000
"""Width of output that no terminal shows: nothing is folded in a pipe or a file."""

_HEIGHT = 25
"""Lines of a terminal: rich uses our width only where it is also given a height."""
_USUAL = 80
"""Width of a terminal that does not say how wide it is."""


def visible(text: str) -> str:
    """`text` on one line, with everything that could control a terminal escaped.

    Control characters, direction overrides, zero-width characters and lone surrogates
    become ``\\x1b`` or ``\\u202e``; everything else is kept.
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
    """`value` as one line of JSON in ASCII.

    Raises:
        ValueError: a number that JSON cannot represent.
    """
    return _ENCODER.encode(value)


@dataclass(slots=True)
class Console:
    """The three streams of one run of the command.

    Results go to `stdout`; progress, notes and errors go to `stderr`.
    """

    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)

    @classmethod
    def of_process(cls) -> Self:
        """The process's own streams.

        A pipe or file gets UTF-8 whatever the locale, so that names arrive whole; at a
        terminal, characters that its encoding lacks are escaped.
        """
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
                if not stream.isatty():
                    stream.reconfigure(encoding="utf-8")
        return cls()

    def json(self, value: object) -> None:
        """Write one line of JSON to standard output."""
        self.stdout.write(encode(value) + "\n")

    def line(self, text: str = "") -> None:
        """Write one line to standard output, hidden characters escaped."""
        self.stdout.write(visible(text) + "\n")

    def paragraph(self, text: str) -> None:
        """Write text to standard output, hidden characters escaped, wrapped at a terminal."""
        wrapped = fill(visible(text), _width_of(self.stdout), subsequent_indent="  ")
        self.stdout.write(wrapped + "\n")

    @property
    def text_width(self) -> int:
        """Columns at which running text is wrapped: 80 at most, and in a pipe it is not."""
        width = _width_of(self.stdout)
        return width if width == _UNLIMITED else min(width, _USUAL)

    def note(self, text: str) -> None:
        """Write one line to standard error, hidden characters escaped."""
        self.stderr.write(visible(text) + "\n")

    def error(self, text: str) -> None:
        """Write an error message to standard error."""
        self.note(f"bounceledger: {text}")

    def rich(self, *, error: bool = False) -> "RichConsole":
        """A rich console on standard output (or standard error) that interprets no markup.

        It is as wide as the terminal; in a pipe or a file nothing is folded.
        """
        from rich.console import Console as RichConsole

        class Drawing(RichConsole):
            """Leaves a reader that is gone to `main`; rich would exit with 1 by itself."""

            def on_broken_pipe(self) -> None:
                raise  # noqa: PLE0704 - rich calls this while it handles the error

        stream = self.stderr if error else self.stdout
        return Drawing(
            file=stream,
            width=_width_of(stream),
            height=_HEIGHT,
            markup=False,
            emoji=False,
            highlight=False,
        )


def _width_of(stream: TextIO) -> int:
    """Columns of the terminal behind a stream; `_UNLIMITED` where there is none."""
    if not stream.isatty():
        return _UNLIMITED
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL
    except (OSError, ValueError):
        return _USUAL
