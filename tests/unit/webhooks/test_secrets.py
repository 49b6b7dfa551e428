"""The secrets document, and when it is read."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from bounceledger.errors import SecretError, WebhookSecretsError
from bounceledger.webhooks.credentials import Credentials
from bounceledger.webhooks.schemes import Sns
from bounceledger.webhooks.secrets import (
    FIRST_WAIT,
    MAX_ACCOUNTS,
    MAX_AGE,
    MIN_WAIT,
    Schemes,
    SecretsDocument,
    SecretStore,
    store_of,
)
from bounceledger.webhooks.shared_keys import BodyHmac

SCHEMES: Schemes = {
    "ses": Sns(),
    "mailtrap": BodyHmac("mailtrap-signature"),
    "postmark": Credentials(),
}
KEY = "0123456789abcdef"
OTHER = "fedcba9876543210"


def document(value: object) -> SecretsDocument:
    return SecretsDocument.from_json(json.dumps(value), SCHEMES)


# ---------------------------------------------------------------------------- document


def test_a_provider_has_accounts_and_an_account_one_or_two_secrets() -> None:
    found = document(
        {
            "mailtrap": {"default": [KEY, OTHER], "second-one": [KEY]},
            "postmark": {"main": ["user:" + KEY]},
        }
    )
    assert found.providers == {
        "mailtrap": {"default": (KEY, OTHER), "second-one": (KEY,)},
        "postmark": {"main": ("user:" + KEY,)},
    }
    assert found.problems == ()


def test_a_document_does_not_show_its_secrets() -> None:
    assert KEY not in repr(document({"mailtrap": {"a": [KEY]}}))


@pytest.mark.parametrize("value", [{}, {"mailtrap": {}}, {"mailtrap": {"a": []}}])
def test_a_provider_without_secrets_is_off(value: object) -> None:
    assert document(value).providers == {}
    assert document(value).problems == ()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("x" * 20, "mailtrap must be an object of at most 20 accounts"),
        ([KEY], "mailtrap must be an object of at most 20 accounts"),
        (None, "mailtrap must be an object of at most 20 accounts"),
        (
            {f"a{n}": [KEY] for n in range(MAX_ACCOUNTS + 1)},
            "mailtrap must be an object of at most 20 accounts",
        ),
        ({"": [KEY]}, "the name of an account in mailtrap must be 1 to 64 letters"),
        ({"a" * 65: [KEY]}, "the name of an account in mailtrap must be 1 to 64 letters"),
        ({"ä": [KEY]}, "the name of an account in mailtrap must be 1 to 64 letters"),
        ({"a.b": [KEY]}, "the name of an account in mailtrap must be 1 to 64 letters"),
        ({"a": KEY}, "mailtrap.a must be a list of at most 2 secrets"),
        ({"a": {"0": KEY}}, "mailtrap.a must be a list of at most 2 secrets"),
        ({"a": [KEY] * 3}, "mailtrap.a must be a list of at most 2 secrets"),
        ({"a": [1]}, "mailtrap.a[0] must be a string"),
        ({"a": ["x" * 15]}, "mailtrap.a[0] must be a signing secret of 16 or more"),
    ],
)
def test_a_bad_entry_turns_off_its_provider_only(entry: object, said: str) -> None:
    # GIVEN a document with a bad entry and a good one
    found = document({"mailtrap": entry, "postmark": {"main": [OTHER]}})

    # THEN the good one is in use, and the bad one is named without any part of it
    assert found.providers == {"postmark": {"main": (OTHER,)}}
    assert [problem[: len(said)] for problem in found.problems] == [said]
    assert KEY not in str(found.problems)


def test_a_bad_secret_turns_off_neither_its_account_nor_others() -> None:
    found = document({"mailtrap": {"a": ["short", KEY], "b": [OTHER], "c": ["short"]}})
    assert found.providers == {"mailtrap": {"a": (KEY,), "b": (OTHER,)}}
    assert len(found.problems) == 2
    assert found.problems[0].startswith("mailtrap.a[0] must be ")
    assert found.problems[1].startswith("mailtrap.c[0] must be ")
    assert "short" not in str(found.problems)


def test_a_name_that_is_not_a_provider_s_is_not_repeated() -> None:
    """It may be a secret in the wrong place."""
    found = document({KEY: {"a": [OTHER]}, "mailtrap": {"a": [KEY]}})
    assert found.providers == {"mailtrap": {"a": (KEY,)}}
    assert found.problems == ("a name is not one of a provider",)


def test_a_provider_whose_scheme_has_no_secrets_is_reported() -> None:
    assert document({"ses": {"a": [KEY]}}).problems == ("ses has no secrets",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"x"',
        "null",
        "[" * 100_000,
        '{"mailtrap": {"a": ["0123456789abcdef"]}, "mailtrap": {}}',
        '{"mailtrap": {"a": ["0123456789abcdef"], "a": []}}',
        '{"mailtrap": NaN}',
    ],
)
def test_a_document_that_is_ambiguous_as_a_whole_is_refused(text: str) -> None:
    with pytest.raises(WebhookSecretsError, match="document of WebhookSecrets") as caught:
        SecretsDocument.from_json(text, SCHEMES)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


# ------------------------------------------------------------------------------- store


class Vault:
    """Holds a document, fails on request, and counts how often it is read."""

    def __init__(self, value: object = None) -> None:
        self.value = value if value is not None else {"mailtrap": {"a": [KEY]}}
        self.fails = False
        self.reads = 0

    def read(self) -> str:
        self.reads += 1
        if self.fails:
            raise SecretError("Secrets Manager did not answer")
        return self.value if isinstance(self.value, str) else json.dumps(self.value)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def store(vault: Vault) -> tuple[SecretStore, Clock]:
    clock = Clock()
    return SecretStore(vault.read, SCHEMES, clock=clock), clock


def test_the_document_is_read_once_and_when_it_is_needed() -> None:
    vault = Vault()
    secrets, clock = store(vault)
    assert vault.reads == 0
    for _ in range(100):
        assert secrets.of("mailtrap") == {"a": (KEY,)}
        clock.now += MAX_AGE / 200
    assert vault.reads == 1


def test_a_secret_that_was_taken_out_ends() -> None:
    vault = Vault()
    secrets, clock = store(vault)
    secrets.of("mailtrap")
    vault.value = {"mailtrap": {"a": [OTHER]}}
    clock.now += MAX_AGE - 1
    assert secrets.of("mailtrap") == {"a": (KEY,)}
    clock.now += 1
    assert secrets.of("mailtrap") == {"a": (OTHER,)}


def test_a_request_that_none_fits_makes_us_read_again_once_a_minute() -> None:
    # GIVEN an environment that knows a secret, which was rotated since
    vault = Vault()
    secrets, clock = store(vault)
    tried = secrets.of("mailtrap")
    vault.value = {"mailtrap": {"a": [OTHER, KEY]}}

    # WHEN requests fail to be verified, the first right after it was read
    clock.now += MIN_WAIT - 1
    assert secrets.renewed("mailtrap", tried) is None
    assert vault.reads == 1

    # THEN a minute later the new one is known
    clock.now += 1
    assert secrets.renewed("mailtrap", tried) == {"a": (OTHER, KEY)}
    assert vault.reads == 2

    # AND further failures read nothing, and say that there is nothing new
    for _ in range(100):
        assert secrets.renewed("mailtrap", secrets.of("mailtrap")) is None
    assert vault.reads == 2


def test_whoever_tried_older_secrets_gets_those_that_another_thread_read() -> None:
    vault = Vault()
    secrets, clock = store(vault)
    tried = secrets.of("mailtrap")
    vault.value = {"mailtrap": {"a": [OTHER]}}
    clock.now += MIN_WAIT
    assert secrets.renewed("mailtrap", tried) == {"a": (OTHER,)}
    assert secrets.renewed("mailtrap", tried) == {"a": (OTHER,)}
    assert vault.reads == 2


def test_a_provider_that_is_off_is_looked_up_once_a_minute_at_most() -> None:
    """Whoever turns it on need not wait for new environments; strangers cost little."""
    vault = Vault()
    secrets, clock = store(vault)
    for _ in range(100):
        assert secrets.of("postmark") == {}
    assert vault.reads == 1
    vault.value = {"postmark": {"main": [OTHER]}}
    clock.now += MIN_WAIT
    assert secrets.of("postmark") == {"main": (OTHER,)}
    assert secrets.of("mailtrap") == {}
    assert vault.reads == 2


@pytest.mark.parametrize("broken", ["{", None], ids=["malformed", "unreachable"])
def test_a_failed_renewal_keeps_what_is_known(broken: str | None) -> None:
    vault = Vault()
    secrets, clock = store(vault)
    tried = secrets.of("mailtrap")
    vault.fails, vault.value = broken is None, broken or vault.value

    # WHEN it cannot be read for hours
    for _ in range(100):
        clock.now += MAX_AGE
        assert secrets.of("mailtrap") == {"a": (KEY,)}
        assert secrets.renewed("mailtrap", tried) is None

    # THEN it was tried once for each time that it was too old, and that it fails can be told
    assert vault.reads == 101
    [problem] = secrets.problems()
    assert KEY not in problem


@pytest.mark.parametrize("broken", ["{", None], ids=["malformed", "unreachable"])
def test_without_a_document_requests_fail_and_do_not_read_each_time(broken: str | None) -> None:
    # GIVEN a document that cannot be read
    vault = Vault(broken)
    vault.fails = broken is None
    secrets, clock = store(vault)
    for _ in range(100):
        with pytest.raises(SecretError):
            secrets.of("mailtrap")
    assert secrets.renewed("mailtrap", {}) is None
    assert vault.reads == 1

    # WHEN it can be again
    vault.fails, vault.value = False, {"mailtrap": {"a": [KEY]}}
    clock.now += FIRST_WAIT

    # THEN it is, a little later
    assert secrets.of("mailtrap") == {"a": (KEY,)}
    assert vault.reads == 2


def test_problems_are_those_of_the_document_that_is_in_use() -> None:
    vault = Vault({"mailtrap": {"a": ["short"]}})
    secrets, clock = store(vault)
    assert secrets.problems() == ()
    secrets.of("mailtrap")
    assert len(secrets.problems()) == 1
    vault.value = {"mailtrap": {"a": [KEY]}}
    clock.now += MIN_WAIT
    secrets.of("mailtrap")
    assert secrets.problems() == ()


@pytest.mark.parametrize(
    "call", [lambda s: s.of("mailtrap"), lambda s: s.renewed("mailtrap", {})], ids=["of", "renewed"]
)
def test_threads_read_the_document_once(call: Callable[[SecretStore], Any]) -> None:
    class SlowVault(Vault):
        def read(self) -> str:
            time.sleep(0.02)  # long enough for the others to come
            return super().read()

    vault = SlowVault()
    secrets, _ = store(vault)
    barrier = Barrier(8)

    def ask() -> object:
        barrier.wait()
        return call(secrets)

    with ThreadPoolExecutor(8) as pool:
        answers = [one.result() for one in [pool.submit(ask) for _ in range(8)]]
    assert answers == [{"a": (KEY,)}] * 8
    assert vault.reads == 1


def test_a_deployment_without_secrets_has_every_webhook_off() -> None:
    assert store_of("", SCHEMES).of("mailtrap") == {}
