"""``bounceledger counts``: totals, rates and days of a lead source."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from bounceledger.ledger import Counts
from bounceledger.state.samples import Sample
from tests.unit.cli.runner import Ran, Terminal, run

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
DAYS = {
    date(2026, 11, 18): {"delivered": 90, "hard": 6, "category_mailbox_unknown": 6},
    date(2026, 11, 19): {
        "delivered": 2,
        "soft": 1,
        "block": 1,
        "complaint": 1,
        "unsubscribe": 3,
        "suppressed": 7,
        "category_policy": 1,
        "category_mailbox_full": 1,
    },
}


class Counted:
    """A ledger that has counted something."""

    def __init__(
        self,
        *days: dict[date, dict[str, int]],
        overflow: int = 0,
        samples: dict[date, Sample] | None = None,
        unconfirmed: dict[date, int] | None = None,
    ) -> None:
        self.days = dict(enumerate(days))
        self.overflow = overflow
        self.samples = samples
        self.unconfirmed = unconfirmed or {}
        self.asked: list[tuple[str, date, date]] = []

    def counts(self, source: str, first: date, last: date) -> Counts:
        self.asked.append((source, first, last))
        days = self.days[len(self.asked) - 1]
        return Counts(
            source=source,
            days=days,
            dead={date(2026, 11, 18): {"mailbox_unknown": 5, "mailbox_moved": 1}},
            unconfirmed=self.unconfirmed,
            samples=self.samples,
            final_from=last + timedelta(days=14),
            overflow=self.overflow,
        )


def ask(*argv: str, days: dict[date, dict[str, int]] = DAYS) -> tuple[Ran, Counted]:
    ledger = Counted(days)
    return run("counts", *argv, ledger=ledger, clock=lambda: NOW), ledger


def test_the_table_has_days_totals_and_rates() -> None:
    """Rates are shares of deliveries and bounces."""
    # WHEN a source's counts are printed
    ran, ledger = ask("Fair 2026")

    # THEN each day and the total have a line; rates are of deliveries and bounces
    assert ledger.asked == [("fair-2026", date(2026, 10, 22), date(2026, 11, 20))]
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["2026-11-18", "90", "6", "0", "0", "0", "0", "0"] in lines
    assert ["total", "92", "6", "1", "1", "1", "3", "7"] in lines
    assert ["2026-11-18", "6.25", "0.00", "0.00", "0.00"] in lines
    assert ["total", "6.00", "1.00", "1.00", "1.00"] in lines
    assert ["mailbox_unknown", "6"] in lines
    assert "A day is final 14 days later; all of these are from 2026-12-04 on." in ran.out


def hashes(first: int, last: int) -> frozenset[bytes]:
    return frozenset(n.to_bytes(4) for n in range(first, last))


def test_distinct_addresses_follow_the_events() -> None:
    """An address that is mailed every week is one address."""
    # GIVEN counts with samples of addresses on two days, most of them the same
    samples = {
        date(2026, 11, 18): Sample(answered=hashes(0, 90), blocked=hashes(80, 93)),
        date(2026, 11, 19): Sample(answered=hashes(10, 96)),
    }

    # WHEN they are printed
    ran = run("counts", "fair", ledger=Counted(DAYS, samples=samples), clock=lambda: NOW)

    # THEN each address is in them once
    assert "Distinct addresses: 96 with an answer,\n6 of them dead (6.25 %)." in ran.out
    assert "no answer" not in ran.out


def test_addresses_that_wait_for_dns_are_told_apart() -> None:
    day = date(2026, 11, 18)
    table = Counted(DAYS, samples={day: Sample(answered=hashes(0, 10))}, unconfirmed={day: 3})
    ran = run("counts", "fair", ledger=table, clock=lambda: NOW)
    assert "Another 3 are dead if DNS confirms it." in ran.out


def test_an_estimate_is_called_one() -> None:
    samples = {date(2026, 11, 18): Sample(level=2, answered=hashes(0, 24), blocked=hashes(24, 25))}
    ran = run("counts", "fair", ledger=Counted(DAYS, samples=samples), clock=lambda: NOW)
    assert "Distinct addresses: about 96 with an answer,\n6 of them dead (6.25 %)." in ran.out
    assert "Another about 4 had no answer: messages were blocked or expired," in ran.out


def test_addresses_are_left_out_where_deliveries_are_not_counted() -> None:
    ran, _ = ask("fair")
    assert "Distinct addresses" not in ran.out


def test_a_final_period_is_not_called_open() -> None:
    # GIVEN a period whose last day is final WHEN it is printed THEN nothing says otherwise
    ran, _ = ask("fair", "--from", "2026-11-01", "--to", "2026-11-05")
    assert "final" not in ran.out


def test_json_has_the_same_figures() -> None:
    ran, _ = ask("fair", "--from", "2026-11-18", "--to", "2026-11-19", "--json")
    answer = json.loads(ran.out)
    assert answer["days"]["2026-11-18"]["hard"] == 6
    assert answer["totals"]["delivered"] == 92
    assert answer["rates"] == {"hard": 0.06, "soft": 0.01, "block": 0.01, "complaint": 0.01}
    assert (answer["from"], answer["to"]) == ("2026-11-18", "2026-11-19")
    assert answer["final_from"] == "2026-12-03"
    assert answer["addresses"]["dead"]["mailbox_unknown"] == 5


@pytest.mark.parametrize("days", [DAYS, {}], ids=["some events", "none"])
def test_events_under_other_are_shown_with_every_lead_source(
    days: dict[date, dict[str, int]],
) -> None:
    """They may be this one's: its vendor may have come on a day with too many new names."""
    ran = run("counts", "fair", ledger=Counted(days, overflow=7), clock=lambda: NOW)
    assert "7 events are recorded\nunder the lead source 'other'" in ran.out
    plain, _ = ask("fair", days=days)
    assert "'other'" not in plain.out
    found = run("counts", "fair", "--json", ledger=Counted(days, overflow=7), clock=lambda: NOW)
    assert [record["overflow"] for record in found.records] == [7]


