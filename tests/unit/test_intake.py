"""The outcome of every message of a batch."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bounceledger.classify.compiled import load_rules
from bounceledger.classify.engine import RuleSet, Selection
from bounceledger.classify.traits import ReplyTraits
from bounceledger.intake import Intake, WebhookSource
from bounceledger.ledger import EVENT_LIFE, Outcome, RecordResult
from bounceledger.settings import Settings
from bounceledger.verdict import Category, Cause
from tests.fakes import FakeDeadLetters, FakeLedger
from tests.ses_documents import bounce, sns_record

type Json = dict[str, Any]

EVERY_ACCOUNT = Settings(allowed_accounts=frozenset("*"))
OWN_ACCOUNT = Settings(allowed_accounts=frozenset({"111122223333"}))


def intake(
    ledger: FakeLedger, dead_letters: FakeDeadLetters, settings: Settings = EVERY_ACCOUNT
) -> Intake:
    return Intake(settings, ledger, dead_letters, provider="ses")


ARN = "arn:aws:sqs:us-east-1:111122223333:webhooks"


def webhook_record(*documents: object, provider: str = "sendgrid", arn: str = ARN) -> Json:
    message = {
        "provider": provider,
        "received_at": datetime.now(UTC).isoformat(),
        "documents": list(documents),
    }
    return {
        "messageId": "w-1",
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "body": json.dumps(message),
    }


def reported(address: str) -> Json:
    """A bounce as SendGrid reports it."""
    return {
        "email": address,
        "event": "bounce",
        "sg_event_id": address,
        "timestamp": int(datetime.now(UTC).timestamp()) - 5,
        "reason": "550 5.1.1 no such user",
    }


def test_a_message_of_the_webhook_names_its_provider() -> None:
    """It holds documents of many recipients."""
    # GIVEN an intake of both queues, and a message with two bounces of SendGrid's
    ledger, own, dead_letters = FakeLedger(), FakeDeadLetters(), FakeDeadLetters()
    both = Intake(
        OWN_ACCOUNT,
        ledger,
        dead_letters,
        provider="ses",
        webhooks=WebhookSource(ARN, own),
    )
    records = [
        webhook_record(reported("a@example.test"), reported("b@example.test")),
        sns_record(bounce("c@example.test")),
    ]

    # WHEN it comes with one of the other queue, twice
    reports = [both.process(records) for _ in range(2)]

    # THEN all events are recorded, once
    recorded = {(one.event.address, one.event.provider) for one in ledger.recorded}
    assert recorded == {
        ("a@example.test", "sendgrid"),
        ("b@example.test", "sendgrid"),
        ("c@example.test", "ses"),
    }
    assert [report.duplicates for report in reports] == [0, 3]


@pytest.mark.parametrize("arn", [ARN + "2", "", "arn:aws:sqs:us-east-1:111122223333:events"])
def test_nothing_of_another_queue_names_its_provider(arn: str) -> None:
    """Whoever may publish to a topic would otherwise pose as a provider, past AllowedAccounts."""
    # GIVEN an intake of both queues, and an SNS message with the message of a webhook in it
    ledger, own, dead_letters = FakeLedger(), FakeDeadLetters(), FakeDeadLetters()
    source = WebhookSource(ARN, own)
    both = Intake(OWN_ACCOUNT, ledger, dead_letters, provider="ses", webhooks=source)
    forged = webhook_record(reported("a@example.test"), arn=arn)
    inside = sns_record(webhook_record(reported("b@example.test")))

    # WHEN it comes by another queue
    both.process([forged, inside, {**forged, "eventSourceARN": None}])

    # THEN nothing is recorded, and the dead-letter queue of that queue has it
    assert (len(ledger), len(dead_letters), len(own)) == (0, 3, 0)


def test_of_a_message_of_the_webhook_only_what_cannot_be_read_is_lost() -> None:
    """The others of its events are recorded, and all of it is kept where it can be sent again."""
    # GIVEN a message with a good and two bad documents
    ledger, own, dead_letters = FakeLedger(), FakeDeadLetters(), FakeDeadLetters()
    source = WebhookSource(ARN, own)
    both = Intake(OWN_ACCOUNT, ledger, dead_letters, provider="ses", webhooks=source)
    record = webhook_record({"event": "bounce"}, reported("a@example.test"), 7)

    # WHEN it is processed
    report = both.process([record])

    # THEN the good one is recorded
    assert [one.event.address for one in ledger.recorded] == ["a@example.test"]
    assert report.retry == []

    # AND the message is in the dead-letter queue of the webhooks once, whole, by its first error
    assert [message for message, _ in own.messages] == [record["body"]]
    assert [error.field for _, error in report.dead_letters] == ["email", "documents[2]"]
    assert len(dead_letters) == 0


def test_a_bounce_is_classified_and_recorded() -> None:
    """The whole way of a bounce: read, classified, recorded with the rules' version."""
    # GIVEN a queue record about an unknown mailbox
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()

    # WHEN it is processed
    report = intake(ledger, dead_letters).process([sns_record(bounce("jane@example.test"))])

    # THEN one event is recorded with what the reply says, and nothing is left over
    [observation] = ledger.recorded
    assert observation.event.address == "jane@example.test"
    assert observation.verdict is not None
    assert observation.verdict.category is Category.MAILBOX_UNKNOWN
    assert observation.rules_version == load_rules().version
    assert report.recorded == 1
    assert report.retry == []
    assert len(dead_letters) == 0


