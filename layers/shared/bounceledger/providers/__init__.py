"""Providers' documents, read into `MailEvent`s: one module per provider."""

from collections.abc import Callable

from bounceledger.envelope import Document
from bounceledger.providers import ses
from bounceledger.providers.base import Parsed
from bounceledger.settings import Settings

__all__ = ["PROVIDERS", "Parsed", "parse"]

PROVIDERS: dict[str, Callable[[Document, Settings], Parsed]] = {
    "ses": ses.parse,
}
"""Parser of every provider, by `Document.provider`."""


def parse(document: Document, settings: Settings) -> Parsed:
    """What a document says, read by its provider's parser.

    Raises:
        PayloadError: the document as a whole is none that its provider sends.
    """
    return PROVIDERS[document.provider](document, settings)
