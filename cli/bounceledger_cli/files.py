"""Opening input and output files; ``-`` stands for standard input."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from bounceledger_cli.console import Console
from bounceledger_cli.errors import CommandError
from bounceledger_cli.inputs import DecodedInput

STANDARD_INPUT = STANDARD_OUTPUT = "-"


def shown_name(name: str) -> str:
    """The name of an input in messages."""
    return "standard input" if name == STANDARD_INPUT else name


@contextmanager
def open_input(
    name: str, console: Console, *, encoding: str = "", keep_line_ends: bool = False
) -> Iterator[DecodedInput]:
    """Open a file for reading as text, whatever its encoding.

    Args:
        name: path, or ``-`` for standard input.
        console: has standard input; is told about a guess of the encoding.
        encoding: Python's name of the encoding; empty to find it out.
        keep_line_ends: leave the ends of lines as they are.

    Raises:
        CommandError: the file cannot be opened.
    """
    with ExitStack() as stack:
        source = console.stdin.buffer
        if name != STANDARD_INPUT:
            try:
                source = stack.enter_context(Path(name).open("rb"))
            except OSError as error:
                raise CommandError(f"{name}: {error.strerror}") from error
        yield DecodedInput(
            source,
            name=shown_name(name),
            encoding=encoding,
            keep_line_ends=keep_line_ends,
            announce=console.error,
        )


@contextmanager
def open_output(path: Path | None, console: Console, *, source: str) -> Iterator[TextIO]:
    """Open a file for writing as UTF-8, which appears when it is complete.

    What is written goes to a new file beside it, which takes its place at the end; so after
    an error, the old file is still there. A device or a pipe is written to directly.

    Args:
        path: the file; None or ``-`` for standard output.
        console: has standard output.
        source: name of the input, which must not be overwritten.

    Raises:
        CommandError: the file cannot be written, or it is the input.
    """
    if path is None or str(path) == STANDARD_OUTPUT:
        yield console.stdout
        return
    if source != STANDARD_INPUT and path.exists() and path.samefile(source):
        raise CommandError(f"{path}: output file is the same as the input file")
    if path.exists() and not path.is_file():
        with _open_for_writing(path) as stream:
            yield stream
        return
    target = path.resolve()  # a symbolic link stays one
    unfinished = _beside(target)
    try:
        with unfinished.open("w", encoding="utf-8", errors="backslashreplace") as stream:
            yield stream
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _beside(target: Path) -> Path:
    """A new empty file in the folder of `target`, with its permissions or the usual ones."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        created = Path(name)
        created.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
    except OSError as error:
        raise CommandError(f"{target}: {error.strerror}") from error
    return created


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def size_of(name: str) -> int:
    """Size of a file in bytes; 0 for what has none, such as a pipe."""
    return Path(name).stat().st_size if name != STANDARD_INPUT and Path(name).is_file() else 0


def _open_for_writing(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