@pytest.mark.parametrize(
    "unprocessable",
    [
        "",
        "not JSON",
        "[]",
        json.dumps({"Type": "Notification"}),
        json.dumps({"eventType": "Bounce"}),
    ],
)
def test_an_unprocessable_message_is_dead_lettered_whole_and_alone(unprocessable: str) -> None:
    """One bad message must cost neither itself nor the rest of its batch."""
    # GIVEN a message that can never be handled between two good ones
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()
    batch = [
        sns_record(bounce("a@example.test"), message_id="1"),
        {"messageId": "2", "eventSource": "aws:sqs", "body": unprocessable},
        sns_record(bounce("b@example.test"), message_id="3"),
    ]

    # WHEN the batch is processed
    report = intake(ledger, dead_letters).process(batch)

    # THEN the good ones are recorded and the bad one is kept as it came, with the reason
    assert len(ledger) == 2
    assert report.retry == []
    [(message, error)] = dead_letters.messages
    assert message == unprocessable
    assert error.reason
    assert error.field


def test_one_impossible_address_does_not_lose_the_others() -> None:
    """A message is kept whole for a redrive, and a redrive records nothing twice."""
    # GIVEN a bounce of two recipients of which one is not an address, and no destination
    document = bounce("jane@example.test")
    document["bounce"]["bouncedRecipients"].append({"emailAddress": "not-an-address"})
    document["mail"]["destination"] = []
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()
    record = sns_record(document)

    # WHEN it is processed, and once more after a redrive
    process = intake(ledger, dead_letters).process
    process([record])
    again = process([record])

    # THEN the good one is recorded once, and the message is kept whole each time
    assert [item.event.address for item in ledger.recorded] == ["jane@example.test"]
    assert again.duplicates == 1
    assert [message for message, _ in dead_letters.messages] == [record["body"]] * 2


def test_events_from_an_account_that_is_not_allowed_are_refused() -> None:
    """Whoever can write to the queue must not suppress our addresses."""
    # GIVEN an event about mail from another account
    document = bounce("jane@example.test")
    document["mail"]["sendingAccountId"] = "999999999999"
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()

    # WHEN it is processed where only the own account counts
    intake(ledger, dead_letters, OWN_ACCOUNT).process([sns_record(document)])

    # THEN nothing is recorded and the reason is kept
    assert len(ledger) == 0
    [(_, error)] = dead_letters.messages
    assert error.field == "mail.sendingAccountId"


