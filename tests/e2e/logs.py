"""What the deployed functions log."""

import json
from typing import Any

from tools.stack import STACK_NAME, Stack


def log_of(stack: Stack, group: str) -> list[dict[str, Any]]:
    """Lines of a log group that are JSON, by the group's logical id."""
    cloudformation, logs = stack.client("cloudformation"), stack.client("logs")
    resource = cloudformation.describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId=group
    )["StackResourceDetail"]
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=resource["PhysicalResourceId"]
    )
    return [
        json.loads(line)
        for page in pages
        for event in page["events"]
        for line in event["message"].splitlines()
        if line.startswith("{")
    ]
