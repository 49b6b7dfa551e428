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
