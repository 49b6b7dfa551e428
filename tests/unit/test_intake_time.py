"""A batch is read while there is time, and no message spends another's."""

from datetime import UTC, datetime, timedelta

import pytest

from bounceledger.classify.engine import RuleSet, Selection
from bounceledger.classify.traits import ReplyTraits
from bounceledger.errors import OutOfTimeError
from bounceledger.intake import BatchReport, Intake
from bounceledger.settings import Settings
from tests.fakes import FakeDeadLetters, FakeLedger
from tests.ses_documents import bounce, sns_record

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still unless something takes time."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class SlowRules(RuleSet):
    """Rules that take a tenth of a second for each letter ``z`` of a reply."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(())
        self._clock = clock

    def select(self, text: str, traits: ReplyTraits) -> Selection | None:
        self._clock.now += timedelta(seconds=text.count("z") / 10)
        return super().select(text, traits)


def takes(seconds: float, *, recipients: int = 1, message_id: str) -> dict[str, object]:
    """A queue record of a bounce that takes this long to read for each of its recipients."""
    said = "z" * round(seconds * 10)
    document = bounce(f"{message_id}@example.test")
    [entry] = document["bounce"]["bouncedRecipients"]
    entries = [
        # No two replies are the same, or the second would take no time.
        entry
        | {"emailAddress": f"{message_id}.{n}@example.test"}
        | {"diagnosticCode": f"550 {said} {message_id} {n}"}
        for n in range(recipients)
    ]
    document["bounce"]["bouncedRecipients"] = entries
    document["mail"]["destination"] = [one["emailAddress"] for one in entries]
    return sns_record(document, message_id=message_id, published=START)


def process(batch: list[dict[str, object]], seconds: float) -> tuple[BatchReport, FakeLedger]:
    """What becomes of a batch that has this long until its deadline."""
    clock, ledger = Clock(), FakeLedger()
    intake = Intake(
        Settings(allowed_accounts=frozenset("*")),
        ledger,
        FakeDeadLetters(),
        provider="ses",
        rules=SlowRules(clock),
        clock=clock,
    )
    return intake.process(batch, deadline=START + timedelta(seconds=seconds)), ledger


def recorded(ledger: FakeLedger) -> list[str]:
    return sorted(item.event.address.partition("@")[0] for item in ledger.recorded)


def test_what_there_is_no_time_to_read_is_retried_and_the_rest_recorded() -> None:
    # GIVEN five messages of two seconds each, and ten seconds to read and record them
    batch = [takes(2, message_id=name) for name in "abcde"]

    # WHEN they are processed
    report, ledger = process(batch, seconds=10)

    # THEN half of the time is spent on reading, what was read is recorded, the rest retried
    assert recorded(ledger) == ["a.0", "b.0", "c.0"]
    assert report.retry == ["d", "e"]
    assert all(isinstance(failure, OutOfTimeError) for _, failure in report.failures)


def test_reading_leaves_time_to_record() -> None:
    # GIVEN messages that would take longer to read than there is time
    batch = [takes(1, message_id=f"message{n}") for n in range(40)]

    # WHEN they are processed
    _, ledger = process(batch, seconds=20)

    # THEN recording begins ten seconds before the deadline
    assert len(ledger) == 10
    assert ledger.deadlines == [START + timedelta(seconds=20)]


@pytest.mark.parametrize("slow_one", range(4))
def test_a_slow_message_spends_no_other_ones_time(slow_one: int) -> None:
    # GIVEN three quick messages, and one that would take all the time there is
    names = ["a", "b", "c"]
    batch = [takes(0.1, message_id=name) for name in names]
    batch.insert(slow_one, takes(3, recipients=10, message_id="slow"))

    # WHEN they are processed
    report, ledger = process(batch, seconds=20)

    # THEN the quick ones are recorded, wherever the slow one stands
    assert recorded(ledger) == ["a.0", "b.0", "c.0"]
    assert report.retry == ["slow"]


def test_small_messages_that_are_slow_spend_no_other_ones_time() -> None:
    """Size shows what a message may take, but not what it takes."""
    # GIVEN two messages that take long, and a larger one that takes a second
    batch = [takes(0.5, recipients=9, message_id=name) for name in "ab"]
    large = takes(1, message_id="c")
    large["body"] = str(large["body"]) + " " * 100_000
    batch.append(large)

    # WHEN they are processed with six seconds for reading
    report, ledger = process(batch, seconds=12)

    # THEN each of the first two is stopped at a third of it, or of what is left
    assert recorded(ledger) == ["c.0"]
    assert report.retry == ["a", "b"]


def test_a_message_is_recorded_whole_or_not_at_all() -> None:
    # GIVEN a message about two recipients, and time to read the first
    batch = [takes(3, recipients=2, message_id="a")]

    # WHEN it is processed
    report, ledger = process(batch, seconds=6)

    # THEN it is retried, and nothing of it recorded before
    assert len(ledger) == 0
    assert report.retry == ["a"]


def test_a_batch_that_comes_too_late_is_retried_whole() -> None:
    report, ledger = process([takes(0, message_id=name) for name in "ab"], seconds=0)

    assert len(ledger) == 0
    assert report.retry == ["a", "b"]


def test_without_a_deadline_everything_is_read() -> None:
    clock, ledger = Clock(), FakeLedger()
    settings = Settings(allowed_accounts=frozenset("*"))
    intake = Intake(
        settings, ledger, FakeDeadLetters(), provider="ses", rules=SlowRules(clock), clock=clock
    )

    report = intake.process([takes(1000, message_id=name) for name in "ab"])

    assert recorded(ledger) == ["a.0", "b.0"]
    assert report.retry == []
