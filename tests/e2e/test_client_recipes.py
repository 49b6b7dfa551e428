"""The recipes of the client's page, as they stand there, against the deployed API."""

import asyncio
import json
import os
import smtplib
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest

from bounceledger_client import Api, SuppressionList
from bounceledger_client.transport import Reply, UrllibTransport
from tests.pages import code, page, section
from tests.ses_documents import bounce
from tools.stack import ROOT, Stack, call_api, publish, wait_for

PAGE = page("client/README.md")
PYTHON = ROOT / ".tools/recipes/bin/python"
"""An interpreter that has what the recipes for Django and pandas need."""


def recipe(title: str) -> str:
    """The code under a heading of the page."""
    return code(section(PAGE, title))[0]


def functions_of(title: str) -> dict[str, Any]:
    """The functions that a recipe defines."""
    names: dict[str, Any] = {}
    exec(compile(recipe(title), title, "exec"), names)  # the page is ours
    return names


@pytest.fixture
def environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a recipe finds in its environment."""
    variables = {
        "AWS_ACCESS_KEY_ID": stack.access_key_id,
        "AWS_SECRET_ACCESS_KEY": stack.secret_access_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": stack.region,
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "API_URL": stack.api_url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **variables}


@pytest.fixture(scope="module")
def rows(stack: Stack) -> list[dict[str, str]]:
    """A list with three recipients, the second of whom bounced."""
    names = [f"{name}-{uuid.uuid4().hex}@example.test" for name in ("ann", "dead", "cid")]
    publish(stack, bounce(names[1]))
    assert wait_for(
        lambda: call_api(stack, "/v1/suppressions", {"address": names[1]}).body["suppressed"]
    )
    return [{"email": name, "lead_source": "fair-2026"} for name in names]


class Recorder(StreamRequestHandler):
    """As much of an SMTP server as smtplib needs (RFC 5321)."""

    server: "SmtpServer"

    def handle(self) -> None:
        """Accept every message."""
        self._say("220 localhost ESMTP")
        for line in self.rfile:
            match line.split()[0].upper():
                case b"EHLO":
                    self._say("250 localhost")
                case b"DATA":
                    self._say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    self.server.messages.append(
                        BytesParser(policy=default).parsebytes(b"".join(lines))
                    )
                    self._say("250 OK")
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 OK")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class SmtpServer(ThreadingTCPServer):
    """Keeps the messages that it gets."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        super().__init__(("127.0.0.1", 0), Recorder)


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("environment")
def test_ses_sends_to_those_who_may_be_mailed(stack: Stack, rows: list[dict[str, str]]) -> None:
    # GIVEN a configuration set and a sender in SES
    ses = stack.client("sesv2")
    ses.create_configuration_set(ConfigurationSetName="newsletter")
    ses.create_email_identity(EmailIdentity="news@example.com")

    # WHEN the recipe sends a campaign
    send = functions_of("Amazon SES, with boto3")["send_campaign"]
    dropped = send(stack.api_url, rows, "News", "Read on")

    # THEN SES sent it to two of three
    assert dropped == {"hard_bounce": 1}
    with urllib.request.urlopen(f"{stack.endpoint_url}/_ministack/ses/messages") as answer:
        sent = json.dumps(json.load(answer))
    assert [row["email"] in sent for row in rows] == [True, False, True]


@pytest.mark.usefixtures("environment")
def test_smtp_sends_to_those_who_may_be_mailed(
    stack: Stack, rows: list[dict[str, str]], smtp_server: SmtpServer
) -> None:
    # WHEN the recipe sends a campaign through an SMTP server
    send = functions_of("SMTP, with smtplib")["send_campaign"]
    host, port = smtp_server.server_address[:2]
    with smtplib.SMTP(str(host), int(port)) as smtp:
        dropped = send(smtp, stack.api_url, rows, "News", "Read on")

    # THEN it got two messages, each with its lead source
    assert dropped == {"hard_bounce": 1}
    messages: list[EmailMessage] = smtp_server.messages
    assert [message["To"] for message in messages] == [rows[0]["email"], rows[2]["email"]]
    assert {message["X-SES-MESSAGE-TAGS"] for message in messages} == {"lead_source=fair-2026"}


@pytest.mark.usefixtures("environment")
def test_a_single_message_is_checked_and_survives_an_outage(
    stack: Stack, rows: list[dict[str, str]]
) -> None:
    may_mail = functions_of("One message, such as a receipt")["may_mail"]

    assert [may_mail(stack.api_url, row["email"]) for row in rows] == [True, False, True]
    assert may_mail("http://127.0.0.1:1/live", rows[1]["email"])


