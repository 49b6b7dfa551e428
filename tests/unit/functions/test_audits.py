"""The routes of the audit: lead sources with verdicts, one of them, and the evidence."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest

from bounceledger.api import audits
from bounceledger.api.catalogue import DESCRIPTION
from bounceledger.audit import AuditThresholds
from bounceledger.events import Kind
from bounceledger.ledger import Counts, Ledger
from bounceledger.ledger.table import MAX_READERS
from bounceledger.settings import Settings
from bounceledger.state import DomainFacts, DomainVerdict, Observation, Probe
from bounceledger.verdict import DISPOSITIONS, Category, Disposition, Scope
from tests.faults.fake import FakeDynamoDB, as_client
from tests.unit.functions.test_lists import follow, get, respond
from tests.unit.ledger.recording import NOW, SETTINGS, TODAY, delivery, ledger, observe, removal

BEFORE = TODAY - timedelta(days=30)
DAYS = {"from": (TODAY - timedelta(days=29)).isoformat(), "to": TODAY.isoformat()}
"""The last 30 days of the fake table's clock."""


def mailed(source: str, living: int, dead: int, *, ago: float = 1.0) -> list[Observation]:
    """One message to each of a source's leads."""
    at = NOW - timedelta(days=ago)
    name = f"{source}.{ago}"
    common: dict[str, Any] = {"source": source, "mailed_at": at, "ago": ago}
    return [
        *(
            delivery(f"{name} d{n}", message_id=f"{name} m{n}", address=f"d{n}@{source}", **common)
            for n in range(living)
        ),
        *(
            observe(
                f"{name} b{n}",
                Category.MAILBOX_UNKNOWN,
                address=f"b{n}.{int(ago)}@{source}",
                message_id=f"{name} x{n}",
                diagnostic="550 5.1.1 no such user",
                **common,
            )
            for n in range(dead)
        ),
    ]


@pytest.fixture
def table() -> Ledger:
    """A good vendor, a bad one that was better before, and a small one."""
    table = ledger(FakeDynamoDB())
    table.record(
        [
            *mailed("awful.test", 60, 40),
            *mailed("awful.test", 95, 5, ago=35),
            *mailed("good.test", 250, 0),
            *mailed("small.test", 5, 1),
        ]
    )
    return table


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v1/sources", "Sources"),
        ("/v1/sources/awful.test", "AuditedSource"),
        ("/v1/sources/fair", "AuditedSource"),
        ("/v1/sources/fair/evidence", "EvidencePage"),
    ],
)
def test_answers_are_as_the_api_describes_them(
    table: Ledger, fair: Ledger, path: str, schema: str
) -> None:
    components = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["components"]
    described = {"$ref": f"#/components/schemas/{schema}", "components": components}
    for one in (table, fair):
        jsonschema.validate(get(path, DAYS, table=one)[1], described)


# -------------------------------------------------------------------------- all lead sources


def test_the_worst_lead_source_comes_first_with_why(table: Ledger) -> None:
    # WHEN one page has all lead sources
    status, body = get("/v1/sources", DAYS, table=table)

    # THEN they are sorted by verdict
    assert status == 200
    assert body["sorted_by"] == "verdict"
    found = {row["lead_source"]: row for row in body["sources"]}
    assert [(name, row["verdict"]) for name, row in found.items()] == [
        ("awful.test", "bad"),
        ("small.test", "too_little_data"),
        ("good.test", "good"),
    ]

    # AND each has the figures that this rests on
    worst = found["awful.test"]
    assert {name: worst["list_attributable"][name] for name in ("count", "of", "rate")} == {
        "count": 40,
        "of": 100,
        "rate": 0.4,
    }
    assert worst["explanation"].startswith("40 of 100 addresses are dead (40.0%).")
    assert worst["differs"]["direction"] == "worse"
    assert found["small.test"]["needed"] > 0
    assert worst["claims"] == {"refuted": 0, "unconfirmed": 0, "complete": True}
    assert worst["totals"]["hard"] == 40

    # AND it is compared with the period before
    assert worst["change"]["before"]["rate"] == 0.05
    assert worst["change"]["low"] > 0
    assert found["good.test"]["change"] is None


def test_weeks_have_messages_and_addresses(table: Ledger) -> None:
    # WHEN two periods are asked for together
    _, body = get("/v1/sources", {**DAYS, "from": "2026-10-01"}, table=table)

    # THEN a source has each week in which it was mailed, by its Monday
    weeks = body["sources"][0]["weeks"]
    assert [week["from"] for week in weeks] == ["2026-10-12", "2026-11-16"]
    assert weeks[1] == {
        "from": "2026-11-16",
        "sent": 100,
        "delivered": 60,
        "hard": 40,
        "soft": 0,
        "block": 0,
        "complaint": 0,
        "mailed": 100,
        "dead": 40,
    }