def test_an_event_without_an_account_is_refused_too() -> None:
    """Leaving the account out must not be a way around the list of accounts."""
    # GIVEN an event that names no account
    document = bounce("jane@example.test")
    del document["mail"]["sendingAccountId"]
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()

    # WHEN it is processed where only the own account counts
    intake(ledger, dead_letters, OWN_ACCOUNT).process([sns_record(document)])

    # THEN it is refused as well
    assert (len(ledger), len(dead_letters)) == (0, 1)


def test_what_the_table_throttled_is_retried() -> None:
    """The queue delivers again what failed for a time, and nothing else."""
    # GIVEN a table that throttles one address
    throttled = RecordResult(outcome=Outcome.FAILED, reason="throttled", retry_helps=True)
    ledger = FakeLedger({"b@example.test": throttled})
    dead_letters = FakeDeadLetters()
    batch = [
        sns_record(bounce("a@example.test"), message_id="1"),
        sns_record(bounce("b@example.test"), message_id="2"),
    ]

    # WHEN the batch is processed
    report = intake(ledger, dead_letters).process(batch)

    # THEN only that message is reported for a retry, and nothing is dead-lettered
    assert report.retry == ["2"]
    assert len(dead_letters) == 0


def test_what_the_table_rejects_permanently_is_dead_lettered() -> None:
    """A retry would fail for days, and the reason would be lost with the message."""
    # GIVEN a ledger that rejects an event permanently
    refused = RecordResult(
        outcome=Outcome.FAILED, reason="too old to count once", field="timestamp"
    )
    ledger, dead_letters = FakeLedger({"a@example.test": refused}), FakeDeadLetters()

    # WHEN it is processed
    report = intake(ledger, dead_letters).process([sns_record(bounce("a@example.test"))])

    # THEN the message is kept with the ledger's reason
    [(_, error)] = dead_letters.messages
    assert (error.reason, error.field) == ("too old to count once", "timestamp")
    assert report.retry == []


def test_a_message_is_retried_if_it_could_not_be_dead_lettered() -> None:
    """A message that is in no queue is lost."""
    # GIVEN a dead-letter queue that is down
    dead_letters = FakeDeadLetters(down=True)

    # WHEN a message comes that can never be handled
    unprocessable = {"messageId": "1", "eventSource": "aws:sqs", "body": "not JSON"}
    report = intake(FakeLedger(), dead_letters).process([unprocessable])

    # THEN it is reported for a retry
    assert report.retry == ["1"]


def test_a_bug_costs_only_the_message_that_it_meets() -> None:
    """An unexpected error in our code must not stop a queue."""

    # GIVEN rules that break on the first message
    class BrokenOnce(RuleSet):
        calls = 0

        def select(self, text: str, traits: ReplyTraits) -> Selection | None:
            self.calls += 1
            if self.calls == 1:
                raise ZeroDivisionError
            return super().select(text, traits)

    ledger = FakeLedger()
    broken = Intake(
        EVERY_ACCOUNT,
        ledger,
        FakeDeadLetters(),
        provider="ses",
        rules=BrokenOnce(()),
    )
    batch = [
        sns_record(bounce("a@example.test"), message_id="1"),
        sns_record(bounce("b@example.test"), message_id="2"),
    ]

    # WHEN the batch is processed
    report = broken.process(batch)

    # THEN the other one is recorded
    assert report.retry == ["1"]
    assert [item.event.address for item in ledger.recorded] == ["b@example.test"]


