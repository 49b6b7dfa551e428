"""The templates in `examples/`: valid, without secrets, and nothing is lost."""

import json
import subprocess
from typing import Any

import pytest

from bounceledger.announcements.bus import SOURCE
from tests.unit.announcements.test_schemas import SCHEMAS
from tests.unit.project.cloudformation import load
from tests.unit.project.modules import ROOT

FOLDER = ROOT / "examples"
EXAMPLES = {path.stem: load(path) for path in sorted(FOLDER.glob("*.yaml"))}
LINTER = ROOT / ".tools/sam/bin/cfn-lint"


def of_type(example: str, kind: str) -> dict[str, Any]:
    """Logical IDs and properties of the resources of one type."""
    resources = EXAMPLES[example]["Resources"]
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == kind}


RULES = [
    pytest.param(example, rule, id=f"{example}-{name}")
    for example in EXAMPLES
    for name, rule in of_type(example, "AWS::Events::Rule").items()
]


@pytest.mark.skipif(not LINTER.exists(), reason="no cfn-lint: make tools")
def test_the_examples_are_valid() -> None:
    command = [LINTER, *FOLDER.glob("*.yaml")]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_there_is_an_example_for_each_system_that_the_page_names() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert sorted(EXAMPLES) == ["hubspot", "salesforce", "webhook"]
    for name in EXAMPLES:
        assert f"[`{name}.yaml`]({name}.yaml)" in page
        assert f"--template-file examples/{name}.yaml" in page


@pytest.mark.parametrize("example", EXAMPLES)
def test_credentials_come_from_a_secret_and_no_parameter_holds_them(example: str) -> None:
    # GIVEN the connection, and every value in it that is secret
    [connection] = of_type(example, "AWS::Events::Connection").values()
    auth = connection["AuthParameters"]
    secret = [auth["ApiKeyAuthParameters"]["ApiKeyValue"]] if "ApiKeyAuthParameters" in auth else []
    if "OAuthParameters" in auth:
        secret += auth["OAuthParameters"]["ClientParameters"].values()

    # THEN each is a dynamic reference
    assert secret
    for value in secret:
        assert "{{resolve:secretsmanager:${SecretName}:SecretString:" in value["Sub"]


@pytest.mark.parametrize(("example", "rule"), RULES)
def test_a_rule_keeps_what_could_not_be_delivered(example: str, rule: Any) -> None:
    # GIVEN the target of a rule
    [target] = rule["Targets"]
    assert target["Arn"] == {"GetAtt": "Destination.Arn"}

    # THEN what it does not take goes to a queue that has an alarm
    assert target["DeadLetterConfig"] == {"Arn": {"GetAtt": "DeadLetterQueue.Arn"}}
    [alarm] = of_type(example, "AWS::CloudWatch::Alarm").values()
    assert alarm["Dimensions"][0]["Value"] == {"GetAtt": "DeadLetterQueue.QueueName"}

    # AND the queue takes it from every rule
    [policy] = of_type(example, "AWS::SQS::QueuePolicy").values()
    [statement] = policy["PolicyDocument"]["Statement"]
    named = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    of_example = of_type(example, "AWS::Events::Rule")
    assert named == [{"GetAtt": f"{name}.Arn"} for name in of_example]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_role_reaches_the_destination_only(example: str) -> None:
    [role] = of_type(example, "AWS::IAM::Role").values()
    [policy] = role["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "events:InvokeApiDestination"
    assert statement["Resource"] == {"GetAtt": "Destination.Arn"}


@pytest.mark.parametrize(("example", "rule"), RULES)
def test_a_rule_matches_fields_and_takes_values_that_events_have(example: str, rule: Any) -> None:
    """A field that is renamed would match nothing, or send nothing."""
    # GIVEN the pattern of a rule, and the events that it names
    pattern = rule["EventPattern"]
    kinds = pattern.get("detail-type", [name.partition("-")[0] for name in SCHEMAS])
    assert pattern["source"] == [SOURCE]
    assert "null" not in json.dumps(pattern)  # CloudFormation refuses it

    for kind in kinds:
        schema = SCHEMAS[f"{kind}-1"]["properties"]

        # THEN they have the fields that the pattern and the transformer name
        assert pattern["detail"].keys() <= schema["detail"]["properties"].keys()
        for path in rule["Targets"][0]["InputTransformer"]["InputPathsMap"].values():
            node: Any = {"properties": schema}
            for part in path.removeprefix("$.").split("."):
                node = node["properties"][part]
