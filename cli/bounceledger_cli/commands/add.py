"""``bounceledger add``: suppress addresses and domains."""

from datetime import datetime
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
from bounceledger_cli.options import MOMENT
from bounceledger_cli.parsing import command as make_command

if TYPE_CHECKING:
    from bounceledger_client import Api

_WORDING = Wording("added")


@make_command(
    "add",
    details=details(
        """
        Nobody named is mailed from now on, whatever bounces say. A domain stands for everyone at
        exactly that host name.
        """,
        "PUT /v1/suppressions",
    ),
    examples="""
        bounceledger add ann@example.com --note 'asked by phone' --stack prod
        bounceledger add no-mail.example.com --note 'closed' --until 2027-01-31
        bounceledger add --file unsubscribed.csv --note 'unsubscribed in the shop'
        """,
    exit_codes=EXIT_CODES,
)
@change_options(
    "An email address or a domain.",
    click.option(
        "--until",
        type=MOMENT,
        metavar="TIME",
        help="When it ends by itself, such as 2027-01-31T12:00Z; of a day alone, when that day"
        " begins in UTC (default: never).",
    ),
)
def command(
    console: Console, *, task: Task, until: datetime | None, api: "Api | None" = None
) -> int:
    """Add the entries.

    Args:
        console: where to read and write.
        task: the entries.
        until: when they end; None for never.
        api: the API; that of the task by default.

    Raises:
        CommandError: there is nothing to add, or the API or the list cannot be used.
    """
    return make_changes(console, task, task.entries(console), "add", _WORDING, api=api, until=until)
