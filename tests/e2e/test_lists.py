"""Lists of the deployed API: sealed by the secret that the template makes."""

import uuid
from typing import Any

from tests.ses_documents import bounce
from tools.stack import Stack, call_api, publish, wait_for


def get(stack: Stack, path: str, **query: object) -> dict[str, Any]:
    answer = call_api(stack, path, {name: str(value) for name, value in query.items()})
    assert answer.status == 200, answer
    return dict(answer.body)


def test_a_sources_suppressions_are_listed_page_by_page(stack: Stack) -> None:
    """The role may query entries and read the secret, and API Gateway passes the routes on."""
    # GIVEN dead addresses of a lead source
    source = f"fair-{uuid.uuid4().hex[:12]}"
    path = f"/v1/sources/{source}/suppressions"
    addresses = sorted(f"a{n}-{uuid.uuid4().hex}@example.test" for n in range(3))
    for address in addresses:
        publish(stack, bounce(address, lead_source=source))
    assert wait_for(lambda: len(get(stack, path)["suppressions"]) == 3)

    # WHEN they are read one by one
    listed, query = [], {"limit": "1", "reason": "hard_bounce"}
    for _ in addresses:
        answer = get(stack, path, **query)
        listed += [row["address"] for row in answer["suppressions"]]
        query = {**query, "cursor": answer["next_cursor"]}

    # THEN each page goes on where the one before ended
    assert listed == addresses
    assert answer["next_cursor"] is None

    # AND they are in the list of all
    found: list[str] = []
    following: dict[str, str] = {}
    while True:
        answer = get(stack, "/v1/suppressions/list", limit=1000, **following)
        found += [row["address"] for row in answer["suppressions"]]
        if not answer["next_cursor"]:
            break
        following = {"cursor": answer["next_cursor"]}
    assert set(addresses) <= set(found)
    assert len(found) == len(set(found))

    # AND a cursor of one list is refused by another
    cursor = get(stack, path, limit=1)["next_cursor"]
    refused = call_api(stack, "/v1/suppressions/list", {"limit": "1", "cursor": cursor})
    assert (refused.status, refused.body["field"]) == (400, "cursor")

    # AND the source is among all sources, with its totals
    rows: dict[str, Any] = {}
    following = {}
    while True:
        answer = get(stack, "/v1/sources", **following)
        rows |= {row["lead_source"]: row for row in answer["sources"]}
        if not answer["next_cursor"]:
            break
        following = {"cursor": answer["next_cursor"]}
    assert rows[source]["totals"]["hard"] == 3

    # AND an address has its bounce in its history
    history = get(stack, "/v1/suppressions/history", address=addresses[0])
    [entry] = history["history"]
    assert (entry["type"], entry["lead_source"]) == ("event", source)
