"""``bounceledger audit``: which lead sources supply dead addresses, and the evidence."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bounceledger_cli.audit_figures import Document, document, with_details
from bounceledger_cli.audit_tables import print_audit, print_source, write_lines
from bounceledger_cli.console import Console
from bounceledger_cli.days import Clock, Days, utc_now
from bounceledger_cli.deployment import Deployment, api_errors
from bounceledger_cli.errors import CommandError
from bounceledger_cli.evidence import EvidenceRequest, evidence_options, write_evidence
from bounceledger_cli.files import STANDARD_INPUT, STANDARD_OUTPUT, open_output
from bounceledger_cli.options import api_options, day_options, json_option, lead_source
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.progress import counting, progress
from bounceledger_cli.report import detailed_sources, render, require
from bounceledger_cli.report.wording import headline
from bounceledger_cli.reputation import read_bounce_rate
from bounceledger_cli.wording import counted

if TYPE_CHECKING:
    from bounceledger_client import Api, SuppressionList

type ReadBounceRate = Callable[["Api", date, datetime], float | None]
"""SES's own bounce rate at the end of a day; see `reputation.read_bounce_rate`."""


@make_command(
    "audit",
    details="""
        Each source has the share of its addresses that turned out dead, the 95 % interval of
        that share, and a verdict: bad, watch, good, or too little data, with how many more
        addresses are needed. What was blocked because of the sender, the message or the path
        counts against no source. docs/audit.md explains every figure.

        Prints a table at a terminal, and lines with tabs in a pipe or a file, in which a cell
        that a spreadsheet would run as a formula begins with an apostrophe. --source shows one
        source in full; --html writes a page with details of the 20 worst, and of 20 with too
        little data.

        --evidence writes what to send to a vendor into a folder: dead-addresses.csv, with the
        servers' replies, and summary.html, with the method. --list joins that with the vendor's
        own file (CSV, JSON or an address per line, with a column such as address or email), so
        that its columns and line numbers are there; dead addresses that the file lacks go to
        not-in-list.csv.

        Without --from and --to, an audit of more than 100 sources is the one that the deployment
        made last; it is made daily.

        The caller needs execute-api:Invoke on GET /v1/sources and GET /v1/sources/*; for
        --evidence on GET /v1/sources/*/evidence, too; and cloudformation:DescribeStacks for
        --stack. With cloudwatch:GetMetricData, the bounce rate that SES reports is shown.
        """,
    examples="""
        bounceledger audit --stack bounceledger
        bounceledger audit --from 2026-08-29 --to 2026-11-26 --html report.html
        bounceledger audit --source webinar-2026
        bounceledger audit --json > audit.json
        bounceledger audit --evidence webinar-2026 --list vendor.csv
        """,
    exit_codes={
        0: "the audit was made, whatever the verdicts",
        1: "the source has no dead addresses, or rows of --list cannot be read",
        2: "wrong usage or input, or no answer from the API",
    },
)
@day_options
@click.option("--source", metavar="NAME", help="Show one lead source in full.")
@json_option
@click.option(
    "--html",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write the audit as an HTML page to FILE; - for standard output.",
)
@evidence_options
@api_options
def command(
    console: Console,
    *,
    days: Days,
    source: str | None,
    as_json: bool,
    html: Path | None,
    evidence: EvidenceRequest | None,
    deployment: Deployment,
    api: "Api | None" = None,
    clock: Clock = utc_now,
    read_rate: ReadBounceRate | None = None,
) -> int:
    """Print the audit, or write a page or the evidence about a source.

    Args:
        console: where to read and write.
        days: the days.
        source: a lead source to show in full; None for all.
        as_json: print JSON.
        html: file for the page.
        evidence: the evidence to write; None for none.
        deployment: the API.
        api: the API; that of `deployment` by default.
        clock: the time.
        read_rate: reads SES's own bounce rate; from CloudWatch by default.

    Raises:
        CommandError: wrong options, or the API or a file cannot be used.
    """
    _require_one_task(source, html, evidence, as_json=as_json)
    now = clock()
    chosen = days.resolve(now.date()) if days != Days() else (None, None)
    if html is not None or evidence is not None:
        require()
    with api_errors():
        from bounceledger_client import SuppressionList

        api = api or deployment.api()
        suppressions = SuppressionList(api)
        if evidence is not None:
            return write_evidence(console, suppressions, evidence, chosen, now)
        read = read_rate or partial(read_bounce_rate, endpoint_url=deployment.endpoint_url)
        found = _audit(console, suppressions, chosen, now, partial(read, api))
        if source is not None:
            found["sources"] = [_in_full(suppressions, found, lead_source(source))]
        elif html is not None:
            _add_details(console, suppressions, found)
    if html is not None:
        _write_page(console, html, found, as_json=as_json)
    if as_json:
        console.json(found)
    elif source is not None:
        print_source(console, found, found["sources"][0], now)
    elif html is None:
        show = print_audit if console.stdout.isatty() else write_lines
        show(console, found, now)
    return 0


