"""``bounceledger history``: what happened to an address, and who changed it."""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from bounceledger_cli.console import Console, visible
from bounceledger_cli.deployment import Deployment, api_errors
from bounceledger_cli.options import api_options, json_option
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.wording import utc_time

if TYPE_CHECKING:
    from bounceledger_client import Api, HistoryEntry

MOST = 1000
"""Entries that the API gives at most."""
_INDENT = "  "


@make_command(
    "history",
    details="""
        Prints the events of the last 91 days, and every change that a person made to the address
        or its domain, with the note; the newest first. Times are in UTC.

        The caller needs execute-api:Invoke on GET /v1/suppressions/history, and
        cloudformation:DescribeStacks for --stack.
        """,
    examples="""
        bounceledger history ann@example.com --stack bounceledger
        bounceledger history ann@example.com --limit 1000 --json
        """,
)
@click.argument("address", metavar="ADDRESS", help="An email address.")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST),
    default=100,
    metavar="N",
    help=f"Entries at most, 1 to {MOST:,} (default: 100); the newest.",
)
@json_option
@api_options
def command(
    console: Console,
    *,
    address: str,
    limit: int,
    as_json: bool,
    deployment: Deployment,
    api: "Api | None" = None,
) -> int:
    """Print the history.

    Args:
        console: where to write.
        address: the address.
        limit: entries at most.
        as_json: print JSON, as the API answers.
        deployment: the API.
        api: the API; that of `deployment` by default.

    Raises:
        CommandError: the address is not valid, or the API cannot be used.
    """
    with api_errors():
        from bounceledger_client import SuppressionList

        found = SuppressionList(api or deployment.api()).history(address, limit=limit)
    if as_json:
        console.json(dict(found.fields))
        return 0
    if not found.entries:
        console.line(f"Nothing is recorded about {found.address}.")
    for entry in found.entries:
        console.line(_heading(entry))
        for text in _details(entry):
            for line in wrap(visible(text), console.text_width - len(_INDENT)):
                console.line(_INDENT + line)
    if found.truncated:
        more = f"pass --limit, up to {MOST:,}" if limit < MOST else f"{MOST:,} is the most"
        console.note(f"There are more entries than these {len(found.entries):,}: {more}.")
    return 0


def _heading(entry: "HistoryEntry") -> str:
    """When, and what."""
    moment = utc_time(entry.at.replace(microsecond=0)) if entry.at else "-"
    what = entry.kind or entry.type or "-"
    if entry.type == "change":
        scope = entry.fields.get("scope")
        return f"{moment}  {what}{f' ({scope})' if scope == 'domain' else ''}"
    disposition = entry.fields.get("disposition")
    read = " ".join(filter(None, (entry.category, f"({disposition})" if disposition else "")))
    return f"{moment}  {what}{f': {read}' if read else ''}"


def _details(entry: "HistoryEntry") -> Iterator[str]:
    """What else there is, a paragraph each."""
    if entry.note:
        yield f"note: {entry.note}"
    if entry.by:
        yield f"by: {entry.by}"
    change = entry.fields.get("change")
    if isinstance(change, Mapping):
        sent = [f"{name} {_word(value)}" for name, value in change.items() if name != "action"]
        if sent:
            yield f"with: {', '.join(sent)}"
    states = [_state(entry.fields.get(name)) for name in ("before", "after")]
    if all(states):
        yield f"before: {states[0]}; after: {states[1]}"
    if entry.reply:
        yield f"reply: {entry.reply}"
    if entry.lead_source:
        yield f"lead source: {entry.lead_source}"
    if forwarded := entry.fields.get("forwarded_to"):
        yield f"forwarded to: {forwarded}"


def _state(decision: Any) -> str:
    """A decision before or after a change, in words; empty if it is not known."""
    if not isinstance(decision, Mapping):
        return ""
    if not decision.get("suppressed"):
        return "may be mailed" + (" (allowed)" if decision.get("allowed") else "")
    reason = decision.get("reason")
    return f"suppressed{f' ({reason})' if reason else ''}"


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
