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
    """
    body = [[_cell(cell) for cell in row] for row in rows]
    rich = console.rich(error=error)
    room = rich.width - indent
    kept = _columns_that_fit(columns, body, room, least_needed)
    left_out = [name for index, name in enumerate(columns) if index not in kept]
    body = [[row[index] for index in kept] for row in body]
    columns = [columns[index] for index in kept]
    longest = _widths(columns, body)
    gap = _GAP if sum(longest) + _GAP * (len(columns) - 1) <= room else 1
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), show_header=any(columns))
    least = 0
    for index, name in enumerate(columns):
        numeric = any(row[index] for row in body) and all(
            _NUMBER.fullmatch(row[index]) for row in body
        )
        smallest = longest[index] if numeric else min(longest[index], _FOLDED)
        least += smallest + (gap if index else 0)
        table.add_column(
            Text(name),
            header_style="bold",
            justify="right" if numeric else "left",
            min_width=smallest,
            no_wrap=numeric,
            overflow="fold",
        )
    for row in body:
        table.add_row(*map(Text, row))
    rich.width = max(room, least) + indent  # rather too wide than a number cut off
    with rich.capture() as drawn:
        if title:
            rich.print(Text(visible(title), style="bold"))
        rich.print(Padding(table, (0, 0, 0, indent), expand=False))
    stream = console.stderr if error else console.stdout
    stream.writelines(f"{line.rstrip()}\n" for line in drawn.get().splitlines())
    if left_out:
        said = f"not shown for lack of room: {', '.join(left_out)}"
        stream.writelines(f"{' ' * indent}{line}\n" for line in wrap(said, room))


def _columns_that_fit(
    columns: Sequence[str], body: Sequence[Sequence[str]], room: int, least_needed: Sequence[str]
) -> list[int]:
    """Which columns to show, so that there is a space between them at the least."""
    widths = dict(enumerate(_widths(columns, body)))
    for name in least_needed:
        if sum(widths.values()) + len(widths) - 1 <= room:
            break
        if name in columns:
            widths.pop(columns.index(name), None)
    return [*widths]


def _widths(columns: Sequence[str], body: Sequence[Sequence[str]]) -> list[int]:
    return [
        max(cell_len(cell) for cell in (name, *cells))
        for name, *cells in zip(columns, *body, strict=True)
    ]


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
