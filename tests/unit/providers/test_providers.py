"""The table of providers, and how a payload is read by one of them."""

from datetime import UTC, datetime

from bounceledger import providers
from bounceledger.providers import Payload, ses
from bounceledger.settings import Settings
from tests.ses_documents import bounce

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
