"""A stack is deleted and deployed again: the table is adopted, and every answer is as before."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.ses_documents import bounce
from tools.stack import (
    LOCAL_PARAMETERS,
    STACK_NAME,
    Stack,
    call_api,
    deploy,
    publish,
    wait_for,
)

KEPT = {**LOCAL_PARAMETERS, "TableDeletionPolicy": "Retain"}


@pytest.fixture
def stack(endpoint: str) -> Iterator[Stack]:
    """A stack whose table is kept, deleted at the end if the test did not."""
    deployed = deploy(endpoint, KEPT)
    yield deployed
    delete(deployed)


def delete(stack: Stack) -> None:
    client = stack.client("cloudformation")
    client.delete_stack(StackName=STACK_NAME)
    client.get_waiter("stack_delete_complete").wait(
        StackName=STACK_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def output(stack: Stack, key: str) -> str:
    [deployed] = stack.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    values = {item["OutputKey"]: item["OutputValue"] for item in deployed["Outputs"]}
    return str(values[key])


def adopting(stack: Stack) -> Mapping[str, str]:
    """Parameters that adopt the table of a stack that is still deployed."""
    return {
        **KEPT,
        "ExistingTableName": output(stack, "TableName"),
        "ExistingTableStreamArn": output(stack, "TableStreamArn"),
    }


def answer(stack: Stack, address: str) -> dict[str, Any]:
    reply = call_api(stack, "/v1/suppressions", {"address": address})
    assert reply.status == 200, reply
    return dict(reply.body)


def resource_of(stack: Stack, logical_id: str) -> str:
    detail = stack.client("cloudformation").describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId=logical_id
    )
    return str(detail["StackResourceDetail"]["PhysicalResourceId"])


def suppress(stack: Stack, address: str) -> dict[str, Any]:
    publish(stack, bounce(address, lead_source="fair"))
    assert wait_for(lambda: answer(stack, address)["suppressed"])
    return answer(stack, address)


def test_everything_answers_as_before_after_the_stack_was_deleted(stack: Stack) -> None:
    # GIVEN a stack with a dead address and counts, which is then deleted
    address = f"somebody-{uuid.uuid4().hex}@example.test"
    before = suppress(stack, address)
    counts = call_api(stack, "/v1/sources/fair/counts").body
    parameters = adopting(stack)
    delete(stack)

    # WHEN it is deployed again with the table that was kept
    again = deploy(stack.endpoint_url, parameters)

    # THEN it uses that table, and answers the same
    assert again.table_name == stack.table_name
    assert answer(again, address) == before
    assert call_api(again, "/v1/sources/fair/counts").body == counts

    # AND it records as the first stack did
    suppress(again, f"somebody-{uuid.uuid4().hex}@example.test")


def test_naming_the_stacks_own_table_keeps_it_and_what_is_in_it(stack: Stack) -> None:
    """No value of the parameter drops the resource, and with a deletion policy Delete the data."""
    # GIVEN a stack whose table goes with its resource
    doomed = {"TableDeletionPolicy": "Delete"}
    deploy(stack.endpoint_url, {**KEPT, **doomed})
    address = f"somebody-{uuid.uuid4().hex}@example.test"
    before = suppress(stack, address)

    # WHEN its own table is named as the one to adopt
    again = deploy(stack.endpoint_url, {**adopting(stack), **doomed})

    # THEN the table is still the stack's, and holds what it held
    assert again.table_name == stack.table_name
    assert resource_of(again, "SuppressionTable") == stack.table_name
    assert answer(again, address) == before


def test_naming_another_table_keeps_the_stacks_own(stack: Stack) -> None:
    """After a restore, what the stack recorded before is still there to compare with."""
    # GIVEN a stack whose table would go with its resource, and another table, as restored
    doomed = {"TableDeletionPolicy": "Delete"}
    deploy(stack.endpoint_url, {**KEPT, **doomed})
    address = f"somebody-{uuid.uuid4().hex}@example.test"
    suppress(stack, address)
    dynamodb = stack.client("dynamodb")
    restored = restored_copy(dynamodb, stack.table_name)

    # WHEN the stack is updated to use it
    table = {"ExistingTableName": restored["TableName"]}
    stream = {"ExistingTableStreamArn": restored["LatestStreamArn"]}
    again = deploy(stack.endpoint_url, {**KEPT, **doomed, **table, **stream})

    # THEN it answers from the restored table, which does not know the address, and its own is there
    assert again.table_name == restored["TableName"]
    assert answer(again, address)["suppressed"] is False
    assert dynamodb.scan(TableName=stack.table_name)["Count"]

    # AND with the parameters empty again, it answers from its own again
    own = {"ExistingTableName": "", "ExistingTableStreamArn": ""}
    again = deploy(stack.endpoint_url, {**KEPT, **doomed, **own})
    assert answer(again, address)["suppressed"] is True


def restored_copy(dynamodb: Any, name: str) -> dict[str, Any]:
    """An empty table with the keys of another and a stream, as after the runbook's steps."""
    table = dynamodb.describe_table(TableName=name)["Table"]
    created = dynamodb.create_table(
        TableName=f"restored-{uuid.uuid4().hex[:8]}",
        KeySchema=table["KeySchema"],
        AttributeDefinitions=table["AttributeDefinitions"],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=table["StreamSpecification"],
    )
    return dict(created["TableDescription"])


def test_an_existing_table_without_its_stream_is_refused(stack: Stack) -> None:
    """Claims about domains would never be probed."""
    # WHEN a table is named and its stream is not, THEN the deployment fails
    with pytest.raises(SystemExit, match="ExistingTableStreamArn"):
        deploy(stack.endpoint_url, {**KEPT, "ExistingTableName": "kept-table"})
