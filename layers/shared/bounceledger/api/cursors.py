"""Cursors: where the next page of a list begins, sealed so that nobody can read or change them.

A place in a list is an address, and cursors end up in logs of proxies and in shell histories. So a
cursor is encrypted, and bound to the list that it belongs to.

The scheme is SIV (Rogaway and Shrimpton, "Deterministic Authenticated-Encryption", 2006; RFC 5297
is the same with AES): a tag over list and place, and the place under a key stream that follows from
the tag. Both come from HMAC-SHA-256, since Python has no AES. It needs no random number: the same
place in the same list always has the same cursor.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from bounceledger.api.requests import BadRequestError

MAX_CURSOR = 2048
"""Characters of a cursor."""
_TAG = 16
"""Bytes of the tag."""
_BLOCK = 32
"""Bytes of a block of the key stream."""
_PADDED = 64
"""A place is filled up to a multiple of this many bytes, so that its length says little."""


class Cursors:
    """Seals and opens cursors.

    Args:
        secret: known to this deployment only; at least 32 random characters.
    """

    def __init__(self, secret: str) -> None:
        self._tag_key = _digest(secret.encode(), b"bounceledger cursor: tag")
        self._stream_key = _digest(secret.encode(), b"bounceledger cursor: stream")

    def seal(self, of: Sequence[str | None], place: Sequence[str]) -> str:
        """A cursor.

        Args:
            of: what the list is: its route and everything that decides what is in it.
            place: where it goes on.
        """
        text = json.dumps(place, ensure_ascii=False).encode()
        text += b" " * (-len(text) % _PADDED)
        tag = self._tag(of, text)
        return urlsafe_b64encode(tag + self._with_stream(tag, text)).decode().rstrip("=")

    def open(self, of: Sequence[str | None], cursor: str) -> list[str]:
        """The place that was sealed for the same list.

        Raises:
            BadRequestError: the cursor was not made here for this list.
        """
        place = self.place(of, cursor)
        if place is None:
            raise BadRequestError(
                "is not a cursor of this list; repeat the parameters of the page before it",
                field="cursor",
            )
        return place

    def place(self, of: Sequence[str | None], cursor: str) -> list[str] | None:
        """The same, but None for a cursor that was not made here for this list."""
        sealed = _decode(cursor)
        tag, text = sealed[:_TAG], self._with_stream(sealed[:_TAG], sealed[_TAG:])
        if not hmac.compare_digest(tag, self._tag(of, text)):
            return None
        place: list[str] = json.loads(text)
        return place

    def _tag(self, of: Sequence[str | None], text: bytes) -> bytes:
        context = json.dumps(of).encode()
        return _digest(self._tag_key, len(context).to_bytes(4) + context + text)[:_TAG]

    def _with_stream(self, tag: bytes, text: bytes) -> bytes:
        blocks = range(-(-len(text) // _BLOCK))
        stream = b"".join(_digest(self._stream_key, tag + n.to_bytes(4)) for n in blocks)
        return bytes(a ^ b for a, b in zip(text, stream, strict=False))


def _decode(cursor: str) -> bytes:
    if not cursor.isascii() or len(cursor) > MAX_CURSOR:
        return b""
    try:
        sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        return b""
    # The decoder passes over what it does not know; one place must not have two cursors.
    return sealed if urlsafe_b64encode(sealed).decode().rstrip("=") == cursor else b""


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
