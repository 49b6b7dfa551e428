"""The routes that list: suppressed addresses and lead sources, page by page."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bounceledger.api.cursors import Cursors
from bounceledger.errors import SecretError
from bounceledger.ledger import Ledger
from bounceledger.state import Action, Change
from bounceledger.verdict import Category
from tests.fakes import FakeContext
from tests.faults.fake import FakeDynamoDB
from tests.functions import load
from tests.unit.ledger.recording import delivery, ledger, observe, removal

lookup = load("lookup")

LIST = "/v1/suppressions/list"
CURSORS = Cursors("s" * 64)


def respond(
    path: str,
    query: Mapping[str, object] | None = None,
    *,
    table: Ledger | None = None,
    accept: str = "*/*",
    cursors: Callable[[], Cursors] = lambda: CURSORS,
) -> dict[str, Any]:
    request = {
        "httpMethod": "GET",
        "path": path,
        "resource": path,
        "headers": {"Accept": accept},
        "queryStringParameters": {name: str(value) for name, value in (query or {}).items()},
        "multiValueQueryStringParameters": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {"stage": "live", "path": f"/live{path}"},
    }
    answer: dict[str, Any] = lookup.handler(
        request, FakeContext(), ledger=table or ledger(FakeDynamoDB()), cursors=cursors
    )
    return answer


def get(path: str, query: Mapping[str, object] | None = None, **how: Any) -> tuple[int, Any]:
    answer = respond(path, query, **how)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def table() -> Ledger:
    """Five dead addresses of two lead sources."""
    table = ledger(FakeDynamoDB())
    dead = [
        observe(
            f"b{n}",
            Category.MAILBOX_UNKNOWN,
            address=f"a{n}@example.test",
            source=("fair", "rival")[n % 2],
            diagnostic="550 5.1.1 no such user",
        )
        for n in range(5)
    ]
    table.record([*dead, delivery("d", message_id="m")])
    return table


def follow(path: str, query: Mapping[str, object], table: Ledger) -> list[dict[str, Any]]:
    """The answers of all pages."""
    status, body = get(path, query, table=table)
    assert status == 200, body
    answers = [body]
    while cursor := answers[-1]["next_cursor"]:
        answers.append(get(path, {**query, "cursor": cursor}, table=table)[1])
    return answers


def test_all_suppressed_addresses_are_listed_by_page(table: Ledger) -> None:
    # WHEN they are read by two
    answers = follow(LIST, {"limit": 2}, table)

    # THEN each is there once, with why
    rows = [row for answer in answers for row in answer["suppressions"]]
    assert sorted(row["address"] for row in rows) == [f"a{n}@example.test" for n in range(5)]
    assert rows[0] == {
        "address": "a0@example.test",
        "domain": None,
        "suppressed": True,
        "reason": "hard_bounce",
        "category": "mailbox_unknown",
        "scope": "address",
        "explanation": rows[0]["explanation"],
        "suppressed_until": None,
        "unconfirmed": False,
        "allowed": False,
        "lead_source": "fair",
        "lead_sources": ["fair"],
        "diagnostic": "550 5.1.1 no such user",
        "last_seen": rows[0]["last_seen"],
    }
    assert len(answers) == 3


def test_a_domain_that_a_person_added_is_a_row_without_an_address(table: Ledger) -> None:
    """It suppresses everyone there, so somebody must be able to see it."""
    # GIVEN domains and an address that a person added
    jane = "arn:aws:iam::111122223333:user/jane"
    subjects = ("b.example.test", "x@a.example.test", "a.example.test")
    table.apply_changes(
        [Change(action=Action.ADD, subject=one, by=jane, note="spam trap") for one in subjects]
    )

    # WHEN the list is read by one, so that cursors are about domains, too
    answers = follow(LIST, {"limit": 1, "reason": "manual"}, table)
    rows = [row for answer in answers for row in answer["suppressions"]]

    # THEN the domains follow the address, with the same fields
    assert [(row["address"], row["domain"]) for row in rows] == [
        ("x@a.example.test", None),
        (None, "a.example.test"),
        (None, "b.example.test"),
    ]
    assert rows[0].keys() == rows[1].keys()
    assert rows[1] == {
        "address": None,
        "domain": "a.example.test",
        "suppressed": True,
        "reason": "manual",
        "category": None,
        "scope": "domain",
        "explanation": rows[1]["explanation"],
        "suppressed_until": None,
        "unconfirmed": False,
        "allowed": False,
        "lead_source": None,
        "lead_sources": [],
        "diagnostic": None,
        "last_seen": rows[1]["last_seen"],
    }
    assert rows[1]["explanation"].startswith("The domain was added manually on ")
    assert rows[1]["last_seen"] == rows[0]["last_seen"]

    # AND CSV has the domain in a column of its own, the last
    text = respond(LIST, {"reason": "manual"}, table=table, accept="text/csv")["body"]
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["address"], row["domain"], row["scope"]) for row in found] == [
        ("x@a.example.test", "", "address"),
        ("", "a.example.test", "domain"),
        ("", "b.example.test", "domain"),
    ]
    assert text.splitlines()[0].endswith(",domain")


def test_a_sources_own_list_is_at_its_path(table: Ledger) -> None:
    [answer] = follow("/v1/sources/rival/suppressions", {}, table)

    assert [row["address"] for row in answer["suppressions"]] == [
        "a1@example.test",
        "a3@example.test",
    ]
    assert answer["examined"] == 2


@pytest.mark.parametrize(
    "query",
    [{"reason": "complaint"}, {"category": "mailbox_full"}, {"to": "2020-01-01"}],
)
def test_a_page_may_be_empty(table: Ledger, query: Mapping[str, object]) -> None:
    [answer] = follow(LIST, query, table)
    assert answer == {"suppressions": [], "examined": 5, "next_cursor": None}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (LIST, {"limit": 1, "reason": "hard_bounce"}),
        (LIST, {"limit": 1, "category": "mailbox_unknown"}),
        (LIST, {"limit": 1, "from": "2020-01-01"}),
        ("/v1/sources/rival/suppressions", {"limit": 1}),
        ("/v1/sources", {"limit": 1}),
    ],
)
def test_a_cursor_of_another_list_is_a_400(
    table: Ledger, path: str, query: Mapping[str, object]
) -> None:
    """A caller who may read one source must not go on in another."""
    # GIVEN a cursor of the list of one source
    cursor = get("/v1/sources/fair/suppressions", {"limit": 1}, table=table)[1]["next_cursor"]
    assert cursor

    # THEN another list refuses it
    status, body = get(path, {**query, "cursor": cursor}, table=table)
    assert (status, body["field"]) == (400, "cursor")

    # AND so it does a changed one of its own
    own = get(path, query, table=table)[1]["next_cursor"]
    changed = ("A" if own[0] != "A" else "B") + own[1:]
    status, body = get(path, {**query, "cursor": changed}, table=table)
    assert (status, body["field"]) == (400, "cursor")


def test_the_size_of_a_page_may_change_on_the_way(table: Ledger) -> None:
    cursor = get(LIST, {"limit": 1}, table=table)[1]["next_cursor"]
    status, body = get(LIST, {"limit": 1000, "cursor": cursor}, table=table)
    assert (status, len(body["suppressions"])) == (200, 4)


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        (LIST, {"reason": "hard"}, "reason"),
        (LIST, {"reason": "erased"}, "reason"),  # none is on a list
        (LIST, {"category": "nothing"}, "category"),
        (LIST, {"from": "2026-02-30"}, "from"),
        (LIST, {"from": "2026-02-02", "to": "2026-02-01"}, "from"),
        (LIST, {"limit": 0}, "limit"),
        (LIST, {"limit": 1001}, "limit"),
        (LIST, {"limit": "٣"}, "limit"),
        (LIST, {"limit": "9" * 5000}, "limit"),
        (LIST, {"cursor": "x"}, "cursor"),
        (LIST, {"source": "fair"}, "source"),
        ("/v1/sources", {"limit": 101}, "limit"),
        ("/v1/sources", {"reason": "complaint"}, "reason"),
        ("/v1/sources/Fair/suppressions", {}, "source"),
        ("/v1/sources/fair%23x/suppressions", {}, "source"),
    ],
)
def test_what_cannot_be_listed_is_a_400_with_the_field(
    path: str, query: Mapping[str, object], field: str
) -> None:
    status, body = get(path, query)
    assert (status, body["field"]) == (400, field)


def test_a_list_without_a_second_page_reads_no_secret(table: Ledger) -> None:
    """The call would cost time and money."""

    def unwanted() -> Cursors:
        raise AssertionError

    assert get(LIST, table=table, cursors=unwanted)[0] == 200


def test_without_the_secret_the_answer_is_worth_a_retry(table: Ledger) -> None:
    """A page without a way to the next one would read as the whole list."""

    def silent() -> Cursors:
        raise SecretError("Secrets Manager did not answer: timeout")

    answer = respond(LIST, {"limit": 1}, table=table, cursors=silent)

    assert answer["statusCode"] == 503
    assert answer["multiValueHeaders"]["Retry-After"] == ["1"]
    assert "secret" in json.loads(answer["body"])["detail"]


# -------------------------------------------------------------------------------------- CSV


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/csv;q=0.9, application/json;q=0.8", "text/csv; charset=utf-8"),
        ("Text/CSV ; q=1", "text/csv; charset=utf-8"),
        ("application/json, text/csv", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=x", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
    ],
)
def test_the_caller_chooses_the_form(table: Ledger, accept: str, kind: str) -> None:
    answer = respond(LIST, table=table, accept=accept)
    assert answer["multiValueHeaders"]["Content-Type"] == [kind]


def test_csv_names_the_next_page_in_a_link(table: Ledger) -> None:
    """RFC 8288; relative to the request, so that it holds behind a domain of one's own."""
    # WHEN all pages are read by their links
    query: dict[str, object] = {"limit": 2, "reason": "hard_bounce"}
    rows: list[dict[str, str]] = []
    for _ in range(3):
        answer = respond(LIST, query, table=table, accept="text/csv")
        rows += csv.DictReader(io.StringIO(answer["body"], newline=""))
        headers = answer["multiValueHeaders"]
        if "Link" not in headers:
            break
        target, relation = headers["Link"][0].split("; ")
        assert relation == 'rel="next"'
        assert target.startswith("<?")
        query = dict(parse_qsl(urlsplit(target.strip("<>")).query))

    # THEN they have what the JSON has
    expected = [row for one in follow(LIST, {}, table) for row in one["suppressions"]]
    assert [row["address"] for row in rows] == [row["address"] for row in expected]
    assert [row["explanation"] for row in rows] == [row["explanation"] for row in expected]
    assert {row["suppressed_until"] for row in rows} == {""}
    assert {row["unconfirmed"] for row in rows} == {"false"}
    assert "Link" not in headers


