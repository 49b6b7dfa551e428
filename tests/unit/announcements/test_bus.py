"""Publishing to EventBridge: batches, partial failures, and what is worth a retry."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from bounceledger.announcements.announcement import Announcement, EventType
from bounceledger.announcements.bus import MAX_BYTES, EventBus, groups, size_of
from bounceledger.state import Json
from tests.stream_records import NOW


class FakeEvents:
    """An EventBridge client that answers entries by what is planned for each call.

    Args:
        plan: for each call an error to raise, or error codes by place in the call; without a plan
            everything is taken.
    """

    def __init__(self, *plan: Exception | dict[int, str]) -> None:
        self.calls: list[list[Mapping[str, Any]]] = []
        self._plan = list(plan)

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:  # noqa: N803
        self.calls.append(list(Entries))
        planned = self._plan.pop(0) if self._plan else {}
        if isinstance(planned, Exception):
            raise planned
        answers = [
            {"ErrorCode": planned[n]} if n in planned else {"EventId": str(n)}
            for n in range(len(Entries))
        ]
        return {"FailedEntryCount": len(planned), "Entries": answers}


def announcements(number: int, **fields: Json) -> list[Announcement]:
    return [
        Announcement(
            type=EventType.ADDRESS_SUPPRESSED, origin=str(n), occurred_at=NOW, fields=fields
        )
        for n in range(number)
    ]


def publish(client: FakeEvents, events: Sequence[Announcement]) -> list[str]:
    """What kept each event from being published; empty for nothing."""
    return [str(error or "") for error in EventBus(client, "bus", "mail").publish(events)]


def test_an_entry_has_what_rules_match_by() -> None:
    # GIVEN one event
    client = FakeEvents()
    [event] = announcements(1, lead_sources=["messe-köln"])

    # WHEN it is published
    assert publish(client, [event]) == [""]

    # THEN its entry names bus, source, type, time and detail
    [[entry]] = client.calls
    assert json.loads(entry["Detail"]) == {
        "version": "1",
        "id": event.id,
        "stack": "mail",
        "occurred_at": "2026-11-23T12:00:00Z",
        "lead_sources": ["messe-köln"],
    }
    others = {name: value for name, value in entry.items() if name != "Detail"}
    assert others == {
        "EventBusName": "bus",
        "Source": "bounceledger",
        "DetailType": "AddressSuppressed",
        "Time": NOW,
    }


def test_a_dead_letter_is_an_entry_that_can_be_sent_again() -> None:
    # GIVEN an event
    client = FakeEvents()
    [event] = announcements(1, lead_source="messe-köln")

    # WHEN it is published, and written as a dead letter
    publish(client, [event])
    letter = json.loads(EventBus(client, "bus", "mail").text_of(event))

    # THEN both are the same entry, with the time as the AWS CLI takes it
    [[entry]] = client.calls
    assert letter == {**entry, "Time": "2026-11-23T12:00:00Z"}


def test_a_call_takes_ten_entries_and_keeps_their_order() -> None:
    client = FakeEvents()
    assert publish(client, announcements(23)) == [""] * 23
    assert [len(call) for call in client.calls] == [10, 10, 3]
    sent = [json.loads(entry["Detail"])["id"] for call in client.calls for entry in call]
    assert sent == [event.id for event in announcements(23)]


def test_a_call_takes_256_kb() -> None:
    # GIVEN events of 100 KB each, of which two and a half fit into a call
    client = FakeEvents()
    publish(client, announcements(5, filler="ä" * 50_000))

    # THEN they go by two
    assert [len(call) for call in client.calls] == [2, 2, 1]
    assert all(sum(map(size_of, call)) <= MAX_BYTES for call in client.calls)


def test_an_entry_that_fills_a_call_goes_alone() -> None:
    entry = {"Source": "s", "DetailType": "d", "Detail": "x" * (MAX_BYTES - 16)}
    assert size_of(entry) == MAX_BYTES
    assert [len(group) for group in groups([entry, entry])] == [1, 1]


def test_no_event_makes_no_call() -> None:
    client = FakeEvents()
    assert publish(client, []) == []
    assert client.calls == []


def test_only_what_failed_is_sent_again() -> None:
    # GIVEN a bus that takes two of three at first
    client = FakeEvents({1: "ThrottlingException"})
    events = announcements(3)

    # THEN the other is sent again, and published
    assert publish(client, events) == ["", "", ""]
    assert [json.loads(entry["Detail"])["id"] for entry in client.calls[1]] == [events[1].id]


def test_an_entry_that_keeps_failing_is_worth_a_later_try() -> None:
    client = FakeEvents(*[{0: "InternalFailure"}] * 3)
    [error, none] = EventBus(client, "bus", "s").publish(announcements(2))
    assert error is not None
    assert error.retry_helps
    assert none is None
    assert [len(call) for call in client.calls] == [2, 1, 1]


@pytest.mark.parametrize("code", ["MalformedDetail", "AccessDeniedException", "Unheard"])
def test_an_entry_that_the_bus_will_never_take_is_sent_once(code: str) -> None:
    client = FakeEvents({0: code})
    [error, none] = EventBus(client, "bus", "s").publish(announcements(2))
    assert error is not None
    assert not error.retry_helps
    assert code in str(error)
    assert none is None
    assert len(client.calls) == 1


@pytest.mark.parametrize(
    "failure",
    [
        EndpointConnectionError(endpoint_url="https://events"),
        ClientError({"Error": {"Code": "AccessDenied", "Message": "ann@a.test"}}, "PutEvents"),
    ],
)
def test_after_a_call_that_fails_no_other_is_made(failure: Exception) -> None:
    """A bus that is down would use up the time of the invocation."""
    # GIVEN a bus that is down from the second call on
    client = FakeEvents({}, failure)
    errors = EventBus(client, "bus", "s").publish(announcements(35))

    # THEN the first ten are published, and the rest is worth another try
    assert errors[:10] == [None] * 10
    assert all(error is not None and error.retry_helps for error in errors[10:])
    assert len(client.calls) == 2

    # AND the error does not repeat what somebody wrote
    assert "ann" not in str(errors[-1])
