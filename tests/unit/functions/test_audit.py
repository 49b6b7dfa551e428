"""The daily audit, and the lists that are read from its report."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bounceledger.announcements.announcement import Announcement
from bounceledger.auditing import GIVE_UP_AFTER, Announcing
from bounceledger.errors import BusError, LedgerError, QueueError
from bounceledger.ledger import Ledger
from bounceledger.ledger.items import REPORT_LIFE
from bounceledger.settings import Settings
from bounceledger.state import DomainFacts, DomainVerdict, Observation, Probe
from bounceledger.verdict import Category, Scope
from tests.fakes import FakeBus, FakeContext, FakeDeadLetters
from tests.faults.fake import FakeDynamoDB, as_client
from tests.functions import load, logged
from tests.unit.functions.test_audits import mailed
from tests.unit.functions.test_lists import get
from tests.unit.ledger.recording import NOW, SETTINGS, observe

audit = load("audit")

DAY = timedelta(days=1)
NAMES = ["awful", "fine", "good", "okay"]


class Clock:
    """The time, which tests move."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


class Days:
    """A table, and the daily audit of it."""

    def __init__(self) -> None:
        self.fake = FakeDynamoDB(page=50)
        self.clock = Clock()
        self.table = Ledger(as_client(self.fake), SETTINGS, clock=self.clock, sleep=lambda _: None)
        self.dead_letters = FakeDeadLetters()

    def audit(
        self, bus: FakeBus | None = None, *, milliseconds: int = 900_000, **settings: Any
    ) -> dict[str, Any]:
        """Run the function now."""
        answer: dict[str, Any] = audit.handler(
            {},
            FakeContext(milliseconds=milliseconds),
            ledger=self.table,
            announcing=Announcing(bus=bus, dead_letters=self.dead_letters) if bus else None,
            settings=Settings(**settings),
            now=self.clock.now,
        )
        return answer


@pytest.fixture
def days() -> Days:
    """Four lead sources, of which the first is bad."""
    found = Days()
    found.table.record(
        [
            *mailed("awful", 60, 40),
            *mailed("awful", 95, 5, ago=35),
            *(event for name in NAMES[1:] for event in mailed(name, 250, 0)),
        ]
    )
    return found


def flags(bus: FakeBus) -> list[tuple[Any, ...]]:
    return [
        (one.fields["lead_source"], one.fields["previous_verdict"], one.fields["verdict"])
        for one in bus.published
    ]


# ----------------------------------------------------------------------------- the report


def test_the_report_has_all_lead_sources_ranked(days: Days) -> None:
    # WHEN the audit runs, and more lead sources are asked for than a page has
    with logged(audit) as log:
        answer = days.audit()
    status, body = get("/v1/sources", {"limit": 3}, table=days.table)

    # THEN it says what it found, in the log as well
    assert answer == {
        "sources": 4,
        "verdicts": {"bad": 1, "good": 3},
        "announced": 0,
        "not_announced": 0,
    }
    assert '"sources":4' in log.getvalue()

    # AND the page is that of the report: compared with all, the worst first
    assert status == 200
    assert (body["sorted_by"], body["as_of"]) == ("verdict", "2026-11-20T12:00:00Z")
    assert (body["from"], body["to"]) == ("2026-10-22", "2026-11-20")
    assert body["final_from"] == "2026-12-04"
    assert [row["lead_source"] for row in body["sources"]] == NAMES[:3]
    assert body["sources"][0]["differs"]["direction"] == "worse"
    assert body["sources"][0]["change"]["before"]["rate"] == 0.05
    assert body["thresholds"]["bad_above"] == 0.05


def test_a_row_of_the_report_is_that_of_a_live_answer(days: Days) -> None:
    # GIVEN a report
    days.audit()

    # WHEN the same days are asked for with all sources on one page, and from the report
    period = {"from": "2026-10-22", "to": "2026-11-20"}
    live = get("/v1/sources", period, table=days.table)[1]
    report = [*pages(days, {"limit": 3})]

    # THEN the rows are the same
    assert [row for page in report for row in page["sources"]] == live["sources"]
    assert live.keys() == report[0].keys()


