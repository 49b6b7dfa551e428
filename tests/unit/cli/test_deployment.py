"""A table, a queue and partitions come from options, a stack or variables."""

from pathlib import Path
from typing import Any

import pytest

from bounceledger.ledger import connect
from bounceledger_cli.deployment import Deployment, aws_region, boto3_client
from bounceledger_cli.errors import CommandError
from tests.unit.cli.runner import run


class FakeCloudFormation:
    """One stack."""

    def __init__(self, **outputs: str) -> None:
        self._outputs = outputs

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self._outputs.items()]
        partitions = {"ParameterKey": "CounterPartitions", "ParameterValue": "16"}
        return {"Stacks": [{"Outputs": outputs, "Parameters": [partitions]}]}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "from-variable")
    monkeypatch.setenv("PROBE_QUEUE_URL", "https://queue.test/variable")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def settings_of(deployment: Deployment) -> tuple[str, str, int]:
    settings = deployment._settings
    return settings.table_name, settings.probe_queue_url, settings.counter_partitions


def test_options_win_over_variables() -> None:
    # WHEN only variables, or also options are given THEN options win
    assert settings_of(Deployment()) == ("from-variable", "https://queue.test/variable", 1)
    deployment = Deployment(table="mine", queue="https://queue.test/mine", partitions=8)
    assert settings_of(deployment) == ("mine", "https://queue.test/mine", 8)


def test_a_stack_gives_table_queue_and_partitions() -> None:
    """One name is enough to find everything that a stack has."""
    # GIVEN a stack WHEN it is named THEN its outputs and its parameter count
    stack = FakeCloudFormation(TableName="t", ProbeQueueUrl="https://queue.test/stack")
    deployment = Deployment(stack="s", client=lambda service, endpoint_url: stack)
    assert settings_of(deployment) == ("t", "https://queue.test/stack", 16)


def test_a_stack_without_the_outputs_is_reported() -> None:
    # GIVEN a stack of something else WHEN it is named THEN the message says what it lacks
    deployment = Deployment(stack="s", client=lambda service, url: FakeCloudFormation())
    with pytest.raises(CommandError, match="stack s has no output TableName"):
        deployment.ledger()
    stack = FakeCloudFormation(TableName="t")
    with pytest.raises(CommandError, match="no queue given"):
        Deployment(stack="s", client=lambda service, url: stack).probe_queue()


@pytest.mark.parametrize("default", ["", "us-east-1"])
def test_the_region_may_be_given_in_aws_region(
    default: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore reads AWS_DEFAULT_REGION only; people set AWS_REGION for everything else."""
    # GIVEN AWS_REGION, alone or beside the other variable
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    monkeypatch.setenv("AWS_DEFAULT_REGION", default)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")

    # THEN every client is one of that region
    assert boto3_client("sqs", None).meta.region_name == "eu-west-3"
    assert connect(None, aws_region()).meta.region_name == "eu-west-3"


def test_a_missing_region_is_reported_with_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """ "You must specify a region" does not say where."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    ran = run("counts", "fair", "--table", "t")
    assert (ran.code, ran.err) == (2, "bounceledger: no AWS region given; set AWS_REGION\n")


@pytest.mark.parametrize("argv", [("counts", "fair", "--table", "t"), ("recheck", "--queue", "u")])
def test_a_stack_and_a_resource_exclude_each_other(argv: tuple[str, ...]) -> None:
    """Which of two tables is meant is not guessed."""
    # WHEN both are given THEN the message names both
    ran = run(*argv, "--stack", "s")
    assert ran.code == 2
    assert f"use either --stack or {argv[-2]}, not both" in ran.err


# ----------------------------------------------------------------------------- the API

URL = "https://abc123.execute-api.eu-west-1.amazonaws.com/live"


def test_the_api_of_a_stack_is_found_by_its_output() -> None:
    stack = FakeCloudFormation(ApiUrl=URL, ApiId="abc123")
    deployment = Deployment(stack="s", client=lambda service, endpoint_url: stack)
    assert deployment._url_of_api() == URL


def test_the_api_of_an_emulator_is_below_its_endpoint() -> None:
    """Its output names a host of AWS, which has no such API."""
    stack = FakeCloudFormation(ApiUrl=URL, ApiId="abc123")
    local = Deployment(
        stack="s", endpoint_url="http://127.0.0.1:4566", client=lambda service, url: stack
    )
    assert local._url_of_api() == "http://127.0.0.1:4566/_aws/execute-api/abc123/live"


def test_the_api_may_be_named_by_an_option_or_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOUNCELEDGER_API_URL", "https://api.example.com/live")
    assert Deployment()._url_of_api() == "https://api.example.com/live"
    assert Deployment(api_url=URL)._url_of_api() == URL


@pytest.mark.parametrize("command", ["check", "show"])
def test_what_the_api_needs_is_reported(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each command that calls it says the same."""
    monkeypatch.delenv("BOUNCELEDGER_API_URL", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for options, message in (
        ((), "no API given; use --api-url, --stack or set BOUNCELEDGER_API_URL"),
        (("--api-url", "abc"), "abc: url must be the URL of the API, such as https://…/live"),
        (("--api-url", "http://localhost/live"), "region is required: the URL does not name one"),
        (("--api-url", URL, "--stack", "s"), "use either --stack or --api-url, not both"),
    ):
        ran = run(command, "a@b.test", *options)
        assert (ran.code, ran.out) == (2, "")
        assert message in ran.err


def test_missing_credentials_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    ran = run("show", "a@b.test", "--api-url", URL)
    assert (ran.code, ran.err) == (2, "bounceledger: no AWS credentials found\n")
