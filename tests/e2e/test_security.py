"""What a stranger or a hostile caller may send to the deployed API.

None gets in, none gets a stack trace, none reaches another's data, and nothing that is refused
changes the table. Which caller reaches which routes is in `test_callers`.
"""

import csv
import http.client
import io
import json
import uuid
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bounceledger import strict_json
from bounceledger.api.catalogue import METHODS
from tests.reaches import ROUTES, Route
from tests.ses_documents import bounce
from tools.stack import Stack, call_api, publish, wait_for

JSON = {"Content-Type": "application/json"}
BODIES = sorted(route for route in ROUTES if route[0] != "GET")
"""Routes that take a body."""
WRITES = [route for route in BODIES if route[1].startswith(("/v1/suppressions", "/v1/allowlist"))]
WRITES.remove(("POST", "/v1/suppressions/check"))
ERASE = ("POST", "/v1/suppressions/erase")
QUERIES = {
    "/v1/suppressions": {"address": "a@example.test"},
    "/v1/suppressions/history": {"address": "a@example.test"},
    "/v1/domains": {"name": "example.test"},
}
"""What a path needs in its query."""

LEAKS = ("Traceback", ".py", "Exception", "Error", "/var/", "/opt/", "/home/", "site-packages")
"""What only an answer has that shows its own code."""


class Victim(NamedTuple):
    """Somebody of whom something is known.

    Attributes:
        name: that of the address and of the lead source, which others may know.
        secret: words that are in the reply and in the note only.
    """

    name: str
    secret: str

    @property
    def address(self) -> str:
        return f"{self.name}@example.test"


class Answer(NamedTuple):
    """What came back, as it came."""

    status: int
    headers: Mapping[str, str]
    body: str


