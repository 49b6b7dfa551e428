"""Signatures that others made: the providers' own examples, and independent implementations."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bounceledger.errors import VerificationError
from bounceledger.webhooks.public_keys import Postal, SendGrid
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import Scheme, Verified
from bounceledger.webhooks.shared_keys import (
    BodyHmac,
    Mailgun,
    Mandrill,
    StandardWebhooks,
    UnisenderGo,
)
from tests.unit.webhooks.signing import NOW, TOLERANCE, WHSEC, request_of, seconds

SHARED = Path(__file__).parents[3].parent / "shared" / "payloads" / "other_esp"
AGES = timedelta(days=36_500)
"""A tolerance that admits signatures of any time."""


def verify(scheme: Scheme, request: Request, secret: str, at: datetime = NOW) -> Verified:
    return scheme.verify(request, {"main": [secret]}, now=at, tolerance=TOLERANCE)


# --------------------------------------------------------------- published by the vendors


def test_sendgrid_s_published_example() -> None:
    """Key, signature and payload of the tests of SendGrid's own libraries."""
    # GIVEN the example, of which the last two bytes are signed as well
    body = (
        b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
        b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
        b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-'
        b'5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",'
        b'"timestamp":1600112492}]\r\n'
    )
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe6"
        "2gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
    )
    headers = {
        "x-twilio-email-event-webhook-signature": (
            "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15"
            "TluLtEZtM="
        ),
        "x-twilio-email-event-webhook-timestamp": "1600112502",
    }
    at = datetime.fromtimestamp(1600112502, UTC)

    # THEN its key fits, and it is refused without them
    SendGrid().check_secret(key, field="x")
    assert verify(SendGrid(), request_of(headers, body), key, at).account == "main"
    with pytest.raises(VerificationError, match="bad_signature"):
        verify(SendGrid(), request_of(headers, body.strip()), key, at)


