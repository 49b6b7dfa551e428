"""``make demo`` and ``make local``: the whole system on this machine, with sample events.

Builds the template, deploys it on a local AWS emulator, sends the events of `events/` through it
and compares each outcome with the one in the event's file.
"""

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.json import JSON
from rich.status import Status
from rich.table import Table
from rich.text import Text

from tools.picture import to_svg
from tools.replay import RecipientOutcome, SampleOutcome, replay
from tools.samples import Sample, load_samples
from tools.stack import LOCAL, ROOT, Stack, call_api, running
from tools.webhook_samples import WebhookSample, load_webhook_samples

STACK_FILE = LOCAL / "stack.json"

SHOWN_PROVIDERS = ("sendgrid", "mailgun", "postmark")
"""Providers whose sample requests are sent to their webhooks."""
PICTURE_WIDTH = 80
"""Columns of the picture."""
WIDE = 120
"""Columns from which on the table has room for the recipient's address."""

SUPPRESSED = "Suppressed"
SENDER = "Not suppressed: about the sender or the message"
TEMPORARY = "Not suppressed: temporary or unclear"
NO_BOUNCE = "Not suppressed: not a bounce"
DEAD_LETTER = "Unprocessable: in the dead-letter queue, with the reason"
STYLES = {
    SUPPRESSED: "red",
    SENDER: "cyan",
    TEMPORARY: "yellow",
    NO_BOUNCE: "green",
    DEAD_LETTER: "magenta",
}
"""Sections of the table in order, and their colours."""

type Row = tuple[SampleOutcome, RecipientOutcome]


def main(arguments: list[str] | None = None) -> int:
    """Run the demo.

    Returns:
        0 if every sample event had the expected outcome, or if the stack was kept running until
        an interrupt; 1 if an outcome was not as expected; 130 if interrupted before the end.
    """
    options = parse_arguments(arguments)
    as_json = os.environ.get("JSON") == "1"
    # A shell makes what it starts in the background ignore interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    # Results go to standard output, everything else to standard error; a picture shows both.
    out, err = Console(highlight=False), Console(stderr=True, highlight=False)
    if options.svg:
        out = err = Console(highlight=False, record=True, width=PICTURE_WIDTH, force_terminal=False)
    steps = Steps(err)
    try:
        with ExitStack() as cleanup:
            cleanup.callback(steps.abandon)
            parameters = parse_parameters(os.environ.get("PARAMETERS", ""))
            stack = cleanup.enter_context(running(parameters, announce=steps.begin))
            outcomes, seconds = replay_samples(stack, steps)
            if as_json:
                print_json(outcomes)
            else:
                print_table(outcomes, out)
                print_api(stack, outcomes, out)
            print_summary(outcomes, seconds, steps.seconds, err if as_json else out)
            if options.svg:
                save_picture(out, options.svg)
            if options.keep_running:
                cleanup.callback(STACK_FILE.unlink, missing_ok=True)
                keep_running(stack, err if as_json else out)
                return 0
    except KeyboardInterrupt:
        err.print("Stopped.")
        return 130
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo",
        description="Run the whole system locally and send the sample events through it.",
        epilog="Environment: JSON=1 prints one JSON object per sample event; "
        'PARAMETERS="Name=value ..." sets template parameters.',
    )
    parser.add_argument(
        "--keep-running", action="store_true", help="leave the stack running until Ctrl-C"
    )
    parser.add_argument(
        "--svg", type=Path, metavar="FILE", help="also save what is printed as an SVG picture"
    )
    options = parser.parse_args(arguments)
    if options.svg and os.environ.get("JSON") == "1":
        parser.error("--svg cannot be combined with JSON=1")
    return options


def parse_parameters(text: str) -> dict[str, str]:
    """Read template parameters such as ``SoftDays=2 EchoTerm=7``.

    Raises:
        SystemExit: a part is not of the form ``Name=value``.
    """
    pairs = [word.partition("=") for word in text.split()]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise SystemExit(
                f"PARAMETERS must be Name=value pairs separated by spaces, such as "
                f'PARAMETERS="SoftDays=2 EchoTerm=7"; {name + equals!r} is not one.'
            )
    return {name: value for name, _, value in pairs}


class Steps:
    """Prints each step with the time that it took; in a terminal also while it runs.

    Args:
        console: where to print.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = self._step_began = time.monotonic()
        self._name = ""
        self._status: Status | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the first step began."""
        return time.monotonic() - self._began

    def begin(self, name: str) -> None:
        """Finish the current step, if any, and begin the next one."""
        self.finish()
        self._name, self._step_began = name, time.monotonic()
        self._status = self._console.status(name)
        self._status.start()

    def update(self, progress: str) -> None:
        """Show the progress of the current step, in a terminal only."""
        if self._status:
            self._status.update(progress)

    def finish(self) -> float:
        """Print the current step; returns the seconds that it took."""
        seconds = time.monotonic() - self._step_began
        if self._status:
            self.abandon()
            self._console.print(f"[dim]{seconds:5.1f} s[/]  {self._name}")
        return seconds

    def abandon(self) -> None:
        """Stop showing the current step, without printing it as finished."""
        if self._status:
            self._status.stop()
            self._status = None


