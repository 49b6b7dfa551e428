"""Signs requests as the providers do, for the local stack and the tests."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from bounceledger.providers.registry import PROVIDERS
from bounceledger.webhooks import credentials, public_keys, shared_keys
from bounceledger.webhooks.schemes import Sns


@dataclass(frozen=True, slots=True)
class KeyPair:
    """What signs and what verifies; the same where both sides share a secret.

    Attributes:
        signs: the provider's: a secret, or a private key in PEM form.
        verifies: ours, for the secrets document.
    """

    signs: str
    verifies: str


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that can be sent."""

    headers: Mapping[str, str]
    body: bytes


type _Sign = Callable[[str, str, str, bytes, datetime], tuple[Mapping[str, str], bytes]]
"""Of secret, URL, content type, body and time: the headers to add, and the body."""


def make_keys(provider: str) -> KeyPair:
    """A new test secret, or key pair, of a provider.

    Raises:
        KeyError: there is no such provider, or it has no secret.
    """
    return _KEYS[type(PROVIDERS[provider])]()


def signed_providers() -> list[str]:
    """Every provider that has a secret, in order."""
    return [name for name, scheme in PROVIDERS.items() if not isinstance(scheme, Sns)]


def sign(
    provider: str, key: str, *, url: str, content_type: str, body: bytes, now: datetime
) -> SignedRequest:
    """A request as the provider would send it.

    Args:
        provider: a name in `providers.registry.PROVIDERS`.
        key: what signs, see `KeyPair`.
        url: of the webhook, as it is configured there.
        content_type: of the body.
        body: without a signature, where that stands in the body.
        now: aware.
    """
    scheme: Any = PROVIDERS[provider]
    headers: Mapping[str, str]
    if isinstance(scheme, shared_keys.BodyHmac):
        headers = {scheme.header: hmac.digest(key.encode(), body, "sha256").hex()}
    else:
        headers, body = _SIGN[type(scheme)](key, url, content_type, body, now)
    return SignedRequest({"Content-Type": content_type, **headers}, body)


def _shared(make: Callable[[], str]) -> Callable[[], KeyPair]:
    def pair() -> KeyPair:
        secret = make()
        return KeyPair(secret, secret)

    return pair


def _pair(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> KeyPair:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(private.decode(), base64.b64encode(public).decode())


def _whsec() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


_KEYS: Mapping[type, Callable[[], KeyPair]] = {
    public_keys.SendGrid: lambda: _pair(ec.generate_private_key(ec.SECP256R1())),
    public_keys.Postal: lambda: _pair(rsa.generate_private_key(65537, 2048)),
    shared_keys.StandardWebhooks: _shared(_whsec),
    shared_keys.BodyHmac: _shared(lambda: secrets.token_hex(16)),
    shared_keys.Mandrill: _shared(lambda: secrets.token_hex(16)),
    shared_keys.Mailgun: _shared(lambda: secrets.token_hex(16)),
    shared_keys.UnisenderGo: _shared(lambda: secrets.token_hex(16)),
    credentials.Credentials: _shared(lambda: f"webhook:{secrets.token_hex(16)}"),
}


def _sendgrid(
    key: str, _url: str, _type: str, body: bytes, now: datetime
) -> tuple[Mapping[str, str], bytes]:
    time = str(int(now.timestamp()))
    private = load_pem_private_key(key.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    signature = private.sign(time.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": time,
    }, body


def _postal(
    key: str, _url: str, _type: str, body: bytes, _now: datetime
) -> tuple[Mapping[str, str], bytes]:
    private = load_pem_private_key(key.encode(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    signature = private.sign(body, padding.PKCS1v15(), hashes.SHA256())
    return {"X-Postal-Signature-256": base64.b64encode(signature).decode()}, body


def _svix(
    key: str, _url: str, _type: str, body: bytes, now: datetime
) -> tuple[Mapping[str, str], bytes]:
    message, time = f"msg_{secrets.token_hex(12)}", str(int(now.timestamp()))
    secret = base64.b64decode(key.removeprefix("whsec_"))
    digest = hmac.digest(secret, f"{message}.{time}.".encode() + body, "sha256")
    return {
        "svix-id": message,
        "svix-timestamp": time,
        "svix-signature": "v1," + base64.b64encode(digest).decode(),
    }, body


def _mandrill(
    key: str, url: str, _type: str, body: bytes, _now: datetime
) -> tuple[Mapping[str, str], bytes]:
    fields = sorted(parse_qsl(body.decode(), keep_blank_values=True))
    signed = url + "".join(name + value for name, value in fields)
    digest = hmac.digest(key.encode(), signed.encode(), "sha1")
    return {"X-Mandrill-Signature": base64.b64encode(digest).decode()}, body


def _mailgun(
    key: str, _url: str, content_type: str, body: bytes, now: datetime
) -> tuple[Mapping[str, str], bytes]:
    time, token = str(int(now.timestamp())), secrets.token_hex(25)
    signature = {
        "timestamp": time,
        "token": token,
        "signature": hmac.digest(key.encode(), (time + token).encode(), "sha256").hex(),
    }
    if content_type.startswith("application/json"):
        return {}, json.dumps({**json.loads(body), "signature": signature}).encode()
    kept = [pair for pair in parse_qsl(body.decode(), True) if pair[0] not in signature]
    return {}, urlencode([*kept, *signature.items()]).encode()


def _unisender(
    key: str, _url: str, _type: str, body: bytes, _now: datetime
) -> tuple[Mapping[str, str], bytes]:
    content = json.loads(body)
    with_key = json.dumps({**content, "auth": key}, separators=(",", ":"))
    digest = hashlib.md5(with_key.encode(), usedforsecurity=False).hexdigest()
    return {}, with_key.replace(key, digest, 1).encode()


def _credentials(
    key: str, _url: str, _type: str, body: bytes, _now: datetime
) -> tuple[Mapping[str, str], bytes]:
    encoded = base64.b64encode(key.encode()).decode()
    return {"Authorization": f"Basic {encoded}" if ":" in key else f"Bearer {key}"}, body


_SIGN: Mapping[type, _Sign] = {
    public_keys.SendGrid: _sendgrid,
    public_keys.Postal: _postal,
    shared_keys.StandardWebhooks: _svix,
    shared_keys.Mandrill: _mandrill,
    shared_keys.Mailgun: _mailgun,
    shared_keys.UnisenderGo: _unisender,
    credentials.Credentials: _credentials,
}
