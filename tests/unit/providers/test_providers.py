"""The table of providers, and how a payload is read by one of them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bounceledger import providers
from bounceledger.errors import InputError, PayloadError
from bounceledger.providers import Document, Parsed, Payload, Provider, ses
from bounceledger.providers.registry import PROVIDERS
from bounceledger.settings import Settings
from tests.ses_documents import bounce
from tools.webhook_samples import WebhookSample, load_webhook_samples

PUBLISHED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
SETTINGS = Settings(allowed_accounts=frozenset("*"))


def test_a_payload_is_read_by_its_providers_module() -> None:
    """The queue says whose payload it is."""
    payload = Payload(provider="ses", content=bounce("lead@example.net"), received_at=PUBLISHED)

    [document] = ses.split(payload)

    assert providers.read(payload, SETTINGS) == ses.read(document, SETTINGS)


def test_a_document_that_cannot_be_read_is_refused_alone() -> None:
    """Other documents of the same payload are still read."""
    payload = Payload(provider="ses", content={"eventType": 5})

    assert [error.field for error in providers.read(payload, SETTINGS).refused] == ["eventType"]


@pytest.mark.parametrize(
    "sample", list(load_webhook_samples()), ids=lambda sample: f"{sample.provider}/{sample.name}"
)
def test_a_document_is_a_payload_of_its_own(sample: WebhookSample) -> None:
    """Intake splits again what the webhook split and queued, and must read the same."""
    # GIVEN the documents of a request
    provider = providers.load(sample.provider)
    documents = list(provider.split(sample.payload(PUBLISHED)))

    # WHEN the body of each goes through the queue and is split again
    bodies = [json.loads(json.dumps(document.body)) for document in documents]
    again = [
        list(provider.split(Payload(provider=sample.provider, content=body, received_at=PUBLISHED)))
        for body in bodies
    ]

    # THEN each gives itself, and is read, or refused, as before
    assert [[one.body for one in documents] for documents in again] == [[body] for body in bodies]
    assert [reading(provider, one) for [one] in again] == [
        reading(provider, document) for document in documents
    ]


def reading(provider: Provider, document: Document) -> object:
    """What a document says, or why it is refused."""
    try:
        return provider.read(document, SETTINGS)
    except InputError as error:
        return error.reason, error.field


@pytest.mark.parametrize(
    "sample", list(load_webhook_samples()), ids=lambda sample: f"{sample.provider}/{sample.name}"
)
def test_an_events_id_does_not_depend_on_its_receipt(sample: WebhookSample) -> None:
    """A provider's clock may be ahead: then the time of receipt stands for the event's."""
    # GIVEN a request that is received before what it reports, and again after that
    received = [PUBLISHED - timedelta(days=1), PUBLISHED - timedelta(hours=1), PUBLISHED]

    # WHEN each is read
    events = [providers.read(sample.payload(moment), SETTINGS).events for moment in received]

    # THEN its events are the same
    assert len({tuple(event.event_id for event in found) for found in events}) == 1


@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - {"ses"}))
def test_a_provider_that_sends_webhooks_has_samples(name: str) -> None:
    """Without samples, the tests of all providers would not concern it."""
    assert len([one for one in load_webhook_samples() if one.provider == name]) >= 3


@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - {"ses"}))
@pytest.mark.parametrize("content", [None, "text", 5, [], [5], [[]], {}, [{}], {"event": {}}])
def test_what_no_provider_sends_is_refused_or_a_notice(name: str, content: object) -> None:
    """Nothing that can be signed, however odd, makes a module fail."""
    # GIVEN a request of another form
    payload = Payload(provider=name, content=content, received_at=PUBLISHED)
    refused: list[InputError] = []
    parsed = Parsed()

    # WHEN it is read
    try:
        parsed = providers.read(payload, SETTINGS)
    except PayloadError as error:
        refused = [error]

    # THEN nothing comes of it but an error that names the field, or a notice
    refused += parsed.refused
    assert not parsed.events
    assert refused or parsed.notices or content == []  # an empty list says nothing
    assert all(error.field for error in refused)