def pages(days: Days, query: dict[str, Any], *, repeat: bool = False) -> Iterator[dict[str, Any]]:
    """The answers of all pages; with the days of the answer before, as the client repeats them."""
    cursor: dict[str, Any] = {}
    while True:
        status, body = get("/v1/sources", {**query, **cursor}, table=days.table)
        assert status == 200, body
        yield body
        if not body["next_cursor"]:
            return
        cursor = {"cursor": body["next_cursor"]}
        if repeat:
            cursor |= {"from": body["from"], "to": body["to"]}


@pytest.mark.parametrize("repeat", [False, True])
def test_pages_of_one_report_go_on_after_the_next_one(days: Days, *, repeat: bool) -> None:
    """Ranks of two reports do not go together."""
    # GIVEN the first page of a report
    days.audit()
    reading = pages(days, {"limit": 1}, repeat=repeat)
    first = next(reading)

    # WHEN another report is made in which the order is another one
    days.table.record(mailed("okay", 0, 200, ago=0.5))
    days.clock.now += DAY
    days.audit()

    # THEN the next pages are those of the report that was begun
    rest = list(reading)
    assert [page["sources"][0]["lead_source"] for page in [first, *rest]] == NAMES
    assert {page["as_of"] for page in rest} == {first["as_of"]}

    # AND whoever begins again reads the new one
    new = get("/v1/sources", {"limit": 1}, table=days.table)[1]
    assert new["sources"][0]["lead_source"] == "okay"


def test_a_cursor_of_a_report_that_has_expired_is_a_400(days: Days) -> None:
    days.audit()
    cursor = get("/v1/sources", {"limit": 1}, table=days.table)[1]["next_cursor"]
    days.clock.now += REPORT_LIFE
    status, body = get("/v1/sources", {"limit": 1, "cursor": cursor}, table=days.table)
    assert (status, body["field"]) == (400, "cursor")


def test_a_cursor_of_a_report_is_for_its_days(days: Days) -> None:
    days.audit()
    cursor = get("/v1/sources", {"limit": 1}, table=days.table)[1]["next_cursor"]
    query = {"limit": 1, "cursor": cursor, "from": "2026-11-01"}
    status, body = get("/v1/sources", query, table=days.table)
    assert (status, body["field"]) == (400, "cursor")


def test_a_report_that_nobody_renewed_is_not_shown(days: Days) -> None:
    """Its rows expire, and a page that lacks some would look complete."""
    days.audit()
    days.clock.now += REPORT_LIFE
    _, body = get("/v1/sources", {"limit": 1}, table=days.table)
    assert body["sorted_by"] == "name"

    # AND the next audit can replace it
    assert days.audit()["sources"] == 4


def test_sources_for_which_there_is_no_time_come_from_the_report(days: Days) -> None:
    """A page that is cut off has no ranks."""
    # GIVEN a report, and a table that takes seconds for everything
    days.table.record([event for n in range(20) for event in mailed(f"s{n:02}", 1, 0)])
    days.audit()
    ticks = (NOW + timedelta(seconds=3 * n) for n in range(10_000))
    slow = Ledger(as_client(days.fake), SETTINGS, clock=lambda: next(ticks), sleep=lambda _: None)

    # WHEN sources are asked for that fit on a page
    _, body = get("/v1/sources", table=slow)

    # THEN all come from the report
    assert len(body["sources"]) == 24
    assert (body["sorted_by"], body["as_of"]) == ("verdict", "2026-11-20T12:00:00Z")


def test_a_period_is_read_live(days: Days) -> None:
    days.audit()
    _, body = get("/v1/sources", {"limit": 1, "to": "2026-11-20"}, table=days.table)
    assert body["sorted_by"] == "name"


