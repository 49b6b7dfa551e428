"""Examples of the README, docs/api.md and client/README.md, run as they stand there."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.credentials import Credentials
from dnslib import MX, QTYPE, RR, DNSRecord

from bounceledger_client import SuppressionList
from tests.dns import server as servers
from tests.pages import code, differences, page, rows, section
from tests.ses_documents import bounce
from tools.stack import ROOT, STACK_NAME, Stack, call_api, publish, running, wait_for

pytestmark = pytest.mark.slow

API = page("docs/api.md")
SOURCE = "trade-fair-2025"
SAID = {
    # The host of a domain that accepts no mail, as its null MX says.
    "jane@no-mail.example.com": ("smtp; 521 Server does not accept mail", "5.3.2"),
    "ben@example.com": ("smtp; 521 5.7.1 Blocked by dnsbl.example", "5.7.1"),
    "jane@example.com": ("smtp; 550 5.1.1 user unknown", "5.1.1"),
}
DELIVERED = 17
ACCOUNT = "000000000000"
"""The emulator's."""
PEOPLE = ["ann@example.test", "jane@no-mail.example.com", "nobody", "ben@example.com"]
"""A list, of whom the first and the last may be mailed."""


def answer(query: DNSRecord) -> DNSRecord:
    """A null MX record (RFC 7505) at every domain, and nothing else."""
    response = query.reply(ra=0, aa=1)
    if query.q.qtype == QTYPE.MX:
        response.add_answer(RR(query.q.qname, QTYPE.MX, rdata=MX("."), ttl=300))
    return response


@pytest.fixture(scope="module")
def shown(stack: Stack) -> Iterator[Stack]:
    """The same build (the fixture `stack` makes it), deployed with what the examples are about."""
    with (
        servers.responder(answer) as server,
        running({"DnsResolvers": str(server), "ProbeDelay": "0"}, build_first=False) as deployed,
    ):
        for address, (diagnostic, status) in SAID.items():
            publish(deployed, bounce(address, diagnostic, status=status, lead_source=SOURCE))
        for number in range(DELIVERED):
            publish(deployed, delivery(f"lead{number}@example.test"))
        assert wait_for(lambda: is_there(deployed), seconds=120)
        yield deployed


def delivery(address: str) -> dict[str, Any]:
    """An SES delivery event about one recipient, of now."""
    document = bounce(address, lead_source=SOURCE)
    at = document.pop("bounce")["timestamp"]
    report = {"timestamp": at, "recipients": [address], "smtpResponse": "250 2.0.0 OK"}
    return document | {"eventType": "Delivery", "delivery": report}


def is_there(stack: Stack) -> bool:
    """Whether everything was counted, and the domain probed."""
    totals = call_api(stack, f"/v1/sources/{SOURCE}/counts").body["totals"]
    found = call_api(stack, "/v1/domains", {"name": "no-mail.example.com"}).body
    counted = (totals.get("delivered"), totals.get("hard"), totals.get("block"))
    return counted == (DELIVERED, 2, 1) and found["verdict"] == "null_mx"


@pytest.fixture(scope="module")
def ops(shown: Stack) -> Credentials:
    """A user with the statement of docs/api.md for whoever adds and removes suppressions."""
    _, _, rest = section(API, "Rights").partition("\nWrite:\n")
    statement = code(rest, "json")[0]
    for name, value in (("REGION", shown.region), ("ACCOUNT", ACCOUNT), ("API_ID", shown.api_id)):
        assert name in statement
        statement = statement.replace(name, value)
    document = {"Version": "2012-10-17", "Statement": [json.loads(statement)]}
    iam = shown.client("iam")
    iam.create_user(UserName="ops")
    iam.put_user_policy(UserName="ops", PolicyName="changes", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="ops")["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module", autouse=True)
def changed(shown: Stack, ops: Credentials) -> None:
    """The changes in the examples of the history and of lists."""
    entry = {"domain": "spam-trap.example.com", "note": "seen in two lists"}
    answer = call_api(shown, "/v1/suppressions", method="PUT", body=entry, credentials=ops)
    assert (answer.status, answer.body["suppressed"]) == (200, True)
    entry = {"address": "jane@example.com", "note": "called, the address works"}
    answer = call_api(shown, "/v1/suppressions/remove", body=entry, credentials=ops)
    assert (answer.status, answer.body["suppressed"]) == (200, False)


