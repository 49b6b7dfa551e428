"""``bounceledger webhook-secret``: secrets go in, and never out again."""

import json

import pytest

from bounceledger.webhooks.secrets import MAX_ACCOUNTS
from bounceledger_cli.console import Console
from bounceledger_cli.main import main
from tests.unit.cli.runner import Ran, Terminal, run
from tools.signing import make_keys

FIRST, SECOND, THIRD = (make_keys("sendgrid").verifies for _ in range(3))
ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:webhooks-a1b2c3"


class FakeStore:
    """A secret in memory."""

    def __init__(self, document: object = None) -> None:
        self.text = "" if document is None else json.dumps(document)

    def read(self) -> str:
        return self.text

    def write(self, text: str) -> str:
        self.text = text
        return ARN

    @property
    def document(self) -> object:
        return json.loads(self.text)


def secret(store: FakeStore, *argv: str, stdin: str = "") -> Ran:
    return run("webhook-secret", *argv, "--secrets", "webhooks", stdin=stdin, store=store)


def test_the_first_secret_makes_the_document_and_tells_its_arn() -> None:
    """The ARN is what the stack needs next."""
    store = FakeStore()
    ran = secret(store, "set", "sendgrid", stdin=f"{FIRST}\n")
    assert (ran.code, ran.out) == (0, f"{ARN}\n")
    assert store.document == {"sendgrid": {"default": [FIRST]}}
    assert "1 secret" in ran.err


def test_a_new_secret_stands_before_the_one_that_stays_good() -> None:
    """Between the change here and the change there, requests are signed by either."""
    # GIVEN two secrets
    store = FakeStore({"sendgrid": {"default": [SECOND, FIRST]}})

    # WHEN a third is set, twice
    for _ in range(2):
        assert secret(store, "set", "sendgrid", stdin=THIRD).code == 0

    # THEN the newest two are kept
    assert store.document == {"sendgrid": {"default": [THIRD, SECOND]}}

    # AND the older one can be taken off
    assert secret(store, "set", "sendgrid", "--only", stdin=THIRD).code == 0
    assert store.document == {"sendgrid": {"default": [THIRD]}}


def test_accounts_are_apart() -> None:
    store = FakeStore({"sendgrid": {"default": [FIRST]}})
    secret(store, "set", "sendgrid", "--account", "eu", stdin=SECOND)
    assert store.document == {"sendgrid": {"default": [FIRST], "eu": [SECOND]}}

    # AND one is removed without the other, and the last with its provider
    ran = secret(store, "remove", "sendgrid", "--account", "default")
    assert store.document == {"sendgrid": {"eu": [SECOND]}}
    assert "off" not in ran.err
    ran = secret(store, "remove", "sendgrid", "--account", "eu")
    assert store.document == {}
    assert "the provider is off" in ran.err


def test_a_list_shows_no_secret() -> None:
    store = FakeStore({"sendgrid": {"eu": [FIRST, SECOND]}, "postal": {"main": ["x"]}})
    ran = secret(store, "list")
    assert ran.out == "postal  main  1 secret\nsendgrid  eu  2 secrets\n"
    assert secret(FakeStore(), "list").err == "no provider has a secret\n"


@pytest.mark.parametrize(
    ("argv", "stdin", "said"),
    [
        (("set", "sendgrid"), "too short", "the secret of sendgrid.default must be"),
        (("set", "sendgrid"), "", "the secret of sendgrid.default must be"),
        (("set", "nobody"), FIRST, "there is no provider nobody; there are "),
        (("set", "ses"), FIRST, "WebhookTopicArns"),
        (("set",), FIRST, "name the provider to set"),
        (("set", "sendgrid", "--account", "a b"), FIRST, "an account's name must be"),
        (("set", "sendgrid", "--account", ""), FIRST, "an account's name must be"),
        (("list", "sendgrid"), "", "list takes no provider"),
        (("remove", "sendgrid"), "", "sendgrid has no account default"),
    ],
    ids=range(9),  # not by the keys, which each process makes for itself
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    argv: tuple[str, ...], stdin: str, said: str
) -> None:
    store = FakeStore({})
    ran = secret(store, *argv, stdin=stdin)
    assert (ran.code, store.document) == (2, {})
    assert said in ran.err
    assert "too short" not in ran.err


def test_an_account_too_many_is_refused_since_it_would_turn_the_provider_off() -> None:
    # GIVEN as many accounts as the webhook reads
    full = {"sendgrid": {f"a{number}": [FIRST] for number in range(MAX_ACCOUNTS)}}
    store = FakeStore(full)

    # THEN another one is refused
    ran = secret(store, "set", "sendgrid", "--account", "more", stdin=SECOND)
    assert (ran.code, store.document) == (2, full)
    assert "can have no more" in ran.err

    # AND one of them can still be rotated
    assert secret(store, "set", "sendgrid", "--account", "a1", stdin=SECOND).code == 0


@pytest.mark.parametrize(
    "stored", ["[]", "{", '{"a": 1}', '{"a": {"b": "c"}}', '{"a": {"b": [1]}}']
)
def test_what_is_not_the_document_is_left_as_it_is(stored: str) -> None:
    """Somebody may have named the wrong secret."""
    store = FakeStore()
    store.text = stored
    ran = secret(store, "set", "sendgrid", stdin=FIRST)
    assert (ran.code, store.text) == (2, stored)
    assert stored not in ran.err


def test_at_a_terminal_the_secret_is_asked_for() -> None:
    """It is neither shown nor kept in the shell's history."""
    # GIVEN somebody at a terminal
    store = FakeStore()
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return FIRST

    # WHEN a secret is set
    console = Console(Terminal(), Terminal(), Terminal())
    argv = ["webhook-secret", "set", "sendgrid", "--secrets", "webhooks"]
    code = main(argv, console=console, store=store, ask=ask)

    # THEN it is asked for
    assert (code, asked) == (0, ["Secret of sendgrid, account default: "])
    assert store.document == {"sendgrid": {"default": [FIRST]}}


def test_a_stack_and_a_secret_exclude_each_other() -> None:
    ran = run("webhook-secret", "list", "--secrets", "a", "--stack", "b", store=FakeStore())
    assert (ran.code, "not both" in ran.err) == (2, True)
