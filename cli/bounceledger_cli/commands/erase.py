"""``bounceledger erase``: delete what is known of addresses, or let them be mailed again."""

from typing import TYPE_CHECKING

import click

from bounceledger_cli.changes import (
    EXIT_CODES,
    Task,
    Wording,
    change_options,
    details,
    make_changes,
)
from bounceledger_cli.console import Console
from bounceledger_cli.errors import CommandError
from bounceledger_cli.files import STANDARD_INPUT
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.wording import counted

if TYPE_CHECKING:
    from bounceledger_cli.entries import Entries
    from bounceledger_client import Api

_ERASED = Wording("erased")
_ENDED = Wording("no longer erased", "still suppressed")
_NAMED = 5
"""Addresses that the question names."""


@make_command(
    "erase",
    details=details(
        """
        For people who ask to be forgotten. Events, changes and the evidence of all lead sources
        are deleted, and the addresses stay suppressed. What is deleted does not come back, so the
        command asks first; without a terminal it needs --yes.

        With --end, erased addresses may be mailed again. What was deleted does not come back, and
        nothing changes about addresses that are not erased.
        """,
        "POST /v1/suppressions/erase, with --end on POST /v1/suppressions/erase/end",
        domains=False,
    ),
    examples="""
        bounceledger erase ann@example.com --note 'asked on 2026-11-20' --stack prod
        bounceledger erase --file requests.csv --note 'requests of November' --yes
        bounceledger erase --end ann@example.com --note 'subscribed again'
        """,
    exit_codes={
        **EXIT_CODES,
        0: "every address was erased, or is no longer erased",
        1: "some are not done, some rows cannot be read, the list is empty, or the answer was no",
    },
)
@change_options(
    "An email address.",
    click.option("--end", is_flag=True, help="Let erased addresses be mailed again."),
    click.option("--yes", is_flag=True, help="Do not ask."),
    note="Why, in 1 to 500 characters; kept with the erasure, so it must not name the person.",
)
def command(console: Console, *, task: Task, end: bool, yes: bool, api: "Api | None" = None) -> int:
    """Erase the addresses, or end their erasures.

    Args:
        console: where to read and write.
        task: the addresses.
        end: let them be mailed again, which is not asked about.
        yes: do not ask.
        api: the API; that of the task by default.

    Raises:
        CommandError: there is nothing to erase, no terminal to ask at, or the API or the list
            cannot be used.
    """
    if end:
        entries = task.entries(console, domains=False)
        return make_changes(console, task, entries, "end_erasure", _ENDED, api=api)
    can_ask = console.stdin.isatty() and console.stderr.isatty() and task.file != STANDARD_INPUT
    if not (yes or can_ask):
        raise CommandError("an erasure cannot be undone: run it at a terminal, or pass --yes")
    entries = task.entries(console, domains=False)
    if entries.found and not yes and not _agreed(console, entries):
        raise CommandError("nothing was erased", exit_code=1)
    return make_changes(console, task, entries, "erase", _ERASED, api=api)


def _agreed(console: Console, entries: "Entries") -> bool:
    """Whether the person at the terminal says yes."""
    named = list(entries.found)[:_NAMED]
    more = len(entries.found) - len(named)
    console.note(f"To erase: {', '.join(named)}{f' and {more:,} more' if more else ''}")
    if entries.bad_count:
        console.note(f"Not among them: {counted(entries.bad_count, 'entry', 'entries')} that"
                     " cannot be read")  # fmt: skip
    addresses = counted(len(entries.found), "address", "addresses")
    console.stderr.write(f"Erase what is known of {addresses}? It cannot be undone. [y/N] ")
    console.stderr.flush()
    answer = console.stdin.readline()
    if not answer.endswith("\n"):
        console.stderr.write("\n")  # the terminal did not, as it does after an answer
    return answer.strip().lower() in ("y", "yes")
