"""One deployment wires SES: event destinations, EventBridge, and topics of other regions."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.ses_documents import bounce
from tools.stack import LOCAL_PARAMETERS, STACK_NAME, Stack, call_api, client, deploy, wait_for

pytestmark = pytest.mark.slow

SETS = ("news-letter", "newsletter")
"""Names that differ in characters only that a logical ID cannot hold."""
UNDELIVERED = "bounceledger-undelivered"


class Account:
    """What an account has before the stack is deployed."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        ses, iam = client(endpoint, "sesv2"), client(endpoint, "iam")
        for name in SETS:
            ses.create_configuration_set(ConfigurationSetName=name)
        # In the stack's region, since the emulator makes subscriptions in that one only.
        self.sns = client(endpoint, "sns")
        self.topic = self.sns.create_topic(Name="ses-events")["TopicArn"]
        client(endpoint, "sqs").create_queue(QueueName=UNDELIVERED)
        allow_all = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        boundary = iam.create_policy(
            PolicyName="boundary",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow_all]}),
        )
        self.boundary = boundary["Policy"]["Arn"]
        self.key = client(endpoint, "kms").create_key()["KeyMetadata"]["Arn"]

    @property
    def parameters(self) -> dict[str, str]:
        """Every parameter that names something of the account, and those that rename things."""
        return {
            **LOCAL_PARAMETERS,
            "ConfigurationSets": ",".join(SETS),
            "TopicArns": self.topic,
            "TopicDeadLetterQueueName": UNDELIVERED,
            "KmsKeyArn": self.key,
            "PermissionsBoundaryArn": self.boundary,
            "RolePath": "/mail/",
            "StageName": "v",
            "MetricNamespace": "mail/bounces",
            "RecheckSchedule": "rate(12 hours)",
            "IngestMemory": "768",
            "LookupMemory": "1024",
            "AccessLogs": "true",
            "AlarmTopicArn": "arn:aws:sns:us-east-1:000000000000:alarms",
            "NoEventHours": "48",
            "NoRecheckHours": "0",
            "Dashboard": "false",
        }


@pytest.fixture(scope="module")
def account(endpoint: str) -> Account:
    return Account(endpoint)


@pytest.fixture(scope="module")
def stack(account: Account) -> Stack:
    return deploy(account.endpoint, account.parameters)


def destinations(stack: Stack, name: str) -> list[dict[str, Any]]:
    ses = stack.client("sesv2")
    found = ses.get_configuration_set_event_destinations(ConfigurationSetName=name)
    return list(found["EventDestinations"])


def queue_policy(stack: Stack) -> list[dict[str, Any]]:
    found = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.queue_url, AttributeNames=["Policy"]
    )
    return list(json.loads(found["Attributes"]["Policy"])["Statement"])


def suppressed(stack: Stack, address: str) -> bool:
    return bool(call_api(stack, "/v1/suppressions", {"address": address}).body["suppressed"])


def somebody() -> str:
    return f"somebody-{uuid.uuid4().hex}@example.test"


@pytest.mark.parametrize("name", SETS)
def test_each_configuration_set_publishes_to_the_topic(stack: Stack, name: str) -> None:
    # GIVEN a set that was named in the list
    [destination] = destinations(stack, name)

    # THEN it publishes what bounceledger reads, and no opens and clicks
    assert destination["Enabled"] is True
    assert destination["SnsDestination"] == {"TopicArn": stack.topic_arn}
    assert {kind.upper().replace("_", "") for kind in destination["MatchingEventTypes"]} == {
        *("BOUNCE", "COMPLAINT", "DELIVERY", "DELIVERYDELAY", "REJECT", "RENDERINGFAILURE"),
        "SUBSCRIPTION",
    }


def test_only_the_listed_sets_may_publish(stack: Stack) -> None:
    # GIVEN the policy of the topic
    attributes = stack.client("sns").get_topic_attributes(TopicArn=stack.topic_arn)["Attributes"]
    [statement] = [
        statement
        for statement in json.loads(attributes["Policy"])["Statement"]
        if statement["Sid"] == "SesInThisAccount"
    ]

    # THEN it names the sets, and identities
    sources = [arn.rpartition(":")[2] for arn in statement["Condition"]["ArnLike"]["AWS:SourceArn"]]
    assert sources == [*(f"configuration-set/{name}" for name in SETS), "identity/*"]


