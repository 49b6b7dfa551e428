"""The suppression list that SES keeps for the account: addresses are taken off it here.

SES refuses mail to an address on its list without asking a server, so a suppression that was
removed here would come back as an echo.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from bounceledger.clients import ConnectedLater, create_client

WORKERS = 4
"""Calls that run side by side, as the time of a call would otherwise add to that between two.

SES takes about one a second in an account and region ("Service quotas in Amazon SES").
"""
PAUSE = 1.0
"""Seconds between two tries of a call, on average."""

_PASSING = frozenset(
    {"TooManyRequestsException", "LimitExceededException", "Throttling", "ThrottlingException"}
    | {"InternalFailure", "InternalServerError", "InternalServiceErrorException"}
    | {"ServiceUnavailable", "ServiceUnavailableException", "RequestTimeout"}
)


class SesClient(Protocol):
    """The part of an SES client (API version 2) that is used."""

    def delete_suppressed_destination(self, *, EmailAddress: str) -> Mapping[str, Any]:  # noqa: N803 - as AWS has it
        """Take an address off the account's list."""
        ...


def connect() -> SesClient:
    """An SES client with short time limits, and retries left to `SesList`."""
    from botocore.config import Config

    limits = Config(
        connect_timeout=1,
        read_timeout=3,
        retries={"total_max_attempts": 1},
        max_pool_connections=WORKERS,
    )
    return cast("SesClient", create_client("sesv2", limits))


def connect_later(create: Callable[[], SesClient] = connect) -> SesClient:
    """An SES client as `connect` makes it, created by its first call."""
    return cast("SesClient", ConnectedLater(create))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRemoval:
    """What became of one address on SES's list.

    Attributes:
        removed: it is on the list no more.
        was_listed: whether it was on the list; None where that is not known.
        error: why it may still be there: a sentence without personal data; empty if it is not.
    """

    removed: bool
    was_listed: bool | None = None
    error: str = ""


class SesList:
    """The list of this account in this region. Safe to share between threads.

    Args:
        client: see `connect_later`.
        clock: now, aware.
        sleep: waits for seconds.
        jitter: a number from 0.0 to 1.0.
    """

    def __init__(
        self,
        client: SesClient,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter

    def remove(self, addresses: Sequence[str], *, deadline: datetime) -> list[ListRemoval]:
        """Take addresses off the list. Never raises because of what SES answers.

        Args:
            addresses: distinct, in canonical form.
            deadline: after this moment no call is begun; one that is under way may take 4 s.

        Returns:
            One result per address, in their order.
        """
        if len(addresses) <= 1:
            return [self._remove(address, deadline) for address in addresses]
        with ThreadPoolExecutor(min(WORKERS, len(addresses)), thread_name_prefix="ses") as pool:
            return list(pool.map(lambda address: self._remove(address, deadline), addresses))

    def _remove(self, address: str, deadline: datetime) -> ListRemoval:
        cause = "there was no time left to ask SES"
        while self._clock() < deadline:
            try:
                self._client.delete_suppressed_destination(EmailAddress=address)
            except ClientError as error:
                code = error.response["Error"].get("Code", "")
                if code == "NotFoundException":
                    return ListRemoval(removed=True, was_listed=False)
                cause = f"SES refused the call: {code}"
                if code not in _PASSING:
                    return ListRemoval(removed=False, error=cause)
            except BotoCoreError as error:
                cause = f"SES did not answer: {type(error).__name__}"
            else:
                return ListRemoval(removed=True, was_listed=True)
            self._sleep(PAUSE * (0.5 + self._jitter()))
        return ListRemoval(removed=False, error=f"{cause}; try again")
