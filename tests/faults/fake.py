"""A DynamoDB in memory that fails as the real one does, for as much of it as the ledger uses.

It differs from emulators in what matters here: a transaction that meets another one on a
key is cancelled with TransactionConflict, a ClientRequestToken makes a request idempotent,
and faults come at random from a given seed: throttling, server errors, cut connections,
applied writes whose answer is lost, keys left unprocessed.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError, ConnectionClosedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_ITEM = 400 * 1024
MAX_REQUEST = 4 * 1024 * 1024
MAX_ACTIONS = 100

type Attributes = dict[str, Any]


class Killed(BaseException):
    """The worker died here; nothing in the code under test may catch this."""


@dataclass
class Faults:
    """Chances of faults per call, each between 0 and 1."""

    throttled: float = 0
    server_error: float = 0
    cut: float = 0
    answer_lost: float = 0
    unprocessed: float = 0
    killed_before: float = 0
    killed_after: float = 0


EVERYTHING = Faults(
    throttled=0.1,
    server_error=0.05,
    cut=0.05,
    answer_lost=0.1,
    unprocessed=0.1,
    killed_before=0.002,
    killed_after=0.002,
)
"""All kinds of faults at once."""


@dataclass
class FakeDynamoDB:
    """One table with keys `pk` and `sk`; methods as boto3's client has them.

    Args:
        seed: of the random faults.
        faults: what goes wrong, how often.
        hold: seconds that a transaction is in flight, so that others can meet it.
        page: items of one page of a Query; few, so that paging is always exercised.
    """

    seed: int = 0
    faults: Faults = field(default_factory=Faults)
    hold: float = 0.0
    page: int = 4
    table: dict[tuple[str, str], Attributes] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    conflicts: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._rng = random.Random(self.seed)
        self._in_flight: Counter[tuple[str, str]] = Counter()
        self._tokens: dict[str, str] = {}
        self._partitions: dict[str, set[str]] = {}

    # ------------------------------------------------------------------------- calls

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        [(name, request)] = RequestItems.items()
        keys = [_key(key) for key in request["Keys"]]
        if not 0 < len(keys) <= 100 or len(set(keys)) < len(keys):
            raise failure("ValidationException", "BatchGetItem")
        with self._faulty("BatchGetItem"), self._lock:
            served = self._processed(keys)
            found = [_copy(self.table[key]) for key in served if key in self.table]
            left = [_attributes(key) for key in keys if key not in set(served)]
        unprocessed = {name: {**request, "Keys": left}} if left else {}
        return {"Responses": {name: found}, "UnprocessedKeys": unprocessed}

    def put_item(
        self, *, TableName: str, Item: Mapping[str, Any], **condition: Any
    ) -> dict[str, Any]:
        del TableName
        with self._faulty("PutItem"), self._lock:
            if self._in_flight[_key(Item)]:
                raise failure("TransactionConflictException", "PutItem")
            if not self._holds(condition, self.table.get(_key(Item))):
                raise failure("ConditionalCheckFailedException", "PutItem")
            self._store(_key(Item), Item)
        return {}

    def query(self, **request: Any) -> dict[str, Any]:
        values = {name: value["S"] for name, value in request["ExpressionAttributeValues"].items()}
        start = request.get("ExclusiveStartKey")
        page = min(self.page, request.get("Limit", self.page))
        with self._faulty("Query"), self._lock:
            found = sorted(
                (values[":pk"], sk)
                for sk in self._partitions.get(values[":pk"], ())
                if values[":low"] <= sk <= values[":high"]
                and (start is None or sk > start["sk"]["S"])
            )
            items = [_copy(self.table[key]) for key in found[:page]]
        if "FilterExpression" in request:
            name = request["ExpressionAttributeNames"]["#name"]
            items = [item for item in items if item.get(name, {}).get("S") == values[":value"]]
        last = {"LastEvaluatedKey": _attributes(found[page - 1])} if len(found) > page else {}
        return {"Items": items} | last

    def scan(self, **_: Any) -> dict[str, Any]:
        with self._lock:
            return {"Items": [_copy(item) for item in self.table.values()]}

    def transact_write_items(
        self, *, TransactItems: list[dict[str, Any]], ClientRequestToken: str
    ) -> dict[str, Any]:
        actions = [next(iter(item.items())) for item in TransactItems]
        keys = [_key(action.get("Key") or action["Item"]) for _, action in actions]
        body = json.dumps(TransactItems, sort_keys=True, default=repr)
        if (
            not 0 < len(actions) <= MAX_ACTIONS
            or len(set(keys)) < len(keys)
            or len(body) > MAX_REQUEST
        ):
            raise failure("ValidationException", "TransactWriteItems")
        with self._faulty("TransactWriteItems"), self._alone_with(keys):
            time.sleep(self.hold)
            with self._lock:
                self._apply(actions, keys, ClientRequestToken, body)
        return {}

    def expire(self, now: datetime) -> None:
        """Delete what has expired, at the first moment at which DynamoDB may."""
        with self._lock:
            for key, item in list(self.table.items()):
                if "ttl" in item and int(item["ttl"]["N"]) <= now.timestamp():
                    self._write("Delete", {}, key)

    # --------------------------------------------------------------------- semantics

    def _apply(
        self,
        actions: list[tuple[str, dict[str, Any]]],
        keys: list[tuple[str, str]],
        token: str,
        body: str,
    ) -> None:
        if token in self._tokens:
            if self._tokens[token] != body:
                raise failure("IdempotentParameterMismatchException", "TransactWriteItems")
            return
        codes = [
            self._refusal(kind, action, key)
            for (kind, action), key in zip(actions, keys, strict=True)
        ]
        if any(code != "None" for code in codes):
            raise cancelled(codes)
        for (kind, action), key in zip(actions, keys, strict=True):
            self._write(kind, action, key)
        self._tokens[token] = body

    def _refusal(self, kind: str, action: dict[str, Any], key: tuple[str, str]) -> str:
        if not self._holds(action, self.table.get(key)):
            return "ConditionalCheckFailed"
        if kind == "Put" and (
            len(json.dumps(action["Item"])) > MAX_ITEM or "UNWRITABLE" in json.dumps(action["Item"])
        ):
            return "ValidationError"
        return "None"

    def _holds(self, action: dict[str, Any], item: Attributes | None) -> bool:
        match action.get("ConditionExpression"):
            case None:
                return True
            case "attribute_not_exists(pk)":
                return item is None
            case "#version = :seen":
                seen = action["ExpressionAttributeValues"][":seen"]
                return item is not None and item["version"] == seen
            case "#name = :seen":
                [name] = action["ExpressionAttributeNames"].values()
                seen = action["ExpressionAttributeValues"][":seen"]
                return item is not None and item.get(name) == seen
            case "attribute_not_exists(pk) OR #name = :same":
                [name] = action["ExpressionAttributeNames"].values()
                same = action["ExpressionAttributeValues"][":same"]
                return item is None or item.get(name) == same
            case "attribute_not_exists(#0) OR #0 <= :0":
                name, level = (
                    action["ExpressionAttributeNames"]["#0"],
                    action["ExpressionAttributeValues"][":0"],
                )
                return item is None or int(item.get(name, {"N": "0"})["N"]) <= int(level["N"])
            case other:
                raise AssertionError(f"the fake does not know {other}")

    def _write(self, kind: str, action: dict[str, Any], key: tuple[str, str]) -> None:
        match kind:
            case "Put":
                self._store(key, action["Item"])
            case "Delete":
                self.table.pop(key, None)
                self._partitions.get(key[0], set()).discard(key[1])
            case "Update":
                if key not in self.table:
                    self._store(key, _attributes(key))
                _update(self.table[key], action)
            case "ConditionCheck":
                pass

    def _store(self, key: tuple[str, str], item: Mapping[str, Any]) -> None:
        self.table[key] = _copy(item)
        self._partitions.setdefault(key[0], set()).add(key[1])

    @contextmanager
    def _alone_with(self, keys: list[tuple[str, str]]) -> Iterator[None]:
        with self._lock:
            met = [key for key in keys if self._in_flight[key]]
            if met:
                self.conflicts += met
                codes = ["TransactionConflict" if key in met else "None" for key in keys]
                raise cancelled(codes)
            self._in_flight.update(keys)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight.subtract(keys)

    # ------------------------------------------------------------------------ faults

    @contextmanager
    def _faulty(self, operation: str) -> Iterator[None]:
        with self._lock:
            self.calls[operation] += 1
            roll = {name: self._rng.random() < chance for name, chance in vars(self.faults).items()}
        if roll["killed_before"]:
            raise Killed
        if roll["throttled"]:
            code = self._rng.choice(
                ["ThrottlingException", "ProvisionedThroughputExceededException"]
            )
            raise failure(code, operation)
        if roll["server_error"]:
            raise failure("InternalServerError", operation, status=500)
        if roll["cut"]:
            raise ConnectionClosedError(endpoint_url="http://fake")
        yield
        if roll["killed_after"]:
            raise Killed
        if roll["answer_lost"]:
            raise ConnectionClosedError(endpoint_url="http://fake")

    def _processed[T](self, requests: list[T]) -> list[T]:
        if self._rng.random() < self.faults.unprocessed:
            return requests[: self._rng.randrange(len(requests))]
        return requests


def as_client(fake: object) -> "DynamoDBClient":
    """A fake as what the ledger takes: it has only the methods of the client that are used."""
    return cast("DynamoDBClient", fake)


def failure(code: str, operation: str, *, status: int = 400, **more: Any) -> ClientError:
    """An error as botocore raises it."""
    response: Any = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response | more, operation)


def cancelled(codes: list[str]) -> ClientError:
    """A cancelled transaction with one reason per action."""
    reasons = [{"Code": code} for code in codes]
    return failure(
        "TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons
    )


def _key(attributes: Mapping[str, Any]) -> tuple[str, str]:
    return attributes["pk"]["S"], attributes["sk"]["S"]


def _attributes(key: tuple[str, str]) -> Attributes:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def _update(item: Attributes, action: Mapping[str, Any]) -> None:
    """Apply the clauses of an update expression."""
    clause = ""
    words = iter(action["UpdateExpression"].replace(",", "").replace(" = ", " ").split())
    for word in words:
        if word in ("ADD", "SET", "DELETE"):
            clause = word
            continue
        name = action["ExpressionAttributeNames"][word]
        value = action["ExpressionAttributeValues"][next(words)]
        held: set[bytes] = {*item.get(name, {}).get("BS", ())}
        if clause == "SET":
            item[name] = value
        elif "N" in value:
            item[name] = {"N": str(int(item.get(name, {"N": "0"})["N"]) + int(value["N"]))}
        elif clause == "ADD":
            item[name] = {"BS": sorted(held.union(value["BS"]))}
        elif held := held.difference(value["BS"]):
            item[name] = {"BS": sorted(held)}
        else:
            item.pop(name, None)


def _copy(value: Any) -> Any:
    """A copy of which changes do not reach the original."""
    if isinstance(value, Mapping):
        return {name: _copy(part) for name, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value
