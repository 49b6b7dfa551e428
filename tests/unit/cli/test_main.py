"""The frame around all commands: help, usage, exit codes, completion, loading."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bounceledger import __version__
from bounceledger.errors import InputError
from bounceledger.state import ReasonCode
from bounceledger.verdict import Cause
from bounceledger_cli.commands import SUMMARIES
from bounceledger_cli.count_tables import SORTS
from bounceledger_cli.errors import CommandError
from bounceledger_cli.main import main
from tests.unit.cli.runner import UNKNOWN_USER, run

SCRIPT = Path(sys.executable).with_name("bounceledger")


def test_version_and_help_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN the flags are used THEN they print what they should and exit with 0
    for flag, expected in (("--version", f"bounceledger {__version__}\n"), ("--help", "Examples:")):
        assert main([flag]) == 0
        assert expected in capsys.readouterr().out


def test_help_lists_every_command_with_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN help is shown THEN each command stands on one line
    main(["-h"])
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for name, summary in SUMMARIES.items():
        assert f"{name} {summary}" in lines


@pytest.mark.parametrize("name", ["", *SUMMARIES])
def test_help_fits_80_columns_and_has_examples(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a terminal of 80 columns WHEN help is shown THEN no line is wider
    monkeypatch.setenv("COLUMNS", "80")
    assert main([name, "--help"] if name else ["--help"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.startswith(f"Usage: bounceledger {name}")
    assert "Examples:" in shown


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "Usage: bounceledger"),
        (["zzz"], "bounceledger: no such command 'zzz'.\n"),
        (["clasify"], "bounceledger: no such command 'clasify'. Did you mean 'classify'?\n"),
        (["rechek"], "Did you mean one of: 'check', 'recheck'?"),
        (["mx", "--jsn", "a.test"], "bounceledger: no such option '--jsn'. Did you mean '--json'?"),
        (["counts", "fair", "--tabel", "x"], "'--table'"),
        (["counts", "fair", "--from", "yesterday"], "'--from': 'yesterday' is not a date such as"),
        (["counts"], "bounceledger: missing argument 'SOURCE...'.\n"),
        (["classify", "--format", "xml"], "'xml' is not one of 'auto', 'json', 'csv', 'text'."),
        (["explain"], "missing argument"),
        (["mx", "--file"], "'--file' requires an argument"),
        (["--nonsense"], "no such option '--nonsense'"),
    ],
)
def test_wrong_usage_is_explained_and_exits_with_2(argv: list[str], message: str) -> None:
    # WHEN a command line is wrong THEN what is wrong, the usage and a hint are printed
    ran = run(*argv)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert "Usage: bounceledger" in ran.err
    assert "--help'" in ran.err


class Failing:
    """A ledger that fails."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def counts(self, *arguments: object) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (CommandError("no such thing"), 2, "bounceledger: no such thing\n"),
        (CommandError("half done", exit_code=1), 1, "bounceledger: half done\n"),
        (InputError("is odd", field="x\x1b"), 2, "bounceledger: x\\x1b is odd\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
        (OSError(28, "No space left"), 2, "bounceledger: input or output: No space left\n"),
        (
            ZeroDivisionError("division by zero"),
            70,
            (
                "bounceledger: unexpected error: ZeroDivisionError: division by zero\n"
                "This is a bug. Set BOUNCELEDGER_DEBUG=1 to see the traceback, and please report"
                " it.\n"
            ),
        ),
    ],
)
def test_an_error_ends_the_command_with_its_code(
    error: BaseException, code: int, message: str
) -> None:
    """Scripts can distinguish wrong usage, partial results and bugs."""
    # GIVEN a command that fails WHEN run THEN there is a message, and no traceback
    ran = run("counts", "fair", ledger=Failing(error))
    assert (ran.code, ran.out, ran.err) == (code, "", message)


