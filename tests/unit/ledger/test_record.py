"""Recording: what is written for which event, in how many calls."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bounceledger.events import Kind, ProviderReason
from bounceledger.ledger import Ledger, Outcome, items
from bounceledger.ledger.attributes import to_attributes
from bounceledger.ledger.sampling import Sampling
from bounceledger.state import AddressFacts, Observation, ReasonCode
from bounceledger.verdict import Category
from tests.faults.fake import FakeDynamoDB, as_client
from tests.unit.ledger.recording import NOW, SETTINGS, TODAY, delivery, ledger, observe, stored


def test_deliveries_of_a_batch_take_two_calls() -> None:
    """Deliveries are most of the events, so they are cheap."""
    # GIVEN a lead source that is listed already, and no hash that makes anyone look at a sample
    fake = FakeDynamoDB()
    sampling = Sampling(bytes(32), look_every=1 << 16)
    recorder = Ledger(as_client(fake), SETTINGS, clock=lambda: NOW, sampling=sampling)
    recorder.record([delivery("first")])
    fake.calls.clear()

    # WHEN deliveries to many addresses arrive
    recorder.record([delivery(f"{n}", address=f"{n}@x.test") for n in range(99)])

    # THEN their facts are read in one call and all is written in another
    assert fake.calls == {"TransactWriteItems": 1, "BatchGetItem": 1}


def test_many_events_of_one_address_write_its_facts_once() -> None:
    """A batch merges before it writes."""
    # WHEN a batch holds many events of one address
    fake = FakeDynamoDB()
    ledger(fake).record([observe(f"{n}", Category.MAILBOX_UNKNOWN, ago=n / 10) for n in range(20)])

    # THEN its facts were written once, with all of them
    facts = stored(fake, items.facts_key("a@example.test"))
    assert facts["version"] == 1
    assert facts["evidence"]["mailbox_unknown"]["count"] == 20


COUNTED = {
    "soft bounce": (observe("e", Category.MAILBOX_FULL), {"soft", "category_mailbox_full"}),
    "hard bounce": (
        observe("e", Category.MAILBOX_MOVED),
        {"hard", "category_mailbox_moved", "suppressed"},
    ),
    "block": (observe("e", Category.VIRUS), {"block", "category_virus"}),
    "echo": (
        observe("e", Category.PROVIDER_SUPPRESSED),
        {"echo", "category_provider_suppressed"},
    ),
    "automatic reply": (observe("e", Category.AUTOREPLY), {"category_autoreply"}),
    "complaint": (
        observe("e", kind=Kind.COMPLAINT, provider_reason=ProviderReason.ABUSE),
        {"complaint", "suppressed"},
    ),
    "not spam": (observe("e", kind=Kind.COMPLAINT, provider_reason=ProviderReason.NOT_SPAM), set()),
    "delivery": (delivery("e"), {"delivered"}),
    "delay": (observe("e", kind=Kind.DELIVERY_DELAY), {"delayed"}),
    "reject": (observe("e", kind=Kind.REJECT), {"rejected"}),
    "unsubscribe": (observe("e", kind=Kind.UNSUBSCRIBE), {"unsubscribe"}),
    "subscription": (observe("e", kind=Kind.SUBSCRIPTION), set()),
    "unknown kind": (observe("e", kind=Kind.OTHER), set()),
    "passed on": (observe("e", kind=Kind.RELAYED), set()),
    "unmatched": (
        observe("e", Category.MAILBOX_UNKNOWN, address="", unmatched=True),
        {"unmatched"},
    ),
    "forward": (
        observe("e", Category.MAILBOX_UNKNOWN, forwarded_to="x.test"),
        {"soft", "category_forward_failed"},
    ),
    "virus": (observe("e", kind=Kind.COMPLAINT, provider_reason=ProviderReason.VIRUS), set()),
}


@pytest.mark.parametrize(("observation", "counted"), COUNTED.values(), ids=COUNTED)
def test_what_an_event_counts_as(observation: Observation, counted: set[str]) -> None:
    """Counters by kind, disposition and category."""
    # GIVEN an empty table
    fake = FakeDynamoDB()

    # WHEN the event is recorded
    [outcome] = ledger(fake).record([observation])

    # THEN each of its counters is one, and no other exists
    found = ledger(fake).counts("fair", TODAY, TODAY).days
    assert outcome.outcome is Outcome.RECORDED
    assert found == ({TODAY: dict.fromkeys(counted, 1)} if counted else {})


@pytest.mark.parametrize("kind", [Kind.SEND, Kind.OPEN, Kind.CLICK])
def test_kinds_that_are_not_used_write_nothing(kind: Kind) -> None:
    """Send, Open and Click cost nothing."""
    # WHEN such an event is recorded
    fake = FakeDynamoDB()
    [outcome] = ledger(fake).record([observe("e", kind=kind)])

    # THEN it is acknowledged without a call
    assert outcome.outcome is Outcome.IGNORED
    assert not fake.calls


def test_events_count_on_their_own_utc_day() -> None:
    """The day is that of the event, not of its arrival or offset."""
    # GIVEN an event at 23:30 five hours behind UTC
    fake = FakeDynamoDB()
    late = datetime.fromisoformat("2026-11-19T23:30:00-05:00")
    observation = delivery("e")

    # WHEN it is recorded
    ledger(fake).record([replace(observation, event=replace(observation.event, occurred_at=late))])

    # THEN it counts on the next day in UTC
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
    recorded = ledger(fake)
    recorded.record([observe("first", Category.MAILBOX_UNKNOWN, ago=2, mailed_at=NOW)])
    earlier = NOW - timedelta(days=3)
    recorded.record([observe("second", Category.MAILBOX_UNKNOWN, ago=1, mailed_at=earlier)])
    # THEN the address counts as suppressed on the earlier day of mailing only
    days = recorded.counts("fair", TODAY - timedelta(days=9), TODAY).days
    assert [day for day, counters in days.items() if "suppressed" in counters] == [earlier.date()]


def test_counts_are_of_the_days_asked_for() -> None:
    """First and last day are included."""
    # GIVEN a delivery on each of five days
    fake = FakeDynamoDB()
    recorder = ledger(fake)
    recorder.record([delivery(f"{n}", ago=n, address=f"{n}@x.test") for n in range(5)])

    # WHEN three of them are asked for
    found = recorder.counts("fair", TODAY - timedelta(days=3), TODAY - timedelta(days=1))

    # THEN those three are answered
    assert list(found.days) == [TODAY - timedelta(days=n) for n in (3, 2, 1)]


def test_deliveries_need_not_be_counted() -> None:
    """COUNT_DELIVERIES saves most writes and keeps every decision."""
    # GIVEN a deployment that does not count deliveries
    fake = FakeDynamoDB()
    recorder = ledger(fake, replace(SETTINGS, count_deliveries=False))
    recorder.record([observe("soft", Category.MAILBOX_FULL, ago=2)])

    # WHEN some arrive
    outcomes = recorder.record([delivery("e1", ago=1), delivery("e2", address="b@x.test")])

    # THEN they still reset soft days, and nothing else is written for them
    assert [outcome.outcome for outcome in outcomes] == [Outcome.RECORDED, Outcome.RECORDED]
    [answer] = recorder.check(["a@example.test"])
    assert answer.facts is not None
    assert answer.facts.delivered_at == NOW - timedelta(days=1)
    assert not [key for key in fake.table if key[1] in ("EVENT#e1", "EVENT#e2")]
    assert "delivered" not in str(recorder.counts("fair", TODAY - timedelta(days=3), TODAY))


def test_a_source_is_listed_once_per_environment() -> None:
    """A source is listed by one write, not by one per batch."""
    # WHEN one environment records three batches of one source
    fake = FakeDynamoDB()
    recorder = ledger(fake)
    for n in range(3):
        recorder.record([delivery(f"{n}")])

    # THEN the source was listed once
    assert fake.calls["PutItem"] == 1


def outcomes_of(recorder: Ledger, observations: Sequence[Observation]) -> list[Outcome]:
    return [result.outcome for result in recorder.record(observations)]


def test_outcomes_are_in_the_order_of_the_events() -> None:
    """Callers match them with messages by position."""
    # GIVEN an event that is recorded
    fake = FakeDynamoDB()
    recorder = ledger(fake)
    recorder.record([delivery("known")])

    # THEN it and a repeated one are duplicates, in their places
    assert outcomes_of(recorder, [delivery("new"), delivery("known"), delivery("new")]) == [
        Outcome.RECORDED,
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
    ]


def test_one_event_id_for_two_recipients_is_two_events() -> None:
    """SES sends one feedback id for all recipients of a bounce."""
    recorder = ledger(FakeDynamoDB())
    assert (
        outcomes_of(recorder, [delivery("e"), delivery("e", address="b@x.test")])
        == [Outcome.RECORDED] * 2
    )


def test_nothing_to_record_calls_nothing() -> None:
    """A batch may hold notices only."""
    fake = FakeDynamoDB()
    assert ledger(fake).record([]) == []
    assert not fake.calls


def test_a_table_that_is_down_fails_everything_and_a_retry_helps() -> None:
    """The queue delivers the batch again later."""
    # GIVEN a table that answers every call with an error
    fake = FakeDynamoDB()
    fake.faults.server_error = 1

    # WHEN an event is recorded
    outcomes = ledger(fake).record([delivery("e")])

    # THEN it failed, and is worth a retry
    assert [(o.ok, o.retry_helps) for o in outcomes] == [(False, True)]


def test_an_erased_address_is_counted_and_nothing_else_is_kept() -> None:
    """Counters hold no personal data; the address keeps the erasure only."""
    # GIVEN an address that was erased on request
    fake = FakeDynamoDB()
    recorder = ledger(fake)
    erased = AddressFacts(address="a@example.test", erased=True, version=1)
    key = items.facts_key(erased.address)
    fake.table[key] = to_attributes(items.facts_item(erased, SETTINGS.policy))

    # WHEN it bounces
    recorder.record([observe("e", Category.MAILBOX_UNKNOWN)])

    # THEN nothing but the erasure is known of it
    [answer] = recorder.check(["a@example.test"], source="fair")
    assert answer.decision.reason_code is ReasonCode.ERASED
    assert answer.facts == AddressFacts(address="a@example.test", erased=True, version=1)
    assert answer.entry is None

    # AND the bounce counts for its source
    assert recorder.counts("fair", TODAY, TODAY).days[TODAY]["hard"] == 1


def test_one_event_of_several_reports_that_its_address_became_suppressed() -> None:
    """The number of suppressions is what people watch."""
    # GIVEN two hard bounces of one address and a delivery to another, in one batch
    recorder = ledger(FakeDynamoDB())
    batch = [
        observe("first", Category.MAILBOX_UNKNOWN),
        observe("second", Category.MAILBOX_UNKNOWN),
        delivery("third", address="b@example.test"),
    ]

    # WHEN they are recorded, twice, and one more later
    results = recorder.record(batch)
    again = recorder.record(batch)
    later = recorder.record([observe("fourth", Category.MAILBOX_UNKNOWN)])

    # THEN the address became suppressed once
    assert [result.suppresses for result in results] == [True, False, False]
    assert not any(result.suppresses for result in [*again, *later])


def test_the_soft_bounce_that_is_one_too_many_reports_a_suppression() -> None:
    # GIVEN an address with soft bounces on two days
    recorder = ledger(FakeDynamoDB())
    days = [
        recorder.record([observe(f"{ago}", Category.MAILBOX_FULL, ago=ago)])[0].suppresses
        for ago in (4, 3)
    ]

    # WHEN it has one on a third
    [third] = recorder.record([observe("third", Category.MAILBOX_FULL, ago=2)])

    # THEN that one suppresses
    assert days == [False, False]
    assert third.suppresses is True
