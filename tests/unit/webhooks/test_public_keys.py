"""What is special about schemes with a public key."""

import base64
from dataclasses import replace

import pytest

from bounceledger.errors import InputError, VerificationError
from bounceledger.webhooks.public_keys import Postal, SendGrid
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import Scheme
from tests.unit.webhooks.signing import (
    NOW,
    TOLERANCE,
    ec_key,
    public_der,
    public_pem,
    rsa_key,
    seconds,
    sign_postal,
    sign_sendgrid,
)

EC = public_der(ec_key("a"))
RSA = public_der(rsa_key("a"))


def fits(scheme: Scheme, request: Request, *secrets: str) -> bool:
    try:
        scheme.verify(request, {"main": list(secrets)}, now=NOW, tolerance=TOLERANCE)
    except VerificationError:
        return False
    return True


# ------------------------------------------------------------------------------ Postal


def without(request: Request, *names: str) -> Request:
    return replace(request, headers={k: v for k, v in request.headers.items() if k not in names})


def test_an_older_postal_sends_only_sha1() -> None:
    request = without(sign_postal("a", b"{}", ""), "x-postal-signature-256")
    assert fits(Postal(), request, RSA)
    assert not fits(Postal(), replace(request, body=b"[]"), RSA)


def test_if_there_is_a_sha256_signature_it_alone_counts() -> None:
    """A collision of SHA-1 must not be of use against a version that sends the better one."""
    request = sign_postal("a", b"{}", "")
    for wrong in ("", "AAAA", sign_postal("b", b"{}", "").headers["x-postal-signature-256"]):
        headers = {**request.headers, "x-postal-signature-256": wrong}
        assert not fits(Postal(), replace(request, headers=headers), RSA)
    swapped = {**request.headers, "x-postal-signature-256": request.headers["x-postal-signature"]}
    assert not fits(Postal(), replace(request, headers=swapped), RSA)


def test_the_key_id_chooses_nothing() -> None:
    """It is not signed."""
    request = sign_postal("a", b"{}", "")
    for kid in ("", "x" * 64, "../../etc"):
        headers = {**request.headers, "x-postal-signature-kid": kid}
        assert fits(Postal(), replace(request, headers=headers), public_der(rsa_key("b")), RSA)


def test_a_key_may_be_pem_or_base64() -> None:
    pem = public_pem(rsa_key("a"))
    for text in (pem, pem.replace("\n", "\r\n"), pem.replace("\n", " "), RSA, f" {RSA}\n"):
        Postal().check_secret(text, field="x")
        assert fits(Postal(), sign_postal("a", b"{}", ""), text)


# ------------------------------------------------------------------------- wrong keys


@pytest.mark.parametrize(
    ("scheme", "text"),
    [
        (SendGrid(), RSA),
        (SendGrid(), EC[:-4]),
        (SendGrid(), EC + "AAAA"),
        (SendGrid(), base64.b64encode(base64.b64decode(EC)[26:]).decode()),
        (SendGrid(), "-----BEGIN PUBLIC KEY-----"),
        (Postal(), EC),
        (Postal(), RSA[:100]),
        (Postal(), "-----BEGIN PUBLIC KEY-----\n***\n-----END PUBLIC KEY-----"),
        (Postal(), public_pem(rsa_key("a")).replace("PUBLIC", "RSA PUBLIC")),
        (Postal(), "v=DKIM1; t=s; h=sha256; p=" + RSA),
    ],
    ids=range(10),  # not by the keys, which each process makes for itself
)
def test_a_key_of_another_kind_is_refused(scheme: Scheme, text: str) -> None:
    with pytest.raises(InputError, match=r"^x must be "):
        scheme.check_secret(text, field="x")


@pytest.mark.parametrize("text", ["", "***", EC[:-4], RSA[:-4], "\ud800"])
def test_a_broken_key_fits_nothing(text: str) -> None:
    """It does not fail either, and does not keep the other key from fitting."""
    for scheme, request, key in (
        (SendGrid(), sign_sendgrid("a", b"{}", seconds()), EC),
        (Postal(), sign_postal("a", b"{}", ""), RSA),
    ):
        assert not fits(scheme, request, text)
        assert fits(scheme, request, text, key)


def test_a_key_of_the_wrong_algorithm_fits_nothing() -> None:
    assert not fits(SendGrid(), sign_sendgrid("a", b"{}", seconds()), RSA)
    assert not fits(Postal(), sign_postal("a", b"{}", ""), EC)


def test_a_point_that_is_not_on_the_curve_fits_nothing() -> None:
    """Its form is that of a key, so only the cryptography package finds out."""
    der = bytearray(base64.b64decode(EC))
    der[-1] ^= 1
    text = base64.b64encode(der).decode()
    SendGrid().check_secret(text, field="x")
    assert not fits(SendGrid(), sign_sendgrid("a", b"{}", seconds()), text)
