"""``bounceledger disallow``: take addresses and domains off the allow-list."""

from typing import TYPE_CHECKING

from bounceledger_cli.changes import (
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

_WORDING = Wording("taken off the allow-list")


@make_command(
    "disallow",
    details=details(
        """
        Bounces suppress the entries again, also those of the time on the allow-list. To suppress
        somebody whatever bounces say, use add.
        """,
        "POST /v1/allowlist/remove",
    ),
    examples="""
        bounceledger disallow ann@example.com --note 'not needed' --stack prod
        bounceledger disallow partner.example.com --note 'their server works again'
        """,
    exit_codes=EXIT_CODES,
)
@change_options("An email address or a domain.")
def command(console: Console, *, task: Task, api: "Api | None" = None) -> int:
    """Take the entries off the allow-list.

    Args:
        console: where to read and write.
        task: the entries.
        api: the API; that of the task by default.

    Raises:
        CommandError: there is nothing to change, or the API or the list cannot be used.
    """
    return make_changes(console, task, task.entries(console), "disallow", _WORDING, api=api)
