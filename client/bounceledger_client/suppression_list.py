"""The suppression list of a deployment, as senders use it."""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from bounceledger_client.api import Api
from bounceledger_client.errors import SuppressionListError, UnavailableError
from bounceledger_client.filtering import Filtered, Outcome
from bounceledger_client.results import CheckedAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

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
            addresses: any number, in any spelling.
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
        # One character too many is enough for the API to say that it is too long.
        asked = [address[: LONGEST + 1] for address in addresses]
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


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _must(answers: list[CheckedAddress] | UnavailableError) -> list[CheckedAddress]:
    if isinstance(answers, UnavailableError):
        raise answers
    return answers
