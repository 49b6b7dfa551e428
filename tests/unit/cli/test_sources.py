"""``bounceledger sources``: outcomes and rates of all lead sources."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.cli.runner import Ran, Terminal, run
from tests.unit.client.api_double import FakeApi, reply, silent

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)


def source(name: str, **totals: int) -> dict[str, Any]:
    return {
        "lead_source": name,
        "totals": {**totals, "categories": {"mailbox_unknown": totals.get("hard", 0)}},
        "rates": {"hard": 0.06, "soft": 0.0, "block": 0.0, "complaint": 0.0},
        "claims_complete": True,
        "a field of a later version": 1,
    }


FAIR = source("fair", delivered=94, hard=6)
LIST = source("list", delivered=50, hard=50, complaint=0)
WEB = source("web", delivered=99, hard=1, complaint=9)


def page(*sources: dict[str, Any], **fields: Any) -> Any:
    body = {
        "from": "2026-10-22",
        "to": "2026-11-20",
        "sources": list(sources),
        "final_from": "2026-12-04",
        "overflow": 0,
        "next_cursor": None,
    }
    return reply(200, {**body, **fields})


def sources(*argv: str, answers: list[Any] | None = None, **options: Any) -> tuple[Ran, FakeApi]:
    api = FakeApi(iter(answers or [page(FAIR, LIST, next_cursor="c"), page(WEB)]))
    return run("sources", *argv, api=api.client(retries=0), clock=lambda: NOW, **options), api


def test_all_lead_sources_are_compared_with_the_worst_first() -> None:
    # WHEN the lead sources are shown
    ran, api = sources()

    # THEN the days are those that are usual, on every page
    assert [request.url.partition("?")[2] for request in api.requests] == [
        "from=2026-10-22&to=2026-11-20&limit=100",
        "from=2026-10-22&to=2026-11-20&limit=100&cursor=c",
    ]

    # AND each has its totals and its rates, the one with most hard bounces first
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[0] == ["3", "lead", "sources,", "2026-10-22", "to", "2026-11-20", "(UTC)"]
    assert lines[2:6] == [
        ["list", "50", "50", "0"],
        ["fair", "94", "6", "0"],
        ["web", "99", "1", "9"],
        ["total", "243", "57", "9"],
    ]
    assert ["list", "50.00", "0.00", "0.00", "0.00"] in lines
    assert ["total", "19.00", "0.00", "0.00", "3.00"] in lines
    assert "A day is final 14 days later; all of these are from 2026-12-04 on." in ran.out
    assert (ran.code, ran.err) == (0, "")


def test_days_and_order_can_be_chosen() -> None:
    ran, api = sources(
        *("--from", "2026-11-01", "--to", "2026-11-05", "--sort", "complaint"),
        answers=[page(FAIR, WEB, final_from="2026-11-19")],
    )
    assert "from=2026-11-01&to=2026-11-05" in api.requests[0].url
    assert ran.out.index("web ") < ran.out.index("fair ")
    assert "final" not in ran.out


def test_json_has_a_line_for_each_with_the_fields_of_the_api() -> None:
    ran, _ = sources("--json", "--sort", "name")
    days = {"from": "2026-10-22", "to": "2026-11-20"}
    assert ran.records == [days | FAIR, days | LIST, days | WEB]


def test_what_is_missing_is_said() -> None:
    ran, _ = sources(answers=[page(FAIR | {"claims_complete": False}, overflow=7)])
    assert "too many claims to look at all" in ran.out
    assert "7 events are recorded\nunder the lead source 'other'" in ran.out


def test_without_lead_sources_there_is_no_table() -> None:
    ran, _ = sources(answers=[page()])
    assert ran.out == "No lead sources recorded, 2026-10-22 to 2026-11-20 (UTC).\n"
    assert sources("--json", answers=[page()])[0].out == ""


def test_a_source_of_a_later_version_is_shown() -> None:
    ran, _ = sources(answers=[page({"lead_source": "x", "totals": {"delivered": 3, "odd": {}}})])
    assert ["x", "3"] in [line.split() for line in ran.out.splitlines()]


def test_output_fits_80_columns_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    names = ("delivered", "hard", "soft", "block", "echo", "complaint", "delayed", "rejected")
    many = source("a-very-long-name-of-a-vendor-" + "x" * 30, **dict.fromkeys(names, 1_234_567))
    ran, _ = sources(answers=[page(many)], stdout=Terminal())
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "not shown for lack of room: delayed, rejected" in ran.out


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (silent(), "the API is not available: no answer after 1 tries: no route to host"),
        (reply(403, {"message": "Forbidden"}), "the API denied access: Forbidden"),
        (reply(200, {}), "the API answered without sources"),
    ],
    ids=["down", "denied", "odd"],
)
def test_what_goes_wrong_is_a_message(answer: Any, message: str) -> None:
    ran, _ = sources(answers=[answer])
    assert (ran.code, ran.out, ran.err) == (2, "", f"bounceledger: {message}\n")


def test_wrong_days_are_reported() -> None:
    ran, api = sources("--from", "2026-11-21")
    assert (ran.code, api.requests) == (2, [])
    assert "--from 2026-11-21 is later than --to 2026-11-20" in ran.err