@pytest.mark.parametrize(
    "address", ["=cmd|calc@example.test", "+1@example.test", "-2@example.test"]
)
@pytest.mark.parametrize("words", ["=1+1", "-1+1", "\uff1d1+1", '"quoted", with comma', " =1"])
def test_no_cell_of_a_csv_is_a_formula(address: str, words: str) -> None:
    """An address or a server's words must not run in a spreadsheet."""
    # GIVEN an address and a reply that begin like formulas
    table = ledger(FakeDynamoDB())
    table.record([observe("b", Category.MAILBOX_UNKNOWN, address=address, diagnostic=words, ago=1)])

    # WHEN they are exported
    text = respond(LIST, table=table, accept="text/csv")["body"]

    # THEN each row has its columns, no cell begins like a formula, and nothing else changed
    [heading, row] = csv.reader(io.StringIO(text, newline=""))
    assert len(heading) == len(row)
    assert not [cell for cell in row if cell.lstrip()[:1] in tuple("=+-@\uff1d")]
    cells = dict(zip(heading, row, strict=True))
    assert cells["address"].removeprefix("'") == address
    assert cells["diagnostic"].removeprefix("'").strip() == words.strip()


# ----------------------------------------------------------------------------------- history


def test_the_history_of_an_address_has_its_events_and_changes(table: Ledger) -> None:
    # GIVEN an address with a block, and a person who removed its suppression
    table.record(
        [observe("x", Category.REPUTATION_BLOCK, address="a0@example.test", diagnostic="554 no")]
    )
    jane = "arn:aws:iam::111122223333:user/jane"
    table.apply_changes([removal("a0@example.test", by=jane, note="is back")])

    # WHEN its history is asked for
    status, body = get("/v1/suppressions/history", {"address": "A0@example.test"}, table=table)

    # THEN it has all of that, the newest first
    assert status == 200
    assert (body["address"], body["truncated"]) == ("a0@example.test", False)
    removed, *events = body["history"]
    assert (removed["type"], removed["note"]) == ("change", "is back")
    assert removed["by"] == jane
    assert removed["change"] == {"action": "remove"}
    assert removed["before"]["reason"] == "hard_bounce"
    assert removed["after"] == {"suppressed": False, "allowed": False}
    assert {(e["category"], e["disposition"], e["reply"]) for e in events} == {
        ("mailbox_unknown", "hard", None),
        ("reputation_block", "block", "554 no"),
    }

    # AND of as many entries as are asked for
    _, one = get(
        "/v1/suppressions/history", {"address": "a0@example.test", "limit": 1}, table=table
    )
    assert (one["history"], one["truncated"]) == ([removed], True)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "address"),
        ({"address": "nobody"}, "address"),
        ({"address": "a@example.test", "limit": 1001}, "limit"),
        ({"address": "a@example.test", "cursor": "x"}, "cursor"),
    ],
)
def test_a_history_that_cannot_be_read_is_a_400(query: Mapping[str, object], field: str) -> None:
    status, body = get("/v1/suppressions/history", query)
    assert (status, body["field"]) == (400, field)


# ------------------------------------------------------------------------------- all sources


def test_all_lead_sources_come_with_their_totals(table: Ledger) -> None:
    # WHEN they are asked for one by one
    answers = follow("/v1/sources", {"limit": 1, "from": "2026-01-01", "to": "2026-12-31"}, table)

    # THEN each has its totals and rates over the period
    by_name = {row["lead_source"]: row for answer in answers for row in answer["sources"]}
    assert list(by_name) == ["fair", "rival"]
    assert by_name["fair"]["totals"]["hard"] == 3
    assert by_name["fair"]["totals"]["delivered"] == 1
    assert by_name["fair"]["rates"]["hard"] == 0.75
    assert by_name["rival"]["totals"]["categories"] == {"mailbox_unknown": 2}
    assert (answers[0]["from"], answers[0]["to"]) == ("2026-01-01", "2026-12-31")
    assert answers[0]["overflow"] == 0


def test_a_table_without_lead_sources_has_an_empty_list() -> None:
    status, body = get("/v1/sources")
    assert (status, body["sources"], body["next_cursor"]) == (200, [], None)
