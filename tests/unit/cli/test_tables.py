"""Tables fit the terminal, align numbers and keep strangers' strings harmless."""

import pytest

from bounceledger_cli.console import Console
from bounceledger_cli.tables import print_table
from tests.unit.cli.runner import Terminal


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "dumb")
    return Console(stdout=Terminal())


def drawn(console: Console) -> list[str]:
    assert isinstance(console.stdout, Terminal)
    return console.stdout.getvalue().splitlines()


def test_numbers_are_right_aligned_and_have_separators(console: Console) -> None:
    # WHEN a table has numbers, shares and strings THEN only the strings are left-aligned
    print_table(console, ("name", "count", "share"), [("a", 7, "0.1%"), ("b", 1200, "99.9%")])
    assert drawn(console) == ["name  count  share", "a         7   0.1%", "b     1,200  99.9%"]


def test_long_strings_are_folded_at_a_terminal_only(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a name wider than the terminal
    name = "x" * 60

    # WHEN it is printed there, and in a pipe
    print_table(console, ("name", "count"), [(name, 7)])
    assert max(map(len, drawn(console))) <= 40
    monkeypatch.setattr(console.stdout, "isatty", lambda: False)
    print_table(console, ("name", "count"), [(name, 7)])

    # THEN only the pipe has it on one line
    assert drawn(console)[-1] == f"{name}      7"


def test_columns_move_together_before_anything_is_cut(console: Console) -> None:
    """A number that is cut is a wrong number."""
    # GIVEN more numbers than the terminal has room for WHEN printed THEN all are complete
    row = ("2026-11-18", *[1234567] * 4)
    print_table(console, ("day", "a", "b", "c", "d"), [row])
    assert drawn(console)[-1] == "2026-11-18 1,234,567 1,234,567 1,234,567 1,234,567"


def test_markup_and_control_characters_are_shown(console: Console) -> None:
    # WHEN a cell holds markup and an escape THEN both are printed literally
    print_table(console, ("name",), [("[bold]\x1b[2J",)])
    assert drawn(console)[-1] == "[bold]\\x1b[2J"
