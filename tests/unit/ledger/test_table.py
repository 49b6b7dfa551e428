"""Calls to DynamoDB: which failures are tried again, with which token, for how long."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ParamValidationError

from bounceledger.errors import LedgerError
from bounceledger.ledger.attributes import Item
from bounceledger.ledger.items import Key
from bounceledger.ledger.table import (
    CancelledError,
    InvalidWriteError,
    RetryBudget,
    Table,
    add,
    put_version,
)
from tests.faults.fake import FakeDynamoDB, as_client, cancelled, failure

NOW = datetime(2026, 11, 20, tzinfo=UTC)


ITEM: Item = {"pk": "a", "sk": "b"}


class Script:
    """A client that gives prepared answers, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            self.requests.append(parameters)
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def open_table(client: object) -> Table:
    return Table(as_client(client), "t")


def budget(slept: list[float] | None = None, **limits: Any) -> RetryBudget:
    sleep = slept.append if slept is not None else lambda _: None
    return RetryBudget(clock=lambda: NOW, sleep=sleep, jitter=lambda: 1.0, **limits)


CUT = ConnectionClosedError(endpoint_url="http://x")


@pytest.mark.parametrize(
    "error",
    [
        CUT,
        failure("ThrottlingException", "X"),
        failure("ProvisionedThroughputExceededException", "X"),
        failure("TransactionInProgressException", "X"),
        failure("TransactionCanceledException", "X"),
        failure("InternalServerError", "X", status=500),
        failure("SomethingNew", "X", status=503),
    ],
    ids=str,
)
def test_a_request_of_unknown_outcome_is_sent_again_with_its_token(error: Exception) -> None:
    """The token makes DynamoDB apply it once (ClientRequestToken)."""
    # GIVEN a table that answers at the second try
    client = Script(error, {})
    slept: list[float] = []

    # WHEN a transaction is sent
    open_table(client).transact([put_version(ITEM, 0)], budget(slept))

    # THEN the same request went out twice, after a pause
    first, second = client.requests
    assert first == second
    assert len(slept) == 1


def test_a_new_request_gets_a_new_token() -> None:
    """Otherwise DynamoDB would take the second for a repetition."""
    # WHEN the same write is requested twice
    client = Script({}, {})
    table = open_table(client)
    for _ in range(2):
        table.transact([put_version(ITEM, 0)], budget())

    # THEN each request has its own token
    tokens = [request["ClientRequestToken"] for request in client.requests]
    assert tokens[0] != tokens[1]


def test_a_cancelled_transaction_says_why() -> None:
    """The ledger decides by the reasons what to try next."""
    client = Script(cancelled(["None", "ConditionalCheckFailed"]))
    with pytest.raises(CancelledError) as caught:
        open_table(client).transact([put_version(ITEM, 0)], budget())
    assert caught.value.codes == ["None", "ConditionalCheckFailed"]
    assert str(caught.value) == "ConditionalCheckFailed"


@pytest.mark.parametrize(
    "error", [failure("ValidationException", "X"), ParamValidationError(report="no")], ids=str
)
def test_what_dynamodb_always_rejects_is_not_retried(error: Exception) -> None:
    """A retry would fail in the same way."""
    with pytest.raises(InvalidWriteError):
        open_table(Script(error)).transact([put_version(ITEM, 0)], budget())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "DynamoDB rejected the call: AccessDeniedException"),
        ("ResourceNotFoundException", "found no such table in this region"),
    ],
)
def test_a_wrong_deployment_is_not_the_events_fault(code: str, message: str) -> None:
    """Events wait in the queue until a person has fixed it."""
    with pytest.raises(LedgerError, match=message):
        open_table(Script(failure(code, "X"))).get([Key("a", "b")], budget())


def test_tries_are_counted_and_pauses_grow_up_to_a_second() -> None:
    """A throttled table is not pressed harder."""
    # GIVEN a table that cuts every connection
    slept: list[float] = []
    client = Script(*[CUT] * 20)

    # WHEN it is read
    with pytest.raises(LedgerError, match="after 11 tries"):
        open_table(client).get([Key("a", "b")], budget(slept))

    # THEN the pauses grow from 20 ms to a second
    assert slept == sorted(slept)
    assert slept[0] == pytest.approx(0.02)
    assert slept[-1] == 1.0


