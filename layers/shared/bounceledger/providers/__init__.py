"""Providers' payloads, read into `MailEvent`s: one module per provider.

`registry` lists them. docs/adding-a-provider.md shows how to write one.
"""

from importlib import import_module
from typing import cast

from bounceledger.errors import InputError
from bounceledger.events import MailEvent
from bounceledger.providers.base import Document, Parsed, Payload, Provider
from bounceledger.settings import Settings

__all__ = ["Document", "Parsed", "Payload", "Provider", "is_provider", "load", "read"]


def load(name: str) -> Provider:
    """A provider's module. Only those that are used are loaded, so that a function starts fast.

    Raises:
        KeyError: there is no such provider.
    """
    # Not by `registry`, which loads how each one's requests are verified.
    path = f"{__name__}.{name}"
    try:
        module = import_module(path) if name.isidentifier() else None
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        module = None
    if getattr(module, "PROVIDER", None) != name:
        raise KeyError(name)
    return cast("Provider", module)


def is_provider(name: str) -> bool:
    """Whether there is such a provider."""
    try:
        load(name)
    except KeyError:
        return False
    return True


def read(payload: Payload, settings: Settings) -> Parsed:
    """What a payload says. A document that cannot be read does not cost the others.

    Raises:
        PayloadError: the payload as a whole is not one that its provider sends.
    """
    provider = load(payload.provider)
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