def test_pages_are_sorted_by_name_and_compare_no_sources(table: Ledger) -> None:
    """A source cannot be compared with others that were not read."""
    # WHEN the sources take more than one page
    answers = follow("/v1/sources", {**DAYS, "limit": 2}, table)

    # THEN all of them, also on the last page, are by name
    assert [answer["sorted_by"] for answer in answers] == ["name", "name"]
    rows = [row for answer in answers for row in answer["sources"]]
    assert [row["lead_source"] for row in rows] == ["awful.test", "good.test", "small.test"]

    # AND have a verdict, but no comparison with each other
    assert [row["verdict"] for row in rows] == ["bad", "good", "too_little_data"]
    assert all(row["differs"] is None for row in rows)

    # AND each is compared with the period before, as where one page has all
    [whole] = follow("/v1/sources", DAYS, table)
    changes = {row["lead_source"]: row["change"] for row in whole["sources"]}
    assert changes["awful.test"]
    assert {row["lead_source"]: row["change"] for row in rows} == changes


def test_a_period_before_for_which_there_is_no_time_is_left_out() -> None:
    """An answer without it is better than none."""

    class Slower(Ledger):
        """Has no time left for the period before, which is read without a deadline of its own."""

        def counts_of(
            self,
            names: Sequence[str],
            first: date,
            last: date,
            *,
            deadline: datetime | None = None,
        ) -> list[Counts]:
            return super().counts_of(names, first, last, deadline=deadline or NOW)

    # GIVEN lead sources that were all mailed in both periods
    slow = Slower(as_client(FakeDynamoDB()), SETTINGS, clock=lambda: NOW, sleep=lambda _: None)
    names = [f"s{n:02}" for n in range(MAX_READERS + 5)]
    slow.record(
        [one for name in names for ago in (1.0, 35.0) for one in mailed(name, 1, 0, ago=ago)]
    )

    # WHEN they are asked for
    status, body = get("/v1/sources", {**DAYS, "limit": MAX_READERS + 4}, table=slow)

    # THEN all of the page are there, and those without a period before have no change
    assert (status, len(body["sources"])) == (200, MAX_READERS + 4)
    assert [row["change"] is None for row in body["sources"]] == [False] * MAX_READERS + [True] * 4


@pytest.mark.parametrize(
    "block", [category for category, d in DISPOSITIONS.items() if d is Disposition.BLOCK]
)
def test_blocks_of_most_messages_make_no_source_good(block: Category) -> None:
    # GIVEN a source of which 8 of 100 addresses that were answered are dead
    table = ledger(FakeDynamoDB())
    table.record(mailed("fair", 92, 8))

    # WHEN all messages to its other addresses are blocked
    table.record(
        [
            observe(f"b{n}", block, address=f"r{n}@fair", message_id=f"b{n}", ago=1.0)
            for n in range(900)
        ]
    )

    # THEN nothing was learned about those
    _, body = get("/v1/sources", DAYS, table=table)
    [row] = body["sources"]
    assert (row["addresses"]["mailed"], row["addresses"]["unanswered"]) == (100, 900)
    assert (row["list_attributable"]["rate"], row["verdict"]) == (0.08, "too_little_data")


def test_without_deliveries_there_is_no_verdict() -> None:
    """Dead addresses alone would make every source bad."""
    # GIVEN a deployment that does not count deliveries
    settings = Settings(table_name="fake", writers=1, count_deliveries=False)
    table = ledger(FakeDynamoDB(), settings)
    table.record(mailed("fair", 0, 30))

    # WHEN the lead sources are asked for
    _, body = get("/v1/sources", DAYS, table=table)

    # THEN the source has its dead addresses, and it is said what is missing
    [row] = body["sources"]
    assert row["verdict"] == "too_little_data"
    assert (row["needed"], row["explanation"]) == (None, audits.NOT_COUNTED)
    assert row["list_attributable"]["rate"] is None
    assert row["addresses"]["dead"]["mailbox_unknown"] == 30
    assert [(week["mailed"], week["dead"]) for week in row["weeks"]] == [(None, 30)]


def test_the_thresholds_are_those_of_the_deployment() -> None:
    # GIVEN a deployment that tolerates more
    settings = Settings(audit_bad_above=50.0, audit_good_below=45.0)
    table = ledger(FakeDynamoDB())
    table.record(mailed("fair", 600, 400))
    figures = [audits.figures_of(table.counts("fair", BEFORE, TODAY))]

    # WHEN a source is judged by it
    thresholds = audits.thresholds_of(settings)
    [row] = audits.rows(figures, BEFORE, TODAY, thresholds=thresholds, now=NOW)

    # THEN 40 % is good
    assert row["verdict"] == "good"
    assert (thresholds.bad_above, thresholds.good_below) == (0.5, 0.45)