def send(
    stack: Stack,
    method: str,
    target: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = JSON,
    *,
    sign: bool = True,
) -> Answer:
    """Send a request byte for byte: `target` is the path with its query, already encoded."""
    url = stack.api_url + target
    request = AWSRequest(method, url, data=body, headers=dict(headers))
    if sign:
        signer = Credentials(stack.access_key_id, stack.secret_access_key)
        SigV4Auth(signer, "execute-api", stack.region).add_auth(request)
    parts = urlsplit(stack.api_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request(method, parts.path + target, body, dict(request.headers))
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
    finally:
        connection.close()


def filled(path: str) -> str:
    """A path with something for its parameters."""
    return path.replace("{source}", "fair").replace("{code}", "521")


def target_of(path: str, query: Mapping[str, str]) -> str:
    """A path with a query."""
    return filled(path) + (f"?{urlencode(query)}" if query else "")


BY_PROBES = {"probe", "findings", "claims", "dead", "version"}
"""Attributes of a domain's facts that a probe writes, for which an earlier test may have asked."""


def table_of(stack: Stack) -> dict[str, Any]:
    """All items of the table, without what probes write at any time."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.table_name)
    found = (item for page in pages for item in page["Items"])
    return {
        json.dumps([item["pk"], item["sk"]]): kept
        for item in found
        if (kept := without_probes(item))
    }


def without_probes(item: dict[str, Any]) -> dict[str, Any]:
    """An item without what probes write; empty if there is nothing else in it."""
    pk = item["pk"]["S"]
    if pk.startswith(("PENDING#", "RECHECK#")):
        return {}
    if not pk.startswith("DOMAIN#") or item["sk"]["S"] != "FACTS":
        return item
    kept = {name: value for name, value in item.items() if name not in BY_PROBES}
    return kept if kept.keys() - {"pk", "sk", "schema"} else {}


def partitions(keys: Iterable[str]) -> set[str]:
    """The partitions of some keys of `table_of`."""
    return {json.loads(key)[0]["S"] for key in keys}


@pytest.fixture(scope="module")
def victim(stack: Stack) -> Victim:
    """Somebody who bounced, and about whom a person wrote a note."""
    known = Victim(f"victim{uuid.uuid4().hex[:12]}", "no tulip in the trombone")
    reply = f"smtp; 550 5.1.1 user unknown {known.secret}"
    publish(stack, bounce(known.address, reply, lead_source=f"{known.name}-fair"))
    query = {"address": known.address}
    assert wait_for(lambda: call_api(stack, "/v1/suppressions", query).body["suppressed"])
    # The tests look for the secret, so whoever may ask has to find it.
    assert known.secret in call_api(stack, "/v1/suppressions", query).body["diagnostic"]
    note = {"address": known.address, "note": f"about {known.secret}"}
    assert call_api(stack, "/v1/suppressions", method="PUT", body=note).status == 200
    assert known.secret in str(call_api(stack, "/v1/suppressions/history", query).body)
    return known


def refused(answer: Answer, victim: Victim, *statuses: int) -> None:
    """Assert that an answer is a refusal in our form that gives nothing away."""
    assert answer.status in (statuses or (400,)), answer
    assert victim.secret not in answer.body
    assert not any(leak in answer.body for leak in LEAKS), answer
    if answer.status != 403:  # the emulator's own
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(answer.body)["status"] == answer.status


# ------------------------------------------------------------------------- who is let in


@pytest.mark.parametrize("route", sorted(ROUTES))
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"x-api-key": "x"}])
def test_nobody_gets_in_without_a_signature(
    stack: Stack, victim: Victim, route: Route, headers: dict[str, str]
) -> None:
    method, path = route
    before = table_of(stack)
    body = json.dumps({"address": victim.address, "note": "x"}).encode()
    target = target_of(path, QUERIES.get(path, {}))
    sent = None if method == "GET" else body
    answer = send(stack, method, target, sent, headers, sign=False)
    refused(answer, victim, 401, 403)
    assert table_of(stack) == before


@pytest.mark.parametrize("path", METHODS)
def test_a_method_that_a_path_does_not_have_is_a_405(
    stack: Stack, victim: Victim, path: str
) -> None:
    for method in {"GET", "PUT", "POST", "DELETE", "PATCH"} - {*METHODS[path]}:
        answer = send(stack, method, filled(path), b"{}")
        refused(answer, victim, 405)
        assert answer.headers["Allow"] == ", ".join(METHODS[path])


# ---------------------------------------------------------------------- another's data


def test_a_cursor_of_another_source_is_refused(stack: Stack, victim: Victim) -> None:
    # GIVEN a cursor of one lead source's list
    source = f"fair-{uuid.uuid4().hex[:12]}"
    own = f"/v1/sources/{source}/suppressions"
    for name in ("a", "b"):
        publish(stack, bounce(f"{name}@{uuid.uuid4().hex}.example.test", lead_source=source))
    first = {"limit": "1"}
    assert wait_for(lambda: call_api(stack, own, first).body["next_cursor"])
    cursor = call_api(stack, own, first).body["next_cursor"]

    # WHEN it is used for another's, for that of all, or changed
    others = [
        (f"/v1/sources/{victim.name}-fair/suppressions", cursor),
        ("/v1/suppressions/list", cursor),
        ("/v1/sources", cursor),
        (own, cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")),
        (own, f"{cursor}%00"),
        (own, f"{cursor}%0d%0aX-Evil:%201"),
        (own, "A" * 5000),
    ]
    for path, changed in others:
        answer = send(stack, "GET", f"{path}?cursor={changed}")

        # THEN it is refused, with nobody's data and no header of the caller's
        refused(answer, victim)
        assert json.loads(answer.body)["field"] == "cursor"
        assert "X-Evil" not in answer.headers


STRANGE = [
    *("{victim}@example.test\0", "\0{victim}@example.test", "{victim}\0@example.test"),
    *("{victim}@example.test\n", "x\n{victim}@example.test", "{victim}@example.test\r\nX-Evil: 1"),
    *("ADDRESS#{victim}@example.test", "{victim}@example.test#FACTS", "SOURCE#{victim}-fair"),
    *("#", "##MANUAL", "DOMAIN#example.test", "COUNT#fair#1", "SOURCES", "RECHECK#DUE"),
    *("*", "{victim}*", "../{victim}-fair", "%00", "%2e%2e%2f{victim}", "${{jndi:ldap://x}}"),
    *("' OR '1'='1", '{{"S": "x"}}', "\ud800@example.test", "a" * 5000, "@", "a@b", "\u202ea@b.c"),
]
"""Addresses, domains and lead sources with what the table's keys, HTTP or a log give a meaning."""


@pytest.mark.parametrize(
    "text", [one for one in STRANGE if one.isprintable() or "\ud800" not in one]
)
def test_no_spelling_of_a_parameter_reaches_anothers_data(
    stack: Stack, victim: Victim, text: str
) -> None:
    given = quote(text.format(victim=victim.name), safe="")
    for target in (
        f"/v1/suppressions?address={given}",
        f"/v1/suppressions?address=nobody@example.test&source={given}",
        f"/v1/suppressions/history?address={given}",
        f"/v1/suppressions/list?reason={given}",
        f"/v1/suppressions/list?from={given}",
        f"/v1/suppressions/list?limit={given}",
        f"/v1/suppressions/list?{given}=1",
        f"/v1/domains?name={given}",
        f"/v1/sources/{given}/counts",
        f"/v1/sources/{given}/suppressions",
        f"/v1/codes/{given}",
    ):
        answer = send(stack, "GET", target)
        assert "X-Evil" not in answer.headers
        if answer.status == 200:  # an address is trimmed, and the victim's may be asked for
            of_victim = text.format(victim=victim.name).strip() == victim.address
            assert (of_victim and "?address=" in target) or victim.secret not in answer.body
        else:
            refused(answer, victim, 400, 404)


@pytest.mark.slow
@pytest.mark.parametrize("route", WRITES)
@pytest.mark.parametrize("text", STRANGE)
@pytest.mark.parametrize("field", ["address", "domain", "note"])
def test_no_spelling_of_a_field_writes_elsewhere(
    stack: Stack, victim: Victim, route: Route, text: str, field: str
) -> None:
    # GIVEN a table, and a request with something strange in it
    before = table_of(stack)
    mine = f"mine-{uuid.uuid4().hex}@example.test"
    erases = route == ERASE
    # Whom a caller names, they may erase: not the one whom the other tests need.
    name = f"other{uuid.uuid4().hex[:12]}" if erases else victim.name
    given = text.format(victim=name)
    body = {"address": mine, "note": "x", field: given}
    if field == "domain":
        del body["address"]

    # WHEN it is sent
    answer = send(stack, *route, json.dumps(body).encode())

    # THEN it is refused, or writes what it names
    after = table_of(stack)
    if answer.status != 200:
        refused(answer, victim)
        assert after == before
        return
    named = given.strip().lower() if field == "address" else mine
    new = partitions(after.keys() - before.keys())
    changed = partitions(key for key in before if after.get(key) != before[key])
    if erases:  # a tombstone, and in the facts of the domain that there is one
        domain = f"DOMAIN#{named.rpartition('@')[2]}"
        [tombstone] = new - {domain}
        assert tombstone.startswith("ERASED#")
        assert changed <= {domain}
    else:
        assert new <= {f"ADDRESS#{named}", "SOURCE##MANUAL"}
        assert changed <= {f"ADDRESS#{named}"}


@pytest.mark.parametrize("text", STRANGE)
def test_what_is_asked_about_is_answered_in_json(stack: Stack, victim: Victim, text: str) -> None:
    """Halves of characters, NUL and numbers without end have no place in other languages' JSON."""
    given = text.format(victim=victim.name)
    for path, body in {
        "/v1/classify": {"diagnostic": given, "enhanced_status": given, "bounce_type": given},
        "/v1/suppressions/check": {"addresses": [given, 10**400, None, {"a": [given]}]},
    }.items():
        answer = send(stack, "POST", path, json.dumps(body).encode())
        assert answer.status == 200, answer
        strict_json.loads(answer.body, unambiguous=True)
        assert victim.secret not in answer.body
        assert not any(leak in answer.body for leak in LEAKS), answer


# ------------------------------------------------------------------------ broken requests

DEEP = b"[" * 100_000 + b"]" * 100_000
BROKEN = {
    "nothing": b"",
    "no JSON": b"{",
    "deep": DEEP,
    "deep in a field": b'{"note": ' + DEEP + b"}",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a list": b"[1]",
    "a string": b'"x"',
    "null": b"null",
    "a name twice": b'{"address": "a@example.test", "note": "x", "address": "b@example.test"}',
    "a huge number": b'{"addresses": [1' + b"0" * 5000 + b"]}",
    "an infinite number": b'{"addresses": [1e999]}',
    "no number": b'{"addresses": [NaN]}',
    "not UTF-8": b'{"note": "\xff\xfe"}',
    "UTF-16": '{"note": "x"}'.encode("utf-16"),
    "NUL": b'{"note": "x"}\x00',
    "base64": b64encode(b'{"address": "a@example.test", "note": "x"}'),
    "a form": b"address=a%40example.test&note=x",
    "XML": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>',
    "an unknown field": b'{"__proto__": {"x": 1}}',
    "a long field": b'{"' + b"x" * 100_000 + b'": 1}',
}


@pytest.mark.slow
@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize("name", BROKEN)
def test_a_body_that_cannot_be_read_is_refused_and_changes_nothing(
    stack: Stack, victim: Victim, route: Route, name: str
) -> None:
    before = table_of(stack)
    answer = send(stack, *route, BROKEN[name])
    refused(answer, victim)
    assert len(answer.body) < 1000
    assert table_of(stack) == before


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize("size", [1_048_577, 10_000_000])
def test_a_body_that_is_too_large_is_a_413(
    stack: Stack, victim: Victim, route: Route, size: int
) -> None:
    before = table_of(stack)
    answer = send(stack, *route, b'{"note": "' + b"x" * size + b'"}')
    assert answer.status == 413
    assert not any(leak in answer.body for leak in LEAKS)
    assert table_of(stack) == before


@pytest.mark.parametrize("route", WRITES)
@pytest.mark.parametrize(
    "media", ["text/plain", "multipart/form-data; boundary=x", "\t", "x" * 4000]
)
def test_the_content_type_does_not_change_how_a_body_is_read(
    stack: Stack, victim: Victim, route: Route, media: str
) -> None:
    answer = send(stack, *route, b"--x\r\n\r\naddress=a", {"Content-Type": media})
    refused(answer, victim)


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_parameters_are_given_once_and_are_known(
    stack: Stack, victim: Victim, route: Route
) -> None:
    method, path = route
    body = None if method == "GET" else b"{}"

    # WHEN a request has a parameter that it does not know
    query = QUERIES.get(path, {}) if method == "GET" else {}
    strange = target_of(path, query | {"no\r\nsuch#": "1"})
    answer = send(stack, method, strange, body)

    # THEN it is refused by name, and no parameter's value is repeated
    refused(answer, victim)
    assert json.loads(answer.body)["field"] == "no\r\nsuch#"

    # AND so is one that is given twice
    for name in ("address", "name", "limit", "cursor", "from"):
        answer = send(stack, method, f"{filled(path)}?{name}=1&{name}=2", body)
        refused(answer, victim)


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/sources/{victim}-fair%252Fcounts", "/v1/sources/{victim}-fair%252Fsuppressions"),
        *("/v1/sources/x/../{victim}-fair/counts", "/v1/sources/x%2f..%2f{victim}-fair/counts"),
        *("/v1/sources/%2e%2e/counts", "/v1/sources/%00/counts", "/v1/sources/%0d%0a/counts"),
        *("/v1/sources/{victim}-fair%00/counts", "/v1/sources/{victim}-fair%2500/counts"),
        *("/v1/sources/{victim}-FAIR/counts", "/v1/sources/%23{victim}-fair/counts"),
        *("/v1/codes/..%2f..%2f..%2fetc%2fpasswd", "/v1/codes/%2e%2e", "/v1/codes/521%00"),
        *("/v1/codes/%252e%252e%252fapp", "/V1/suppressions", "/v1/suppressions/", "//v1/codes"),
        *("/v1", "/", "/.git/config", "/v1/suppressions;x=1", "/v1/nothing%0aX-Evil:1"),
    ],
)
def test_no_spelling_of_a_path_reaches_more(stack: Stack, victim: Victim, path: str) -> None:
    """IAM compares paths: another spelling of one must not be answered.

    The emulator hands paths over decoded and AWS does not, so `tests/unit/functions/test_lookup.py`
    has the spellings that decode to a path of the API.
    """
    answer = send(stack, "GET", path.format(victim=victim.name))
    assert "X-Evil" not in answer.headers
    assert "root:" not in answer.body
    if answer.status == 200:  # the emulator takes a slash at an end or beginning as none
        assert path.endswith("/") or path.startswith("//")
    else:
        refused(answer, victim, 400, 403, 404)


