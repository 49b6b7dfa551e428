"""Which lead source an event is recorded under, when strangers make up names."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bounceledger.ledger import Outcome, items, seen_sources
from bounceledger.ledger.seen_sources import SeenSources
from bounceledger.state import Observation
from bounceledger.verdict import Category
from tests.faults.fake import FakeDynamoDB, Faults
from tests.unit.ledger.recording import (
    NOW,
    SETTINGS,
    TODAY,
    delivery,
    ledger,
    observe,
    stored,
)

TWO_NEW = replace(SETTINGS, max_sources_per_day=2)


def listed(fake: FakeDynamoDB) -> set[str]:
    return {key[1] for key in fake.table if key[0] == "SOURCES"}


def made_up(count: int) -> list[Observation]:
    """Deliveries under as many lead sources."""
    return [delivery(f"{n}", source=f"s{n}", address=f"{n}@x.test") for n in range(count)]


def test_lead_sources_above_the_limit_are_counted_as_other() -> None:
    """Strangers' headers cannot fill the table with lead sources."""
    # GIVEN a limit of two new lead sources
    fake = FakeDynamoDB()
    recorder = ledger(fake, TWO_NEW)

    # WHEN events of four arrive, and then one of a listed source
    recorder.record(made_up(4))
    recorder.record([delivery("again", source="s1")])

    # THEN the first two are listed and counted, the others as "other"
    assert listed(fake) == {"s0", "s1", "other"}
    assert recorder.counts("other", TODAY, TODAY).days == {TODAY: {"delivered": 2}}
    assert recorder.counts("s1", TODAY, TODAY).days == {TODAY: {"delivered": 2}}


@pytest.mark.parametrize("fresh", [False, True], ids=["same environment", "new environment"])
def test_a_thousand_made_up_lead_sources_do_not_push_out_a_known_one(*, fresh: bool) -> None:
    """A vendor that was recorded before is counted under its own name, whatever strangers send."""
    # GIVEN a vendor that is known, and a flood of made-up lead sources that comes first
    fake = FakeDynamoDB()
    recorder = ledger(fake)
    recorder.record([delivery("before", source="vendor")])
    recorder = ledger(fake) if fresh else recorder
    recorder.record(made_up(1200))

    # WHEN an event of the vendor comes
    recorder.record([observe("bounce", Category.MAILBOX_UNKNOWN, source="vendor")])

    # THEN it is counted under its own name
    counted = recorder.counts("vendor", TODAY, TODAY).days[TODAY]
    assert counted == {
        "delivered": 1,
        "hard": 1,
        "category_mailbox_unknown": 1,
        "suppressed": 1,
    }


def test_known_lead_sources_leave_the_whole_limit_to_new_ones() -> None:
    """A deployment may have more vendors than new ones are admitted."""
    fake = FakeDynamoDB()
    for n in range(5):
        ledger(fake, TWO_NEW).record([delivery(f"old {n}", source=f"old-{n}")])
    recorder = ledger(fake, TWO_NEW)

    recorder.record([delivery(f"again {n}", source=f"old-{n}") for n in range(5)])
    recorder.record(made_up(3))

    assert listed(fake) == {*(f"old-{n}" for n in range(5)), "s0", "s1", "other"}


def test_the_default_lead_source_is_never_one_too_many() -> None:
    """Mail that names no lead source is not made up by anybody."""
    fake = FakeDynamoDB()
    recorder = ledger(fake, TWO_NEW)

    recorder.record([*made_up(3), delivery("plain", source=SETTINGS.lead_source_default)])

    assert SETTINGS.lead_source_default in listed(fake)


def test_what_is_recorded_as_other_is_said_and_can_be_found() -> None:
    """Whoever reads the counts of any lead source learns that some are missing."""
    # GIVEN a limit that leaves two events without their own lead source
    fake = FakeDynamoDB()
    recorder = ledger(fake, TWO_NEW)
    bounced = observe("late", Category.MAILBOX_UNKNOWN, source="s9", address="9@x.test")

    # WHEN they are recorded, and delivered again
    results = recorder.record([*made_up(3), bounced])
    again = recorder.record([bounced])

    # THEN the results say so once
    assert [result.overflowed for result in results] == [False, False, True, True]
    assert [(one.outcome, one.overflowed) for one in again] == [(Outcome.DUPLICATE, False)]

    # AND so do the counts of every lead source, among them those that have none
    for source in ("other", "s0", "s9"):
        assert recorder.counts(source, TODAY, TODAY).overflow == 2
    yesterday = TODAY - timedelta(days=1)
    assert recorder.counts("s0", yesterday, yesterday).overflow == 0

    # AND the event keeps the name
    event = stored(fake, items.event_key("9@x.test", "late"))
    assert (event["lead_source"], event["named_source"]) == ("other", "s9")


@pytest.mark.parametrize("bounce_first", [True, False])
def test_a_delivery_that_bounced_is_one_event_as_other(*, bounce_first: bool) -> None:
    """The number must not depend on the order in which the two arrive."""
    # GIVEN a message of a lead source that is one too many
    fake = FakeDynamoDB()
    recorder = ledger(fake, TWO_NEW)
    recorder.record(made_up(2))
    pair = [
        delivery("d", source="s9", message_id="m", mailed_at=NOW),
        observe("b", Category.MAILBOX_UNKNOWN, source="s9", message_id="m", mailed_at=NOW),
    ]

    # WHEN it is delivered and bounces
    for item in reversed(pair) if bounce_first else pair:
        recorder.record([item])

    # THEN the bounce alone counts
    found = recorder.counts("other", TODAY, TODAY)
    assert found.overflow == 1
    assert found.days[TODAY].get("delivered", 0) == 0


def test_no_event_is_recorded_under_a_lead_source_that_cannot_be_looked_up() -> None:
    """While the table does not answer, it is not known who is known."""
    fake = FakeDynamoDB(faults=Faults(throttled=1))

    [result] = ledger(fake).record([delivery("e", source="vendor")])

    assert (result.outcome, result.retry_helps) == (Outcome.FAILED, True)
    assert not fake.table


def test_the_limit_begins_again_on_the_next_day() -> None:
    seen = SeenSources(1)

    admitted = [seen.admit(name, day) for day in (TODAY, TODAY + timedelta(1)) for name in "ab"]

    assert admitted == [True, False, True, False]


def test_an_environment_forgets_before_it_runs_out_of_memory() -> None:
    """The list may hold made-up names of many days."""
    seen = SeenSources(1)

    for n in range(2 * seen_sources.MAX_KNOWN):
        seen.mark_listed([str(n)])

    assert len(seen.unlisted(map(str, range(2 * seen_sources.MAX_KNOWN)))) > 0
    assert seen.unlisted([str(2 * seen_sources.MAX_KNOWN - 1)]) == []