def test_all_sources_on_one_page_are_read_live(days: Days) -> None:
    """The report may be a day old."""
    days.audit()
    days.table.record(mailed("new", 5, 0, ago=0.5))
    _, body = get("/v1/sources", table=days.table)
    assert "new" in {row["lead_source"] for row in body["sources"]}


def test_counts_that_changed_are_counted_again(days: Days) -> None:
    """No day is ever closed: a late event changes one that an earlier report had."""
    # GIVEN a report
    days.audit()

    # WHEN bounces of messages mailed long before are recorded late, and the next report is made
    late = NOW - timedelta(days=20)
    days.table.record(
        [
            observe(
                f"late {n}",
                Category.MAILBOX_UNKNOWN,
                address=f"l{n}@good",
                source="good",
                message_id=f"late {n}",
                mailed_at=late,
                ago=0.5,
            )
            for n in range(7)
        ]
    )
    days.clock.now += DAY
    days.audit()

    # THEN it has them
    _, body = get("/v1/sources", {"limit": 3}, table=days.table)
    [row] = [row for row in body["sources"] if row["lead_source"] == "good"]
    assert row["list_attributable"]["count"] == 7


def test_of_two_runs_at_once_one_writes_the_newest_report(days: Days) -> None:
    # GIVEN a run that began before another one, and ends after it
    days.audit()
    before = get("/v1/sources", {"limit": 3}, table=days.table)[1]
    days.clock.now += DAY
    days.table.record(mailed("okay", 0, 200, ago=0.5))
    reports = days.table.reports
    previous = reports.newest()
    assert previous is not None
    days.audit()

    # WHEN it makes its report the newest
    with pytest.raises(LedgerError, match="another audit is under way"):
        reports.switch(previous, previous)

    # THEN it fails, and the newest stays
    after = get("/v1/sources", {"limit": 3}, table=days.table)[1]
    assert after["as_of"] > before["as_of"]

    # AND all rows have an end
    rows = [item for (_, sk), item in days.fake.table.items() if sk.startswith("ROW#")]
    ends = {int(item["ttl"]["N"]) for item in rows}
    made = datetime.fromisoformat(before["as_of"]).astimezone(UTC)
    assert min(ends) == int((made + REPORT_LIFE).timestamp())


def test_a_run_without_time_leaves_the_report_as_it_is(days: Days) -> None:
    # GIVEN many more sources than a run without time reads
    days.audit()
    before = get("/v1/sources", {"limit": 3}, table=days.table)[1]
    days.table.record([event for n in range(20) for event in mailed(f"s{n:02}", 1, 0)])

    # WHEN it ends
    days.clock.now = datetime.now(UTC) + DAY
    with pytest.raises(LedgerError, match="no time left"):
        days.audit(milliseconds=1)

    # THEN the report is as it was
    days.clock.now = NOW
    assert get("/v1/sources", {"limit": 3}, table=days.table)[1] == before


def test_an_account_without_lead_sources_has_an_empty_report() -> None:
    answer = Days().audit()
    assert answer == {"sources": 0, "verdicts": {}, "announced": 0, "not_announced": 0}


# ----------------------------------------------------------------------------- the events


def test_a_source_that_becomes_bad_is_announced_once(days: Days) -> None:
    # GIVEN a report, of which nothing is announced, since there is none to compare with
    bus = FakeBus()
    assert days.audit(bus)["announced"] == 0

    # WHEN a source becomes bad
    days.table.record(mailed("okay", 0, 200, ago=0.5))
    days.clock.now += DAY
    days.audit(bus)

    # THEN it is announced, with the figures that this rests on
    assert flags(bus) == [("okay", "good", "bad")]
    [event] = bus.published
    assert event.detail("prod") == {
        "version": "1",
        "id": event.id,
        "stack": "prod",
        "occurred_at": "2026-11-21T12:00:00Z",
        "lead_source": "okay",
        "verdict": "bad",
        "previous_verdict": "good",
        "list_attributable": event.fields["list_attributable"],
        "period": {"from": "2026-10-23", "to": "2026-11-21"},
    }
    rate: Any = event.fields["list_attributable"]
    assert (rate["count"], rate["of"]) == (200, 450)
    json.dumps(event.detail("prod"))

    # AND not again while it stays bad
    days.clock.now += DAY
    assert days.audit(bus)["announced"] == 0


