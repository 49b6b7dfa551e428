"""openapi.yaml describes the API that the handlers answer: every route, field, word and limit.

Its examples run through the real handlers on a table in memory. In answers, fields that the
document does not have are errors here, though clients are told to ignore them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from bounceledger.api import changes, requests, responses
from bounceledger.api.catalogue import DESCRIPTION, METHODS
from bounceledger.api.cursors import Cursors
from bounceledger.events import Kind
from bounceledger.ledger import Ledger
from bounceledger.reference import PageKind
from bounceledger.ses_list import SesList
from bounceledger.state import Action, DomainFacts, DomainVerdict, Probe, ReasonCode
from bounceledger.verdict import Category, Cause, Disposition, Scope
from tests.erasing import keyring
from tests.fakes import FakeContext, FakeSes
from tests.faults.fake import FakeDynamoDB
from tests.functions import load
from tests.unit.ledger.recording import NOW, ledger, observe, removal
from tools.openapi import read_source, to_json

DOCUMENT: dict[str, Any] = read_source()
WRITES = {
    *("addSuppression", "removeSuppression", "erasePerson", "endErasure"),
    *("allow", "disallow"),
}
HANDLERS = {"lookup": load("lookup"), "change": load("change")}
CURSORS = Cursors("s" * 64)


class Operation(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    described: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.described["operationId"])

    @property
    def parameters(self) -> list[dict[str, Any]]:
        own = self.described.get("parameters", [])
        return [resolve(one) for one in [*DOCUMENT["paths"][self.path].get("parameters", []), *own]]

    @property
    def body(self) -> dict[str, Any]:
        content = self.described.get("requestBody", {}).get("content", {})
        return dict(content.get("application/json", {}))

    @property
    def responses(self) -> dict[str, dict[str, Any]]:
        return {status: resolve(one) for status, one in self.described["responses"].items()}


class Example(NamedTuple):
    """A request as the document shows it."""

    operation: Operation
    name: str
    values: Mapping[str, Any]
    body: Any


def resolve(described: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for; anything else as it is."""
    if "$ref" not in described:
        return described
    found: Any = DOCUMENT
    for part in described["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return resolve(found)


OPERATIONS = [
    Operation(method.upper(), path, described)
    for path, item in DOCUMENT["paths"].items()
    for method, described in item.items()
    if method in ("get", "head", "put", "post", "delete", "patch")
]
SIGNED = [operation for operation in OPERATIONS if operation.described.get("security") != []]
"""All but those that providers call, who add to URL and body what they like."""
BY_ID = {operation.id: operation for operation in OPERATIONS}


def examples_of(operation: Operation) -> Iterator[Example]:
    """A request with no optional parameter, and one for each example of the document."""
    shown = {one["name"]: one["example"] for one in operation.parameters if "example" in one}
    needed = {one["name"] for one in operation.parameters if one.get("required")}
    several = {
        (one["name"], name): example["value"]
        for one in operation.parameters
        for name, example in one.get("examples", {}).items()
    }
    for name, example in operation.body.get("examples", {}).items():
        yield Example(operation, name, shown, example["value"])
    for (parameter, name), value in several.items():
        yield Example(operation, name, shown | {parameter: value}, None)
    if not operation.body and not several:
        yield Example(operation, "all parameters", shown, None)
        least = {name: value for name, value in shown.items() if name in needed}
        if least != shown:
            yield Example(operation, "least", least, None)


EXAMPLES = [example for operation in SIGNED for example in examples_of(operation)]


def closed(schema: Any, *, within: bool = False) -> Any:
    """A schema with its references resolved, whose objects have no other fields than it names.

    Args:
        schema: part of the document.
        within: it is one of ``allOf``, whose fields are closed together.
    """
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return closed(resolve(schema), within=within)
    found = {name: _closed_part(name, part) for name, part in schema.items()}
    is_object = "properties" in schema or "allOf" in schema
    if is_object and not within and "additionalProperties" not in schema:
        found["unevaluatedProperties"] = False
    return found


def _closed_part(name: str, part: Any) -> Any:
    match name:
        case "properties":
            return {field: closed(one) for field, one in part.items()}
        case "items" | "additionalProperties":
            return closed(part)
        case "anyOf" | "oneOf":
            return [closed(one) for one in part]
        case "allOf":
            return [closed(one, within=True) for one in part]
    return part


def faults(schema: Any, value: Any) -> list[str]:
    """What of a value is not as a schema says, formats included."""
    validator = Draft202012Validator(
        closed(schema), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


@pytest.fixture
def table() -> Ledger:
    """What the examples are about: bounces, a block, a delivery, a complaint, a dead domain."""
    table = ledger(FakeDynamoDB(), erasure=keyring())
    said: dict[str, Any] = {
        "diagnostic": "smtp; 550 5.1.1 user unknown",
        "source": "trade-fair-2025",
    }
    blocked: dict[str, Any] = {"address": "ben@example.com", "category": Category.REPUTATION_BLOCK}
    gone: dict[str, Any] = {
        "address": "a@no-mail.example.com",
        "category": Category.NO_MAIL_ACCEPTED,
    }
    table.record(
        [
            observe("1", Category.MAILBOX_UNKNOWN, address="jane@example.com", **said),
            observe("2", diagnostic="521 blocked", **blocked),
            observe("3", kind=Kind.DELIVERY, address="ben@example.com"),
            observe("4", Category.MAILBOX_FULL, address="ben@example.com", ago=0.01),
            observe("5", kind=Kind.COMPLAINT, address="cora@example.com", **said),
            observe("6", scope=Scope.DOMAIN, **gone, **said),
        ]
    )
    found = Probe(
        verdict=DomainVerdict.NULL_MX, probed_at=NOW, details={"mx": ["0 ."]},
        alternate_domain="example.com", alternate_verdict=DomainVerdict.ACCEPTS_MAIL,
    )  # fmt: skip
    table.record_probe(DomainFacts(domain="no-mail.example.com"), found)
    return table


def send(
    table: Ledger,
    operation: Operation,
    values: Mapping[str, Any],
    body: Any = None,
    **headers: str,
) -> tuple[int, Any, dict[str, list[str]]]:
    """Status, body and headers of the answer to a request."""
    in_path = {one["name"] for one in operation.parameters if one["in"] == "path"}
    path = operation.path
    for name in in_path:
        path = path.replace(f"{{{name}}}", quote(str(values[name])))
    query = {name: str(value) for name, value in values.items() if name not in in_path}
    event = {
        "httpMethod": operation.method,
        "path": path,
        "resource": operation.path,
        "headers": headers,
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": None,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {"requestId": "r-1", "stage": "live", "path": f"/live{path}"},
    }
    if operation.id in WRITES:
        answer = HANDLERS["change"].handler(
            event, FakeContext(), ledger=table, provider_list=lambda: SesList(FakeSes())
        )
    else:
        answer = HANDLERS["lookup"].handler(
            event, FakeContext(), ledger=table, cursors=lambda: CURSORS
        )
    sent = answer["multiValueHeaders"]
    is_json = sent["Content-Type"][0].endswith("json")
    return answer["statusCode"], json.loads(answer["body"]) if is_json else answer["body"], sent


def check(operation: Operation, status: int, body: Any, headers: Mapping[str, list[str]]) -> None:
    """An answer has a status, a content type and a body that the document describes."""
    described = operation.responses
    content = described.get(str(status), described["default"]).get("content", {})
    [media] = headers["Content-Type"]
    assert media.partition(";")[0] in content
    assert faults(content[media.partition(";")[0]]["schema"], body) == []


def test_it_is_openapi_3_1() -> None:
    """Generators of clients refuse what is not."""
    assert DOCUMENT["openapi"].startswith("3.1.")
    errors = OpenAPIV31SpecValidator(DOCUMENT).iter_errors()  # type: ignore[no-untyped-call, unused-ignore]
    assert [str(error) for error in errors] == []


def test_it_has_every_route_and_no_other() -> None:
    """The template has those of the catalogue, which another test says."""
    described = [(operation.path, operation.method) for operation in OPERATIONS]
    assert sorted(described) == sorted((path, one) for path in METHODS for one in METHODS[path])


def test_only_the_webhooks_are_not_signed_with_iam() -> None:
    unsigned = {one.path for one in OPERATIONS if one not in SIGNED}
    assert unsigned == {"/v1/webhooks/{provider}"}


def test_what_is_served_is_up_to_date(table: Ledger) -> None:
    """``make openapi`` writes the file."""
    assert DESCRIPTION.read_text(encoding="utf-8") == to_json(DOCUMENT)
    assert send(table, BY_ID["getOpenApi"], {})[:2] == (200, DOCUMENT)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one.operation.id}: {one.name}")
def test_an_example_is_answered_as_described(table: Ledger, example: Example) -> None:
    # GIVEN a request that is as its own description says
    if example.operation.body:
        assert faults(example.operation.body["schema"], example.body) == []
    for one in example.operation.parameters:
        if one["name"] in example.values:
            assert faults(one["schema"], example.values[one["name"]]) == []

    # WHEN it is sent
    status, body, headers = send(table, example.operation, example.values, example.body)

    # THEN it succeeds, with an answer that is as described
    assert status == 200
    check(example.operation, status, body, headers)


SHOWN = [
    (f"{operation.id}: {name}", content["schema"], example["value"])
    for operation in OPERATIONS
    for response in operation.responses.values()
    for content in response.get("content", {}).values()
    for name, example in content.get("examples", {}).items()
]


@pytest.mark.parametrize(("schema", "value"), [one[1:] for one in SHOWN], ids=[o[0] for o in SHOWN])
def test_an_answer_that_it_shows_is_as_described(schema: Any, value: Any) -> None:
    assert faults(schema, value) == []


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_a_schema_has_examples_that_are_as_it_says(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    assert [faults(schema, example) for example in schema.get("examples", [])] in ([], [[]])


@pytest.mark.parametrize(
    "address", ["jane@example.com", "ben@example.com", "a@no-mail.example.com"]
)
def test_every_kind_of_address_is_answered_as_described(table: Ledger, address: str) -> None:
    """Suppressed, known and not suppressed, or of a dead domain; with changes in its history."""
    # GIVEN an address with changes
    table.apply_changes([removal(address, by="arn:aws:iam::111122223333:user/ops")])
    until = {"address": address, "note": "x", "until": "2099-12-31T00:00:00Z"}
    check(BY_ID["addSuppression"], *send(table, BY_ID["addSuppression"], {}, until))
    check(BY_ID["listSuppressions"], *send(table, BY_ID["listSuppressions"], {}))
    check(BY_ID["allow"], *send(table, BY_ID["allow"], {}, {"address": address, "note": "x"}))

    # THEN the answers about it are as described
    values = {"address": address, "source": "fair"}
    check(BY_ID["getSuppression"], *send(table, BY_ID["getSuppression"], values))
    check(BY_ID["getHistory"], *send(table, BY_ID["getHistory"], {"address": address}))


def test_pages_go_on_as_described(table: Ledger) -> None:
    """By a cursor, or in CSV by a link."""
    listing = BY_ID["listSuppressions"]
    first = send(table, listing, {"limit": 1})
    check(listing, *first)
    second = send(table, listing, {"limit": 1, "cursor": first[1]["next_cursor"]})
    check(listing, *second)
    assert second[1]["suppressions"]

    as_csv = send(table, listing, {"limit": 1}, Accept="text/csv")
    check(listing, *as_csv)
    assert as_csv[2]["Link"]


@pytest.mark.parametrize("operation", SIGNED, ids=lambda one: one.id)
def test_it_has_every_parameter_and_no_other(table: Ledger, operation: Operation) -> None:
    """A problem about an unknown parameter names those that there are."""
    # WHEN a request has an unknown one
    values = {one["name"]: "521" for one in operation.parameters if one["in"] == "path"}
    status, body, headers = send(table, operation, {**values, "no_such": "x"})

    # THEN the answer has the names that the document has, and is as described
    names = [one["name"] for one in operation.parameters if one["in"] == "query"]
    has = f"has {', '.join(names)}" if names else "has none"
    assert (status, body["field"]) == (400, "no_such")
    assert body["detail"].endswith(f"this request {has}")
    check(operation, status, body, headers)


@pytest.mark.parametrize("operation", [one for one in SIGNED if one.body], ids=lambda one: one.id)
def test_it_has_every_field_of_a_body_and_no_other(table: Ledger, operation: Operation) -> None:
    # GIVEN the fields of one entry, or of the whole body
    schema = resolve(operation.body["schema"])
    entry = resolve(schema["oneOf"][0] if "oneOf" in schema else schema)
    forms = entry["oneOf"] if "properties" not in entry else [entry]
    fields = {name: one for form in forms for name, one in form["properties"].items()}

    # WHEN a body has an unknown one
    status, body, headers = send(table, operation, {}, {"no_such": 1})

    # THEN the answer names those that the document has
    assert (status, body["field"]) == (400, "no_such")
    named = body["detail"].partition("this request has ")[2].split(", ")
    assert sorted(named) == sorted(fields)
    check(operation, status, body, headers)


def test_a_removal_that_would_remove_a_complaint_is_answered_as_described(table: Ledger) -> None:
    entry = {"address": "cora@example.com", "note": "x"}
    answer = send(table, BY_ID["removeSuppression"], {}, entry)
    assert answer[0] == 409
    check(BY_ID["removeSuppression"], *answer)


def test_a_code_that_no_page_has_is_answered_as_described(table: Ledger) -> None:
    answer = send(table, BY_ID["getCode"], {"code": "999"})
    assert answer[0] == 404
    check(BY_ID["getCode"], *answer)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Reason", ReasonCode),
        ("Cause", Cause),
        ("Category", Category),
        ("Disposition", Disposition),
        ("Scope", Scope),
        ("Kind", Kind),
        ("DomainVerdict", DomainVerdict),
        ("Action", [action for action in Action if action is not Action.ERASE]),  # no record of it
        ("PageKind", PageKind),
    ],
)
def test_words_are_those_of_the_code(name: str, words: Iterable[StrEnum]) -> None:
    assert DOCUMENT["components"]["schemas"][name]["enum"] == [word.value for word in words]


