"""The smallest handler that reads one item; `bench/coldstart.py` compares with it."""

import os
from typing import Any

import boto3

client = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Read the item of an address."""
    key = {"pk": {"S": event["address"]}, "sk": {"S": "FACTS"}}
    answer = client.get_item(TableName=os.environ["TABLE_NAME"], Key=key, ConsistentRead=True)
    return {"suppressed": "Item" in answer}
