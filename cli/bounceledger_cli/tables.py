"""Tables for terminals and pipes.

Cells are escaped and never interpreted as markup. Numbers are right-aligned. A table is
fitted to the terminal by folding its strings; in a pipe nothing is folded, so that another
program finds whole names.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bounceledger_cli.console import Console, visible

_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+ ?%?|-|")
"""Numbers as formatted for people; a dash or nothing for none."""


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
    """
    body = [[_cell(cell) for cell in row] for row in rows]
    table = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(columns), show_edge=False
    )
    for index, name in enumerate(columns):
        numeric = any(row[index] for row in body) and all(
            _NUMBER.fullmatch(row[index]) for row in body
        )
        table.add_column(
            Text(name),
            header_style="bold",
            justify="right" if numeric else "left",
            no_wrap=numeric,
            overflow="fold",
        )
    for row in body:
        table.add_row(*map(Text, row))
    rich = console.rich(error=error)
    with rich.capture() as drawn:
        if title:
            rich.print(Text(visible(title), style="bold"))
        rich.print(Padding(table, (0, 0, 0, indent), expand=False))
    stream = console.stderr if error else console.stdout
    stream.writelines(f"{line.rstrip()}\n" for line in drawn.get().splitlines())


def print_fields(console: Console, values: Mapping[str, Any]) -> None:
    """Print names and values in two columns."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in values.items():
        grid.add_row(Text(name), Text(visible(str(value))))
    console.rich().print(grid)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else visible(str(value))