def test_limits_are_those_of_the_code() -> None:
    def limit_of(operation: str) -> tuple[int, int]:
        [schema] = [o["schema"] for o in BY_ID[operation].parameters if o["name"] == "limit"]
        return schema["default"], schema["maximum"]

    pages = (requests.DEFAULT_LIMIT, requests.MAX_LIMIT)
    assert limit_of("listSuppressions") == limit_of("listSuppressionsOfSource") == pages
    assert limit_of("getHistory") == pages
    assert limit_of("getSources") == (requests.DEFAULT_LIMIT, requests.MAX_SOURCES)

    fields = BY_ID["checkSuppressions"].body["schema"]["properties"]
    assert fields["addresses"]["maxItems"] == requests.MAX_ADDRESSES
    schemas = DOCUMENT["components"]["schemas"]
    [_, row] = schemas["CheckedAddress"]["allOf"]
    assert row["properties"]["lead_sources"]["maxItems"] == responses.MAX_SOURCES_IN_ROW
    assert schemas["Note"]["maxLength"] == changes.MAX_NOTE
    for write in WRITES:
        [_, many] = BY_ID[write].body["schema"]["oneOf"]
        assert many["properties"]["entries"]["maxItems"] == changes.MAX_ENTRIES
    too_large = DOCUMENT["components"]["responses"]["TooLarge"]["description"]
    assert f"{requests.MAX_BODY:,} characters" in too_large
