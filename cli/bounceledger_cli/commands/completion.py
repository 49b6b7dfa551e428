"""``bounceledger completion``: the script that completes the command in a shell."""

import click

from bounceledger_cli.console import Console
from bounceledger_cli.errors import CommandError
from bounceledger_cli.parsing import command as make_command

SHELLS = ("bash", "zsh", "fish")


@make_command(
    "completion",
    details="Evaluate the script in your shell's startup file, or save it as shown below.",
    examples="""
        bash:  echo 'eval "$(bounceledger completion bash)"' >> ~/.bashrc
        zsh:   echo 'eval "$(bounceledger completion zsh)"' >> ~/.zshrc
        fish:  bounceledger completion fish \\
                 > ~/.config/fish/completions/bounceledger.fish
        """,
)
@click.argument("shell", type=click.Choice(SHELLS), metavar="|".join(SHELLS), help="Your shell.")
def command(console: Console, *, shell: str) -> int:
    """Print the script.

    Args:
        console: where to write.
        shell: one of `SHELLS`.

    Raises:
        CommandError: the shell is not supported.
    """
    from click.shell_completion import get_completion_class

    from bounceledger_cli.main import COMPLETE, PROGRAM, program

    completion = get_completion_class(shell)
    if completion is None:
        raise CommandError(f"shell {shell} is not supported")
    console.stdout.write(completion(program(), {}, PROGRAM, COMPLETE).source())
    return 0
