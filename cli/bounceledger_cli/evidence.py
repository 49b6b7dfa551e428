"""Collecting the evidence about a lead source, and writing it for its vendor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bounceledger_cli import evidence_pack
from bounceledger_cli.console import Console
from bounceledger_cli.errors import CommandError
from bounceledger_cli.evidence_list import VendorList, wanted_column
from bounceledger_cli.files import open_input, shown_name
from bounceledger_cli.inputs import read_rows
from bounceledger_cli.options import INPUT_FILE, column_option, encoding_option, lead_source
from bounceledger_cli.progress import counting
from bounceledger_cli.report import render_evidence
from bounceledger_cli.wording import counted, utc_time

if TYPE_CHECKING:
    from bounceledger_client import DeadAddress, SuppressionList

BAD_ROWS_SHOWN = 10
"""Rows of a vendor's file that are reported one by one; further ones are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRequest:
    """What is wanted.

    Attributes:
        source: the lead source.
        list_file: name of its vendor's file; None for none.
        column: that file's column with addresses; None for the usual names.
        encoding: its encoding; None to find it out.
        hashed: write hashes instead of addresses.
        output: the folder; None for the usual one.
        force: overwrite files in it.
    """

    source: str
    list_file: str | None = None
    column: str | None = None
    encoding: str | None = None
    hashed: bool = False
    output: Path | None = None
    force: bool = False


def evidence_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add ``--evidence`` and what belongs to it; the function gets an `EvidenceRequest` or None."""

    @wraps(function)
    def wrapper(
        *args: Any,
        evidence: str | None,
        list_file: str | None,
        column: str | None,
        encoding: str | None,
        hashed: bool,
        output: Path | None,
        force: bool,
        **options: Any,
    ) -> int:
        if evidence is None:
            given = {"--list": list_file, "--hash": hashed, "--output": output, "--force": force}
            for option, value in given.items():
                if value:
                    raise CommandError(f"{option} needs --evidence")
        if list_file is None and (column or encoding):
            raise CommandError("--column and --encoding are about --list: give one")
        request = evidence and EvidenceRequest(
            source=lead_source(evidence),
            list_file=list_file,
            column=column,
            encoding=encoding,
            hashed=hashed,
            output=output,
            force=force,
        )
        return function(*args, evidence=request, **options)

    for option in reversed(_OPTIONS):
        option(wrapper)
    return wrapper


_OPTIONS = (
    click.option(
        "--evidence", metavar="NAME", help="Write the evidence about a lead source into a folder."
    ),
    click.option(
        "--list",
        "list_file",
        type=INPUT_FILE,
        metavar="FILE",
        help="With --evidence: the vendor's own file, to join by address; - for standard input.",
    ),
    column_option,
    encoding_option,
    click.option(
        "--hash",
        "hashed",
        is_flag=True,
        help="With --evidence: write the SHA-256 of each address instead of the address.",
    ),
    click.option(
        "--output",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="With --evidence: the folder (default: evidence-NAME).",
    ),
    click.option("--force", is_flag=True, help="With --evidence: overwrite files in the folder."),
)


def write_evidence(
    console: Console,
    suppressions: "SuppressionList",
    wanted: EvidenceRequest,
    chosen: tuple[date | None, date | None],
    now: datetime,
) -> int:
    """Write the evidence and say where; the exit code.

    Args:
        console: where to read a list, and to report.
        suppressions: the API.
        wanted: what is wanted.
        chosen: first and last day; None for the API's defaults.
        now: the time, aware.

    Raises:
        CommandError: there is none (exit code 1), or a file cannot be read or written.
    """
    folder = wanted.output or evidence_pack.folder_of(wanted.source)
    evidence_pack.require_free(folder, force=wanted.force)
    answer, dead = _collect(console, suppressions, wanted.source, chosen)
    if not dead:
        raise CommandError(f"{wanted.source} has no dead addresses, {_days(answer)}", exit_code=1)
    listed = _read_list(console, wanted, {one.address for one in dead})
    summary = evidence_pack.summary_of(
        answer,
        dead,
        listed,
        generated_at=utc_time(now.replace(microsecond=0)) or "",
        hashed=wanted.hashed,
    )
    page = render_evidence(summary)
    written = evidence_pack.write(console, folder, dead, listed, page, hashed=wanted.hashed)
    addresses = counted(len(dead), "dead address", "dead addresses")
    console.line(f"{wanted.source}: {addresses}, {_days(answer)}")
    if listed is not None:
        _report_list(console, listed, len(dead))
    for path in written:
        console.line(f"  {path}")
    return 1 if listed and listed.bad_rows else 0


def _collect(
    console: Console,
    suppressions: "SuppressionList",
    source: str,
    chosen: tuple[date | None, date | None],
) -> "tuple[Mapping[str, Any], list[DeadAddress]]":
    """The API's answer about the source, and its dead addresses."""
    first, last = chosen
    answer = suppressions.source(source, first=first, last=last).fields
    first, last = (date.fromisoformat(answer[day]) for day in ("from", "to"))
    dead: dict[str, DeadAddress] = {}  # one that changes meanwhile may be there twice
    with counting(console) as show:
        for one in suppressions.evidence(source, first=first, last=last):
            dead[one.address] = one
            show(counted(len(dead), "dead address", "dead addresses"))
    return answer, [*dead.values()]


def _read_list(console: Console, wanted: EvidenceRequest, dead: set[str]) -> VendorList | None:
    """What the vendor's file has of the dead addresses; None without a file."""
    name = wanted.list_file
    if name is None:
        return None
    needed, shown = wanted_column(wanted.column), shown_name(name)
    listed = VendorList(shown)
    with open_input(name, console, encoding=wanted.encoding or "") as decoded:
        listed.add(read_rows(decoded, needed, name=shown, extension_of=name), needed, dead)
    return listed


def _report_list(console: Console, listed: VendorList, dead: int) -> None:
    missing = counted(dead - len(listed.rows), "dead address is", "dead addresses are")
    console.line(
        f"{listed.name}: {listed.dead_rows:,} of {counted(listed.total, 'row')} dead; "
        f"{missing} not in it"
    )
    for row in listed.bad_rows[:BAD_ROWS_SHOWN]:
        console.error(row.describe(listed.name))
    if (more := len(listed.bad_rows) - BAD_ROWS_SHOWN) > 0:
        console.error(f"and {counted(more, 'more row')} without a valid address")


def _days(answer: Mapping[str, Any]) -> str:
    return f"{answer['from']} to {answer['to']} (UTC)"