def test_a_source_that_is_bad_no_longer_is_announced(days: Days) -> None:
    # GIVEN a bad source
    bus = FakeBus()
    days.audit(bus)

    # WHEN the deployment tolerates more
    days.clock.now += DAY
    days.audit(bus, audit_bad_above=60.0)

    # THEN what it is now is announced
    assert flags(bus) == [("awful", "bad", "watch")]


def test_a_new_source_that_is_bad_has_no_previous_verdict(days: Days) -> None:
    bus = FakeBus()
    days.audit(bus)
    days.table.record(mailed("new", 0, 200, ago=0.5))
    days.clock.now += DAY
    days.audit(bus)
    assert flags(bus) == [("new", None, "bad")]


def test_an_event_that_could_not_be_published_is_sent_by_the_next_run(days: Days) -> None:
    # GIVEN a source that becomes bad while the bus is down
    days.audit(FakeBus())
    days.table.record(mailed("okay", 0, 200, ago=0.5))
    days.clock.now += DAY
    down = FakeBus(down=True)
    with pytest.raises(BusError):
        days.audit(down)

    # WHEN the run is repeated, twice, since nobody knows whether the first one published it
    sent: list[Announcement] = []
    for _ in range(2):
        days.clock.now += timedelta(minutes=1)
        bus = FakeBus()
        days.audit(bus)
        sent += bus.published

    # THEN it is announced once
    assert [one.fields["lead_source"] for one in sent] == ["okay"]

    # AND the report was renewed all the same
    newest = days.table.reports.newest()
    assert newest is not None
    assert newest.last == date(2026, 11, 21)


def test_an_event_that_the_bus_rejects_for_good_goes_to_the_dead_letter_queue(days: Days) -> None:
    """It would be rejected each time, but somebody has to know."""
    # GIVEN two sources that become bad, and a bus that rejects the event about one of them
    days.audit(FakeBus())
    before = days.table.reports.newest()
    assert before is not None
    days.table.record([*mailed("okay", 0, 200, ago=0.5), *mailed("fine", 0, 200, ago=0.5)])
    days.clock.now += DAY
    bus = FakeBus(rejected={f"{before.generation} bad okay"})

    # WHEN the audit runs
    with logged(audit) as log:
        answer = days.audit(bus)

    # THEN the other event is published, and this one is kept whole with the reason
    assert (answer["announced"], answer["not_announced"]) == (1, 1)
    assert flags(bus) == [("fine", "good", "bad")]
    [(message, reason)] = days.dead_letters.messages
    event = json.loads(message)
    assert (event["lead_source"], event["verdict"]) == ("okay", "bad")
    assert "could not be published: the event bus rejected the event" in str(reason)

    # AND the log has its ID
    assert f'"events":["{event["id"]}"]' in log.getvalue()

    # AND the next run sends neither again
    days.clock.now += timedelta(minutes=1)
    answer = days.audit(bus)
    assert (answer["announced"], answer["not_announced"]) == (0, 0)
    assert (len(bus.published), len(days.dead_letters)) == (1, 1)