def test_nothing_is_begun_after_the_deadline() -> None:
    """The time that is left is for reporting failures."""
    client = Script()
    with pytest.raises(LedgerError, match="ran out of time"):
        open_table(client).get([Key("a", "b")], budget(deadline=NOW))
    assert client.requests == []


def test_a_try_that_ends_after_the_deadline_is_the_last() -> None:
    # GIVEN a first try that fails after the deadline
    clock = iter([NOW, NOW + timedelta(seconds=9)])
    limits = RetryBudget(
        deadline=NOW + timedelta(seconds=5), clock=lambda: next(clock), sleep=lambda _: None
    )
    client = Script(CUT)

    # WHEN the table is read
    with pytest.raises(LedgerError, match="ran out of time"):
        open_table(client).get([Key("a", "b")], limits)

    # THEN there is no second try
    assert len(client.requests) == 1


def test_unprocessed_keys_are_requested_again() -> None:
    """BatchGetItem may answer for a part of the keys only."""
    # GIVEN a table that serves one key at a time
    left = [{"pk": {"S": "c"}, "sk": {"S": "d"}}]
    client = Script(
        {
            "Responses": {"t": [{"pk": {"S": "a"}, "sk": {"S": "b"}}]},
            "UnprocessedKeys": {"t": {"Keys": left}},
        },
        {"Responses": {"t": [{"pk": {"S": "c"}, "sk": {"S": "d"}, "n": {"N": "3"}}]}},
    )

    # WHEN two are asked for, one of them twice
    found = open_table(client).get([Key("a", "b"), Key("c", "d"), Key("a", "b")], budget())

    # THEN both are found, read consistently, and only the missing one was asked for again
    assert found == {Key("a", "b"): ITEM, Key("c", "d"): {"pk": "c", "sk": "d", "n": 3}}
    requests = [request["RequestItems"]["t"] for request in client.requests]
    assert [len(request["Keys"]) for request in requests] == [2, 1]
    assert all(request["ConsistentRead"] for request in requests)


def test_a_hundred_keys_go_into_one_call() -> None:
    """BatchGetItem takes 100 keys."""
    fake = FakeDynamoDB()
    open_table(fake).get((Key(str(n), "x") for n in range(101)), budget())
    assert fake.calls["BatchGetItem"] == 2


def test_calls_for_more_keys_run_side_by_side() -> None:
    """A campaign is answered in the time of a few calls, not of all in turn."""
    # GIVEN a table in which no call is answered before another one is under way
    meeting = Barrier(2, timeout=10)

    class Meeting(FakeDynamoDB):
        def batch_get_item(self, **request: Any) -> Any:
            meeting.wait()
            return super().batch_get_item(**request)

    table = open_table(Meeting())

    # WHEN twice as many keys are read as fit into a call
    found = table.get((Key(str(n), "x") for n in range(200)), budget())

    # THEN both calls are answered
    assert found == {}


def test_a_query_reads_all_pages() -> None:
    # GIVEN more items than fit into a page
    fake = FakeDynamoDB()
    table = open_table(fake)
    for n in range(30):
        table.put({"pk": "p", "sk": f"{n:02}", "kind": "ab"[n % 2]}, budget())

    # WHEN a range of them is queried with a filter
    found = table.query("p", ("05", "20"), budget(), equals=("kind", "b"))

    # THEN every item of the range that passes the filter is found
    assert [item["sk"] for item in found] == [f"{n:02}" for n in range(5, 21, 2)]


def test_counters_add_up_whatever_they_are_called() -> None:
    """Counter names may be reserved words of DynamoDB."""
    # GIVEN a counter
    fake = FakeDynamoDB()
    table = open_table(fake)
    key = Key("c", "d")

    # WHEN it is added to twice
    for _ in range(2):
        table.transact([add(key, {"block": 1, "hard": -2})], budget())

    # THEN it holds the sums
    assert table.get([key], budget())[key] == {"pk": "c", "sk": "d", "block": 2, "hard": -4}


def test_every_call_has_its_own_retries() -> None:
    """A long listing must not use up its retries on the way."""
    # GIVEN a piece of work of many calls, of which every other one is cut
    client = Script(*[CUT, {"Items": []}] * 30)
    table, limits = open_table(client), budget(retries=2)

    # THEN it comes to its end, however many calls it has
    for _ in range(30):
        assert list(table.query("p", ("a", "b"), limits)) == []