# -------------------------------------------------------------------------------- exports


def test_no_cell_of_an_export_is_a_formula_or_ends_its_row(stack: Stack) -> None:
    # GIVEN dead addresses whose names and replies begin like formulas, with quotes and line ends
    source = f"fair-{uuid.uuid4().hex[:12]}"
    target = f"/v1/sources/{source}/suppressions"
    names = ["=cmd", "+1", "-1", "'=1", "=2"]
    for number, name in enumerate(names):
        said = '=HYPERLINK("http://evil.example";"x")\r\n+1,@SUM(1)\n550 5.1.1 user unknown'
        address = f"{name}@d{number}.example.test"
        publish(stack, bounce(address, said, lead_source=source))
    assert wait_for(lambda: len(call_api(stack, target).body["suppressions"]) == len(names))

    # WHEN they are exported
    answer = send(stack, "GET", target, headers={"Accept": "text/csv"})

    # THEN there is one row for each, and a spreadsheet runs no cell
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.body, newline="")))
    assert len(rows) == len(names) == answer.body.count("\r\n") - 1
    for row in rows:
        for cell in row.values():
            assert cell.isprintable()
            assert cell.lstrip()[:1] not in "=+-@" or not cell.strip()


@pytest.mark.parametrize(
    "accept", ["text/csv\tq=x", "text/csv;q=nan", ",,;;=", "*/*;q=" + "9" * 4000]
)
def test_no_header_breaks_a_list(stack: Stack, accept: str) -> None:
    answer = send(stack, "GET", "/v1/suppressions/list?limit=1", headers={"Accept": accept})
    assert answer.status == 200


def test_no_parameter_becomes_a_header(stack: Stack, victim: Victim) -> None:
    """The next page is in a header, with the parameters of this one."""
    for name, value in {"reason": "manual", "from": "2020-01-01", "limit": "1"}.items():
        target = f"/v1/suppressions/list?{name}={value}%0d%0aX-Evil:%201"
        answer = send(stack, "GET", target, headers={"Accept": "text/csv"})
        refused(answer, victim)
        assert "X-Evil" not in answer.headers