def test_events_of_another_topic_are_recorded_in_the_one_table(
    account: Account, stack: Stack
) -> None:
    """An address that is dead in one region is dead in all."""
    # WHEN SES publishes to a topic that the stack does not own
    address = somebody()
    account.sns.publish(TopicArn=account.topic, Message=json.dumps(bounce(address)))

    # THEN the address is suppressed
    assert wait_for(lambda: suppressed(stack, address))

    # AND what SNS cannot deliver from there ends in the queue that stands there
    listed = account.sns.list_subscriptions_by_topic(TopicArn=account.topic)
    [subscription] = listed["Subscriptions"]
    attributes = account.sns.get_subscription_attributes(
        SubscriptionArn=subscription["SubscriptionArn"]
    )["Attributes"]
    target = json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"]
    assert target == f"arn:aws:sqs:{stack.region}:000000000000:{UNDELIVERED}"
    assert attributes["FilterPolicyScope"] == "MessageBody"


def test_a_topic_that_is_not_listed_cannot_deliver(account: Account, stack: Stack) -> None:
    # WHEN the policy of the queue is read, THEN it names the stack's topic and the listed ones, and
    # not EventBridge, which is not used
    [statement] = queue_policy(stack)
    sources = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert sources == [stack.topic_arn, account.topic]


def test_roles_and_functions_are_as_the_parameters_say(stack: Stack) -> None:
    # GIVEN the functions, with the memory that was asked for
    functions = {
        function["Description"].split()[0]: function
        for function in stack.client("lambda").list_functions()["Functions"]
    }
    assert functions["Reads"]["MemorySize"] == 768
    assert functions["Answers"]["MemorySize"] == 1024

    # THEN each runs under a role below the path, and the API has the stage
    assert all(":role/mail/" in function["Role"] for function in functions.values())
    assert stack.api_url.endswith("/v")


def test_eventbridge_takes_the_place_of_sns(account: Account, stack: Stack) -> None:
    # WHEN the stack is told to use EventBridge
    deploy(account.endpoint, {**account.parameters, "EventSource": "eventbridge"})

    # THEN both sets publish to the default bus instead
    for name in SETS:
        [destination] = destinations(stack, name)
        assert destination["EventBridgeDestination"]["EventBusArn"].endswith("event-bus/default")
        assert "SnsDestination" not in destination

    # AND what comes from there is recorded. Only AWS may put events of aws.ses, so the rule is made
    # to pass others, and to send on what SES would have put
    events, rule = stack.client("events"), event_rule(stack)
    address = somebody()
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["test"]}))
    [target] = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_targets(Rule=rule, Targets=[{**target, "Input": json.dumps(as_put(address))}])
    events.put_events(Entries=[{"Source": "test", "DetailType": "test", "Detail": "{}"}])
    assert wait_for(lambda: suppressed(stack, address))

    # AND for EventBridge, only that rule may send to the queue
    [statement] = [
        statement
        for statement in queue_policy(stack)
        if statement["Principal"] == {"Service": "events.amazonaws.com"}
    ]
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"].endswith(f"rule/{rule}")


def event_rule(stack: Stack) -> str:
    detail = stack.client("cloudformation").describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId="EventRule"
    )
    return str(detail["StackResourceDetail"]["PhysicalResourceId"])


def as_put(address: str) -> dict[str, Any]:
    """An event as SES puts it on the default bus."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Email Bounced",
        "source": "aws.ses",
        "account": "111122223333",
        "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "region": "us-east-1",
        "resources": [],
        "detail": bounce(address),
    }


def test_a_list_with_an_empty_name_is_refused(account: Account) -> None:
    """A set that was left out silently would lose its bounces."""
    with pytest.raises(SystemExit, match="up to 5 different names of configuration sets"):
        deploy(account.endpoint, {**account.parameters, "ConfigurationSets": "a,,b"})
