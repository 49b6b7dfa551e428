"""Who may do what: tried for real, with the roles that the template makes."""

import io
import json
import re
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.credentials import Credentials

from tests.e2e.logs import log_of
from tests.rights import ALLOWED, PARTITIONS, rights
from tests.ses_documents import bounce
from tools.stack import STACK_NAME, Stack, call_api, publish, wait_for

TRY = """
import boto3

def handler(event, context):
    return [attempt(**call) for call in event]

def attempt(service, call, arguments):
    try:
        getattr(boto3.client(service), call)(**arguments)
    except Exception as error:
        return {"error": type(error).__name__, "text": str(error)}
    return {"error": None, "text": ""}
"""
"""A function that makes calls with the role that it runs under."""

type Call = tuple[str, str, dict[str, Any]]
"""Service, method and arguments."""
type Attempt = Callable[[*tuple[Call, ...]], list[dict[str, Any]]]


def role_arn(stack: Stack, logical_id: str) -> str:
    resources = stack.client("cloudformation").describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId=logical_id
    )
    name = resources["StackResourceDetail"]["PhysicalResourceId"]
    return str(stack.client("iam").get_role(RoleName=name)["Role"]["Arn"])


def acting_as(stack: Stack, logical_id: str) -> Iterator[Attempt]:
    """Try calls as the role of one of the functions."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("app.py", TRY)
    client = stack.client("lambda")
    name = f"try-{logical_id}-{uuid.uuid4().hex[:8]}"
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="app.handler",
        Role=role_arn(stack, logical_id),
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
    )

    def attempt(*calls: Call) -> list[dict[str, Any]]:
        payload = [dict(zip(("service", "call", "arguments"), call, strict=True)) for call in calls]
        answer = client.invoke(FunctionName=name, Payload=json.dumps(payload))
        results: list[dict[str, Any]] = json.load(answer["Payload"])
        return results

    yield attempt
    client.delete_function(FunctionName=name)


@pytest.fixture(scope="module")
def as_lookup(stack: Stack) -> Iterator[Attempt]:
    yield from acting_as(stack, "LookupRole")


@pytest.fixture(scope="module")
def as_ingest(stack: Stack) -> Iterator[Attempt]:
    yield from acting_as(stack, "IngestRole")


OUTBOX = "OutboxRole"
"""Reads the table only where there is an event bus, which this stack does not have."""
ITEM = {"pk": {"S": "ADDRESS#intruder@example.test"}, "sk": {"S": "FACTS"}}


def test_lookup_can_read_the_table(stack: Stack, as_lookup: Attempt) -> None:
    # GIVEN the role of lookup
    # WHEN it reads as it does for every request
    request = {stack.table_name: {"Keys": [ITEM]}}
    [result] = as_lookup(("dynamodb", "batch_get_item", {"RequestItems": request}))

    # THEN it may
    assert result["error"] is None, result


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("put_item", {"Item": ITEM}),
        ("delete_item", {"Key": ITEM}),
        ("update_item", {"Key": ITEM, "UpdateExpression": "REMOVE x"}),
        ("scan", {}),
    ],
)
def test_lookup_cannot_write_or_scan(
    stack: Stack, as_lookup: Attempt, call: str, arguments: dict[str, Any]
) -> None:
    # GIVEN the role of lookup
    # WHEN it tries what it has no need for
    [result] = as_lookup(("dynamodb", call, {"TableName": stack.table_name, **arguments}))

    # THEN IAM refuses
    assert "AccessDenied" in result["text"], result


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [
        ("dynamodb", "scan", {"TableName": "{table}"}),
        ("dynamodb", "delete_item", {"TableName": "{table}", "Key": ITEM}),
        ("sqs", "receive_message", {"QueueUrl": "{dead_letter_queue}"}),
        ("sqs", "purge_queue", {"QueueUrl": "{queue}"}),
        ("sns", "publish", {"TopicArn": "{topic}", "Message": "{}"}),
    ],
)
def test_ingest_cannot_do_what_it_need_not(
    stack: Stack, as_ingest: Attempt, service: str, call: str, arguments: dict[str, Any]
) -> None:
    # GIVEN the role of ingest and the real names of the stack's resources
    names = {
        "{table}": stack.table_name,
        "{dead_letter_queue}": stack.dead_letter_queue_url,
        "{queue}": stack.queue_url,
        "{topic}": stack.topic_arn,
    }
    real = {
        name: names.get(value, value) if isinstance(value, str) else value
        for name, value in arguments.items()
    }

    # WHEN it tries
    [result] = as_ingest((service, call, real))

    # THEN IAM refuses
    assert result["error"], result
    assert "not authorized" in result["text"] or "AccessDenied" in result["text"], result


def call_on(table: str, call: str, partition: str) -> Call:
    """A call on an item of a partition that nobody else uses."""
    key = {"pk": {"S": partition}, "sk": {"S": "try"}}
    of_table = {"TableName": table}
    match call:
        case "BatchGetItem":
            request: dict[str, Any] = {"RequestItems": {table: {"Keys": [key]}}}
        case "BatchWriteItem":
            request = {"RequestItems": {table: [{"DeleteRequest": {"Key": key}}]}}
        case "ConditionCheckItem":
            check = of_table | {"Key": key, "ConditionExpression": "attribute_not_exists(x)"}
            return (
                "dynamodb",
                "transact_write_items",
                {"TransactItems": [{"ConditionCheck": check}]},
            )
        case "PutItem":
            request = of_table | {"Item": key}
        case "UpdateItem":
            add = {"UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
            request = of_table | {"Key": key} | add
        case "Query":
            request = of_table | {
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": key["pk"]},
            }
        case "Scan":
            request = of_table
        case _:
            request = of_table | {"Key": key}
    return "dynamodb", snake_case(call), request


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_reaches_its_kinds_of_items_and_no_other(stack: Stack, role: str) -> None:
    """Ingest must not write a domain, nor a probe an address."""
    # GIVEN every call on every kind of item
    cases = [case._replace(allowed=case.allowed and role != OUTBOX) for case in rights(role)]

    # WHEN the role tries them on the deployed table
    with contextmanager(acting_as)(stack, role) as attempt:
        results = attempt(
            *(call_on(stack.table_name, case.call, PARTITIONS[case.kind]) for case in cases)
        )

    # THEN IAM refuses what the function has no need for, and nothing else fails
    wrong = [
        (case, result)
        for case, result in zip(cases, results, strict=True)
        if (not result["error"] if not case.allowed else result["error"])
    ]
    assert wrong == []
    refused = [r["text"] for case, r in zip(cases, results, strict=True) if not case.allowed]
    assert all("AccessDenied" in text for text in refused)


@pytest.mark.parametrize("role", ALLOWED)
def test_only_change_reaches_the_list_of_ses(stack: Stack, role: str) -> None:
    # WHEN a role tries to take an address off the list that SES keeps for the account
    call = {"EmailAddress": "nobody@example.test"}
    with contextmanager(acting_as)(stack, role) as attempt:
        [result] = attempt(("sesv2", "delete_suppressed_destination", call))

    # THEN IAM lets change pass, so that SES says that there is no such entry, and no other
    expected = "NotFound" if role == "ChangeRole" else "AccessDenied"
    assert expected in result["text"], result


def test_sns_cannot_deliver_without_the_queue_policy(stack: Stack) -> None:
    """The policy is what lets the topic in, and not an open queue."""
    # GIVEN the queue without its policy
    sqs = stack.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=stack.queue_url, AttributeNames=["Policy"])
    policy = attributes["Attributes"]["Policy"]
    sqs.set_queue_attributes(QueueUrl=stack.queue_url, Attributes={"Policy": ""})

    # WHEN an event is published
    address = f"nobody-{uuid.uuid4().hex}@example.test"
    try:
        publish(stack, bounce(address))
        time.sleep(1.5)
        refused = call_api(stack, "/v1/suppressions", {"address": address})
    finally:
        sqs.set_queue_attributes(QueueUrl=stack.queue_url, Attributes={"Policy": policy})

    # THEN it never arrives, whereas with the policy the same event does
    assert refused.body["suppressed"] is False
    publish(stack, bounce(address))
    arrived = wait_for(lambda: suppressed(stack, address))
    assert arrived


def suppressed(stack: Stack, address: str) -> bool:
    return bool(call_api(stack, "/v1/suppressions", {"address": address}).body["suppressed"])


@pytest.mark.parametrize("path", ["/v1/suppressions", "/v1/domains", "/v1/codes", "/v1/codes/521"])
def test_an_unsigned_call_is_refused(stack: Stack, path: str) -> None:
    # WHEN a route is called without a signature
    answer = call_api(stack, path, {"address": "a@example.test"}, signed=False)

    # THEN the API refuses
    assert answer.status == 403


def test_a_caller_needs_the_right_to_invoke_the_api_and_no_other(stack: Stack) -> None:
    # GIVEN an IAM user without any right
    iam = stack.client("iam")
    name = f"sender-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    sender = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    # THEN a signed call is refused
    query = {"address": "a@example.test"}
    assert call_api(stack, "/v1/suppressions", query, credentials=sender).status == 403

    # AND with execute-api:Invoke alone it is answered
    statement = {
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": f"arn:aws:execute-api:{stack.region}:*:{stack.api_id}/live/*",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName=name, PolicyName="lookup", PolicyDocument=json.dumps(document))
    assert call_api(stack, "/v1/suppressions", query, credentials=sender).status == 200

    # AND the log says who asked, and not for whom
    def logged() -> list[dict[str, Any]]:
        return [line for line in log_of(stack, "LookupLogs") if name in line.get("caller", "")]

    assert wait_for(lambda: bool(logged()))
    [line] = logged()
    assert line["caller"].endswith(f":user/{name}")
    assert query["address"] not in json.dumps(line)


def test_api_methods_run_without_the_callers_credentials(stack: Stack) -> None:
    """Otherwise every caller would need rights to the function."""
    # GIVEN the deployed API
    api = stack.client("apigateway")
    resources = api.get_resources(restApiId=stack.api_id, limit=500)["items"]
    methods = [
        (resource["id"], method)
        for resource in resources
        for method in resource.get("resourceMethods", {})
    ]
    assert methods

    # THEN every method needs a signature, but for what providers call, and none passes the
    # caller's credentials on
    webhooks = {one["id"] for one in resources if one["path"].startswith("/v1/webhooks/")}
    assert webhooks
    for resource, method in methods:
        deployed = api.get_method(restApiId=stack.api_id, resourceId=resource, httpMethod=method)
        assert deployed["authorizationType"] == ("NONE" if resource in webhooks else "AWS_IAM")
        assert "credentials" not in deployed["methodIntegration"]
