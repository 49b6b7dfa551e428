"""``bounceledger classify``: what each diagnostic of a file means."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bounceledger_cli.console import Console, encode
from bounceledger_cli.diagnostics import COLUMNS, Diagnostics
from bounceledger_cli.errors import CommandError
from bounceledger_cli.files import STANDARD_INPUT, open_input, open_output, shown_name, size_of
from bounceledger_cli.inputs import BadRow, Layout, Row, Wanted, read_rows
from bounceledger_cli.options import INPUT_FILE, column_option, encoding_option
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.progress import progress
from bounceledger_cli.wording import counted

if TYPE_CHECKING:
    from bounceledger.verdict import Category, Verdict

LONG_FILE = 1 << 20
"""Bytes from which a file gets a progress bar, at a terminal."""

_TICK = 500
"""Records between two updates of the bar."""


@make_command(
    "classify",
    details="""
        Reads JSON (objects on lines, a list, or one that is spread over lines), CSV with a
        header (commas, semicolons or tabs), or plain text with a reply on each line.

        JSON objects and CSV need diagnostic or diagnostic_code, and may have enhanced_status
        or status, bounce_type, bounce_subtype and action; capitals, spaces and hyphens in
        names do not matter. SES events give the replies of their bounced recipients.

        Prints JSON Lines: the fields of each record, then category, disposition, scope,
        rule, matched, reply_code and enhanced_status.
        """,
    examples="""
        bounceledger classify bounces.jsonl > classified.jsonl
        bounceledger classify export.csv --column reason --summary
        bounceledger classify ses-events.json
        grep status=bounced mail.log | bounceledger classify --format text
        """,
    exit_codes={
        0: "every record was classified",
        1: "some lines were skipped, with --skip-bad, or the input is empty",
        2: "wrong usage or input",
    },
)
@click.argument(
    "file",
    type=INPUT_FILE,
    default=STANDARD_INPUT,
    metavar="[FILE]",
    help="Input file; omit it, or give -, for standard input.",
)
@click.option(
    "--format",
    "layout",
    type=click.Choice([layout.value for layout in Layout]),
    default=Layout.AUTO.value,
    metavar="FORMAT",
    help="json, csv, text or auto (default: auto, by file extension or else by the first line).",
)
@column_option
@encoding_option
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to FILE instead of standard output.",
)
@click.option(
    "--rules",
    "rules_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own rules, tried before the built-in ones.",
)
@click.option(
    "--skip-bad",
    is_flag=True,
    help="Report bad lines and continue; without it the first one stops the command.",
)
@click.option(
    "--summary", is_flag=True, help="Print totals by category to standard error at the end."
)
def command(
    console: Console,
    *,
    file: str,
    layout: str,
    column: str | None,
    encoding: str | None,
    output: Path | None,
    rules_file: Path | None,
    skip_bad: bool,
    summary: bool,
    long_file: int = LONG_FILE,
) -> int:
    """Classify the input record by record.

    Args:
        console: where to read and write.
        file: name of the input, ``-`` for standard input.
        layout: a `Layout`.
        column: column or JSON field with the diagnostic; None for the usual names.
        encoding: of the input; None to find it out.
        output: file to write to; standard output if None.
        rules_file: further rules.
        skip_bad: continue after a bad line.
        summary: print totals at the end.
        long_file: bytes from which a file gets a progress bar.

    Raises:
        CommandError: a file cannot be read or written, or a line is bad.
        RulesError: the rules file is malformed.
    """
    from bounceledger.classify.compiled import load_rules

    rules = load_rules(rules_file.resolve() if rules_file else None)
    totals: Counter[Category] = Counter()
    skipped = 0
    with ExitStack() as stack:
        decoded = stack.enter_context(open_input(file, console, encoding=encoding or ""))
        size = size_of(file)
        advance = stack.enter_context(progress(console, size, least=long_file, items=False))
        target = stack.enter_context(open_output(output, console, source=file))
        wanted = Wanted((column,) if column else COLUMNS, plain_text=column is None)
        name = shown_name(file)
        extension_of = "" if file == STANDARD_INPUT else file
        rows = read_rows(
            decoded, wanted, name=name, extension_of=extension_of, layout=Layout(layout)
        )
        found = Diagnostics(_ticking(rows, lambda: advance(decoded.bytes_read)), wanted)
        for diagnostic in found:
            if isinstance(diagnostic, BadRow):
                message = diagnostic.describe(name)
                if not skip_bad:
                    raise CommandError(message)
                console.error(message)
                skipped += 1
                continue
            verdict = diagnostic.verdict(rules)
            totals[verdict.category] += 1
            target.write(encode(_answer(diagnostic.fields, verdict)) + "\n")
        if found.other_events and not totals and not skipped:
            raise CommandError(f"{name} holds events, but no bounces", exit_code=1)
    if found.other_events:
        left_out = counted(
            found.other_events, "event that is not a bounce", "events that are not bounces"
        )
        console.note(f"{left_out} left out")
    if summary:
        _print_summary(console, totals, skipped)
    return 1 if skipped else 0


def _answer(fields: Mapping[str, Any], verdict: "Verdict") -> dict[str, Any]:
    """The input's fields, then ours; an input field of the same name gets a prefix."""
    from bounceledger.api import responses

    ours = responses.verdict(verdict)
    if ours.keys().isdisjoint(fields):
        return {**fields, **ours}
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        free = name
        while free in ours or (free != name and free in fields):
            free = f"input_{free}"
        kept[free] = value
    return kept | ours


def _print_summary(console: Console, totals: "Counter[Category]", skipped: int) -> None:
    from bounceledger.verdict import DISPOSITIONS
    from bounceledger_cli.tables import percent, print_table

    rows = [
        (category.value, DISPOSITIONS[category].value, count, percent(count, totals.total()))
        for category, count in totals.most_common()
    ]
    if rows:
        print_table(console, ("category", "disposition", "replies", "share"), rows, error=True)
    console.note(f"{totals.total():,} classified, {skipped:,} skipped")


def _ticking(rows: Iterable[Row | BadRow], advance: Callable[[], None]) -> Iterator[Row | BadRow]:
    for number, row in enumerate(rows):
        if number % _TICK == 0:
            advance()
        yield row
