"""What the examples' rules send, as the emulator's EventBridge matches and transforms events."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bounceledger.announcements.announcement import EventType
from tests.unit.announcements.test_schemas import EXAMPLES as EVENTS
from tests.unit.project.test_event_examples import EXAMPLES, of_type
from tools.stack import EMULATOR_PYTHON, client, emulator, wait_for

STACK = "bounceledger"
PERMANENT = {"permanent": True, "suppressed_until": None}


@pytest.fixture(scope="module")
def emulated() -> Iterator[str]:
    """An emulator of this module's own, without a stack."""
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator is not installed: make tools")
    with emulator() as endpoint_url:
        yield endpoint_url


def resolved(value: Any) -> Any:
    """A part of a template, with the parameter's value for the name of the stack."""
    if value == {"Ref": "BounceledgerStack"}:
        return STACK
    if isinstance(value, dict):
        return {name: resolved(part) for name, part in value.items()}
    return [resolved(part) for part in value] if isinstance(value, list) else value


def event(kind: EventType, **detail: Any) -> Mapping[str, Any]:
    """The event of the documentation, with a plain address and other details."""
    shown = {**EVENTS[kind]["detail"], "address": "jane@example.com", **detail}
    return {
        "Source": "bounceledger",
        "DetailType": kind.value,
        "Detail": json.dumps({k: v for k, v in shown.items() if v != "left out"}),
    }


def sent(endpoint: str, example: str, *events: Mapping[str, Any]) -> list[Any]:
    """The bodies of the requests that an example's rules make of events."""
    bus, sqs = client(endpoint, "events"), client(endpoint, "sqs")
    queue = sqs.create_queue(QueueName=example)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    for name, rule in of_type(example, "AWS::Events::Rule").items():
        transformer = resolved(rule["Targets"][0]["InputTransformer"])
        bus.put_rule(Name=name, EventPattern=json.dumps(resolved(rule["EventPattern"])))
        target = {"Id": "1", "Arn": arn["Attributes"]["QueueArn"], "InputTransformer": transformer}
        bus.put_targets(Rule=name, Targets=[target])
    # The last event is one that every example sends, so when it comes, all have come.
    last = event(EventType.SUPPRESSION_REMOVED, address="last@example.com", revision=99)
    for one in (*events, last):
        assert bus.put_events(Entries=[one])["FailedEntryCount"] == 0
    bodies: list[Any] = []

    def came() -> bool:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", ()):
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return any("last@example.com" in json.dumps(body) for body in bodies)

    assert wait_for(came)
    for name in of_type(example, "AWS::Events::Rule"):
        bus.remove_targets(Rule=name, Ids=["1"])
        bus.delete_rule(Name=name)
    return [body for body in bodies if "last@example.com" not in json.dumps(body)]


IGNORED = (
    event(EventType.ADDRESS_SUPPRESSED, stack="another"),
    event(EventType.ADDRESS_SUPPRESSED, version="2"),
)
OF_DOMAINS = (
    event(EventType.DOMAIN_SUPPRESSED, address="left out"),
    event(EventType.DOMAIN_RESTORED, address="left out"),
)
HASHED = event(EventType.ADDRESS_SUPPRESSED, address="left out", address_hash="0" * 64)
UNTIL = event(EventType.ADDRESS_SUPPRESSED)
FOR_EVER = event(EventType.ADDRESS_SUPPRESSED, **PERMANENT)
REMOVED = event(EventType.SUPPRESSION_REMOVED)


def test_hubspot_gets_a_batch_update_by_email(emulated: str) -> None:
    found = sent(emulated, "hubspot", UNTIL, FOR_EVER, REMOVED, HASHED, *IGNORED, *OF_DOMAINS)
    expected = [
        ("true", "soft_bounces", "2026-12-23T11:58:31Z"),
        ("true", "soft_bounces", ""),
        ("false", "", ""),
    ]
    assert found == [
        {
            "inputs": [
                {
                    "idProperty": "email",
                    "id": "jane@example.com",
                    "properties": {
                        "email_suppressed": suppressed,
                        "email_suppressed_reason": reason,
                        "email_suppressed_until": until,
                    },
                }
            ]
        }
        for suppressed, reason, until in expected
    ]


def test_salesforce_gets_a_platform_event(emulated: str) -> None:
    found = sent(emulated, "salesforce", UNTIL, FOR_EVER, REMOVED, HASHED, *IGNORED, *OF_DOMAINS)
    about = {
        "Event_Id__c": "f52de9e4f0a94d0c6ec6a9d3c40a0c7b",
        "Address__c": "jane@example.com",
        "Suppressed__c": True,
        "Reason__c": "soft_bounces",
        "Suppressed_Until__c": "2026-12-23T11:58:31Z",
        "Occurred_At__c": "2026-11-23T12:00:07Z",
        "Revision__c": 3,
    }
    removed = json.loads(REMOVED["Detail"])
    assert found == [
        about,
        about | {"Suppressed_Until__c": None},
        {
            "Event_Id__c": removed["id"],
            "Address__c": "jane@example.com",
            "Suppressed__c": False,
            "Reason__c": "hard_bounce",
            "Suppressed_Until__c": None,
            "Occurred_At__c": removed["occurred_at"],
            "Revision__c": 4,
        },
    ]


def test_a_webhook_gets_every_event_whole(emulated: str) -> None:
    events = [UNTIL, FOR_EVER, REMOVED, HASHED, *OF_DOMAINS]
    found = sent(emulated, "webhook", *events, *IGNORED)
    assert found == [
        {"type": one["DetailType"], "detail": json.loads(one["Detail"])} for one in events
    ]


def test_all_examples_are_tried() -> None:
    assert EXAMPLES.keys() == {"hubspot", "salesforce", "webhook"}
