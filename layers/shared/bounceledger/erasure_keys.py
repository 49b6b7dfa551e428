"""The keys under which erased addresses are hashed.

An erased address is remembered as a keyed hash (HMAC-SHA256) of its canonical form. Whoever has the
table alone cannot try addresses, and the key makes it no less of a secret to keep. A hash cannot be
computed again under another key, since the address is gone, so a key is kept as long as the table.
"""

import base64
import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Self

from bounceledger import secret_values, strict_json
from bounceledger.errors import ErasureKeysError, SecretError

MIN_KEY = 32
"""Bytes of a key at least: those of the hash (RFC 2104 section 3)."""
MAX_KEYS = 8
"""Keys of a deployment at most: each is another item to read for every address."""
MAX_AGE = 300.0
"""Seconds after which an environment reads the keys again, so that it knows a new one."""
_MAX_ID = 32
_PARAMETER = "the secret of ErasureKeysSecret"


@dataclass(frozen=True, slots=True, repr=False)
class ErasureKeys:
    """The keys of a deployment.

    Attributes:
        current: id of the key for new erasures.
        keys: by id, that of `current` included.
    """

    current: str
    keys: Mapping[str, bytes]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read ``{"current": "2026", "keys": {"2026": "<base64 of 32 bytes or more>"}}``.

        Raises:
            ErasureKeysError: says what is wrong, without any part of a key.
        """
        try:
            value = strict_json.loads(text)
        except (RecursionError, ValueError):
            raise ErasureKeysError(f"{_PARAMETER} is not valid JSON") from None
        if not isinstance(value, dict) or value.keys() != {"current", "keys"}:
            raise ErasureKeysError(f'{_PARAMETER} must have "current" and "keys", and nothing else')
        current, given = value["current"], value["keys"]
        if not isinstance(given, dict) or not 1 <= len(given) <= MAX_KEYS:
            raise ErasureKeysError(
                f'"keys" of {_PARAMETER} must be an object of 1 to {MAX_KEYS} keys'
            )
        keys = {key_id: _key(key_id, encoded) for key_id, encoded in given.items()}
        if not isinstance(current, str) or current not in keys:
            raise ErasureKeysError(f'"current" of {_PARAMETER} must be the id of one of its keys')
        return cls(current, keys)

    def hash_of(self, address: str, key_id: str) -> str:
        """Keyed hash of a canonical address: 64 hex digits.

        Args:
            address: canonical form.
            key_id: one of `keys`.
        """
        return hmac.digest(self.keys[key_id], address.encode(), "sha256").hex()


def _key(key_id: str, encoded: object) -> bytes:
    if not _is_id(key_id):
        raise ErasureKeysError(
            f"the id of a key in {_PARAMETER} must be 1 to {_MAX_ID} letters, digits, hyphens or "
            "underscores"
        )
    try:
        key = base64.b64decode(encoded, validate=True) if isinstance(encoded, str) else b""
    except ValueError:
        key = b""
    if len(key) < MIN_KEY:
        raise ErasureKeysError(
            f"key {key_id} of {_PARAMETER} must be base64 of {MIN_KEY} bytes or more"
        )
    return key


def _is_id(text: str) -> bool:
    allowed = text.replace("-", "").replace("_", "")
    return 0 < len(text) <= _MAX_ID and text.isascii() and (allowed.isalnum() or not allowed)


class ErasureKeyring:
    """The keys of a deployment, read when they are first needed. Safe to share between threads.

    They are read again after `MAX_AGE`, or at once for a key that is not known. If that fails,
    those that were read before stay in use; if none were, the next call tries again.

    Args:
        read: the value of the secret; raises SecretError.
        clock: seconds that only go on.
    """

    def __init__(
        self, read: Callable[[], str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._keys: ErasureKeys | None = None
        self._read_at = 0.0
        self._lock = Lock()

    def keys(self, needed: Iterable[str] = ()) -> ErasureKeys:
        """The keys.

        Args:
            needed: ids that must be among them.

        Raises:
            ErasureKeysError: the keys cannot be read, or a needed one is not among them.
        """
        needed = set(needed)
        with self._lock:
            known, now = self._keys, self._clock()
            if known is None or not needed <= known.keys.keys() or now - self._read_at >= MAX_AGE:
                known = self._keys = self._renewed(known)
                self._read_at = now
        if missing := needed - known.keys.keys():
            names = ", ".join(sorted(missing))
            raise ErasureKeysError(
                f"{_PARAMETER} lacks keys under which people were erased: {names}"
            )
        return known

    def _renewed(self, known: ErasureKeys | None) -> ErasureKeys:
        try:
            return ErasureKeys.from_json(self._read())
        except SecretError as error:
            if known is not None:
                return known
            if isinstance(error, ErasureKeysError):
                raise
            raise ErasureKeysError(f"{_PARAMETER} could not be read: {error}") from error


def keyring_of(secret_id: str) -> ErasureKeyring | None:
    """The keyring of a deployment; None for one that cannot erase.

    Args:
        secret_id: ARN or name of the secret; empty for none.
    """
    return ErasureKeyring(lambda: secret_values.read_secret(secret_id)) if secret_id else None
