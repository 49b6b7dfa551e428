"""How command lines are parsed and help is written: click, with our own conventions."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import click

from bounceledger_cli.commands import SUMMARIES
from bounceledger_cli.console import Console

_CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


@dataclass(frozen=True, slots=True)
class Run:
    """What one run hands to its command: click's context object.

    Attributes:
        console: where to read and write.
        collaborators: keyword arguments that replace the command function's defaults.
    """

    console: Console
    collaborators: Mapping[str, object] = field(default_factory=dict)


class _Parser(click.Command):
    """Knows the command in every usage error, so that its usage can be shown."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; raises click.UsageError."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class Command(_Parser):
    """A command whose function gets the console, its options and its collaborators.

    Args:
        examples: command lines for the help, shown as they are.
        exit_codes: meaning of each exit code, where it is not the usual one.
    """

    def __init__(
        self,
        *args: Any,
        examples: str = "",
        exit_codes: Mapping[int, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = inspect.cleandoc(examples)
        self.exit_codes = exit_codes or {}

    def invoke(self, ctx: click.Context) -> int:
        """Call the function; the exit code."""
        run: Run = ctx.obj
        assert self.callback is not None  # noqa: S101 - `command` always sets it
        return int(self.callback(run.console, **ctx.params, **run.collaborators))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples and the exit codes."""
        write_examples(formatter, self.examples)
        if self.exit_codes:
            with formatter.section("Exit codes"):
                formatter.write_dl([(str(code), text) for code, text in self.exit_codes.items()])
        super().format_epilog(ctx, formatter)


def command(
    name: str,
    *,
    details: str = "",
    examples: str = "",
    exit_codes: Mapping[int, str] | None = None,
) -> Callable[[Callable[..., int]], Command]:
    """Decorator that makes a command of a function.

    The function is called with the `Console`, its options by name, and the collaborators
    that the caller of `main` passed. It returns the exit code.

    Args:
        name: name on the command line, as in `commands.SECTIONS`, which has its summary.
        details: further paragraphs of the help.
        examples: command lines for the help.
        exit_codes: see `Command`.
    """
    return click.command(
        name,
        cls=Command,
        help=f"{SUMMARIES[name]}\n\n{inspect.cleandoc(details)}",
        examples=examples,
        exit_codes=exit_codes,
        context_settings=_CONTEXT,
    )


class LazyCommand(click.Command):
    """A command known by name and summary, whose module is imported when it is used."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Import the module and parse with the command that it holds."""
        name = (self.name or "").replace("-", "_")
        loaded: click.Command = import_module(f"bounceledger_cli.commands.{name}").command
        return loaded.make_context(info_name, args, parent, **extra)


class CommandGroup(_Parser, click.Group):
    """Commands in sections, loaded one at a time.

    Args:
        sections: summaries by command name, by section.
        examples: command lines for the help.
    """

    def __init__(
        self, name: str, *, sections: Mapping[str, Mapping[str, str]], examples: str, **kwargs: Any
    ) -> None:
        self.sections = sections
        self.examples = inspect.cleandoc(examples)
        commands: dict[str, click.Command] = {
            command: LazyCommand(command, short_help=summary)
            for section in sections.values()
            for command, summary in section.items()
        }
        super().__init__(
            name,
            commands=commands,
            subcommand_metavar="COMMAND ...",
            context_settings=_CONTEXT,
            **kwargs,
        )

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names in the order of the sections."""
        return list(self.commands)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the commands by section, with their summaries in one column."""
        width = max(len(name) for section in self.sections.values() for name in section)
        for title, section in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{width}}", text) for name, text in section.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples and where to find more."""
        write_examples(formatter, self.examples)
        super().format_epilog(ctx, formatter)


def write_examples(formatter: click.HelpFormatter, examples: str) -> None:
    """Write command lines as they are, without wrapping."""
    if examples:
        with formatter.section("Examples"):
            for line in examples.splitlines():
                formatter.write(f"  {line}\n" if line else "\n")
