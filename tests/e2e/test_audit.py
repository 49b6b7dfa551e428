"""The daily audit in the deployed stack: its role, its report, and the list that reads it."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.callers import output
from tests.e2e.test_lists import get
from tests.ses_documents import bounce
from tools.stack import Stack, call_api, publish, wait_for


@pytest.fixture
def sources(stack: Stack) -> Iterator[list[str]]:
    """Two lead sources with a dead address each; without a report afterwards, for other tests."""
    names = sorted(f"vendor-{uuid.uuid4().hex[:12]}" for _ in range(2))
    for name in names:
        publish(stack, bounce(f"ann@{name}.example", lead_source=name))
    assert wait_for(
        lambda: all(get(stack, f"/v1/sources/{name}")["totals"].get("hard") for name in names)
    )
    yield names
    stack.client("dynamodb").delete_item(
        TableName=stack.table_name, Key={"pk": {"S": "AUDIT#REPORT"}, "sk": {"S": "HEADER"}}
    )


def test_the_audit_writes_the_report_that_the_list_reads(stack: Stack, sources: list[str]) -> None:
    # WHEN the scheduled function runs
    ran = stack.client("lambda").invoke(FunctionName=output(stack, "AuditFunctionName"))
    answer = json.load(ran["Payload"])

    # THEN it judges all lead sources
    assert answer["sources"] >= 2, answer
    assert answer["sources"] == sum(answer["verdicts"].values())

    # AND pages of one have them, from the report
    found: list[dict[str, Any]] = []
    following: dict[str, str] = {}
    while True:
        page = get(stack, "/v1/sources", limit=1, **following)
        found += page["sources"]
        assert page["sorted_by"] == "verdict"
        if not page["next_cursor"]:
            break
        following = {"cursor": page["next_cursor"]}
    assert len(found) == answer["sources"]
    assert set(sources) <= {row["lead_source"] for row in found}

    # AND the evidence is that of the row
    [row] = [row for row in found if row["lead_source"] == sources[0]]
    evidence = get(stack, f"/v1/sources/{sources[0]}/evidence")["evidence"]
    assert len(evidence) == row["list_attributable"]["count"] == 1

    # AND a cursor of the report is none of the sources by name
    cursor = get(stack, "/v1/sources", limit=1)["next_cursor"]
    days = {"from": "2020-01-01", "to": "2020-01-31", "cursor": cursor}
    assert call_api(stack, "/v1/sources", days).status == 400