def replay_samples(stack: Stack, steps: Steps) -> tuple[list[SampleOutcome], float]:
    """Send the sample events through the stack, as if they happened now.

    Returns:
        The outcomes, and the seconds from first publish to last lookup.
    """
    now = datetime.now(UTC)
    requests = [one for one in load_webhook_samples(now) if one.provider in SHOWN_PROVIDERS]
    samples: list[Sample | WebhookSample] = [*load_samples(now), *requests]
    steps.begin(
        f"Sending {len(samples)} sample events: SNS or webhook → SQS → ingest → table → lookup API"
    )
    sent = 0

    def advance() -> None:
        nonlocal sent
        sent += 1
        steps.update(f"Sending sample events: {sent} of {len(samples)}")

    outcomes = list(replay(stack, samples, advance=advance))
    return outcomes, steps.finish()


def print_json(outcomes: Iterable[SampleOutcome]) -> None:
    """Print one JSON object per sample event."""
    for outcome in outcomes:
        sys.stdout.write(json.dumps(outcome.to_json(), ensure_ascii=False) + "\n")
    sys.stdout.flush()


# --------------------------------------------------------------------------- the table


def print_table(outcomes: Iterable[SampleOutcome], out: Console) -> None:
    """Print one line per recipient, grouped by what follows for the recipient."""
    outcomes = list(outcomes)
    sections: dict[str, list[Row]] = {title: [] for title in STYLES}
    for outcome in outcomes:
        if outcome.sample.provider == "ses":
            for recipient in outcome.recipients:
                sections[section_of(outcome, recipient)].append((outcome, recipient))
    out.print()
    wide = out.width >= WIDE
    header = _columns(wide=wide)
    header.add_row(*(Text(name, "dim") for name in _names(wide=wide)))
    out.print(header)
    for title, rows in sections.items():
        if rows:
            out.print(Text(f"{title} ({len(rows)})", f"bold {STYLES[title]}"))
            table = _columns(wide=wide)
            for row in rows:
                table.add_row(*_cells(*row, STYLES[title], wide=wide))
            out.print(table)
    hint = "# is the file's number in events/ses/."
    if not wide:
        hint += f" {WIDE} columns also show recipients."
    out.print(Text(hint, "dim"))
    _print_webhooks([one for one in outcomes if one.sample.provider != "ses"], out, wide=wide)


def _print_webhooks(outcomes: Sequence[SampleOutcome], out: Console, *, wide: bool) -> None:
    """Print one line per recipient of the requests to webhooks, by provider."""
    for provider, some in groupby(outcomes, key=lambda outcome: outcome.sample.provider):
        rows = [(outcome, recipient) for outcome in some for recipient in outcome.recipients]
        out.print(Text(f"POST /v1/webhooks/{provider} ({len(rows)})", "bold"))
        table = _columns(wide=wide)
        for outcome, recipient in rows:
            style = STYLES[section_of(outcome, recipient)]
            table.add_row(*_cells(outcome, recipient, style, wide=wide))
        out.print(table)


def section_of(outcome: SampleOutcome, recipient: RecipientOutcome) -> str:
    """The section of the table in which a recipient belongs."""
    if outcome.dead_letter:
        return DEAD_LETTER
    if recipient.suppressed:
        return SUPPRESSED
    return {"block": SENDER, "soft": TEMPORARY}.get(recipient.disposition or "", NO_BOUNCE)


def _names(*, wide: bool) -> Iterator[str]:
    yield from ("", "#")
    if wide:
        yield "recipient"
    yield from ("what the server said", "category", "lead source")


def _columns(*, wide: bool) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    table.add_column(width=1)
    table.add_column(width=2, style="dim")
    if wide:
        table.add_column(width=40, no_wrap=True)
    table.add_column(ratio=1, no_wrap=True)
    table.add_column(width=19, no_wrap=True)
    table.add_column(width=15, no_wrap=True)
    return table


def _cells(
    outcome: SampleOutcome, recipient: RecipientOutcome, style: str, *, wide: bool
) -> Iterator[Text]:
    # Text is never read as markup, so that words from strangers are shown as they are.
    yield Text("✓", "green") if outcome.ok else Text("✗", "bold red")
    yield Text(outcome.sample.name.partition("-")[0])
    if wide:
        yield Text(recipient.address or "—")
    yield _reply(outcome, recipient)
    yield Text(recipient.category or "—", style if recipient.category else "dim")
    yield Text(recipient.lead_source or "—", "" if recipient.lead_source else "dim")


