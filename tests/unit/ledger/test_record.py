"""Recording: what is written for which event, in how many calls."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bounceledger.events import Kind, ProviderReason
from bounceledger.ledger import Ledger, Outcome, items
from bounceledger.state import AddressFacts, Observation, ReasonCode
from bounceledger.verdict import Category
from tests.faults.fake import FakeDynamoDB
from tests.unit.ledger.recording import NOW, SETTINGS, TODAY, delivery, ledger, observe, stored


def test_deliveries_of_a_batch_take_three_calls() -> None:
    fake = FakeDynamoDB()
    booked = ledger(fake)
    booked.record([delivery("first")])
    fake.calls.clear()
    booked.record([delivery(f"{n}", address=f"{n}@x.test") for n in range(99)])
    assert fake.calls == {"TransactWriteItems": 1, "BatchGetItem": 1}


def test_many_events_of_one_address_write_its_facts_once() -> None:
    fake = FakeDynamoDB()
    ledger(fake).record([observe(f"{n}", Category.MAILBOX_UNKNOWN, ago=n / 10) for n in range(20)])
    facts = stored(fake, items.facts_key("a@example.test"))
    assert facts["version"] == 1
    assert facts["evidence"]["mailbox_unknown"]["count"] == 20


@pytest.mark.parametrize(
    ("observation", "counted"),
    [
        (observe("e", Category.MAILBOX_FULL), {"soft", "category_mailbox_full"}),
        (
            observe("e", Category.MAILBOX_MOVED),
            {"hard", "category_mailbox_moved", "suppressed"},
        ),
        (observe("e", Category.VIRUS), {"block", "category_virus"}),
        (observe("e", Category.PROVIDER_SUPPRESSED), {"echo", "category_provider_suppressed"}),
        (observe("e", Category.AUTOREPLY), {"category_autoreply"}),
        (
            observe("e", kind=Kind.COMPLAINT, provider_reason=ProviderReason.ABUSE),
            {"complaint", "suppressed"},
        ),
        (observe("e", kind=Kind.COMPLAINT, provider_reason=ProviderReason.NOT_SPAM), set()),
        (delivery("e"), {"delivered"}),
        (observe("e", kind=Kind.DELIVERY_DELAY), {"delayed"}),
        (observe("e", kind=Kind.REJECT), {"rejected"}),
        (observe("e", kind=Kind.SUBSCRIPTION), set()),
        (observe("e", kind=Kind.OTHER), set()),
    ],
    ids=str,
)
def test_what_an_event_counts_as(observation: Observation, counted: set[str]) -> None:
    fake = FakeDynamoDB()
    [outcome] = ledger(fake).record([observation])
    found = ledger(fake).counts("fair", TODAY, TODAY).days
    assert outcome.outcome is Outcome.RECORDED
    assert found == ({TODAY: dict.fromkeys(counted, 1)} if counted else {})


@pytest.mark.parametrize("kind", [Kind.SEND, Kind.OPEN, Kind.CLICK])
def test_kinds_without_consequence_write_nothing(kind: Kind) -> None:
    fake = FakeDynamoDB()
    [outcome] = ledger(fake).record([observe("e", kind=kind)])
    assert outcome.outcome is Outcome.IGNORED
    assert not fake.calls


def test_events_count_on_their_own_utc_day() -> None:
    fake = FakeDynamoDB()
    late = datetime.fromisoformat("2026-11-19T23:30:00-05:00")
    observation = delivery("e")
    ledger(fake).record([replace(observation, event=replace(observation.event, occurred_at=late))])
    found = ledger(fake).counts("fair", date(2026, 11, 1), TODAY)
    assert found.days == {date(2026, 11, 20): {"delivered": 1}}


def test_events_count_on_the_day_on_which_the_message_was_mailed() -> None:
    # GIVEN a message of the 18th whose outcomes are dated by others, some of them absurdly
    fake = FakeDynamoDB()
    mailed_at = datetime(2026, 11, 18, 23, tzinfo=UTC)
    ledger(fake).record(
        [
            observe("late", Category.MAILBOX_UNKNOWN, ago=0.1, mailed_at=mailed_at),
            observe("absurd", Category.MAILBOX_FULL, ago=5000, mailed_at=mailed_at),
        ]
    )
    # WHEN the counts are read THEN everything is in that day, and the day is final later
    found = ledger(fake).counts("fair", date(2011, 1, 1), TODAY)
    [(day, counters)] = found.days.items()
    assert day == date(2026, 11, 18)
    assert (counters["hard"], counters["soft"], counters["suppressed"]) == (1, 1, 1)
    assert found.final_from == TODAY + timedelta(days=14)


def test_a_message_mailed_earlier_moves_the_attribution_to_its_day() -> None:
    # GIVEN a hard bounce, and one of an earlier message that is reported later
    fake = FakeDynamoDB()
    booked = ledger(fake)
    booked.record([observe("first", Category.MAILBOX_UNKNOWN, ago=2, mailed_at=NOW)])
    earlier = NOW - timedelta(days=3)
    booked.record([observe("second", Category.MAILBOX_UNKNOWN, ago=1, mailed_at=earlier)])
    # THEN the address counts as suppressed on the earlier day of mailing only
    days = booked.counts("fair", TODAY - timedelta(days=9), TODAY).days
    assert [day for day, counters in days.items() if "suppressed" in counters] == [earlier.date()]


def test_counts_are_of_the_days_asked_for() -> None:
    fake = FakeDynamoDB()
    booked = ledger(fake)
    booked.record([delivery(f"{n}", ago=n, address=f"{n}@x.test") for n in range(5)])
    found = booked.counts("fair", TODAY - timedelta(days=3), TODAY - timedelta(days=1))
    assert list(found.days) == [TODAY - timedelta(days=n) for n in (3, 2, 1)]


def test_deliveries_need_not_be_counted() -> None:
    # GIVEN a deployment that does not count deliveries
    fake = FakeDynamoDB()
    booked = ledger(fake, replace(SETTINGS, count_deliveries=False))
    booked.record([observe("soft", Category.MAILBOX_FULL, ago=2)])
    # WHEN some arrive
    outcomes = booked.record([delivery("e1", ago=1), delivery("e2", address="b@x.test")])
    # THEN they still void soft days, and nothing else is written for them
    assert [outcome.outcome for outcome in outcomes] == [Outcome.RECORDED, Outcome.RECORDED]
    [answer] = booked.check(["a@example.test"])
    assert answer.facts is not None
    assert answer.facts.delivered_at == NOW - timedelta(days=1)
    assert not [key for key in fake.table if key[1] in ("EVENT#e1", "EVENT#e2")]
    assert "delivered" not in str(booked.counts("fair", TODAY - timedelta(days=3), TODAY))


def test_lead_sources_above_the_cap_are_booked_as_other() -> None:
    fake = FakeDynamoDB()
    booked = ledger(fake, replace(SETTINGS, max_sources_per_day=2))
    booked.record([delivery(f"{n}", source=f"s{n}", address=f"{n}@x.test") for n in range(4)])
    booked.record([delivery("again", source="s1")])
    listed = {key[1] for key in fake.table if key[0] == "SOURCES"}
    assert listed == {"s0", "s1", "other"}
    assert booked.counts("other", TODAY, TODAY).days == {TODAY: {"delivered": 2}}
    assert booked.counts("s1", TODAY, TODAY).days == {TODAY: {"delivered": 2}}


def test_a_source_is_listed_once_per_environment() -> None:
    fake = FakeDynamoDB()
    booked = ledger(fake)
    for n in range(3):
        booked.record([delivery(f"{n}")])
    assert fake.calls["BatchWriteItem"] == 1


def outcomes_of(booked: Ledger, observations: Sequence[Observation]) -> list[Outcome]:
    return [result.outcome for result in booked.record(observations)]


def test_outcomes_stand_in_the_order_of_the_events() -> None:
    fake = FakeDynamoDB()
    booked = ledger(fake)
    booked.record([delivery("known")])
    assert outcomes_of(booked, [delivery("new"), delivery("known"), delivery("new")]) == [
        Outcome.RECORDED,
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
    ]


def test_the_same_event_of_two_recipients_is_two() -> None:
    booked = ledger(FakeDynamoDB())
    assert (
        outcomes_of(booked, [delivery("e"), delivery("e", address="b@x.test")])
        == [Outcome.RECORDED] * 2
    )


def test_nothing_to_record_calls_nothing() -> None:
    fake = FakeDynamoDB()
    assert ledger(fake).record([]) == []
    assert not fake.calls


def test_a_table_that_is_down_hands_everything_back() -> None:
    fake = FakeDynamoDB()
    fake.faults.server_error = 1
    outcomes = ledger(fake).record([delivery("e")])
    assert [(o.ok, o.retry_helps) for o in outcomes] == [(False, True)]


def test_an_erased_address_is_counted_and_nothing_is_kept_of_it() -> None:
    fake = FakeDynamoDB()
    booked = ledger(fake)
    booked.apply_change(AddressFacts(address="a@example.test", erased=True), by="me", note="asked")
    booked.record([observe("e", Category.MAILBOX_UNKNOWN)])
    [answer] = booked.check(["a@example.test"], source="fair")
    assert answer.decision.reason_code is ReasonCode.ERASED
    assert answer.facts == AddressFacts(address="a@example.test", erased=True, version=1)
    assert answer.entry is None
    assert booked.counts("fair", TODAY, TODAY).days[TODAY]["hard"] == 1
