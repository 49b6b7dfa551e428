"""Providers' payloads, read into `MailEvent`s: one module per provider.

docs/adding-a-provider.md shows how to write one.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from bounceledger.errors import InputError
from bounceledger.events import MailEvent
from bounceledger.providers.base import Document, Parsed, Payload, Provider
from bounceledger.settings import Settings
from bounceledger.webhooks.credentials import Credentials
from bounceledger.webhooks.public_keys import Postal, SendGrid
from bounceledger.webhooks.schemes import Scheme, Sns
from bounceledger.webhooks.shared_keys import (
    MAILERSEND_TEST_KEY,
    BodyHmac,
    Mailgun,
    Mandrill,
    StandardWebhooks,
    UnisenderGo,
)

__all__ = ["PROVIDERS", "Document", "Parsed", "Payload", "Provider", "load", "read"]

PROVIDERS: Mapping[str, Scheme | Sns] = {
    "brevo": Credentials(),
    "generic": Credentials(),
    "kumomta": Credentials(),
    "mailersend": BodyHmac("signature", test_key=MAILERSEND_TEST_KEY),
    "mailgun": Mailgun(),
    "mailjet": Credentials(),
    "mailtrap": BodyHmac("mailtrap-signature"),
    "mandrill": Mandrill(),
    "postal": Postal(),
    "postmark": Credentials(),
    "resend": StandardWebhooks(),
    "sendgrid": SendGrid(),
    "ses": Sns(),
    "sparkpost": Credentials(),
    "unisender_go": UnisenderGo(),
}
"""Every provider and how its webhook is verified; its module in this package has its name."""


def load(name: str) -> Provider:
    """A provider's module. Only those that are used are loaded, so that a function starts fast.

    Raises:
        KeyError: there is no such provider.
    """
    if name not in PROVIDERS:
        raise KeyError(name)
    return cast("Provider", import_module(f"{__name__}.{name}"))


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