def test_while_an_event_is_to_be_sent_again_none_is_dead_lettered(days: Days) -> None:
    """All of them are sent again, so that a rejected one would be in the queue once a day."""

    class Halting(FakeBus):
        """Rejects the event about one source, and does not answer about the other."""

        def publish(self, announcements: Sequence[Announcement]) -> list[BusError | None]:
            return [
                BusError("the bus", retry_helps=one.fields["lead_source"] == "fine")
                for one in announcements
            ]

    # GIVEN two sources that become bad
    days.audit(FakeBus())
    days.table.record([*mailed("okay", 0, 200, ago=0.5), *mailed("fine", 0, 200, ago=0.5)])
    days.clock.now += DAY

    # WHEN one event is rejected and the other may be taken later THEN the run fails
    with pytest.raises(BusError):
        days.audit(Halting())
    assert len(days.dead_letters) == 0

    # AND the next one sends both
    days.clock.now += timedelta(minutes=1)
    assert days.audit(FakeBus())["announced"] == 2


def test_a_bus_that_does_not_answer_for_days_is_given_up(days: Days) -> None:
    """The report with which runs compare is deleted after a week."""
    # GIVEN a source that becomes bad while the bus is down
    days.audit(FakeBus())
    days.table.record(mailed("okay", 0, 200, ago=0.5))
    days.clock.now += GIVE_UP_AFTER - timedelta(hours=1)
    with pytest.raises(BusError):
        days.audit(FakeBus(down=True))

    # WHEN it still is THEN the event is kept
    days.clock.now += DAY
    assert days.audit(FakeBus(down=True))["not_announced"] == 1
    [(message, _)] = days.dead_letters.messages
    assert json.loads(message)["lead_source"] == "okay"

    # AND not sent once the bus answers
    days.clock.now += DAY
    assert days.audit(FakeBus())["announced"] == 0


def test_without_bus_and_dead_letter_queue_the_next_run_begins_again(days: Days) -> None:
    # GIVEN an event that the bus rejects, and a dead-letter queue that is down
    days.audit(FakeBus())
    before = days.table.reports.newest()
    assert before is not None
    days.table.record(mailed("okay", 0, 200, ago=0.5))
    days.clock.now += DAY
    bus = FakeBus(rejected={f"{before.generation} bad okay"})
    days.dead_letters = FakeDeadLetters(down=True)

    # WHEN the audit runs THEN it fails
    with pytest.raises(QueueError):
        days.audit(bus)

    # AND the next run dead-letters it
    days.dead_letters = FakeDeadLetters()
    days.clock.now += timedelta(minutes=1)
    assert days.audit(bus)["not_announced"] == 1


def test_a_repeated_run_sends_the_same_event_again(days: Days) -> None:
    """Whoever receives it twice knows by its ID."""
    # GIVEN two runs that compare with the same report, as one does that died after publishing
    days.audit(FakeBus())
    days.table.record(mailed("okay", 0, 200, ago=0.5))
    buses = [FakeBus(), FakeBus()]
    head = {key: item for key, item in days.fake.table.items() if key[0] == "AUDIT#REPORT"}
    for bus in buses:
        days.fake.table.update(head)
        days.clock.now += timedelta(hours=1)
        days.audit(bus)

    # THEN both events have one ID
    [first], [second] = (bus.published for bus in buses)
    assert first.id == second.id


# --------------------------------------------------------------- what is no news about a vendor


def blocked(source: str, number: int, *, ago: float) -> list[Observation]:
    """Messages to leads that were refused because of the sender, one each."""
    return [
        observe(
            f"{source} block {ago} {n}",
            Category.REPUTATION_BLOCK,
            address=f"refused{n}@{source}",
            source=source,
            message_id=f"{source} block {ago} {n}",
            mailed_at=NOW - timedelta(days=ago),
            ago=ago,
        )
        for n in range(number)
    ]


def verdict_of(days: Days, source: str) -> str:
    _, body = get("/v1/sources", {"limit": 3}, table=days.table)
    while True:
        for row in body["sources"]:
            if row["lead_source"] == source:
                return str(row["verdict"])
        cursor = {"limit": 3, "cursor": body["next_cursor"]}
        _, body = get("/v1/sources", cursor, table=days.table)


def audit_until(days: Days, bus: FakeBus, end: datetime) -> None:
    """Audit every four days, so that the report before can always be read, and at the end."""
    while days.clock.now < end:
        days.audit(bus)
        days.clock.now = min(end, days.clock.now + 4 * DAY)
    days.audit(bus)