def test_a_bug_costs_only_the_event_of_a_webhook_that_it_meets() -> None:
    """Else one event would hold 49 others back for hours."""

    # GIVEN rules that break on the second of three events in one message
    class BrokenForB(RuleSet):
        def select(self, text: str, traits: ReplyTraits) -> Selection | None:
            if "user b" in text:
                raise ZeroDivisionError
            return super().select(text, traits)

    ledger, own = FakeLedger(), FakeDeadLetters()
    broken = Intake(
        OWN_ACCOUNT,
        ledger,
        FakeDeadLetters(),
        provider="ses",
        webhooks=WebhookSource(ARN, own),
        rules=BrokenForB(()),
    )
    record = webhook_record(
        *(reported(f"{name}@example.test") | {"reason": f"550 no user {name}"} for name in "abc")
    )

    # WHEN the message is processed
    report = broken.process([record])

    # THEN the others are recorded, and the message comes again
    assert [item.event.address for item in ledger.recorded] == ["a@example.test", "c@example.test"]
    assert report.retry == [record["messageId"]]
    assert len(own) == 0


def test_a_notice_of_the_provider_is_acknowledged() -> None:
    """A test message of the set-up is not about mail, and not an error either."""
    # GIVEN what SES publishes when a topic is wired up
    notice = "Successfully validated SNS topic for Amazon SES event publishing."
    dead_letters = FakeDeadLetters()

    # WHEN it is processed
    report = intake(FakeLedger(), dead_letters).process([sns_record(notice)])

    # THEN it is acknowledged
    assert report.notices == 1
    assert report.retry == []
    assert len(dead_letters) == 0


def test_an_automatic_reply_is_acknowledged_and_no_strike() -> None:
    """It must neither end in the dead-letter queue nor count against the recipient."""
    # GIVEN the form in which SES reports a vacation message
    document = bounce("jane@example.test")
    document["bounce"] |= {"bounceType": "Undetermined", "bouncedRecipients": []}
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()

    # WHEN it is processed
    intake(ledger, dead_letters).process([sns_record(document)])

    # THEN it is recorded as an automatic reply
    [observation] = ledger.recorded
    assert observation.verdict is not None
    assert (observation.verdict.category, observation.cause) == (Category.AUTOREPLY, None)
    assert len(dead_letters) == 0


def test_what_matches_nobody_is_recorded_and_counted_once() -> None:
    """So that it shows how much of a source's mail is answered by strangers."""
    # GIVEN a report of another server about none of the two recipients
    document = bounce("stranger@example.org")
    document["mail"]["destination"] = ["a@example.test", "b@example.test"]
    ledger = FakeLedger()

    # WHEN it is processed twice
    process = intake(ledger, FakeDeadLetters()).process
    reports = [process([sns_record(document)]) for _ in range(2)]

    # THEN it is recorded once, about nobody, and reported once
    [observation] = ledger.recorded
    assert (observation.event.address, observation.cause) == ("", None)
    assert [report.unmatched for report in reports] == [1, 0]
    assert [report.duplicates for report in reports] == [0, 1]


def test_kinds_that_are_not_used_or_not_known_are_counted_by_kind() -> None:
    """Nothing is acknowledged without a trace."""
    # GIVEN three kinds without a mail, one of them twice, and an unknown one about a mail
    unknown = {**bounce("jane@example.test"), "eventType": "Teleport"}
    del unknown["bounce"]
    batch = [
        sns_record({"eventType": "Send", "mail": {}}),
        sns_record({"eventType": "Lottery"}),
        sns_record({"eventType": "Lottery", "mail": None}),
        sns_record(unknown),
    ]
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()

    # WHEN they are processed
    report = intake(ledger, dead_letters).process(batch)

    # THEN all are acknowledged, and told apart
    assert (report.notices, report.unknown_kinds) == (3, 3)
    assert report.kinds == {"Send": 1, "Lottery": 2, "Teleport": 1}
    assert (report.recorded, len(dead_letters), report.retry) == (1, 0, [])


def test_a_message_that_something_decoded_on_the_way_is_read() -> None:
    """SNS sends a string, and a proxy may hand on an object."""
    # GIVEN an envelope whose Message is an object
    record = sns_record(bounce("jane@example.test"))
    envelope = json.loads(record["body"])
    record["body"] = json.dumps(envelope | {"Message": json.loads(envelope["Message"])})
    ledger = FakeLedger()

    # WHEN it is processed, THEN it is recorded like any other
    intake(ledger, FakeDeadLetters()).process([record])
    assert [item.event.address for item in ledger.recorded] == ["jane@example.test"]


