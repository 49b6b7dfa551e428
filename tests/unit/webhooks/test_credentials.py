"""Passwords and tokens."""

import base64

import pytest

from bounceledger.errors import InputError, VerificationError
from bounceledger.webhooks.credentials import Credentials
from tests.unit.webhooks.signing import NOW, TOLERANCE, request_of

PASSWORD = "hooks:0123456789abcdef"
TOKEN = "0123456789abcdef"


def fits(headers: dict[str, str], *secrets: str) -> bool:
    try:
        Credentials().verify(
            request_of(headers, b"{}"), {"main": list(secrets)}, now=NOW, tolerance=TOLERANCE
        )
    except VerificationError:
        return False
    return True


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("headers", "password", "token"),
    [
        ({"authorization": basic(PASSWORD)}, True, False),
        ({"authorization": basic(PASSWORD).replace("Basic", "bASIC  ")}, True, False),
        ({"authorization": f"Bearer {TOKEN}"}, False, True),
        ({"authorization": f"BEARER {TOKEN}"}, False, True),
        ({"x-webhook-secret": TOKEN}, False, True),
        # A token is not a password, nor a password a token, even where the text is the same.
        ({"authorization": basic(TOKEN)}, False, False),
        ({"authorization": f"Bearer {PASSWORD}"}, False, False),
        ({"x-webhook-secret": PASSWORD}, False, False),
        # A header that does not fit is not made up for by another.
        ({"authorization": "Bearer x", "x-webhook-secret": TOKEN}, False, False),
        ({"x-webhook-secret": TOKEN + "\ud800"}, False, False),
        ({"authorization": f"Bearer {TOKEN}\ud800"}, False, False),
        ({"authorization": TOKEN}, False, False),
        ({"authorization": f"Token {TOKEN}"}, False, False),
        ({"authorization": basic(PASSWORD + "0")}, False, False),
        ({"authorization": basic(PASSWORD[:-1])}, False, False),
        ({"authorization": basic("HOOKS:0123456789abcdef")}, False, False),
        ({"authorization": basic("")}, False, False),
    ],
)
def test_a_secret_s_form_says_how_it_comes(
    headers: dict[str, str], password: bool, token: bool
) -> None:
    assert fits(headers, PASSWORD) is password
    assert fits(headers, TOKEN) is token
    assert fits(headers, PASSWORD, TOKEN) is (password or token)


@pytest.mark.parametrize(
    "text",
    [
        "a:" + "x" * 15,
        ":" + "x" * 16,
        "x" * 15,
        "user:" + "x y" * 8,
        "us er:" + "x" * 16,
        "x" * 2049,
    ],
)
def test_a_password_has_16_characters_whatever_the_user_s_name(text: str) -> None:
    with pytest.raises(InputError, match="x must be "):
        Credentials().check_secret(text, field="x")


@pytest.mark.parametrize("text", ["a:" + "x" * 16, "a:b:" + "x" * 14, "x" * 16, "x" * 2048])
def test_a_password_may_have_colons_and_a_token_none(text: str) -> None:
    Credentials().check_secret(text, field="x")
    header = basic(text) if ":" in text else f"Bearer {text}"
    assert fits({"authorization": header}, text)
