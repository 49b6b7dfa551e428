"""``bounceledger list``: the suppressed addresses."""

import csv
import io
from itertools import repeat
from typing import Any

import pytest

from bounceledger.api import csv_pages
from tests.unit.cli.runner import Ran, Terminal, run
from tests.unit.client.api_double import FakeApi, listed, listed_domain, reply, silent

ROWS = [
    listed("ann@leads.example", suppressed_until="2026-12-20T12:00:00Z"),
    listed("bob@leads.example", reason="manual", category=None, lead_source=None),
]


def pages(*rows: list[dict[str, Any]]) -> FakeApi:
    """An API with a list of some pages."""
    last = len(rows) - 1
    return FakeApi(
        iter(
            reply(
                200,
                {
                    "suppressions": page,
                    "examined": 1000,
                    "next_cursor": None if n == last else f"c{n}",
                },
            )
            for n, page in enumerate(rows)
        )
    )


def list_(*argv: str, api: FakeApi | None = None, **options: Any) -> Ran:
    return run("list", *argv, api=(api or pages(ROWS)).client(retries=0), **options)


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal has 80."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")


# ------------------------------------------------------------------------------- table


def test_at_a_terminal_there_is_a_table() -> None:
    ran = list_(stdout=Terminal())
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["ann@leads.example", "hard_bounce", "mailbox_unknown", "2026-11-20", "2026-12-20"] in (
        lines
    )
    assert ["bob@leads.example", "manual", "2026-11-20"] in lines
    assert ran.out.endswith("\n\n2 addresses\n")
    assert "not shown for lack of room: lead source\n" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert (ran.code, ran.err) == (0, "")


def test_an_address_is_whole_where_there_is_room() -> None:
    """Whoever copies it needs all of it."""
    row = listed("exchange-recipient-30@leads.test", category="provider_suppressed")
    ran = list_(stdout=Terminal(), api=pages([{**row, "reason": "provider_list"}]))
    assert "exchange-recipient-30@leads.test" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80

    # AND one that has none is folded, not cut off
    long = f"{'a' * 64}@{'b' * 60}.test"
    ran = list_(stdout=Terminal(), api=pages([listed(long)]))
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "".join(line.split(" ")[0] for line in ran.out.splitlines()[1:]).startswith(long)


def test_a_domain_that_a_person_added_is_a_row_of_its_own() -> None:
    """It suppresses everyone there."""
    domain = listed_domain("leads.example")
    ran = list_(stdout=Terminal(), api=pages([ROWS[0], domain]))
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["@leads.example", "manual", "2026-11-20"] in lines
    assert ran.out.endswith("\n\n1 address and 1 domain\n")
    assert max(map(len, ran.out.splitlines())) <= 80
    assert list_(stdout=Terminal(), api=pages([domain])).out.endswith("\n\n1 domain\n")

    # AND in CSV and JSON as the API has it
    text = list_(api=pages([ROWS[0], domain])).out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["address"], row["domain"]) for row in rows] == [
        ("ann@leads.example", ""),
        ("", "leads.example"),
    ]
    assert list_("--json", api=pages([domain])).records == [domain]


def test_an_empty_list_says_so() -> None:
    ran = list_(stdout=Terminal(), api=pages([], []))
    assert (ran.code, ran.out) == (0, "No suppressed addresses found.\n")


def test_a_table_ends_where_nobody_would_read_on() -> None:
    """A table is drawn when all of its rows are known."""
    page = [listed(f"a{n}@a.test") for n in range(1000)]
    api = FakeApi(repeat(reply(200, {"suppressions": page, "next_cursor": "c"})))
    ran = list_(stdout=Terminal(), api=api)
    assert len(api.requests) == 1
    assert "1,000 addresses\n" in ran.out
    assert ran.err == "At most 1,000 are shown here; for more, pass --limit or --csv.\n"

    # AND goes on if it is told to
    assert "1,500 addresses\n" in list_("--limit", "1500", stdout=Terminal(), api=api).out


def test_text_of_strangers_is_only_text() -> None:
    row = listed("a@a.test", reason="\x1b[31m", category="[bold]x[/bold]", lead_source="\u202egro")
    ran = list_(stdout=Terminal(), api=pages([row]))
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert "\\x1b[31m" in ran.out
    assert "[bold]x[/bold]" in ran.out


