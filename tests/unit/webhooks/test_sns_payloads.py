"""Collected SNS messages, kept beside the repository in ``../shared/payloads``.

Some were signed by AWS itself, others with a throw-away key. What is expected of each is in the
manifest.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_certificate

from bounceledger.envelope import unwrap
from bounceledger.errors import SettingsError, VerificationError
from bounceledger.webhooks.sns import MessageType, SnsVerifier
from bounceledger.webhooks.sns_topics import parse_topic

PAYLOADS = Path(__file__).parents[4] / "shared" / "payloads"
NOW = "2026-03-01T10:05:00+00:00"
TOPIC = "arn:aws:sns:us-east-1:123456789012:ses-feedback"

KINDS = {
    "sns_subscription_confirmation": MessageType.SUBSCRIPTION_CONFIRMATION,
    "sns_unsubscribe_confirmation": MessageType.UNSUBSCRIBE_CONFIRMATION,
}
"""Words of the manifest; the others are notifications."""

REASONS = {
    "SigningCertURL": "bad_certificate_url",
    "SignatureVersion": "bad_signature_version",
    "Signature b64": "malformed",
    "both casings": "malformed",
    "stale/future": "stale",
    "type": "malformed",
    "control char in MessageId": "malformed",
}
"""Why a message is refused, in the manifest's words, and in ours."""

OTHER_REASONS = {"negative-031-resigned": "malformed"}
"""A version that is a number is no known version to the manifest, and malformed here."""


@cache
def manifest() -> tuple[dict[str, Any], ...]:
    path = PAYLOADS / "manifest.jsonl"
    if not path.exists():
        return ()
    return tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def entries(*layers: str, signed: bool | None = None) -> list[Any]:
    """The entries of layers; one that is skipped where the folder is missing.

    Args:
        layers: their names.
        signed: only those that must, or need not, be verified.
    """
    found = [
        pytest.param(item, id=item["id"])
        for item in manifest()
        if item["layer"] in layers and signed in (None, item.get("must_verify", False))
    ]
    skip = pytest.mark.skip(reason=f"no payloads of {', '.join(layers)} in {PAYLOADS}")
    return found or [pytest.param({}, id=layers[0], marks=skip)]


REAL = entries("signed_real", "sns_http", signed=True)
"""What AWS signed: notifications and subscriptions, with both versions."""


def content_of(entry: dict[str, Any]) -> Any:
    return json.loads((PAYLOADS / entry["file"]).read_text(encoding="utf-8"))


def fetch(url: str) -> bytes:
    """The file of that name, or the certificate of the throw-away key, as SNS would keep it."""
    file = PAYLOADS / "certs" / url.rpartition("/")[2]
    if not file.exists():
        file = PAYLOADS / "certs" / "TEST_ONLY_signing_cert.pem"
    return file.read_bytes()


def as_over_https(content: dict[str, Any]) -> dict[str, Any]:
    """A message to Lambda, with the names of HTTPS; none of those is signed."""
    names = {"SigningCertUrl": "SigningCertURL", "UnsubscribeUrl": "UnsubscribeURL"}
    return {names.get(name, name): value for name, value in content.items()}


@pytest.mark.parametrize("entry", REAL)
def test_what_aws_signed_is_verified(entry: dict[str, Any]) -> None:
    """With the certificate that AWS signed it with, at the time when it did."""
    # GIVEN a message of SNS, and the time when it was sent
    content = as_over_https(content_of(entry))
    sent = datetime.fromisoformat(content["Timestamp"])
    file = fetch(content["SigningCertURL"])
    certificate = load_pem_x509_certificate(file)
    assert certificate.not_valid_before_utc < sent < certificate.not_valid_after_utc

    # WHEN it is verified a second later
    verifier = SnsVerifier(
        [content["TopicArn"]], fetch=lambda _: file, now=lambda: sent + timedelta(seconds=1)
    )
    found = verifier.verify(content)

    # THEN it is accepted
    assert found.type == content["Type"]
    assert found.envelope["Message"] == content["Message"]


