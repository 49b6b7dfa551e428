"""Values of secrets in AWS Secrets Manager."""

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


def connect() -> SecretsClient:
    """A Secrets Manager client with time limits that fit into an API function's own."""
    from botocore.config import Config

    limits = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
    return cast("SecretsClient", create_client("secretsmanager", limits))


def read_secret(secret_id: str, *, create: Callable[[], SecretsClient] = connect) -> str:
    """The value of a secret. Ask once per execution environment: a call takes time and money.

    Args:
        secret_id: ARN or name.
        create: makes the client.

    Raises:
        SecretError: it could not be read; a later try may succeed.
    """
    try:
        return str(create().get_secret_value(SecretId=secret_id)["SecretString"])
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        raise SecretError(f"Secrets Manager rejected the call: {code}") from error
    except BotoCoreError as error:
        raise SecretError(f"Secrets Manager did not answer: {type(error).__name__}") from error
    except KeyError as error:
        raise SecretError("the secret has no string") from error
