"""The script that posts what Postfix logs, and how its events are read."""

import io
import json
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from email.message import Message
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bounceledger import providers
from bounceledger.classify.classifier import classify_event
from bounceledger.events import Kind, MailEvent
from bounceledger.providers import Payload
from bounceledger.settings import Settings
from bounceledger.verdict import Category
from examples.postfix_events import BATCH, Reader, batches, post, read_lines
from tests.unit.project.modules import ROOT

SCRIPT = ROOT / "examples/postfix_events.py"
SCHEMA = json.loads((ROOT / "docs/schemas/webhooks/generic-1.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)

DEFERRED = """\
Jan 15 10:00:00 mx1 postfix/pickup[811]: 4bXq7z1Abc: uid=1000 from=<news>
Jan 15 10:00:00 mx1 postfix/cleanup[812]: 4bXq7z1Abc: info: header X-Lead-Source: Webinar 2026 from local; from=<news@sender.example> to=<lead@example.net>
Jan 15 10:00:00 mx1 postfix/cleanup[812]: 4bXq7z1Abc: info: header X-Lead-Date: 2026-01-02 from local; from=<news@sender.example>
Jan 15 10:00:00 mx1 postfix/cleanup[812]: 4bXq7z1Abc: message-id=<m1@sender.example>
Jan 15 10:00:00 mx1 postfix/qmgr[813]: 4bXq7z1Abc: from=<news@sender.example>, size=1047, nrcpt=2 (queue active)
Jan 15 10:00:05 mx1 postfix/smtp[814]: 4bXq7z1Abc: to=<full@example.net>, relay=mx.example.net[192.0.2.1]:25, delay=5, delays=0.1/0/2/3, dsn=4.2.2, status=deferred (host mx.example.net[192.0.2.1] said: 452 4.2.2 Mailbox full (in reply to RCPT TO command))
Jan 15 10:00:06 mx1 postfix/smtp[814]: 4bXq7z1Abc: to=<Gone@Example.NET>, orig_to=<list@sender.example>, relay=mx.example.net[192.0.2.1]:25, conn_use=2, delay=6, delays=0.1/0/2/4, dsn=5.1.1, status=bounced (host mx.example.net[192.0.2.1] said: 550 5.1.1 <gone@example.net>: Recipient address rejected: User unknown (in reply to RCPT TO command))
"""  # noqa: E501
EXPIRED = """\
Jan 20 10:00:07 mx1 postfix/qmgr[813]: 4bXq7z1Abc: from=<news@sender.example>, status=expired, returned to sender
Jan 20 10:00:07 mx1 postfix/qmgr[813]: 4bXq7z1Abc: removed
"""  # noqa: E501
SENT = "2026-01-15T10:00:05.250+00:00 mx1 postfix-out/smtp[9]: 4bXq7z2Abc: to=<lead@example.net>, relay=mx.example.net[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4XyZ)"  # noqa: E501

type Json = dict[str, Any]


def reader(now: datetime = NOW) -> Reader:
    return Reader({"x-lead-source": "lead_source", "x-lead-date": "lead_date"}, lambda: now)


def events(text: str, now: datetime = NOW) -> list[Json]:
    found = reader(now)
    return [event for line in text.splitlines() for event in found.read(line)]


def received(found: list[Json], now: datetime = NOW) -> list[MailEvent]:
    """The events as bounceledger reads them; the form must allow them."""
    assert Draft202012Validator(SCHEMA).is_valid({"events": found})
    payload = Payload(provider="generic", content={"events": found}, received_at=now)
    parsed = providers.read(payload, Settings())
    assert not parsed.refused
    return list(parsed.events)


def test_deferred_and_bounced_recipients_are_events() -> None:
    """With the message's own time, and the lead that its headers name."""
    # GIVEN the log of a message to two recipients
    # WHEN it is read
    delayed, bounced = received(events(DEFERRED))

    # THEN each is an event, of the recipient that the server refused
    assert (delayed.kind, delayed.address) == (Kind.DELIVERY_DELAY, "full@example.net")
    assert (bounced.kind, bounced.address) == (Kind.BOUNCE, "gone@example.net")
    assert classify_event(bounced).category is Category.MAILBOX_UNKNOWN
    assert bounced.status == "5.1.1"
    assert "550 5.1.1 <gone@example.net>" in bounced.diagnostic
    for event in (delayed, bounced):
        assert (event.lead_source, str(event.lead_date)) == ("webinar-2026", "2026-01-02")
        assert event.message_id == "mx1/4bXq7z1Abc"
        assert event.mailed_at == datetime(2026, 1, 15, 10, 0, 0, tzinfo=UTC)


def test_a_message_that_expires_bounces_for_who_was_still_deferred() -> None:
    """Postfix logs nothing about each of them then; the last reply says what it was."""
    now = datetime(2026, 1, 20, 12, 0, 0, tzinfo=UTC)
    *_, expired = received(events(DEFERRED + EXPIRED, now), now)

    assert (expired.kind, expired.address) == (Kind.BOUNCE, "full@example.net")
    assert classify_event(expired).category is Category.MAILBOX_FULL
    assert len(events(DEFERRED + EXPIRED + EXPIRED, now)) == 3


def test_a_delivery_is_an_event() -> None:
    """Also of an instance with a name of its own, and in a log with ISO 8601 times."""
    [sent] = received(events(SENT))

    assert (sent.kind, sent.address) == (Kind.DELIVERY, "lead@example.net")
    assert sent.occurred_at == datetime(2026, 1, 15, 10, 0, 5, 250000, tzinfo=UTC)
    assert (sent.mailed_at, sent.message_id) == (None, "mx1/4bXq7z2Abc")


def test_a_name_that_does_not_exist_is_a_claim_about_the_domain() -> None:
    line = SENT.partition("relay=")[0] + (
        "relay=none, delay=0, delays=0/0/0/0, dsn=5.4.4, status=bounced (Host or domain name not "
        "found. Name service error for name=gone.example type=AAAA: Host not found)"
    )
    [event] = received(events(line))

    assert classify_event(event).category is Category.DOMAIN_UNKNOWN


@pytest.mark.parametrize(
    "line",
    [
        "",
        "not a log line",
        "-- Journal begins at Mon 2026-01-05 --",
        SENT.replace("postfix-out/smtp", "dovecot"),
        SENT.replace("/smtp[", "/local["),
        SENT.replace("status=sent", "status=deliverable"),
        SENT.replace("4bXq7z2Abc", "NOQUEUE"),
        SENT.replace("to=<lead@example.net>", "to=<>"),
        SENT.partition(" (")[0].replace("status=sent", "stat"),
        SENT.replace("2026-01-15T", "2026-13-15T"),
        "Foo 15 10:00:00 mx1 postfix/smtp[1]: 4bXq: to=<a@example.net>, status=sent (x)",
        "Feb 30 10:00:00 mx1 postfix/smtp[1]: 4bXq: to=<a@example.net>, status=sent (x)",
        "Jan 15 10:00:00 mx1 postfix/smtp[1]: warning: something",
        "Jan 15 10:00:00 mx1 postfix/qmgr[1]: 4bXq: removed",
    ],
)
def test_other_lines_are_passed_over(line: str) -> None:
    assert events(line) == []


def test_a_line_gives_the_same_event_whenever_it_is_read() -> None:
    """So that lines may be read again; another second, recipient or outcome is another event."""
    ids = {event["id"] for event in events(DEFERRED + SENT)}

    assert {event["id"] for event in events(DEFERRED + DEFERRED + SENT)} == ids
    assert {event["id"] for event in events(DEFERRED.splitlines()[-1])} <= ids
    changed = [
        SENT.replace("10:00:05", "10:00:06"),
        SENT.replace("lead@", "other@"),
        SENT.replace("status=sent", "status=deferred"),
        SENT.replace("4bXq7z2Abc", "4bXq7z3Abc"),
        SENT.replace(" mx1 ", " mx2 "),
    ]
    assert not {event["id"] for line in changed for event in events(line)} & ids


def test_a_log_without_years_is_of_the_year_before_where_it_would_be_ahead() -> None:
    line = "Dec 31 23:59:59 mx1 " + SENT.partition(" mx1 ")[2]

    assert events(line)[0]["time"] == "2025-12-31T23:59:59+00:00"


def test_events_are_posted_in_batches() -> None:
    """A full one at once, and the rest when the lines end."""
    lines = [SENT.replace("4bXq7z2Abc", f"4bXq7z{index}") for index in range(BATCH + 1)]

    assert [len(batch) for batch in batches(lines, reader())] == [BATCH, 1]


def test_an_event_does_not_wait_long_for_others() -> None:
    """While no line comes, time goes by."""
    seconds = iter(range(0, 100, 3))

    def lines() -> Iterator[str | None]:
        yield SENT
        yield None
        yield None
        raise AssertionError("it waits for more")

    assert len(next(batches(lines(), reader(), clock=lambda: next(seconds)))) == 1


class FakeApi:
    """Answers with one status after the other; None is a connection that fails."""

    def __init__(self, *statuses: int | None) -> None:
        self.statuses = list(statuses)
        self.requests: list[Any] = []
        self.pauses: list[float] = []

    def urlopen(self, request: Any, *, timeout: float) -> AbstractContextManager[None]:
        assert timeout
        self.requests.append(request)
        status = self.statuses.pop(0)
        if status is None:
            raise ConnectionRefusedError
        if status >= 300:
            raise urllib.error.HTTPError(request.full_url, status, "", Message(), io.BytesIO())
        return nullcontext()

    def post(self, *found: Json) -> None:
        post(
            [*found],
            url="https://api.example/live/v1/webhooks/generic",
            secret="0123456789abcdef",
            urlopen=self.urlopen,
            sleep=self.pauses.append,
        )


def test_a_request_has_the_events_and_the_secret() -> None:
    api = FakeApi(202)
    api.post({"id": "1"})

    [request] = api.requests
    assert request.get_method() == "POST"
    assert request.get_header("Authorization") == "Bearer 0123456789abcdef"
    assert request.get_header("Content-type") == "application/json"
    assert json.loads(request.data) == {"events": [{"id": "1"}]}


def test_a_request_is_tried_again_until_it_is_taken() -> None:
    """While the API is busy or cannot be reached, with pauses that grow."""
    api = FakeApi(None, 503, 429, 202)
    api.post({"id": "1"})

    assert len({request.data for request in api.requests}) == 1
    assert api.pauses == [1, 2, 4]


@pytest.mark.parametrize("status", [400, 401, 404, 413])
def test_a_request_that_is_refused_ends_the_program(status: int) -> None:
    """Whoever runs it must look; the lines can be read again."""
    with pytest.raises(SystemExit) as raised:
        FakeApi(status).post({"id": "1"})

    assert str(status) in str(raised.value)


def test_the_script_needs_nothing_but_python() -> None:
    """Run alone, without this project, it prints what it would post."""
    command = [sys.executable, "-I", "-S", str(SCRIPT)]
    done = subprocess.run(
        command, input=f"{SENT}\n\xff\n", capture_output=True, text=True, check=True
    )

    [event] = json.loads(done.stdout)["events"]
    assert (event["kind"], event["recipient"]) == ("delivery", "lead@example.net")
    assert done.stderr == ""


def test_the_script_reads_a_file_as_well(tmp_path: Any) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(f"{SENT}\n{SENT}".encode() + b"\xff")
    with path.open("rb") as file:
        lines = list(read_lines(file.fileno()))

    assert [line[:10] for line in lines if line] == ["2026-01-15", "2026-01-15"]


@pytest.mark.parametrize("url", ["http://api.example/", "file:///tmp/x"])
def test_the_secret_is_sent_by_https_only(url: str) -> None:
    command = [sys.executable, "-I", "-S", str(SCRIPT), "--url", url]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "https" in done.stderr