def run_elsewhere(
    title: str, stack: Stack, environment: dict[str, str], tmp_path: Path, *, given: str
) -> Any:
    """What the program of a recipe prints, in the environment that has what it needs."""
    if not PYTHON.exists():
        pytest.skip("Django and pandas are not installed: make e2e installs them")
    (tmp_path / "recipe.py").write_text(recipe(title))
    name = title.partition(",")[0].lower()
    program = Path(__file__).with_name(f"recipe_{name}.py")
    done = subprocess.run(
        [PYTHON, "-W", "error", program, tmp_path / "recipe.py", stack.api_url],
        env={**environment, "PYTHONPATH": str(ROOT / "client")},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.slow
def test_anymail_sends_to_those_who_may_be_mailed(
    stack: Stack, environment: dict[str, str], rows: list[dict[str, str]], tmp_path: Path
) -> None:
    # GIVEN a message for everybody, with names, and messages for one recipient
    stack.client("sesv2").create_email_identity(EmailIdentity="news@example.com")
    ann, dead, cid = (row["email"] for row in rows)
    messages = [
        {"to": [f"Ann <{ann}>", dead], "cc": [f'"Dead, D." <{dead}>'], "bcc": [cid, "nobody"]},
        {"to": [dead]},
        {"to": [cid]},
    ]

    # WHEN Django sends them
    sent = run_elsewhere(
        "Django, with django-anymail", stack, environment, tmp_path,
        given="".join(f"{json.dumps(message)}\n" for message in messages),
    )  # fmt: skip

    # THEN SES gets two, without the suppressed recipient, and with their lead source
    tags = [{"Name": "lead_source", "Value": "fair-2026"}]
    assert sent == [
        {"Destination": {"ToAddresses": [ann], "BccAddresses": [cid]}, "EmailTags": tags},
        {"Destination": {"ToAddresses": [cid]}, "EmailTags": tags},
    ]


@pytest.mark.slow
def test_pandas_divides_a_frame(
    stack: Stack, environment: dict[str, str], rows: list[dict[str, str]], tmp_path: Path
) -> None:
    # GIVEN a column with an empty cell
    ann, dead, cid = (row["email"] for row in rows)
    columns = {"id": [1, 2, 3, 4], "email": [ann, dead, None, cid]}

    # WHEN the recipe divides the frame
    keep, rejected = run_elsewhere(
        "pandas", stack, environment, tmp_path, given=json.dumps(columns)
    )

    # THEN each row is in one of its parts, those that may not be mailed with the reason
    assert keep == {"id": [1, 4], "email": [ann, cid]}
    assert rejected["id"] == [2, 3]
    assert rejected["rejected_reason"] == ["hard_bounce", "invalid"]
    assert "mailbox does not exist" in rejected["rejected_explanation"][0]
    assert rejected["rejected_explanation"][1] == "has no @"

    # AND a frame without rows has two parts without rows
    empty = run_elsewhere(
        "pandas", stack, environment, tmp_path, given=json.dumps({"id": [], "email": []})
    )
    assert [part["email"] for part in empty] == [[], []]
    assert "rejected_reason" in empty[1]


class Gate(UrllibTransport):
    """Lets no request through until it is open."""

    def __init__(self, url: str) -> None:
        self.open = Event()
        super().__init__(url)

    def send(self, request: AWSPreparedRequest) -> Reply:
        """Send it once the gate is open."""
        assert self.open.wait(30)
        return super().send(request)


@pytest.mark.usefixtures("environment")
def test_asyncio_goes_on_while_the_api_is_asked(stack: Stack, rows: list[dict[str, str]]) -> None:
    # GIVEN an API that answers nothing before something else was done
    gate = Gate(stack.api_url)
    suppressions = SuppressionList(Api(stack.api_url, transport=gate))
    functions = functions_of("asyncio")

    async def something_else() -> None:
        gate.open.set()

    # WHEN the recipe asks about one address and about a list
    async def ask() -> tuple[Any, ...]:
        one = functions["may_mail"](suppressions, rows[1]["email"])
        several = functions["mailable"](suppressions, rows)
        return tuple(await asyncio.gather(one, several, something_else()))

    # THEN both are answered
    assert asyncio.run(ask()) == (False, [rows[0], rows[2]], None)


def test_curl_checks_a_list(
    environment: dict[str, str], rows: list[dict[str, str]], tmp_path: Path
) -> None:
    # GIVEN the addresses in a file
    addresses = [row["email"] for row in rows]
    (tmp_path / "campaign.json").write_text(json.dumps({"addresses": addresses}))

    # WHEN the recipe is run by a shell
    done = subprocess.run(
        ["sh", "-c", recipe("curl")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    # THEN each has its answer
    assert (done.returncode, done.stderr) == (0, "")
    results = json.loads(done.stdout)["results"]
    assert [(row["input"], row["suppressed"]) for row in results] == [
        (addresses[0], False),
        (addresses[1], True),
        (addresses[2], False),
    ]


def test_the_command_line_divides_a_file(
    environment: dict[str, str], rows: list[dict[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "leads.csv").write_text("".join(f"{row['email']}\n" for row in rows))
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"

    done = subprocess.run(
        ["sh", "-c", recipe("A file, without a program")],
        cwd=tmp_path,
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    kept = (tmp_path / "send.csv").read_text().split()
    assert kept == [rows[0]["email"], rows[2]["email"]]
    assert rows[1]["email"] in (tmp_path / "rejected.csv").read_text()
