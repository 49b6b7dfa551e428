"""From a bounce to the event that a rule of the bus delivers."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bounceledger.announcements.announcement import EventType
from tests.dns import server as servers
from tests.e2e.callers import output
from tests.ses_documents import bounce
from tests.unit.announcements.test_schemas import errors
from tools.stack import (
    LOCAL_PARAMETERS,
    STACK_NAME,
    Stack,
    call_api,
    deploy,
    publish,
    running,
    wait_for,
)

UNKNOWN_USER = "smtp; 550 5.1.1 user unknown"
ACCEPTS_NO_MAIL = "smtp; 521 5.3.2 Host does not accept mail"
NO_SUCH_DOMAIN = "smtp; 550 5.4.4 Invalid domain"
LEADS = 20
"""Addresses without which there is no verdict about a lead source."""
NEWEST_REPORT = {"pk": {"S": "AUDIT#REPORT"}, "sk": {"S": "HEADER"}}
"""Key of the item that makes an audit report the newest."""


@dataclass(frozen=True)
class Subscriber:
    """A queue behind a rule for all events of the stack, on the default bus."""

    stack: Stack
    queue_url: str

    @classmethod
    def of(cls, stack: Stack) -> "Subscriber":
        sqs, events = stack.client("sqs"), stack.client("events")
        url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = answer["Attributes"]["QueueArn"]
        rule = events.put_rule(Name="all", EventPattern='{"source": ["bounceledger"]}')
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
        return cls(stack, url)

    def next(self) -> dict[str, Any]:
        """The next event, which has the form of its schema."""
        [event] = self.received(1)
        return event

    def received(self, number: int) -> list[dict[str, Any]]:
        """The next events, in the order of their types."""
        events: list[dict[str, Any]] = []
        sqs = self.stack.client("sqs")

        def came() -> bool:
            answer = sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
            for message in answer.get("Messages", ()):
                events.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
            return len(events) >= number

        assert wait_for(came), events
        assert [errors(event) for event in events] == [[]] * number
        return sorted(events, key=lambda event: str(event["detail-type"]))


def outputs(stack: Stack) -> dict[str, str]:
    stacks = stack.client("cloudformation").describe_stacks(StackName=STACK_NAME)
    return {item["OutputKey"]: item["OutputValue"] for item in stacks["Stacks"][0]["Outputs"]}


@pytest.fixture(scope="module")
def subscriber(stack: Stack) -> Iterator[Subscriber]:
    """The same build (the fixture `stack` makes it), deployed with an event bus."""
    with servers.responder() as server:
        parameters = {
            "DnsResolvers": str(server),
            "ProbeDelay": "0",
            "EventBusName": "default",
            "EventAddresses": "hash",
        }
        with running(parameters, build_first=False) as deployed:
            yield Subscriber.of(deployed)


def test_a_bounce_and_a_removal_are_announced(subscriber: Subscriber) -> None:
    # GIVEN an address, and its hash by the secret of the stack
    stack, address = subscriber.stack, "ann@crowd.test"
    arn = outputs(stack)["EventSecretArn"]
    key = stack.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    expected = hmac.new(key.encode(), address.encode(), hashlib.sha256).hexdigest()

    # WHEN a mail server does not know it
    publish(stack, bounce(address, UNKNOWN_USER, status="5.1.1"))

    # THEN that is announced, under its hash
    event = subscriber.next()
    detail = event["detail"]
    assert event["detail-type"] == EventType.ADDRESS_SUPPRESSED
    assert (detail["reason"], detail["category"]) == ("hard_bounce", "mailbox_unknown")
    assert (detail["address_hash"], detail["was_suppressed"]) == (expected, False)
    assert detail["stack"] == STACK_NAME
    assert address not in json.dumps(event)

    # AND so is its removal, with a greater revision
    body = {"address": address, "note": "called"}
    assert call_api(stack, "/v1/suppressions/remove", body=body).status == 200
    removed = subscriber.next()
    assert removed["detail-type"] == EventType.SUPPRESSION_REMOVED
    assert removed["detail"]["address_hash"] == expected
    assert removed["detail"]["revision"] > detail["revision"]


def test_a_dead_domain_is_announced_as_such_and_as_restored(subscriber: Subscriber) -> None:
    # GIVEN a reply from a domain with a null MX
    stack, domain = subscriber.stack, "noreply.company.test"
    publish(stack, bounce(f"ann@{domain}", ACCEPTS_NO_MAIL, status="5.3.2"))

    # THEN the address is announced, and once DNS has confirmed the reply, the domain
    address, dead = subscriber.received(2)
    assert address["detail-type"] == EventType.ADDRESS_SUPPRESSED
    assert dead["detail-type"] == EventType.DOMAIN_SUPPRESSED
    assert (dead["detail"]["domain"], dead["detail"]["dns_verdict"]) == (domain, "null_mx")

    # AND another address there is not, nor anything else, before a person removes the domain
    publish(stack, bounce(f"bob@{domain}", ACCEPTS_NO_MAIL, status="5.3.2"))
    known = {"address": f"bob@{domain}"}
    assert wait_for(lambda: "521" in str(call_api(stack, "/v1/suppressions", known).body))
    body = {"domain": domain, "note": "works again"}
    assert call_api(stack, "/v1/suppressions/remove", body=body).status == 200
    restored = subscriber.next()
    assert restored["detail-type"] == EventType.DOMAIN_RESTORED
    assert restored["detail"]["was_suppressed"] is True


def test_a_claim_that_dns_contradicts_is_announced_for_its_domain(subscriber: Subscriber) -> None:
    # GIVEN a reply that a domain does not exist, which does
    publish(subscriber.stack, bounce("dora@dora.crowd.test", NO_SUCH_DOMAIN, status="5.4.4"))

    # THEN a receiver is told to look up the addresses there
    address, restored = subscriber.received(2)
    assert (address["detail-type"], address["detail"]["category"]) == (
        EventType.ADDRESS_SUPPRESSED,
        "domain_unknown",
    )
    assert restored["detail-type"] == EventType.DOMAIN_RESTORED
    assert restored["detail"]["domain"] == "dora.crowd.test"
    assert restored["detail"]["was_suppressed"] is False


def audited(stack: Stack) -> dict[str, Any]:
    """What the audit answers that runs once a day."""
    ran = stack.client("lambda").invoke(FunctionName=output(stack, "AuditFunctionName"))
    answer: dict[str, Any] = json.load(ran["Payload"])
    assert "FunctionError" not in ran, answer
    return answer


def dead_leads(stack: Stack) -> str:
    """The name of a new lead source of which each address is dead."""
    name = f"vendor-{uuid.uuid4().hex[:12]}"
    for n in range(LEADS):
        document = bounce(f"lead{n}@{name}.example", UNKNOWN_USER, status="5.1.1", lead_source=name)
        publish(stack, document)
    path = f"/v1/sources/{name}"
    assert wait_for(lambda: call_api(stack, path).body["totals"].get("hard") == LEADS)
    return name


def test_a_lead_source_that_becomes_bad_is_announced(subscriber: Subscriber) -> None:
    # GIVEN an audit report, and a source that is bad since
    stack = subscriber.stack
    assert audited(stack)["announced"] == 0
    table: dict[str, Any] = {"TableName": stack.table_name}
    dynamodb = stack.client("dynamodb")
    before = dynamodb.get_item(**table, Key=NEWEST_REPORT)["Item"]
    source = dead_leads(stack)
    addresses = {event["detail-type"] for event in subscriber.received(LEADS)}
    assert addresses == {EventType.ADDRESS_SUPPRESSED}

    # WHEN the audit runs
    assert audited(stack)["announced"] == 1

    # THEN the event arrives, with the figures that this rests on
    event = subscriber.next()
    detail = event["detail"]
    assert event["detail-type"] == EventType.LEAD_SOURCE_FLAGGED
    assert (detail["lead_source"], detail["stack"]) == (source, STACK_NAME)
    assert (detail["verdict"], detail["previous_verdict"]) == ("bad", None)
    rate = detail["list_attributable"]
    assert (rate["count"], rate["of"], rate["rate"]) == (LEADS, LEADS, 1.0)

    # AND another run on the same day, which compares with this report, announces nothing
    assert audited(stack)["announced"] == 0

    # AND one that compares with the report before, as if the first had died after the event was
    # sent, sends it with the same ID
    dynamodb.put_item(**table, Item=before)
    assert audited(stack)["announced"] == 1
    again = subscriber.next()
    assert again["detail"]["id"] == detail["id"]
    assert again["id"] != event["id"]
    dynamodb.delete_item(**table, Key=NEWEST_REPORT)


@pytest.mark.slow
def test_a_bus_may_be_named_by_its_arn_and_events_may_hold_the_address(
    subscriber: Subscriber,
) -> None:
    """Both are parameters of the same stack, which is updated."""
    # GIVEN the stack with other values of the parameters
    events = subscriber.stack.client("events")
    parameters = {
        **LOCAL_PARAMETERS,
        "EventBusName": events.describe_event_bus()["Arn"],
        "EventAddresses": "plain",
    }
    stack = deploy(subscriber.stack.endpoint_url, parameters)

    # WHEN an address bounces
    publish(stack, bounce("gus@crowd.test", UNKNOWN_USER, status="5.1.1"))

    # THEN the event holds it
    assert subscriber.next()["detail"]["address"] == "gus@crowd.test"


@pytest.mark.slow
def test_an_event_about_a_source_that_the_bus_rejects_can_be_sent_later(
    subscriber: Subscriber,
) -> None:
    """As the runbook does it."""
    # GIVEN a stack with a bus that does not exist, and a source that becomes bad
    stack = subscriber.stack
    default = stack.client("events").describe_event_bus()["Arn"]
    gone = default.replace(f":{stack.region}:", ":eu-west-1:")
    assert gone != default
    stack = deploy(stack.endpoint_url, {**LOCAL_PARAMETERS, "EventBusName": gone})
    assert audited(stack)["not_announced"] == 0
    source = dead_leads(stack)

    # WHEN the audit runs THEN it does not fail, and keeps the event with the reason
    answer = audited(stack)
    assert (answer["announced"], answer["not_announced"]) == (0, 1)
    sqs, url = stack.client("sqs"), output(stack, "AuditFailureQueueUrl")
    [message] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    reason = message["MessageAttributes"]["reason"]["StringValue"]
    assert reason.endswith("the event bus rejected the event: ResourceNotFoundException")

    # AND the next run does not send it again
    assert audited(stack)["not_announced"] == 0

    # AND it is an entry that the right bus takes
    entry = {**json.loads(message["Body"]), "EventBusName": "default"}
    assert stack.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    event = subscriber.next()
    assert event["detail-type"] == EventType.LEAD_SOURCE_FLAGGED
    assert event["detail"]["lead_source"] == source
