"""What the template promises: least privilege, nothing public, nothing lost."""

import json
import re
from http import HTTPStatus
from typing import Any

import pytest

from bounceledger.api.catalogue import METHODS
from bounceledger.api.problems import CONTENT_TYPE, problem
from bounceledger.settings import EventAddresses, Settings
from tests.rights import ALLOWED, CALLS
from tests.unit.project.cloudformation import RESOURCES, TEMPLATE, of_type


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    """Statements of a role's only policy, those that a condition adds included."""
    [policy] = role["Policies"]
    return [
        statement["If"][1] if "If" in statement else statement
        for statement in policy["PolicyDocument"]["Statement"]
    ]


FUNCTIONS = of_type("AWS::Serverless::Function")

WITHOUT_RESOURCE_TYPES = {"ses:DeleteSuppressedDestination"}
"""Actions that IAM can bound by no resource ("Actions, resources, and condition keys for Amazon
Simple Email Service v2"): the region bounds them instead."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_has_one_role_of_its_own_with_one_policy(name: str) -> None:
    """Rights of one function do not reach another."""
    # GIVEN a function and the role that it names
    [role_name, _] = FUNCTIONS[name]["Role"]["GetAtt"].split(".")
    role = RESOURCES[role_name]["Properties"]

    # THEN no other function shares it, and managed policies, which reach further, are not attached
    assert sum(f["Role"] == FUNCTIONS[name]["Role"] for f in FUNCTIONS.values()) == 1
    assert len(role["Policies"]) == 1
    assert "ManagedPolicyArns" not in role

    # AND every statement names its actions and its resource
    for statement in statements(role):
        actions = statement["Action"]
        actions = {actions} if isinstance(actions, str) else set(actions)
        assert not any("*" in action for action in actions)
        if actions <= WITHOUT_RESOURCE_TYPES:
            assert statement["Condition"] == {
                "StringEquals": {"aws:RequestedRegion": {"Ref": "AWS::Region"}}
            }
        else:
            assert statement["Resource"] != "*"


RIGHTS = {
    "IngestRole": {
        "dynamodb": {"BatchGetItem", "ConditionCheckItem", "PutItem", "Query", "UpdateItem"},
        "secretsmanager": {"GetSecretValue"},
        "sqs": {"ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "SendMessage"},
    },
    "LookupRole": {
        "dynamodb": {"BatchGetItem", "Query"},
        "secretsmanager": {"GetSecretValue"},
    },
    "ChangeRole": {
        "dynamodb": {
            *("BatchGetItem", "Query"),
            *("ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"),
        },
        "secretsmanager": {"GetSecretValue"},
        "ses": {"DeleteSuppressedDestination"},
    },
    "OutboxRole": {
        "dynamodb": {
            *("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"),
            "BatchGetItem",
        },
        "sqs": {"SendMessage"},
        "events": {"PutEvents"},
        "secretsmanager": {"GetSecretValue"},
    },
    "ProbeDomainRole": {
        "dynamodb": {"BatchGetItem", "PutItem", "DeleteItem"},
        "sqs": {
            "ReceiveMessage",
            "DeleteMessage",
            "GetQueueAttributes",
            "ChangeMessageVisibility",
            "SendMessage",
        },
    },
    "AuditRole": {
        "dynamodb": {"BatchGetItem", "PutItem", "Query"},
        "events": {"PutEvents"},
        "sqs": {"SendMessage"},
    },
    "RecheckRole": {"dynamodb": {"BatchGetItem", "PutItem", "Query"}, "sqs": {"SendMessage"}},
    "WebhookRole": {
        "dynamodb": {"PutItem"},
        "secretsmanager": {"GetSecretValue"},
        "ssm": {"GetParameter"},
        "sns": {"ConfirmSubscription"},
        "sqs": {"SendMessage"},
    },
}
"""What the code of each function calls, log lines aside."""


@pytest.mark.parametrize("name", of_type("AWS::IAM::Role"))
def test_a_role_holds_the_rights_that_its_function_uses_and_no_other(name: str) -> None:
    """A new call needs its right listed here, too."""
    # GIVEN the actions that a role allows
    allowed: dict[str, set[str]] = {}
    for statement in statements(RESOURCES[name]["Properties"]):
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            service, _, call = action.partition(":")
            allowed.setdefault(service, set()).add(call)

    # THEN they are those of the calls that the function makes, and under a key of the customer's,
    # those to read what is encrypted and, for whoever sends to a queue, to encrypt
    sends = "SendMessage" in RIGHTS[name].get("sqs", ())
    assert allowed.pop("kms") == ({"Decrypt", "GenerateDataKey"} if sends else {"Decrypt"})
    assert allowed.pop("logs") == {"CreateLogStream", "PutLogEvents"}
    assert allowed == RIGHTS[name]


def test_every_right_to_items_is_bounded_by_their_partition_keys() -> None:
    """A role that writes addresses would otherwise write domains, too."""
    # GIVEN what the roles may do with items
    bounded = 0
    for role in of_type("AWS::IAM::Role").values():
        for statement in statements(role):
            actions = statement["Action"]
            actions = {actions} if isinstance(actions, str) else set(actions)
            if not actions & {f"dynamodb:{call}" for call in CALLS}:
                continue
            bounded += 1

            # THEN it holds for some partition keys only, and for no request without one
            condition = statement["Condition"]
            assert condition.keys() >= {"ForAllValues:StringLike", "Null"}
            assert condition["Null"] == {"dynamodb:LeadingKeys": "false"}
            for operator in condition.keys() - {"Null"}:
                assert operator in ("ForAllValues:StringLike", "ForAnyValue:StringLike")
                [(name, patterns)] = condition[operator].items()
                assert name == "dynamodb:LeadingKeys"
                for pattern in [patterns] if isinstance(patterns, str) else patterns:
                    assert pattern.isupper()
                    assert pattern.endswith("#*") or "*" not in pattern
    assert bounded


def test_change_reaches_the_list_of_ses_only_where_that_is_asked_for() -> None:
    """The right is one to let mail go to anybody whom SES has stopped."""
    # GIVEN the statements of the role, and the default of the parameter
    [policy] = RESOURCES["ChangeRole"]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]

    # THEN the one about SES depends on the parameter, which the function reads, too
    [chosen] = [one["If"] for one in statements if "ses:" in json.dumps(one)]
    assert (chosen[0], chosen[2]) == ("WithProviderList", {"Ref": "AWS::NoValue"})
    assert TEMPLATE["Conditions"]["WithProviderList"] == {
        "Equals": [{"Ref": "RemoveFromProviderList"}, "true"]
    }
    variables = FUNCTIONS["ChangeFunction"]["Environment"]["Variables"]
    assert variables["REMOVE_FROM_PROVIDER_LIST"] == {"Ref": "RemoveFromProviderList"}
    assert TEMPLATE["Parameters"]["RemoveFromProviderList"]["Default"] == "false"


def test_every_role_is_among_those_whose_rights_are_tried() -> None:
    assert ALLOWED.keys() == of_type("AWS::IAM::Role").keys()


def test_every_route_but_the_webhooks_needs_an_iam_signature() -> None:
    """Callers need execute-api:Invoke only, and no right to the function."""
    # GIVEN the API
    [api] = of_type("AWS::Serverless::Api").values()

    # THEN IAM is the default, callers need not hold lambda:InvokeFunction
    assert api["Auth"] == {"DefaultAuthorizer": "AWS_IAM", "InvokeRole": "NONE"}

    # AND no route overrides it but those that providers call, who cannot sign so
    for name, function in FUNCTIONS.items():
        for event in function.get("Events", {}).values():
            verified = {"Authorizer": "NONE"} if name == "WebhookFunction" else None
            assert event["Properties"].get("Auth") == verified


def test_the_catalogue_of_paths_is_that_of_the_template() -> None:
    """What the API says of its methods is what API Gateway lets through."""
    # GIVEN the routes of all functions
    events = [event for one in FUNCTIONS.values() for event in one.get("Events", {}).values()]
    routes = [event["Properties"] for event in events if event["Type"] == "Api"]

    # THEN each has its line in the catalogue, beside those that catch all others
    methods = [(path, method) for path, some in METHODS.items() for method in some]
    assert sorted((one["Path"], one["Method"]) for one in routes) == sorted(
        [*methods, ("/", "ANY"), ("/{proxy+}", "ANY")]
    )


def test_what_api_gateway_answers_itself_is_a_problem_as_well() -> None:
    """A client has one form of errors to read."""
    # GIVEN the answers that do not come from a function
    [api] = of_type("AWS::Serverless::Api").values()
    answers = api["GatewayResponses"]

    # THEN all have the members of our problems, but for a status that only the answer knows
    for name, answer in answers.items():
        text = answer["ResponseTemplates"]["application/json"]
        text = text.replace("$context.error.messageString", '"…"')
        members = set(problem(HTTPStatus.FORBIDDEN, "…")) - (
            {"status"} if name.startswith("DEFAULT") else set()
        )
        assert set(json.loads(text)) == members, name
        headers = answer["ResponseParameters"]["Headers"]
        assert headers["Content-Type"] == f"'{CONTENT_TYPE}'", name
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(answers)


def test_access_logs_hold_no_query_string_where_addresses_are() -> None:
    """Logs hold no personal data."""
    # GIVEN the format of the access log
    [api] = of_type("AWS::Serverless::Api").values()
    chosen, log, _ = api["AccessLogSetting"]["If"]

    # THEN it names the route only
    assert chosen == "WithAccessLogs"
    assert "querystring" not in log["Format"].lower()
    assert '$context.path"' not in log["Format"]


def test_the_queue_hides_a_batch_for_longer_than_six_runs_of_ingest() -> None:
    """Otherwise a batch would be delivered again while it is processed."""
    # GIVEN the function's timeout and the longest window
    timeout = FUNCTIONS["IngestFunction"]["Timeout"]
    window = TEMPLATE["Parameters"]["BatchingWindow"]["MaxValue"]

    # THEN the visibility timeout covers them (AWS Lambda guide, "Using Lambda with SQS")
    visibility = RESOURCES["EventQueue"]["Properties"]["VisibilityTimeout"]
    assert visibility >= 6 * timeout + window


def test_the_layer_serves_every_architecture_that_the_functions_may_have() -> None:
    """Lambda refuses a layer that does not list its function's architecture."""
    # GIVEN the architectures that the parameter offers, and the layer's
    offered = TEMPLATE["Parameters"]["Architecture"]["AllowedValues"]

    # THEN they are the same
    assert TEMPLATE["Globals"]["Function"]["Architectures"] == [{"Ref": "Architecture"}]
    assert RESOURCES["SharedLayer"]["Properties"]["CompatibleArchitectures"] == offered


