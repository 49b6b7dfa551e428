"""The audit of an account, and its JSON document."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bounceledger.audit import (
    Audit,
    AuditThresholds,
    DeadAddress,
    SourcePeriod,
    SourceVerdict,
    SourceWeek,
    audit,
    document,
)
from bounceledger.state import DomainFacts, DomainVerdict, Probe
from bounceledger.verdict import Category
from bounceledger_cli.report import render

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
RATE = {"count", "of", "rate", "low", "high"}


def period(source: str, mailed: int, dead: int = 0, **more: Any) -> SourcePeriod:
    """A source with one message to each address, if nothing else is said."""
    more.setdefault("outcomes", {"delivered": mailed - dead, "hard": dead})
    more.setdefault("categories", {Category.MAILBOX_UNKNOWN: dead})
    return SourcePeriod(source=source, mailed=mailed, dead={Category.MAILBOX_UNKNOWN: dead}, **more)


def made(*periods: SourcePeriod, **more: Any) -> Audit:
    return audit(
        periods,
        start=date(2026, 8, 29),
        end=date(2026, 11, 26),
        generated_at=NOW,
        final_from=date(2026, 12, 10),
        thresholds=AuditThresholds(),
        **more,
    )


def documented(*periods: SourcePeriod, **more: Any) -> Any:
    """The document after a round trip through JSON."""
    return json.loads(json.dumps(document(made(*periods, **more)), allow_nan=False))


def test_the_worst_source_comes_first() -> None:
    # GIVEN sources of every verdict, two of them bad
    found = made(
        period("good", 1000, 1),
        period("new", 20),
        period("watch", 1000, 30),
        period("bad", 1000, 80),
        period("small but worse", 40, 20),
        period("newer", 20, 1),
    )

    # THEN they are sorted by verdict, then by what the rate is at least
    assert [(source.source, source.judgement.verdict.value) for source in found.sources] == [
        ("small but worse", "bad"),
        ("bad", "bad"),
        ("watch", "watch"),
        ("newer", "too_little_data"),
        ("new", "too_little_data"),
        ("good", "good"),
    ]


def test_a_rate_counts_addresses_and_messages_apart() -> None:
    """The vendor of a list that is 8 % dead cannot hide behind many messages to the living."""
    # GIVEN 80 of 1,000 leads dead, and twelve messages to each of the others
    outcomes = {"delivered": 12 * 920, "hard": 80}
    source = documented(period("a", 1000, 80, outcomes=outcomes))["sources"][0]

    # THEN 8 % of the addresses are dead, and 0.7 % of the messages bounced
    assert source["list_attributable"]["rate"] == pytest.approx(0.08)
    assert source["raw"]["hard"]["rate"] == pytest.approx(0.0072, abs=1e-4)
    assert (source["verdict"], source["needed"]) == ("bad", None)


def test_the_document_has_every_field() -> None:
    # GIVEN a source of which everything is known, and the period before
    source = period(
        "fair-2026",
        1000,
        80,
        outcomes={"delivered": 900, "hard": 80, "soft": 5, "block": 9, "echo": 2, "complaint": 1},
        categories={Category.MAILBOX_UNKNOWN: 80, Category.REPUTATION_BLOCK: 9},
        unanswered=4,
        unconfirmed=6,
        claims_refuted=3,
        claims_unconfirmed=2,
        days={date(2026, 11, 25): {"delivered": 900, "hard": 80}},
        weeks=[SourceWeek(start=date(2026, 11, 23), mailed=1000, dead=80)],
        dead_addresses=[
            DeadAddress(
                domain="gone.example",
                category=Category.NO_MAIL_ACCEPTED,
                bounced_at=NOW,
                lead_date=date(2026, 11, 1),
            )
        ],
    )
    probe = Probe(verdict=DomainVerdict.NULL_MX, probed_at=NOW)
    found = documented(
        source,
        period("other", 1000, 5),
        before=[period("fair-2026", 500, 10)],
        domains={"gone.example": DomainFacts(domain="gone.example", probe=probe)},
        reported_bounce_rate=0.031,
    )

    # THEN the document says when and by what it was made
    assert (found["from"], found["to"]) == ("2026-08-29", "2026-11-26")
    assert (found["generated_at"], found["final_from"]) == ("2026-11-26T08:00:00Z", "2026-12-10")
    assert found["thresholds"]["bad_above"] == 0.05

    # AND it has the account
    account = found["account"]
    assert account["sent"] == 1996
    assert account["outcomes"]["complaint"] == 1
    assert account["addresses"] == {"mailed": 2000, "dead": {"mailbox_unknown": 85}}
    assert account["verdicts"] == {"bad": 1, "watch": 0, "too_little_data": 0, "good": 1}
    assert account["ses"]["estimate"] is True
    assert account["ses"]["reported_bounce_rate"] == 0.031
    assert account["ses"]["bounce"]["headroom"] == pytest.approx(0.05 - 85 / 1996)
    assert account["list_attributable"].keys() == RATE
    assert account["weeks"] == [
        {
            "from": "2026-11-23",
            "sent": 980,
            "delivered": 900,
            "hard": 80,
            "soft": 0,
            "block": 0,
            "echo": 0,
            "complaint": 0,
            "unsubscribe": 0,
        }
    ]

    # AND the source
    worst = found["sources"][0]
    assert worst["source"] == "fair-2026"
    assert (worst["sent"], worst["delivered"]) == (996, 900)
    assert worst["categories"] == {"mailbox_unknown": 80, "reputation_block": 9}
    assert worst["addresses"] == {
        "mailed": 1000,
        "dead": {"mailbox_unknown": 80},
        "mailed_error": 0.0,
        "mailed_raised": False,
        "unanswered": 4,
        "unconfirmed": 6,
    }
    assert worst["list_attributable"].keys() == RATE
    assert {name: rate.keys() for name, rate in worst["raw"].items()} == dict.fromkeys(
        ("hard", "soft", "block", "complaint"), RATE
    )
    assert worst["explanation"].startswith("80 of 1,000 addresses are dead")
    assert worst["differs"]["direction"] == "worse"
    assert worst["differs"]["from_others"] is True
    assert worst["change"]["difference"] == pytest.approx(0.06)
    assert worst["change"]["low"] > 0
    assert worst["change"]["before"]["of"] == 500
    assert worst["claims"] == {"refuted": 3, "unconfirmed": 2, "complete": True}
    assert worst["dead_domains"] == 1
    assert worst["no_mail_domains"] == {
        "count": 1,
        "of": 1,
        "share": 1.0,
        "low": pytest.approx(0.2065, abs=1e-4),
        "high": 1.0,
    }
    assert worst["worst_domains"][0]["explanation"] == "publishes a null MX record"
    assert worst["worst_domains"][0]["probed_at"] == "2026-11-26T08:00:00Z"
    assert worst["lead_age"]["buckets"]["0-30"] == 1
    assert worst["weeks"] == [{"from": "2026-11-23", "mailed": 1000, "dead": 80}]


def test_what_is_not_known_is_null() -> None:
    # GIVEN one source, of which only counts are known
    [source] = documented(period("a", 1000, 5))["sources"]

    # THEN nothing is made up
    for name in ("differs", "change", "dead_domains", "no_mail_domains", "worst_domains"):
        assert source[name] is None
    assert source["lead_age"] is None
    assert source["weeks"] == []
    assert source["addresses"]["unanswered"] is None


def test_nothing_was_sent() -> None:
    # GIVEN no source, or one of which nothing is known
    empty, silent = documented(), documented(period("a", 0))

    # THEN there are no rates, and no errors
    assert empty["sources"] == []
    assert silent["sources"][0]["verdict"] == "too_little_data"
    for found in (empty, silent):
        assert found["account"]["list_attributable"]["rate"] is None
        assert found["account"]["ses"]["bounce"]["headroom"] is None


def test_more_dead_than_mailed_is_corrected_and_said() -> None:
    """Addresses may turn dead by mail of the period before, and sketches err."""
    [source] = documented(period("a", 25, 30, outcomes={}))["sources"]
    assert source["addresses"]["mailed"] == 30
    assert source["addresses"]["mailed_raised"] is True
    assert source["list_attributable"]["rate"] == 1.0


def test_the_account_is_the_sum_of_its_sources() -> None:
    # GIVEN three sources, two with estimated sizes
    found = made(
        period("a", 10_000, 100, mailed_error=0.01),
        period("b", 10_000, 100, mailed_error=0.01),
        period("c", 1000, 80, unanswered=50),
    ).account

    # THEN so are its counts, and independent errors partly cancel
    assert (found.mailed, found.list_attributable.count) == (21_000, 280)
    assert found.verdicts[SourceVerdict.GOOD] == 2
    exact = made(period("a", 10_000, 100), period("b", 10_000, 100), period("c", 1000, 80)).account
    assert found.list_attributable.low is not None
    assert exact.list_attributable.low is not None
    assert 0 < exact.list_attributable.low - found.list_attributable.low < 0.0002


def test_weeks_begin_on_mondays_and_are_sums_over_sources() -> None:
    # GIVEN days of two sources: a Sunday, and the Monday after it
    sunday, monday = date(2026, 11, 22), date(2026, 11, 23)
    found = made(
        period("a", 10, days={sunday: {"delivered": 1}, monday: {"delivered": 2, "hard": 1}}),
        period("b", 10, days={monday: {"delivered": 4, "delayed": 9}}),
    ).account.weeks

    # THEN they are in two weeks
    assert [(week.start, Counter(week.outcomes)) for week in found] == [
        (date(2026, 11, 16), Counter(delivered=1)),
        (date(2026, 11, 23), Counter(delivered=6, hard=1)),
    ]


def test_a_new_source_has_no_change_nor_has_one_without_mail_before() -> None:
    [source] = made(period("a", 100, 1), before=[period("a", 0), period("b", 100)]).sources
    assert source.change is None


def test_a_source_has_one_period() -> None:
    with pytest.raises(ValueError, match="same source"):
        made(period("a", 1), period("a", 1))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"mailed": -1}, "mailed"),
        ({"unanswered": -1}, "unanswered"),
        ({"unconfirmed": -1}, "unconfirmed"),
        ({"claims_refuted": -1}, "claims_refuted"),
        ({"claims_unconfirmed": -1}, "claims_unconfirmed"),
        ({"dead": {Category.MAILBOX_UNKNOWN: -1}}, "dead"),
        ({"dead": {Category.MAILBOX_FULL: 1}}, "mailbox_full"),
        ({"mailed_error": 0.5}, "mailed_error"),
        ({"mailed_error": -0.1}, "mailed_error"),
    ],
    ids=str,
)
def test_impossible_counts_are_rejected(values: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        SourcePeriod(**{"source": "a", "mailed": 1, **values})


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_html_report_is_made_from_the_document(count: int) -> None:
    """Also where most of it is null, as it is while only counts are known."""
    # GIVEN the document of some sources
    found = documented(*(period(f"vendor-{n}", 1000, 40 * n) for n in range(count)))

    # THEN the report has each, and explains the worst
    page = render(found)
    assert [each["source"] for each in found["sources"] if each["source"] not in page] == []
    assert [each for each in found["sources"][:1] if each["explanation"] not in page] == []
