"""What is special about each scheme with a shared key."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from bounceledger.errors import InputError, VerificationError
from bounceledger.webhooks.forms import URL_ENCODED
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import Scheme, SingleUseToken, Verified
from bounceledger.webhooks.shared_keys import (
    BodyHmac,
    Mailgun,
    Mandrill,
    StandardWebhooks,
    UnisenderGo,
)
from tests.unit.webhooks.signing import (
    NOW,
    TOLERANCE,
    URL,
    WHSEC,
    request_of,
    seconds,
    sign_mailersend,
    sign_mandrill,
    sign_standard,
    sign_unisender,
)

KEY = "key-0123456789abcdef"
OTHER = "key-fedcba9876543210"


def verify(scheme: Scheme, request: Request, *secrets: str) -> Verified:
    return scheme.verify(request, {"main": list(secrets)}, now=NOW, tolerance=TOLERANCE)


def refused(scheme: Scheme, request: Request, *secrets: str) -> str:
    with pytest.raises(VerificationError) as caught:
        verify(scheme, request, *secrets)
    return caught.value.reason


# ----------------------------------------------------------------------------- Mailgun


def signature(key: str = KEY, token: str = "t" * 50, time: str = "") -> dict[str, Any]:
    time = time or seconds()
    digest = hmac.new(key.encode(), (time + token).encode(), hashlib.sha256).hexdigest()
    return {"timestamp": time, "token": token, "signature": digest}


def mailgun(content: object) -> Request:
    return request_of({}, json.dumps(content).encode())


def token_of(request: Request, *secrets: str) -> SingleUseToken:
    token = verify(Mailgun(), request, *(secrets or (KEY,))).token
    assert token is not None
    return token


EVENT = {"id": "a", "recipient": "someone@example.com", "tags": ["x"]}


def test_a_retry_is_the_same_token_with_the_same_content() -> None:
    """Whatever order and spaces Mailgun serializes it with the second time."""
    # GIVEN an event, and the same in another serialization
    first = mailgun({"signature": signature(), "event-data": EVENT})
    retry = request_of(
        {},
        json.dumps(
            {"event-data": dict(reversed(EVENT.items())), "signature": signature()}, indent=1
        ).encode(),
    )

    # THEN both have the same token and content
    assert first.body != retry.body
    assert token_of(first) == token_of(retry)


@pytest.mark.parametrize(
    "content",
    [
        {"event-data": {**EVENT, "recipient": "other@example.com"}},
        {"event-data": {**EVENT, "tags": ["x", "y"]}},
        {"event-data": EVENT, "more": 1},
        {},
    ],
)
def test_a_token_with_other_content_is_told_apart(content: dict[str, Any]) -> None:
    first = token_of(mailgun({"signature": signature(), "event-data": EVENT}))
    other = token_of(mailgun({"signature": signature(), **content}))
    assert first.key == other.key
    assert first.content != other.content


def test_a_token_does_not_show_itself() -> None:
    """Its key is stored, and whoever reads the table must not learn the token."""
    token = token_of(mailgun({"signature": signature(), "event-data": EVENT}))
    assert "t" * 50 not in str(token)
    assert len(token.key) == len(token.content) == 64


def test_the_same_token_of_two_accounts_is_two_tokens() -> None:
    secrets = {"a": [KEY], "b": [OTHER]}
    tokens = [
        Mailgun().verify(
            mailgun({"signature": signature(key)}), secrets, now=NOW, tolerance=TOLERANCE
        )
        for key in (KEY, OTHER)
    ]
    assert [verified.account for verified in tokens] == ["a", "b"]
    assert tokens[0].token != tokens[1].token


def test_a_token_is_guarded_for_as_long_as_it_is_accepted() -> None:
    """The marker must not go before the request itself is refused as stale."""
    # GIVEN a request of nine hours ago, the oldest that is accepted
    old = NOW - timedelta(hours=9)
    request = mailgun({"signature": signature(time=seconds(old))})
    assert token_of(request).expires == NOW

    # THEN a longer tolerance also keeps it longer
    verified = Mailgun().verify(request, {"a": [KEY]}, now=NOW, tolerance=timedelta(hours=10))
    assert verified.token is not None
    assert verified.token.expires == NOW + timedelta(hours=1)


def test_the_parent_account_s_signature_counts_as_well() -> None:
    """An event of a subaccount has both; the endpoint may know either key."""
    block = {**signature(OTHER), "parent-signature": signature(KEY)["signature"]}
    assert verify(Mailgun(), mailgun({"signature": block}), KEY).account == "main"
    assert verify(Mailgun(), mailgun({"signature": block}), OTHER).account == "main"
    assert refused(Mailgun(), mailgun({"signature": block}), "x" * 16) == "bad_signature"


def test_a_time_may_be_a_number() -> None:
    block = {**signature(), "timestamp": int(seconds())}
    assert verify(Mailgun(), mailgun({"signature": block}), KEY).account == "main"


@pytest.mark.parametrize(
    "block",
    [
        {**signature(), "token": ["t" * 50]},
        {**signature(), "token": "t" * 257},
        {**signature(), "timestamp": True},
        {**signature(), "timestamp": 1.5},
        {**signature(), "timestamp": -1},
        {**signature(), "timestamp": 10**40},
        {**signature(), "signature": {}},
        {},
        [],
        "x",
        None,
    ],
)
def test_a_broken_signature_block_is_refused(block: object) -> None:
    request = mailgun({"signature": block, "event-data": EVENT})
    assert refused(Mailgun(), request, KEY) == "missing_signature"


def form(*pairs: tuple[str, str]) -> Request:
    return request_of({"content-type": URL_ENCODED}, urlencode(pairs).encode())


def test_a_legacy_form_has_its_signature_among_its_fields() -> None:
    """The last of a repeated one is Mailgun's: the sender's variables come before."""
    # GIVEN a form, one with a variable of the sender's, and one of another event
    fields = list(signature().items())
    plain = form(("event", "bounced"), *fields)
    variable = form(("event", "bounced"), ("token", "of the sender"), *fields)
    other = form(("event", "complained"), *fields)

    # THEN all are verified, and what they say is told apart
    assert token_of(plain) == token_of(variable)
    assert token_of(plain).key == token_of(other).key
    assert token_of(plain).content != token_of(other).content


def test_content_that_is_nested_too_deeply_is_refused() -> None:
    for depth, accepted in ((500, True), (500_000, False)):
        block = json.dumps(signature())
        body = f'{{"signature": {block}, "a": {"[" * depth}{"]" * depth}}}'
        request = request_of({}, body.encode())
        if accepted:
            assert verify(Mailgun(), request, KEY).account == "main"
        else:
            with pytest.raises(InputError, match="body is not valid JSON"):
                verify(Mailgun(), request, KEY)


# -------------------------------------------------------------------- MailerSend's test

TEST_KEY = "test_0123456789abcdef"
MAILERSEND = BodyHmac("signature", test_key=TEST_KEY)
PING = b'{"type": "webhook.test", "message": "This is a ping test message"}'


def test_a_test_of_the_url_needs_no_secret() -> None:
    """MailerSend saves a webhook only after this was answered."""
    request = sign_mailersend(TEST_KEY, PING, "")
    assert MAILERSEND.verify(request, {}, now=NOW, tolerance=TOLERANCE) == Verified(
        "", is_test=True
    )
    assert verify(MAILERSEND, request, KEY).is_test


@pytest.mark.parametrize("body", [b'{"type": "activity.hard_bounced"}', b"[]", b"{}"])
def test_the_public_key_signs_nothing_but_tests(body: bytes) -> None:
    """Everybody knows it, so an event signed with it is a forgery."""
    assert refused(MAILERSEND, sign_mailersend(TEST_KEY, body, ""), KEY) == "bad_signature"


def test_the_public_key_is_not_a_secret() -> None:
    with pytest.raises(InputError, match="must be a signing secret"):
        MAILERSEND.check_secret(TEST_KEY, field="mailersend.main[0]")


def test_a_scheme_without_a_public_key_has_no_tests() -> None:
    request = sign_mailersend("", PING, "")
    assert refused(BodyHmac("signature"), request, KEY) == "bad_signature"


# ---------------------------------------------------------------------------- Mandrill


def test_mandrill_s_test_of_the_url_needs_no_secret() -> None:
    """It makes the key of a webhook after this was answered."""
    request = sign_mandrill("test-webhook", b"", "")
    assert Mandrill().verify(request, {}, now=NOW, tolerance=TOLERANCE).is_test


def test_mandrill_s_public_key_signs_nothing_but_tests() -> None:
    request = sign_mandrill("test-webhook", b'{"event": "hard_bounce"}', "")
    assert refused(Mandrill(), request, KEY) == "bad_signature"


def test_mandrill_signs_the_url() -> None:
    """With user name, query and trailing slash, as it was entered there."""
    request = sign_mandrill(KEY, b"{}", "")
    for url in (
        request.url + "/",
        request.url + "?a=1",
        "http" + request.url.removeprefix("https"),
    ):
        assert refused(Mandrill(), replace(request, url=url), KEY) == "bad_signature"


def test_mandrill_signs_the_fields_in_the_order_of_their_names() -> None:
    """A request has one field today; the documentation speaks of all."""
    # GIVEN a form in another order than that of the names
    pairs = [("b", "2"), ("mandrill_events", "[]"), ("a", "1")]
    signed = f"{URL}a1b2mandrill_events[]".encode()
    digest = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha1).digest()).decode()
    headers = {"content-type": URL_ENCODED, "x-mandrill-signature": digest}

    # THEN it is verified
    request = request_of(headers, urlencode(pairs).encode())
    assert verify(Mandrill(), request, KEY).account == "main"


@pytest.mark.parametrize("body", [b"a=1&a=2", b"{}"])
def test_what_mandrill_does_not_send_is_refused(body: bytes) -> None:
    headers = {"content-type": URL_ENCODED, "x-mandrill-signature": "x"}
    if body == b"{}":
        headers["content-type"] = "application/json"
        body = b'{"a": 1}'
    with pytest.raises(InputError, match="body must be form-encoded"):
        verify(Mandrill(), request_of(headers, body), KEY)


# -------------------------------------------------------------------- Standard Webhooks


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ("v1,AAAA {}", True),
        ("v1a,AAAA {} v1,AAAA", True),
        ("{0} {0} {0} ", True),
        ("  {}", True),
        ("v1a,AAAA", False),
    ],
)
def test_one_of_several_signatures_is_enough(given: str, fits: bool) -> None:
    """The sender signs with two keys while it rotates them."""
    request = sign_standard(WHSEC, b"{}", seconds())
    text = given.format(request.headers["svix-signature"])
    request = replace(request, headers={**request.headers, "svix-signature": text})
    if fits:
        assert verify(StandardWebhooks(), request, WHSEC).account == "main"
    else:
        assert refused(StandardWebhooks(), request, WHSEC) == "bad_signature"


@pytest.mark.parametrize(
    "text", ["{0}", "v1a,{0}", "v2,{0}", "V1,{0}", "v1 {0}", "v1,{0}=", "v1,,{0}"]
)
def test_a_signature_of_another_version_does_not_count(text: str) -> None:
    request = sign_standard(WHSEC, b"{}", seconds())
    digest = request.headers["svix-signature"].removeprefix("v1,")
    headers = {**request.headers, "svix-signature": text.format(digest)}
    assert refused(StandardWebhooks(), replace(request, headers=headers), WHSEC) == "bad_signature"


def test_id_time_and_body_cannot_be_divided_in_another_way() -> None:
    """Moving the dots would give an old request a new time."""
    # GIVEN a signed request whose body begins with digits and a dot
    time = seconds()
    request = sign_standard(WHSEC, f"{time}.1".encode(), "5")
    moved = replace(
        request,
        headers={**request.headers, "svix-id": "msg_1.5", "svix-timestamp": time},
        body=b"1",
    )

    # THEN the id may not have the dot that this needs
    assert refused(StandardWebhooks(), moved, WHSEC) == "bad_signature"


@pytest.mark.parametrize(("size", "fine"), [(15, False), (16, True), (64, True), (65, False)])
def test_a_key_has_16_to_64_bytes(size: int, fine: bool) -> None:
    text = "whsec_" + base64.b64encode(b"k" * size).decode()
    if fine:
        StandardWebhooks().check_secret(text, field="x")
    else:
        with pytest.raises(InputError, match='x must be "whsec_"'):
            StandardWebhooks().check_secret(text, field="x")


@pytest.mark.parametrize("name", ["id", "timestamp", "signature"])
def test_all_three_headers_are_needed(name: str) -> None:
    request = sign_standard(WHSEC, b"{}", seconds())
    headers = {k: v for k, v in request.headers.items() if k != f"svix-{name}"}
    assert refused(StandardWebhooks(), replace(request, headers=headers), WHSEC) == "missing_header"


def test_headers_of_both_prefixes_do_not_mix() -> None:
    """Else one could sign what the other says."""
    svix = sign_standard(WHSEC, b"{}", seconds()).headers
    headers = {
        **svix,
        "webhook-id": "msg_2",
        "webhook-timestamp": seconds(),
        "webhook-signature": svix["svix-signature"],
    }
    assert verify(StandardWebhooks(), request_of(headers, b"{}"), WHSEC).account == "main"
    del headers["svix-id"]
    assert refused(StandardWebhooks(), request_of(headers, b"{}"), WHSEC) == "bad_signature"


# ------------------------------------------------------------------------- Unisender Go

UNISENDER_KEY = "6abcdefghijklmnopqrstuvwxyz"


def test_the_hash_may_stand_once_only() -> None:
    """So that there is one place for the key, whoever wrote the rest of the body."""
    request = sign_unisender(UNISENDER_KEY, b"{}", "")
    digest = json.loads(request.body)["auth"]
    twice = request.body.replace(b"{}", f'"{digest}"'.encode())
    assert refused(UnisenderGo(), replace(request, body=twice), UNISENDER_KEY) == "bad_signature"
    escaped = request.body.replace(digest[:1].encode(), b"\\u%04x" % ord(digest[0]), 1)
    escaped = escaped if json.loads(escaped).get("auth") == digest else b'{"auth": "x"}'
    assert refused(UnisenderGo(), replace(request, body=escaped), UNISENDER_KEY) == "bad_signature"


def test_what_is_appended_to_a_signed_body_is_not_json() -> None:
    """MD5 can be extended without the key, but the padding is no JSON (RFC 8259 section 2)."""
    # GIVEN a signed body, and the padding with which MD5 hashed it (RFC 1321 section 3.1)
    request = sign_unisender(UNISENDER_KEY, b"{}", "")
    hashed = len(request.body) - 32 + len(UNISENDER_KEY)
    zeros = (55 - hashed) % 64
    padding = b"\x80" + b"\x00" * zeros + (8 * hashed).to_bytes(8, "little")
    assert (hashed + len(padding)) % 64 == 0

    # THEN a body that goes on after it is refused before its hash matters
    with pytest.raises(InputError, match="body is not valid UTF-8"):
        verify(UnisenderGo(), replace(request, body=request.body + padding + b"{}"), UNISENDER_KEY)
