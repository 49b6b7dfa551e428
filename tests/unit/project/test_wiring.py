"""How the template wires SES to the queue: lists of configuration sets and of topics."""

import re
from typing import Any

import pytest

from bounceledger.providers.ses import KINDS
from tests.unit.project.cloudformation import RESOURCES, TEMPLATE, of_type

CONDITIONS = TEMPLATE["Conditions"]
DESTINATIONS = of_type("AWS::SES::ConfigurationSetEventDestination")
SUBSCRIPTIONS = {
    name: properties
    for name, properties in of_type("AWS::SNS::Subscription").items()
    if name != "EventSubscription"
}
FAR = "arn:aws:sns:eu-west-1:111122223333:events"


def allows(parameter: str, value: str) -> bool:
    return bool(re.search(TEMPLATE["Parameters"][parameter]["AllowedPattern"], value))


@pytest.mark.parametrize(
    "sets", ["", "news", "news-letter,newsletter,news_letter", "a,b,c,d,e", "a" * 64, "a,ab,abc"]
)
def test_a_list_of_sets_is_accepted(sets: str) -> None:
    """Names that a logical ID could not tell apart included."""
    assert allows("ConfigurationSets", sets)


@pytest.mark.parametrize(
    "sets",
    ["a,,b", ",a", "a,", "a,b,a", "a,a", "a,b,c,d,e,f", "with space", "a, b", "a" * 65, "*"],
)
def test_a_list_of_sets_with_an_error_is_refused(sets: str) -> None:
    """A set that was left out silently would lose its bounces."""
    assert not allows("ConfigurationSets", sets)


def test_a_list_of_topics_has_arns_only_and_each_once() -> None:
    assert allows("TopicArns", "")
    assert allows("TopicArns", ",".join(f"{FAR}-{n}" for n in range(5)))
    for wrong in (f"{FAR},{FAR}", f"{FAR},", "events", ",".join(f"{FAR}-{n}" for n in range(6))):
        assert not allows("TopicArns", wrong)


def nth(condition: str) -> Any:
    """The list, and which of its entries a condition asks for."""
    [find, wanted] = CONDITIONS[condition]["Equals"]
    mapping, key, second, default = find["FindInMap"]
    assert (mapping, second, default) == ("Entries", "Exists", {"DefaultValue": "true"})
    assert wanted == "true"
    [separator, [prefix, select]] = key["Join"]
    assert (separator, prefix) == ("", "Entry")
    return select


@pytest.mark.parametrize(
    ("kind", "resources", "field"),
    [("Set", DESTINATIONS, "ConfigurationSetName"), ("Topic", SUBSCRIPTIONS, "TopicArn")],
)
def test_each_entry_of_a_list_has_a_resource(
    kind: str, resources: dict[str, Any], field: str
) -> None:
    """One with another's number would be wired twice, and its own not at all."""
    # GIVEN a resource for each entry that the list may have
    assert len(resources) == 5
    for number, (name, properties) in enumerate(resources.items()):
        condition = RESOURCES[name]["Condition"]

        # THEN it exists if that entry does, and is about that entry
        assert condition == f"{kind}{number + 1}"
        assert properties[field] == {"Select": [number, properties[field]["Select"][1]]}
        assert nth(condition) == properties[field]

    # AND all split the same list, which ends in enough empty entries
    lists = {str(properties[field]["Select"][1]) for properties in resources.values()}
    assert len(lists) == 1
    assert lists.pop().count(",") >= 1 + 1 + 4

    # AND an entry that is not there is the one key of the mapping
    assert TEMPLATE["Mappings"]["Entries"] == {"Entry": {"Exists": "false"}}


def test_an_event_destination_comes_after_all_that_its_events_need() -> None:
    """SES refuses a topic that it may not publish to, and events that come early are lost."""
    for name, properties in DESTINATIONS.items():
        assert set(RESOURCES[name]["DependsOn"]) == {
            *("EventTopicPolicy", "EventSubscription", "EventQueuePolicy")
        }
        kinds = set(properties["EventDestination"]["MatchingEventTypes"])
        assert kinds.isdisjoint({"send", "open", "click"})
        assert {"bounce", "complaint", "delivery"} <= kinds

    # AND the rule of EventBridge, since the queue's policy names it
    assert "'GetAtt': 'EventRule.Arn'" in str(RESOURCES["EventQueuePolicy"])


def test_a_topic_is_subscribed_to_in_its_own_region() -> None:
    # GIVEN the subscriptions to listed topics
    for properties in SUBSCRIPTIONS.values():
        # THEN the region is the fourth part of the ARN
        region = {"Select": [3, {"Split": [":", properties["TopicArn"]]}]}
        assert properties["Region"] == region

        # AND so is that of the queue for what cannot be delivered
        condition, policy, _ = properties["RedrivePolicy"]["If"]
        assert condition == "WithTopicDeadLetterQueue"
        arn, values = policy["deadLetterTargetArn"]["Sub"]
        assert arn.startswith("arn:${AWS::Partition}:sqs:${Region}:${AWS::AccountId}:")
        assert values == {"Region": region}

        # AND the filter is that of the stack's own topic
        own = RESOURCES["EventSubscription"]["Properties"]
        assert properties["FilterPolicy"] == own["FilterPolicy"]


def test_the_rule_passes_what_the_topic_would() -> None:
    """EventBridge carries notices of SES about other things as well."""
    # GIVEN the kinds in the event pattern, in the words of the payload
    pattern = RESOURCES["EventRule"]["Properties"]["EventPattern"]
    assert pattern["source"] == ["aws.ses"]
    kinds = {kind.lower().replace(" ", "") for kind in pattern["detail-type"]}

    # THEN each is one that the provider's module reads
    assert kinds <= set(KINDS)

    # AND they are as many as a configuration set publishes to the topic
    assert len(kinds) == len(
        DESTINATIONS["EventDestination1"]["EventDestination"]["MatchingEventTypes"]
    )


@pytest.mark.parametrize("name", ["EventQueuePolicy", "SubscriptionDeadLetterQueuePolicy"])
def test_whoever_may_send_to_a_queue_is_named_by_arn(name: str) -> None:
    """A service principal alone would admit everybody's topics and rules."""
    for statement in RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"]:
        real = statement["If"][1] if "If" in statement else statement
        assert real["Condition"]["ArnEquals"].keys() == {"aws:SourceArn"}
        assert "*" not in str(real["Condition"])
