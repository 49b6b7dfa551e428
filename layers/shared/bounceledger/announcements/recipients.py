"""How an event says whom it is about: not at all, by a keyed hash, or by the address."""

import hmac
from collections.abc import Callable
from functools import cached_property

from bounceledger.addresses import domain_of
from bounceledger.secret_values import read_secret
from bounceledger.settings import EventAddresses, Settings
from bounceledger.state import Json


class Recipients:
    """Makes the fields of an event that are about a person.

    Args:
        form: how addresses are shown.
        read_key: reads the secret by which they are hashed; called once, when it is needed.
    """

    def __init__(self, form: EventAddresses, read_key: Callable[[], str]) -> None:
        self._form = form
        self._read_key = read_key

    @classmethod
    def from_settings(cls, settings: Settings) -> "Recipients":
        """As a deployment has them."""
        return cls(settings.event_addresses, lambda: read_secret(settings.event_secret_arn))

    def fields(self, address: str) -> dict[str, Json]:
        """Who an event is about.

        A domain may be one person's, so it is personal data here as well.

        Args:
            address: in canonical form.

        Raises:
            SecretError: the secret could not be read; a later try may succeed.
        """
        match self._form:
            case EventAddresses.NONE:
                return {}
            case EventAddresses.HASH:
                shown = {"address_hash": address_hash(address, self._key)}
            case EventAddresses.PLAIN:
                shown = {"address": address}
        return {**shown, "domain": domain_of(address)}

    @cached_property
    def _key(self) -> str:
        return self._read_key()


def address_hash(address: str, key: str) -> str:
    """HMAC-SHA-256 of a canonical address in UTF-8, in hexadecimal digits.

    Args:
        address: in canonical form.
        key: the secret's string, of which the UTF-8 bytes are the key.
    """
    return hmac.digest(key.encode(), address.encode(), "sha256").hex()
