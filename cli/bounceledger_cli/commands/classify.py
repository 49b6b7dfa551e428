"""``bounceledger classify``: what each diagnostic of a file means."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bounceledger_cli.console import Console, encode
from bounceledger_cli.errors import CommandError
from bounceledger_cli.files import STANDARD_INPUT, open_input, open_output, shown_name, size_of
from bounceledger_cli.options import INPUT_FILE
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.progress import progress
from bounceledger_cli.records import HINTS, BadRecord, Layout, Record, read_records

if TYPE_CHECKING:
    from bounceledger.classify.engine import RuleSet
    from bounceledger.verdict import Category, Verdict

LONG_FILE = 1 << 20
"""Bytes from which a file gets a progress bar, at a terminal."""

_TICK = 500
"""Records between two updates of the bar."""


@make_command(
    "classify",
    details="""
        Prints JSON Lines: the fields of each record, then category, disposition, scope,
        rule, reply_code and enhanced_status.

        JSON Lines need the field diagnostic and may have status, bounce_type,
        bounce_subtype and action; CSV may have the same columns.
        """,
    examples="""
        bounceledger classify bounces.jsonl > classified.jsonl
        bounceledger classify export.csv --column reason --summary
        grep status=bounced mail.log | bounceledger classify --format text
        """,
    exit_codes={
        0: "every record was classified",
        1: "some lines were skipped, with --skip-bad",
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
    help="jsonl, csv, text or auto (default: auto, by file extension or else by the first line).",
)
@click.option(
    "--column",
    default="diagnostic",
    metavar="NAME",
    help="CSV column with the diagnostic (default: diagnostic).",
)
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
    column: str,
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
        column: CSV column with the diagnostic.
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
        stream = stack.enter_context(open_input(file, console))
        size = size_of(stream)
        advance = stack.enter_context(progress(console, size, least=long_file, items=False))
        target = stack.enter_context(open_output(output, console, source=file))
        records = read_records(
            stream,
            name="" if file == STANDARD_INPUT else file,
            layout=Layout(layout),
            column=column,
        )
        buffer = stream.buffer if size else None
        for record in _ticking(records, lambda: advance(buffer.tell() if buffer else 0)):
            if isinstance(record, BadRecord):
                message = record.describe(shown_name(file))
                if not skip_bad:
                    raise CommandError(message)
                console.error(message)
                skipped += 1
                continue
            verdict = _classify(record, rules)
            totals[verdict.category] += 1
            target.write(encode(_answer(record, verdict)) + "\n")
    if summary:
        _print_summary(console, totals, skipped)
    return 1 if skipped else 0


def _classify(record: Record, rules: "RuleSet") -> "Verdict":
    from bounceledger.classify.classifier import classify
    from bounceledger.classify.reply import parse_reply
    from bounceledger.classify.traits import Hints
    from bounceledger.providers.ses import read_bounce_type

    status, bounce_type, bounce_subtype, action = (record.hints.get(name, "") for name in HINTS)
    hints = Hints(status, *read_bounce_type(bounce_type, bounce_subtype), action)
    return classify(parse_reply(record.diagnostic), hints, rules=rules)


def _answer(record: Record, verdict: "Verdict") -> dict[str, Any]:
    """The input's fields, then ours; an input field of the same name gets a prefix."""
    ours = {
        "category": verdict.category.value,
        "disposition": verdict.disposition.value,
        "scope": verdict.scope.value,
        "rule": verdict.rule,
        "reply_code": verdict.reply_code,
        "enhanced_status": verdict.enhanced_status,
    }
    if ours.keys().isdisjoint(record.fields):
        return record.fields | ours
    kept: dict[str, Any] = {}
    for name, value in record.fields.items():
        free = name
        while free in ours or (free != name and free in record.fields):
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


def _ticking(
    records: Iterable[Record | BadRecord], advance: Callable[[], None]
) -> Iterator[Record | BadRecord]:
    for number, record in enumerate(records):
        if number % _TICK == 0:
            advance()
        yield record
