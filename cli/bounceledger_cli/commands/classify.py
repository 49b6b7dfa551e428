"""``bounceledger classify``: what each diagnostic of a file means."""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, TextIO

from bounceledger.classify.classifier import classify
from bounceledger.classify.compiled import load_rules
from bounceledger.classify.engine import RuleSet
from bounceledger.classify.reply import parse_reply
from bounceledger.verdict import DISPOSITIONS, Category, Verdict
from bounceledger_cli.console import CommandError, Console, encode
from bounceledger_cli.records import BadRecord, Format, Record, read_records, utf8

NAME = "classify"
HELP = "Say what bounce diagnostics mean: JSON lines, CSV or plain lines to JSON lines."
EXAMPLES = """\
  bounceledger classify bounces.jsonl > judged.jsonl
  bounceledger classify export.csv --column reason --summary --output judged.jsonl
  grep status=bounced mail.log | bounceledger classify --format text"""

LONG_FILE = 1 << 20
"""Bytes from which a file gets a progress bar, on a terminal."""

_TICK = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="input; - or nothing for standard input. JSON lines need the field diagnostic and"
        " may have status, bounce_type, bounce_subtype and action; so may the columns of a CSV",
    )
    parser.add_argument(
        "--format",
        type=Format,
        choices=list(Format),
        default=Format.AUTO,
        metavar="FORMAT",
        help="auto (from the file's suffix, else from its first line), jsonl, csv or text",
    )
    parser.add_argument(
        "--column", default="diagnostic", help="CSV column with the diagnostic (%(default)s)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write here, not to stdout")
    parser.add_argument(
        "--rules", type=Path, metavar="FILE", help="rules of your own, asked before ours"
    )
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="report a bad line and go on (exit code 1); without it the first one stops (2)",
    )
    parser.add_argument(
        "--summary", action="store_true", help="print a table by category to stderr at the end"
    )


def run(args: argparse.Namespace, console: Console, *, long_file: int = LONG_FILE) -> int:
    """Classify the input line by line.

    Args:
        args: as `add_arguments` declares them.
        console: where to read and write.
        long_file: bytes from which a file gets a progress bar.

    Raises:
        CommandError: a file cannot be read or written, or a line is bad.
        RulesError: the file of `--rules` does not hold what it must.
    """
    rules = load_rules(args.rules.resolve() if args.rules else None)
    name = "standard input" if args.file == "-" else args.file
    counts: Counter[Category] = Counter()
    skipped = 0
    with ExitStack() as stack:
        stream = stack.enter_context(_input(args.file, console))
        advance = stack.enter_context(_progress(stream, console, long_file))
        write = stack.enter_context(_output(args.output, args.file, console))
        records = read_records(
            stream, name=_file_name(args.file), layout=args.format, column=args.column
        )
        for record in _ticking(records, advance):
            if isinstance(record, BadRecord):
                if not args.skip_bad:
                    raise CommandError(record.describe(name))
                console.error(record.describe(name))
                skipped += 1
                continue
            verdict = _judge(record, rules)
            counts[verdict.category] += 1
            write(encode(_answer(record, verdict)) + "\n")
    if args.summary:
        _summarise(counts, skipped, console)
    return 1 if skipped else 0


def _judge(record: Record, rules: RuleSet) -> Verdict:
    return classify(parse_reply(record.diagnostic), record.hints, rules=rules)


def _answer(record: Record, verdict: Verdict) -> dict[str, Any]:
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


def _summarise(counts: Counter[Category], skipped: int, console: Console) -> None:
    total = counts.total()
    rows = [
        (category.value, DISPOSITIONS[category].value, count, f"{count / total:.1%}")
        for category, count in counts.most_common()
    ]
    console.table(("category", "disposition", "replies", "share"), rows, error=True)
    console.note(f"{total} classified, {skipped} skipped")


def _file_name(file: str) -> str:
    return "" if file == "-" else file


@contextmanager
def _input(file: str, console: Console) -> Iterator[TextIO]:
    if file == "-":
        yield utf8(console.stdin)
        return
    with _open(Path(file), "r") as stream:
        yield stream


@contextmanager
def _output(path: Path | None, source: str, console: Console) -> Iterator[Callable[[str], object]]:
    if path is None:
        yield console.stdout.write
        return
    if source != "-" and path.exists() and path.samefile(source):
        raise CommandError(f"{path}: is the input")
    with _open(path, "w") as stream:
        yield stream.write


def _open(path: Path, mode: Literal["r", "w"]) -> TextIO:
    try:
        return path.open(mode, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


@contextmanager
def _progress(
    stream: TextIO, console: Console, long_file: int
) -> Iterator[Callable[[], None] | None]:
    """A bar over the bytes read, for a long file and a person who watches."""
    size = _size(stream)
    if size < long_file or not console.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    with Progress(
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console.rich(error=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=size)
        buffer = stream.buffer
        yield lambda: bar.update(task, completed=buffer.tell())


def _size(stream: TextIO) -> int:
    try:
        return os.fstat(stream.fileno()).st_size
    except (OSError, ValueError):
        return 0


def _ticking(
    records: Iterable[Record | BadRecord], advance: Callable[[], None] | None
) -> Iterator[Record | BadRecord]:
    for number, record in enumerate(records):
        if advance is not None and number % _TICK == 0:
            advance()
        yield record
