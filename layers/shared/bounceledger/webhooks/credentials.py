"""Providers that sign nothing, but send a secret that you chose."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from bounceledger.errors import VerificationError
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import (
    BAD_SIGNATURE,
    MAX_HEADER,
    MIN_SECRET,
    MISSING_HEADER,
    Secrets,
    Verified,
    account_of,
    check_that,
    equal,
    header,
    is_plain,
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and password, or a token; the secret's form says which.

    One with a colon is ``user:password``, for basic authentication (RFC 7617), which a provider
    also uses for ``https://user:password@host``. One without is a token, for ``Authorization:
    Bearer`` (RFC 6750) or the header ``X-Webhook-Secret``. Neither content nor time is covered.
    """

    needs: ClassVar[str] = (
        f'"user:password" with a password of {MIN_SECRET} or more characters, or a token of as '
        "many; visible ASCII characters, and in a token no colon"
    )

    def check_secret(self, text: str, *, field: str) -> None:
        """See `Scheme`."""
        user, colon, password = text.partition(":")
        fine = bool(user) and is_plain(password) if colon else is_plain(text)
        check_that(fine and is_plain(text) and len(text) <= MAX_HEADER // 2, self.needs, field)

    def verify(
        self,
        request: Request,
        secrets: Secrets,
        *,
        now: datetime,  # noqa: ARG002 - no time is signed
        tolerance: timedelta,  # noqa: ARG002
    ) -> Verified:
        """See `Scheme`."""
        given, is_pair = self._given(request)

        def fits(secret: str) -> bool:
            return equal(given, secret) and (":" in secret) == is_pair

        account = account_of(secrets, fits)
        if account is None:
            raise VerificationError(BAD_SIGNATURE)
        return Verified(account)

    @staticmethod
    def _given(request: Request) -> tuple[str, bool]:
        """What the request has, and whether it is a user name and password."""
        if "authorization" not in request.headers:
            if "x-webhook-secret" not in request.headers:
                raise VerificationError(MISSING_HEADER)
            return header(request, "x-webhook-secret"), False
        kind, _, value = header(request, "authorization").partition(" ")
        if kind.lower() == "bearer":
            return value.strip(), False
        if kind.lower() != "basic":
            raise VerificationError(BAD_SIGNATURE)
        try:
            # Secrets are ASCII, so it does not matter what stands for other bytes.
            return base64.b64decode(value.strip(), validate=True).decode("latin-1"), True
        except ValueError:
            raise VerificationError(BAD_SIGNATURE) from None
