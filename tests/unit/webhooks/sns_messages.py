"""SNS messages, signed with a key of the tests' own."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    CertificateBuilder,
    DNSName,
    Name,
    NameAttribute,
    NameOID,
    SubjectAlternativeName,
)

from bounceledger.errors import CertificateFetchError
from bounceledger.webhooks.sns import SnsVerifier

type Message = dict[str, Any]

NOW = datetime(2026, 3, 1, 10, 5, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:123456789012:bounces"
CERTIFICATE_URL = (
    "https://sns.us-east-1.amazonaws.com/"
    "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
)
NOTIFICATION_FIELDS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION_FIELDS = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
)


@cache
def private_key(size: int = 2048) -> rsa.RSAPrivateKey:
    """A throw-away key, made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def certificate(
    *,
    common_names: Sequence[str] = ("sns.amazonaws.com",),
    alternative_names: Sequence[str] = ("sns.amazonaws.com",),
    key: Any = None,
    not_before: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    not_after: datetime = datetime(2027, 1, 1, tzinfo=UTC),
) -> bytes:
    """A certificate's file; as SNS has them by default."""
    name = Name([NameAttribute(NameOID.COMMON_NAME, text) for text in common_names])
    builder = (
        CertificateBuilder()
        .subject_name(name)
        .issuer_name(Name([NameAttribute(NameOID.COMMON_NAME, "An authority")]))
        .public_key(key or private_key().public_key())
        .serial_number(1)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    if alternative_names:
        names = SubjectAlternativeName([DNSName(text) for text in alternative_names])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(private_key(), SHA256()).public_bytes(Encoding.PEM)


@cache
def usual_certificate() -> bytes:
    """The certificate that most tests use."""
    return certificate()


def notification(**changes: Any) -> Message:
    """A notification as SNS sends it, not yet signed."""
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": '{"eventType": "Bounce"}\n',
        "Timestamp": "2026-03-01T10:04:58.123Z",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        **changes,
    }


def confirmation(kind: str = "SubscriptionConfirmation", **changes: Any) -> Message:
    """A message about a subscription as SNS sends it, not yet signed."""
    return {
        "Type": kind,
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "Token": "2336412f37fb687f5d51e6e241d164b0",
        "TopicArn": TOPIC,
        "Message": "You have chosen to subscribe to the topic.\nTo confirm, visit the URL.",
        "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
        "Timestamp": "2026-03-01T10:04:58.123Z",
        **changes,
    }


def signed(
    message: Mapping[str, Any], *, version: str = "2", url: str = CERTIFICATE_URL
) -> Message:
    """A message with the signature that SNS would give it."""
    order = NOTIFICATION_FIELDS if message.get("Type") == "Notification" else CONFIRMATION_FIELDS
    text = ""
    for name in order:
        if message.get(name) is not None:
            text += f"{name}\n{message[name]}\n"
    algorithm = SHA1() if version == "1" else SHA256()
    signature = private_key().sign(
        text.encode("utf-8", "surrogatepass"), padding.PKCS1v15(), algorithm
    )
    return {
        **message,
        "SignatureVersion": version,
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": url,
    }


class Files:
    """The files of a host; keeps which were fetched.

    Args:
        files: by URL; an error is raised.
    """

    def __init__(self, files: Mapping[str, bytes | Exception] | None = None) -> None:
        self.files = {CERTIFICATE_URL: usual_certificate()} if files is None else dict(files)
        self.fetched: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        found = self.files.get(url, CertificateFetchError("no such file here"))
        if isinstance(found, Exception):
            raise found
        return found


def verifier(
    *,
    topics: Sequence[str] = (TOPIC,),
    files: Files | None = None,
    now: datetime = NOW,
    clock: Sequence[datetime] | None = None,
    **rest: Any,
) -> SnsVerifier:
    """A verifier at a fixed time, or at the first of `clock`, with certificates from memory."""
    moment = (lambda: clock[0]) if clock else (lambda: now)
    return SnsVerifier(topics, fetch=(files or Files()).fetch, now=moment, **rest)
