"""The wiring of ingest: what goes back to the queue, and what is logged."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bounceledger.ledger import Outcome, RecordResult
from tests.fakes import FakeContext, FakeLedger
from tests.functions import load, logged
from tests.ses_documents import bounce, sns_record
from tests.unit.functions.intakes import intake

ingest = load("ingest")


def test_ingest_reports_only_what_is_to_be_retried() -> None:
    """Messages that are recorded must not be delivered again."""
    # GIVEN a table that throttles one of two addresses
    throttled = RecordResult(outcome=Outcome.FAILED, reason="throttled", retry_helps=True)
    ledger = FakeLedger({"b@example.test": throttled})
    event = {
        "Records": [
            sns_record(bounce("a@example.test"), message_id="1"),
            sns_record(bounce("b@example.test"), message_id="2"),
        ]
    }

    # WHEN ingest is invoked
    answer = ingest.handler(event, FakeContext(), intake=intake(ledger))

    # THEN only that message is reported to SQS
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_ingest_leaves_time_to_report_what_is_to_be_retried() -> None:
    """A function that times out reports nothing, and all is delivered again."""
    # GIVEN an invocation with thirty seconds left
    ledger = FakeLedger()
    before = datetime.now(UTC)

    # WHEN it records a batch
    event = {"Records": [sns_record(bounce("a@example.test"))]}
    ingest.handler(event, FakeContext(milliseconds=30_000), intake=intake(ledger))

    # THEN the ledger has to stop before those are over
    [deadline] = ledger.deadlines
    assert deadline is not None
    assert timedelta(seconds=15) < deadline - before < timedelta(seconds=23)


def test_ingest_fails_as_a_whole_where_no_queue_would_retry() -> None:
    """A direct invocation has no partial answer."""
    # GIVEN a direct SNS invocation while the table throttles
    throttled = RecordResult(outcome=Outcome.FAILED, reason="throttled", retry_helps=True)
    ledger = FakeLedger({"a@example.test": throttled})
    message = json.dumps(bounce("a@example.test"))
    event = {
        "Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": message}}]
    }

    # THEN the invocation fails, so that Lambda retries it
    with pytest.raises(ingest.LedgerError):
        ingest.handler(event, FakeContext(), intake=intake(ledger))


def test_ingest_logs_no_address() -> None:
    """Logs hold no personal data, whatever becomes of a message."""
    # GIVEN a good event, an unprocessable one and one that fails
    throttled = RecordResult(outcome=Outcome.FAILED, reason="throttled", retry_helps=True)
    ledger = FakeLedger({"failing@example.test": throttled})
    event = {
        "Records": [
            sns_record(bounce("jane@example.test"), message_id="1"),
            sns_record(bounce("failing@example.test"), message_id="2"),
            sns_record(bounce("jim@@example.test"), message_id="3"),
        ]
    }

    # WHEN ingest is invoked
    with logged(ingest) as written:
        ingest.handler(event, FakeContext(), intake=intake(ledger))

    # THEN the log says what happened, and holds no address
    log = written.getvalue()
    assert "dead-lettered" in log
    assert "will be retried" in log
    assert "example.test" not in log


def test_ingest_logs_each_kind_that_is_not_used_once() -> None:
    """A new kind of the provider is noticed, and a batch of them does not fill the log."""
    # GIVEN two events of a kind that nobody knows
    event = {"Records": [sns_record({"eventType": "Lottery of jane@example.test"})] * 2}

    # WHEN ingest is invoked
    with logged(ingest) as written:
        ingest.handler(event, FakeContext(), intake=intake(FakeLedger()))

    # THEN one line has the kind and how many there were, and no address
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    [line] = [line for line in lines if line["message"] == "kind not used or not known"]
    assert (line["kind"], line["documents"]) == ("Lottery of jane?example.test", 2)
    [batch] = [line for line in lines if line["message"] == "batch"]
    assert (batch["notices"], batch["unknown_kinds"], batch["unmatched"]) == (2, 2, 0)


def test_ingest_logs_and_counts_what_it_records_as_other() -> None:
    """Names that a stranger makes up are noticed, and do not get into the log."""
    # GIVEN an event whose lead source is one too many, and one of a known one
    overflowed = RecordResult(outcome=Outcome.RECORDED, overflowed=True)
    ledger = FakeLedger({"a@example.test": overflowed})
    documents = bounce("a@example.test", lead_source="made-up"), bounce("b@example.test")
    event = {"Records": [sns_record(document) for document in documents]}

    # WHEN ingest is invoked
    with logged(ingest) as written:
        ingest.handler(event, FakeContext(), intake=intake(ledger))

    # THEN a warning and the batch have the number, and neither has the name
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    [warning] = [line for line in lines if line["message"] == "too many new lead sources"]
    [batch] = [line for line in lines if line["message"] == "batch"]
    assert (warning["events_as_other"], batch["overflowed"]) == (1, 1)
    assert "made-up" not in written.getvalue()


def test_ingest_has_a_metric_for_what_it_records_as_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An alarm can be set on it."""
    overflowed = RecordResult(outcome=Outcome.RECORDED, overflowed=True)
    event = {"Records": [sns_record(bounce("a@example.test"))]}

    ledger = FakeLedger({"a@example.test": overflowed})
    ingest.handler(event, FakeContext(), intake=intake(ledger))

    [metrics] = [
        json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line
    ]
    assert metrics["overflowed"] == [1.0]
