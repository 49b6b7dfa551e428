"""Providers' payloads, read into `MailEvent`s: one module per provider.

docs/adding-a-provider.md shows how to write one.
"""

from collections.abc import Mapping

from bounceledger.errors import InputError
from bounceledger.events import MailEvent
from bounceledger.providers import ses
from bounceledger.providers.base import Document, Parsed, Payload, Provider
from bounceledger.settings import Settings

__all__ = ["PROVIDERS", "Document", "Parsed", "Payload", "Provider", "read"]

PROVIDERS: Mapping[str, Provider] = {
    "ses": ses,
}
"""Every provider's module, by `Payload.provider`."""


def read(payload: Payload, settings: Settings) -> Parsed:
    """What a payload says. A document that cannot be read does not cost the others.

    Raises:
        PayloadError: the payload as a whole is not one that its provider sends.
    """
    provider = PROVIDERS[payload.provider]
    events: list[MailEvent] = []
    refused: list[InputError] = []
    notices: list[str] = []
    unknown_kinds: list[str] = []
    for document in provider.split(payload):
        try:
            parsed = provider.read(document, settings)
        except InputError as error:
            refused.append(error)
        else:
            events += parsed.events
            refused += parsed.refused
            notices += parsed.notices
            unknown_kinds += parsed.unknown_kinds
    return Parsed(tuple(events), tuple(refused), tuple(notices), tuple(unknown_kinds))
