"""The EventBridge bus on which events are published."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from bounceledger.announcements.announcement import Announcement, time_text
from bounceledger.clients import ConnectedLater, create_client
from bounceledger.errors import BounceledgerError, BusError, PayloadError

SOURCE = "bounceledger"
"""`source` of every event."""
MAX_ENTRIES = 10
"""Entries of one PutEvents call (EventBridge API reference)."""
MAX_BYTES = 256 * 1024
"""Bytes of all entries of one call (EventBridge user guide, "PutEvents event entry size")."""
_TIME_BYTES = 14
"""What the time of an entry counts for, by the same page."""
_TRIES = 3
"""How often an entry is sent that EventBridge could not take, in a call that did not fail."""
_RETRY_HELPS = frozenset({"InternalFailure", "InternalException", "ThrottlingException"})
"""Error codes of entries that may be taken later (API reference, "PutEventsResultEntry")."""

type Entry = Mapping[str, Any]


class EventsClient(Protocol):
    """The part of an EventBridge client that is used."""

    def put_events(self, *, Entries: Sequence[Entry]) -> Mapping[str, Any]:  # noqa: N803 - as AWS has it
        """Publish events; the response has an entry for each, in the same order."""
        ...


def connect() -> EventsClient:
    """An EventBridge client with time limits that fit into a function's own."""
    from botocore.config import Config

    limits = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})
    return cast("EventsClient", create_client("events", limits))


def connect_later() -> EventsClient:
    """An EventBridge client as `connect` makes it, created by its first call."""
    return cast("EventsClient", ConnectedLater(connect))


class Bus(Protocol):
    """Where events are published: an `EventBus`."""

    def publish(self, announcements: Sequence[Announcement]) -> list[BusError | None]:
        """Publish events; the result says of each why it was not, in the same order."""
        ...

    def text_of(self, announcement: Announcement) -> str:
        """An event as a dead letter holds it."""
        ...


class EventBus:
    """An event bus.

    Args:
        client: EventBridge client.
        name: name or ARN of the bus.
        stack: name of this deployment.
    """

    def __init__(self, client: EventsClient, name: str, stack: str) -> None:
        self._client = client
        self._name = name
        self._stack = stack

    def publish(self, announcements: Sequence[Announcement]) -> list[BusError | None]:
        """Publish events, ten per call.

        Returns:
            One result per event, in their order: None, or why it was not published. After a call
            that fails no other is made, and the rest has the same error.
        """
        entries = [self._entry(announcement) for announcement in announcements]
        results: list[BusError | None] = []
        for group in groups(entries):
            try:
                results += self._put(group)
            except (BotoCoreError, ClientError) as cause:
                error = BusError(f"could not publish to the event bus: {_described(cause)}")
                return results + [error] * (len(entries) - len(results))
        return results

    def text_of(self, announcement: Announcement) -> str:
        """An event as JSON, as ``aws events put-events`` takes an entry."""
        entry = {**self._entry(announcement), "Time": time_text(announcement.occurred_at)}
        return json.dumps(entry, ensure_ascii=False)

    def _entry(self, announcement: Announcement) -> Entry:
        return {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": announcement.type.value,
            "Time": announcement.occurred_at,
            "Detail": json.dumps(
                announcement.detail(self._stack), ensure_ascii=False, separators=(",", ":")
            ),
        }

    def _put(self, entries: Sequence[Entry]) -> list[BusError | None]:
        """Publish the entries of one call; those that may be taken later are sent again."""
        results: list[BusError | None] = [None] * len(entries)
        left = list(range(len(entries)))
        for _ in range(_TRIES):
            answers = self._client.put_events(Entries=[entries[n] for n in left])["Entries"]
            for n, answer in zip(left, answers, strict=True):
                code = answer.get("ErrorCode")
                reason = f"the event bus rejected the event: {code}"
                results[n] = BusError(reason, retry_helps=code in _RETRY_HELPS) if code else None
            left = [n for n in left if (error := results[n]) and error.retry_helps]
            if not left:
                break
        return results


def not_published(error: BounceledgerError) -> PayloadError:
    """The reason of a dead letter about an event that was not published."""
    return PayloadError(f"could not be published: {error}", field="event")


def groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Entries by call, in their order: as many as a call takes."""
    group: list[Entry] = []
    size = 0
    for entry in entries:
        own = size_of(entry)
        if group and (len(group) == MAX_ENTRIES or size + own > MAX_BYTES):
            yield group
            group, size = [], 0
        group.append(entry)
        size += own
    if group:
        yield group


def size_of(entry: Entry) -> int:
    """Bytes of an entry, counted as EventBridge does."""
    return _TIME_BYTES + sum(
        len(entry[name].encode()) for name in ("Source", "DetailType", "Detail")
    )


def _described(cause: Exception) -> str:
    if isinstance(cause, ClientError):
        return str(cause.response["Error"].get("Code", ""))
    return type(cause).__name__
