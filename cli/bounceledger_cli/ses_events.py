"""SES events in an input: as SES publishes them, or in what AWS wrapped them in."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from bounceledger_cli.inputs import BadRow, Row

if TYPE_CHECKING:
    from bounceledger.providers import Parsed
    from bounceledger.settings import Settings

_FIELDS = frozenset(
    {
        *("notificationType", "eventType", "mail", "bounce"),
        *("Records", "Sns", "Message", "eventSource", "detail", "requestPayload"),
    }
)
"""Fields of SES events, and of what SNS, SQS, EventBridge and Lambda wrap them in."""


def looks_like_event(fields: Mapping[str, Any]) -> bool:
    """Whether a row has any field of an SES event or of a wrapping."""
    return not _FIELDS.isdisjoint(fields)


def read_events(row: Row) -> "Iterator[Parsed | BadRow]":
    """What each document of a row says, as ingest reads it, and what could not be read.

    Events of every account are read.
    """
    from bounceledger import providers
    from bounceledger.envelope import records_of, unwrap
    from bounceledger.errors import InputError

    try:
        for record in records_of(row.fields):
            parsed = providers.read(unwrap(record, provider="ses"), _settings())
            yield parsed
            yield from (BadRow(row.line, error.reason, error.field) for error in parsed.refused)
    except InputError as error:
        yield BadRow(row.line, error.reason, error.field)


@cache
def _settings() -> "Settings":
    from dataclasses import replace

    from bounceledger.settings import Settings

    return replace(Settings.from_env(), allowed_accounts=frozenset({"*"}))
