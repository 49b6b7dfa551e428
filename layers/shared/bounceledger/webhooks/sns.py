"""Messages that Amazon SNS sends by HTTPS: whether SNS signed them, for one of our topics.

What is signed is a string of the message's fields ("Verifying the signature of an Amazon SNS
message when using HTTP query-based requests"). Nothing in it is escaped, and it does not cover
every field, so a message is read strictly, and what is returned holds the signed fields only:

- Names are as SNS spells them over HTTPS. Nothing may differ from another name only in case,
  since later readers may ignore it.
- Only ``Message`` may have line breaks. Otherwise part of a field could pose as another field,
  such as a subject as the end of a message's id, under the same signature.
- ``SignatureVersion`` is not signed; another than the true one fails, as the hash is another.

Messages by raw delivery are not signed, so they are refused.
"""

import base64
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from string import digits
from typing import Any

from bounceledger import strict_json
from bounceledger.errors import InputError, VerificationError
from bounceledger.webhooks.schemes import STALE
from bounceledger.webhooks.sns_certificates import Certificates, fetch_certificate
from bounceledger.webhooks.sns_topics import parse_topic

MAX_AGE = timedelta(hours=2)
"""How old a message may be. SNS retries a delivery with the same time for at most an hour, whatever
the delivery policy ("Amazon SNS message delivery retries"), and takes 401 for an answer, so that a
message refused too early is lost. The second hour is for deliveries that were throttled or slow. A
message that comes again within it is recorded once, as any event."""
MAX_AHEAD = timedelta(minutes=5)
"""How far a message may be ahead of our clock."""
SIGNATURE_VERSIONS = frozenset({"1", "2"})
"""SHA-1, which SNS uses unless the topic's attribute ``SignatureVersion`` is 2, and SHA-256."""
MAX_SIGNATURE = 1024
"""Characters of a signature: 684 by the largest key."""
MAX_SUBJECT = 256
"""Characters of a subject: SNS takes fewer than 100."""

MALFORMED = "malformed"
"""Not in the form that SNS messages have over HTTPS."""
BAD_SIGNATURE_VERSION = "bad_signature_version"
UNKNOWN_TOPIC = "unknown_topic"

_BREAKS = frozenset({"Cc", "Zl", "Zp"})
"""Unicode categories of control characters and line breaks."""
_ZEROS = str.maketrans(digits, "0" * 10)


