"""Signs requests as the providers do, with the standard library and keys made for it.

One `Case` per provider says how its request is made, and what its scheme covers.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from bounceledger.webhooks.credentials import Credentials
from bounceledger.webhooks.forms import URL_ENCODED
from bounceledger.webhooks.public_keys import Postal, SendGrid
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import Scheme
from bounceledger.webhooks.shared_keys import (
    BodyHmac,
    Mailgun,
    Mandrill,
    StandardWebhooks,
    UnisenderGo,
)

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
TOLERANCE = timedelta(minutes=5)
URL = "https://hooks.example.com/live/v1/webhooks/provider"

type Sign = Callable[[str, bytes, str], Request]
"""Makes a request of a secret (or the name of a key pair), a body and a time in seconds."""


def request_of(headers: Mapping[str, str], body: bytes, url: str = URL) -> Request:
    return Request(headers=headers, body=body, url=url, received_at=NOW)


def seconds(time: datetime = NOW) -> str:
    return str(int(time.timestamp()))


# --------------------------------------------------------------------------- key pairs


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A key on P-256, the same for the same name within one run."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """A key of 2,048 bits, likewise."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_der(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


# ----------------------------------------------------------------------------- signing


def sign_sendgrid(key: str, body: bytes, time: str) -> Request:
    signature = ec_key(key).sign(time.encode() + body, ec.ECDSA(hashes.SHA256()))
    return request_of(
        {
            "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
            "x-twilio-email-event-webhook-timestamp": time,
        },
        body,
    )


