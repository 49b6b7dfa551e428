"""``bounceledger counts``: totals, rates and days of a lead source."""

import argparse
import io
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger.ledger import Counts
from bounceledger_cli.commands import counts
from bounceledger_cli.console import CommandError, Console
from bounceledger_cli.main import main

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
DAYS = {
    date(2026, 11, 18): {"delivered": 90, "hard": 6, "category_mailbox_unknown": 6},
    date(2026, 11, 19): {
        "delivered": 2,
        "soft": 1,
        "block": 1,
        "complaint": 1,
        "suppressed": 7,
        "category_policy": 1,
        "category_mailbox_full": 1,
    },
}


class Counted:
    """A ledger that has counted something."""

    def __init__(self, days: dict[date, dict[str, int]]) -> None:
        self.days = days
        self.asked: list[tuple[str, date, date]] = []

    def counts(self, source: str, first: date, last: date) -> Counts:
        self.asked.append((source, first, last))
        return Counts(source=source, days=self.days)


def run(*arguments: str, days: dict[date, dict[str, int]] = DAYS) -> tuple[str, Counted]:
    ledger = Counted(days)
    output = io.StringIO()
    console = Console(stdin=io.StringIO(), stdout=output, stderr=io.StringIO())

    class Command:
        NAME, HELP, EXAMPLES = counts.NAME, counts.HELP, counts.EXAMPLES
        add_arguments = staticmethod(counts.add_arguments)

        @staticmethod
        def run(args: Any, console: Console) -> int:
            return counts.run(args, console, ledger=ledger, clock=lambda: NOW)

    code = main(["counts", *arguments], console=console, commands=[Command()])
    assert code == 0
    return output.getvalue(), ledger


def test_a_table_by_day_with_totals_and_rates() -> None:
    # WHEN a source's counts are printed
    output, ledger = run("Fair 2026")
    # THEN each day and the total have a line; rates are of deliveries and bounces
    assert ledger.asked == [("fair-2026", date(2026, 10, 22), date(2026, 11, 20))]
    lines = [line.replace("│", " ").split() for line in output.splitlines()]
    assert ["2026-11-18", "90", "6", "0", "0", "0", "0"] in lines
    assert ["total", "92", "6", "1", "1", "1", "7"] in lines
    assert ["2026-11-18", "6.25", "0.00", "0.00", "0.00"] in lines
    assert ["total", "6.00", "1.00", "1.00", "1.00"] in lines
    assert ["mailbox_unknown", "6"] in lines


def test_json_for_programs() -> None:
    output, _ = run("fair", "--from", "2026-11-18", "--to", "2026-11-19", "--json")
    answer = json.loads(output)
    assert answer["days"]["2026-11-18"]["hard"] == 6
    assert answer["totals"]["delivered"] == 92
    assert answer["rates"] == {"hard": 0.06, "soft": 0.01, "block": 0.01, "complaint": 0.01}
    assert (answer["from"], answer["to"]) == ("2026-11-18", "2026-11-19")


def test_nothing_counted_has_no_rate() -> None:
    output, _ = run("fair", days={})
    assert "Nothing was counted for fair" in output
    assert counts.rates({}) == dict.fromkeys(("hard", "soft", "block", "complaint"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fair", "--from", "2026-11-21", "--to", "2026-11-20"], "later than"),
        (["###"], "no lead source"),
        (["fair", "--to", "0001-01-05"], "no mail before"),
        (["fair", "--from", "2001-01-05"], "no mail before"),
    ],
)
def test_what_cannot_be_asked(arguments: list[str], message: str) -> None:
    parser = argparse.ArgumentParser()
    counts.add_arguments(parser)
    console = Console(stdout=io.StringIO(), stderr=io.StringIO())
    with pytest.raises(CommandError, match=message):
        counts.run(parser.parse_args(arguments), console, ledger=Counted({}), clock=lambda: NOW)


def test_a_table_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME", raising=False)
    parser = argparse.ArgumentParser()
    counts.add_arguments(parser)
    with pytest.raises(CommandError, match="TABLE_NAME"):
        counts.run(parser.parse_args(["fair"]), Console(stdout=io.StringIO()))