def _require_one_task(
    source: str | None, html: Path | None, evidence: EvidenceRequest | None, *, as_json: bool
) -> None:
    """Raise CommandError where the options leave open what to do."""
    if evidence is not None and (source is not None or as_json or html is not None):
        raise CommandError("use --evidence without --source, --json and --html")
    if html is not None and source is not None:
        raise CommandError("use either --source or --html, not both")
    if html is not None and str(html) == STANDARD_OUTPUT and as_json:
        raise CommandError("--json and --html both go to standard output; name a file")


# ----------------------------------------------------------------------------- the audit


def _audit(
    console: Console,
    suppressions: "SuppressionList",
    chosen: tuple[date | None, date | None],
    now: datetime,
    read_rate: Callable[[date, datetime], float | None],
) -> Document:
    """The audit of all lead sources."""
    pages: list[Mapping[str, Any]] = []
    rows: list[Mapping[str, Any]] = []

    first, last = chosen
    with counting(console) as show:
        for one in suppressions.sources(first=first, last=last, on_page=pages.append):
            rows.append(one.fields)
            show(counted(len(rows), "lead source"))
        show("SES's bounce rate")
        rate = read_rate(date.fromisoformat(pages[-1]["to"]), now)
    return document(rows, pages, now=now, reported_bounce_rate=rate)


def _in_full(suppressions: "SuppressionList", found: Document, name: str) -> Document:
    """One source of the audit with everything that the API knows about it."""
    source = next((one for one in found["sources"] if one["source"] == name), None)
    if source is None:
        made = found["generated_at"]
        raise CommandError(
            f"no lead source {name!r} from {found['from']} to {found['to']} (UTC), as of {made}\n"
            "'bounceledger audit' lists them; with --from or --to, it has those that are new, too"
        )
    return with_details(source, _details(suppressions, found, name))


def _add_details(console: Console, suppressions: "SuppressionList", found: Document) -> None:
    """Add everything about those sources that the page describes one by one."""
    places = detailed_sources(found["sources"])
    with progress(console, len(places), least=2) as advance:
        for done, (place, source) in enumerate(places.items(), 1):
            answer = _details(suppressions, found, source["source"])
            found["sources"][place - 1] = with_details({**source}, answer)
            advance(done)


def _details(suppressions: "SuppressionList", found: Document, name: str) -> Mapping[str, Any]:
    first, last = (date.fromisoformat(found[day]) for day in ("from", "to"))
    return suppressions.source(name, first=first, last=last).fields


def _write_page(console: Console, path: Path, found: Document, *, as_json: bool) -> None:
    """Write the page, and say where it is and what its headline is."""
    text = render(found)
    with open_output(path, console, source=STANDARD_INPUT) as stream:
        stream.write(text)
    if as_json:
        console.note(f"Report: {path}")
    elif str(path) != STANDARD_OUTPUT:
        console.paragraph(headline(found["sources"]))
        console.line(f"Report: {path}")
