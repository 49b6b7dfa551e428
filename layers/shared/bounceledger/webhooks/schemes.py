"""What every scheme of verification has in common.

A scheme reads the signature or password of a request, tries the secrets of each account, and says
which account's secret matched.
The schemes themselves are in `shared_keys`, `public_keys` and `credentials`; that of SNS is in
`sns`, which has no secrets. docs/webhooks.md says what each covers.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bounceledger.errors import InputError, VerificationError
from bounceledger.webhooks.request import Request

MIN_SECRET = 16
"""Characters of a secret at least."""
MAX_SECRET = 4096
"""Characters of a secret at most; a public key in PEM form has some hundred."""
MAX_HEADER = 4096
"""Characters of a header that are read. API Gateway takes 10,240 bytes of all headers."""

MISSING_HEADER = "missing_header"
MISSING_SIGNATURE = "missing_signature"
BAD_TIMESTAMP = "bad_timestamp"
STALE = "stale"
BAD_SIGNATURE = "bad_signature"
"""No secret matches: the one `reason` for which it is worth reading the secrets again."""
REPLAYED = "replayed"
"""A token that came before with another content: see `SingleUseToken`."""

type Secrets = Mapping[str, Sequence[str]]
"""The secrets of one provider: by account one, or two while they are rotated."""


@dataclass(frozen=True, slots=True)
class SingleUseToken:
    """A token that proves a request whose content is not signed.

    Whoever has the token could send other content with it. So the caller stores `key` with
    `content` before it accepts the request, and refuses one (`REPLAYED`) whose `key` is stored
    with another `content`. One with the same is a retry and is accepted.

    Attributes:
        key: 64 hex digits, which do not give the token away.
        content: SHA-256 of what was said, 64 hex digits; the same if the provider serializes it
            in another way.
        expires: from then on a request with the token is refused as stale.
    """

    key: str
    content: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Verified:
    """A request that its provider sent.

    Attributes:
        account: whose secret matched; empty for a test.
        is_test: the provider only tests the URL, as some do before a webhook is saved, and signs
            with a key that everybody knows: answer 200, and use nothing in it.
        token: must be checked before the request is accepted; None where the scheme signs the
            content.
    """

    account: str
    is_test: bool = False
    token: SingleUseToken | None = None


class Scheme(Protocol):
    """How a provider's requests are verified."""

    @property
    def needs(self) -> str:
        """What a secret must be, worded to follow "must be"."""
        ...

    def check_secret(self, text: str, *, field: str) -> None:
        """Reject what cannot be a secret of this scheme.

        Args:
            text: the secret; is not repeated in the error.
            field: where it stands, such as ``sendgrid.default[0]``.

        Raises:
            InputError: names the field.
        """
        ...

    def verify(
        self, request: Request, secrets: Secrets, *, now: datetime, tolerance: timedelta
    ) -> Verified:
        """Whose request it is. A test of the URL can be verified without any secrets.

        Args:
            request: as it came.
            secrets: those of the provider.
            now: aware.
            tolerance: how far a signed time may be from `now`.

        Raises:
            VerificationError: it is not proven to come from the provider, or is too old.
            InputError: its body cannot be read, where the signature is in it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sns:
    """SNS signs with its own certificate, so there is no secret: see `webhooks.sns`."""


def account_of(secrets: Secrets, fits: Callable[[str], bool]) -> str | None:
    """The first account with a secret that matches, or None."""
    for account, alternatives in secrets.items():
        for secret in alternatives:
            if fits(secret):
                return account
    return None


def header(request: Request, name: str) -> str:
    """A header's value.

    Args:
        request: as it came.
        name: lower-case.

    Raises:
        VerificationError: it is missing, empty or too long.
    """
    value = request.headers.get(name, "").strip()
    if not value:
        raise VerificationError(MISSING_HEADER)
    if len(value) > MAX_HEADER:
        raise VerificationError(BAD_SIGNATURE)
    return value


def check_time(
    text: str, *, now: datetime, tolerance: timedelta, max_age: timedelta | None = None
) -> datetime:
    """The time that a provider signed.

    Args:
        text: seconds since 1970, in digits.
        now: aware.
        tolerance: how far it may be from `now`.
        max_age: how old it may be, if that is longer.

    Raises:
        VerificationError: it is not such a number, or too old or too new.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise VerificationError(BAD_TIMESTAMP)
    age = now.timestamp() - int(text)
    if (
        age > max(tolerance, max_age or tolerance).total_seconds()
        or -age > tolerance.total_seconds()
    ):
        raise VerificationError(STALE)
    return datetime.fromtimestamp(int(text), now.tzinfo)


def equal(given: str, expected: str) -> bool:
    """Whether two strings are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(_bytes(given), _bytes(expected))


def _bytes(text: str) -> bytes:
    """Distinct for distinct strings, also for those that are not UTF-8."""
    return text.encode(errors="surrogatepass")


def is_plain(text: str, least: int = MIN_SECRET) -> bool:
    """Whether a secret has only visible ASCII characters, and enough of them."""
    return least <= len(text) <= MAX_SECRET and all("!" <= character <= "~" for character in text)


def check_that(fine: bool, needs: str, field: str) -> None:
    """Raise InputError unless a secret is fine."""
    if not fine:
        raise InputError(f"must be {needs}", field=field)
