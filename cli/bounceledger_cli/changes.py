"""What the commands that change the suppression list share: options, calls and reports."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import click

from bounceledger_cli.console import Console
from bounceledger_cli.deployment import Deployment, api_errors
from bounceledger_cli.errors import CommandError
from bounceledger_cli.files import open_input, shown_name
from bounceledger_cli.inputs import read_rows
from bounceledger_cli.options import INPUT_FILE, api_options, column_option, encoding_option
from bounceledger_cli.progress import progress
from bounceledger_cli.wording import counted, utc_time

if TYPE_CHECKING:
    from bounceledger_cli.entries import Entries
    from bounceledger_client import Action, Api, ChangeResult

SHOWN = 100
"""Entries without a change that are reported one by one; further ones are only counted."""
_LEAST = 200
"""Entries from which there is a progress bar: three calls of the API."""

_NOTE = "Why, in 1 to 500 characters; kept in the history with who made the change."
_LISTS = """
    A list has an entry per line, or is a CSV file (commas, semicolons or tabs) or JSON with a
    column such as address, email or domain. Domains are read from a column of domains, or from
    a list of one column without a heading. Lines that begin with # are skipped.
    """
_LISTS_OF_ADDRESSES = """
    A list has an address per line, or is a CSV file (commas, semicolons or tabs) or JSON with a
    column such as address or email. Lines that begin with # are skipped.
    """
EXIT_CODES = {
    0: "every change was made",
    1: "some were not made, some rows cannot be read, or the list is empty",
    2: "wrong usage or input, or no answer from the API",
}


@dataclass(frozen=True, slots=True)
class Task:
    """What a command line asks to change.

    Attributes:
        addresses: arguments.
        file: name of a list; None for none.
        column: its column; None for the usual names.
        encoding: its encoding; None to find it out.
        note: why.
        as_json: print JSON.
        deployment: the API.
    """

    addresses: tuple[str, ...]
    file: str | None
    column: str | None
    encoding: str | None
    note: str
    as_json: bool
    deployment: Deployment

    def entries(self, console: Console, *, domains: bool = True) -> "Entries":
        """The addresses and domains.

        Args:
            console: has standard input.
            domains: whether domains are accepted beside addresses.

        Raises:
            CommandError: there is none, or the list cannot be read.
        """
        from bounceledger_cli.entries import Entries

        found = Entries(domains=domains)
        found.add_arguments(self.addresses)
        if self.file is not None:
            wanted = found.wanted(self.column)
            with open_input(self.file, console, encoding=self.encoding or "") as decoded:
                name = shown_name(self.file)
                found.add_list(
                    read_rows(decoded, wanted, name=name, extension_of=self.file), wanted
                )
        elif not self.addresses:
            what = "an address or a domain" if domains else "an address"
            raise CommandError(f"nothing to change: give {what}, or a list with --file")
        return found


def details(text: str, route: str, *, domains: bool = True) -> str:
    """The help of a change: what it does, what a list may look like, and the rights.

    Args:
        text: what it does.
        route: the API's route that it calls.
        domains: whether domains are accepted beside addresses.
    """
    rights = f"""
        The caller needs execute-api:Invoke on {route}, and
        cloudformation:DescribeStacks for --stack.
        """
    paragraphs = (text, _LISTS if domains else _LISTS_OF_ADDRESSES, rights)
    return "\n\n".join(map(cleandoc, paragraphs))


def change_options(
    subject: str, *own: Callable[..., Any], note: str = _NOTE
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Add the arguments and options of a change; the function gets them as ``task``, a `Task`.

    Args:
        subject: what the arguments are, for the help.
        own: options of this change alone.
        note: help of ``--note``.
    """

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def wrapper(*args: Any, **options: Any) -> int:
            task = Task(**{name: options.pop(name) for name in Task.__dataclass_fields__})
            return function(*args, task=task, **options)

        wrapped = api_options(wrapper)
        every = [
            click.argument("addresses", nargs=-1, metavar="[ADDRESS]...", help=subject),
            _FILE,
            click.option("--note", required=True, metavar="TEXT", help=note),
            *own,
            column_option,
            encoding_option,
            _JSON,
        ]
        for option in reversed(every):
            option(wrapped)
        return wrapped

    return decorate