# ------------------------------------------------------------------------------ docs/api.md


class Shown(NamedTuple):
    """A request whose answer docs/api.md shows.

    Attributes:
        title: the beginning of the heading that it is under.
        method: HTTP method.
        path: path below the stage.
        query: query parameters.
        body: JSON body; ``SHOWN`` if the block before the answer shows it.
    """

    title: str
    method: str
    path: str
    query: dict[str, str] | None = None
    body: Any = None


SHOWN = object()
WITH_PROVIDER = {"address": "jane@example.com", "note": "x", "provider": True}
ON_THE_PAGE = [
    Shown(
        "`GET /v1/suppressions?", "GET", "/v1/suppressions",
        {"address": "jane@no-mail.example.com"},
    ),
    Shown("`GET /v1/suppressions?", "GET", "/v1/suppressions", {"address": "ben@example.com"}),
    Shown("`POST /v1/suppressions/check`", "POST", "/v1/suppressions/check", body=SHOWN),
    Shown(
        "`GET /v1/suppressions/history?", "GET", "/v1/suppressions/history",
        {"address": "jane@example.com"},
    ),
    Shown("`GET /v1/suppressions/list`", "GET", "/v1/suppressions/list"),
    Shown("`GET /v1/sources`", "GET", "/v1/sources"),
    Shown("`GET /v1/sources/{source}`", "GET", f"/v1/sources/{SOURCE}"),
    Shown("`GET /v1/sources/{source}/evidence`", "GET", f"/v1/sources/{SOURCE}/evidence"),
    Shown("Changes", "POST", "/v1/suppressions/remove", body=SHOWN),
    Shown("Changes", "POST", "/v1/suppressions/remove", body=WITH_PROVIDER),
    Shown("Errors", "GET", "/v1/suppressions"),
]  # fmt: skip


def test_every_block_of_the_page_is_run() -> None:
    """A new one needs a row above. Those of two sections have tests of their own."""
    blocks = [1 + (one.body is SHOWN) for one in ON_THE_PAGE]
    others = [code(section(API, title)) for title in ("Rights", "Erasing a person")]
    assert len(code(API)) == sum(blocks) + sum(map(len, others))


@pytest.mark.parametrize("number", range(len(ON_THE_PAGE)))
def test_an_answer_is_as_the_page_shows(shown: Stack, number: int) -> None:
    # GIVEN the blocks under the heading, as many as the requests before this one have left
    one = ON_THE_PAGE[number]
    [title] = [
        title
        for title in re.findall(r"^## (.*)$", API, re.MULTILINE)
        if title.startswith(one.title)
    ]
    blocks = [json.loads(block) for block in code(section(API, title), "json")]
    for earlier in ON_THE_PAGE[:number]:
        if earlier.title == one.title:
            del blocks[: 1 + (earlier.body is SHOWN)]
    body = blocks.pop(0) if one.body is SHOWN else one.body

    # WHEN the request is sent
    answer = call_api(shown, one.path, one.query, method=one.method, body=body)

    # THEN the answer is that of the page
    if body is WITH_PROVIDER:
        answer.body["provider"]["was_listed"] = True  # The emulator has no list of SES.
    today = datetime.now(UTC).date()
    assert differences(blocks[0], answer.body, today=today) == []


# ------------------------------------------------------------------- tables of requests

VALUES = {
    "address": "ann@example.test",
    "addresses": ["ann@example.test"],
    "note": "x",
    "source": SOURCE,
    "name": "no-mail.example.com",
    "code": "521",
    "from": "2026-11-01",
    "to": "2026-11-20",
    "limit": "10",
    "reason": "hard_bounce",
    "category": "no_mail_accepted",
    "diagnostic": "smtp; 550 5.1.1 user unknown",
    "enhanced_status": "5.1.1",
    "status": "5.1.1",
    "bounce_type": "Permanent",
    "bounce_subtype": "General",
}
"""What stands for the ``…`` of a parameter or a field."""

ERASED = "rita@example.test"
"""Whom the examples erase, since the others have to be asked about afterwards."""

NOT_FIELDS = {
    "other",  # a lead source
    "claims_refuted", "claims_unconfirmed",  # counters, which are there only if not 0
}  # fmt: skip


