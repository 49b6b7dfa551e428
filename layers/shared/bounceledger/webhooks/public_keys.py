"""Schemes in which the provider signs with its private key.

The cryptography package does the mathematics. It is loaded when a request is verified, since only
the webhook function has it.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from bounceledger.errors import VerificationError
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import (
    BAD_SIGNATURE,
    MAX_SECRET,
    MISSING_HEADER,
    Secrets,
    Verified,
    account_of,
    check_that,
    check_time,
    header,
)

_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
"""How every public key on P-256 begins (RFC 5480 section 2): up to an uncompressed point."""
_RSA = bytes.fromhex("300d06092a864886f70d0101010500")
"""The algorithm in every RSA public key (RFC 3279 section 2.3.1)."""
_MIN_RSA = 160
"""Bytes of an RSA public key at least: one of 1,024 bits, which older Postal installations have,
has 162."""
_PEM = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----")


@dataclass(frozen=True, slots=True)
class SendGrid:
    """ECDSA on P-256 with SHA-256 of the time and the body.

    Source: "Getting Started with the Event Webhook Security Features", Twilio SendGrid.
    """

    needs: ClassVar[str] = "a verification key: base64 of a P-256 public key in DER form"

    def check_secret(self, text: str, *, field: str) -> None:
        """See `Scheme`."""
        der = _der(text)
        check_that(len(der) == 91 and der.startswith(_P256), self.needs, field)

    def verify(
        self, request: Request, secrets: Secrets, *, now: datetime, tolerance: timedelta
    ) -> Verified:
        """See `Scheme`."""
        signature = _signature(header(request, "x-twilio-email-event-webhook-signature"))
        time = header(request, "x-twilio-email-event-webhook-timestamp")
        check_time(time, now=now, tolerance=tolerance)
        signed = time.encode() + request.body

        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        def fits(secret: str) -> bool:
            try:
                key = load_der_public_key(_der(secret))
                if not isinstance(key, ec.EllipticCurvePublicKey):
                    return False
                key.verify(signature, signed, ec.ECDSA(SHA256()))
            except (InvalidSignature, UnsupportedAlgorithm, ValueError):
                return False
            return True

        account = account_of(secrets, fits)
        if account is None:
            raise VerificationError(BAD_SIGNATURE)
        return Verified(account)


@dataclass(frozen=True, slots=True)
class Postal:
    """RSA (PKCS #1 v1.5) of the body, with SHA-256, or SHA-1 from versions that send no other.

    Source: "Webhooks" in the Postal documentation, and its ``lib/postal/http.rb``. No time is
    signed. ``X-Postal-Signature-KID`` names the key, but is not signed itself, so each known key
    is tried whatever it says. If there is a SHA-256 signature, it alone counts.
    """

    needs: ClassVar[str] = "an RSA public key, as PEM or as base64 of its DER form"

    def check_secret(self, text: str, *, field: str) -> None:
        """See `Scheme`."""
        der = _der(text)
        check_that(len(der) >= _MIN_RSA and _RSA in der[:20], self.needs, field)

    def verify(
        self,
        request: Request,
        secrets: Secrets,
        *,
        now: datetime,  # noqa: ARG002 - no time is signed
        tolerance: timedelta,  # noqa: ARG002
    ) -> Verified:
        """See `Scheme`."""
        names = ("x-postal-signature-256", "x-postal-signature")
        name = next((name for name in names if name in request.headers), None)
        if name is None:
            raise VerificationError(MISSING_HEADER)
        signature = _signature(header(request, name))

        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        algorithm = hashes.SHA256() if name == names[0] else hashes.SHA1()  # noqa: S303

        def fits(secret: str) -> bool:
            try:
                key = load_der_public_key(_der(secret))
                if not isinstance(key, rsa.RSAPublicKey):
                    return False
                key.verify(signature, request.body, padding.PKCS1v15(), algorithm)
            except (InvalidSignature, UnsupportedAlgorithm, ValueError):
                return False
            return True

        account = account_of(secrets, fits)
        if account is None:
            raise VerificationError(BAD_SIGNATURE)
        return Verified(account)


def _signature(text: str) -> bytes:
    try:
        signature = base64.b64decode(text, validate=True)
    except ValueError:
        raise VerificationError(BAD_SIGNATURE) from None
    # Else several strings would stand for one signature: the last digit can have spare bits.
    if base64.b64encode(signature).decode() != text:
        raise VerificationError(BAD_SIGNATURE)
    return signature


def _der(text: str) -> bytes:
    """A public key's DER form; empty if the string is neither PEM nor base64."""
    if len(text) > MAX_SECRET:
        return b""
    text = text.strip()
    if text.startswith(_PEM[0]) and text.endswith(_PEM[1]):
        text = text.removeprefix(_PEM[0]).removesuffix(_PEM[1])
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return b""
