"""What the functions measure: metrics in embedded metric format, as CloudWatch reads them."""

import json

import pytest

from bounceledger.ledger import Outcome, RecordResult
from bounceledger.observe import make_metrics
from bounceledger.settings import Settings
from tests.fakes import FakeContext, FakeLedger
from tests.functions import load
from tests.ses_documents import bounce, sns_record
from tests.unit.functions.intakes import intake

ingest = load("ingest")


def test_two_stacks_share_no_metric(capsys: pytest.CaptureFixture[str]) -> None:
    """Otherwise the alarm of one would ring for the other."""
    # GIVEN the settings of two stacks of an account
    for stack in ("bounceledger", "bounceledger-test"):
        metrics = make_metrics("ingest", Settings(stack_name=stack, metric_namespace="mail"))

        # WHEN both count the same in two invocations
        for _ in range(2):
            metrics.add_metric(name="recorded", unit="Count", value=1)
            metrics.flush_metrics()

    # THEN their dimensions differ, and hold the function's name and the stack's and no more
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for document in written:
        [described] = document["_aws"]["CloudWatchMetrics"]
        assert described["Namespace"] == "mail"
        assert [sorted(names) for names in described["Dimensions"]] == [["service", "stack"]]
    assert {document["service"] for document in written} == {"ingest"}
    stacks = [document["stack"] for document in written]
    assert stacks == ["bounceledger"] * 2 + ["bounceledger-test"] * 2


def test_ingest_counts_events_by_kind_and_disposition(capsys: pytest.CaptureFixture[str]) -> None:
    """The dashboard shows them side by side."""
    # GIVEN two hard bounces, of which one is a duplicate, a block and an address newly suppressed
    suppresses = RecordResult(outcome=Outcome.RECORDED, suppresses=True)
    ledger = FakeLedger({"dead@example.test": suppresses})
    blocked = bounce("live@example.test", diagnostic="550 5.7.1 listed by zen.spamhaus.org")
    again = bounce("gone@example.test")
    documents = [bounce("dead@example.test"), again, again, blocked]
    event = {"Records": [sns_record(document) for document in documents]}

    # WHEN ingest is invoked
    ingest.handler(event, FakeContext(), intake=intake(ledger))

    # THEN each that was recorded counts under its disposition
    counted = json.loads(capsys.readouterr().out.splitlines()[-1])
    measured = {name: counted[name] for name in counted if name.startswith("bounce_")}
    assert measured == {"bounce_hard": [2.0], "bounce_block": [1.0]}
    assert (counted["recorded"], counted["duplicates"], counted["suppressed"]) == (
        [3.0],
        [1.0],
        [1.0],
    )