def requests_of(cell: str, fields: list[str]) -> Iterator[tuple[str, str, list[str], Any]]:
    """Method, path, names of parameters and body of each request in a cell of a table."""
    for method, target in re.findall(r"`(GET|PUT|POST) ([^\s`]+)`", cell):
        path, _, query = target.partition("?")
        path = re.sub(r"\{(\w+)\}", lambda name: str(VALUES[name[1]]), path)
        body = {name: VALUES[name] for name in fields} if method != "GET" else None
        if body and "erase" in path:
            body["address"] = ERASED
        yield method, path, re.findall(r"(\w+)=", query), body


@pytest.mark.parametrize(
    ("name", "title"), [("README.md", "The API"), ("docs/api.md", "The other routes")]
)
def test_requests_in_a_table_have_the_fields_that_it_names(
    shown: Stack, name: str, title: str
) -> None:
    fields: list[str] = []
    for request, described in rows(section(page(name), title)):
        # GIVEN the fields of the body that a row shows; "likewise" are those of the row before
        if "likewise" not in request:
            fields = re.findall(r'(?:"|`)([a-z_]+)(?:":|`)', request)
        named, _, without = described.partition("without `")
        words = set(re.findall(r"`([a-z_]+)`", named)) - NOT_FIELDS

        for method, path, parameters, body in requests_of(request, fields):
            # WHEN the request is sent, with all of its parameters
            query = {one: str(VALUES[one]) for one in parameters}
            answer = call_api(shown, path, query, method=method, body=body)

            # THEN it is answered, with the fields that the row names; the others are parameters
            assert answer.status == 200, (request, answer)
            found = set(names_in(answer.body))
            assert without.partition("`")[0] not in found
            if filters := words - found:
                more = {one: str(VALUES[one]) for one in filters}
                assert call_api(shown, path, {**query, **more}).status == 200, (request, filters)


def names_in(value: Any) -> Iterator[str]:
    """Names of fields at any depth."""
    match value:
        case dict():
            yield from value
            for part in value.values():
                yield from names_in(part)
        case list():
            for part in value:
                yield from names_in(part)


# ------------------------------------------------------------------------- code and commands


