"""Runs the real entry point with streams in memory."""

import io
import json
from dataclasses import dataclass
from typing import Any

from bounceledger_cli.console import Console
from bounceledger_cli.main import main

UNKNOWN_USER = "smtp; 550 5.1.1 <ada@example.com>: User unknown"
BLOCKED = "521 5.7.1 Service unavailable; client [192.0.2.1] blocked using bl.example.net"
ESCAPES = "550 5.1.1 \x1b[31mUser unknown\x1b]0;owned\x07 \u202egro [bold]x[/bold]"


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(
    *argv: str,
    stdin: str | bytes | io.TextIOWrapper = "",
    stdout: io.StringIO | None = None,
    stderr: io.StringIO | None = None,
    **collaborators: object,
) -> Ran:
    """Run a command line; collaborators replace the command's defaults."""
    out, err = stdout or io.StringIO(), stderr or io.StringIO()
    given = stdin.encode() if isinstance(stdin, str) else stdin
    source = io.TextIOWrapper(io.BytesIO(given)) if isinstance(given, bytes) else given
    console = Console(source, out, err)
    code = main(argv, console=console, **collaborators)
    return Ran(code, out.getvalue(), err.getvalue())


def jsonl(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)
