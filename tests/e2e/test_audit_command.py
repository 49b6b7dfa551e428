"""``bounceledger audit`` against the deployed stack: events in, figures and evidence out."""

import csv
import json
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.e2e.test_command_line import bounceledger
from tests.ses_documents import bounce
from tools.stack import STACK_NAME, Stack, call_api, wait_for

REPLIES = {
    "hard": ("smtp; 550 5.1.1 user unknown", "5.1.1"),
    "soft": ("smtp; 552 5.2.2 mailbox full", "5.2.2"),
    "block": ("smtp; 550 5.7.1 Blocked by dnsbl.example", "5.7.1"),
}
MIXES = {
    "bad": (40, {"delivered": 14, "hard": 6, "soft": 1}),
    "fair": (60, {"delivered": 30, "soft": 1}),
    "blocked": (30, {"delivered": 1, "block": 3}),
}
"""Addresses of a source, and how often each outcome is drawn for one."""


@dataclass
class Mailing:
    """What was sent: events by source, and addresses by outcome."""

    events: list[dict[str, Any]]
    outcomes: dict[str, dict[str, set[str]]]


def event(address: str, source: str, outcome: str) -> dict[str, Any]:
    if outcome in REPLIES:
        said, status = REPLIES[outcome]
        return bounce(address, said, status=status, lead_source=source)
    document = bounce(address, lead_source=source)
    at = document.pop("bounce")["timestamp"]
    report = {"timestamp": at, "recipients": [address], "smtpResponse": "250 2.0.0 OK"}
    return document | {"eventType": "Delivery", "delivery": report}


@pytest.fixture(scope="module")
def mailing(stack: Stack) -> Mailing:
    """Three sources with events that are drawn with a fixed seed, all of them counted."""
    random, mark = Random(20261126), uuid.uuid4().hex[:8]
    made = Mailing([], {})
    for name, (addresses, weights) in MIXES.items():
        source, found = f"{name}-{mark}", {outcome: set[str]() for outcome in weights}
        for number in range(addresses):
            address = f"lead{number}-{mark}@{name}.example.test"
            [outcome] = random.choices([*weights], [*weights.values()])
            # Some get a second message, which ends as the first did.
            for _ in range(random.choice((1, 1, 2))):
                made.events.append(event(address, source, outcome))
            found[outcome].add(address)
        made.outcomes[source] = found
    random.shuffle(made.events)
    sns = stack.client("sns")
    for start in range(0, len(made.events), 10):
        entries = [
            {"Id": str(number), "Message": json.dumps(one) + "\n"}
            for number, one in enumerate(made.events[start : start + 10])
        ]
        assert not sns.publish_batch(
            TopicArn=stack.topic_arn, PublishBatchRequestEntries=entries
        ).get("Failed")
    assert wait_for(lambda: counted(stack, made) == len(made.events), seconds=120)
    return made


def counted(stack: Stack, made: Mailing) -> int:
    total = 0
    for source in made.outcomes:
        totals = call_api(stack, f"/v1/sources/{source}/counts").body["totals"]
        total += sum(totals.get(name, 0) for name in ("delivered", *REPLIES))
    return total


