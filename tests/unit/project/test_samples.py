"""The sample events state their outcome, and pure code agrees."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from bounceledger import providers, state
from bounceledger.classify.classifier import classify_event
from bounceledger.envelope import unwrap
from bounceledger.events import Kind, MailEvent
from bounceledger.policy import Policy
from bounceledger.providers import Parsed, Payload, ses
from bounceledger.settings import Settings
from bounceledger.state import AddressFacts, decide, merge
from tools.samples import ANCHOR, FOLDER, Sample, load_samples

SAMPLES = list(load_samples())
every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


SETTINGS = Settings(allowed_accounts=frozenset("*"))


def read(payload: Payload, now: datetime) -> Parsed:
    [document] = ses.split(payload)
    return ses.read(document, SETTINGS, now=lambda: now)


def outcome(event: MailEvent, now: datetime) -> Mapping[str, Any]:
    verdict = classify_event(event) if event.kind is Kind.BOUNCE else None
    observation = state.observe(event, policy=Policy(), verdict=verdict)
    verdict = observation.verdict
    facts = merge(AddressFacts(address=event.address), observation, Policy())
    decision = decide(facts, None, now, Policy())
    return {
        "address": event.address,
        "lead_source": event.lead_source,
        "category": (verdict.category if verdict else event.kind).value,
        "disposition": verdict.disposition.value if verdict else None,
        "suppressed": decision.suppressed,
        "reason": decision.reason_code.value if decision.reason_code else None,
    }


@every_sample
def test_a_sample_has_the_outcome_that_its_file_states(sample: Sample) -> None:
    # GIVEN the record as Lambda hands it over
    payload = unwrap(sample.event["Records"][0], provider="ses")

    # WHEN it is read and classified
    parsed = read(payload, ANCHOR)

    # THEN everything that is recorded or refused is expected, and nothing else
    found = [outcome(event, ANCHOR) for event in parsed.events if event.address]
    found += [
        {"address": "", "dead_letter": str(error), "field": error.field} for error in parsed.refused
    ]
    assert found == [one for one in sample.expected if "category" in one or "dead_letter" in one]


@every_sample
def test_the_document_that_the_demo_publishes_is_the_one_in_the_record(sample: Sample) -> None:
    payload = unwrap(sample.event["Records"][0], provider="ses")

    assert unwrap(sample.message, provider="ses").content == payload.content
    assert {"sns": ("sqs", "sns"), "raw": ("sqs",), "eventbridge": ("sqs", "eventbridge")}[
        sample.form
    ] == payload.layers


@every_sample
def test_what_the_server_said_is_what_the_sample_shows(sample: Sample) -> None:
    payload = unwrap(sample.event["Records"][0], provider="ses")
    parsed = providers.read(payload, SETTINGS)

    for event in parsed.events:
        assert event.diagnostic in sample.said


def test_no_two_samples_share_an_address_an_id_or_an_event() -> None:
    """Samples are replayed together, and must not count as duplicates."""
    addresses = Counter(one["address"] for sample in SAMPLES for one in sample.expected)
    transports = Counter(
        unwrap(sample.event["Records"][0], provider="ses").transport_id for sample in SAMPLES
    )
    events = Counter(
        event.event_id
        for sample in SAMPLES
        for event in providers.read(unwrap(sample.message, provider="ses"), SETTINGS).events
    )

    for counted in (addresses, transports, events):
        assert set(counted.values()) == {1}


def test_the_samples_show_every_wrapping_and_outcome() -> None:
    expected = [one for sample in SAMPLES for one in sample.expected]

    assert {sample.form for sample in SAMPLES} == {"sns", "raw", "eventbridge"}
    assert {one.get("suppressed") for one in expected} == {True, False, None}
    assert any("dead_letter" in one for one in expected)


def test_names_are_set_aside_for_documentation() -> None:
    """RFC 2606: no sample may reach a real person."""
    for path in FOLDER.glob("*.json"):
        domains = [one["address"].rpartition("@")[2] for one in _sample(path.stem).expected]
        assert all(domain == "" or domain.endswith(".example") for domain in domains)


def _sample(name: str) -> Sample:
    return next(sample for sample in SAMPLES if sample.name == name)


def test_samples_can_be_moved_to_the_present() -> None:
    """The demo's counters show today."""
    # GIVEN a moment
    now = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)

    # WHEN the samples are loaded for it
    moved = list(load_samples(now=now))

    # THEN they are received at that moment, and everything happened shortly before
    for sample in moved:
        payload = unwrap(sample.event["Records"][0], provider="ses")
        parsed = read(payload, now)
        assert payload.received_at == now
        assert all(0 <= (now - event.occurred_at).total_seconds() < 60 for event in parsed.events)

    # AND nothing else about them has changed
    assert [sample.expected for sample in moved] == [sample.expected for sample in SAMPLES]
