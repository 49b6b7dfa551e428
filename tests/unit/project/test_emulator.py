"""What the local emulator is given that AWS has."""

import json
from typing import Any

import pytest

from tools.emulator import with_any_methods, with_leading_keys, without_batches


def item(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "x"}}


QUERY = {
    "TableName": "t",
    "KeyConditionExpression": "pk = :pk AND sk BETWEEN :low AND :high",
    "ExpressionAttributeValues": {":pk": {"S": "a"}, ":low": {"S": "1"}, ":high": {"S": "2"}},
}


@pytest.mark.parametrize(
    ("request_", "keys"),
    [
        ({"TableName": "t", "Item": item("a") | {"Key": {"M": {"pk": {"S": "not"}}}}}, ["a"]),
        ({"TableName": "t", "Key": item("a")}, ["a"]),
        ({"RequestItems": {"t": {"Keys": [item("a"), item("b")]}}}, ["a", "b"]),
        (
            {
                "RequestItems": {
                    "t": [
                        {"PutRequest": {"Item": item("a")}},
                        {"DeleteRequest": {"Key": item("b")}},
                    ]
                }
            },
            ["a", "b"],
        ),
        (
            {"TransactItems": [{"Put": {"Item": item("a")}}, {"Delete": {"Key": item("b")}}]},
            ["a", "b"],
        ),
        (QUERY, ["a"]),
    ],
)
def test_a_request_to_dynamodb_has_its_leading_keys(
    request_: dict[str, Any], keys: list[str]
) -> None:
    # GIVEN the emulator's own condition keys
    context_of = with_leading_keys(lambda _: {"dynamodb:Select": "ALL_ATTRIBUTES"})

    # WHEN a request names items
    context = context_of(json.dumps(request_).encode())

    # THEN their partition keys are added
    assert context == {"dynamodb:Select": "ALL_ATTRIBUTES", "dynamodb:LeadingKeys": keys}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"TableName": "t"}'])
def test_a_request_without_items_has_no_leading_keys(body: bytes) -> None:
    """As for a scan at AWS: an empty list would be another thing than no key."""
    assert with_leading_keys(lambda _: {})(body) == {}


def test_a_batch_of_messages_needs_the_right_to_one() -> None:
    assert without_batches(lambda: "sqs:SendMessageBatch")() == "sqs:SendMessage"
    assert without_batches(lambda: "dynamodb:BatchGetItem")() == "dynamodb:BatchGetItem"


def test_the_method_of_all_methods_is_imported_as_any() -> None:
    """Unknown paths and methods would otherwise not reach our code locally."""
    # GIVEN an importer that takes methods by their names
    imported: list[tuple[object, ...]] = []
    take = with_any_methods(lambda *given: imported.append(given))

    # WHEN it gets a path with an extension for all methods
    take("api", "/{proxy+}", {"x-amazon-apigateway-any-method": {"a": 1}, "get": {"b": 2}}, None)

    # THEN the extension is a method, too
    assert imported == [("api", "/{proxy+}", {"any": {"a": 1}, "get": {"b": 2}}, None)]