def test_a_source_without_events_has_no_rates() -> None:
    """A rate of nothing is not zero."""
    ran, _ = ask("fair", days={})
    assert "No events recorded for fair, 2026-10-22 to 2026-11-20 (UTC)." in ran.out
    [answer] = ask("fair", "--json", days={})[0].records
    assert answer["rates"] == dict.fromkeys(("hard", "soft", "block", "complaint"))


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


MORE = {date(2026, 11, 18): {"delivered": 1000, "hard": 300, "complaint": 2}}


def compare(*argv: str, stdout: Terminal | None = None) -> Ran:
    """Two sources: a few hard bounces and many complaints, and the other way round."""
    ledger = Counted(DAYS, MORE)
    return run("counts", "fair", "list", *argv, ledger=ledger, clock=lambda: NOW, stdout=stdout)


def first_cells(ran: Ran) -> list[str]:
    return [line.split(" ")[0] for line in ran.out.splitlines()]


def test_several_sources_are_compared_with_the_worst_first() -> None:
    """A deliverability lead looks for the vendor with the most dead addresses."""
    # WHEN two sources are asked for, in whatever order
    ran = compare()

    # THEN the one with the higher share of hard bounces stands first, above the total
    cells = first_cells(ran)
    assert cells.index("list") < cells.index("fair") < cells.index("total")
    assert "2 lead sources, 2026-10-22 to 2026-11-20 (UTC)" in ran.out


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("hard", ["list", "fair"]), ("complaint", ["fair", "list"]), ("name", ["fair", "list"])],
)
def test_the_order_can_be_chosen(sort: str, expected: list[str]) -> None:
    """What is worst depends on the question."""
    # WHEN sorted THEN lines of JSON and rows of the table have the same order
    ran = compare("--json", "--sort", sort)
    assert [record["lead_source"] for record in ran.records] == expected
    cells = first_cells(compare("--sort", sort))
    assert [cell for cell in cells if cell in expected][:2] == expected


def test_days_keep_their_order_unless_another_is_chosen() -> None:
    """A day table is read from left to right in time."""
    usual = first_cells(ask("fair")[0])
    assert usual.index("2026-11-18") < usual.index("2026-11-19")
    worst = first_cells(ask("fair", "--sort", "complaint")[0])
    assert worst.index("2026-11-19") < worst.index("2026-11-18")


def test_a_table_fits_80_columns_by_leaving_out_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a number says something else than the number."""
    # GIVEN millions of every outcome, and a terminal of 80 columns
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    outcomes = ("delivered", "hard", "soft", "block", "echo", "complaint", "delayed", "rejected")
    days = {date(2026, 11, 18): dict.fromkeys((*outcomes, "suppressed"), 1_234_567)}
    ledger = Counted(days, days)

    # WHEN the counts are printed there, and in a pipe
    watched = run("counts", "fair", ledger=ledger, clock=lambda: NOW, stdout=Terminal())
    piped = run("counts", "fair", ledger=ledger, clock=lambda: NOW)

    # THEN the terminal has the most needed columns whole, and says what it left out
    assert max(map(len, watched.out.splitlines())) <= 80
    assert "\u2026" not in watched.out
    assert "hard" in watched.out
    assert "not shown for lack of room: echo, delayed, rejected" in watched.out

    # AND the pipe has all of them
    assert "rejected" in piped.out
    assert "not shown" not in piped.out


@pytest.mark.parametrize(
    ("counters", "said"),
    [
        ({"claims_refuted": 3}, "Claims that a domain is dead: 3 refuted by DNS"),
        ({"category_autoreply": 2}, "autoreply"),
    ],
)
def test_a_table_without_numbers_is_not_printed(counters: dict[str, int], said: str) -> None:
    """Automatic replies and refuted claims are neither deliveries nor bounces."""
    # GIVEN a source that has nothing else
    ran, _ = ask("fair", days={date(2026, 11, 18): counters})

    # THEN that is said, and what there is
    assert ran.out.startswith("No deliveries or bounces counted for fair, 2026-10-22 to")
    assert "total" not in ran.out
    assert said in ran.out


@pytest.mark.parametrize("day", ["20261101", "2026-W45-1", "2026-11-1", "２026-11-01"])
def test_days_have_the_form_that_the_api_takes(day: str) -> None:
    ran, ledger = ask("fair", "--from", day)
    assert ran.code == 2
    assert f"{day!r} is not a date such as 2026-01-31" in ran.err
    assert ledger.asked == []