class MessageType(StrEnum):
    """What a message is."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION_CONFIRMATION = "SubscriptionConfirmation"
    UNSUBSCRIBE_CONFIRMATION = "UnsubscribeConfirmation"


_CONFIRMATION = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
)
_SIGNED_FIELDS = {
    MessageType.NOTIFICATION: (
        *("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    ),
    MessageType.SUBSCRIPTION_CONFIRMATION: _CONFIRMATION,
    MessageType.UNSUBSCRIBE_CONFIRMATION: _CONFIRMATION,
}
"""The fields that are signed, in the order in which they are."""


def read_body(body: bytes) -> Any:
    """The JSON value of a request's body, whatever its type says: SNS says ``text/plain``.

    Raises:
        InputError: it is not JSON, or an object in it has a name twice, of which another reader
            may take the other.
    """
    try:
        return strict_json.loads(body.decode(), unambiguous=True)
    except (RecursionError, ValueError):
        raise InputError("is not valid JSON", field="body") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsMessage:
    """A message that SNS signed, for one of our topics.

    Attributes:
        type: what it is. A notification has an event; a subscription's confirmation is for
            `SubscriptionConfirmer`; the end of a subscription needs a line in the log, and
            must not be confirmed: that would subscribe again.
        topic_arn: its topic.
        region: the topic's region.
        token: confirms a subscription; empty for a notification.
        envelope: the signed fields, as `envelope.unwrap` reads them.
    """

    type: MessageType
    topic_arn: str
    region: str
    token: str = field(repr=False)
    envelope: Mapping[str, str] = field(repr=False)


class SnsVerifier:
    """Verifies messages. Keep it for the execution environment: it holds the certificates.

    Args:
        topics: ARNs of the topics whose messages are accepted, from any account, region and
            partition.
        fetch: gets a certificate's file by its URL.
        now: the present, aware.
        max_age: how old a message may be.
        signature_versions: those accepted; only ``2`` refuses SHA-1.

    Raises:
        SettingsError: one of the topics is not the ARN of a standard topic.
    """

    def __init__(
        self,
        topics: Iterable[str],
        *,
        fetch: Callable[[str], bytes] = fetch_certificate,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        max_age: timedelta = MAX_AGE,
        signature_versions: Collection[str] = SIGNATURE_VERSIONS,
    ) -> None:
        self._topics = {arn: parse_topic(arn) for arn in topics}
        self._certificates = Certificates(fetch=fetch)
        self._now = now
        self._max_age = max_age
        self._signature_versions = frozenset(signature_versions) & SIGNATURE_VERSIONS

    def verify(self, content: object) -> SnsMessage:
        """The message of a request.

        Whatever can be told without a certificate comes first, so that nothing is fetched for
        anything but a recent message of one of our topics.

        Args:
            content: what `read_body` gives.

        Raises:
            VerificationError: it is not a message that SNS signed, or not a recent one of an
                accepted topic.
            CertificateFetchError: its certificate could not be fetched. Answer 503, upon which
                SNS sends the message again; after 401 it does not.
        """
        fields = _fields(content)
        kind, envelope = _signed_fields(fields)
        version = _string(fields, "SignatureVersion")
        if version not in self._signature_versions:
            raise VerificationError(BAD_SIGNATURE_VERSION)
        signature = _signature(_string(fields, "Signature"))
        topic = self._topics.get(envelope["TopicArn"])
        if topic is None:
            raise VerificationError(UNKNOWN_TOPIC)
        now = self._now()
        self._check_age(_timestamp(envelope["Timestamp"]), now)
        signed = _canonical(envelope)
        certificate = self._certificates.get(topic, _string(fields, "SigningCertURL"), now=now)
        certificate.verify(signature, signed, version=version)
        return SnsMessage(
            type=kind,
            topic_arn=topic.arn,
            region=topic.region,
            token=envelope.get("Token", ""),
            envelope=envelope,
        )

    def _check_age(self, sent: datetime, now: datetime) -> None:
        if now - sent > self._max_age or sent - now > MAX_AHEAD:
            raise VerificationError(STALE)


def _fields(content: object) -> Mapping[str, Any]:
    """The message's fields, whose names differ in more than case."""
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        raise VerificationError(MALFORMED)
    if len({name.casefold() for name in content}) < len(content):
        raise VerificationError(MALFORMED)
    return content


def _signed_fields(fields: Mapping[str, Any]) -> tuple[MessageType, dict[str, str]]:
    """What a message is, and its signed fields in their order."""
    try:
        kind = MessageType(_string(fields, "Type"))
    except ValueError:
        raise VerificationError(MALFORMED) from None
    # Without a subject SNS leaves it out over HTTPS, and says null elsewhere.
    names = [
        name for name in _SIGNED_FIELDS[kind] if name != "Subject" or fields.get(name) is not None
    ]
    found = {name: _string(fields, name) for name in names}
    if not all(_is_well_formed(name, value) for name, value in found.items()):
        raise VerificationError(MALFORMED)
    return kind, found


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise VerificationError(MALFORMED)
    return value


def _is_well_formed(name: str, value: str) -> bool:
    """Whether a field cannot be mistaken for two."""
    if name == "Message":
        return True
    if name == "Subject":
        return len(value) <= MAX_SUBJECT and not any(
            unicodedata.category(letter) in _BREAKS for letter in value
        )
    return value != "" and value.isascii() and value.isprintable()


def _signature(text: str) -> bytes:
    try:
        if len(text) > MAX_SIGNATURE:
            raise ValueError("too long")
        signature = base64.b64decode(text)
    except ValueError:
        raise VerificationError(MALFORMED) from None
    # The decoder passes over other characters and bits that are left over.
    if not signature or base64.b64encode(signature).decode() != text:
        raise VerificationError(MALFORMED)
    return signature


def _timestamp(text: str) -> datetime:
    """A time as SNS writes it, such as ``2026-03-01T10:00:06.123Z``."""
    shape = text.translate(_ZEROS) if len(text) <= 24 else ""
    try:
        if shape not in ("0000-00-00T00:00:00.000Z", "0000-00-00T00:00:00Z"):
            raise ValueError("another form")
        return datetime.fromisoformat(text)
    except ValueError:
        raise VerificationError(MALFORMED) from None


def _canonical(envelope: Mapping[str, str]) -> bytes:
    """The string that is signed: each name and value on lines of their own."""
    text = "".join([f"{name}\n{value}\n" for name, value in envelope.items()])
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        raise VerificationError(MALFORMED) from None