def test_every_setting_of_a_function_is_one_that_the_code_reads() -> None:
    """A variable with a typo would be ignored silently."""
    # GIVEN what the code reads and what the template sets
    from dataclasses import fields

    from bounceledger.policy import Policy

    known = {f.name.upper() for cls in (Settings, Policy) for f in fields(cls)}
    used = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    for function in FUNCTIONS.values():
        used |= set(function.get("Environment", {}).get("Variables", {}))

    # THEN the template sets no variable that the code does not read
    assert used <= known


def test_the_defaults_of_template_and_code_agree() -> None:
    """Tests of the policy hold for a deployment without parameters."""
    # GIVEN the policy's defaults in code
    from dataclasses import fields

    from bounceledger.policy import Policy

    parameters = TEMPLATE["Parameters"]
    for item in fields(Policy):
        name = "".join(word.capitalize() for word in item.name.split("_"))
        if name not in parameters:
            continue

        # THEN the template's parameter has the same
        default = item.default
        text = ",".join(map(str, default)) if isinstance(default, tuple) else str(default).lower()
        assert str(parameters[name]["Default"]) == text, name


def test_a_customers_key_encrypts_whatever_stores_something() -> None:
    """A topic, queue, log or table left out would still be under a key of AWS."""
    # GIVEN the condition that is true if a key is named
    key = {"If": ["WithKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}

    # THEN every resource that stores something takes it
    for kind in ("AWS::SNS::Topic", "AWS::SQS::Queue"):
        for name, properties in of_type(kind).items():
            assert properties["KmsMasterKeyId"] == key, name
    for name, properties in of_type("AWS::Logs::LogGroup").items():
        assert properties["KmsKeyId"] == key, name
    for name, properties in of_type("AWS::SecretsManager::Secret").items():
        assert properties["KmsKeyId"] == key, name
    chosen, encryption, _ = RESOURCES["SuppressionTable"]["Properties"]["SSESpecification"]["If"]
    assert chosen == "WithKey"
    assert encryption["KMSMasterKeyId"] == {"Ref": "KmsKeyArn"}

    # AND a queue has one key or the other
    for name, properties in of_type("AWS::SQS::Queue").items():
        sse = properties["SqsManagedSseEnabled"]
        assert sse == {"If": ["WithKey", {"Ref": "AWS::NoValue"}, True]}, name


def test_without_a_bus_outbox_may_and_does_no_more_than_ask_for_probes() -> None:
    # GIVEN the statements of its role, and the condition of those that have one
    [policy] = RESOURCES["OutboxRole"]["Properties"]["Policies"]
    conditions = {
        action: statement["If"][0]
        for statement in policy["PolicyDocument"]["Statement"]
        if "If" in statement
        for action in [statement["If"][1]["Action"]]
        if isinstance(action, str)
    }

    # THEN what events need is there with a bus only, and the secret with hashes only
    assert conditions == {
        "events:PutEvents": "WithEvents",
        "dynamodb:BatchGetItem": "WithEvents",
        "secretsmanager:GetSecretValue": "HashesAddresses",
    }
    assert TEMPLATE["Parameters"]["EventBusName"]["Default"] == ""
    assert RESOURCES["EventSecret"]["Condition"] == "HashesAddresses"

    # AND publishing reaches one bus
    [statement] = [
        one["If"][1]
        for one in policy["PolicyDocument"]["Statement"]
        if "If" in one and one["If"][1]["Action"] == "events:PutEvents"
    ]
    _, by_arn, by_name = statement["Resource"]["If"]
    assert by_arn == {"Ref": "EventBusName"}
    assert by_name["Sub"].endswith(":event-bus/${EventBusName}")


def test_without_a_bus_audit_may_publish_nothing_and_send_nothing() -> None:
    # GIVEN the statements of its role that have a condition
    [policy] = RESOURCES["AuditRole"]["Properties"]["Policies"]
    conditional = {
        str(statement["If"][1]["Action"]): statement["If"]
        for statement in policy["PolicyDocument"]["Statement"]
        if "If" in statement
    }

    # THEN events, and the queue of those that the bus does not take, are there with a bus only
    assert conditional["events:PutEvents"][0] == "WithEvents"
    condition, statement, _ = conditional["sqs:SendMessage"]
    assert condition == "WithEvents"

    # AND it may send to that queue alone
    assert statement["Resource"] == {"GetAtt": "AuditFailureQueue.Arn"}


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        *(("", True), ("default", True), ("crm.events/one-1_2", True)),
        ("arn:aws:events:eu-west-1:111122223333:event-bus/crm", True),
        *(("two words", False), ("a,b", False), ("arn:aws:sns:eu-west-1:111122223333:x", False)),
    ],
)
def test_a_bus_is_named_by_name_or_arn(value: str, is_valid: bool) -> None:
    pattern = TEMPLATE["Parameters"]["EventBusName"]["AllowedPattern"]
    assert bool(re.search(pattern, value)) is is_valid


