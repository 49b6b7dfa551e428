"""What people change through the deployed API, from a bounce to the allow-list."""

import json
import time
import uuid

from tests.e2e.logs import log_of
from tests.ses_documents import bounce
from tools.stack import Stack, call_api, publish, wait_for

ADD = ("PUT", "/v1/suppressions")
REMOVE = ("POST", "/v1/suppressions/remove")
ALLOW = ("PUT", "/v1/allowlist")
DISALLOW = ("POST", "/v1/allowlist/remove")
ERASE = ("POST", "/v1/suppressions/erase")
END_ERASURE = ("POST", "/v1/suppressions/erase/end")


def shown(stack: Stack, address: str) -> tuple[bool, str | None]:
    answer = call_api(stack, "/v1/suppressions", {"address": address})
    assert answer.status == 200, answer
    return answer.body["suppressed"], answer.body["reason"]


def change(stack: Stack, request: tuple[str, str], body: object) -> tuple[int, dict[str, object]]:
    method, path = request
    answer = call_api(stack, path, method=method, body=body)
    return answer.status, dict(answer.body)


def pause() -> None:
    """Let an event be later than a change.

    None is later than its publication, whose time the emulator gives in whole seconds.
    """
    time.sleep(1.1)


def test_an_entry_lives_from_its_bounce_to_the_allow_list(stack: Stack) -> None:
    # GIVEN an address that bounced
    address = f"somebody-{uuid.uuid4().hex}@example.test"
    entry = {"address": address, "note": "asked by phone"}
    publish(stack, bounce(address))
    assert wait_for(lambda: shown(stack, address) == (True, "hard_bounce"))

    # WHEN the suppression is removed, THEN it may be mailed, until it bounces again
    status, removed = change(stack, REMOVE, entry)
    assert (status, removed["suppressed"]) == (200, False)
    assert shown(stack, address) == (False, None)
    pause()
    publish(stack, bounce(address))
    assert wait_for(lambda: shown(stack, address) == (True, "hard_bounce"))

    # WHEN a person adds it and allows it, THEN the answer says that it is suppressed all the same
    assert change(stack, ADD, entry)[1]["reason"] == "manual"
    status, allowed = change(stack, ALLOW, entry)
    assert (status, allowed["allowed"], allowed["reason"]) == (200, True, "manual")

    # WHEN that is removed, THEN its bounces suppress it no more, until it is off the allow-list
    assert change(stack, REMOVE, entry)[1]["suppressed"] is False
    pause()
    publish(stack, bounce(address, feedback_id=f"late-{uuid.uuid4()}"))
    assert wait_for(
        lambda: (
            call_api(stack, "/v1/suppressions", {"address": address})
            .body["explanation"]
            .count("Without that")
            == 1
        )
    )
    assert shown(stack, address) == (False, None)
    assert change(stack, DISALLOW, entry)[1]["reason"] == "hard_bounce"
    assert shown(stack, address) == (True, "hard_bounce")

    # AND the records name the caller, while the log names no address
    found = stack.client("dynamodb").query(
        TableName=stack.table_name,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={
            ":pk": {"S": f"ADDRESS#{address}"},
            ":sk": {"S": "CHANGE#"},
        },
    )["Items"]
    assert [item["action"]["S"] for item in found] == [
        "remove", "add", "allow", "remove", "disallow",
    ]  # fmt: skip
    assert {item["note"]["S"] for item in found} == {"asked by phone"}
    assert all(item["by"]["S"].startswith("arn:aws:") for item in found)
    assert wait_for(lambda: len(log_of(stack, "ChangeLogs")) >= 5)
    assert address not in json.dumps(log_of(stack, "ChangeLogs"))

    # WHEN the person is erased, THEN the answer and the next lookup say so
    asked = {"address": address, "note": "letter of May 3"}
    status, erased = change(stack, ERASE, asked)
    assert (status, erased["reason"], erased["finished"]) == (200, "erased", True)
    assert shown(stack, address) == (True, "erased")
    assert items_naming(stack, address) == []

    # AND other changes are refused
    assert [change(stack, request, entry)[0] for request in (ADD, REMOVE, ALLOW, DISALLOW)] == [
        409
    ] * 4

    # AND a later bounce is only counted
    source = f"later-{uuid.uuid4().hex}"
    publish(stack, bounce(address, lead_source=source))
    assert wait_for(lambda: hard_bounces(stack, source) == 1)
    assert shown(stack, address) == (True, "erased")

    # AND neither the list of the source, nor the history, nor any item has the person
    for name in ("webinar", source):
        path = f"/v1/sources/{name}/suppressions"
        listed = call_api(stack, path, {"limit": "1000"}).body["suppressions"]
        assert address not in {one["address"] for one in listed}
    history = call_api(stack, "/v1/suppressions/history", {"address": address})
    assert history.body["history"] == []
    assert items_naming(stack, address) == []
    assert address not in json.dumps(log_of(stack, "ChangeLogs") + log_of(stack, "IngestLogs"))

    # WHEN the person asks to be mailed again, THEN they may be
    status, ended = change(stack, END_ERASURE, entry)
    assert (status, ended["suppressed"]) == (200, False)
    assert shown(stack, address) == (False, None)


def items_naming(stack: Stack, address: str) -> list[object]:
    """Items of the table that name an address and have not expired."""
    table = stack.client("dynamodb").get_paginator("scan")
    pages = table.paginate(TableName=stack.table_name, ConsistentRead=True)
    return [
        item
        for page in pages
        for item in page["Items"]
        if address in json.dumps(item, default=repr)
        and not ("ttl" in item and int(item["ttl"]["N"]) <= time.time())
    ]


def hard_bounces(stack: Stack, source: str) -> int:
    """Hard bounces of a lead source's messages in the last 30 days."""
    counts = call_api(stack, f"/v1/sources/{source}/counts")
    return int(counts.body["totals"].get("hard", 0))


def test_a_removal_asks_ses_with_the_role_that_may(stack: Stack) -> None:
    """The emulator has no list of SES, and answers that the entry does not exist."""
    # GIVEN an address that a person added
    address = f"somebody+{uuid.uuid4().hex}@example.test"
    entry = {"address": address, "note": "asked by phone"}
    assert change(stack, ADD, entry)[0] == 200

    # WHEN it is removed here and from the list of SES
    status, removed = change(stack, REMOVE, {**entry, "provider": True})

    # THEN IAM let the function ask, and the answer and the history say so
    assert (status, removed["suppressed"]) == (200, False)
    assert removed["provider"] == {"removed": True, "was_listed": False, "error": None}
    history = call_api(stack, "/v1/suppressions/history", {"address": address})
    assert history.body["history"][0]["change"] == {"action": "remove", "provider": True}
