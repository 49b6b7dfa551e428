"""``bounceledger webhook-secret``: the secrets that verify requests from providers."""

import json
from collections.abc import Callable
from getpass import getpass
from typing import TYPE_CHECKING

import click

from bounceledger_cli.console import Console
from bounceledger_cli.deployment import Deployment
from bounceledger_cli.errors import CommandError
from bounceledger_cli.options import secrets_options
from bounceledger_cli.parsing import command as make_command
from bounceledger_cli.wording import counted

if TYPE_CHECKING:
    from bounceledger_cli.secret_store import Accounts, SecretStore

ACTIONS = ("set", "list", "remove")
KEPT = 2
"""Secrets of an account: the new one, and the previous one while the provider is changed."""


@make_command(
    "webhook-secret",
    details="""
        "set" reads a secret from a prompt, or from standard input. The previous one stays valid, so
        that requests are accepted while you change the provider; --only removes it. "list" prints
        providers and accounts, never a secret. "remove" removes an account; a provider without an
        account is off. docs/webhooks.md says what a secret looks like.

        The secrets are one JSON document in Secrets Manager, or in a SecureString parameter of SSM.
        "set" creates it if there is none, and prints its ARN: deploy with it as WebhookSecrets.

        The caller needs GetSecretValue, PutSecretValue and CreateSecret of Secrets Manager, or
        GetParameter and PutParameter of SSM; and cloudformation:DescribeStacks for --stack.
        """,
    examples="""
        bounceledger webhook-secret set sendgrid --secrets bounceledger-webhooks
        bounceledger webhook-secret set postal --stack prod < postal-public-key.pem
        bounceledger webhook-secret set mailgun --account eu --only --stack prod
        bounceledger webhook-secret list --stack prod
        bounceledger webhook-secret remove mailgun --account eu --stack prod
        """,
)
@click.argument("action", type=click.Choice(ACTIONS), metavar="|".join(ACTIONS), help="What to do.")
@click.argument(
    "provider",
    required=False,
    metavar="[PROVIDER]",
    help="Name of the provider, such as sendgrid; not with list.",
)
@click.option(
    "--account",
    default="default",
    show_default=True,
    metavar="NAME",
    help="Account at the provider: a name of your choice.",
)
@click.option("--only", is_flag=True, help='With "set": remove the account\'s other secrets.')
@secrets_options
def command(
    console: Console,
    *,
    action: str,
    provider: str | None,
    account: str,
    only: bool,
    deployment: Deployment,
    secrets: str | None,
    store: "SecretStore | None" = None,
    ask: Callable[[str], str] = getpass,
) -> int:
    """Set, list or remove secrets.

    Args:
        console: where to read and write.
        action: one of `ACTIONS`.
        provider: whose secret; not for a list.
        account: the name of an account at the provider.
        only: whether to remove the account's other secrets.
        deployment: where the secrets are.
        secrets: name or ARN of the secret or parameter; the stack's by default.
        store: where the secrets are; chosen by `secrets` by default.
        ask: asks for a secret at a terminal, without showing it.

    Raises:
        CommandError: there is no such provider or account, the secret cannot be one of the
            provider, the account cannot be added, or AWS failed.
    """
    from bounceledger_cli.secret_store import read_document, store_of

    if (provider is None) != (action == "list"):
        problem = "list takes no provider" if provider else f"name the provider to {action}"
        raise click.UsageError(problem)
    store = store or store_of(deployment, secrets or deployment.webhook_secrets())
    document = read_document(store.read())
    if provider is None:
        _print(console, document)
        return 0
    accounts = document.setdefault(provider, {})
    if action == "set":
        secret = _read_secret(console, provider, account, ask)
        _require_valid(provider, account, secret)
        _require_room(provider, account, accounts)
        older = [] if only else [one for one in accounts.get(account, []) if one != secret]
        accounts[account] = [secret, *older][:KEPT]
    elif accounts.pop(account, None) is None:
        raise CommandError(f"{provider} has no account {account}")
    if not accounts:
        del document[provider]
    console.line(store.write(json.dumps(document)))
    kept = len(accounts.get(account, []))
    console.note(
        f"{provider}: account {account} has {counted(kept, 'secret')}"
        if kept
        else f"{provider}: account {account} is removed"
        + ("" if accounts else ", so the provider is off")
    )
    return 0


def _read_secret(console: Console, provider: str, account: str, ask: Callable[[str], str]) -> str:
    if console.stdin.isatty():
        return ask(f"Secret of {provider}, account {account}: ").strip()
    return console.stdin.read(100_000).strip()


def _require_valid(provider: str, account: str, secret: str) -> None:
    """Refuse what the provider's requests can never be verified with."""
    from bounceledger.errors import InputError
    from bounceledger.providers.registry import PROVIDERS
    from bounceledger.webhooks.schemes import Sns

    scheme = PROVIDERS.get(provider)
    if scheme is None:
        names = ", ".join(sorted(PROVIDERS.keys() - {"ses"}))
        raise CommandError(f"there is no provider {provider}; there are {names}")
    if isinstance(scheme, Sns):
        raise CommandError("SNS signs for ses, so it has no secret; see WebhookTopicArns")
    try:
        scheme.check_secret(secret, field=f"the secret of {provider}.{account}")
    except InputError as error:
        raise CommandError(str(error)) from None


def _require_room(provider: str, account: str, accounts: "Accounts") -> None:
    """Refuse an account that the webhook would leave out, or that would turn its provider off."""
    from bounceledger.webhooks.secrets import MAX_ACCOUNTS, is_account

    if not is_account(account):
        raise CommandError(
            "an account's name must be 1 to 64 letters, digits, hyphens or underscores"
        )
    if account not in accounts and len(accounts) >= MAX_ACCOUNTS:
        raise CommandError(f"{provider} has {MAX_ACCOUNTS} accounts already, and can have no more")


def _print(console: Console, document: "dict[str, Accounts]") -> None:
    """Print providers and accounts, with how many secrets each has."""
    if not document:
        console.note("no provider has a secret")
    for provider, accounts in sorted(document.items()):
        for account, some in sorted(accounts.items()):
            console.line(f"{provider}  {account}  {counted(len(some), 'secret')}")
