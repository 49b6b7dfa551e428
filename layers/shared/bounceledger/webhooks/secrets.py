"""The secrets document: the secrets that verify the providers' requests.

It is one JSON object, in a secret of AWS Secrets Manager or a SecureString parameter of AWS
Systems Manager: ``{"postmark": {"main": ["user:password"]}}``. A provider has accounts, and an
account one secret, or two while it is rotated.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Self

from bounceledger import secret_values, strict_json
from bounceledger.errors import InputError, SecretError, WebhookSecretsError
from bounceledger.webhooks.schemes import Scheme, Secrets, Sns

MAX_ACCOUNTS = 20
"""Accounts of a provider at most: a request may be compared with the secrets of each."""
MAX_SECRETS = 2
"""Secrets of an account at most: the old one and the new one."""
MIN_WAIT = 60.0
"""Seconds between two reads at least, so that bad requests cannot make us read."""
FIRST_WAIT = 5.0
"""Seconds likewise while nothing could be read yet, so that a short failure is over soon."""
MAX_AGE = 300.0
"""Seconds after which an environment reads again, so that a secret that was taken out ends."""
_MAX_NAME = 64
_DOCUMENT = "the document of WebhookSecrets"

type Schemes = Mapping[str, Scheme | Sns]
"""How each provider's requests are verified."""


@dataclass(frozen=True, slots=True, repr=False)
class SecretsDocument:
    """What the document says. It has no `repr`, since that would show secrets.

    Attributes:
        providers: by name, those with at least one secret.
        problems: what was left out and why, by its place; no part of a secret.
    """

    providers: Mapping[str, Secrets]
    problems: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, text: str, schemes: Schemes) -> Self:
        """Read the document. A bad entry does not affect the others.

        Args:
            text: the document.
            schemes: of all providers.

        Raises:
            WebhookSecretsError: it is not a JSON object, or has a name twice.
        """
        try:
            value = strict_json.loads(text, unambiguous=True)
        except (RecursionError, ValueError):
            raise WebhookSecretsError(
                f"{_DOCUMENT} is not valid JSON, or has a name twice"
            ) from None
        if not isinstance(value, dict):
            raise WebhookSecretsError(f"{_DOCUMENT} is not a JSON object")
        providers: dict[str, Secrets] = {}
        problems: list[str] = []
        for name, accounts in value.items():
            scheme = schemes.get(name)
            if scheme is None:
                # The name is not repeated: it may be a secret in the wrong place.
                problems.append("a name is not one of a provider")
            elif isinstance(scheme, Sns):
                problems.append(f"{name} has no secrets")
            elif secrets := _accounts(name, accounts, scheme, problems):
                providers[name] = secrets
        return cls(providers, tuple(problems))


def _accounts(name: str, value: object, scheme: Scheme, problems: list[str]) -> Secrets:
    if not isinstance(value, dict) or len(value) > MAX_ACCOUNTS:
        problems.append(f"{name} must be an object of at most {MAX_ACCOUNTS} accounts")
        return {}
    accounts: dict[str, tuple[str, ...]] = {}
    for account, secrets in value.items():
        if not is_account(account):
            problems.append(
                f"the name of an account in {name} must be 1 to {_MAX_NAME} letters, digits, "
                "hyphens or underscores"
            )
        elif not isinstance(secrets, list) or not len(secrets) <= MAX_SECRETS:
            problems.append(f"{name}.{account} must be a list of at most {MAX_SECRETS} secrets")
        elif fine := tuple(_fine(f"{name}.{account}", secrets, scheme, problems)):
            accounts[account] = fine
    return accounts


def _fine(place: str, secrets: list[object], scheme: Scheme, problems: list[str]) -> list[str]:
    found = []
    for index, secret in enumerate(secrets):
        field = f"{place}[{index}]"
        try:
            if not isinstance(secret, str):
                raise InputError("must be a string", field=field)
            scheme.check_secret(secret, field=field)
        except InputError as error:
            problems.append(str(error))
        else:
            found.append(secret)
    return found


def is_account(name: str) -> bool:
    """Whether an account can have this name."""
    allowed = name.replace("-", "").replace("_", "")
    return 0 < len(name) <= _MAX_NAME and name.isascii() and (allowed.isalnum() or not allowed)


class SecretStore:
    """The secrets of a deployment, read when they are first needed. Safe to share between threads.

    They are read again after `MAX_AGE`, and for a request that none matches, but never within
    `MIN_WAIT` of the last try. If that fails, those that were read before stay in use.

    Args:
        read: the document; raises SecretError.
        schemes: of all providers.
        clock: seconds that only go on.
    """

    def __init__(
        self,
        read: Callable[[], str],
        schemes: Schemes,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._schemes = schemes
        self._clock = clock
        self._known: SecretsDocument | None = None
        self._failure: SecretError | None = None
        self._tried_at = float("-inf")
        self._lock = Lock()

    def of(self, provider: str) -> Secrets:
        """The secrets of a provider by account; empty if its webhook is off.

        Raises:
            SecretError: the document was never read, and could not be read now; worth a retry.
        """
        with self._lock:
            if self._known is None or self._age() >= MAX_AGE:
                self._renew()
            elif provider not in self._known.providers:
                self._renew()  # it may have been turned on
            return self._document().providers.get(provider, {})

    def renewed(self, provider: str, tried: Secrets) -> Secrets | None:
        """The secrets of a provider after none of those that were tried matched a request.

        Args:
            provider: its name.
            tried: what `of` gave.

        Returns:
            None if they are still the same; they may have been read too recently to be read again.
        """
        with self._lock:
            self._renew()
            secrets = self._known.providers.get(provider, {}) if self._known else {}
            return None if secrets == tried else secrets

    def problems(self) -> tuple[str, ...]:
        """What is wrong in the document, or with reading it again; no part of a secret."""
        with self._lock:
            found = self._known.problems if self._known else ()
            return (*found, str(self._failure)) if self._failure else found

    def _age(self) -> float:
        return self._clock() - self._tried_at

    def _document(self) -> SecretsDocument:
        if self._known is None:
            assert self._failure is not None  # noqa: S101 - `_renew` sets one of both
            raise self._failure.with_traceback(None)  # which would grow with every request
        return self._known

    def _renew(self) -> None:
        if self._age() < (MIN_WAIT if self._known else FIRST_WAIT):
            return
        self._tried_at = self._clock()
        try:
            self._known = SecretsDocument.from_json(self._read(), self._schemes)
            self._failure = None
        except SecretError as error:
            self._failure = error


def store_of(secret_id: str, schemes: Schemes) -> SecretStore:
    """The secrets of a deployment.

    Args:
        secret_id: ARN or name of a secret, or ARN of a parameter; empty if no webhook is used.
        schemes: of all providers.
    """
    return SecretStore(lambda: secret_values.read_secret(secret_id) if secret_id else "{}", schemes)
