"""What every scheme accepts and refuses: one table for all."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceledger.errors import InputError, VerificationError
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import (
    BAD_SIGNATURE,
    BAD_TIMESTAMP,
    MISSING_HEADER,
    MISSING_SIGNATURE,
    STALE,
    Secrets,
    Verified,
)
from bounceledger.webhooks.shared_keys import StandardWebhooks
from tests.unit.webhooks.signing import CASES, NOW, TOLERANCE, Case

every_scheme = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def verify(
    case: Case, request: Request, secrets: Secrets | None = None, now: datetime = NOW
) -> Verified:
    known = {"main": [case.secret]} if secrets is None else secrets
    return case.scheme.verify(request, known, now=now, tolerance=TOLERANCE)


def refused(
    case: Case, request: Request, secrets: Secrets | None = None, now: datetime = NOW
) -> str:
    """The reason why a request is refused."""
    with pytest.raises((VerificationError, InputError)) as caught:
        verify(case, request, secrets, now)
    # Whatever is logged has nothing of the request, nor of a secret.
    text = str(caught.value)
    assert case.secret not in text
    assert case.signature_of(case.request()) not in text
    assert isinstance(caught.value, VerificationError | InputError)
    return caught.value.reason


# ---------------------------------------------------------------------------- accepted


@every_scheme
def test_the_provider_s_own_request_is_accepted(case: Case) -> None:
    verified = verify(case, case.request())
    assert verified.account == "main"
    assert not verified.is_test


@every_scheme
def test_either_of_two_secrets_fits(case: Case) -> None:
    """So that a secret can be rotated without losing a request."""
    secrets = {"main": [case.other, case.secret]}
    assert verify(case, case.request(), secrets).account == "main"
    assert verify(case, case.other_request(), secrets).account == "main"


@every_scheme
def test_the_account_is_the_one_whose_secret_fits(case: Case) -> None:
    secrets = {"first": [case.other], "second": [case.secret]}
    assert verify(case, case.request(), secrets).account == "second"
    assert verify(case, case.other_request(), secrets).account == "first"


@every_scheme
def test_its_own_secrets_pass_its_check(case: Case) -> None:
    case.scheme.check_secret(case.secret, field="x")
    case.scheme.check_secret(case.other, field="x")


@every_scheme
def test_a_body_beyond_ascii_is_verified(case: Case) -> None:
    assert verify(case, case.request('{"name": "Zoë 🙂"}'.encode())).account == "main"


# ----------------------------------------------------------------------------- refused


@every_scheme
def test_another_key_is_refused(case: Case) -> None:
    assert refused(case, case.other_request()) == BAD_SIGNATURE


@every_scheme
def test_without_secrets_nothing_is_accepted(case: Case) -> None:
    assert refused(case, case.request(), {}) == BAD_SIGNATURE
    assert refused(case, case.request(), {"main": []}) == BAD_SIGNATURE


@every_scheme
def test_a_changed_body_is_refused_where_the_body_is_signed(case: Case) -> None:
    # GIVEN a request of which one byte was changed on its way
    request = case.request(b'{"id": 1}')
    changed = replace(request, body=request.body.replace(b"1", b"2", 1))
    if case.in_body:  # the first 1 may be in the signature
        changed = replace(request, body=request.body.replace(b'"id": 1', b'"id": 2'))
    assert changed.body != request.body

    # THEN it is refused, unless the scheme says that it does not cover the body
    if case.covers_body:
        assert refused(case, changed) == BAD_SIGNATURE
    else:
        assert verify(case, changed).account == "main"


@every_scheme
def test_every_changed_character_of_a_signature_is_refused(case: Case) -> None:
    request = case.request()
    signature = case.signature_of(request)
    for position in range(len(signature)):
        other = "A" if signature[position] != "A" else "B"
        changed = signature[:position] + other + signature[position + 1 :]
        if changed.lower() == signature.lower() and changed.startswith(("B", "b")):
            continue  # names of authentication schemes are not case-sensitive
        assert refused(case, case.with_signature(request, changed)) in {
            BAD_SIGNATURE,
            MISSING_SIGNATURE,
        }


@every_scheme
@pytest.mark.parametrize("text", [None, "", "   "])
def test_a_missing_or_empty_signature_is_refused(case: Case, text: str | None) -> None:
    request = case.with_signature(case.request(), text)
    # Postal's older signature stands in for the newer one: see test_public_keys.py.
    if case.name == "postal" and text is None:
        request = replace(request, headers={})
    assert refused(case, request) in {MISSING_HEADER, MISSING_SIGNATURE, BAD_SIGNATURE}


MALFORMED = {
    "not base64": "***",
    "not hex": "zz" * 32,
    "half a byte": "abc",
    "white space": "a b\tc",
    "beyond ASCII": "ſignature é 签名",
    "a lone surrogate": "\ud800",
    "a null": "\x00",
    "huge": "A" * 1_000_000,
    "many": "v1,A " * 100_000,
    "list": "a, b",
    "basic nothing": "Basic",
    "basic not base64": "Basic ***",
    "basic beyond ASCII": "Basic w6k6w6k=",
    "bearer nothing": "Bearer ",
    "digest": 'Digest username="x"',
}


@every_scheme
@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_signature_is_refused(case: Case, text: str) -> None:
    request = case.request()
    assert refused(case, case.with_signature(request, text)) in {BAD_SIGNATURE, MISSING_SIGNATURE}


@every_scheme
def test_a_signature_that_came_twice_is_refused(case: Case) -> None:
    """Which of the two a reader takes must not matter: see `Request.headers`."""
    request = case.request()
    signature = case.signature_of(request)
    twice = case.with_signature(request, f"{signature}, {signature}")
    if isinstance(case.scheme, StandardWebhooks):  # which takes several signatures
        assert verify(case, twice).account == "main"
    else:
        assert refused(case, twice) == BAD_SIGNATURE


@every_scheme
@pytest.mark.parametrize("other", CASES, ids=lambda case: case.name)
def test_another_provider_s_signature_is_refused(case: Case, other: Case) -> None:
    """Not even with the same secret in both accounts."""
    # GIVEN a request of another scheme
    if case.scheme == other.scheme:
        return
    request = other.request()
    secrets = {"main": [case.secret, other.secret]}

    # THEN it is refused, whatever secrets there are
    refused(case, request, secrets)

    # AND so is its signature in the right place, unless both sign alike
    if type(case.scheme) is not type(other.scheme):
        moved = case.with_signature(case.request(), other.signature_of(request))
        assert refused(case, moved, secrets) in {BAD_SIGNATURE, MISSING_SIGNATURE}


@every_scheme
def test_an_empty_body_is_no_shortcut(case: Case) -> None:
    request = replace(case.request(), body=b"")
    if case.covers_body or case.in_body:
        refused(case, request)
    else:  # credentials; its content is refused when it is read
        with pytest.raises(InputError, match="body is empty"):
            request.content()


@every_scheme
@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"\xff", b"{", b"[" * 100_000])
def test_a_body_of_another_form_is_refused_or_is_not_read(case: Case, body: bytes) -> None:
    """Whatever the body is, there is an error of ours, or nothing depends on the body."""
    request = replace(case.request(), body=body)
    if case.covers_body or case.in_body:
        refused(case, request)
    else:
        assert verify(case, request).account == "main"


# -------------------------------------------------------------------------------- time


@every_scheme
@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_an_old_request_is_refused_where_a_time_is_signed(case: Case, seconds: int) -> None:
    # GIVEN a request that was signed about as long ago as is tolerated
    request = case.request(time=NOW - case.max_age - timedelta(seconds=seconds))

    # THEN it is refused if that is too long, and if the scheme covers the time
    if case.covers_time and seconds > 0:
        assert refused(case, request) == STALE
    else:
        assert verify(case, request).account == "main"


@every_scheme
@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_request_from_the_future_is_refused_where_a_time_is_signed(
    case: Case, seconds: int
) -> None:
    request = case.request(time=NOW + TOLERANCE + timedelta(seconds=seconds))
    if case.covers_time and seconds > 0:
        assert refused(case, request) == STALE
    else:
        assert verify(case, request).account == "main"


TIMES = {
    "sendgrid": "x-twilio-email-event-webhook-timestamp",
    "resend": "svix-timestamp",
    "standard webhooks": "webhook-timestamp",
    "mailgun": "timestamp",
}


def with_time(case: Case, request: Request, text: str) -> Request:
    if not case.in_body:
        return replace(request, headers={**request.headers, TIMES[case.name]: text})
    content = json.loads(request.body)
    content["signature"]["timestamp"] = text
    return replace(request, body=json.dumps(content).encode())


timed = pytest.mark.parametrize(
    "case", [case for case in CASES if case.covers_time], ids=lambda case: case.name
)


def test_the_table_of_times_is_complete() -> None:
    assert set(TIMES) == {case.name for case in CASES if case.covers_time}


@timed
def test_another_time_than_the_signed_one_is_refused(case: Case) -> None:
    later = str(int(NOW.timestamp()) + 1)
    assert refused(case, with_time(case, case.request(), later)) == BAD_SIGNATURE


@timed
@pytest.mark.parametrize(
    "text",
    [
        *("now", "1795687200.0", "+1795687200", "-1", "1e9", "0x6b", "１７９５６８７２００", "²"),
        *("9" * 12, "9" * 5000, "1795687200\n0", "1_795_687_200", "2026-11-26T10:00:00Z"),
    ],
)
def test_a_time_that_is_not_plain_digits_is_refused(case: Case, text: str) -> None:
    assert refused(case, with_time(case, case.request(), text)) in {
        BAD_TIMESTAMP,
        BAD_SIGNATURE,
        MISSING_SIGNATURE,
    }


@timed
def test_an_empty_time_is_refused(case: Case) -> None:
    assert refused(case, with_time(case, case.request(), "")) in {MISSING_HEADER, MISSING_SIGNATURE}


@every_scheme
def test_a_replay_within_the_tolerance_is_left_to_others(case: Case) -> None:
    """No scheme remembers: exactly-once recording and, for Mailgun, the token protect."""
    request = case.request()
    first, second = verify(case, request), verify(case, request)
    assert first == second
    assert (first.token is not None) == (case.name == "mailgun")


# ----------------------------------------------------------------------------- secrets


@every_scheme
@pytest.mark.parametrize(
    "text",
    [
        *("", "short", "x" * 15, "a b c d e f g h i j k l", "é" * 20, "x" * 100_000, "\x00" * 20),
        *("\n" + "x" * 20, "x" * 20 + "\n", "whsec_", "whsec_***", "x" * 20 + "\ud800"),
    ],
)
def test_what_cannot_be_a_secret_is_refused_by_its_place(case: Case, text: str) -> None:
    with pytest.raises(InputError) as caught:
        case.scheme.check_secret(text, field="provider.main[0]")
    assert str(caught.value) == f"provider.main[0] must be {case.scheme.needs}"


# ---------------------------------------------------------------------------- anything

NAMES = sorted({name for case in CASES for name in case.request().headers} | {"content-type"})


@every_scheme
@given(
    headers=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=80)),
    keep=st.booleans(),
    body=st.binary(max_size=200) | st.sampled_from([c.request().body for c in CASES]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_comes_is_accepted_or_refused_by_an_error_of_ours(
    case: Case, headers: dict[str, str], keep: bool, body: bytes
) -> None:
    """A stranger can cause no other error, which would be a 500 and an alarm."""
    own = case.request()
    request = replace(own, headers={**(own.headers if keep else {}), **headers}, body=body)
    try:
        verify(case, request)
    except (VerificationError, InputError):
        return
    # AND what was accepted has what only the provider knows
    known = body.decode() if case.in_body else " ".join(request.headers.values())
    assert case.signature_of(own) in known