def audited(stack: Stack, mailing: Mailing) -> dict[str, dict[str, Any]]:
    """The sources of the mailing in the document of the audit, in its order."""
    ran = bounceledger(stack, "audit", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    sources = json.loads(ran.stdout)["sources"]
    return {s["source"]: s for s in sources if s["source"] in mailing.outcomes}


def test_the_figures_are_those_of_the_events(stack: Stack, mailing: Mailing) -> None:
    # WHEN the account is audited
    found = audited(stack, mailing)

    # THEN every address was counted once, and blocks for neither side
    for source, outcomes in mailing.outcomes.items():
        rate = found[source]["list_attributable"]
        answered = set().union(*(outcomes.get(o, ()) for o in ("delivered", "hard", "soft")))
        assert (rate["count"], rate["of"]) == (len(outcomes.get("hard", ())), len(answered))
        assert found[source]["addresses"]["unanswered"] == len(outcomes.get("block", ()))

    # AND the vendor with dead addresses is the worst, and the blocked one is not judged
    bad, *others = found.values()
    assert bad["source"].startswith("bad-")
    assert bad["verdict"] == "bad"
    assert bad["differs"]["direction"] == "worse"
    assert {source["verdict"] for source in others} == {"too_little_data"}


def test_it_is_shown_and_written_as_a_page(stack: Stack, mailing: Mailing, tmp_path: Path) -> None:
    """The stack is found by its name; the emulator's CloudWatch knows no reputation."""
    where = ("--stack", STACK_NAME, "--endpoint-url", stack.endpoint_url)
    bad = next(source for source in mailing.outcomes if source.startswith("bad-"))

    # WHEN one source is shown in full
    ran = bounceledger(stack, "audit", "--source", bad, *where)

    # THEN its verdict and its worst domain are there
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"{bad}: bad, ")
    assert "bad.example.test" in ran.stdout

    # AND the page of all has a section for it
    path = tmp_path / "report.html"
    ran = bounceledger(stack, "audit", "--html", str(path), *where)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith(f"\nReport: {path}\n")
    page = path.read_text()
    assert page.startswith("<!doctype html>")
    assert f'<a href="#s1"><bdi>{bad}</bdi></a>' in page
    assert "bad.example.test" in page


def test_the_evidence_is_joined_with_the_vendors_file(
    stack: Stack, mailing: Mailing, tmp_path: Path
) -> None:
    # GIVEN a vendor's file that lacks one dead address and has another twice
    bad = next(source for source in mailing.outcomes if source.startswith("bad-"))
    dead = sorted(mailing.outcomes[bad]["hard"])
    lines = [*dead[1:], *sorted(mailing.outcomes[bad]["delivered"]), dead[1]]
    vendor = tmp_path / "vendor.csv"
    vendor.write_text(
        "Nr;E-Mail\n" + "".join(f"{n};{one.title()}\n" for n, one in enumerate(lines, 100)),
        encoding="utf-8",
    )

    # WHEN its evidence is written
    folder = tmp_path / "pack"
    ran = bounceledger(
        *(stack, "audit", "--evidence", bad, "--list", str(vendor), "--column", "E-Mail"),
        *("--output", str(folder)),
    )

    # THEN each dead row of his is there in his spelling, with the reply
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"{len(dead)} of {len(lines)} rows dead; 1 dead address is not in it" in ran.stdout
    rows = read(folder / "dead-addresses.csv")
    assert [(row["list_line"], row["Nr"], row["E-Mail"]) for row in rows] == [
        (str(number + 2), str(number + 100), one.title())
        for number, one in enumerate(lines)
        if one in dead
    ]
    assert {(row["reply_code"], row["category"]) for row in rows} == {("550", "mailbox_unknown")}
    assert {row["diagnostic"] for row in rows} == {"smtp; 550 5.1.1 user unknown"}

    # AND the one that he does not have is apart
    assert [row["address"] for row in read(folder / "not-in-list.csv")] == dead[:1]
    assert f"{len(dead)} dead addresses from" in (folder / "summary.html").read_text()


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
def test_pandas_finds_the_same_figures(stack: Stack, mailing: Mailing) -> None:
    """Computed from the raw events by a program that shares nothing with ours."""
    # WHEN pandas computes the figures from the events
    done = subprocess.run(
        [sys.executable, "-W", "error", Path(__file__).with_name("audit_pandas.py")],
        input="".join(f"{json.dumps(one)}\n" for one in mailing.events),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    expected = json.loads(done.stdout)

    # THEN they are those of the audit
    found = audited(stack, mailing)
    assert expected.keys() == found.keys()
    for name, figures in expected.items():
        source = found[name]
        for outcome in ("delivered", *REPLIES):
            assert source["outcomes"][outcome] == figures[outcome], (name, outcome)
        assert source["sent"] == figures["sent"]
        rate = source["list_attributable"]
        assert (rate["count"], rate["of"]) == (figures["dead"], figures["mailed"])
        for bound in ("rate", "low", "high"):
            assert rate[bound] == pytest.approx(figures[bound], abs=1e-12), (name, bound)