def _reply(outcome: SampleOutcome, recipient: RecipientOutcome) -> Text:
    """The server's words; for an event without any, its description."""
    sample = outcome.sample
    if outcome.dead_letter:
        # The whole path would take the room that the reason needs.
        field = outcome.dead_letter["field"]
        return Text(field.rpartition(".")[2] + outcome.dead_letter["reason"].removeprefix(field))
    replies = sample.said.split(" | " if sample.provider == "ses" else "\n")
    if not sample.said or not recipient.category:
        return Text(sample.description, "italic dim")
    position = outcome.recipients.index(recipient)
    reply = replies[position] if len(replies) == len(outcome.recipients) else sample.said
    # The address would take the room that the words need.
    return Text(reply.removeprefix("smtp; ").replace(f"<{recipient.address}>", "<…>"))


# ------------------------------------------------------------- the API and the summary


def print_api(stack: Stack, outcomes: Iterable[SampleOutcome], out: Console) -> None:
    """Look up two recipients with the same reply code, of whom only one is suppressed."""
    pair = contrasting_pair(outcomes)
    for recipient in pair:
        response = call_api(stack, "/v1/suppressions", {"address": recipient.address})
        fields = {
            name: value
            for name, value in response.body.items()
            if name not in {"address", "reasons"} and value not in (None, "", [], {})
        }
        out.print()
        out.print(Text(f"GET /v1/suppressions?address={recipient.address}", "bold"))
        out.print(_json_lines(fields, out.width))
    if pair:
        out.print(Text("(null and empty fields of the answer itself are not shown)", "dim"))


def contrasting_pair(outcomes: Iterable[SampleOutcome]) -> list[RecipientOutcome]:
    """A suppressed recipient and one that is not, with the same reply code if there are such."""
    rows = [(reply_code(o.sample.said), r) for o in outcomes for r in o.recipients]
    dead = [(code, r) for code, r in rows if r.suppressed]
    live = [(code, r) for code, r in rows if r.disposition == "block" and not r.suppressed]
    for code, blocked in live:
        for other, suppressed in dead:
            if code and code == other:
                return [suppressed, blocked]
    return [r for _, r in (*dead[:1], *live[:1])]


def reply_code(said: str) -> str | None:
    """The three-digit SMTP reply code of a diagnostic."""
    found = re.search(r"\b[245]\d\d\b", said)
    return found[0] if found else None


def _json_lines(fields: dict[str, Any], width: int) -> Text:
    """JSON with one line per field; long strings are continued on indented lines."""
    lines = []
    for name, value in fields.items():
        comma = "" if name == list(fields)[-1] else ","
        line = f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}{comma}"
        while len(line) > width:
            cut = line.rfind(" ", 6, width) if " " in line[6:width] else width
            lines.append(line[:cut])
            line = "      " + line[cut:].lstrip()
        lines.append(line)
    text = Text("\n".join(["{", *lines, "}"]))
    text.highlight_regex(r'(?m)^  "\w+"(?=:)', "cyan")
    text.highlight_regex(r'(?<="suppressed": )true', "bold red")
    text.highlight_regex(r'(?<="suppressed": )false', "bold green")
    return text


def print_summary(
    outcomes: Sequence[SampleOutcome], seconds: float, total_seconds: float, out: Console
) -> None:
    """Print how many outcomes were as expected, and what differs in the others.

    Args:
        outcomes: of the sample events.
        seconds: from first publish to last lookup.
        total_seconds: since the build began.
        out: where to print.
    """
    wrong = [outcome for outcome in outcomes if not outcome.ok]
    out.print()
    for outcome in wrong:
        for name, (actual, expected) in outcome.differences.items():
            line = f"{outcome.sample.name}: {name} is {actual!r}, expected {expected!r}"
            out.print(Text(line, "red"))
    out.print(
        Text(
            f"{len(outcomes) - len(wrong)} of {len(outcomes)} sample events had the expected "
            f"outcome: {seconds:.1f} s from first publish\nto last lookup, "
            f"{total_seconds:.1f} s with build and deployment.",
            "bold red" if wrong else "bold green",
        )
    )
    if wrong:
        out.print("Fix the code, or the expected outcome in events/. Logs are in .local/.")


def save_picture(out: Console, path: Path) -> None:
    """Save everything that was printed as an SVG picture."""
    path.write_text(to_svg(out, title="make demo"), encoding="utf-8")


def keep_running(stack: Stack, out: Console) -> None:
    """Print where the stack is, write it to `STACK_FILE`, and wait for an interrupt."""
    try:
        STACK_FILE.write_text(json.dumps(stack.to_json(), indent=2) + "\n")
        out.print()
        out.print(JSON.from_data(stack.to_json()))
        out.print(f"Stack is running; see {STACK_FILE.relative_to(ROOT)}. Press Ctrl-C to stop.")
        signal.pause()
    except KeyboardInterrupt:
        # The stack is stopped next; a second Ctrl-C must not end that with an error.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        out.print("Stopping the stack.")


if __name__ == "__main__":
    sys.exit(main())
