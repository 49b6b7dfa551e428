"""Lists of the deployed API: sealed by the secret that the template makes."""

import csv
import io
import re
import urllib.request
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

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
        found += [row["address"] or row["domain"] for row in answer["suppressions"]]
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


def test_an_address_that_a_person_added_is_listed(stack: Stack) -> None:
    """It has no lead source; the role of change may write its entry."""
    # GIVEN an address of which no event is recorded
    address = f"added-{uuid.uuid4().hex}@example.test"
    body = {"address": address, "note": "asked by phone"}
    assert call_api(stack, "/v1/suppressions", method="PUT", body=body).status == 200

    # THEN the list of all has it, and the history says who and why
    [row] = [row for row in manual(stack) if row["address"] == address]
    assert row["lead_source"] is None
    [entry] = get(stack, "/v1/suppressions/history", address=address)["history"]
    assert (entry["type"], entry["note"]) == ("change", "asked by phone")
    assert entry["after"]["reason"] == "manual"


@pytest.mark.slow
def test_a_domain_that_a_person_added_is_listed(stack: Stack) -> None:
    """Lookup may read what change wrote, and its cursors pass over domains."""
    # GIVEN two domains
    domains = sorted(f"added-{uuid.uuid4().hex}.example.test" for _ in range(2))
    entries = [{"domain": domain, "note": "spam traps"} for domain in domains]
    body = {"entries": entries}
    assert call_api(stack, "/v1/suppressions", method="PUT", body=body).status == 200

    # THEN the list has each, also when it is read row by row
    for limit in (1000, 1):
        rows = [row for row in manual(stack, limit=limit) if row["domain"] in domains]
        assert [row["domain"] for row in rows] == domains
        assert {(row["address"], row["scope"], row["reason"]) for row in rows} == {
            (None, "domain", "manual")
        }

    # AND no longer once they are removed
    body = {"entries": entries}
    removed = call_api(stack, "/v1/suppressions/remove", method="POST", body=body)
    assert removed.status == 200
    assert not [row for row in manual(stack) if row["domain"] in domains]


def manual(stack: Stack, limit: int = 100) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    following: dict[str, str] = {}
    while True:
        answer = get(stack, "/v1/suppressions/list", reason="manual", limit=limit, **following)
        found += answer["suppressions"]
        if not answer["next_cursor"]:
            return found
        following = {"cursor": answer["next_cursor"]}


def test_a_list_is_exported_as_csv_by_its_links(stack: Stack) -> None:
    """API Gateway passes the header that chooses the form, and the one with the next page."""
    # GIVEN dead addresses of a lead source, of which one begins like a formula
    source = f"fair-{uuid.uuid4().hex[:12]}"
    path = f"/v1/sources/{source}/suppressions"
    for name in ("+1", "a"):
        publish(stack, bounce(f"{name}@{uuid.uuid4().hex}.example.test", lead_source=source))
    assert wait_for(lambda: len(get(stack, path)["suppressions"]) == 2)

    # WHEN it is read page by page
    rows: list[dict[str, str]] = []
    query = {"limit": "1"}
    while True:
        text, link = export(stack, path, query)
        rows += csv.DictReader(io.StringIO(text, newline=""))
        following = re.fullmatch(r'<\?(.+)>; rel="next"', link)
        if not following:
            break
        query = dict(parse_qsl(following[1]))

    # THEN all rows are there, and no cell is a formula
    assert [row["address"][:3] for row in rows] == ["'+1", "a@" + rows[1]["address"][2]]
    assert {row["reason"] for row in rows} == {"hard_bounce"}


def export(stack: Stack, path: str, query: dict[str, str]) -> tuple[str, str]:
    """A page as CSV, and its ``Link``."""
    url = f"{stack.api_url}{path}?{urlencode(query)}"
    request = AWSRequest("GET", url, headers={"Accept": "text/csv"})
    signer = Credentials(stack.access_key_id, stack.secret_access_key)
    SigV4Auth(signer, "execute-api", stack.region).add_auth(request)
    signed = urllib.request.Request(url, headers=dict(request.headers))
    with urllib.request.urlopen(signed, timeout=30) as answer:
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        return answer.read().decode(), answer.headers["Link"] or ""
