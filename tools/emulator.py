"""Runs the local AWS emulator, with what its IAM does differently from AWS's put right.

AWS lets whoever may call SendMessage call SendMessageBatch, and the like; there are no actions
of the batches' names ("Actions, resources, and condition keys for Amazon SQS"). The emulator asks
for such an action.

AWS gives a request to DynamoDB the condition key ``dynamodb:LeadingKeys``, by which the template
bounds every role. The emulator does not, so it would refuse every such request.

AWS takes ``x-amazon-apigateway-any-method`` of an API's description as the method ANY. The emulator
leaves it out, so unknown paths and methods would not reach our code.

Run by `tools.stack` with the emulator's own Python.
"""

import json
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

_PARTITION_KEY = "pk"
"""What the template calls the partition key."""
_ANY_METHOD = "x-amazon-apigateway-any-method"
_KEY_CONDITION = re.compile(rf"\b{_PARTITION_KEY} = (:\w+)")


def main() -> None:
    """Serve until the process is stopped."""
    iam_actions: Any = import_module("ministack.core.iam_actions")
    iam_actions.extract_iam_action = without_batches(iam_actions.extract_iam_action)
    iam_actions.dynamodb_service_context = with_leading_keys(iam_actions.dynamodb_service_context)
    api_gateway: Any = import_module("ministack.services.apigateway_v1")
    vars(api_gateway)["_OPENAPI_HTTP_METHODS"].add("any")
    vars(api_gateway)["_import_path_item"] = with_any_methods(
        vars(api_gateway)["_import_path_item"]
    )
    import_module("ministack.app").main()


def without_batches(action_of: Callable[..., str | None]) -> Callable[..., str | None]:
    """The same function, which gives a batch of SQS calls the action of a single one."""

    def single(*request: Any) -> str | None:
        action = action_of(*request)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    return single


def with_leading_keys(
    context_of: Callable[[bytes], dict[str, Any]],
) -> Callable[[bytes], dict[str, Any]]:
    """The same function, which adds the partition keys of all items that a request names.

    A request that names no item, such as a scan, does not get the condition key.
    """

    def context(body: bytes) -> dict[str, Any]:
        keys = list(leading_keys(json.loads(body or b"{}")))
        return context_of(body) | ({"dynamodb:LeadingKeys": keys} if keys else {})

    return context


def with_any_methods(import_path: Callable[..., None]) -> Callable[..., None]:
    """The same function, which takes the extension of OpenAPI for any method as a method."""

    def imported(api_id: str, path: str, methods: dict[str, Any], *security: Any) -> None:
        named = {"any" if name == _ANY_METHOD else name: one for name, one in methods.items()}
        import_path(api_id, path, named, *security)

    return imported


def leading_keys(request: Any) -> Iterator[str]:
    """Partition keys of the items in a DynamoDB request, those of a transaction included.

    Args:
        request: in DynamoDB's JSON protocol, or a part of it.
    """
    if isinstance(request, list):
        for part in request:
            yield from leading_keys(part)
    if not isinstance(request, dict):
        return
    if condition := _KEY_CONDITION.search(request.get("KeyConditionExpression", "")):
        yield request["ExpressionAttributeValues"][condition[1]]["S"]
    for name, part in request.items():
        if name in ("Item", "Key", "Keys"):
            items = part if isinstance(part, list) else [part]
            yield from (item[_PARTITION_KEY]["S"] for item in items if _PARTITION_KEY in item)
        else:
            yield from leading_keys(part)


if __name__ == "__main__":
    main()
