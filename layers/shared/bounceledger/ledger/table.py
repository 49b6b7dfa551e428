"""Calls to DynamoDB, and which of its failures are worth a retry."""

import random
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from bounceledger.errors import LedgerError
from bounceledger.ledger.attributes import Item, from_attributes, to_attribute, to_attributes
from bounceledger.ledger.items import Key
from bounceledger.state import Json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_ACTIONS = 100
"""Actions of one transaction, and keys of one BatchGetItem."""
MAX_READERS = 10
"""BatchGetItem calls that run side by side; fewer than the connections of a client."""

_INVALID = frozenset(
    {"ValidationError", "ValidationException", "ItemCollectionSizeLimitExceeded"}
    | {"ItemCollectionSizeLimitExceededException"}
)
_PASSING = frozenset(
    {
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionCanceledException",  # where it gives no reasons
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
CONDITION_FAILED = "ConditionalCheckFailed"
CONFLICT = "TransactionConflict"


class InvalidWriteError(LedgerError):
    """DynamoDB will never accept this write, however often it is tried."""


class ConditionError(Exception):
    """A single write was not applied, since its condition does not hold."""


class CancelledError(Exception):
    """A transaction was not applied; `codes` has one reason per action, or ``None``."""

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__(", ".join(sorted(set(codes) - {"None"})) or "no reason given")
        self.codes = codes


@dataclass(slots=True)
class RetryBudget:
    """How long and how often one call, or one group of events, is tried.

    Attributes:
        deadline: moment after which no further try is begun; None for no time limit.
        retries: tries after the first.
    """

    deadline: datetime | None = None
    retries: int = 10
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    _spent: int = field(default=0, init=False)

    def renewed(self) -> "RetryBudget":
        """The same limits with all retries left, for one call among many."""
        return replace(self)

    def check(self) -> None:
        """Raise LedgerError if no further try may begin."""
        if self.deadline is not None and self.clock() >= self.deadline:
            raise LedgerError("ran out of time")

    def wait(self, cause: object) -> None:
        """Pause before another try: up to 20 ms, doubled each time, at most 1 s.

        Raises:
            LedgerError: retries or time ran out.
        """
        if self._spent >= self.retries:
            raise LedgerError(f"the table did not answer after {self._spent + 1} tries: {cause}")
        self.check()
        self.sleep(min(1.0, 0.02 * 2**self._spent) * self.jitter())
        self._spent += 1


class Table:
    """One table. Its methods retry until the given budget is spent.

    Raises of every method:
        LedgerError: the budget is spent, or the call is not allowed; a later try may succeed.
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name

    def get(self, keys: Iterable[Key], budget: RetryBudget) -> dict[Key, Item]:
        """The items that exist among `keys`, strongly consistent.

        A call reads `MAX_ACTIONS` of them; up to `MAX_READERS` calls run side by side.
        """
        wanted = list(dict.fromkeys(keys))
        groups = [wanted[at : at + MAX_ACTIONS] for at in range(0, len(wanted), MAX_ACTIONS)]
        if len(groups) < 2:
            return self._get_group(wanted, budget) if wanted else {}
        found: dict[Key, Item] = {}
        readers = min(len(groups), MAX_READERS)
        with ThreadPoolExecutor(readers, thread_name_prefix="reader") as pool:
            for part in pool.map(lambda group: self._get_group(group, budget), groups):
                found |= part
        return found

    def _get_group(self, keys: Sequence[Key], budget: RetryBudget) -> dict[Key, Item]:
        """The items that exist among at most `MAX_ACTIONS` keys."""
        found: dict[Key, Item] = {}
        todo = [_key(key) for key in keys]
        own = budget.renewed()
        while todo:
            request = {self._name: {"Keys": todo, "ConsistentRead": True}}
            answer = _call(self._client.batch_get_item, budget, RequestItems=request)
            for attributes in answer.get("Responses", {}).get(self._name, ()):
                item = from_attributes(attributes)
                found[Key(str(item["pk"]), str(item["sk"]))] = item
            todo = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", [])
            if todo:
                own.wait("unprocessed keys")
        return found

    def query(
        self,
        pk: str,
        sk_range: tuple[str, str],
        budget: RetryBudget,
        *,
        equals: tuple[str, str] | None = None,
    ) -> Iterator[Item]:
        """Items of a partition with sort keys in a range, strongly consistent; see `pages`."""
        for page, _ in self.pages(pk, sk_range, budget, equals=equals):
            yield from page

    def pages(
        self,
        pk: str,
        sk_range: tuple[str, str],
        budget: RetryBudget,
        *,
        equals: tuple[str, str] | None = None,
    ) -> Iterator[tuple[list[Item], str]]:
        """The same items a page at a time: 1 MB before those that `equals` leaves out.

        Args:
            pk: the partition.
            sk_range: lowest and highest sort key, both included.
            budget: how long and how often to try.
            equals: name and value of an attribute that items must have.

        Yields:
            The items of a page, and the last sort key that was looked at; empty on the last page.
        """
        request = self._query(pk, sk_range)
        if equals:
            request["FilterExpression"] = "#name = :value"
            request["ExpressionAttributeNames"] = {"#name": equals[0]}
            request["ExpressionAttributeValues"][":value"] = {"S": equals[1]}
        while True:
            answer = _call(self._client.query, budget, **request)
            last = answer.get("LastEvaluatedKey")
            yield [*map(from_attributes, answer["Items"])], last["sk"]["S"] if last else ""
            if not last:
                return
            request["ExclusiveStartKey"] = last

    def up_to(
        self,
        limit: int,
        pk: str,
        sk_range: tuple[str, str],
        budget: RetryBudget,
        *,
        after: str = "",
    ) -> tuple[list[Item], bool]:
        """The first items of a partition with sort keys in a range, strongly consistent.

        Args:
            limit: items at most, from 1.
            pk: the partition.
            sk_range: lowest and highest sort key, both included.
            budget: how long and how often to try.
            after: leave out the item with this sort key and those before it.

        Returns:
            The items, and whether there may be more.
        """
        found: list[Item] = []
        request = self._query(pk, sk_range)
        if after:
            request["ExclusiveStartKey"] = _key(Key(pk, after))
        while True:
            answer = _call(self._client.query, budget, **request, Limit=limit - len(found))
            found += map(from_attributes, answer["Items"])
            last = answer.get("LastEvaluatedKey")
            if not last or len(found) >= limit:
                return found, bool(last)
            request["ExclusiveStartKey"] = last

    def _query(self, pk: str, sk_range: tuple[str, str]) -> dict[str, Any]:
        return {
            "TableName": self._name,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk AND sk BETWEEN :low AND :high",
            "ExpressionAttributeValues": to_attributes(
                {":pk": pk, ":low": sk_range[0], ":high": sk_range[1]}
            ),
        }

    def put(self, item: Item, budget: RetryBudget) -> None:
        """Write an item without a condition.

        Not with others by BatchWriteItem: the right to call it is one to delete items as well.
        """
        _call(self._client.put_item, budget, TableName=self._name, Item=to_attributes(item))

    def put_same(self, item: Item, name: str, budget: RetryBudget) -> bool:
        """Write an item that does not exist, or has the same value of an attribute.

        Returns:
            False if it exists with another value, and was not written.
        """
        try:
            _call(
                self._client.put_item,
                budget,
                TableName=self._name,
                Item=to_attributes(item),
                ConditionExpression="attribute_not_exists(pk) OR #name = :same",
                ExpressionAttributeNames={"#name": name},
                ExpressionAttributeValues={":same": to_attribute(item[name])},
            )
        except ConditionError:
            return False
        return True

    def transact(self, actions: Sequence["Action"], budget: RetryBudget) -> None:
        """Apply all actions or none.

        Sent again with the same token while it is not known whether it was applied, so that
        an applied request whose answer was lost succeeds instead of being applied twice.

        Raises:
            CancelledError: not applied, for the reasons given per action.
            InvalidWriteError: DynamoDB will never accept it.
        """
        _call(
            self._client.transact_write_items,
            budget,
            TransactItems=[action.request(self._name) for action in actions],
            ClientRequestToken=str(uuid.uuid4()),
        )


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a transaction.

    Attributes:
        kind: ``Put``, ``Update``, ``Delete`` or ``ConditionCheck``.
        key: of the item.
        parameters: of the action, without table and key.
    """

    kind: str
    key: Key
    parameters: dict[str, Any]

    def request(self, table: str) -> dict[str, Any]:
        """The action as TransactWriteItems takes it."""
        key = {} if self.kind == "Put" else {"Key": _key(self.key)}
        return {self.kind: {"TableName": table} | key | self.parameters}


def put_new(item: Item) -> Action:
    """Write an item that must not exist."""
    return _put(item, {"ConditionExpression": "attribute_not_exists(pk)"})


def put_version(item: Item, seen: int) -> Action:
    """Write the next version of an item of which version `seen` was read (0: none)."""
    following = item | {"version": seen + 1}
    return put_new(following) if seen == 0 else _put(following, _at_version(seen))


def _at_version(seen: int) -> dict[str, Any]:
    return {
        "ConditionExpression": "#version = :seen",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":seen": {"N": str(seen)}},
    }


def put_over(item: Item, name: str, seen: Json) -> Action:
    """Write an item of which an attribute still has the value that was read."""
    return _put(item, _still(name, seen))


def _still(name: str, seen: Json) -> dict[str, Any]:
    return {
        "ConditionExpression": "#name = :seen",
        "ExpressionAttributeNames": {"#name": name},
        "ExpressionAttributeValues": {":seen": to_attribute(seen)},
    }


def put(item: Item) -> Action:
    """Write an item whatever was there."""
    return _put(item, {})


def _put(item: Item, condition: dict[str, Any]) -> Action:
    key = Key(str(item["pk"]), str(item["sk"]))
    return Action("Put", key, {"Item": to_attributes(item)} | condition)


def add(
    key: Key, numbers: Mapping[str, int], sets: Mapping[str, Collection[bytes]] | None = None
) -> Action:
    """Add to attributes that are numbers, or sets of bytes; what is absent counts as 0, or empty.

    Args:
        key: of the item.
        numbers: to add, by attribute.
        sets: elements to add, none of them empty, by attribute.
    """
    values = {name: {"N": str(numbers[name])} for name in sorted(numbers)} | _sets(sets or {})
    return _update(key, {"ADD": values})


def remove_elements(
    key: Key, sets: Mapping[str, Collection[bytes]], *, level: int, attribute: str
) -> Action:
    """Remove elements of sets of bytes, and raise an attribute to a level.

    On condition that the attribute is not above that level.

    Args:
        key: of the item.
        sets: elements to remove, by attribute.
        level: a number.
        attribute: name of the number; what is absent is below every level.
    """
    action = _update(key, {"SET": {attribute: {"N": str(level)}}, "DELETE": _sets(sets)})
    condition = "attribute_not_exists(#0) OR #0 <= :0"
    return replace(action, parameters=action.parameters | {"ConditionExpression": condition})


def _sets(sets: Mapping[str, Collection[bytes]]) -> dict[str, dict[str, Any]]:
    return {name: {"BS": sorted(sets[name])} for name in sorted(sets) if sets[name]}


def _update(key: Key, clauses: Mapping[str, Mapping[str, dict[str, Any]]]) -> Action:
    """Update attributes by clauses, each with the values of its attributes."""
    names: dict[str, str] = {}
    values: dict[str, dict[str, Any]] = {}
    expression = []
    for clause, attributes in clauses.items():
        between = " = " if clause == "SET" else " "
        terms = []
        for name, value in attributes.items():
            i = len(names)
            names[f"#{i}"], values[f":{i}"] = name, value
            terms.append(f"#{i}{between}:{i}")
        expression.append(f"{clause} {', '.join(terms)}")
    return Action(
        "Update",
        key,
        {
            "UpdateExpression": " ".join(expression),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        },
    )


def delete(key: Key) -> Action:
    """Remove an item if it is there."""
    return Action("Delete", key, {})


def delete_version(key: Key, seen: int) -> Action:
    """Remove an item of which version `seen` was read."""
    return Action("Delete", key, _at_version(seen))


def delete_over(key: Key, name: str, seen: Json) -> Action:
    """Remove an item of which an attribute still has the value that was read."""
    return Action("Delete", key, _still(name, seen))


def still(key: Key, name: str, seen: Json) -> Action:
    """Write nothing, but only succeed if an attribute still has the value that was read."""
    return Action("ConditionCheck", key, _still(name, seen))


def absent(key: Key) -> Action:
    """Write nothing, but only succeed if an item does not exist."""
    return Action("ConditionCheck", key, {"ConditionExpression": "attribute_not_exists(pk)"})


def _key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def _call(method: Callable[..., Any], budget: RetryBudget, **parameters: Any) -> Any:
    """Call until the answer says whether it was done."""
    budget = budget.renewed()
    while True:
        budget.check()
        try:
            return method(**parameters)
        except ParamValidationError as error:
            raise InvalidWriteError("botocore rejected the parameters") from error
        except ClientError as error:
            _raise_unless_passing(error)
            cause: Exception = error
        except BotoCoreError as error:  # no connection, or it broke: applied or not
            cause = error
        budget.wait(_name(cause))


def _raise_unless_passing(error: ClientError) -> None:
    code = error.response["Error"].get("Code", "")
    if code == "ConditionalCheckFailedException":
        raise ConditionError(code) from error
    if code == "TransactionCanceledException" and error.response.get("CancellationReasons"):
        reasons = error.response["CancellationReasons"]
        raise CancelledError([reason.get("Code", "None") for reason in reasons]) from error
    if code in _INVALID:
        raise InvalidWriteError(code) from error
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code not in _PASSING and status < 500:
        raise LedgerError(_rejection(code)) from error


def _rejection(code: str) -> str:
    if code == "ResourceNotFoundException":
        return "DynamoDB found no such table in this region"
    return f"DynamoDB rejected the call: {code}"


def _name(error: Exception) -> str:
    if isinstance(error, ClientError):
        return error.response["Error"].get("Code", "")
    return type(error).__name__


def is_invalid(code: str) -> bool:
    """Whether a cancellation reason says that the action can never be applied."""
    return code in _INVALID


def is_passing(code: str) -> bool:
    """Whether a cancellation reason says that the same action may succeed later."""
    return code in _PASSING
