"""The keys under which erased addresses are hashed."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from bounceledger.erasure_keys import MAX_AGE, ErasureKeyring, ErasureKeys, keyring_of
from bounceledger.errors import ErasureKeysError, SecretError
from tests.erasing import SECRET

KEY = base64.b64encode(b"k" * 32).decode()


def secret(**changes: Any) -> str:
    return json.dumps({"current": "a", "keys": {"a": KEY}} | changes)


def test_a_hash_is_an_hmac_of_the_canonical_address() -> None:
    """By RFC 2104, so that anything else can compute it, too."""
    found = ErasureKeys.from_json(secret()).hash_of("jané@example.test", "a")
    assert found == hmac.new(b"k" * 32, "jané@example.test".encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", '"current" and "keys"'),
        (json.dumps({"keys": {"a": KEY}}), '"current" and "keys"'),
        (secret(more=1), "nothing else"),
        (secret(keys=[]), "object of 1 to 8 keys"),
        (secret(keys={}), "object of 1 to 8 keys"),
        (secret(keys={f"k{n}": KEY for n in range(9)}), "object of 1 to 8 keys"),
        (secret(current="b"), "the id of one of its keys"),
        (secret(current=1), "the id of one of its keys"),
        (secret(keys={"a#b": KEY}), "letters, digits"),
        (secret(keys={"": KEY}), "letters, digits"),
        (secret(keys={"é": KEY}), "letters, digits"),
        (secret(keys={"a" * 33: KEY}), "letters, digits"),
        (secret(keys={"a": KEY[:-8]}), "key a of"),
        (secret(keys={"a": f"{KEY[:-1]}!"}), "key a of"),
        (secret(keys={"a": 5}), "key a of"),
    ],
)
def test_a_secret_that_is_not_as_it_should_be_is_refused(text: str, said: str) -> None:
    # WHEN it is read
    with pytest.raises(ErasureKeysError, match="ErasureKeysSecret") as raised:
        ErasureKeys.from_json(text)

    # THEN the error says what is wrong, and nothing of a key
    assert said in str(raised.value)
    assert KEY[:8] not in str(raised.value)


class Secret:
    """A secret that can be changed and can fail."""

    def __init__(self, *values: str | SecretError) -> None:
        self._values = list(values)
        self.reads = 0

    def __call__(self) -> str:
        self.reads += 1
        value = self._values.pop(0) if len(self._values) > 1 else self._values[0]
        if isinstance(value, SecretError):
            raise value
        return value


def test_keys_are_read_once_until_they_are_old() -> None:
    # GIVEN a secret that gets another key
    now = [0.0]
    value = Secret(secret(), SECRET)
    ring = ErasureKeyring(value, clock=lambda: now[0])
    assert value.reads == 0

    # WHEN the keys are asked for, THEN they are read once
    assert [ring.keys().current for _ in range(3)] == ["a"] * 3
    assert value.reads == 1

    # AND again once they are old
    now[0] += MAX_AGE
    assert ring.keys().current == "2026"


def test_a_key_that_is_not_known_is_looked_for_at_once() -> None:
    value = Secret(secret(), SECRET)
    ring = ErasureKeyring(value)
    assert ring.keys().keys.keys() == {"a"}
    assert "2024" in ring.keys(["2024"]).keys
    with pytest.raises(ErasureKeysError, match=r"lacks keys .*: gone"):
        ring.keys(["gone"])


def test_after_a_failure_the_next_call_reads_again() -> None:
    ring = ErasureKeyring(Secret(SecretError("no answer"), secret()))
    with pytest.raises(ErasureKeysError, match="could not be read: no answer"):
        ring.keys()
    assert ring.keys().current == "a"


def test_keys_that_were_read_stay_in_use_if_they_cannot_be_read_again() -> None:
    now = [0.0]
    ring = ErasureKeyring(Secret(secret(), SecretError("no answer")), clock=lambda: now[0])
    ring.keys()
    now[0] += 10 * MAX_AGE
    assert ring.keys().current == "a"


def test_keys_are_not_shown() -> None:
    """Such as in a traceback's locals."""
    assert "k" * 32 not in repr(ErasureKeys.from_json(secret()))


def test_without_a_secret_there_is_no_keyring() -> None:
    assert keyring_of("") is None
    assert keyring_of("arn:aws:secretsmanager:eu-west-1:111122223333:secret:x") is not None