@pytest.mark.parametrize("prefix", ["svix", "webhook"])
def test_the_example_of_standard_webhooks(prefix: str) -> None:
    """Of the tests of the reference implementations, Svix's own among them."""
    headers = {
        f"{prefix}-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        f"{prefix}-timestamp": "1614265330",
        f"{prefix}-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    request = request_of(headers, b'{"test": 2432232314}')
    at = datetime.fromtimestamp(1614265330, UTC)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    StandardWebhooks().check_secret(secret, field="x")
    assert verify(StandardWebhooks(), request, secret, at).account == "main"


def test_mailtrap_s_published_example() -> None:
    """The fixture that Mailtrap's libraries share."""
    body = (
        b'{"event":"delivery","sending_stream":"transactional","category":"welcome",'
        b'"message_id":"a8b1d8f6-1f8d-4a3c-9b2e-1a2b3c4d5e6f","email":"recipient@example.com",'
        b'"event_id":"f1e2d3c4-b5a6-7890-1234-567890abcdef","timestamp":1716070000}'
    )
    signature = "6d262e2611cd09be1f948382b5c611d63b0e585c4c9c5e40139d6ac3876d5433"
    secret = "8d9a3c0e7f5b2d4a6c1e9f8b3a7d5c2e"
    request = request_of({"mailtrap-signature": signature}, body)
    assert verify(BodyHmac("mailtrap-signature"), request, secret).account == "main"


# ------------------------------------------------------------------ made by other programs


@pytest.mark.parametrize(
    ("header", "signature"),
    [
        (
            "x-postal-signature-256",
            (
                "PIrQkcq8JOHHELsYV1hkJuHZ32eaR7Pk1IeAfM52H06U34meu6GvlzztMc7fW+fBg6K+jNnNpOwKTMijDYXMoX"
                "xnBzOZIw1IKqyH9ZQMGffNaI7WgmSJlySlujsxMUDEbiottSPtbz1EjM/QMrYZys4sTT9jfy7yfc/zppfbQcg="
            ),
        ),
        (
            "x-postal-signature",
            (
                "qyoEBWiHJ54n+qJGh5SW0ks8VmzZFDkkVuQ8w+fFkbO8z/2tjedEU8PI77BB83h/+/vDWjU2iFoCUfgV4jsgYG"
                "9xmcj+5Aaqn0qmiaqu+GOdSrFkQwf5iRQbcJcDoIANRCsYb2mO1mzlnk33aAW69o3Y2aZE3kqqGuFpd3WBlHc="
            ),
        ),
    ],
    ids=["SHA-256", "SHA-1"],
)
def test_postal_s_signatures_as_openssl_makes_them(header: str, signature: str) -> None:
    """Made by ``openssl dgst -sha256 -sign`` and ``-sha1``; Postal calls the same library.

    The key has 1,024 bits, as those of older installations.
    """
    body = (
        b'{"event":"MessageSent","timestamp":1795687200.5,"payload":{"status":"Sent"},'
        b'"uuid":"0f0e7a0c-6a1b-4b7e-9c3e-3f0a4d1c2b5a"}'
    )
    key = (
        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC9A7DqZcO9mLI3l4xWsXIUVeRBKFFZDNTreQA//j4Fy1NsV6JZ"
        "WAzJ5qShIa9y1XlLjRPGJXy7i/1m3j/zW3KEd/1fEal2aqWqZq8GcihlXQv34iTngCZTDQ5fZYt9To6U8Bj68huY"
        "DaqYEL3q4vJxZlQscsuvby8vbCih0CDYsQIDAQAB"
    )
    Postal().check_secret(key, field="x")
    assert verify(Postal(), request_of({header: signature}, body), key).account == "main"


@pytest.mark.parametrize("prefix", ["svix", "webhook"])
def test_signatures_of_the_standardwebhooks_package(prefix: str) -> None:
    """Ours and its own verification agree on requests that it signed, and on changed ones."""
    # GIVEN a request that the reference implementation signed now
    package = pytest.importorskip("standardwebhooks.webhooks", reason="make setup installs it")
    webhook = package.Webhook(WHSEC)
    at = datetime.now(UTC).replace(microsecond=0)
    body = '{"type": "email.bounced", "name": "Zoë"}'
    signature = webhook.sign("msg_2", at, body)

    for given, fits in [
        (signature, True),
        (f"v1,AAAA {signature}", True),
        (f"v2,AAAA {signature} v1,AAAA", True),
        (signature.replace("v1,", "v2,"), False),
        ("v1," + base64.b64encode(b"x" * 32).decode(), False),
    ]:
        headers = {"id": "msg_2", "timestamp": seconds(at), "signature": given}
        request = request_of({f"{prefix}-{k}": v for k, v in headers.items()}, body.encode())

        # WHEN both verify it
        try:
            webhook.verify(body, {f"webhook-{k}": v for k, v in headers.items()})
            theirs = True
        except package.WebhookVerificationError:
            theirs = False
        try:
            verify(StandardWebhooks(), request, WHSEC, at)
            ours = True
        except VerificationError:
            ours = False

        # THEN they agree
        assert (ours, theirs) == (fits, fits)


# ---------------------------------------------------------- signed by django-anymail's tests

MAILERSEND_KEY = "TEST_WEBHOOK_SIGNING_SECRET"
MAILGUN_KEYS = ("TEST_WEBHOOK_SIGNING_KEY", "key-0p6mqbf74lb20gzq9f4dhpn9rg3zyk26")
MANDRILL_KEY = "TEST_WEBHOOK_KEY"
UNISENDER_KEY = "TEST_API_KEY"
RESEND_KEY = "whsec_" + base64.b64encode(b"TEST_SIGNING_SECRET").decode()

REPLACED = {
    "117_resend-test-complained-event",
    "119_resend-test-delivery-delayed-event",
    "120_resend-test-hard-bounced-event",
    "178_unisender-go-test-actual-signed-payload",
}
"""Payloads whose addresses were replaced after they had been signed."""
BAD = {
    "029_mailersend-test-verifies-bad-signature",
    "056_mailgun-test-verifies-missing-signature",
    "082_mandrill-test-post-request-invalid-json",
    "091_mandrill-test-verifies-missing-signature",
    "093_mandrill-test-requires-webhook-key",
    "179_unisender-go-test-error-includes-project-id",
    "180_unisender-go-test-error-includes-project-id-single-event",
    *(f"{n}_unisender-go-test-rejects-problem-signatures" for n in (188, 191, 193, 195)),
}
"""Payloads whose signature is wrong or missing, since the test is about that."""

FILES = sorted(SHARED.glob("*_*.json")) if SHARED.exists() else []


def bodies(payload: dict[str, Any]) -> list[bytes]:
    """What the test may have sent: the shared payload holds the value, not the bytes."""
    if "raw" in payload:
        return [str(payload["raw"]).encode()]
    value = payload["json"]
    texts = [
        json.dumps(value),
        json.dumps(value, separators=(",", ":")),
        json.dumps(value, ensure_ascii=False),
        json.dumps(value, indent=4),
        json.dumps(value, sort_keys=True),
    ]
    return [text.encode() for text in (*texts, *(t.replace("/", "\\/") for t in texts))]


def accounts(scheme: Scheme, requests: list[Request], *secrets: str) -> set[str]:
    """The accounts of those requests that are verified."""
    found = set()
    for request in requests:
        try:
            known = {"main": list(secrets)}
            found.add(scheme.verify(request, known, now=NOW, tolerance=AGES).account)
        except VerificationError:
            pass
    return found


def of(provider: str) -> pytest.MarkDecorator:
    found = [path for path in FILES if path.stem.split("_", 1)[1].startswith(f"{provider}-")]
    if not found:
        return pytest.mark.skip(reason="../shared has no payloads here")
    return pytest.mark.parametrize("path", found, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return payload


def expected(path: Path) -> set[str]:
    return set() if path.stem in BAD | REPLACED else {"main"}


@of("mailersend")
def test_shared_payloads_of_mailersend(path: Path) -> None:
    payload = read(path)
    headers = {"signature": payload["headers"]["Signature"]}
    requests = [request_of(headers, body) for body in bodies(payload)]
    assert accounts(BodyHmac("signature"), requests, MAILERSEND_KEY) == expected(path)


@of("mailgun")
def test_shared_payloads_of_mailgun(path: Path) -> None:
    payload = read(path)
    headers = {"content-type": payload["content_type"]}
    requests = [request_of(headers, body) for body in bodies(payload)]
    assert accounts(Mailgun(), requests, *MAILGUN_KEYS) == expected(path)


@of("mandrill")
def test_shared_payloads_of_mandrill(path: Path) -> None:
    # GIVEN a form with one field, and the URLs that the tests called
    payload = read(path)
    events = payload["raw"].split("\r\n\r\n", 1)[1].rsplit("\r\n--", 1)[0]
    text = payload["headers"].get("X-Mandrill-Signature", "").removeprefix("b'").rstrip("'")
    headers = {"content-type": payload["content_type"], "x-mandrill-signature": text}
    assert events.startswith(("[", "GARBAGE"))
    logins = ("", "username:password@", "cred1:pass1@", "cred2:pass2@", "baduser:wrongpassword@")
    urls = [
        *(f"http://{login}testserver/anymail/mandrill/" for login in logins),
        "http://username:password@testserver/anymail/mandrill/tracking/",
        "https://abcde:12345@example.com/anymail/mandrill/",
    ]

    # THEN one of them was signed
    requests = [
        Request(headers=headers, body=payload["raw"].encode(), url=url, received_at=NOW)
        for url in urls
    ]
    assert accounts(Mandrill(), requests, MANDRILL_KEY) == expected(path)


@of("resend")
def test_shared_payloads_of_resend(path: Path) -> None:
    # GIVEN the headers, in which the test did not cut off the fraction of a second
    payload = read(path)
    headers = {name.lower(): str(value) for name, value in payload["headers"].items()}
    if "svix-timestamp" in headers:
        headers["svix-timestamp"] = headers["svix-timestamp"].partition(".")[0]
    requests = [request_of(headers, body) for body in bodies(payload)]
    assert accounts(StandardWebhooks(), requests, RESEND_KEY) == expected(path)


@of("unisender-go")
def test_shared_payloads_of_unisender_go(path: Path) -> None:
    requests = [request_of({}, body) for body in bodies(read(path))]
    assert accounts(UnisenderGo(), requests, UNISENDER_KEY) == expected(path)