@pytest.fixture
def environment(shown: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What examples find in their environment, which is also that of this process."""
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    variables = {
        "AWS_ACCESS_KEY_ID": shown.access_key_id,
        "AWS_SECRET_ACCESS_KEY": shown.secret_access_key,
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": shown.region,
        "AWS_DEFAULT_REGION": shown.region,
        "API_URL": shown.api_url,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **variables}


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    """What a command prints, as a shell runs it."""
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), (command, done.stdout, done.stderr)
    return done.stdout


def test_curl_of_the_readme_asks_about_an_address(
    environment: dict[str, str], tmp_path: Path
) -> None:
    [command] = [
        block for block in code(section(page("README.md"), "Wiring it to SES"), "sh")
        if "curl" in block
    ]  # fmt: skip
    answer = json.loads(run(f"{command.rstrip()} --silent", tmp_path, environment))
    assert answer["address"] == "jane@example.com"


def test_commands_of_the_readme_run(
    shown: Stack, environment: dict[str, str], tmp_path: Path
) -> None:
    # GIVEN the commands, but for `mx`, which needs DNS, and the files that they read
    blocks = code(section(page("README.md"), "Command line"), "sh")
    environment["BOUNCELEDGER_API_URL"] = shown.api_url  # as the page exports it
    commands = [
        line for line in "".join(blocks).splitlines()
        if "bounceledger mx " not in line and not line.startswith("export ")
    ]  # fmt: skip
    (tmp_path / "unsubscribed.csv").write_text("Email\nzoe@example.test\n")
    (tmp_path / "leads.csv").write_text("email\n" + "\n".join(PEOPLE))
    (tmp_path / "bounces.csv").write_text("reason\n550 5.1.1 user unknown\n")
    (tmp_path / "ses-events.json").write_text(json.dumps(bounce("ann@example.test")))

    (tmp_path / "vendor.csv").write_text("E-mail\nJane@No-Mail.example.com\n")

    # WHEN they are run, THEN each prints something, and none fails
    for command in commands:
        here = f"--stack {STACK_NAME} --endpoint-url {shown.endpoint_url}"
        local = command.replace(f"--stack {STACK_NAME}", here)
        if "--evidence" in command:  # which there is about this source only
            local = local.replace("webinar-2026", SOURCE)
        assert run(local, tmp_path, environment)

    # AND the list is divided
    assert (tmp_path / "send.csv").read_text().split() == ["email", PEOPLE[0], PEOPLE[3]]
    assert PEOPLE[1] in (tmp_path / "no.csv").read_text()


@pytest.mark.parametrize(
    ("name", "title", "printed"),
    [
        ("README.md", "The API", []),
        ("client/README.md", "bounceledger-client", [(2, {"hard_bounce": 1, "invalid": 1})]),
    ],
)
def test_python_of_a_page_leaves_out_who_must_not_be_mailed(
    environment: dict[str, str], name: str, title: str, printed: list[Any]
) -> None:
    # GIVEN the first program of a page, with the URL of this stack
    text, _, _ = section(page(name), title).partition("\n## ")
    [program] = code(text, "python")
    sent: list[dict[str, str]] = []
    prints: list[Any] = []
    names: dict[str, Any] = {
        "api_url": environment["API_URL"],
        "rows": [{"email": address} for address in PEOPLE],
        "send": sent.append,
        "print": lambda *values: prints.append(values),
    }

    # WHEN it is run
    exec(re.sub(r'"https://[^"]+"', "api_url", program), names)  # the page is ours

    # THEN two recipients are left
    sent = sent or list(names["recipients"])
    assert [row["email"] for row in sent] == [PEOPLE[0], PEOPLE[3]]
    assert prints == printed


def test_changes_on_the_clients_page_are_made(shown: Stack, environment: dict[str, str]) -> None:
    # GIVEN the program under "Changes", for this stack, and two to unsubscribe, one not an address
    [program] = code(section(page("client/README.md"), "Changes"), "python")
    names: dict[str, Any] = {
        "suppressions": SuppressionList(environment["API_URL"]),
        "unsubscribed": ["yves@example.test", "nobody@"],
    }

    # WHEN it is run
    exec(program, names)  # the page is ours

    # THEN what is valid was changed, and the other is among those that failed
    assert len(names["failed"]) == 1
    answers = [
        call_api(shown, "/v1/suppressions", {"address": address}).body
        for address in ("yves@example.test", "jane@example.com")
    ]
    assert [answer["reason"] for answer in answers] == ["manual", None]


def test_an_erasure_and_its_end_are_answered_as_the_page_says(shown: Stack) -> None:
    # GIVEN the requests that the page shows, about a person who is in other examples, too
    erase, end = map(json.loads, code(section(API, "Erasing a person"), "json"))

    # WHEN the person is erased, THEN all is deleted
    erased = call_api(shown, "/v1/suppressions/erase", body=erase)
    assert (erased.status, erased.body["finished"]) == (200, True)
    assert erased.body["reason"] == "erased"

    # WHEN the erasure is ended, THEN nothing suppresses the address any more
    ended = call_api(shown, "/v1/suppressions/erase/end", body=end)
    assert (ended.status, ended.body["suppressed"]) == (200, False)


def test_every_program_of_the_clients_page_is_run() -> None:
    """Those of the recipes are run by `test_client_recipes.py`, which takes the first of each."""
    text = page("client/README.md")
    recipes = re.findall(r"^### (.*)$", section(text, "Recipes"), re.MULTILINE)
    assert [len(code(section(text, title))) for title in recipes] == [1] * len(recipes)
    tests = (ROOT / "tests/e2e/test_client_recipes.py").read_text()
    assert [title for title in recipes if f'"{title}"' not in tests] == []
    # The others are how to install it, the first program, and the changes.
    assert len(code(text)) - len(recipes) == 3


def test_the_client_is_installed_as_its_page_says(tmp_path: Path) -> None:
    """Only what it depends on is left out, which is installed already."""
    # GIVEN the command, without what needs a package index
    [command, *_] = code(page("client/README.md"), "sh")
    assert command.startswith("pip install ./client ")
    target = tmp_path / "installed"
    options = f"--quiet --no-deps --no-build-isolation --target {target}"

    # WHEN it is run in a copy of the checkout
    shutil.copytree(ROOT / "client", tmp_path / "client")
    run(f"{sys.executable} -m {command.partition('#')[0]} {options}", tmp_path, dict(os.environ))

    # THEN the package is there
    assert (target / "bounceledger_client/py.typed").exists()
