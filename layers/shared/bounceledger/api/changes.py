"""Requests that change suppressions and the allow-list, and the answers to them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from bounceledger.addresses import normalise_address, normalise_domain
from bounceledger.api.problems import unavailable
from bounceledger.api.requests import (
    LAST_DAY,
    BadRequestError,
    json_object,
    refuse_unknown,
    string_of,
)
from bounceledger.api.responses import JsonObject, decision_fields
from bounceledger.errors import AddressError
from bounceledger.ledger import ChangeOutcome, ChangeResult
from bounceledger.ses_list import ListRemoval
from bounceledger.state import Action, Change

MAX_ENTRIES = 100
"""Addresses and domains of one request."""
MAX_NOTE = 500
"""Characters of a note."""
_NOT_IN_A_LINE = frozenset(
    map(
        chr,
        [
            *range(0x20),
            *range(0x7F, 0xA0),
            *(0x200E, 0x200F),  # marks of direction
            *range(0x2028, 0x202F),  # ends of lines and paragraphs, embedding of directions
            *range(0x2066, 0x206A),  # isolation of directions
            *range(0xD800, 0xE000),  # halves of characters, which UTF-8 does not have
        ],
    )
)
"""Characters that a note cannot have: it is shown in one line, beside other text."""

_FIELDS: Mapping[Action, tuple[str, ...]] = {
    Action.ADD: ("address", "domain", "note", "until"),
    Action.REMOVE: ("address", "domain", "note", "complaint", "unsubscribe", "provider"),
    Action.ALLOW: ("address", "domain", "note"),
    Action.DISALLOW: ("address", "domain", "note"),
    Action.ERASE: ("address", "note"),
    Action.END_ERASURE: ("address", "note"),
}
"""The fields of one entry, by what is asked for."""


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """Body of a request that changes something.

    Attributes:
        changes: what is asked for, in order; 1 to `MAX_ENTRIES`, about different subjects.
        is_list: whether they were given as ``entries``.
    """

    changes: tuple[Change, ...]
    is_list: bool

    @classmethod
    def from_body(
        cls,
        body: str | None,
        action: Action,
        by: str,
        now: datetime,
        *,
        reaches_provider: bool = False,
    ) -> "ChangeRequest":
        """Read a request body; if one entry is wrong, all are refused.

        Args:
            body: one entry, or ``{"entries": [...]}``.
            action: what is asked for, which the route says.
            by: the IAM principal who asks.
            now: aware; `until` must be later.
            reaches_provider: whether this deployment may change the provider's own list.
        """
        fields = json_object(body)
        if "entries" not in fields:
            change = _change(fields, action, by, now)
            _refuse_provider(change, "provider", reaches_provider)
            return cls((change,), is_list=False)
        refuse_unknown(fields, ("entries",))
        changes: dict[str, Change] = {}
        for number, entry in enumerate(_entries(fields["entries"])):
            path = f"entries[{number}]"
            if not isinstance(entry, dict):
                raise BadRequestError("must be a JSON object", field=path)
            try:
                change = _change(entry, action, by, now)
            except BadRequestError as error:
                raise BadRequestError(error.reason, field=f"{path}.{error.field}") from None
            _refuse_provider(change, f"{path}.provider", reaches_provider)
            if change.subject in changes:
                raise BadRequestError("is about the same as an earlier entry", field=path)
            changes[change.subject] = change
        return cls(tuple(changes.values()), is_list=True)


def _entries(given: object) -> Sequence[object]:
    if not isinstance(given, list) or not given:
        raise BadRequestError("must be a list of at least one entry", field="entries")
    if len(given) > MAX_ENTRIES:
        raise BadRequestError(
            f"must have at most {MAX_ENTRIES} entries, not {len(given)}", field="entries"
        )
    return given


def _change(fields: Mapping[str, Any], action: Action, by: str, now: datetime) -> Change:
    refuse_unknown(fields, _FIELDS[action])
    change = Change(
        action=action,
        subject=_subject(fields, allows_domain="domain" in _FIELDS[action]),
        by=by,
        note=_note(fields),
        until=_until(fields, now),
        complaint=_boolean(fields, "complaint"),
        unsubscribe=_boolean(fields, "unsubscribe"),
        provider=_boolean(fields, "provider"),
    )
    if change.complaint and not change.is_about_address:
        raise BadRequestError("must be false for a domain: people complain", field="complaint")
    if change.unsubscribe and not change.is_about_address:
        raise BadRequestError("must be false for a domain: people unsubscribe", field="unsubscribe")
    if change.provider and not change.is_about_address:
        raise BadRequestError("must be false for a domain: SES lists addresses", field="provider")
    if action is Action.ERASE and "@" in change.note:
        raise BadRequestError(
            'must not contain "@": it is kept, and must not name the person', field="note"
        )
    return change


def _refuse_provider(change: Change, field: str, reaches_provider: bool) -> None:
    if change.provider and not reaches_provider:
        raise BadRequestError(
            "must be false: the stack's parameter RemoveFromProviderList is not true", field=field
        )


def _subject(fields: Mapping[str, Any], *, allows_domain: bool) -> str:
    address, domain = string_of(fields, "address"), string_of(fields, "domain")
    if address and domain:
        raise BadRequestError("must not be given beside address", field="domain")
    if not address and not domain:
        missing = "or domain is required" if allows_domain else "is required"
        raise BadRequestError(missing, field="address")
    try:
        return normalise_address(address) if address else normalise_domain(domain)
    except AddressError as error:
        raise BadRequestError(error.reason, field="address" if address else "domain") from None


def _note(fields: Mapping[str, Any]) -> str:
    note = string_of(fields, "note").strip()
    if not note:
        raise BadRequestError("is required: say why", field="note")
    if len(note) > MAX_NOTE:
        raise BadRequestError(f"must have at most {MAX_NOTE} characters", field="note")
    if not _NOT_IN_A_LINE.isdisjoint(note):
        raise BadRequestError("must have no control characters or line ends", field="note")
    return note


def _until(fields: Mapping[str, Any], now: datetime) -> datetime | None:
    text = string_of(fields, "until")
    if not text:
        return None
    try:
        until = datetime.fromisoformat(text)
        is_later = until > now
    except (TypeError, ValueError):  # TypeError: it has no zone
        raise BadRequestError(
            "must be a time with its zone, such as 2027-01-31T00:00:00Z", field="until"
        ) from None
    if not is_later or until.date() > LAST_DAY:
        raise BadRequestError(f"must be in the future, on {LAST_DAY} at the latest", field="until")
    return until.astimezone(UTC)


def _boolean(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise BadRequestError("must be true or false", field=name)
    return value


KEPT_COMPLAINT = (
    'the recipient complained, so nothing was changed; send "complaint": true to remove that, too'
)
KEPT_UNSUBSCRIBE = (
    "the recipient unsubscribed, so nothing was changed; "
    'send "unsubscribe": true to remove that, too'
)
ERASED = (
    "the person was erased, so nothing was changed; to let the address be mailed again, call "
    "POST /v1/suppressions/erase/end"
)


def rows(
    results: Sequence[ChangeResult], removals: Mapping[str, ListRemoval]
) -> Iterator[JsonObject]:
    """One row per change, in their order: the decision as it is now, or an error and its status.

    Args:
        results: of the changes.
        removals: what became of addresses on the provider's own list.
    """
    for result in results:
        match result.outcome:
            case ChangeOutcome.DONE:
                yield changed(result, removals.get(result.change.subject))
            case ChangeOutcome.KEPT_COMPLAINT:
                yield _failed(result, HTTPStatus.CONFLICT, KEPT_COMPLAINT)
            case ChangeOutcome.KEPT_UNSUBSCRIBE:
                yield _failed(result, HTTPStatus.CONFLICT, KEPT_UNSUBSCRIBE)
            case ChangeOutcome.ERASED:
                yield _failed(result, HTTPStatus.CONFLICT, ERASED)
            case ChangeOutcome.FAILED:
                yield _failed(result, HTTPStatus.SERVICE_UNAVAILABLE, unavailable("table"))


def changed(result: ChangeResult, removal: ListRemoval | None = None) -> JsonObject:
    """What was changed, and the decision as it is now.

    Of a domain, it is the decision about an address there of which nothing else is known. Of an
    erasure, it also says whether everything is gone.

    Args:
        result: of the change.
        removal: what became of the address on the provider's own list; None if that was not asked
            for.
    """
    decision = decision_fields(result.decision) if result.decision else {}
    body = _subject_field(result.change) | decision
    if removal:
        body["provider"] = {
            "removed": removal.removed,
            "was_listed": removal.was_listed,
            "error": removal.error or None,
        }
    if result.change.action is Action.ERASE:
        body["finished"] = result.finished
    return body


def _failed(result: ChangeResult, status: HTTPStatus, detail: str) -> JsonObject:
    return _subject_field(result.change) | {"error": detail, "status": status.value}


def _subject_field(change: Change) -> JsonObject:
    return {"address" if change.is_about_address else "domain": change.subject}
