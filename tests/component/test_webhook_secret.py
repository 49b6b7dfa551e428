"""``bounceledger webhook-secret`` over Secrets Manager and SSM, and the webhook that reads it."""

import pytest
from moto import mock_aws

from bounceledger.providers.registry import PROVIDERS
from bounceledger.webhooks.secrets import store_of
from tests.unit.cli.runner import run
from tools.signing import make_keys


@pytest.mark.parametrize("name", ["bounceledger-webhooks", "/bounceledger/webhooks"])
def test_what_is_set_is_what_the_webhook_reads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the ARN that the command prints."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    first, second = (make_keys("sendgrid").verifies for _ in range(2))
    with mock_aws():
        # GIVEN a secret that was set, and another after it by the ARN
        made = run("webhook-secret", "set", "sendgrid", "--secrets", name, stdin=first)
        assert made.code == 0, made.err
        arn = made.out.strip()
        again = run("webhook-secret", "set", "sendgrid", "--secrets", arn, stdin=second)
        assert (again.code, again.out) == (0, made.out), again.err

        # THEN the webhook reads both
        found = store_of(arn, PROVIDERS).of("sendgrid")
        assert {name: list(some) for name, some in found.items()} == {"default": [second, first]}

        # AND the command lists them
        listed = run("webhook-secret", "list", "--secrets", arn)
        assert listed.out == "sendgrid  default  2 secrets\n"
