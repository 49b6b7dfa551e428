"""Schemes in which the provider and we have the same key."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from bounceledger.errors import InputError, VerificationError
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import (
    BAD_SIGNATURE,
    MIN_SECRET,
    MISSING_SIGNATURE,
    Secrets,
    SingleUseToken,
    Verified,
    account_of,
    check_that,
    check_time,
    equal,
    header,
    is_plain,
)

MAILERSEND_TEST_KEY = "test_Am3L1GuOIc4blLUuHqAPxxwkZaJyEk8G"
"""What MailerSend signs the test of a new webhook with, as its documentation says for everybody."""


@dataclass(frozen=True, slots=True)
class BodyHmac:
    """HMAC-SHA256 of the body, in lower-case hex, in a header.

    MailerSend ("Security" in "Webhooks", MailerSend API) and Mailtrap ("Webhook signature
    verification", Mailtrap documentation). No time is signed.

    Attributes:
        header: its name in lower case.
        test_key: public key of the test of the URL, without which a webhook cannot be saved:
            MailerSend signs ``webhook.test`` with it, and nothing else.
    """

    needs: ClassVar[str] = f"a signing secret of {MIN_SECRET} or more visible ASCII characters"

    header: str
    test_key: str = ""

    def check_secret(self, text: str, *, field: str) -> None:
        """See `Scheme`."""
        check_that(is_plain(text) and text != self.test_key, self.needs, field)

    def verify(
        self,
        request: Request,
        secrets: Secrets,
        *,
        now: datetime,  # noqa: ARG002 - no time is signed
        tolerance: timedelta,  # noqa: ARG002
    ) -> Verified:
        """See `Scheme`."""
        given = header(request, self.header)

        def fits(key: str) -> bool:
            return equal(given, hmac.digest(key.encode(), request.body, "sha256").hex())

        account = account_of(secrets, fits)
        if account is not None:
            return Verified(account)
        if self.test_key and fits(self.test_key):
            content = request.content()
            if isinstance(content, dict) and content.get("type") == "webhook.test":
                return Verified("", is_test=True)
        raise VerificationError(BAD_SIGNATURE)


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    """Standard Webhooks, signature version 1, as Svix sends them for Resend.

    HMAC-SHA256 of id, time and body, in base64. Sources: "Verifying webhooks manually" in the
    Svix documentation, the Standard Webhooks specification. The headers have one of two prefixes,
    and several signatures if the sender rotates its secret.
    """

    needs: ClassVar[str] = '"whsec_" and base64 of 16 to 64 bytes'

    def check_secret(self, text: str, *, field: str) -> None:
        """See `Scheme`."""
        check_that(16 <= len(self._key(text)) <= 64, self.needs, field)

    def verify(
        self, request: Request, secrets: Secrets, *, now: datetime, tolerance: timedelta
    ) -> Verified:
        """See `Scheme`."""
        prefix = "svix" if "svix-id" in request.headers else "webhook"
        message_id = header(request, f"{prefix}-id")
        time = header(request, f"{prefix}-timestamp")
        given = header(request, f"{prefix}-signature").split(" ")
        check_time(time, now=now, tolerance=tolerance)
        if "." in message_id:  # which would leave open where it ends
            raise VerificationError(BAD_SIGNATURE)
        signed = f"{message_id}.{time}.".encode(errors="surrogatepass") + request.body

        def fits(secret: str) -> bool:
            digest = hmac.digest(self._key(secret), signed, "sha256")
            expected = "v1," + base64.b64encode(digest).decode()
            return any(equal(one, expected) for one in given)

        account = account_of(secrets, fits)
        if account is None:
            raise VerificationError(BAD_SIGNATURE)
        return Verified(account)

    @staticmethod
    def _key(secret: str) -> bytes:
        if not secret.startswith("whsec_"):
            return b""
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            return b""


@dataclass(frozen=True, slots=True)
class Mandrill:
    """HMAC-SHA1 of the URL and the sorted fields of the form, in base64.

    Source: "How to Authenticate Webhook Requests", Mailchimp Transactional. No time is signed.
    HMAC-SHA1 is not broken by SHA-1's collisions (RFC 6151 says why for MD5).
    """

    needs: ClassVar[str] = f"a webhook key of {MIN_SECRET} or more visible ASCII characters"
    test_key: ClassVar[str] = "test-webhook"
    """Signs the empty list of events that tries the URL before a webhook is saved ("Why can't my
    webhook or inbound route URL be verified?")."""

    def check_secret(self, text: str, *, field: str) -> None:
        """See `Scheme`."""
        check_that(is_plain(text), self.needs, field)

    def verify(
        self,
        request: Request,
        secrets: Secrets,
        *,
        now: datetime,  # noqa: ARG002 - no time is signed
        tolerance: timedelta,  # noqa: ARG002
    ) -> Verified:
        """See `Scheme`."""
        given = header(request, "x-mandrill-signature")
        fields = request.content()
        if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
            raise InputError("must be form-encoded, each field once", field="body")
        parts = [name + fields[name] for name in sorted(fields)]
        signed = "".join([request.url, *parts]).encode(errors="surrogatepass")

        def fits(key: str) -> bool:
            digest = hmac.digest(key.encode(), signed, "sha1")
            return equal(given, base64.b64encode(digest).decode())

        account = account_of(secrets, fits)
        if account is not None:
            return Verified(account)
        if fields == {"mandrill_events": "[]"} and fits(self.test_key):
            return Verified("", is_test=True)
        raise VerificationError(BAD_SIGNATURE)


@dataclass(frozen=True, slots=True)
class Mailgun:
    """HMAC-SHA256 of a time and a token, in hex, in the body, which itself is not signed.

    Source: "Securing Webhooks" and "Webhooks" in the Mailgun documentation. The JSON has them in
    ``signature``, a legacy form among its fields; a ``parent-signature`` is by the key of the
    account above. A retry has the time and token of the first attempt, and Mailgun tries for
    eight hours, so an older time is accepted than elsewhere: the token guards it.

    Attributes:
        max_age: how old the time may be, unless the tolerance is longer.
    """

    needs: ClassVar[str] = f"a webhook signing key of {MIN_SECRET} or more visible ASCII characters"

    max_age: timedelta = timedelta(hours=9)

    def check_secret(self, text: str, *, field: str) -> None:
        """See `Scheme`."""
        check_that(is_plain(text), self.needs, field)

    def verify(
        self, request: Request, secrets: Secrets, *, now: datetime, tolerance: timedelta
    ) -> Verified:
        """See `Scheme`."""
        content = request.content()
        if not isinstance(content, dict):
            raise InputError("must be an object", field="body")
        block = content.get("signature")
        rest = {name: value for name, value in content.items() if name != "signature"}
        if not isinstance(block, dict):  # a legacy form
            block = {name: _last(content.get(name)) for name in ("timestamp", "token", "signature")}
            rest = {name: value for name, value in rest.items() if name not in block}
        time, token = _text(block.get("timestamp")), _text(block.get("token"))
        given = [one for name in _SIGNATURES if (one := _text(block.get(name)))]
        if not (time and token and given):
            raise VerificationError(MISSING_SIGNATURE)
        signed_at = check_time(time, now=now, tolerance=tolerance, max_age=self.max_age)
        signed = (time + token).encode(errors="surrogatepass")

        def fits(key: str) -> bool:
            expected = hmac.digest(key.encode(), signed, "sha256").hex()
            return any(equal(one, expected) for one in given)

        account = account_of(secrets, fits)
        if account is None:
            raise VerificationError(BAD_SIGNATURE)
        return Verified(
            account,
            token=SingleUseToken(
                key=_digest([account, token]),
                content=_digest(rest),
                expires=signed_at + max(tolerance, self.max_age),
            ),
        )


_SIGNATURES = ("signature", "parent-signature")


def _last(value: Any) -> Any:
    """Of a field that came repeatedly the last: an earlier one is the sender's variable."""
    return value[-1] if isinstance(value, list) and value else value


def _text(value: object) -> str:
    """A string, or a whole number as one; empty for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12:
        return str(value)
    return value if isinstance(value, str) and len(value) <= 256 else ""


def _digest(value: object) -> str:
    """SHA-256 of a JSON value, whatever the order of its names."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except RecursionError:
        raise InputError("is nested too deeply", field="body") from None
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class UnisenderGo:
    """MD5 of the body with the API key in the place of its ``auth``, in hex.

    Source: "Callback format" in the Unisender Go web API. No time is signed. MD5 is the
    provider's choice: whoever knows one signed body can append to it, but only bytes that are not
    JSON, so such a body is refused when it is read.
    """

    needs: ClassVar[str] = f"an API key of {MIN_SECRET} or more letters and digits"

    def check_secret(self, text: str, *, field: str) -> None:
        """See `Scheme`."""
        check_that(is_plain(text) and text.isalnum(), self.needs, field)

    def verify(
        self,
        request: Request,
        secrets: Secrets,
        *,
        now: datetime,  # noqa: ARG002 - no time is signed
        tolerance: timedelta,  # noqa: ARG002
    ) -> Verified:
        """See `Scheme`."""
        content = request.content()
        given = content.get("auth") if isinstance(content, dict) else None
        if not isinstance(given, str) or not given:
            raise VerificationError(MISSING_SIGNATURE)
        if len(given) != 32 or not given.isascii() or not given.isalnum():
            raise VerificationError(BAD_SIGNATURE)
        before, found, after = request.body.partition(given.encode())
        # Once as it stands, neither escaped nor repeated: then there is one place for the key.
        if not found or given.encode() in after:
            raise VerificationError(BAD_SIGNATURE)

        def fits(key: str) -> bool:
            digest = hashlib.md5(before + key.encode() + after, usedforsecurity=False)
            return equal(given, digest.hexdigest())

        account = account_of(secrets, fits)
        if account is None:
            raise VerificationError(BAD_SIGNATURE)
        return Verified(account)
