"""``bounceledger check``: which recipients may be mailed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bounceledger_cli import recipient_report as report
from bounceledger_cli.console import Console
from bounceledger_cli.deployment import Deployment, api_errors
from bounceledger_cli.errors import CommandError
from bounceledger_cli.files import (
    STANDARD_OUTPUT,
    open_input,
    open_output,
    shown_name,
    size_of,
)
from bounceledger_cli.inputs import BadRow, Row, Rows, Wanted, read_rows
from bounceledger_cli.options import INPUT_FILE, api_options, column_option, encoding_option
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.progress import progress

if TYPE_CHECKING:
    from bounceledger_client import Api, SuppressionList

ON_ERROR = ("raise", "send", "hold")
LONG_FILE = 50_000
"""Bytes from which a file gets a progress bar: two or three calls of the API."""
_TICK = 200
"""Rows between two updates of the bar."""
_COLUMNS = ("address", "email", "email_address", "recipient")

_OUTPUT_FILE = click.Path(path_type=Path, allow_dash=True)


@make_command(
    "check",
    details="""
        Give addresses as arguments, or divide a whole list with --file before a send.

        A list has an address per line, or is a CSV file (commas, semicolons or tabs) or JSON
        with a column such as address or email. --clean gets the rows that may be mailed, as
        they are; --rejected gets the others, each with its reason in the columns
        rejected_reason, rejected_category, rejected_until and rejected_explanation in front.
        Both keep order, columns, line ends and encoding, and appear when they are complete.

        The caller needs execute-api:Invoke on POST /v1/suppressions/check, and
        cloudformation:DescribeStacks for --stack.
        """,
    examples="""
        bounceledger check ann@example.com --stack bounceledger
        bounceledger check --file leads.csv --clean send.csv --rejected rejected.csv
        bounceledger check --file leads.csv --clean - | head
        bounceledger check --json --file leads.jsonl --on-error hold
        """,
    exit_codes={
        0: "every recipient was checked, whatever the answer",
        1: "some rows cannot be read or were not answered for, or the list is empty",
        2: "wrong usage or input, or no answer from the API",
    },
)
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...", help="An email address.")
@click.option("--file", type=INPUT_FILE, metavar="FILE", help="A list; - for standard input.")
@click.option(
    "--clean",
    type=_OUTPUT_FILE,
    metavar="FILE",
    help="Write the rows that may be mailed to FILE; - for standard output.",
)
@click.option(
    "--rejected",
    type=_OUTPUT_FILE,
    metavar="FILE",
    help="Write the rows that may not be mailed to FILE, with the reasons.",
)
@column_option
@encoding_option
@click.option(
    "--on-error",
    type=click.Choice(ON_ERROR),
    default=ON_ERROR[0],
    metavar="CHOICE",
    help="If the API does not answer: raise (stop, the default), send (treat as may be mailed)"
    " or hold (treat as may not).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one per recipient.")
@api_options
def command(
    console: Console,
    *,
    addresses: tuple[str, ...],
    file: str | None,
    clean: Path | None,
    rejected: Path | None,
    column: str | None,
    encoding: str | None,
    on_error: Any,
    as_json: bool,
    deployment: Deployment,
    api: "Api | None" = None,
    long_file: int = LONG_FILE,
) -> int:
    """Check the recipients, and print or write what was found.

    Args:
        console: where to read and write.
        addresses: addresses.
        file: name of a list.
        clean: file for the rows that may be mailed; ``-`` for standard output.
        rejected: file for the others; likewise.
        column: the list's column with addresses; None for the usual names.
        encoding: its encoding; None to find it out.
        on_error: what it means if the API does not answer, one of `ON_ERROR`.
        as_json: print JSON.
        deployment: the API.
        api: the API; that of `deployment` by default.
        long_file: bytes from which a file gets a progress bar.

    Raises:
        CommandError: there is nothing to check, the API or a file cannot be used.
    """
    _require_one_task(addresses, file, clean, rejected, as_json=as_json)
    with api_errors():
        from bounceledger_cli.recipient_files import CleanFile, RejectedFile
        from bounceledger_client import SuppressionList

        suppressions = SuppressionList(api or deployment.api(), on_error=on_error)
        if file is None:
            return _check_arguments(console, addresses, suppressions, as_json=as_json)
        wanted = Wanted((column,) if column else _COLUMNS, is_value=_is_address, lenient=True)
        found = report.Found()
        with ExitStack() as stack:
            decoded = stack.enter_context(
                open_input(file, console, encoding=encoding or "", keep_line_ends=True)
            )
            rows = read_rows(decoded, wanted, name=shown_name(file), extension_of=file)
            clean_file, rejected_file = (
                stack.enter_context(open_output(path, console, source=file)) if path else None
                for path in (clean, rejected)
            )
            to_clean = clean_file and CleanFile(clean_file, decoded, rows)
            to_rejected = rejected_file and RejectedFile(rejected_file, decoded, rows)
            advance = stack.enter_context(
                progress(console, size_of(file), least=long_file, items=False)
            )
            recipients = _recipients(rows, wanted, found)
            key = _address_in(wanted)
            for outcome in suppressions.outcomes(recipients, key=key):
                if as_json:
                    line = outcome.recipient.line
                    console.json({"line": line, **report.record(outcome, key(outcome.recipient))})
                if outcome.keep and to_clean:
                    to_clean.write(outcome.recipient)
                elif not outcome.keep and to_rejected:
                    to_rejected.write(outcome)
                if found.add(outcome) % _TICK == 0:
                    advance(decoded.bytes_read)
    if not as_json:
        report.print_summary(console, found, error=console.stdout in (clean_file, rejected_file))
    found.report_problems(console, shown_name(file))
    return 1 if found.unreadable_count or found.unanswered else 0


def _require_one_task(
    addresses: tuple[str, ...],
    file: str | None,
    clean: Path | None,
    rejected: Path | None,
    *,
    as_json: bool,
) -> None:
    """Raise CommandError where the options leave open what to do."""
    outputs = [str(path) for path in (clean, rejected) if path is not None]
    if addresses and file is not None:
        raise CommandError("use either addresses or --file, not both")
    if not addresses and file is None:
        raise CommandError("nothing to check: give an address, or a list with --file")
    if outputs and file is None:
        raise CommandError("--clean and --rejected divide a list: give one with --file")
    if as_json and STANDARD_OUTPUT in outputs:
        raise CommandError("--json and a file both go to standard output; name a file")
    if clean is not None and rejected is not None and clean.resolve() == rejected.resolve():
        raise CommandError("--clean and --rejected are the same file")


# --------------------------------------------------------------------------- arguments


def _check_arguments(
    console: Console, addresses: tuple[str, ...], suppressions: "SuppressionList", *, as_json: bool
) -> int:
    unanswered = False
    for outcome in suppressions.outcomes(addresses):
        unanswered = unanswered or outcome.checked is None
        if as_json:
            console.json(report.record(outcome, outcome.recipient))
            continue
        console.line(f"{outcome.recipient}: {report.answer(outcome)}")
        if outcome.checked is not None and outcome.checked.explanation:
            console.paragraph(f"  {outcome.checked.explanation}")
    return 1 if unanswered else 0


# ------------------------------------------------------------------------------ a list


def _recipients(rows: Rows, wanted: Wanted, found: report.Found) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, BadRow):
            found.add_unreadable(row)
        elif wanted.of(row.fields) is None:
            found.add_unreadable(BadRow(row.line, "is required", wanted.columns[0]))
        else:
            yield row


def _address_in(wanted: Wanted) -> Callable[[Row], str]:
    def key(row: Row) -> str:
        """The address of a row; what is not a string cannot be one."""
        value = row.fields[wanted.of(row.fields) or ""]
        return value if isinstance(value, str) else ""

    return key


def _is_address(cell: str) -> bool:
    from bounceledger.addresses import normalise_address
    from bounceledger.errors import InputError

    try:
        normalise_address(cell)
    except InputError:
        return False
    return True