# ------------------------------------------------------- published too long ago to be counted


NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at_noon(
    dead_letters: FakeDeadLetters, ledger: FakeLedger, max_age: timedelta | None = EVENT_LIFE
) -> Intake:
    """An intake for which it is `NOW`."""
    return Intake(
        EVERY_ACCOUNT, ledger, dead_letters, provider="ses", max_age=max_age, clock=lambda: NOW
    )


def published(ago: timedelta, form: str) -> dict[str, Any]:
    """A queue record of one bounce, published some time ago in one of the forms."""
    at, document = NOW - ago, bounce("jane@example.test")
    if form == "sns":
        return sns_record(document, published=at)
    if form == "eventbridge":
        event = {"detail-type": "Email Bounced", "detail": document, "time": at.isoformat()}
        body = json.dumps(event | {"id": "1", "source": "aws.ses", "account": "111122223333"})
    else:
        body = json.dumps(document)
    sent = at if form == "raw" else NOW
    attributes = {"SentTimestamp": str(round(sent.timestamp() * 1000))}
    return {"messageId": "1", "eventSource": "aws:sqs", "attributes": attributes, "body": body}


FORMS = pytest.mark.parametrize("form", ["sns", "eventbridge", "raw"])


@FORMS
def test_an_event_published_longer_ago_than_its_marker_lives_is_refused(form: str) -> None:
    """It may have been counted, and nothing would show that any more."""
    # GIVEN a bounce that was published over 90 days ago, between two of today
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()
    old = published(EVENT_LIFE + timedelta(seconds=1), form)
    batch = [published(timedelta(0), form), old, published(timedelta(0), form)]

    # WHEN they are processed
    report = at_noon(dead_letters, ledger).process(batch)

    # THEN the old one alone is kept whole, with the reason
    assert report.recorded == 2
    assert report.retry == []
    [(message, error)] = dead_letters.messages
    assert message == old["body"]
    assert "published more than 90 days ago" in str(error)


@FORMS
def test_an_event_published_as_long_ago_as_its_marker_lives_is_recorded(form: str) -> None:
    """A redrive of what SQS still keeps is never refused."""
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()

    at_noon(dead_letters, ledger).process([published(EVENT_LIFE, form)])

    assert (len(ledger), len(dead_letters)) == (1, 0)


def test_a_late_complaint_is_recorded_when_it_is_made() -> None:
    """People find an old message and complain: SES publishes it then, not when it was mailed."""
    # GIVEN a complaint of today about a message that was mailed 200 days ago
    mailed = NOW - timedelta(days=200)
    document = bounce("jane@example.test")
    document["mail"]["timestamp"] = mailed.isoformat()
    document |= {
        "eventType": "Complaint",
        "complaint": {
            "complainedRecipients": [{"emailAddress": "jane@example.test"}],
            "timestamp": (NOW - timedelta(minutes=5)).isoformat(),
            "feedbackId": "f",
            "complaintFeedbackType": "abuse",
        },
    }
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()

    # WHEN it is processed
    at_noon(dead_letters, ledger).process([sns_record(document, published=NOW)])

    # THEN it is recorded: it occurred today, and counts on the day of mailing
    [observation] = ledger.recorded
    assert observation.cause is Cause.COMPLAINT
    assert observation.event.occurred_at == NOW - timedelta(minutes=5)
    assert observation.event.mailed_at == mailed


def test_an_import_records_old_events() -> None:
    """Whoever imports an archive vouches that it is imported once."""
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()
    old = published(timedelta(days=400), "sns")

    at_noon(dead_letters, ledger, max_age=None).process([old])

    assert (len(ledger), len(dead_letters)) == (1, 0)
