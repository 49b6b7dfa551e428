"""Changes to a suppression list, one or many."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from bounceledger_client.errors import InvalidRequestError, SuppressionListError
from bounceledger_client.results import time_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from bounceledger_client.api import Api

T = TypeVar("T")

Action = Literal["add", "remove", "allow", "disallow", "erase", "end_erasure"]
"""What to do with an entry; the history of an address uses the same names."""

ROUTES: Mapping[str, tuple[str, str]] = {
    "add": ("PUT", "/v1/suppressions"),
    "remove": ("POST", "/v1/suppressions/remove"),
    "allow": ("PUT", "/v1/allowlist"),
    "disallow": ("POST", "/v1/allowlist/remove"),
    "erase": ("POST", "/v1/suppressions/erase"),
    "end_erasure": ("POST", "/v1/suppressions/erase/end"),
}
"""Method and path of each action."""

BATCH = 100
"""Entries in one call; the API accepts no more."""
PROVIDER_BATCH = 10
"""Entries in one call that SES takes off its list, too: it accepts about one a second."""
TRIES = 5
"""Calls for an entry that the table did not accept."""
ERASURE_CALLS = 50
"""Calls for an erasure; each goes on where the one before ended."""
_SLOWEST = 3
"""Exponent of the longest pause between such calls, 0.8 seconds: an erasure makes progress."""


@dataclass(frozen=True)
class ChangeResult:
    """What became of one change, and the decision as it is now.

    Attributes:
        input: the address or domain as given.
        address: its canonical form; empty if it is not valid.
        suppressed: whether it must not be mailed now.
        error: why the change was not made; empty if it was.
        status: HTTP status of the change: 200, 400, 409, 503, or 202 for an unfinished erasure.
        reason: why it is suppressed, such as ``manual``; None if it is not.
        category: what the receiving server said; likewise.
        scope: ``address``, ``domain`` or ``none``: how much is suppressed.
        explanation: the decision in words, for people.
        suppressed_until: when the suppression ends by itself; None if it does not.
        allowed: whether it is on the allow-list.
        provider_removed: whether the address is off the list of the SES account, if that was asked
            for; None if it was not.
        provider_error: why it is not; empty otherwise.
        finished: false for an erasure that is to be asked for again.
        fields: all that the API answered, fields of a later version included.
    """

    input: str
    address: str = ""
    suppressed: bool = False
    error: str = ""
    status: int = 200
    reason: str | None = None
    category: str | None = None
    scope: str = "none"
    explanation: str = ""
    suppressed_until: datetime | None = None
    allowed: bool = False
    provider_removed: bool | None = None
    provider_error: str = ""
    finished: bool = True
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def done(self) -> bool:
        """Whether the change was made, and is complete."""
        return self.finished and not self.error and self.provider_removed is not False

    @classmethod
    def from_json(cls, given: str, row: Mapping[str, Any]) -> ChangeResult:
        """The answer to one change, or one row of the answer to many."""
        error = str(row.get("error") or "")
        finished = row.get("finished") is not False
        usual = 500 if error else 200 if finished else 202
        status = row.get("status")
        provider = row.get("provider")
        provider = provider if isinstance(provider, dict) else {}
        return cls(
            input=given,
            address=str(row.get("address") or row.get("domain") or ""),
            suppressed=row.get("suppressed") is True,
            error=error,
            status=status if isinstance(status, int) else usual,
            reason=row.get("reason"),
            category=row.get("category"),
            scope=str(row.get("scope") or "none"),
            explanation=str(row.get("explanation") or ""),
            suppressed_until=time_in(row.get("suppressed_until")),
            allowed=row.get("allowed") is True,
            provider_removed=provider["removed"] is True if "removed" in provider else None,
            provider_error=str(provider.get("error") or ""),
            finished=finished,
            fields=row,
        )


def change_one(api: Api, action: Action, address: str, options: Mapping[str, Any]) -> ChangeResult:
    """Change one entry, until an erasure is finished.

    Args:
        api: the deployment.
        action: what to do.
        address: an address or a domain.
        options: the other fields of the entry, such as ``note``.

    Raises:
        ConflictError: it was refused, because of what is known of the address.
        UnavailableError: the API did not answer.
        ApiError: it refused the request.
    """
    method, path = ROUTES[action]
    body = _entry(address, options)
    for attempt in range(ERASURE_CALLS):
        if attempt:
            api.pause(min(attempt, _SLOWEST))
        result = ChangeResult.from_json(address, api.json(method, path, body=body))
        if result.finished:
            break
    return result


def change_many(
    api: Api,
    action: Action,
    addresses: Iterable[str],
    options: Mapping[str, Any],
    on_result: Callable[[ChangeResult], None] | None = None,
) -> list[ChangeResult]:
    """Change any number of entries, up to `BATCH` in a call; arguments and errors as `change_one`.

    Args:
        api: see there.
        action: see there.
        addresses: addresses and domains.
        options: see there.
        on_result: called with each result as soon as it is known.

    Returns:
        One result per address, in their order, `error` in those that were not changed.

    Raises:
        ValueError: there is no such action.
    """
    if action not in ROUTES:
        raise ValueError(f"action must be one of {', '.join(ROUTES)}, not {action!r}")
    results: list[ChangeResult] = []
    rest = items_of(addresses)
    size = PROVIDER_BATCH if options.get("provider") else BATCH
    while batch := list(islice(rest, size)):
        given = list(dict.fromkeys(filter(_is_given, batch)))
        found = _change_batch(api, action, given, options) if given else {}
        for address in batch:
            result = found[address] if _is_given(address) else _not_given(address)
            results.append(result)
            if on_result is not None:
                on_result(result)
    return results


def _is_given(address: object) -> bool:
    """Whether an entry has text; a row of a database may lack it."""
    return isinstance(address, str) and bool(address.strip())


def _not_given(address: object) -> ChangeResult:
    given = "" if address is None else str(address)
    if not given.strip():
        return ChangeResult(given, error="address or domain is required", status=400)
    return ChangeResult(given, error="address must be a string", status=400)


def items_of(items: Iterable[T]) -> Iterator[T]:
    """An iterator over a list; a string is refused, which would be one of single characters."""
    if isinstance(items, (str, bytes)):
        raise TypeError("a list is needed, such as [address], not a single string")
    return iter(items)


def _change_batch(
    api: Api, action: Action, addresses: list[str], options: Mapping[str, Any]
) -> dict[str, ChangeResult]:
    """The result of each of some different addresses, repeated until it is final or too often."""
    found: dict[str, ChangeResult] = {}
    pending = addresses
    for attempt in range(ERASURE_CALLS):
        if attempt:
            api.pause(min(attempt, _SLOWEST))
        found.update(_send(api, action, pending, options))
        pending = [
            address
            for address in pending
            if not found[address].finished or (found[address].status == 503 and attempt + 1 < TRIES)
        ]
        if not pending:
            break
    return found


def _send(
    api: Api, action: Action, addresses: list[str], options: Mapping[str, Any]
) -> Iterator[tuple[str, ChangeResult]]:
    """The answer about each address.

    The API refuses a whole call where one entry is not valid. That one is left out then, and two
    spellings of one address are sent in two calls.
    """
    method, path = ROUTES[action]
    now, later = list(addresses), list[str]()
    while now or later:
        if not now:
            now, later = later, []
        entries = [_entry(address, options) for address in now]
        try:
            answer = api.json(method, path, body={"entries": entries})
        except InvalidRequestError as error:
            number, name = _place_of(error)
            if number is None or number >= len(now):
                raise
            if name not in ("", "address", "domain"):
                raise _about_all(error, number, name) from error
            left_out = now.pop(number)
            if name:
                said = error.detail.removeprefix(f"entries[{number}].")
                yield left_out, ChangeResult(left_out, error=said, status=error.status)
            else:
                later.append(left_out)
            continue
        rows = answer.get("results")
        if not isinstance(rows, list) or len(rows) != len(now):
            raise SuppressionListError("the API did not answer for every entry")
        for address, row in zip(now, rows, strict=True):
            yield address, ChangeResult.from_json(address, row)
        now = []


def _entry(address: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return {"address" if "@" in address else "domain": address, **options}


def _place_of(error: InvalidRequestError) -> tuple[int | None, str]:
    """The entry that an error is about, and its field, from ``entries[3].note``."""
    place, _, name = (error.field or "").partition(".")
    number = place.removeprefix("entries[").removesuffix("]")
    return (int(number) if place != number and number.isdecimal() else None), name


def _about_all(error: InvalidRequestError, number: int, name: str) -> InvalidRequestError:
    """The same error without the number of the entry, for a field that all of them have."""
    detail = error.detail.removeprefix(f"entries[{number}].")
    problem = {"detail": detail, "field": name, "request_id": error.request_id}
    return InvalidRequestError(error.status, problem)
