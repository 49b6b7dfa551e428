"""Reading a secret."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from bounceledger.errors import SecretError
from bounceledger.secret_values import read_secret
from tests.faults.fake import failure


class Secrets:
    """A client that answers or fails."""

    def __init__(self, answer: Mapping[str, Any] | Exception) -> None:
        self._answer = answer

    def get_secret_value(self, *, SecretId: str) -> Mapping[str, Any]:  # noqa: N803 - as AWS has it
        if isinstance(self._answer, Exception):
            raise self._answer
        return {"Name": SecretId, **self._answer}


class Parameters:
    """Likewise for parameters; answers only whoever asks for the decrypted value."""

    def __init__(self, answer: Mapping[str, Any] | Exception) -> None:
        self._answer = answer

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> Mapping[str, Any]:  # noqa: N803 - as AWS has it
        if isinstance(self._answer, Exception):
            raise self._answer
        assert WithDecryption
        return {"Parameter": {"Name": Name, **self._answer}}


PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/webhooks"


def never() -> Any:
    raise AssertionError("the other service was asked")


def test_a_parameter_is_read_by_its_arn() -> None:
    parameters = Parameters({"Value": "x"})
    assert read_secret(PARAMETER, create=never, create_parameters=lambda: parameters) == "x"


@pytest.mark.parametrize(
    "secret_id", ["ssm", "a/ssm/b", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ssm-a1"]
)
def test_anything_else_is_a_secret(secret_id: str) -> None:
    secrets = Secrets({"SecretString": "x"})
    assert read_secret(secret_id, create=lambda: secrets, create_parameters=never) == "x"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (failure("ParameterNotFound", "GetParameter"), "Systems Manager rejected the call: Param"),
        (ConnectTimeoutError(endpoint_url="http://ssm"), "Systems Manager did not answer: Connect"),
        ({}, "no string"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_worth_a_retry(
    answer: Mapping[str, Any] | Exception, said: str
) -> None:
    with pytest.raises(SecretError, match=said):
        read_secret(PARAMETER, create=never, create_parameters=lambda: Parameters(answer))


def test_a_secret_is_read() -> None:
    assert read_secret("arn", create=lambda: Secrets({"SecretString": "x"})) == "x"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (failure("AccessDeniedException", "GetSecretValue"), "AccessDeniedException"),
        (ConnectTimeoutError(endpoint_url="http://secrets"), "ConnectTimeoutError"),
        ({"SecretBinary": b"x"}, "no string"),
    ],
)
def test_a_secret_that_cannot_be_read_is_worth_a_retry(
    answer: Mapping[str, Any] | Exception, said: str
) -> None:
    with pytest.raises(SecretError, match=said):
        read_secret("arn", create=lambda: Secrets(answer))
