"""Callers of the API with the rights that an output of the stack gives."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.credentials import Credentials

from tools.stack import STACK_NAME, Stack


def output(stack: Stack, name: str) -> str:
    """The value of an output."""
    [found] = stack.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    values = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
    return str(values[name])


@contextmanager
def caller(stack: Stack, *outputs: str) -> Iterator[Credentials]:
    """An IAM user whose only rights are the statements in these outputs, pasted as they are."""
    iam = stack.client("iam")
    name = f"caller-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    if outputs:
        statements = [json.loads(output(stack, one)) for one in outputs]
        document = {"Version": "2012-10-17", "Statement": statements}
        iam.put_user_policy(UserName=name, PolicyName="api", PolicyDocument=json.dumps(document))
    yield Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    if outputs:
        iam.delete_user_policy(UserName=name, PolicyName="api")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)
