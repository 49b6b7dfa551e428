"""Options that several commands share, each declared once."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from bounceledger_cli.days import DEFAULT_DAYS, Days
from bounceledger_cli.deployment import API_URL, WEBHOOK_SECRETS, Deployment
from bounceledger_cli.errors import CommandError
from bounceledger_cli.inputs.encodings import EncodingType

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_DAY_FORM = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

type _Function = Callable[..., int]


class DayType(click.ParamType[date]):
    """A UTC day such as 2026-01-31."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The day; fails with a usage error."""
        if isinstance(value, date):
            return value
        try:
            if not _DAY_FORM.fullmatch(value):  # the API takes no other ISO 8601 form either
                raise ValueError(value)
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-01-31.", param, ctx)


DAY = DayType()


class MomentType(click.ParamType[datetime]):
    """A time with its zone, or a UTC day, which stands for its beginning."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The time, aware; fails with a usage error."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and _DAY_FORM.fullmatch(value):
            return moment.replace(tzinfo=UTC)
        if moment is None or moment.tzinfo is None:
            self.fail(
                f"{value!r} is not a day, or a time with its zone such as 2027-01-31T12:00Z.",
                param,
                ctx,
            )
        return moment


MOMENT = MomentType()


class KnownNames(click.ParamType[str]):
    """A name of which some are known, for completion; the API knows them all.

    Args:
        names: returns the names, imported when a shell asks.
    """

    name = "name"

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> "list[CompletionItem]":
        """The known names that begin with what was typed."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]


def lead_source(text: str) -> str:
    """The canonical name of a lead source; raises CommandError where it has none."""
    from bounceledger.addresses import clean_lead_source

    name = clean_lead_source(text)
    if not name:
        raise CommandError(f"not a valid lead source name: {text!r}")
    return name


INPUT_FILE = click.Path(allow_dash=True)
"""A path whose name the shell completes; `files.open_input` opens it."""

column_option = click.option(
    "--column",
    metavar="NAME",
    help="Column or JSON field to read (default: one of the usual names, see above).",
)

encoding_option = click.option(
    "--encoding",
    type=EncodingType(),
    metavar="NAME",
    help="Encoding of the input, such as windows-1252 (default: detected).",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def day_options(function: _Function) -> _Function:
    """Add ``--from`` and ``--to``; the function gets them as ``days``, a `Days`."""

    @click.option(
        "--from",
        "first",
        type=DAY,
        metavar="DAY",
        help=f"First UTC day, such as 2026-11-01 (default: {DEFAULT_DAYS - 1} days before --to).",
    )
    @click.option("--to", "last", type=DAY, metavar="DAY", help="Last UTC day (default: today).")
    @wraps(function)
    def wrapper(*args: Any, first: date | None, last: date | None, **options: Any) -> int:
        return function(*args, days=Days(first, last), **options)

    return wrapper


def deployment_options(
    *, queue: bool = False, partitions: bool = False
) -> Callable[[_Function], _Function]:
    """Add ``--stack``, ``--table`` and ``--endpoint-url``.

    The function gets them as ``deployment``, a `Deployment`.

    Args:
        queue: also add ``--queue``, the probe queue.
        partitions: also add ``--partitions``, for commands that read counters.
    """

    def decorate(function: _Function) -> _Function:
        @wraps(function)
        def wrapper(
            *args: Any,
            stack: str | None,
            table: str | None,
            endpoint_url: str | None,
            queue: str | None = None,
            partitions: int | None = None,
            **options: Any,
        ) -> int:
            deployment = Deployment(
                stack=stack,
                table=table,
                queue=queue,
                partitions=partitions,
                endpoint_url=endpoint_url,
            )
            return function(*args, deployment=deployment, **options)

        wanted = [_STACK, _TABLE, *[_QUEUE] * queue, *[_PARTITIONS] * partitions, _ENDPOINT_URL]
        for option in reversed(wanted):
            option(wrapper)
        return wrapper

    return decorate


def api_options(function: _Function) -> _Function:
    """Add ``--stack``, ``--api-url`` and ``--endpoint-url``, for commands that call the API.

    The function gets them as ``deployment``, a `Deployment`.
    """

    @wraps(function)
    def wrapper(
        *args: Any,
        stack: str | None,
        api_url: str | None,
        endpoint_url: str | None,
        **options: Any,
    ) -> int:
        deployment = Deployment(stack=stack, api_url=api_url, endpoint_url=endpoint_url)
        return function(*args, deployment=deployment, **options)

    for option in (_ENDPOINT_URL, _API_URL, _STACK):
        option(wrapper)
    return wrapper


def secrets_options(function: _Function) -> _Function:
    """Add ``--stack``, ``--secrets`` and ``--endpoint-url``.

    The function gets ``deployment``, a `Deployment`, and ``secrets``, what was given or None.
    """

    @wraps(function)
    def wrapper(
        *args: Any,
        stack: str | None,
        secrets: str | None,
        endpoint_url: str | None,
        **options: Any,
    ) -> int:
        if stack and secrets:
            raise CommandError("use either --stack or --secrets, not both")
        deployment = Deployment(stack=stack, endpoint_url=endpoint_url)
        return function(*args, deployment=deployment, secrets=secrets, **options)

    for option in (_ENDPOINT_URL, _SECRETS, _STACK):
        option(wrapper)
    return wrapper


_SECRETS = click.option(
    "--secrets",
    metavar="NAME",
    help="Name or ARN of the secret, or of the parameter, whose name begins with a slash "
    f"(default: that of --stack, or {WEBHOOK_SECRETS}).",
)
_API_URL = click.option(
    "--api-url",
    metavar="URL",
    help=f"URL of the API (default: that of --stack, or {API_URL}).",
)
_STACK = click.option(
    "--stack",
    metavar="NAME",
    help="CloudFormation stack of the deployment, whose outputs are read.",
)
_TABLE = click.option(
    "--table", metavar="NAME", help="DynamoDB table (default: that of --stack, or TABLE_NAME)."
)
_QUEUE = click.option(
    "--queue",
    metavar="URL",
    help="Probe queue (default: that of --stack, or PROBE_QUEUE_URL).",
)
_PARTITIONS = click.option(
    "--partitions",
    type=click.IntRange(min=1),
    metavar="N",
    help="CounterPartitions of the deployment (default: that of --stack, or COUNTER_PARTITIONS).",
)
_ENDPOINT_URL = click.option(
    "--endpoint-url", metavar="URL", help="AWS endpoint, for a local stack."
)
