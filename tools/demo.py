"""``make demo`` and ``make local``: the whole system on this machine, with sample events."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime

from rich.console import Console
from rich.json import JSON
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from tools.replay import Fate, Recipient, replay
from tools.samples import load_samples
from tools.stack import LOCAL, Stack, call_api, running

STACK_FILE = LOCAL / "stack.json"

WIDTH = 132
"""Columns where there is no terminal to fit into."""
WIDE = 120
"""Columns from which on every event fits into one line."""
COLOURS = {"hard": "red", "echo": "red", "soft": "yellow", "block": "cyan", "none": "dim"}


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; 0 if every sample event ended as its file says."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--stay", action="store_true", help="keep running until interrupted")
    options = parser.parse_args(arguments)
    as_json = os.environ.get("JSON") == "1"
    # Results go to standard output, everything else to standard error.
    width = None if sys.stdout.isatty() else WIDTH
    out, err = Console(highlight=False, width=width), Console(stderr=True, highlight=False)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with ExitStack() as cleanup:
            deployed = running(parameters(), say=lambda line: err.print(f"· {line}"))
            stack = cleanup.enter_context(deployed)
            fates = show_replay(stack, out, err, as_json=as_json)
            if not as_json:
                show_api(stack, fates, out)
            if options.stay:
                cleanup.callback(STACK_FILE.unlink, missing_ok=True)
                stay(stack, out if not as_json else err)
    except KeyboardInterrupt:
        err.print("· Stopped")
        return 0 if options.stay else 130
    return 0 if all(fate.ok for fate in fates) else 1


def parameters() -> dict[str, str]:
    """Template parameters from the variable PARAMETERS, such as ``SoftDays=2 EchoTerm=7``."""
    words = os.environ.get("PARAMETERS", "").split()
    wrong = [word for word in words if not word.partition("=")[1]]
    if wrong:
        raise SystemExit(f"PARAMETERS takes Name=value, separated by spaces, not {wrong[0]!r}")
    return dict(word.split("=", 1) for word in words)


def show_replay(stack: Stack, out: Console, err: Console, *, as_json: bool) -> list[Fate]:
    """Replay the sample events of now and print what became of each."""
    samples = list(load_samples(datetime.now(UTC)))
    started = time.monotonic()
    columns = (TextColumn("· {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("Replaying the sample events", total=len(samples))
        fates = list(replay(stack, samples, advance=lambda: progress.advance(task)))
    seconds = time.monotonic() - started
    if as_json:
        for fate in fates:
            sys.stdout.write(json.dumps(fate.to_json(), ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return fates
    out.print(table_of(fates, wide=out.width >= WIDE))
    right = sum(fate.ok for fate in fates)
    out.print(
        f"{right} of {len(fates)} sample events ended as their files say, "
        f"{seconds:.1f} s from the first publish to the last look-up.",
        style="green" if right == len(fates) else "bold red",
    )
    return fates


def table_of(fates: Iterable[Fate], *, wide: bool) -> Table:
    """What became of each event, a row per recipient; strangers' words as they are.

    Args:
        fates: of the sample events.
        wide: whether six columns fit; otherwise what belongs together stands in two lines.
    """
    title = "SES → SNS → SQS → ingest → suppression table → lookup"
    table = Table(title=title, expand=True, show_lines=not wide)
    if wide:
        for name, ratio in (("address", 4), ("lead source", 2), ("what the server said", 6)):
            table.add_column(name, ratio=ratio, no_wrap=True)
        table.add_column("category", no_wrap=True)
        table.add_column("suppressed", no_wrap=True)
    else:
        for name, ratio in (("address, lead source", 3), ("what the server said", 4)):
            table.add_column(name, ratio=ratio, overflow="fold")
        table.add_column("category, suppressed", no_wrap=True)
    table.add_column("", width=1)
    for fate in fates:
        for recipient in fate.recipients:
            address, source, said, category, suppressed, mark = cells(fate, recipient)
            if wide:
                table.add_row(address, source, said, category, suppressed, mark)
            else:
                who, what = (
                    Text("\n").join((address, source)),
                    Text("\n").join((category, suppressed)),
                )
                table.add_row(who, said, what, mark)
    return table


def cells(fate: Fate, recipient: Recipient) -> list[Text]:
    """One row of the table."""
    said = fate.sample.said if recipient.category else ""
    if fate.dead_letter:
        category = Text("dead-lettered", "magenta")
        said = f"{fate.dead_letter['field']}: {fate.dead_letter['reason']}"
    elif recipient.category:
        category = Text(recipient.category, COLOURS.get(recipient.disposition or "", ""))
    else:
        category = Text("—", "dim")
    suppressed = Text("no", "green")
    if recipient.suppressed:
        suppressed = Text(recipient.reason or "yes", "bold red")
    return [
        Text(recipient.address or "—"),
        Text(recipient.lead_source or "—"),
        Text(said or fate.sample.said or fate.sample.description, "" if said else "dim"),
        category,
        suppressed,
        Text("✓", "green") if fate.ok else Text("✗", "bold red"),
    ]


def show_api(stack: Stack, fates: Iterable[Fate], out: Console) -> None:
    """Ask the API for a suppressed and a live address."""
    recipients = [recipient for fate in fates for recipient in fate.recipients]
    dead = next((r for r in recipients if r.suppressed), None)
    live = next((r for r in recipients if r.disposition == "block" and not r.suppressed), None)
    for recipient in filter(None, (dead, live)):
        answer = call_api(stack, "/v1/suppressions", {"address": recipient.address})
        out.print()
        out.print(Text(f"GET /v1/suppressions?address={recipient.address}", "bold"))
        shown = {key: value for key, value in answer.body.items() if key != "reasons"}
        out.print(JSON.from_data(shown))


def stay(stack: Stack, out: Console) -> None:
    """Say where the stack is, also in `STACK_FILE`, and wait for an interrupt."""
    STACK_FILE.write_text(json.dumps(stack.to_json(), indent=2) + "\n")
    out.print()
    out.print(JSON.from_data(stack.to_json()))
    out.print(
        f"The stack is up; {STACK_FILE.relative_to(LOCAL.parent)} says where. Ctrl-C stops it."
    )
    signal.pause()


if __name__ == "__main__":
    sys.exit(main())