@pytest.mark.parametrize("refused", [600, 5000])
def test_an_incident_of_the_sender_clears_no_source(days: Days, refused: int) -> None:
    """Unanswered addresses count as living for `bad`, so that the verdict changes."""
    # GIVEN a bad source
    bus = FakeBus()
    audit_until(days, bus, NOW + 16 * DAY)
    assert verdict_of(days, "awful") == "bad"

    # WHEN a mailbox provider refuses the sender
    days.table.record(blocked("awful", refused, ago=-16.5))
    audit_until(days, bus, NOW + 20 * DAY)

    # THEN its verdict is another one, and nothing is announced
    assert verdict_of(days, "awful") == {600: "watch", 5000: "too_little_data"}[refused]
    assert flags(bus) == []

    # AND nothing is announced either when the source is seen to be bad again
    days.table.record(mailed("awful", 60, 40, ago=-46.5))
    audit_until(days, bus, NOW + 47 * DAY)
    assert verdict_of(days, "awful") == "bad"
    assert flags(bus) == []


def not_found(source: str, number: int, *, ago: float) -> list[Observation]:
    """Messages to leads at domains that the sender's resolver did not find, one each."""
    return [
        observe(
            f"{source} lost {ago} {n}",
            Category.DOMAIN_UNKNOWN,
            scope=Scope.DOMAIN,
            address=f"lead@{n}.{source}",
            source=source,
            message_id=f"{source} lost {ago} {n}",
            mailed_at=NOW - timedelta(days=ago),
            ago=ago,
        )
        for n in range(number)
    ]


def look_at(days: Days, source: str, number: int) -> None:
    """DNS shows that the domains of `not_found` are alive."""
    probe = Probe(verdict=DomainVerdict.ACCEPTS_MAIL, probed_at=days.clock.now)
    for n in range(number):
        days.table.record_probe(DomainFacts(domain=f"{n}.{source}"), probe)


def test_a_failing_resolver_of_the_sender_flags_no_source(days: Days) -> None:
    """The audit may run between the bounces and the probes."""
    # GIVEN a good source, and a report
    bus = FakeBus()
    days.audit(bus)
    assert verdict_of(days, "good") == "good"

    # WHEN many domains are not found, and DNS is asked after the next report only
    days.table.record(not_found("good", 500, ago=-0.1))
    days.clock.now += DAY
    days.audit(bus)
    found = [verdict_of(days, "good")]
    look_at(days, "good", 500)
    days.clock.now += DAY
    days.audit(bus)
    found.append(verdict_of(days, "good"))

    # THEN it is not known before that it is good, and nothing is announced
    assert found == ["too_little_data", "good"]
    assert flags(bus) == []


def test_a_failing_resolver_of_the_sender_clears_no_source() -> None:
    """Leads who were not reached do not show that a source is better."""
    # GIVEN a source with 8 % dead addresses of very many
    days, bus = Days(), FakeBus()
    days.table.record(mailed("fair", 920, 80))
    days.audit(bus)
    assert verdict_of_all(days) == {"fair": "bad"}

    # WHEN 30 days later, there are as many of very few, and DNS refutes 900 other bounces
    days.table.record([*mailed("fair", 92, 8, ago=-28.5), *not_found("fair", 900, ago=-28.5)])
    audit_until(days, bus, NOW + 30 * DAY)
    look_at(days, "fair", 900)
    audit_until(days, bus, NOW + 31 * DAY)

    # THEN nothing is announced
    assert verdict_of_all(days) == {"fair": "too_little_data"}
    assert flags(bus) == []


