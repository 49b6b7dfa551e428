"""Entry point of the ``bounceledger`` command.

A command is a module in `bounceledger_cli.commands` plus one name in `COMMANDS`. It has

- ``NAME``: the word on the command line,
- ``HELP``: one sentence for the list of commands,
- ``EXAMPLES``: lines shown under ``bounceledger NAME --help``; may be empty,
- ``add_arguments(parser)``: adds its arguments to an ``argparse.ArgumentParser``,
- ``run(args, console) -> int``: does the work and returns the exit code.

`run` writes answers through `Console` (``json``, ``line``, ``table``, ``fields``) and
raises `CommandError`, or any `BounceledgerError`, with a message for people; `main`
prints it and returns the code. Collaborators such as a client or a clock are further,
defaulted arguments of `run`. Import anything slow (boto3, dns) inside `run`.

Exit codes: 0 done, 1 done but not for everything, 2 wrong usage or input, 130
interrupted, 141 the reader of our output went away.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from bounceledger import __version__
from bounceledger.errors import BounceledgerError
from bounceledger_cli.commands import classify, counts, explain, mx, recheck
from bounceledger_cli.console import CommandError, Console


class Command(Protocol):
    """What `main` needs of a command module."""

    NAME: str
    HELP: str
    EXAMPLES: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the command's own arguments."""

    def run(self, args: argparse.Namespace, console: Console, /) -> int:
        """Do the work; the exit code."""


COMMANDS: tuple[Command, ...] = (classify, explain, mx, recheck, counts)


def main(
    argv: Sequence[str] | None = None,
    *,
    console: Console | None = None,
    commands: Sequence[Command] = COMMANDS,
) -> int:
    """Run one command line.

    Args:
        argv: arguments after the program's name; the process's own by default.
        console: streams to use; the process's own by default.
        commands: the commands to offer.

    Returns:
        The exit code. Wrong usage leaves through argparse's own ``SystemExit(2)``.
    """
    console = console or _process_console()
    args = _parser(commands).parse_args(argv)
    command: Command = args.command
    try:
        code = command.run(args, console)
        console.stdout.flush()
    except CommandError as error:
        console.error(str(error))
        return error.exit_code
    except BounceledgerError as error:
        console.error(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _forget_output(console)
        return 141
    except OSError as error:
        console.error(f"{error.filename or 'reading or writing'}: {error.strerror or error}")
        return 2
    return code


def _process_console() -> Console:
    """The process's own streams, made to print what their encoding lacks as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return Console()


def _parser(commands: Sequence[Command]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bounceledger",
        description="Read what mail servers say: who is dead, who is blocked, and why.",
        epilog="\n".join(["examples:", *(command.EXAMPLES for command in commands)]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"bounceledger {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands:
        child = subparsers.add_parser(
            command.NAME,
            help=command.HELP,
            description=command.HELP,
            epilog=f"examples:\n{command.EXAMPLES}" if command.EXAMPLES else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(child)
        child.set_defaults(command=command)
    return parser


def _forget_output(console: Console) -> None:
    """Keep the interpreter from complaining once more when it flushes at exit."""
    if console.stdout is sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