def test_the_traceback_of_a_bug_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN the variable for it WHEN a command fails unexpectedly THEN the error is raised
    monkeypatch.setenv("BOUNCELEDGER_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run("counts", "fair", ledger=Failing(ZeroDivisionError()))


# ------------------------------------------------------------------------- completion


def complete(words: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What bash would offer for the last of some words."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("_BOUNCELEDGER_COMPLETE", "bash_complete")
        patch.setenv("COMP_WORDS", words)
        patch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
        assert main([]) == 0
    return [line.partition(",")[2] for line in capsys.readouterr().out.splitlines()]


def test_completion_offers_commands_options_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN a shell asks THEN it gets commands, options of a command, and values of an option
    assert complete("bounceledger ", capsys) == list(SUMMARIES)
    assert complete("bounceledger c", capsys) == ["classify", "check", "counts", "completion"]
    assert "--resolver" in complete("bounceledger mx --", capsys)
    assert complete("bounceledger classify --format ", capsys) == ["auto", "json", "csv", "text"]


def test_completion_offers_the_values_that_filter_a_list(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All that the API knows in this version; lead sources are not asked for."""
    reasons = [code for code in ReasonCode if code is not ReasonCode.ERASED]  # on no list
    assert complete("bounceledger list --reason ", capsys) == reasons
    assert complete("bounceledger list --reason h", capsys) == ["hard_bounce"]
    assert complete("bounceledger list --category mailbox_u", capsys) == ["mailbox_unknown"]
    assert complete("bounceledger list --category ", capsys) == [*Cause]
    assert complete("bounceledger list --source ", capsys) == [""]  # nothing
    assert complete("bounceledger sources --sort ", capsys) == [*SORTS]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("add", ["--file", "--note", "--until", "--column", "--encoding", "--json"]),
        ("remove", ["--file", "--note", "--complaint", "--provider"]),
        ("allow", ["--file", "--note"]),
        ("disallow", ["--file", "--note"]),
        ("erase", ["--file", "--note", "--end", "--yes"]),
        ("history", ["--limit", "--json"]),
        ("list", ["--source", "--reason", "--category", "--from", "--to", "--limit", "--csv"]),
        ("sources", ["--from", "--to", "--sort", "--json"]),
    ],
)
def test_completion_offers_the_options_of_the_suppression_list(
    name: str, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    offered = complete(f"bounceledger {name} --", capsys)
    assert {*options, "--stack", "--api-url"} <= set(offered)


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("zsh", "bounceledger list --reason ha", "plain\nhard_bounce\n_\n"),
        ("fish", "bounceledger list --reason ha", "plain,hard_bounce\n"),
        ("zsh", "bounceledger his", f"plain\nhistory\n{SUMMARIES['history']}\n"),
        ("fish", "bounceledger his", f"plain,history\t{SUMMARIES['history']}\n"),
    ],
)
def test_completion_answers_every_shell(
    shell: str,
    words: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN what the script of a shell asks
    monkeypatch.setenv("_BOUNCELEDGER_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    last = words.rsplit(" ", maxsplit=1)[-1] if shell == "fish" else str(len(words.split(" ")) - 1)
    monkeypatch.setenv("COMP_CWORD", last)

    # THEN the answer has its form
    assert main([]) == 0
    assert capsys.readouterr().out == expected


def test_bash_completes_with_the_script() -> None:
    """The whole way: the script, the function that it defines, and the program."""
    # GIVEN a shell that has evaluated the script
    asked = "COMP_WORDS=(bounceledger list --category mailbox_u) COMP_CWORD=3"
    script = f"""
        export PATH="{SCRIPT.parent}:$PATH"
        eval "$(bounceledger completion bash)"
        complete -p bounceledger
        {asked}
        _bounceledger_completion bounceledger
        echo "${{COMPREPLY[@]}}"
        """

    # WHEN it completes a word
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)

    # THEN it is the program's answer
    registered, reply = done.stdout.splitlines()
    assert registered.endswith("_bounceledger_completion bounceledger")
    assert reply == "mailbox_unknown"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: str) -> None:
    # WHEN the script is printed THEN it asks the program by its variable
    ran = run("completion", shell)
    assert ran.code == 0
    assert f"_BOUNCELEDGER_COMPLETE={shell}_complete" in ran.out


# ---------------------------------------------------------------------------- process


SLOW = {"boto3", "botocore", "bounceledger.classify.engine", "dns", "idna", "re2", "rich"}


@pytest.mark.parametrize(
    ("argv", "loaded_command"),
    [(["--version"], None), (["--help"], None), ([], None)]
    + [([name, "--help"], name) for name in SUMMARIES],
    ids=str,
)
def test_help_and_version_load_no_slow_package(argv: list[str], loaded_command: str | None) -> None:
    """Completion runs the program at every key."""
    # GIVEN a fresh interpreter that runs one command line
    script = (
        "import json, sys\n"
        "from bounceledger_cli.main import main\n"
        "main(sys.argv[1:])\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *argv], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))

    # THEN no slow package is loaded, and no command but the one that is asked for
    assert loaded & SLOW == set()
    prefix = "bounceledger_cli.commands."
    commands = {name.removeprefix(prefix) for name in loaded if name.startswith(prefix)}
    assert commands == ({loaded_command.replace("-", "_")} if loaded_command else set())


def test_the_console_script_classifies_standard_input() -> None:
    """The installed program works with bytes, pipes and any locale."""
    # GIVEN the installed script WHEN bytes come by pipe THEN JSON lines leave
    done = subprocess.run(
        [SCRIPT, "classify"],
        input=f"{UNKNOWN_USER} é\n".encode(),
        check=True,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert json.loads(done.stdout)["diagnostic"] == f"{UNKNOWN_USER} é"
    assert done.stderr == b""


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    """As in "bounceledger classify | head"."""
    # GIVEN more output than a pipe holds
    path = tmp_path / "a.txt"
    path.write_text(f"{UNKNOWN_USER}\n" * 5000, encoding="utf-8")
    process = subprocess.Popen(
        [SCRIPT, "classify", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None

    # WHEN the reader takes one line and leaves
    with process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    # THEN nothing is said, as with any tool in a pipe
    assert said == b""
    assert process.returncode == 141
