"""The commands that call the API, as a shell runs them, against the deployed stack."""

import csv
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.ses_documents import bounce
from tools.stack import STACK_NAME, Stack, call_api, publish, wait_for

SCRIPT = Path(sys.executable).with_name("bounceledger")


def bounceledger(stack: Stack, *argv: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "AWS_REGION": stack.region,
        "AWS_ACCESS_KEY_ID": stack.access_key_id,
        "AWS_SECRET_ACCESS_KEY": stack.secret_access_key,
        "BOUNCELEDGER_API_URL": stack.api_url,
    }
    return subprocess.run(
        [SCRIPT, *argv], env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def dead(stack: Stack) -> str:
    """An address that bounced."""
    address = f"dead-{uuid.uuid4().hex}@example.test"
    publish(stack, bounce(address, lead_source="trade-fair"))
    assert wait_for(
        lambda: call_api(stack, "/v1/suppressions", {"address": address}).body["suppressed"]
    )
    return address


def test_a_list_is_divided_before_a_send(stack: Stack, dead: str, tmp_path: Path) -> None:
    # GIVEN an export with a dead lead, once in capitals, and cells that nobody would expect
    odd = ["nobody", "", "=1+1", "x" * 5000, "\U0001f600@example.test"]
    rows = [[str(n), f"lead{n}@example{n % 50}.test"] for n in range(3000)]
    for n, address in enumerate([dead, dead.upper(), *odd]):
        rows[n * 400][1] = address
    source, clean, rejected = (tmp_path / name for name in ("all.csv", "clean.csv", "no.csv"))
    with source.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["Id", "E-Mail"], *rows])

    # WHEN it is divided
    ran = bounceledger(
        stack, "check", "--file", str(source), "--clean", str(clean), "--rejected", str(rejected)
    )

    # THEN what may be mailed is there, byte for byte, and the others have reasons
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "3,000 recipients: 2,993 may be mailed, 7 may not\n" in ran.stdout
    lines = source.read_bytes().splitlines(keepends=True)
    no = {n * 400 + 1 for n in range(7)}
    assert clean.read_bytes() == b"".join(
        line for number, line in enumerate(lines) if number not in no
    )
    with rejected.open(newline="", encoding="utf-8") as stream:
        found = list(csv.DictReader(stream))
    assert [int(row["Id"]) + 1 for row in found] == sorted(no)
    assert [row["rejected_reason"] for row in found] == ["hard_bounce"] * 2 + ["invalid"] * 5


def test_an_address_is_shown(stack: Stack, dead: str) -> None:
    # WHEN the address is shown, with the stack found by its name
    ran = bounceledger(
        stack, "show", dead, "--stack", STACK_NAME, "--endpoint-url", stack.endpoint_url
    )

    # THEN its reply is there
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"{dead} may not be mailed\n")
    assert "user unknown" in ran.stdout.lower()

    # AND JSON is what the API answers
    shown = json.loads(bounceledger(stack, "show", dead, "--json").stdout)
    assert shown == call_api(stack, "/v1/suppressions", {"address": dead}).body


