"""Tables for terminals and pipes.

Cells are escaped and never interpreted as markup. Numbers are right-aligned. A table is
fitted to the terminal by folding its strings; in a pipe nothing is folded, so that another
program finds whole names.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bounceledger_cli.console import Console, visible

_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+ ?%?|-|")
"""Numbers as formatted for people; a dash or nothing for none."""

_GAP = 2
"""Spaces between columns, where there is room; otherwise one."""
_FOLDED = 16
"""Columns below which a string is not folded."""


def percent(part: int, whole: int) -> str:
    """A share with one decimal, such as ``6.3%``; a dash where there is no whole."""
    return f"{part / whole:.1%}" if whole else "-"


def print_table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    indent: int = 0,
    error: bool = False,
    least_needed: Sequence[str] = (),
    whole: str = "",
) -> None:
    """Print rows in columns.

    Args:
        console: where to print.
        columns: headings; if all are empty the table has none.
        rows: one cell for each column. Numbers, and columns that hold nothing but
            formatted numbers, are right-aligned.
        title: a line above the table.
        indent: spaces before each line.
        error: print to standard error instead of standard output.
        least_needed: headings of columns that are left out, in this order, where the
            terminal has no room for all.
        whole: heading of a column that others make room for: its strings are folded only
            where they take more than two fifths of the terminal.
    """
    body = [[_cell(cell) for cell in row] for row in rows]
    rich = console.rich(error=error)
    room = rich.width - indent
    every = [
        _Column(name, cells, room * 2 // 5 if name == whole else _FOLDED)
        for name, *cells in zip(columns, *body, strict=True)
    ]
    kept = _that_fit(every, room, least_needed)
    between = len(kept) - 1
    gap = _GAP if sum(column.longest for column in kept) + _GAP * between <= room else 1
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), show_header=any(columns))
    for column in kept:
        table.add_column(
            Text(column.name),
            header_style="bold",
            justify="right" if column.numeric else "left",
            min_width=column.smallest,
            no_wrap=column.numeric,
            overflow="fold",
        )
    for row in zip(*(column.cells for column in kept), strict=True):
        table.add_row(*map(Text, row))
    least = sum(column.smallest for column in kept) + gap * between
    rich.width = max(room, least) + indent  # rather too wide than a number cut off
    with rich.capture() as drawn:
        if title:
            rich.print(Text(visible(title), style="bold"))
        rich.print(Padding(table, (0, 0, 0, indent), expand=False))
    stream = console.stderr if error else console.stdout
    stream.writelines(f"{line.rstrip()}\n" for line in drawn.get().splitlines())
    if left_out := [column.name for column in every if column not in kept]:
        said = f"not shown for lack of room: {', '.join(left_out)}"
        stream.writelines(f"{' ' * indent}{line}\n" for line in wrap(said, room))


class _Column:
    """One column of a table.

    Attributes:
        name: its heading.
        cells: its cells.
        numeric: whether it holds numbers only.
        longest: columns of a terminal that it takes.
        smallest: those that it takes when strings are folded, which numbers never are, and
            strings only beyond `folded` columns.
    """

    def __init__(self, name: str, cells: Sequence[str], folded: int) -> None:
        self.name = name
        self.cells = cells
        self.numeric = any(cells) and all(map(_NUMBER.fullmatch, cells))
        self.longest = max(map(cell_len, (name, *cells)))
        self.smallest = self.longest if self.numeric else min(self.longest, folded)


def _that_fit(columns: Sequence[_Column], room: int, least_needed: Sequence[str]) -> list[_Column]:
    """The columns to show: as few as possible are left out."""
    kept = list(columns)
    for name in least_needed:
        if sum(column.smallest for column in kept) + len(kept) - 1 <= room:
            break
        kept = [column for column in kept if column.name != name]
    return kept


def field_lines(fields: Iterable[tuple[str, object]], width: int) -> Iterator[Text]:
    """Names and values in two columns.

    Args:
        fields: names and values.
        width: columns at which values are wrapped.
    """
    pairs = [(name, visible(str(value))) for name, value in fields]
    indent = max((len(name) for name, _ in pairs), default=0) + _GAP
    for name, value in pairs:
        first, *more = wrap(value, width - indent) or [""]
        yield Text.assemble((f"{name:<{indent}}", "bold"), first)
        yield from (Text(" " * indent + line) for line in more)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else visible(str(value))