def test_the_default_thresholds_are_those_of_the_audit() -> None:
    assert audits.thresholds_of(Settings()) == AuditThresholds()


# --------------------------------------------------------------------------- one lead source


def claim(
    name: str, address: str, category: Category, *, ago: float = 3.0, **fields: Any
) -> Observation:
    return observe(
        name,
        category,
        address=address,
        source="fair",
        scope=Scope.DOMAIN,
        ago=ago,
        mailed_at=NOW - timedelta(days=ago),
        message_id=f"m {name}",
        diagnostic="521 Server does not accept mail",
        **fields,
    )


def probed(table: Ledger, domain: str, verdict: DomainVerdict, **details: Any) -> None:
    found = Probe(verdict=verdict, probed_at=NOW - timedelta(days=1), details=details)
    table.record_probe(DomainFacts(domain=domain), found)


@pytest.fixture
def fair() -> Ledger:
    """A source with two addresses at a domain that accepts no mail, and one of which DNS says
    that it does, one without such a domain, and one that bounced softly.
    """
    table = ledger(FakeDynamoDB())
    table.record(
        [
            *mailed("fair", 30, 1),
            claim(
                "c1",
                "ann@null.test",
                Category.NO_MAIL_ACCEPTED,
                lead_date=date(2026, 10, 1),
            ),
            claim("c2", "ben@null.test", Category.NO_MAIL_ACCEPTED),
            claim("c3", "cid@alive.test", Category.DOMAIN_UNKNOWN),
            claim("old", "dan@null.test", Category.NO_MAIL_ACCEPTED, ago=45),
            observe("full", Category.MAILBOX_FULL, address="eve@x.test", message_id="full"),
        ]
    )
    records = [{"preference": 0, "host": "."}]
    probed(table, "null.test", DomainVerdict.NULL_MX, records=records)
    probed(table, "alive.test", DomainVerdict.ACCEPTS_MAIL)
    return table


def test_one_lead_source_has_everything_that_its_audit_says(fair: Ledger) -> None:
    # WHEN a lead source is asked for
    status, body = get("/v1/sources/fair", DAYS, table=fair)

    # THEN it has the same figures as in the list of all
    assert status == 200
    [row] = get("/v1/sources", DAYS, table=fair)[1]["sources"]
    assert {name: body[name] for name in row} == row
    assert body["list_attributable"]["count"] == 3

    # AND the domains of its dead addresses, with what DNS says
    assert body["worst_domains"][0] == {
        "domain": "null.test",
        "addresses": 2,
        "verdict": "null_mx",
        "explanation": "publishes a null MX record",
        "probed_at": "2026-11-19T12:00:00Z",
        "records": "MX 0 .",
    }
    no_mail = body["no_mail_domains"]
    assert (no_mail["count"], no_mail["of"], no_mail["share"]) == (1, 2, 0.5)
    assert (no_mail["low"], no_mail["high"]) == pytest.approx((0.0945, 0.9055), abs=1e-4)
    assert body["dead_domains"] == 1

    # AND the age of the lead with a date: 47 days at its bounce
    assert body["lead_age"] == {
        "buckets": {"0-30": 0, "31-90": 1, "91-180": 0, "181-365": 0, "366+": 0},
        "median": 47,
        "without_date": 2,
        "after_bounce": 0,
    }

    # AND what happened to messages
    assert body["outcomes"]["hard"] == 3
    assert body["categories"] == {"no_mail_accepted": 2, "mailbox_full": 1, "mailbox_unknown": 1}
    assert body["raw"]["hard"]["count"] == 3
    assert body["claims"]["refuted"] == 1
    assert body["change"]["before"]["count"] == 1
    assert (body["examined"], body["truncated"]) == (6, False)


def test_an_unknown_lead_source_has_nothing() -> None:
    status, body = get("/v1/sources/nobody", DAYS)
    assert (status, body["verdict"], body["worst_domains"]) == (200, "too_little_data", [])


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/v1/sources/Fair", {}, "source"),
        ("/v1/sources/fair", {"limit": 1}, "limit"),
        ("/v1/sources/fair", {"from": "x"}, "from"),
        ("/v1/sources/Fair/evidence", {}, "source"),
        ("/v1/sources/fair/evidence", {"limit": 1001}, "limit"),
        ("/v1/sources/fair/evidence", {"cursor": "x"}, "cursor"),
        ("/v1/sources/fair/evidence", {"reason": "manual"}, "reason"),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(
    path: str, query: Mapping[str, object], field: str
) -> None:
    status, body = get(path, query)
    assert (status, body["field"]) == (400, field)


# ------------------------------------------------------------------------------- evidence