_FILE = click.option(
    "--file", type=INPUT_FILE, metavar="FILE", help="A list; - for standard input."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one per entry.")


ENDS_ERASURES: Mapping[str, str] = {
    "/v1/suppressions/erase/end": "'bounceledger erase --end' ends an erasure."
}
"""What to do about an entry that was refused because it was erased, see `Wording.hints`."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a change is reported.

    Attributes:
        done: what became of an entry, such as ``added``.
        suppressed: how an address is called that is suppressed afterwards.
        hints: what to do about an entry that was refused (409), by a word that the API's message
            has.
    """

    done: str
    suppressed: str = "suppressed"
    hints: Mapping[str, str] = field(default_factory=lambda: ENDS_ERASURES)


def make_changes(
    console: Console,
    task: Task,
    entries: "Entries",
    action: "Action",
    wording: Wording,
    *,
    api: "Api | None" = None,
    **options: Any,
) -> int:
    """Make a change to every entry, and report what became of each; the exit code.

    Args:
        console: where to write.
        task: the note, the API and how to report.
        entries: what to change.
        action: the change.
        wording: how to report it.
        api: the API; that of the task by default.
        options: further arguments of `SuppressionList.change_many`.

    Raises:
        CommandError: nothing was changed, since the API cannot be used or refuses the request.
            With exit code 1: some was.
    """
    report = _Report(console, task, entries, wording)
    report.bad_entries()
    if not entries.found:
        if task.file is None:
            raise CommandError("nothing was changed")
        return 1
    stopped: CommandError | None = None
    with progress(console, len(entries.found), least=_LEAST) as advance:

        def on_result(result: "ChangeResult") -> None:
            report.add(result)
            advance(report.total)

        try:
            with api_errors():
                from bounceledger_client import SuppressionList

                suppressions = SuppressionList(api or task.deployment.api())
                suppressions.change_many(
                    action, entries.found, note=task.note, on_result=on_result, **options
                )
        except CommandError as error:
            if not report.total:
                raise
            stopped = error
    report.finish()
    if stopped is not None:
        missing = len(entries.found) - report.total
        raise CommandError(
            f"{stopped}\n{counted(missing, 'entry was', 'entries were')} not reached. Run the"
            " command again: repeating a change is safe.",
            exit_code=1,
        )
    return 1 if report.not_done or entries.bad_count else 0


def _decision(result: "ChangeResult", suppressed: str) -> str:
    """Whether an address may be mailed now, in words."""
    if not result.suppressed:
        return "may be mailed"
    ends = utc_time(result.suppressed_until)
    reason = ", ".join(filter(None, (result.reason, result.category)))
    return f"{suppressed}{f' until {ends}' if ends else ''}{f' ({reason})' if reason else ''}"


class _Report:
    """Prints what became of each entry: as JSON, one by one, or in total for a list."""

    def __init__(self, console: Console, task: Task, entries: "Entries", wording: Wording) -> None:
        self._console = console
        self._task = task
        self._entries = entries
        self._wording = wording
        self._now: Counter[str] = Counter()
        self._hints: dict[str, None] = {}
        self.not_done = 0

    @property
    def total(self) -> int:
        """Entries whose result is known."""
        return self._now.total() + self.not_done

    def bad_entries(self) -> None:
        """Report the arguments and rows that hold no entry."""
        name = shown_name(self._task.file or "")
        bad = [
            *(({"input": text, "error": reason}, f"{text}: {reason}")
              for text, reason in self._entries.bad_arguments),
            *(({"line": row.line, "error": f"{row.field} {row.reason}".strip()}, row.describe(name))
              for row in self._entries.bad_rows),
        ]  # fmt: skip
        for record, message in bad[: None if self._task.as_json else SHOWN]:
            if self._task.as_json:
                self._console.json(record)
            self._problem(message)
        if not self._task.as_json and (more := len(bad) - SHOWN) > 0:
            self._console.error(f"and {counted(more, 'more row')} that cannot be read")

    def add(self, result: "ChangeResult") -> None:
        """Count a result, and print it unless the entries are a list."""
        origin = self._entries.found[result.input]
        if result.done:
            short = replace(result, category=None, suppressed_until=None)
            self._now[_decision(short, self._wording.suppressed)] += 1
        else:
            self.not_done += 1
        if self._task.as_json:
            line = {"line": origin.line} if origin.line else {}
            error = {"error": result.error, "status": result.status} if result.error else {}
            self._console.json({"input": origin.written, **line, **result.fields, **error})
        elif result.done and self._task.file is None:
            now = _decision(result, self._wording.suppressed)
            self._console.line(f"{result.address or result.input}: {self._wording.done}; {now}")
            if result.explanation:
                self._console.paragraph(f"  {result.explanation}")
        if not result.done:
            self._add_failure(result, origin.line)

    def _add_failure(self, result: "ChangeResult", line: int) -> None:
        place = f"{shown_name(self._task.file or '')}: line {line}: " if line else ""
        if result.provider_removed is False:
            why = result.provider_error or "no reason given"
            said = f"{self._wording.done} here, but not from the list of the SES account: {why}"
        else:
            said = result.error or "not finished yet; run the command again"
        if self.not_done <= SHOWN and not self._task.as_json:
            self._problem(f"{place}{result.input}: {said}")
        if result.status == 409:
            self._hints.update(
                (hint, None) for word, hint in self._wording.hints.items() if word in said
            )

    def _problem(self, message: str) -> None:
        if not self._task.as_json:
            self._console.error(message)

    def finish(self) -> None:
        """Print the totals of a list, and what to do about what was refused."""
        if not self._task.as_json:
            if (more := self.not_done - SHOWN) > 0:
                self._console.error(f"and {counted(more, 'more entry', 'more entries')} not done")
            if self._task.file is not None:
                self._print_totals()
        for hint in self._hints:
            self._console.note(hint)

    def _print_totals(self) -> None:
        from bounceledger_cli.tables import print_table

        done = self._now.total()
        total = len(self._entries.found) + self._entries.bad_count
        self._console.line(
            f"{counted(total, 'entry', 'entries')}: {done:,} {self._wording.done},"
            f" {total - done:,} not"
        )
        if self._entries.repeated:
            self._console.line(f"{counted(self._entries.repeated, 'repetition')} left out")
        if self._now:
            print_table(self._console, ("now", "entries"), self._now.most_common())