def test_what_events_may_say_about_people_is_what_the_code_knows() -> None:
    parameter = TEMPLATE["Parameters"]["EventAddresses"]
    assert parameter["AllowedValues"] == [*EventAddresses]
    assert parameter["Default"] == Settings().event_addresses


def test_every_role_has_the_boundary_and_the_path_of_the_account() -> None:
    """Accounts that require them refuse a stack in which one role has none."""
    for name, role in of_type("AWS::IAM::Role").items():
        assert role["Path"] == {"Ref": "RolePath"}, name
        assert role["PermissionsBoundary"]["If"][:2] == [
            "WithBoundary",
            {"Ref": "PermissionsBoundaryArn"},
        ], name


def test_only_the_choice_of_a_table_names_the_stacks_own() -> None:
    """A reference to the stack's own table would miss the adopted one."""

    # GIVEN every reference to the table in the template
    def references(value: Any, inside_choice: bool = False) -> list[Any]:
        if isinstance(value, dict):
            chosen = "If" in value and value["If"][0] == "OwnTable"
            if value == {"Ref": "SuppressionTable"} or str(value.get("GetAtt", "")).startswith(
                "SuppressionTable."
            ):
                return [] if inside_choice else [value]
            return [r for v in value.values() for r in references(v, inside_choice or chosen)]
        if isinstance(value, list):
            return [r for v in value for r in references(v, inside_choice)]
        if isinstance(value, str) and "${SuppressionTable" in value:
            return [value]
        return []

    # THEN each stands inside the choice between it and an existing one
    assert references({**TEMPLATE["Globals"], **RESOURCES, **TEMPLATE["Outputs"]}) == []

    # AND the table has no condition, since a value that makes it false would drop the table
    assert "Condition" not in RESOURCES["SuppressionTable"]


def test_a_request_for_a_probe_outlives_a_day_without_table() -> None:
    # GIVEN a probe queue whose messages come back after a while
    queue = RESOURCES["ProbeQueue"]["Properties"]
    tries = queue["RedrivePolicy"]["maxReceiveCount"]

    # THEN a day of failures does not exhaust their tries
    assert tries * queue["VisibilityTimeout"] > 86_400


def test_every_parameter_is_described_and_stands_in_one_group() -> None:
    """The console shows parameters outside the groups under "Other parameters"."""
    # GIVEN the parameters, and the groups that the console shows
    parameters = TEMPLATE["Parameters"]
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    # THEN each stands in one, and says what it is for
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(parameters)
    assert [name for name, parameter in parameters.items() if not parameter["Description"]] == []


def test_memory_of_every_function_is_a_parameter() -> None:
    for name, function in FUNCTIONS.items():
        parameter = f"{name.removesuffix('Function')}Memory"
        assert function["MemorySize"] == {"Ref": parameter}
