"""Where the secrets of the webhooks are kept: Secrets Manager, or a parameter of SSM."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from bounceledger_cli.deployment import Deployment, aws_errors
from bounceledger_cli.errors import CommandError

type Accounts = dict[str, list[str]]
"""The secrets of one provider by account, the newest first."""


class SecretStore(Protocol):
    """A place that holds one string."""

    def read(self) -> str:
        """The string; empty if there is none yet."""
        ...

    def write(self, text: str) -> str:
        """Replace the string, or create the place; returns its ARN."""
        ...


def store_of(deployment: Deployment, name: str) -> SecretStore:
    """The store by the ARN, or the name, of a secret, or of a parameter, which begins with a slash.

    Raises:
        CommandError: AWS cannot be used.
    """
    is_parameter = name.startswith("/") or name.split(":")[2:3] == ["ssm"]
    with aws_errors():
        if is_parameter:
            name = name.partition(":parameter")[2] or name
            return _Parameter(deployment.client("ssm", deployment.endpoint_url), name)
        return _Secret(deployment.client("secretsmanager", deployment.endpoint_url), name)


class _Secret:
    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def read(self) -> str:
        with aws_errors():
            try:
                return str(self._client.get_secret_value(SecretId=self._name)["SecretString"])
            except self._client.exceptions.ResourceNotFoundException:
                return ""

    def write(self, text: str) -> str:
        with aws_errors():
            try:
                written = self._client.put_secret_value(SecretId=self._name, SecretString=text)
            except self._client.exceptions.ResourceNotFoundException:
                written = self._client.create_secret(
                    Name=self._name,
                    Description="Secrets of the webhooks of email providers",
                    SecretString=text,
                )
            return str(written["ARN"])


class _Parameter:
    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def read(self) -> str:
        with aws_errors():
            try:
                found = self._client.get_parameter(Name=self._name, WithDecryption=True)
            except self._client.exceptions.ParameterNotFound:
                return ""
            return str(found["Parameter"]["Value"])

    def write(self, text: str) -> str:
        with aws_errors():
            self._client.put_parameter(
                Name=self._name,
                Description="Secrets of the webhooks of email providers",
                Value=text,
                Type="SecureString",
                # The standard tier takes 4 KB.
                Tier="Intelligent-Tiering",
                Overwrite=True,
            )
            return str(self._client.get_parameter(Name=self._name)["Parameter"]["ARN"])


def read_document(text: str) -> dict[str, Accounts]:
    """The secrets document: by provider the accounts, by account the secrets.

    Raises:
        CommandError: it is not one; nothing of it is repeated.
    """
    try:
        document = json.loads(text) if text.strip() else {}
    except ValueError:
        document = None
    if not isinstance(document, Mapping) or not all(map(_is_accounts, document.values())):
        raise CommandError(
            "what is stored is not a document of webhook secrets; see docs/webhooks.md"
        )
    return {
        provider: {account: list(some) for account, some in accounts.items()}
        for provider, accounts in document.items()
    }


def _is_accounts(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_are_secrets, value.values()))


def _are_secrets(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
