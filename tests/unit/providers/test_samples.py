"""The samples of webhooks end as their files say, from the request's body to the decision."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.intake import Intake
from bounceledger.ledger.plan import IGNORED
from bounceledger.settings import Settings
from bounceledger.state import Observation, decide
from tests.fakes import FakeDeadLetters, FakeLedger
from tools.webhook_samples import WebhookSample, load_webhook_samples

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
"""When the samples are received according to their files; what they report is just before."""

SETTINGS = Settings(allowed_accounts=frozenset("*"))
SAMPLES = list(load_webhook_samples())

every_sample = pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda sample: f"{sample.provider}/{sample.name}"
)


def queued(sample: WebhookSample) -> list[Mapping[str, Any]]:
    """A queue record for each document of a request."""
    documents = providers.load(sample.provider).split(sample.payload(RECEIVED))
    return [
        {
            "messageId": f"{sample.provider}/{sample.name}/{index}",
            "eventSource": "aws:sqs",
            "body": json.dumps(document.body),
            "attributes": {"SentTimestamp": str(int(RECEIVED.timestamp() * 1000))},
        }
        for index, document in enumerate(documents)
    ]


def outcome(observation: Observation, ledger: FakeLedger) -> Mapping[str, Any]:
    event, verdict = observation.event, observation.verdict
    decision = decide(ledger.facts[event.address], None, RECEIVED, SETTINGS.policy)
    return {
        "address": event.address,
        "lead_source": event.lead_source,
        "category": verdict.category if verdict else event.kind,
        "disposition": verdict.disposition if verdict else None,
        "suppressed": decision.suppressed,
        "reason": decision.reason_code,
    }


@every_sample
def test_a_sample_ends_as_its_file_says(sample: WebhookSample) -> None:
    """A request that is sent twice is recorded once, with the outcomes in the file."""
    # GIVEN an intake that reads the provider's documents
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()
    intake = Intake(
        SETTINGS, ledger, dead_letters, provider=sample.provider, clock=lambda: RECEIVED
    )

    # WHEN the documents of the request are delivered twice
    reports = [intake.process(queued(sample)) for _ in range(2)]

    # THEN everything that the file expects is recorded once, or refused, and nothing else is
    found = [outcome(one, ledger) for one in ledger.recorded if one.event.kind not in IGNORED]
    found += [
        {"dead_letter": str(error), "field": error.field} for _, error in reports[0].dead_letters
    ]
    assert found == list(sample.expected)
    assert [report.duplicates for report in reports] == [0, len(ledger.recorded)]
    assert not any(report.retry for report in reports)


@every_sample
def test_what_the_server_said_is_what_the_sample_shows(sample: WebhookSample) -> None:
    """An event carries the reply as it stands in the request, whatever is around it there."""
    # GIVEN what is read from the request
    events = providers.read(sample.payload(RECEIVED), SETTINGS).events

    said = [event.diagnostic for event in events if event.diagnostic]

    # THEN the server's words are among it, and no others
    assert [one for one in said if one not in sample.said] == []
    assert bool(said) == bool(sample.said)


def test_no_two_samples_share_an_address_or_an_event() -> None:
    """Samples are replayed together, and must not count as duplicates."""
    addresses = Counter(
        address
        for sample in SAMPLES
        for address in {one["address"] for one in sample.expected if "address" in one}
    )
    events = Counter(
        event.event_id
        for sample in SAMPLES
        for event in providers.read(sample.payload(RECEIVED), SETTINGS).events
    )

    assert [key for counted in (addresses, events) for key, n in counted.items() if n > 1] == []


def test_names_are_set_aside_for_documentation() -> None:
    """RFC 2606: no sample may reach a real person."""
    domains = {
        one["address"].rpartition("@")[2]
        for sample in SAMPLES
        for one in sample.expected
        if "address" in one
    }

    assert {domain for domain in domains if not domain.endswith(".example")} == set()