def test_progress_is_shown_on_standard_error_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    watched = list_(stderr=Terminal(), api=pages([], ROWS))
    unwatched = list_(api=pages([], ROWS))
    assert "entries examined" in watched.err
    assert unwatched.err == ""
    assert watched.out == unwatched.out


# -------------------------------------------------------------------------------- CSV


def test_in_a_pipe_there_is_csv_of_all_pages() -> None:
    ran = list_(api=pages([ROWS[0]], [], [ROWS[1]]))
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [row["address"] for row in rows] == ["ann@leads.example", "bob@leads.example"]
    assert rows[0]["suppressed_until"] == "2026-12-20T12:00:00Z"
    assert (rows[1]["category"], rows[1]["unconfirmed"]) == ("", "false")
    assert (ran.code, ran.err) == (0, "")


def test_csv_is_that_of_the_api() -> None:
    """The same columns, and no cell is a formula."""
    row = listed("+1@a.test", diagnostic="=cmd|' /C calc'!A0\x1b\r\nx", explanation='@x, "y"')
    expected = csv_pages.suppressions([row]).replace("\r\n", "\n")
    assert list_(api=pages([row])).out == expected
    assert "'+1@a.test" in expected
    assert list_("--csv", stdout=Terminal(), api=pages([row])).out == expected


def test_csv_of_an_empty_list_has_its_heading() -> None:
    assert list_(api=pages([])).out == ",".join(csv_pages.COLUMNS) + "\n"


def test_csv_lacks_what_the_api_does_not_say() -> None:
    """An older version, say."""
    ran = list_(api=pages([{"address": "a@a.test"}]))
    assert ran.out.splitlines()[1] == "a@a.test" + "," * (len(csv_pages.COLUMNS) - 1)


# ------------------------------------------------------------------------------- JSON


def test_json_has_a_line_for_each_with_the_fields_of_the_api() -> None:
    ran = list_("--json", api=pages([ROWS[0]], [ROWS[1]]))
    assert ran.records == ROWS


# ----------------------------------------------------------------------------- options


def test_filters_are_sent() -> None:
    api = pages(ROWS)
    list_(
        *("--reason", "hard_bounce", "--category", "mailbox_unknown", "--from", "2026-11-01"),
        *("--to", "2026-11-30", "--limit", "50"),
        api=api,
    )
    [request] = api.requests
    assert request.url.partition("/live")[2] == (
        "/v1/suppressions/list?reason=hard_bounce&category=mailbox_unknown"
        "&from=2026-11-01&to=2026-11-30&limit=50"
    )


def test_one_lead_sources_addresses_are_listed() -> None:
    """It is named in any spelling."""
    api = pages(ROWS)
    list_("--source", "Trade Fair 2026", api=api)
    [request] = api.requests
    assert "/v1/sources/trade-fair-2026/suppressions?" in request.url


def test_a_reason_that_is_not_known_here_may_be_known_to_the_api() -> None:
    """A later version of it, say."""
    api = pages(ROWS)
    assert list_("--reason", "of_2030", "--category", "new", api=api).code == 0
    assert "reason=of_2030&category=new" in api.requests[0].url


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--csv", "--json"), "use either --csv or --json, not both"),
        (("--from", "2026-11-02", "--to", "2026-11-01"), "is later than --to"),
        (("--from", "yesterday"), "'yesterday' is not a date such as 2026-01-31."),
        (("--limit", "0"), "0 is not in the range"),
        (("--source", "###"), "not a valid lead source name: '###'"),
    ],
)
def test_wrong_options_are_reported(argv: tuple[str, ...], message: str) -> None:
    api = pages(ROWS)
    ran = list_(*argv, api=api)
    assert (ran.code, ran.out, api.requests) == (2, "", [])
    assert message in ran.err


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (silent(), "the API is not available: no answer after 1 tries: no route to host"),
        (reply(403, {"message": "Forbidden"}), "the API denied access: Forbidden"),
        (reply(400, {"detail": "reason must be one of …"}), "reason must be one of …"),
        (reply(200, {}), "the API answered without suppressions"),
    ],
    ids=["down", "denied", "invalid", "odd"],
)
def test_what_goes_wrong_is_a_message(answer: Any, message: str) -> None:
    for argv in ((), ("--json",)):
        ran = list_(*argv, api=FakeApi(iter([answer])))
        assert ran.code == 2
        assert ran.err == f"bounceledger: {message}\n"
