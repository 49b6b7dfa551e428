"""Values of secrets in AWS Secrets Manager, or in the Parameter Store of AWS Systems Manager."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from bounceledger.clients import create_client
from bounceledger.errors import SecretError


class SecretsClient(Protocol):
    """The part of a Secrets Manager client that is used."""

    def get_secret_value(self, *, SecretId: str) -> Mapping[str, Any]:  # noqa: N803 - as AWS has it
        """The secret, with its ``SecretString``."""
        ...


class ParametersClient(Protocol):
    """The part of a Systems Manager client that is used."""

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> Mapping[str, Any]:  # noqa: N803 - as AWS has it
        """The parameter, with its ``Parameter.Value``."""
        ...


def connect() -> SecretsClient:
    """A Secrets Manager client."""
    return cast("SecretsClient", _client("secretsmanager"))


def connect_parameters() -> ParametersClient:
    """A Systems Manager client."""
    return cast("ParametersClient", _client("ssm"))


def _client(service: str) -> object:
    """A client with time limits that fit into an API function's own."""
    from botocore.config import Config

    limits = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
    client: object = create_client(service, limits)
    return client


def read_secret(
    secret_id: str,
    *,
    create: Callable[[], SecretsClient] = connect,
    create_parameters: Callable[[], ParametersClient] = connect_parameters,
) -> str:
    """The value of a secret. Ask once per execution environment: a call takes time and money.

    Args:
        secret_id: ARN or name of a secret, or the ARN of a parameter (``arn:aws:ssm:…``).
        create: makes the client for a secret.
        create_parameters: makes the client for a parameter.

    Raises:
        SecretError: it could not be read; a later try may succeed.
    """
    is_parameter = secret_id.split(":")[2:3] == ["ssm"]
    service = "Systems Manager" if is_parameter else "Secrets Manager"
    try:
        if is_parameter:
            answer = create_parameters().get_parameter(Name=secret_id, WithDecryption=True)
            return str(answer["Parameter"]["Value"])
        return str(create().get_secret_value(SecretId=secret_id)["SecretString"])
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        raise SecretError(f"{service} rejected the call: {code}") from error
    except BotoCoreError as error:
        raise SecretError(f"{service} did not answer: {type(error).__name__}") from error
    except KeyError as error:
        raise SecretError("the secret has no string") from error
