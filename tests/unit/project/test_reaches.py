"""The outputs with IAM statements for callers: each reaches its routes and no other."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.reaches import REACHES, ROUTES
from tests.unit.project.cloudformation import TEMPLATE
from tests.unit.project.modules import ROOT

OUTPUTS: dict[str, Any] = TEMPLATE["Outputs"]
STAGE = "arn:aws:execute-api:eu-west-1:111122223333:abcde12345/live"
"""What stands for the ARN of the API's stage."""


def statement(output: str) -> dict[str, Any]:
    """The statement that a stack would have."""
    text, variables = OUTPUTS[output]["Value"]["Sub"]
    assert variables.keys() == {"Stage"}
    found: dict[str, Any] = json.loads(text.replace("${Stage}", STAGE))
    return found


def test_each_reach_has_an_output_and_each_output_a_reach() -> None:
    assert [name for name in OUTPUTS if name.endswith("Statement")] == [*REACHES]


@pytest.mark.parametrize("output", REACHES)
def test_a_statement_reaches_its_routes_and_no_other(output: str) -> None:
    # GIVEN the statement, which may be pasted as it is
    given = statement(output)
    assert given.keys() == {"Effect", "Action", "Resource"}
    assert (given["Effect"], given["Action"]) == ("Allow", "execute-api:Invoke")

    # THEN its resources match the routes of its reach, as IAM matches them
    reached = {
        (method, path)
        for method, path in ROUTES
        if any(fnmatchcase(f"{STAGE}/{method}{path}", one) for one in given["Resource"])
    }
    assert reached == REACHES[output]


def test_every_route_is_in_a_reach_smaller_than_all() -> None:
    """A new route with another method than GET needs its place in an output."""
    small = [routes for name, routes in REACHES.items() if name != "AllRoutesStatement"]
    assert frozenset().union(*small) == ROUTES


@pytest.mark.parametrize("output", REACHES)
def test_the_documentation_has_the_statement_to_paste(output: str) -> None:
    """With words in capitals for what a stack would fill in."""
    # GIVEN the statement as the template writes it
    stage = "arn:aws:execute-api:REGION:ACCOUNT:API_ID/live"
    text = OUTPUTS[output]["Value"]["Sub"][0].replace("${Stage}", stage)

    # THEN the page has the same, however its lines are broken
    page = (ROOT / "docs/api.md").read_text()
    blocks = [block.partition("```")[0] for block in page.split("```json\n")[1:]]
    pasted = [json.loads(block) for block in blocks if '"execute-api:Invoke"' in block]
    assert json.loads(text) in pasted
