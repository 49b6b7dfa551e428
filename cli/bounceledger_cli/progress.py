"""The progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bounceledger_cli.console import Console


@contextmanager
def progress(
    console: Console, total: int, *, least: int, items: bool = True
) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, for long work at a terminal.

    Args:
        console: where to draw.
        total: how much there is to do, in items or in bytes.
        least: below this total there is no bar.
        items: show ``12/30``; otherwise a percentage.

    Yields:
        A function to call with how much is done so far.
    """
    if total < least or not console.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TimeRemainingColumn,
    )

    with Progress(
        BarColumn(),
        MofNCompleteColumn() if items else TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console.rich(error=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def counting(console: Console, *, hidden: bool = False) -> Iterator[Callable[[str], None]]:
    """A line on standard error, for work of unknown length at a terminal.

    Args:
        console: where to draw.
        hidden: draw nothing.

    Yields:
        A function to call with what is done so far, in words.
    """
    if hidden or not console.stderr.isatty():
        yield lambda _: None
        return
    from rich.status import Status
    from rich.text import Text

    with Status("", console=console.rich(error=True)) as status:
        yield lambda words: status.update(Text(words))