def sign_standard(key: str, body: bytes, time: str, prefix: str = "svix") -> Request:
    signed = b"msg_1." + time.encode() + b"." + body
    secret = base64.b64decode(key.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return request_of(
        {
            f"{prefix}-id": "msg_1",
            f"{prefix}-timestamp": time,
            f"{prefix}-signature": f"v1,{signature}",
        },
        body,
    )


def sign_mailgun(key: str, body: bytes, time: str) -> Request:
    token = "0123456789abcdef" * 3 + "01"
    signature = hmac.new(key.encode(), (time + token).encode(), hashlib.sha256).hexdigest()
    content = {
        "signature": {"timestamp": time, "token": token, "signature": signature},
        "event-data": json.loads(body),
    }
    return request_of({}, json.dumps(content).encode())


def sign_mailersend(key: str, body: bytes, _: str) -> Request:
    return request_of({"signature": hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}, body)


def sign_mailtrap(key: str, body: bytes, _: str) -> Request:
    signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return request_of({"mailtrap-signature": signature}, body)


def sign_mandrill(key: str, body: bytes, _: str) -> Request:
    events = f"[{body.decode()}]"
    signed = f"{URL}mandrill_events{events}".encode()
    signature = base64.b64encode(hmac.new(key.encode(), signed, hashlib.sha1).digest()).decode()
    return request_of(
        {"content-type": URL_ENCODED, "x-mandrill-signature": signature},
        urlencode({"mandrill_events": events}).encode(),
    )


def sign_postal(key: str, body: bytes, _: str) -> Request:
    private = rsa_key(key)
    strong = private.sign(body, padding.PKCS1v15(), hashes.SHA256())
    weak = private.sign(body, padding.PKCS1v15(), hashes.SHA1())
    return request_of(
        {
            "x-postal-signature-kid": "0" * 64,
            "x-postal-signature": base64.b64encode(weak).decode(),
            "x-postal-signature-256": base64.b64encode(strong).decode(),
        },
        body,
    )


def sign_unisender(key: str, body: bytes, _: str) -> Request:
    text = json.dumps({"auth": "@", "event": json.loads(body)})
    digest = hashlib.md5(text.replace("@", key, 1).encode()).hexdigest()
    return request_of({}, text.replace("@", digest, 1).encode())


def send_basic(key: str, body: bytes, _: str) -> Request:
    return request_of({"authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}, body)


def send_bearer(key: str, body: bytes, _: str) -> Request:
    return request_of({"authorization": f"Bearer {key}"}, body)


def send_header(key: str, body: bytes, _: str) -> Request:
    return request_of({"x-webhook-secret": key}, body)


# ------------------------------------------------------------------------------- cases


@dataclass(frozen=True)
class Case:
    """How one provider's requests are signed, and what that covers.

    Attributes:
        name: of the test.
        scheme: what is tested.
        sign: makes a request.
        secret: what it is verified with.
        other: another secret of the same kind.
        key: what it is signed with, where that is not the secret.
        other_key: likewise for `other`.
        covers_body: a changed body is refused.
        covers_time: an old request is refused.
        max_age: how old a request may be, where that is longer than the tolerance.
        in_body: the signature is a field of the body.
    """

    name: str
    scheme: Scheme
    sign: Sign
    secret: str
    other: str
    key: str = ""
    other_key: str = ""
    covers_body: bool = True
    covers_time: bool = False
    max_age: timedelta = field(default=TOLERANCE)
    in_body: bool = False

    def request(self, body: bytes = b'{"id": 1}', time: datetime = NOW) -> Request:
        return self.sign(self.key or self.secret, body, seconds(time))

    def other_request(self, body: bytes = b'{"id": 1}') -> Request:
        return self.sign(self.other_key or self.other, body, seconds())

    @property
    def signature(self) -> str:
        """Path of the signature: a header, or a field of the body."""
        return SIGNATURES[self.name]

    def with_signature(self, request: Request, text: str | None) -> Request:
        """The request with another signature, or without one (None)."""
        if not self.in_body:
            headers = {k: v for k, v in request.headers.items() if k != self.signature}
            return replace(
                request, headers=headers | ({} if text is None else {self.signature: text})
            )
        content = json.loads(request.body)
        block = (
            content
            if self.signature in content and self.name != "mailgun"
            else content["signature"]
        )
        del block[self.signature]
        if text is not None:
            block[self.signature] = text
        return replace(request, body=json.dumps(content).encode())

    def signature_of(self, request: Request) -> str:
        if not self.in_body:
            return request.headers[self.signature]
        content = json.loads(request.body)
        block = content["signature"] if self.name == "mailgun" else content
        return str(block[self.signature])


SIGNATURES = {
    "sendgrid": "x-twilio-email-event-webhook-signature",
    "resend": "svix-signature",
    "standard webhooks": "webhook-signature",
    "mailgun": "signature",
    "mailersend": "signature",
    "mailtrap": "mailtrap-signature",
    "mandrill": "x-mandrill-signature",
    "postal": "x-postal-signature-256",
    "unisender_go": "auth",
    "basic": "authorization",
    "bearer": "authorization",
    "header": "x-webhook-secret",
}

WHSEC = "whsec_" + base64.b64encode(b"a secret of 24 bytes ...").decode()
OTHER_WHSEC = "whsec_" + base64.b64encode(b"another one of 24 bytes.").decode()

CASES = (
    Case(
        "sendgrid",
        SendGrid(),
        sign_sendgrid,
        public_der(ec_key("a")),
        public_der(ec_key("b")),
        key="a",
        other_key="b",
        covers_time=True,
    ),
    Case("resend", StandardWebhooks(), sign_standard, WHSEC, OTHER_WHSEC, covers_time=True),
    Case(
        "standard webhooks",
        StandardWebhooks(),
        lambda key, body, time: sign_standard(key, body, time, "webhook"),
        WHSEC,
        OTHER_WHSEC,
        covers_time=True,
    ),
    Case(
        "mailgun",
        Mailgun(),
        sign_mailgun,
        "key-0123456789abcdef",
        "key-fedcba9876543210",
        covers_body=False,  # its token guards the content
        covers_time=True,
        max_age=timedelta(hours=9),
        in_body=True,
    ),
    Case(
        "mailersend",
        BodyHmac("signature", test_key="test_0123456789abcdef"),
        sign_mailersend,
        "0123456789abcdef0123456789abcdef",
        "fedcba9876543210fedcba9876543210",
    ),
    Case(
        "mailtrap",
        BodyHmac("mailtrap-signature"),
        sign_mailtrap,
        "0123456789abcdef0123456789abcdef",
        "fedcba9876543210fedcba9876543210",
    ),
    Case("mandrill", Mandrill(), sign_mandrill, "abcdefghijklmnopqrstuv", "vutsrqponmlkjihgfedcba"),
    Case(
        "postal",
        Postal(),
        sign_postal,
        public_pem(rsa_key("a")),
        public_pem(rsa_key("b")),
        key="a",
        other_key="b",
    ),
    Case(
        "unisender_go",
        UnisenderGo(),
        sign_unisender,
        "6abcdefghijklmnopqrstuvwxyz",
        "6zyxwvutsrqponmlkjihgfedcba",
        in_body=True,
    ),
    Case(
        "basic",
        Credentials(),
        send_basic,
        "hooks:0123456789abcdef",
        "hooks:fedcba9876543210",
        covers_body=False,
    ),
    Case(
        "bearer",
        Credentials(),
        send_bearer,
        "0123456789abcdef",
        "fedcba9876543210",
        covers_body=False,
    ),
    Case(
        "header",
        Credentials(),
        send_header,
        "0123456789abcdef",
        "fedcba9876543210",
        covers_body=False,
    ),
)
