"""Bounce diagnostics, from rows that have one and from SES events."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bounceledger_cli.inputs import BadRow, Row, Wanted, field_called
from bounceledger_cli.ses_events import looks_like_event, read_events
from bounceledger_cli.wording import utc_time

if TYPE_CHECKING:
    from bounceledger.classify.engine import RuleSet
    from bounceledger.classify.traits import Hints
    from bounceledger.events import MailEvent
    from bounceledger.verdict import Verdict

COLUMNS = ("diagnostic", "diagnostic_code")
"""Names of the field with the diagnostic; SES calls it ``diagnosticCode``."""

_HINTS = (
    ("enhanced_status", "status"),
    ("bounce_type",),
    ("bounce_subtype",),
    ("action",),
)
"""Names of each field besides the diagnostic that helps to classify it."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What a server said about one recipient, with what is known beside it.

    Attributes:
        fields: the fields to print before the verdict.
        text: what the receiving server said; may be empty.
        hints: what the provider reports besides it.
        event: the event that it comes from, if it comes from one.
    """

    fields: Mapping[str, Any]
    text: str
    hints: "Hints"
    event: "MailEvent | None" = None

    def verdict(self, rules: "RuleSet") -> "Verdict":
        """What it means; that of an event as `ingest` would record it."""
        from bounceledger.classify.classifier import classify, classify_event
        from bounceledger.classify.reply import parse_reply

        if self.event is not None:
            return classify_event(self.event, rules=rules)
        return classify(parse_reply(self.text), self.hints, rules=rules)


@dataclass(slots=True)
class Diagnostics:
    """The diagnostics in some rows; iterate over it.

    Attributes:
        rows: the rows.
        wanted: the column with the diagnostic.
        other_events: number of SES events so far that are not bounces.
    """

    rows: Iterable[Row | BadRow]
    wanted: Wanted
    other_events: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[Diagnostic | BadRow]:
        """The diagnostics, and what could not be read."""
        for row in self.rows:
            if isinstance(row, BadRow):
                yield row
            elif (name := self.wanted.of(row.fields)) is not None:
                yield _of_row(row, name)
            elif looks_like_event(row.fields):
                yield from self._of_event(row)
            else:
                yield BadRow(row.line, "is required", self.wanted.columns[0])

    def _of_event(self, row: Row) -> Iterator[Diagnostic | BadRow]:
        """The diagnostics of the bounced recipients of an SES event."""
        from bounceledger.events import Kind

        for found in read_events(row):
            if isinstance(found, BadRow):
                yield found
                continue
            bounces = [event for event in found.events if event.kind is Kind.BOUNCE]
            yield from map(_of_bounce, bounces)
            self.other_events += not bounces and not found.refused


def _of_row(row: Row, name: str) -> Diagnostic | BadRow:
    from bounceledger.classify.traits import Hints
    from bounceledger.providers.ses import read_bounce_type

    said: list[str] = []
    for one in (name, *_hint_fields(tuple(row.fields))):
        value = None if one is None else row.fields[one]
        if not (value is None or isinstance(value, str)):
            return BadRow(row.line, f"is {_kind(value)}, expected a string", one or "")
        said.append(value or "")
    text, status, bounce_type, bounce_subtype, action = said
    hints = Hints(status, *read_bounce_type(bounce_type, bounce_subtype), action)
    return Diagnostic(row.fields, text, hints)


@lru_cache(maxsize=256)
def _hint_fields(fields: tuple[str, ...]) -> list[str | None]:
    """The field of each hint; None where there is none. Rows mostly have the same fields."""
    return [field_called(names, fields) for names in _HINTS]


def _of_bounce(event: "MailEvent") -> Diagnostic:
    from bounceledger.classify.traits import Hints

    fields = {
        "address": event.address,
        "lead_source": event.lead_source,
        "message_id": event.message_id,
        "occurred_at": utc_time(event.occurred_at),
        "diagnostic": event.diagnostic,
        "action": event.action,
        "permanence": event.permanence.value,
        "provider_reason": event.provider_reason.value,
        "forwarded_to": event.forwarded_to or None,
    }
    hints = Hints(event.status, event.permanence, event.provider_reason, event.action)
    return Diagnostic(fields, event.diagnostic, hints, event)


def _kind(value: object) -> str:
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"
