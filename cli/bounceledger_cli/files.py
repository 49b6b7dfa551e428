"""Opening input and output files; ``-`` stands for standard input."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from bounceledger_cli.console import Console
from bounceledger_cli.errors import CommandError

STANDARD_INPUT = "-"


def shown_name(name: str) -> str:
    """The name of an input in messages."""
    return "standard input" if name == STANDARD_INPUT else name


@contextmanager
def open_input(name: str, console: Console) -> Iterator[TextIO]:
    """Open a file for reading as UTF-8, whatever the locale; stray bytes become ``\\xff``.

    Args:
        name: path, or ``-`` for standard input.
        console: has standard input.

    Raises:
        CommandError: the file cannot be opened.
    """
    if name == STANDARD_INPUT:
        yield _utf8(console.stdin)
        return
    with _open(Path(name), "r") as stream:
        yield stream


@contextmanager
def open_output(path: Path | None, console: Console, *, source: str) -> Iterator[TextIO]:
    """Open a file for writing as UTF-8.

    Args:
        path: the file; None for standard output.
        console: has standard output.
        source: name of the input, which must not be overwritten.

    Raises:
        CommandError: the file cannot be opened, or it is the input.
    """
    if path is None:
        yield console.stdout
        return
    if source != STANDARD_INPUT and path.exists() and path.samefile(source):
        raise CommandError(f"{path}: output file is the same as the input file")
    with _open(path, "w") as stream:
        yield stream


def size_of(stream: TextIO) -> int:
    """Size of an open file in bytes; 0 for what has none, such as a pipe."""
    try:
        return os.fstat(stream.fileno()).st_size
    except (OSError, ValueError):
        return 0


def _open(path: Path, mode: Literal["r", "w"]) -> TextIO:
    try:
        return path.open(mode, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _utf8(stream: TextIO) -> TextIO:
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        return stream
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace")
