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

pytestmark = pytest.mark.slow

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


def test_a_restored_table_takes_the_place_of_the_stacks_own(stack: Stack) -> None:
    """The steps of docs/runbook.md; the stack's own table is kept, to compare with."""
    # GIVEN a stack whose table would go with its resource, and a copy that was restored
    doomed = {"TableDeletionPolicy": "Delete"}
    deploy(stack.endpoint_url, {**KEPT, **doomed})
    address, later = (f"somebody-{uuid.uuid4().hex}@example.test" for _ in range(2))
    before = suppress(stack, address)
    name, stream_arn = restore(stack)
    assert protection(stack, name) == {
        "stream": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        "deletion protection": True,
        "expiry": ("ENABLED", "ttl"),
        "backups": "ENABLED",
    }

    # WHEN the stack is updated to use it
    table = {"ExistingTableName": name, "ExistingTableStreamArn": stream_arn}
    again = deploy(stack.endpoint_url, {**KEPT, **doomed, **table})

    # THEN it answers as before, and what comes now is recorded there
    assert again.table_name == name
    assert answer(again, address) == before
    suppress(again, later)

    # AND the stack's own table is there, and takes its place again with the parameters empty
    own = {"ExistingTableName": "", "ExistingTableStreamArn": ""}
    again = deploy(stack.endpoint_url, {**KEPT, **doomed, **own})
    assert again.table_name == stack.table_name
    assert answer(again, address) == before
    assert answer(again, later)["suppressed"] is False


def restore(stack: Stack) -> tuple[str, str]:
    """Restore the stack's table to another; its name, and the ARN of its stream."""
    dynamodb, name = stack.client("dynamodb"), f"{stack.table_name}-restored"
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=stack.table_name, TargetTableName=name, UseLatestRestorableTime=True
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    updated = dynamodb.update_table(
        TableName=name,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
    dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )
    dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    return name, str(updated["TableDescription"]["LatestStreamArn"])


def protection(stack: Stack, name: str) -> dict[str, Any]:
    """What a restore does not bring along."""
    dynamodb = stack.client("dynamodb")
    table = dynamodb.describe_table(TableName=name)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return {
        "stream": table["StreamSpecification"],
        "deletion protection": table["DeletionProtectionEnabled"],
        "expiry": (ttl["TimeToLiveStatus"], ttl.get("AttributeName")),
        "backups": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
    }


def test_an_existing_table_without_its_stream_is_refused(stack: Stack) -> None:
    """Claims about domains would never be probed."""
    # WHEN a table is named and its stream is not, THEN the deployment fails
    with pytest.raises(SystemExit, match="ExistingTableStreamArn"):
        deploy(stack.endpoint_url, {**KEPT, "ExistingTableName": "kept-table"})
