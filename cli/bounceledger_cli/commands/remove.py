"""``bounceledger remove``: end suppressions of addresses and domains."""

from typing import TYPE_CHECKING

import click

from bounceledger_cli.changes import (
    ENDS_ERASURES,
    EXIT_CODES,
    Task,
    Wording,
    change_options,
    details,
    make_changes,
)
from bounceledger_cli.console import Console
from bounceledger_cli.parsing import command as make_command

if TYPE_CHECKING:
    from bounceledger_client import Api

_WORDING = Wording(
    "removed",
    "still suppressed",
    hints={
        '"complaint"': "Pass --complaint to remove complaints, too.",
        '"unsubscribe"': "Pass --unsubscribe to remove unsubscribes, too.",
        **ENDS_ERASURES,
    },
)


@make_command(
    "remove",
    details=details(
        """
        Ends whatever suppresses an entry now. A later bounce or complaint suppresses it again; an
        address at a dead domain stays suppressed until the domain is removed, too.
        """,
        "POST /v1/suppressions/remove",
    ),
    examples="""
        bounceledger remove ann@example.com --note 'called, it works' --stack prod
        bounceledger remove ann@example.com --note 'opted in again' --complaint
        bounceledger remove ann@example.com --note 'subscribed' --unsubscribe
        bounceledger remove --file again.csv --note 'wrong rule, now fixed'
        """,
    exit_codes=EXIT_CODES,
)
@change_options(
    "An email address or a domain.",
    click.option("--complaint", is_flag=True, help="Also remove complaints; addresses only."),
    click.option("--unsubscribe", is_flag=True, help="Also remove unsubscribes; addresses only."),
    click.option(
        "--provider",
        is_flag=True,
        help="Also take addresses off the list of the SES account, about one a second.",
    ),
)
def command(
    console: Console,
    *,
    task: Task,
    complaint: bool,
    unsubscribe: bool,
    provider: bool,
    api: "Api | None" = None,
) -> int:
    """Remove the entries.

    Args:
        console: where to read and write.
        task: the entries.
        complaint: remove complaints, too.
        unsubscribe: remove unsubscribes, too.
        provider: take addresses off the list of the SES account, too.
        api: the API; that of the task by default.

    Raises:
        CommandError: there is nothing to remove, or the API or the list cannot be used.
    """
    return make_changes(
        console,
        task,
        task.entries(console, domains=not (complaint or unsubscribe or provider)),
        "remove",
        _WORDING,
        api=api,
        complaint=complaint,
        unsubscribe=unsubscribe,
        provider=provider,
    )
