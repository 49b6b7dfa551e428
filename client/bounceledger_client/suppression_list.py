"""What senders ask before they send."""

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
"""What an outage means: raise it, send as if nobody was suppressed, or hold everybody back."""

BATCH = 1000
"""Addresses in one call; the API accepts no more."""
LONGEST = 2048
"""Characters of what the API reads as an address."""
LARGEST = 1_000_000
"""Characters of the addresses in one call, so that it is below the API's limit."""


class SuppressionList:
    """A deployment's suppression list. Safe to share between threads.

    Args:
        api: the stack's output ``ApiUrl``, or an `Api` for anything beyond that.
        on_error: what it means for `is_suppressed` and `filter` if the API does not answer.
            ``raise`` raises; ``send`` goes on as if nobody was suppressed; ``hold`` as if
            everybody was. A request that the API refuses always raises.
        parallel: calls for one list that run side by side.
    """

    def __init__(self, api: str | Api, *, on_error: OnError = "raise", parallel: int = 4) -> None:
        if on_error not in ("raise", "send", "hold"):
            raise ValueError("on_error must be 'raise', 'send' or 'hold'")
        self.api = Api(api) if isinstance(api, str) else api
        self._on_error = on_error
        self._parallel = parallel

    def check(self, addresses: Iterable[str], *, source: str | None = None) -> list[CheckedAddress]:
        """What is known of each address, in their order, 1,000 to a call.

        Args:
            addresses: any number, as they are written anywhere.
            source: lead source whose own evidence is asked for as well.

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
        """Whether this address must not be mailed. What cannot be an address must not.

        Raises:
            UnavailableError: the API did not answer, and `on_error` is ``raise``.
            ApiError: it refused the request.
        """
        try:
            [checked] = self.check([address])
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

        Some thousand recipients are read ahead and checked side by side; memory does not grow
        with their number. Errors come while iterating, as `is_suppressed` raises them.

        Args:
            recipients: any number of anything.
            key: the address of one; by default the recipient itself.
            on_drop: called with each recipient that is left out, and with what is known of it;
                None where the API did not answer.
        """
        return Filtered(self.outcomes(recipients, key=key), on_drop)

    def outcomes(
        self, recipients: Iterable[T], *, key: Callable[[T], str] | None = None
    ) -> Iterator[Outcome[T]]:
        """Every recipient, in their order, with whether it may be mailed, and why not.

        For whoever needs both sides; arguments, errors and memory as for `filter`.
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
