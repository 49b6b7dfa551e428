"""``bounceledger counts``: totals, rates and days of a lead source."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from bounceledger.ledger import Counts
from bounceledger_cli.commands import counts
from tests.unit.cli.runner import Ran, run

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
        return Counts(source=source, days=self.days, final_from=last + timedelta(days=14))


def ask(*argv: str, days: dict[date, dict[str, int]] = DAYS) -> tuple[Ran, Counted]:
    ledger = Counted(days)
    return run("counts", *argv, ledger=ledger, clock=lambda: NOW), ledger


def test_a_table_by_day_with_totals_and_rates() -> None:
    # WHEN a source's counts are printed
    ran, ledger = ask("Fair 2026")
    # THEN each day and the total have a line; rates are of deliveries and bounces
    assert ledger.asked == [("fair-2026", date(2026, 10, 22), date(2026, 11, 20))]
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["2026-11-18", "90", "6", "0", "0", "0", "0"] in lines
    assert ["total", "92", "6", "1", "1", "1", "7"] in lines
    assert ["2026-11-18", "6.25", "0.00", "0.00", "0.00"] in lines
    assert ["total", "6.00", "1.00", "1.00", "1.00"] in lines
    assert ["mailbox_unknown", "6"] in lines
    assert "A day is final 14 days later; all of these are from 2026-12-04 on." in ran.out


def test_a_final_period_is_not_called_open() -> None:
    # GIVEN a period whose last day is final WHEN it is printed THEN nothing says otherwise
    ran, _ = ask("fair", "--from", "2026-11-01", "--to", "2026-11-05")
    assert "final" not in ran.out


def test_json_for_programs() -> None:
    ran, _ = ask("fair", "--from", "2026-11-18", "--to", "2026-11-19", "--json")
    answer = json.loads(ran.out)
    assert answer["days"]["2026-11-18"]["hard"] == 6
    assert answer["totals"]["delivered"] == 92
    assert answer["rates"] == {"hard": 0.06, "soft": 0.01, "block": 0.01, "complaint": 0.01}
    assert (answer["from"], answer["to"]) == ("2026-11-18", "2026-11-19")
    assert answer["final_from"] == "2026-12-03"


def test_a_source_without_events_has_no_rates() -> None:
    ran, _ = ask("fair", days={})
    assert "No events recorded for fair, 2026-10-22 to 2026-11-20 (UTC)." in ran.out
    assert counts.rates({}) == dict.fromkeys(("hard", "soft", "block", "complaint"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fair", "--from", "2026-11-21", "--to", "2026-11-20"], "later than"),
        (["###"], "not a valid lead source name: '###'"),
        (["fair", "--to", "0001-01-05"], "no mail before"),
        (["fair", "--from", "2001-01-05"], "no mail before"),
        (["fair", "--to", "tomorrow"], "'tomorrow' is not a date such as 2026-01-31."),
    ],
)
def test_wrong_days_and_sources_are_reported(arguments: list[str], message: str) -> None:
    # WHEN the days or the lead source are wrong THEN the command says so
    ran, ledger = ask(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert ledger.asked == []


def test_a_table_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN neither an option nor a variable WHEN run THEN the message lists all of them
    monkeypatch.delenv("TABLE_NAME", raising=False)
    ran = run("counts", "fair")
    assert ran.code == 2
    assert "no table given; use --table, --stack or set TABLE_NAME" in ran.err
