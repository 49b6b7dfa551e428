"""What is listed: addresses, lead sources, and one address's history."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import islice, repeat
from typing import Any

import pytest

from bounceledger_client import (
    DeadAddress,
    HistoryEntry,
    InvalidRequestError,
    ListedAddress,
    SuppressionList,
    SuppressionListError,
)
from bounceledger_client.transport import Reply
from tests.unit.client.api_double import FakeApi, listed, listed_domain, reply


def suppressions(fake: FakeApi) -> SuppressionList:
    return SuppressionList(fake.client(retries=0))


def pages(*rows: list[dict[str, Any]]) -> list[Reply]:
    """Pages of a list, the last of them without a cursor."""
    return [
        reply(
            200,
            {
                "suppressions": page,
                "examined": 1000,
                "next_cursor": f"c{n}" if n < len(rows) else None,
            },
        )
        for n, page in enumerate(rows, 1)
    ]


def queries(fake: FakeApi) -> list[str]:
    return [request.url.partition("/live")[2] for request in fake.requests]


def test_a_list_is_read_to_its_end_by_its_cursors() -> None:
    """A page may be empty, and is not the last one then."""
    # GIVEN pages of which one is empty
    fake = FakeApi(iter(pages([listed("a@a.test")], [], [listed("b@a.test"), listed("c@a.test")])))
    examined: list[int] = []

    # WHEN the list is read
    found = list(
        suppressions(fake).suppressions(
            reason="hard_bounce",
            category="mailbox_unknown",
            first=date(2026, 11, 1),
            last=date(2026, 11, 30),
            on_page=examined.append,
        )
    )

    # THEN all addresses are there, and every page was asked for with the same filters
    assert [one.address for one in found] == ["a@a.test", "b@a.test", "c@a.test"]
    filters = "reason=hard_bounce&category=mailbox_unknown&from=2026-11-01&to=2026-11-30&limit=1000"
    assert queries(fake) == [
        f"/v1/suppressions/list?{filters}{cursor}" for cursor in ("", "&cursor=c1", "&cursor=c2")
    ]
    assert examined == [1000] * 3


def test_a_listed_address_has_types() -> None:
    row = listed("a@a.test", suppressed_until="2026-12-20T12:00:00.5Z")
    [found] = suppressions(FakeApi(iter(pages([row])))).suppressions()
    assert found == ListedAddress(
        address="a@a.test",
        reason="hard_bounce",
        category="mailbox_unknown",
        scope="address",
        explanation="A mail server said on 2026-11-20 that there is no such mailbox.",
        suppressed_until=datetime(2026, 12, 20, 12, 0, 0, 500_000, tzinfo=UTC),
        unconfirmed=False,
        last_seen=datetime(2026, 11, 20, 12, tzinfo=UTC),
        lead_source="trade-fair-2026",
        lead_sources=("trade-fair-2026",),
        diagnostic="smtp; 550 5.1.1 user unknown",
        fields=row,
    )
    assert found.fields == row


def test_a_listed_domain_has_no_address() -> None:
    """It suppresses everyone there."""
    row = listed_domain("example.test")
    [found] = suppressions(FakeApi(iter(pages([row])))).suppressions()
    assert (found.domain, found.address, found.scope) == ("example.test", "", "domain")
    assert (found.reason, found.lead_source, found.lead_sources) == ("manual", None, ())
    assert found.last_seen == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_one_lead_sources_addresses_are_listed() -> None:
    """Its name is in the path, and cannot lead elsewhere."""
    fake = FakeApi(iter(pages([])))
    assert list(suppressions(fake).suppressions(source="../fair")) == []
    assert queries(fake) == ["/v1/sources/..%2Ffair/suppressions?limit=1000"]


def test_calls_are_made_as_addresses_are_read() -> None:
    fake = FakeApi(repeat(pages([listed("a@a.test")], [])[0]))
    found = suppressions(fake).suppressions()
    assert fake.requests == []
    assert len(list(islice(found, 3))) == 3
    assert len(fake.requests) == 3


@pytest.mark.parametrize(("limit", "calls"), [(1, 1), (2, 1), (3, 2)])
def test_a_list_ends_at_its_limit_without_a_further_call(limit: int, calls: int) -> None:
    """Each call costs what it looks at."""
    page = [listed("a@a.test"), listed("b@a.test")]
    fake = FakeApi(repeat(pages(page, [])[0]))
    assert len(list(suppressions(fake).suppressions(limit=limit))) == limit
    assert len(fake.requests) == calls
    assert queries(fake)[0].endswith(f"limit={limit}")


def test_errors_come_while_iterating() -> None:
    refused = reply(400, {"detail": "reason is not one that is known", "field": "reason"})
    found = suppressions(FakeApi(iter([refused]))).suppressions(reason="odd")
    with pytest.raises(InvalidRequestError, match="reason is not one"):
        next(found)


@pytest.mark.parametrize("answer", [{}, {"suppressions": {}}, {"suppressions": ["a@a.test"]}])
def test_an_answer_without_a_list_is_none(answer: object) -> None:
    with pytest.raises(SuppressionListError, match="the API answered without suppressions"):
        list(suppressions(FakeApi(iter([reply(200, answer)]))).suppressions())


# --------------------------------------------------------------------------- sources

SOURCE = {
    "lead_source": "fair",
    "totals": {"delivered": 94, "hard": 6, "categories": {"mailbox_unknown": 6}},
    "rates": {"hard": 0.06, "soft": 0.0, "block": 0.0, "complaint": None},
    "claims_complete": False,
}


def test_lead_sources_have_totals_and_rates() -> None:
    # GIVEN two pages, for days that the API chose
    page = {
        "from": "2026-10-22",
        "to": "2026-11-20",
        "sources": [SOURCE],
        "final_from": "2026-12-04",
        "overflow": 7,
        "next_cursor": "c1",
    }
    last = {**page, "sources": [{**SOURCE, "lead_source": "list"}], "next_cursor": None}
    fake = FakeApi(iter([reply(200, page), reply(200, last)]))

    # WHEN the sources are read
    fair, other = suppressions(fake).sources()

    # THEN they have what the API says, and the cursor goes with the days of its page
    assert (fair.name, other.name) == ("fair", "list")
    assert (fair.first, fair.last) == (date(2026, 10, 22), date(2026, 11, 20))
    assert fair.totals == {"delivered": 94, "hard": 6}
    assert fair.categories == {"mailbox_unknown": 6}
    assert (fair.rates["hard"], fair.rates["complaint"]) == (0.06, None)
    assert (fair.claims_complete, fair.final_from, fair.overflow) == (False, date(2026, 12, 4), 7)
    assert queries(fake) == [
        "/v1/sources?limit=100",
        "/v1/sources?limit=100&from=2026-10-22&to=2026-11-20&cursor=c1",
    ]


def test_lead_sources_of_a_period() -> None:
    fake = FakeApi(iter([reply(200, {"sources": [], "next_cursor": None})]))
    days = date(2026, 11, 1), date(2026, 11, 30)
    assert list(suppressions(fake).sources(first=days[0], last=days[1])) == []
    assert queries(fake) == ["/v1/sources?from=2026-11-01&to=2026-11-30&limit=100"]


def test_lead_sources_have_verdicts() -> None:
    """A deployment of an earlier version gives none."""
    rate = {"count": 6, "of": 100, "rate": 0.06, "low": 0.03, "high": 0.12}
    judged = {
        **SOURCE,
        "list_attributable": rate,
        "verdict": "watch",
        "needed": 7,
        "explanation": "…",
    }
    page = {"sources": [judged, SOURCE], "sorted_by": "verdict", "next_cursor": None}
    pages: list[Mapping[str, Any]] = []

    fake = FakeApi(iter([reply(200, page)]))
    new, old = suppressions(fake).sources(on_page=pages.append)

    assert (new.verdict, new.list_attributable, new.needed) == ("watch", rate, 7)
    assert (old.verdict, old.list_attributable, old.needed, old.explanation) == (None, {}, None, "")
    assert pages == [page]


def test_one_lead_source_is_read() -> None:
    answer = {**SOURCE, "from": "2026-11-01", "to": "2026-11-30", "worst_domains": []}
    fake = FakeApi(iter([reply(200, answer)]))
    days = {"first": date(2026, 11, 1), "last": date(2026, 11, 30)}
    found = suppressions(fake).source("a/b", **days)
    assert queries(fake) == ["/v1/sources/a%2Fb?from=2026-11-01&to=2026-11-30"]
    assert (found.name, found.last, found.fields) == ("fair", date(2026, 11, 30), answer)


def test_evidence_is_read_to_its_end() -> None:
    # GIVEN two pages, one with what DNS says
    domain = {"name": "gone.test", "verdict": "null_mx", "records": "MX 0 ."}
    row = {
        "address": "a@gone.test",
        "category": "no_mail_accepted",
        "lead_date": "2026-10-01",
        "mailed_at": "2026-11-20T11:59:00Z",
        "first_seen": "2026-11-20T12:00:00Z",
        "last_seen": "2026-11-21T12:00:00Z",
        "count": 2,
        "reply_code": 521,
        "enhanced_status": None,
        "diagnostic": "521 no mail",
        "domain": domain,
    }
    days = {"from": "2026-11-01", "to": "2026-11-30"}
    fake = FakeApi(
        iter(
            [
                reply(200, {**days, "evidence": [row], "next_cursor": "c"}),
                reply(200, {**days, "evidence": [{"address": "b@x.test", "lead_date": "soon"}]}),
            ]
        )
    )

    # WHEN it is read
    dead, bare = suppressions(fake).evidence("fair")

    # THEN each has types, and what is missing is none
    assert dead == DeadAddress(
        address="a@gone.test",
        category="no_mail_accepted",
        lead_date=date(2026, 10, 1),
        mailed_at=datetime(2026, 11, 20, 11, 59, tzinfo=UTC),
        first_seen=datetime(2026, 11, 20, 12, tzinfo=UTC),
        last_seen=datetime(2026, 11, 21, 12, tzinfo=UTC),
        count=2,
        reply_code=521,
        enhanced_status=None,
        diagnostic="521 no mail",
        domain=domain,
        fields=row,
    )
    assert (bare.address, bare.domain, bare.first_seen, bare.count) == ("b@x.test", None, None, 0)
    assert bare.lead_date is None
    assert queries(fake) == [
        "/v1/sources/fair/evidence?limit=1000",
        "/v1/sources/fair/evidence?limit=1000&from=2026-11-01&to=2026-11-30&cursor=c",
    ]


# --------------------------------------------------------------------------- history


def test_a_history_has_events_and_changes() -> None:
    event = {
        "type": "event",
        "at": "2026-11-20T12:00:00Z",
        "kind": "bounce",
        "category": "policy",
        "reply": "554 no",
        "lead_source": "fair",
    }
    change = {
        "type": "change",
        "at": "2026-11-20T15:00:00Z",
        "by": "arn:aws:iam::111122223333:user/ops",
        "note": "called",
        "change": {"action": "remove"},
    }
    odd = {"type": "of a later version"}
    answer = {"address": "a+b@a.test", "history": [change, event, odd], "truncated": True}
    fake = FakeApi(iter([reply(200, answer)]))

    found = suppressions(fake).history("A+b@a.test", limit=3)

    assert queries(fake) == ["/v1/suppressions/history?address=A%2Bb%40a.test&limit=3"]
    assert (found.address, found.truncated, found.fields) == ("a+b@a.test", True, answer)
    removed, bounce, later = found.entries
    assert removed == HistoryEntry(
        type="change",
        at=datetime(2026, 11, 20, 15, tzinfo=UTC),
        kind="remove",
        category=None,
        reply=None,
        lead_source=None,
        by="arn:aws:iam::111122223333:user/ops",
        note="called",
        fields=change,
    )
    assert (bounce.kind, bounce.category, bounce.reply) == ("bounce", "policy", "554 no")
    assert (later.type, later.at, later.kind) == ("of a later version", None, "")
