"""Functions that are killed, or run out of time, while they read messages.

The messages are a stream's events as SES publishes them. They take the whole way through intake:
unwrapped, read, classified and recorded.
"""

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import bounceledger.intake
from bounceledger.errors import InputError
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.intake import Intake, Recorder
from bounceledger.ledger import Ledger, Outcome, RecordResult
from bounceledger.settings import Settings
from bounceledger.state import Observation
from tests.faults import stream
from tests.faults.fake import Killed

NOW = stream.NOW + timedelta(days=(datetime.now(UTC) - stream.NOW).days - 1)
"""When all messages are published: yesterday or the day before, so that nothing has expired, and
not later than now, which is not believed."""

KILLED = 0.2
"""Share of the batches during whose reading the function is killed."""
HURRIED = 0.2
"""Share of the batches for which there is too little time."""
CALLS = 300
"""Calls of functions that reading one message takes, roughly."""

REPLIES = (
    "smtp; 550 5.1.1 Recipient address rejected: User unknown",
    "smtp; 550 5.1.2 Host unknown (Name server: host not found)",
    "smtp; 521 5.3.2 example.test does not accept mail",
    "smtp; 552 5.2.2 mailbox is full",
    "smtp; 550 5.7.1 Service unavailable; client [192.0.2.1] blocked using dnsbl.example.net",
    "smtp; 451 4.7.1 Greylisted, please try again later",
    "550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.0 Unable to lookup DNS>",
    "x-postfix; host mx.example[192.0.2.1] said: 550 5.2.1 account is disabled",
    "Пользователь не найден",
    "",
)

type Record = dict[str, Any]


def records(seed: int, size: int) -> list[Record]:
    """Queue records of a stream's messages, the same for the same seed."""
    return [_record(number, item.event) for number, item in enumerate(stream.make(seed, size))]


def observations(messages: Sequence[Record]) -> list[Observation]:
    """What an undisturbed function reads in these messages, each event once."""
    collector = _Collector()
    report = make_intake(collector, lambda: NOW).process(messages)
    assert not report.retry, "a message of the stream cannot be read"
    found = {item.event.event_id: item for item in collector.found}
    assert len(found) == len(collector.found), "two events of the stream are the same"
    return collector.found


def make_intake(recorder: Recorder, clock: Callable[[], datetime]) -> Intake:
    """An intake that reads SES messages of any account, and gives none up."""
    settings = Settings(allowed_accounts=frozenset("*"))
    return Intake(settings, recorder, _NoDeadLetters(), provider="ses", clock=clock)


class Reader:
    """A function that reads batches and records them, and may die while it reads.

    Args:
        ledger: where it records.
        rng: decides what goes wrong.
        die: ends the function.
    """

    def __init__(self, ledger: Ledger, rng: random.Random, die: Callable[[], None]) -> None:
        self._ledger, self._rng, self._die = ledger, rng, die

    def process(self, batch: Sequence[Record]) -> list[Record]:
        """Process a batch; returns what is to be delivered again."""
        rng, clock, deadline = self._rng, Clock(), None
        if rng.random() < HURRIED:
            deadline = NOW + clock.step * rng.randrange(1, 12 * len(batch))
        last = random_call(rng, len(batch)) if rng.random() < KILLED else 0
        with dying_at(last, self._die):
            report = make_intake(self._ledger, clock).process(batch, deadline=deadline)
        again = set(report.retry)
        return [record for record in batch if record["messageId"] in again]


def random_call(rng: random.Random, messages: int) -> int:
    """A call of the layer's code, as far as a batch of so many messages has that many."""
    return rng.randrange(1, CALLS * messages)


def killed_in_a_thread() -> None:
    """End a worker that is a thread."""
    raise Killed


def killed_as_a_process() -> None:
    """End a worker that is a process, so that nothing of it can be cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def dying_at(call: int, die: Callable[[], None]) -> Iterator[None]:
    """End the function at a call of the layer's code while it reads; at none if `call` is 0."""
    left = call

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal left
        if event != "call":
            return
        if frame.f_code is Ledger.record.__code__:
            sys.setprofile(None)
        elif frame.f_code.co_filename.startswith(_LAYER):
            left -= 1
            if not left:
                sys.setprofile(None)
                die()

    if call:
        sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)


_LAYER = str(Path(bounceledger.intake.__file__).parent)


class Clock:
    """A clock that goes on by a step each time that somebody looks."""

    step = timedelta(milliseconds=1)

    def __init__(self) -> None:
        self._now = NOW

    def __call__(self) -> datetime:
        self._now += self.step
        return self._now


class _Collector:
    """A recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.found: list[Observation] = []

    def record(
        self, observations: Sequence[Observation], *, deadline: datetime | None = None
    ) -> list[RecordResult]:
        self.found += observations
        return [RecordResult(outcome=Outcome.RECORDED)] * len(observations)


class _NoDeadLetters:
    def send(self, message: str, error: InputError) -> None:
        raise AssertionError(f"given up permanently: {error}")


def _record(number: int, event: MailEvent) -> Record:
    envelope = {
        "Type": "Notification",
        "MessageId": f"sns-{number}",
        "Message": json.dumps(_document(number, event)),
        "Timestamp": NOW.isoformat(),
    }
    return {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(envelope)}


def _document(number: int, event: MailEvent) -> dict[str, Any]:
    """An event as SES publishes it; one of five is about a second recipient, too."""
    addresses = [event.address, f"copy-{event.address}"][: 2 if number % 5 == 0 else 1]
    said = REPLIES[number % len(REPLIES)]
    entries = [
        {"emailAddress": address, "action": "failed", "diagnosticCode": said}
        for address in addresses
    ]
    assert event.mailed_at is not None
    document: dict[str, Any] = {
        "mail": {
            "timestamp": _time(event.mailed_at),
            "messageId": event.message_id,
            "sendingAccountId": "111122223333",
            "destination": addresses,
            "tags": {"lead_source": [event.lead_source]},
        }
    }
    about = {"feedbackId": event.event_id, "timestamp": _time(event.occurred_at)}
    match event.kind:
        case Kind.BOUNCE:
            kinds = {"bounceType": "Permanent", "bounceSubType": "General"}
            document |= {"eventType": "Bounce", "bounce": about | kinds}
            document["bounce"]["bouncedRecipients"] = entries
        case Kind.COMPLAINT:
            withdrawn = event.provider_reason is ProviderReason.NOT_SPAM
            about |= {"complaintFeedbackType": "not-spam" if withdrawn else "abuse"}
            document |= {"eventType": "Complaint", "complaint": about}
            document["complaint"]["complainedRecipients"] = entries
        case Kind.UNSUBSCRIBE:
            new = {"unsubscribeAll": True}
            subscription = {"timestamp": about["timestamp"], "newTopicPreferences": new}
            document |= {"eventType": "Subscription", "subscription": subscription}
        case Kind.DELIVERY:
            delivery = {"timestamp": about["timestamp"], "recipients": addresses}
            document |= {"eventType": "Delivery", "delivery": delivery}
        case Kind.DELIVERY_DELAY:
            delay = {"timestamp": about["timestamp"], "delayedRecipients": entries}
            document |= {"eventType": "DeliveryDelay", "deliveryDelay": delay}
        case Kind.REJECT:
            document |= {"eventType": "Reject", "reject": {"reason": "Bad content"}}
        case _:
            document |= {"eventType": "Renamed"}
    return document


def _time(moment: datetime) -> str:
    return (moment + (NOW - stream.NOW)).isoformat()