def records(ran: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert (ran.returncode, ran.stderr) == (0, "")
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_the_suppression_list_is_kept_from_a_shell(stack: Stack, tmp_path: Path) -> None:
    """One way for all of it: the API, with its rights and its log."""
    # GIVEN a lead source with a dead lead
    mark = uuid.uuid4().hex[:12]
    source, dead = f"fair-{mark}", f"dead-{mark}@example.test"
    publish(stack, bounce(dead, lead_source=source))
    assert wait_for(
        lambda: call_api(stack, "/v1/suppressions", {"address": dead}).body["suppressed"]
    )

    # WHEN a list of more addresses than fit into a call is added, some rows of which are wrong
    added = [f"added{n}-{mark}@example.test" for n in range(130)]
    gone = tmp_path / "gone.csv"
    gone.write_text("\n".join(["Id,Email", *(f"1,{one}" for one in added), "2,nobody", "3,"]))
    ran = bounceledger(stack, "add", "--file", str(gone), "--note", "unsubscribed")

    # THEN those are, and the others are named
    assert ran.stdout.startswith("132 entries: 130 added, 2 not\n")
    assert ran.stderr.splitlines() == [
        f"bounceledger: {gone}: line 132: Email has no @",
        f"bounceledger: {gone}: line 133: Email is empty",
    ]
    assert ran.returncode == 1

    # AND all are listed, as JSON and as CSV
    manual = records(bounceledger(stack, "list", "--reason", "manual", "--json"))
    assert {*added} <= {row["address"] for row in manual}
    listed = bounceledger(stack, "list", "--source", source)
    [row] = csv.DictReader(listed.stdout.splitlines())
    assert (row["address"], row["reason"], row["lead_source"]) == (dead, "hard_bounce", source)

    # AND the source is among all sources
    [found] = [
        row
        for row in records(bounceledger(stack, "sources", "--json"))
        if row["lead_source"] == source
    ]
    assert found["totals"]["hard"] == 1

    # WHEN the dead lead is allowed, disallowed and removed THEN each answer is the decision
    for name, words in (
        ("allow", "allowed; may be mailed"),
        ("disallow", "taken off the allow-list; suppressed (hard_bounce, mailbox_unknown)"),
        ("remove", "removed; may be mailed"),
    ):
        ran = bounceledger(stack, name, dead, "--note", f"to {name}")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.startswith(f"{dead}: {words}\n")

    # AND the history has all of it, the newest first
    ran = bounceledger(stack, "history", dead)
    headings = [line.split("  ")[1] for line in ran.stdout.splitlines() if line[0] != " "]
    assert headings == ["remove", "disallow", "allow", "bounce: mailbox_unknown (hard)"]
    assert "  note: to remove\n  by: arn:aws:" in ran.stdout
    [history] = records(bounceledger(stack, "history", dead, "--json"))
    assert history == call_api(stack, "/v1/suppressions/history", {"address": dead}).body

    # WHEN it is taken off the list of the SES account, too, THEN that is reported
    [removed] = records(
        bounceledger(stack, "remove", dead, "--provider", "--note", "again", "--json")
    )
    assert removed["provider"]["removed"] is True


def test_a_person_is_erased_from_a_shell(stack: Stack, tmp_path: Path) -> None:
    # GIVEN an address that bounced, and one that nobody knows
    mark = uuid.uuid4().hex
    dead, new = f"dead-{mark}@example.test", f"new-{mark}@example.test"
    publish(stack, bounce(dead, lead_source="trade-fair"))
    assert wait_for(
        lambda: call_api(stack, "/v1/suppressions", {"address": dead}).body["suppressed"]
    )

    # WHEN they are erased, which needs a terminal or a confirmation
    asked = bounceledger(stack, "erase", dead, "--note", "request 4711")
    assert (asked.returncode, asked.stdout) == (2, "")
    ran = bounceledger(stack, "erase", dead, new, "--note", "request 4711", "--yes")

    # THEN they stay suppressed, and nothing else is known
    assert (ran.returncode, ran.stderr) == (0, "")
    for address in (dead, new):
        assert f"{address}: erased; suppressed (erased)\n" in ran.stdout
    [shown] = records(bounceledger(stack, "show", dead, "--json"))
    assert (shown["reason"], shown["lead_sources"]) == ("erased", [])
    assert "bounce" not in bounceledger(stack, "history", dead).stdout

    # AND another change of them is refused, with what to do
    file = tmp_path / "again.csv"
    file.write_text(f"Email\n{dead}\n")
    ran = bounceledger(stack, "add", "--file", str(file), "--note", "again")
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"bounceledger: {file}: line 2: {dead}: the person was erased")
    assert ran.stderr.endswith("'bounceledger erase --end' ends an erasure.\n")

    # AND the end of the erasure lets it be mailed
    ran = bounceledger(stack, "erase", "--end", dead, "--note", "subscribed again")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"{dead}: no longer erased; may be mailed\n")


def test_what_the_api_refuses_is_a_message(stack: Stack) -> None:
    ran = bounceledger(stack, "show", "nobody")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "bounceledger: address has no @\n"

    ran = bounceledger(stack, "add", "a@example.test", "--note", "x" * 501)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "bounceledger: note must have at most 500 characters\n"