def test_a_pause_in_mailing_clears_no_source(days: Days) -> None:
    # GIVEN a bad source that is mailed no more
    bus = FakeBus()
    audit_until(days, bus, NOW + 48 * DAY)

    # THEN there is too little data after 30 days, and nothing is announced
    assert verdict_of(days, "awful") == "too_little_data"
    assert flags(bus) == []

    # AND a first few addresses without a dead one change nothing
    days.table.record(mailed("awful", 30, 0, ago=-48.5))
    audit_until(days, bus, NOW + 49 * DAY)
    assert flags(bus) == []


def test_fewer_addresses_at_the_same_rate_clear_no_source() -> None:
    """What is `watch` because less is known would be bad if more were."""
    # GIVEN a source with 8 % dead addresses of very many
    days, bus = Days(), FakeBus()
    days.table.record(mailed("fair", 920, 80))
    days.audit(bus)
    assert verdict_of_all(days) == {"fair": "bad"}

    # WHEN 30 days later, there are as many of very few
    days.table.record(mailed("fair", 92, 8, ago=-28.5))
    audit_until(days, bus, NOW + 31 * DAY)

    # THEN nothing is announced
    assert verdict_of_all(days) == {"fair": "watch"}
    assert flags(bus) == []


def verdict_of_all(days: Days) -> dict[str, str]:
    _, body = get(
        "/v1/sources",
        {"from": str((days.clock.now - 29 * DAY).date()), "to": str(days.clock.now.date())},
        table=days.table,
    )
    return {row["lead_source"]: row["verdict"] for row in body["sources"]}


@pytest.mark.parametrize(
    ("living", "dead", "verdict"),
    [
        (500, 0, "good"),
        (970, 30, "watch"),
        # Between good and watch, and surely not bad.
        (494, 6, "too_little_data"),
    ],
)
def test_a_source_that_is_truly_better_is_announced_once(
    days: Days, living: int, dead: int, verdict: str
) -> None:
    # GIVEN a bad source that was not mailed for a while
    bus = FakeBus()
    audit_until(days, bus, NOW + 36 * DAY)
    assert flags(bus) == []

    # WHEN its addresses are seen to be better
    days.table.record(mailed("awful", living, dead, ago=-36.5))
    audit_until(days, bus, NOW + 45 * DAY)

    # THEN that is announced once, with what it was before
    assert flags(bus) == [("awful", "bad", verdict)]

    # AND that it became bad again, too
    days.table.record(mailed("awful", 0, 300, ago=-45.5))
    audit_until(days, bus, NOW + 46 * DAY)
    assert flags(bus)[1:] == [("awful", verdict, "bad")]


def test_a_held_back_verdict_shows_in_no_answer(days: Days) -> None:
    """The list has the verdicts of the counts."""
    # GIVEN a bad source of which too little is known now
    bus = FakeBus()
    days.audit(bus)
    days.table.record(blocked("awful", 5000, ago=0.5))
    days.clock.now += timedelta(hours=1)
    days.audit(bus)

    # THEN the rows of the report are those of a live answer
    period = {"from": "2026-10-22", "to": "2026-11-20"}
    live = get("/v1/sources", period, table=days.table)[1]
    report = [row for page in pages(days, {"limit": 3}) for row in page["sources"]]
    assert report == live["sources"]
    assert verdict_of(days, "awful") == "too_little_data"


def test_a_repeated_run_holds_back_the_same(days: Days) -> None:
    """What stands follows from the report before and the counts, not from how often it ran."""
    # GIVEN a bad source in an incident, audited twice against the same report
    days.audit(FakeBus())
    head = {key: item for key, item in days.fake.table.items() if key[0] == "AUDIT#REPORT"}
    days.table.record(blocked("awful", 5000, ago=0.5))
    stood = []
    for _ in range(2):
        days.fake.table.update(head)
        days.clock.now += timedelta(minutes=5)
        bus = FakeBus()
        days.audit(bus)
        assert flags(bus) == []
        newest = days.table.reports.newest()
        assert newest is not None
        stood.append(days.table.reports.standing(newest.generation))

    # THEN it stands as bad in both
    assert stood[0] == stood[1]
    assert stood[0]["awful"] == "bad"
