"""The suppression list of a deployment: who may be mailed, what it holds, and changes to it."""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from bounceledger_client.api import Api
from bounceledger_client.changing import (
    Action,
    ChangeResult,
    change_many,
    change_one,
    items_of,
)
from bounceledger_client.errors import SuppressionListError, UnavailableError
from bounceledger_client.filtering import Filtered, Outcome
from bounceledger_client.listing import (
    DeadAddress,
    History,
    LeadSource,
    ListedAddress,
    dead_addresses,
    lead_source,
    lead_sources,
    listed,
)
from bounceledger_client.results import CheckedAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date, datetime

T = TypeVar("T")

OnError = Literal["raise", "send", "hold"]
"""If the API does not answer: raise an error, send to everybody, or hold everybody back."""

BATCH = 1000
"""Addresses in one call; the API accepts no more."""
LONGEST = 2048
"""Longest address that the API reads, in characters."""
LARGEST = 1_000_000
"""Most characters of addresses in one call, to stay below the API's limit."""


class SuppressionList:
    """A deployment's suppression list. Safe to share between threads.

    Args:
        api: the stack's output ``ApiUrl``, or an `Api` with other settings.
        on_error: what `is_suppressed` and `filter` do if the API does not answer. ``raise``
            raises; ``send`` continues as if nobody was suppressed; ``hold`` as if everybody
            was. A request that the API rejects always raises.
        parallel: how many calls for one list run in parallel.
    """

    def __init__(self, api: str | Api, *, on_error: OnError = "raise", parallel: int = 4) -> None:
        if on_error not in ("raise", "send", "hold"):
            raise ValueError("on_error must be 'raise', 'send' or 'hold'")
        self.api = Api(api) if isinstance(api, str) else api
        self._on_error = on_error
        self._parallel = parallel

    def check(self, addresses: Iterable[str], *, source: str | None = None) -> list[CheckedAddress]:
        """What is known about each address, in order; 1,000 addresses per call.

        Args:
            addresses: any number, in any spelling. What is no string gets an `error`, too.
            source: lead source whose own evidence to include.

        Raises:
            UnavailableError: the API did not answer.
            ApiError: it refused the request.
        """
        return [
            checked
            for _, answers in self._answers(_batches(addresses), lambda one: one, source)
            for checked in _must(answers)
        ]

    def is_suppressed(self, address: str) -> bool:
        """Whether this address must not be mailed. True for an invalid address.

        Raises:
            UnavailableError: the API did not answer, and `on_error` is ``raise``.
            ApiError: it refused the request.
        """
        try:
            [checked] = self._check_batch([address], None)
        except UnavailableError:
            if self._on_error == "raise":
                raise
            return self._on_error == "hold"
        return not checked.deliverable

    def filter(
        self,
        recipients: Iterable[T],
        *,
        key: Callable[[T], str] | None = None,
        on_drop: Callable[[T, CheckedAddress | None], None] | None = None,
    ) -> Filtered[T]:
        """The recipients that may be mailed, in their order.

        Reads a few thousand recipients ahead and checks them in parallel; memory does not grow
        with their number. Errors are raised while iterating, as by `is_suppressed`.

        Args:
            recipients: any number of anything.
            key: the address of one; by default the recipient itself.
            on_drop: called with each recipient that is left out, and with what is known about it;
                None if the API did not answer.
        """
        return Filtered(self.outcomes(recipients, key=key), on_drop)

    def outcomes(
        self, recipients: Iterable[T], *, key: Callable[[T], str] | None = None
    ) -> Iterator[Outcome[T]]:
        """Every recipient, in their order, with whether it may be mailed, and why not.

        Use it if you need both sides; arguments, errors and memory as for `filter`.
        """
        for batch, answers in self._answers(_batches(recipients), key or str, None):
            if isinstance(answers, UnavailableError) and self._on_error != "raise":
                keep = self._on_error == "send"
                yield from (Outcome(recipient, None, keep) for recipient in batch)
            else:
                for recipient, checked in zip(batch, _must(answers), strict=True):
                    yield Outcome(recipient, checked, checked.deliverable)

    # ------------------------------------------------------------------------- changes

    def add(self, address: str, *, note: str, until: datetime | None = None) -> ChangeResult:
        """Suppress an address, or everyone at a domain.

        This and every other change can be repeated safely, and is recorded with `note` and who
        signed the request.

        Args:
            address: an address, or a domain: exactly that host name.
            note: why, in 1 to 500 characters on one line.
            until: when it ends by itself, aware; None for permanently.

        Raises:
            ConflictError: the address was erased.
            UnavailableError: the API did not answer.
            ApiError: it refused the request.
        """
        return change_one(self.api, "add", address, _options(note, until=until))

    def remove(
        self,
        address: str,
        *,
        note: str,
        complaint: bool = False,
        unsubscribe: bool = False,
        provider: bool = False,
    ) -> ChangeResult:
        """End what suppresses an address or a domain now; other arguments and errors as `add`.

        Args:
            address: see there.
            note: see there.
            complaint: remove a complaint of the address, too.
            unsubscribe: remove an unsubscribe of the address, too.
            provider: take the address off the list of the SES account, too. If SES fails, the
                result's `provider_error` says why.

        Raises:
            ConflictError: there is a complaint, or an unsubscribe that suppresses, and it was not
                told to remove that, or the address was erased.
        """
        options = _options(note, complaint=complaint, unsubscribe=unsubscribe, provider=provider)
        return change_one(self.api, "remove", address, options)

    def allow(self, address: str, *, note: str) -> ChangeResult:
        """Let no bounce suppress an address, or anyone at a domain; arguments as `add`."""
        return change_one(self.api, "allow", address, _options(note))

    def disallow(self, address: str, *, note: str) -> ChangeResult:
        """Take an address or a domain off the allow-list; arguments as `add`."""
        return change_one(self.api, "disallow", address, _options(note))

    def erase(self, address: str, *, note: str) -> ChangeResult:
        """Delete what is known of an address, which stays suppressed; arguments as `add`.

        The request is repeated until the erasure is finished, up to 50 times. If the result's
        `finished` is false after that, call it again. If the erasure is ended meanwhile, a repeat
        erases the address again, unless the API saw the end while it was deleting.

        Raises:
            ApiError: with status 501, the deployment has no key for erasures.
        """
        return change_one(self.api, "erase", address, _options(note))

    def end_erasure(self, address: str, *, note: str) -> ChangeResult:
        """Let an erased address be mailed again; arguments as `add`.

        What was deleted does not come back. Nothing changes about an address that is not erased.

        Raises:
            ApiError: with status 501, the deployment has no key for erasures.
        """
        return change_one(self.api, "end_erasure", address, _options(note))

    def change_many(
        self,
        action: Action,
        addresses: Iterable[str],
        *,
        note: str,
        until: datetime | None = None,
        complaint: bool = False,
        unsubscribe: bool = False,
        provider: bool = False,
        on_result: Callable[[ChangeResult], None] | None = None,
    ) -> list[ChangeResult]:
        """Make the same change to any number of addresses and domains, 100 in a call.

        One that cannot be changed does not keep the others from it: `error` and `status` of its
        result say why. Other arguments and errors as those of the method called as `action`.

        Args:
            action: ``add``, ``remove``, ``allow``, ``disallow``, ``erase`` or
                ``end_erasure``.
            addresses: addresses and domains, read a call at a time.
            note: why.
            until: for ``add`` only.
            complaint: for ``remove`` only; addresses only.
            unsubscribe: likewise.
            provider: likewise; 10 in a call then.
            on_result: called with each result as soon as it is known, so that an error does not
                hide what was done before it.

        Returns:
            One result per address, in their order.

        Raises:
            ValueError: `action` is none of these.
        """
        options = _options(
            note, until=until, complaint=complaint, unsubscribe=unsubscribe, provider=provider
        )
        return change_many(self.api, action, addresses, options, on_result)

    # --------------------------------------------------------------------------- lists

    def history(self, address: str, *, limit: int = 100) -> History:
        """What happened to an address: its events of 91 days, and all changes by people.

        Args:
            address: an address.
            limit: entries at most, 1 to 1,000; the newest.

        Raises:
            UnavailableError: the API did not answer.
            ApiError: it refused the request.
        """
        query = {"address": address, "limit": str(limit)}
        return History.from_json(self.api.json("GET", "/v1/suppressions/history", query=query))

    def suppressions(
        self,
        *,
        source: str | None = None,
        reason: str | None = None,
        category: str | None = None,
        first: date | None = None,
        last: date | None = None,
        limit: int | None = None,
        on_page: Callable[[int], None] = lambda _: None,
    ) -> Iterator[ListedAddress]:
        """The suppressed addresses, and domains that people added; calls are made while iterating.

        A list is no snapshot: an address that changes meanwhile may be there twice or be missed.

        Args:
            source: only those about which this lead source has evidence.
            reason: only those with this reason.
            category: only those with this category.
            first: only those with `last_seen` on this UTC day or later.
            last: likewise, on this day or earlier.
            limit: addresses and domains at most; all by default.
            on_page: called after each call with the number of entries that it looked at.

        Raises:
            UnavailableError: the API did not answer.
            ApiError: it refused the request.
        """
        query = {"reason": reason, "category": category, **_days(first, last)}
        return listed(self.api, query, source, limit, on_page)

    def sources(
        self,
        *,
        first: date | None = None,
        last: date | None = None,
        on_page: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> Iterator[LeadSource]:
        """All lead sources; errors as `suppressions`, calls likewise.

        They come in the order of the API, which each page names as ``sorted_by``: the worst verdict
        first, or by name if there are many.

        Args:
            first: first UTC day that is counted; by default 29 days before `last`.
            last: last UTC day that is counted; today by default.
            on_page: called with each page that the API answers, such as for its ``thresholds``.
        """
        return lead_sources(self.api, _days(first, last), on_page)

    def source(
        self, name: str, *, first: date | None = None, last: date | None = None
    ) -> LeadSource:
        """One lead source; `fields` has everything that its audit says.

        Other arguments as `sources`.

        Args:
            name: the lead source.
            first: see there.
            last: see there.

        Raises:
            UnavailableError: the API did not answer.
            ApiError: it refused the request.
        """
        return lead_source(self.api, name, _days(first, last))

    def evidence(
        self, source: str, *, first: date | None = None, last: date | None = None
    ) -> Iterator[DeadAddress]:
        """The dead addresses of a lead source, with what proves each.

        Errors as `suppressions`, calls likewise; days as `sources`.
        """
        return dead_addresses(self.api, source, _days(first, last))

    # --------------------------------------------------------------------------- calls

    def _answers(
        self, batches: Iterator[list[T]], key: Callable[[T], str], source: str | None
    ) -> Iterator[tuple[list[T], list[CheckedAddress] | UnavailableError]]:
        """Each batch with its answers, in order, some of them under way at a time."""

        def ask(batch: list[T]) -> list[CheckedAddress] | UnavailableError:
            try:
                return self._check_batch([key(one) for one in batch], source)
            except UnavailableError as error:
                return error

        pending: deque[tuple[list[T], Future[Any]]] = deque()
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="suppressions") as pool:
            for batch in batches:
                pending.append((batch, pool.submit(ask, batch)))
                if len(pending) >= self._parallel:
                    oldest, future = pending.popleft()
                    yield oldest, future.result()
            while pending:
                oldest, future = pending.popleft()
                yield oldest, future.result()

    def _check_batch(self, addresses: list[str], source: str | None) -> list[CheckedAddress]:
        """What is known of some addresses, in one call, or in more if they are very long."""
        asked = [*map(_as_asked, addresses)]
        if len(asked) > 1 and len(json.dumps(asked)) > LARGEST:
            half = len(asked) // 2
            first = self._check_batch(addresses[:half], source)
            return first + self._check_batch(addresses[half:], source)
        body: dict[str, Any] = {"addresses": asked}
        if source is not None:
            body["source"] = source
        answer = self.api.json("POST", "/v1/suppressions/check", body=body)
        rows = answer.get("results")
        if not isinstance(rows, list) or len(rows) != len(addresses):
            raise SuppressionListError("the API did not answer for every address")
        return [
            replace(CheckedAddress.from_json(row), input=address)
            for row, address in zip(rows, addresses, strict=True)
        ]


def _as_asked(address: object) -> str | None:
    """What stands for an address in a request.

    One character too many is enough for the API to say that it is too long; and null, that it is
    no string, such as an empty cell of a table.
    """
    return address[: LONGEST + 1] if isinstance(address, str) else None


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = items_of(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _options(note: str, *, until: datetime | None = None, **flags: bool) -> dict[str, Any]:
    """The fields of a change beside its address; those with the default are left out."""
    if until is not None and until.tzinfo is None:
        raise ValueError("until must be aware")
    ends = {"until": until.isoformat()} if until else {}
    return {"note": note, **ends, **{name: True for name, is_set in flags.items() if is_set}}


def _days(first: date | None, last: date | None) -> dict[str, str | None]:
    return {
        "from": first.isoformat() if first else None,
        "to": last.isoformat() if last else None,
    }


def _must(answers: list[CheckedAddress] | UnavailableError) -> list[CheckedAddress]:
    if isinstance(answers, UnavailableError):
        raise answers
    return answers
