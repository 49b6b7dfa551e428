"""``bounceledger allow``: put addresses and domains on the allow-list."""

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

_WORDING = Wording("allowed", "still suppressed")


@make_command(
    "allow",
    details=details(
        """
        No bounce suppresses what is on the allow-list, neither earlier ones nor later ones.
        Complaints, unsubscribes that suppress, erasures and entries made with add
        hold all the same.
        """,
        "PUT /v1/allowlist",
    ),
    examples="""
        bounceledger allow ann@example.com --note 'bounces wrongly' --stack prod
        bounceledger allow partner.example.com --note 'their server is being repaired'
        """,
    exit_codes=EXIT_CODES,
)
@change_options("An email address or a domain.")
def command(console: Console, *, task: Task, api: "Api | None" = None) -> int:
    """Allow the entries.

    Args:
        console: where to read and write.
        task: the entries.
        api: the API; that of the task by default.

    Raises:
        CommandError: there is nothing to allow, or the API or the list cannot be used.
    """
    return make_changes(console, task, task.entries(console), "allow", _WORDING, api=api)
