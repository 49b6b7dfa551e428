"""Personal data leaves in the form that the deployment chose, and in no other."""

import hashlib
import hmac
from collections.abc import Iterator

import pytest

from bounceledger.announcements.recipients import Recipients
from bounceledger.errors import SecretError
from bounceledger.settings import EventAddresses

ADDRESS = "jörg@xn--bcher-kva.example"


def never() -> str:
    raise AssertionError("the secret is not needed")


def test_by_default_nothing_about_a_person_leaves() -> None:
    assert Recipients(EventAddresses.NONE, never).fields(ADDRESS) == {}


def test_a_plain_address_comes_with_its_domain() -> None:
    fields = Recipients(EventAddresses.PLAIN, never).fields(ADDRESS)
    assert fields == {"address": ADDRESS, "domain": "xn--bcher-kva.example"}


def test_a_hash_is_what_a_receiver_computes_with_the_secret() -> None:
    """docs/events.md says how."""
    # GIVEN a deployment that hashes, and how often it read its secret
    reads = []

    def read() -> str:
        reads.append(1)
        return "abc"

    recipients = Recipients(EventAddresses.HASH, read)

    # WHEN two events name the address
    first, second = recipients.fields(ADDRESS), recipients.fields(ADDRESS)

    # THEN both have the HMAC of the address, and the secret was read once
    expected = hmac.new(b"abc", ADDRESS.encode(), hashlib.sha256).hexdigest()
    assert first == second == {"address_hash": expected, "domain": "xn--bcher-kva.example"}
    assert len(reads) == 1


def test_a_secret_that_cannot_be_read_is_asked_for_again() -> None:
    # GIVEN a secret that can be read at the second try
    answers: Iterator[SecretError | str] = iter([SecretError("no"), "abc"])

    def read() -> str:
        answer = next(answers)
        if isinstance(answer, SecretError):
            raise answer
        return answer

    recipients = Recipients(EventAddresses.HASH, read)

    # THEN the first event fails, and the second has its hash
    with pytest.raises(SecretError):
        recipients.fields(ADDRESS)
    assert "address_hash" in recipients.fields(ADDRESS)
