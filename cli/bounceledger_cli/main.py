"""Entry point of the ``bounceledger`` command.

The commands are listed in `bounceledger_cli.commands`; this module runs one of them and
turns whatever ends it into a message and an exit code.

Exit codes: 0 done, 1 partially done, 2 wrong usage or input, 70 unexpected error (a bug),
130 interrupted, 141 the reader of our output closed it, 143 terminated.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from bounceledger import __version__
from bounceledger.errors import BounceledgerError
from bounceledger_cli.commands import SECTIONS
from bounceledger_cli.console import Console
from bounceledger_cli.errors import CommandError
from bounceledger_cli.parsing import CommandGroup, Run

PROGRAM = "bounceledger"
COMPLETE = "_BOUNCELEDGER_COMPLETE"
"""Variable by which a shell asks for completions."""
DEBUG = "BOUNCELEDGER_DEBUG"
"""Variable that shows the traceback of an unexpected error."""

USAGE, BUG, INTERRUPTED, READER_GONE, TERMINATED = 2, 70, 130, 141, 143


def program() -> CommandGroup:
    """The command line as click sees it."""
    group = CommandGroup(
        PROGRAM,
        sections=SECTIONS,
        help="Read bounce replies: which addresses are dead, which sends were blocked, and why.",
        examples="""
            bounceledger explain '550 5.4.1 Recipient address rejected: Access denied'
            bounceledger classify bounces.csv --column reason > classified.jsonl
            bounceledger mx --file leads.csv
            """,
        epilog="Run 'bounceledger COMMAND --help' for the options and examples of a command.",
    )
    return click.version_option(__version__, message=f"{PROGRAM} %(version)s")(group)


def main(
    argv: Sequence[str] | None = None, *, console: Console | None = None, **collaborators: object
) -> int:
    """Run one command line.

    Args:
        argv: arguments after the program's name; the process's own by default.
        console: streams to use; the process's own by default.
        collaborators: passed to the command's function instead of its defaults, such as
            ``ledger``, ``resolver`` or ``clock``.

    Returns:
        The exit code.
    """
    console = console or Console.of_process()
    try:
        with _ending_on_sigterm():
            code = _run(sys.argv[1:] if argv is None else list(argv), Run(console, collaborators))
            console.stdout.flush()
    except _Terminated:
        code = TERMINATED
    except click.UsageError as error:
        code = _report_usage(error, console)
    except (CommandError, BounceledgerError, OSError) as error:
        code = _report(error, console)
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        console.error(f"unexpected error: {type(error).__name__}: {error}")
        console.note(f"This is a bug. Set {DEBUG}=1 to see the traceback, and please report it.")
        code = BUG
    return code


class _Terminated(BaseException):
    """The process is asked to end."""


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command as an exception does, so that no unfinished file is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(argv: list[str], run: Run) -> int:
    group = program()
    instruction = os.environ.get(COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(group, {}, PROGRAM, COMPLETE, instruction)
    try:
        with group.make_context(PROGRAM, argv, obj=run) as context:
            return int(group.invoke(context))
    except click.exceptions.Exit as leaving:
        return leaving.exit_code


def _report_usage(error: click.UsageError, console: Console) -> int:
    """Write what is wrong with the command line, its usage, and where to read more."""
    message = error.format_message()
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        console.stderr.write(message + "\n")
        return USAGE
    console.error(message[:1].lower() + message[1:])
    if error.ctx is not None:
        console.stderr.write(error.ctx.get_usage() + "\n")
        console.note(f"Try '{error.ctx.command_path} --help'.")
    return USAGE


def _report(error: Exception, console: Console) -> int:
    """Write why the command ends; the exit code."""
    match error:
        case CommandError(exit_code=code):
            first, *more = str(error).splitlines()
            console.error(first)
            for line in more:
                console.note(line)
            return code
        case BrokenPipeError():
            _discard_output(console)
            return READER_GONE
        case OSError():
            console.error(f"{error.filename or 'input or output'}: {error.strerror or error}")
        case _:
            console.error(str(error))
    return USAGE


def _discard_output(console: Console) -> None:
    """Keep the interpreter from failing again when it flushes standard output at exit."""
    if console.stdout is sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