def test_evidence_is_each_dead_address_with_what_proves_it(fair: Ledger) -> None:
    # WHEN the evidence about a lead source is asked for
    status, body = get("/v1/sources/fair/evidence", DAYS, table=fair)

    # THEN it has the addresses that count as dead, and no other
    assert status == 200
    assert [row["address"] for row in body["evidence"]] == [
        "ann@null.test",
        "b0.1@fair",
        "ben@null.test",
    ]
    assert (body["lead_source"], body["examined"], body["next_cursor"]) == ("fair", 6, None)

    # AND the reply and DNS that prove it
    assert body["evidence"][0] == {
        "address": "ann@null.test",
        "category": "no_mail_accepted",
        "lead_date": "2026-10-01",
        "mailed_at": "2026-11-17T12:00:00Z",
        "first_seen": "2026-11-17T12:00:00Z",
        "last_seen": "2026-11-17T12:00:00Z",
        "count": 1,
        "reply_code": None,
        "enhanced_status": None,
        "diagnostic": "521 Server does not accept mail",
        "rule": "r",
        "message_id": "m c1",
        "domain": {
            "name": "null.test",
            "verdict": "null_mx",
            "explanation": "publishes a null MX record",
            "probed_at": "2026-11-19T12:00:00Z",
            "records": "MX 0 .",
        },
    }
    assert (body["evidence"][1]["domain"], body["evidence"][1]["lead_date"]) == (None, None)


def test_evidence_is_that_of_the_figures(fair: Ledger) -> None:
    """Whoever adds up the evidence finds the number that the verdict rests on."""
    for query in (DAYS, {"from": "2026-10-01", "to": "2026-10-15"}, {**DAYS, "from": "2026-01-01"}):
        dead = get("/v1/sources/fair", query, table=fair)[1]["list_attributable"]["count"]
        rows = get("/v1/sources/fair/evidence", query, table=fair)[1]["evidence"]
        assert len(rows) == dead


def test_a_removed_suppression_stays_evidence(fair: Ledger) -> None:
    """The source was charged with the address, whoever may be mailed now."""
    fair.apply_changes([removal("ann@null.test")])
    _, body = get("/v1/sources/fair/evidence", DAYS, table=fair)
    assert "ann@null.test" in [row["address"] for row in body["evidence"]]


def test_evidence_comes_by_page(table: Ledger) -> None:
    # WHEN it is read by seven
    answers = follow("/v1/sources/awful.test/evidence", {**DAYS, "limit": 7}, table)

    # THEN every dead address is there once
    rows = [row["address"] for answer in answers for row in answer["evidence"]]
    assert len(rows) == len(set(rows)) == 40
    assert len(answers) == 6


def test_evidence_as_csv_has_a_link_to_the_next_page(fair: Ledger) -> None:
    # WHEN a page is asked for as CSV
    path = "/v1/sources/fair/evidence"
    answer = respond(path, {**DAYS, "limit": 2}, table=fair, accept="text/csv")

    # THEN it has a heading, and a line per address with what DNS said
    [first, second] = csv.DictReader(io.StringIO(answer["body"]))
    assert first["domain_records"] == "MX 0 ."
    assert (second["address"], second["domain_verdict"]) == ("b0.1@fair", "")

    # AND the link leads to the rest
    [link] = answer["multiValueHeaders"]["Link"]
    query = dict(parse_qsl(urlsplit(link.partition(">")[0].removeprefix("<")).query))
    rest = json.loads(respond(path, query, table=fair)["body"])
    assert [row["address"] for row in rest["evidence"]] == ["ben@null.test"]


def test_a_complaint_is_no_dead_address() -> None:
    """Someone who complains is alive."""
    table = ledger(FakeDynamoDB())
    table.record([observe("c", kind=Kind.COMPLAINT, message_id="m")])
    _, body = get("/v1/sources/fair/evidence", DAYS, table=table)
    assert (body["evidence"], body["examined"]) == ([], 1)


def test_a_source_with_many_entries_is_read_in_part() -> None:
    """One request must not read a million entries."""
    # GIVEN a source with more dead addresses than one answer looks at
    table = ledger(FakeDynamoDB())
    table.record(mailed("fair", 0, 1100))

    # WHEN it is asked for
    _, body = get("/v1/sources/fair", DAYS, table=table)

    # THEN its rate is of all, and its domains are of the first 1,000
    assert body["list_attributable"]["count"] == 1100
    assert body["worst_domains"][0]["addresses"] == 1000
    assert (body["examined"], body["truncated"]) == (1000, True)


def test_the_time_of_an_answer_is_said(table: Ledger) -> None:
    _, body = get("/v1/sources", DAYS, table=table)
    assert datetime.fromisoformat(body["as_of"]).microsecond == 0
    assert body["as_of"].endswith("Z")