@pytest.mark.parametrize("entry", REAL)
@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "SignatureVersion"])
def test_what_aws_signed_is_refused_once_it_is_changed(entry: dict[str, Any], name: str) -> None:
    # GIVEN a message of SNS with one character changed
    content = as_over_https(content_of(entry))
    sent = datetime.fromisoformat(content["Timestamp"])
    changed = {
        "Message": content["Message"] + " ",
        "MessageId": content["MessageId"][::-1],
        "Timestamp": (sent + timedelta(milliseconds=1)).isoformat(timespec="milliseconds")[:-6]
        + "Z",
        "SignatureVersion": {"1": "2", "2": "1"}[content["SignatureVersion"]],
    }

    # THEN it is refused for its signature
    verifier = SnsVerifier([content["TopicArn"]], fetch=fetch, now=lambda: sent)
    with pytest.raises(VerificationError) as caught:
        verifier.verify({**content, name: changed[name]})
    assert caught.value.reason == "bad_signature"


@pytest.mark.parametrize("entry", REAL)
def test_an_old_message_of_aws_is_refused(entry: dict[str, Any]) -> None:
    """Its certificate has expired long since, too."""
    content = as_over_https(content_of(entry))
    verifier = SnsVerifier([content["TopicArn"]], fetch=fetch)
    with pytest.raises(VerificationError) as caught:
        verifier.verify(content)
    assert caught.value.reason == "stale"


@pytest.mark.parametrize("entry", entries("signed_test"))
def test_what_the_throw_away_key_signed_is_verified(entry: dict[str, Any]) -> None:
    # GIVEN a message, and the topic, certificate and time that the manifest has for it
    content = content_of(entry)
    file = (PAYLOADS / entry["cert"]).read_bytes()
    verifier = SnsVerifier(
        [entry["topic"]],
        fetch=lambda _: file,
        now=lambda: datetime.fromisoformat(entry["now"]),
    )

    # WHEN it is verified
    found = verifier.verify(content)

    # THEN it is what the manifest says
    kind = entry["expected"][0]["kind"]
    assert found.type is KINDS.get(kind, MessageType.NOTIFICATION)
    assert found.topic_arn == entry["topic"]

    # AND its message is unwrapped from what comes back as from what came
    if found.type is MessageType.NOTIFICATION:
        assert unwrap(found.envelope, provider="ses") == unwrap(content, provider="ses")


@pytest.mark.parametrize("entry", entries("signed_test_negative"))
def test_a_forged_message_is_refused(entry: dict[str, Any]) -> None:
    """For the reason that the manifest has: its signature would be right."""
    # GIVEN a forged message, which the throw-away key signed
    verifier = SnsVerifier(
        [entry.get("topic", TOPIC)],
        fetch=fetch,
        now=lambda: datetime.fromisoformat(entry.get("now", NOW)),
    )

    # WHEN it is verified
    with pytest.raises(VerificationError) as caught:
        verifier.verify(content_of(entry))

    # THEN it is refused
    expected = REASONS[entry["expected"][0]["ref_reason"]]
    assert caught.value.reason == OTHER_REASONS.get(entry["id"], expected)


@pytest.mark.parametrize("entry", entries("negative", "sns_http", signed=False))
def test_what_nobody_signed_is_refused(entry: dict[str, Any]) -> None:
    """Forgeries, events of other services, and messages whose certificate is not at hand."""
    # GIVEN a message of an accepted topic, if it has one
    content = content_of(entry)
    topics = topics_of(content)

    # WHEN it is verified, at the time that it has as well as at the usual one
    reasons = set()
    for moment in moments(content):
        verifier = SnsVerifier(topics, fetch=fetch, now=lambda now=moment: now)  # type: ignore[misc]
        with pytest.raises(VerificationError) as caught:
            verifier.verify(content)
        reasons.add(caught.value.reason)

    # THEN it is refused, a certificate of somebody else's for where it is
    if entry["expected"][0].get("why", "").startswith("SigningCertURL"):
        assert reasons == {"bad_certificate_url"}


def topics_of(content: Any) -> list[str]:
    """The topic of a message, if it can be an accepted one."""
    try:
        return [parse_topic(content["TopicArn"]).arn]
    except (KeyError, TypeError, SettingsError):
        return []


def moments(content: Any) -> Iterator[datetime]:
    yield datetime.fromisoformat(NOW)
    try:
        yield datetime.fromisoformat(content["Timestamp"])
    except (KeyError, TypeError, ValueError):
        return
