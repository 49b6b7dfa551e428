"""Events that are delivered again, up to long after their markers expired."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bounceledger.intake import Intake
from bounceledger.ledger import Ledger
from bounceledger.settings import Settings
from tests.fakes import FakeDeadLetters
from tests.faults.fake import FakeDynamoDB, as_client
from tests.ses_documents import bounce, sns_record

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = Settings(table_name="fake", writers=1, allowed_accounts=frozenset("*"))


class Replayed:
    """A table that forgets as DynamoDB does, and what is delivered to it by day."""

    def __init__(self) -> None:
        self.now = START
        self.fake = FakeDynamoDB()
        self.dead_letters = FakeDeadLetters()
        self.ledger = Ledger(
            as_client(self.fake), SETTINGS, clock=lambda: self.now, sleep=lambda _: None
        )

    def deliver(self, record: dict[str, Any], *, after: timedelta) -> int:
        """How many events a record adds some time after `START`."""
        self.now = START + after
        self.fake.expire(self.now)
        intake = Intake(
            SETTINGS, self.ledger, self.dead_letters, provider="ses", clock=lambda: self.now
        )
        report = intake.process([record])
        assert report.retry == []
        return report.recorded

    def totals(self) -> dict[str, int]:
        """What the counters of the lead source add up to."""
        self.now = START
        days = self.ledger.counts("webinar", START.date(), START.date()).days
        return dict(days[START.date()])


def dated(document: dict[str, Any]) -> dict[str, Any]:
    """A document of `START`."""
    at = START.isoformat()
    section = document[document["eventType"].lower()]
    return document | {
        document["eventType"].lower(): section | {"timestamp": at},
        "mail": document["mail"] | {"timestamp": at},
    }


def delivery(of: dict[str, Any]) -> dict[str, Any]:
    section = {"recipients": of["mail"]["destination"], "smtpResponse": "250 queued"}
    return {"eventType": "Delivery", "delivery": section, "mail": of["mail"]}


def raw(document: dict[str, Any], sent: datetime) -> dict[str, Any]:
    """A queue record by SNS raw delivery, which has the time of SQS alone."""
    attributes = {"SentTimestamp": str(round(sent.timestamp() * 1000))}
    body = json.dumps(document)
    return {"messageId": "1", "eventSource": "aws:sqs", "attributes": attributes, "body": body}


@pytest.mark.parametrize("form", ["sns", "raw"])
@pytest.mark.parametrize("first", [0, 51, 89, 90])
def test_a_replay_counts_once_whenever_it_comes(form: str, first: int) -> None:
    """Before the marker expires it is a duplicate, and after that it is refused."""
    # GIVEN a bounce that is published on one day and recorded on that day or long after
    document = dated(bounce("jane@example.test"))
    record = sns_record(document, published=START) if form == "sns" else raw(document, START)
    replayed = Replayed()

    # WHEN it is replayed on every day for half a year, and at the last moment
    days = [timedelta(days=day) for day in range(first, 180)]
    moments = sorted([*days, timedelta(days=90), timedelta(days=90, microseconds=1)])
    added = [replayed.deliver(record, after=after) for after in moments]

    # THEN it counts the first time only
    assert added == [1] + [0] * (len(added) - 1)
    assert replayed.totals() == {"hard": 1, "category_mailbox_unknown": 1, "suppressed": 1}
    [result] = replayed.ledger.check(["jane@example.test"])
    assert result.decision.evidence is not None
    assert result.decision.evidence.count == 1
    assert {error.field for _, error in replayed.dead_letters.messages} == {"message"}


def test_a_delivery_and_its_bounce_are_replayed_without_effect() -> None:
    """The item of the message is both their markers, and expires as well."""
    # GIVEN a message that was delivered, and bounced later
    returned = dated(bounce("jane@example.test"))
    records = [
        sns_record(document, published=START) for document in (dated(delivery(returned)), returned)
    ]
    replayed = Replayed()
    for record in records:
        replayed.deliver(record, after=timedelta(hours=1))
    before = replayed.totals()

    # WHEN both are replayed before and after their markers expired
    added = [
        replayed.deliver(record, after=timedelta(days=day))
        for day in (1, 89, 91, 92, 200)
        for record in records
    ]

    # THEN nothing is added, and the message is no delivery
    assert added == [0] * 10
    assert replayed.totals() == before
    assert before.get("delivered", 0) == 0
