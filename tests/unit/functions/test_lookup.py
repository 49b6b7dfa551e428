"""The wiring of lookup: requests in, answers out."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from bounceledger.errors import LedgerError
from bounceledger.observe import redact
from bounceledger.state import DomainFacts
from tests.fakes import FakeContext, FakeLedger
from tests.functions import load, logged
from tests.ses_documents import bounce, sns_record
from tests.unit.functions.intakes import intake

lookup = load("lookup")


def respond(
    method: str, path: str, *, ledger: FakeLedger | None = None, **event: Any
) -> dict[str, Any]:
    resource = path
    request = {
        "httpMethod": method,
        "path": path,
        "resource": resource,
        "headers": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {"stage": "live", "path": f"/live{path}"},
        **event,
    }
    answer: dict[str, Any] = lookup.handler(
        request, FakeContext(), ledger=FakeLedger() if ledger is None else ledger
    )
    return answer


def call(method: str, path: str, *, ledger: FakeLedger, **event: Any) -> tuple[int, Any]:
    answer = respond(method, path, ledger=ledger, **event)
    return answer["statusCode"], json.loads(answer["body"])


def get(
    path: str, query: Mapping[str, str] | None = None, *, ledger: FakeLedger | None = None
) -> tuple[int, Any]:
    return call(
        "GET",
        path,
        ledger=FakeLedger() if ledger is None else ledger,
        queryStringParameters=dict(query) if query else None,
    )


def test_an_address_without_facts_may_be_mailed() -> None:
    """Most addresses have no item in the table."""
    # WHEN an unknown address is asked for
    status, body = get("/v1/suppressions", {"address": "jane@example.test"})

    # THEN the answer is 200 and says so
    assert status == 200
    assert body["suppressed"] is False
    assert body["reason"] is None
    assert body["scope"] == "none"
    assert body["count"] == 0


def test_a_dead_address_is_reported_with_the_servers_words() -> None:
    """An answer shows the evidence that it rests on."""
    # GIVEN a recorded hard bounce
    ledger = FakeLedger()
    intake(ledger).process([sns_record(bounce("jane@example.test"))])

    # WHEN the address is asked for, however it is spelt
    status, body = get("/v1/suppressions", {"address": "Jane@EXAMPLE.test."}, ledger=ledger)

    # THEN the answer says why
    assert status == 200
    assert body["address"] == "jane@example.test"
    assert body["suppressed"] is True
    assert body["reason"] == "hard_bounce"
    assert body["category"] == "mailbox_unknown"
    assert body["scope"] == "address"
    assert body["lead_sources"] == ["webinar"]
    assert body["diagnostic"] == "smtp; 550 5.1.1 user unknown"
    assert body["reply_code"] == 550
    assert body["enhanced_status"] == "5.1.1"
    assert body["rule"]
    assert body["count"] == 1
    assert body["first_seen"] == body["last_seen"]
    assert body["suppressed_until"] is None


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/v1/suppressions", {}, "address"),
        ("/v1/suppressions", {"address": "a b@example.test"}, "address"),
        ("/v1/suppressions", {"address": "a@b\r\nc.test"}, "address"),
        ("/v1/suppressions", {"address": "a@example.test", "source": "##"}, "source"),
        ("/v1/suppressions", {"address": "a@example.test", "source": " "}, "source"),
        ("/v1/sources/%20/counts", {}, "source"),
        ("/v1/sources/webinar/counts", {"from": "yesterday"}, "from"),
        ("/v1/domains", {"name": "x"}, "name"),
    ],
)
def test_invalid_input_is_a_400_with_the_field(
    path: str, query: dict[str, str], field: str
) -> None:
    """The answer names the caller's field, and repeats no personal data."""
    # WHEN a parameter cannot be used
    status, body = get(path, query)

    # THEN the answer names it as the caller did, and does not repeat it
    assert (status, body["field"]) == (400, field)
    assert not any(value in body["detail"] for value in query.values() if "@" in value)


OTHER_SPELLINGS = ["Rival", "rival-", "-rival", "rival ", "ri\u00adval", "\uff52ival", "ri val"]


@pytest.mark.parametrize("spelling", OTHER_SPELLINGS)
def test_another_spelling_of_a_lead_source_is_a_400_that_names_the_canonical_one(
    spelling: str,
) -> None:
    """Policies and callers that know one spelling must not be passed by with another."""
    # WHEN a lead source is asked for by another spelling of its name
    in_path = get(f"/v1/sources/{quote(spelling)}/counts")
    in_query = get("/v1/suppressions", {"address": "a@example.test", "source": spelling})

    # THEN the answer names the one to use
    name = "ri-val" if spelling == "ri val" else "rival"
    assert in_path == in_query
    status, body = in_path
    assert (status, body["field"]) == (400, "source")
    assert body["detail"] == f'source must be "{name}", its canonical form'


@pytest.mark.parametrize("path", ["%72ival", "r%69val", "%C3%BCber%2D", "%c3%bcber"])
def test_a_path_that_encodes_more_than_it_must_is_refused(path: str) -> None:
    """IAM compares policies with paths, so one source has one path."""
    # WHEN letters are encoded that need not be, or in another case
    status, body = get(f"/v1/sources/{path}/counts")

    # THEN the answer names the canonical form
    assert (status, body["field"]) == (400, "source")


@pytest.mark.parametrize("path", ["%C3%BCber", "über", "webinar-2026", "a.b_c"])
def test_the_canonical_form_is_answered_encoded_or_not(path: str) -> None:
    status, body = get(f"/v1/sources/{path}/counts")
    assert status == 200, body


@pytest.mark.parametrize(
    ("arn", "shown"),
    [
        ("arn:aws:iam::123456789012:user/sender", "arn:aws:iam::123456789012:user/sender"),
        (
            "arn:aws:sts::123456789012:assumed-role/Sender/i-0abc",
            "arn:aws:sts::123456789012:assumed-role/Sender/i-0abc",
        ),
        (
            "arn:aws:sts::123456789012:assumed-role/Staff/jane@corp.example",
            f"arn:aws:sts::123456789012:assumed-role/Staff/{redact('jane@corp.example')}",
        ),
        (
            "arn:aws:iam::123456789012:user/jane@corp.example/bot",
            f"arn:aws:iam::123456789012:user/{redact('jane@corp.example')}/bot",
        ),
        (
            "arn:aws:iam::123456789012:user/jane@corp.example/ann@corp.example",
            "arn:aws:iam::123456789012:user/"
            + "/".join([redact("jane@corp.example"), redact("ann@corp.example")]),
        ),
    ],
)
@pytest.mark.parametrize("address", ["lead@example.test", "not an address"])
def test_who_asked_is_logged_and_never_for_whom(arn: str, shown: str, address: str) -> None:
    """Session names of people who sign in are often their email addresses."""
    # GIVEN a caller who signed as an IAM principal
    context = {"stage": "live", "identity": {"userArn": arn}}

    # WHEN an address is asked for
    with logged(lookup) as log:
        call(
            "GET",
            "/v1/suppressions",
            ledger=FakeLedger(),
            queryStringParameters={"address": address},
            requestContext=context,
        )

    # THEN the log says who asked, and holds no address
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["caller"] for line in lines] == [shown]
    assert address not in log.getvalue()
    assert "jane" not in log.getvalue()


def test_the_id_that_a_problem_reports_is_in_the_log() -> None:
    """It is API Gateway's, which is another than Lambda's."""
    # WHEN a request fails
    with logged(lookup) as log:
        answer = respond("GET", "/v1/nothing", requestContext={"requestId": "r-1"})

    # THEN the problem and the log have the same id
    assert json.loads(answer["body"])["request_id"] == "r-1"
    assert json.loads(log.getvalue())["request_id"] == "r-1"


def test_a_caller_is_not_carried_over_to_the_next_request() -> None:
    """Keys of a logger outlive an invocation unless they are cleared."""
    # GIVEN a request of one principal
    arn = "arn:aws:iam::123456789012:user/sender"
    call("GET", "/v1/codes", ledger=FakeLedger(), requestContext={"identity": {"userArn": arn}})

    # WHEN the next has none, as in the console's test
    with logged(lookup) as log:
        get("/v1/codes")

    # THEN nobody is named for it
    assert json.loads(log.getvalue()).get("caller") is None


@pytest.mark.parametrize("body", [None, "not JSON", "{}"])
def test_an_invalid_body_is_a_400_with_the_field(body: str | None) -> None:
    """API Gateway hands over a missing body as null."""
    # WHEN the body is missing or not a reply
    status, answer = call("POST", "/v1/classify", ledger=FakeLedger(), body=body)

    # THEN the answer names what is missing
    assert (status, answer["field"]) == (400, "diagnostic" if body == "{}" else "body")


@pytest.mark.parametrize("body", ["/w==", "no base64", "\u00e9"])
def test_a_body_that_is_no_text_is_a_400(body: str) -> None:
    """API Gateway hands over a body in base64 where an API takes binary ones."""
    status, answer = call(
        "POST", "/v1/classify", ledger=FakeLedger(), body=body, isBase64Encoded=True
    )
    assert (status, answer["field"]) == (400, "body")


def bulk(body: object, *, ledger: FakeLedger | None = None) -> tuple[int, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return call(
        "POST",
        "/v1/suppressions/check",
        ledger=FakeLedger() if ledger is None else ledger,
        body=text,
    )


def test_a_list_is_checked_in_its_order() -> None:
    """A sender joins the answer to its own list row by row."""
    # GIVEN a dead address
    ledger = FakeLedger()
    intake(ledger).process([sns_record(bounce("jane@example.test"))])

    # WHEN it is asked for in two spellings, among others and what cannot be an address
    status, body = bulk(
        {
            "addresses": [
                "ben@example.test",
                "Jane@EXAMPLE.test",
                "nobody",
                None,
                "jane@example.test",
            ]
        },
        ledger=ledger,
    )

    # THEN each has a row with its own spelling
    assert status == 200
    assert [row["input"] for row in body["results"]] == [
        "ben@example.test", "Jane@EXAMPLE.test", "nobody", None, "jane@example.test",
    ]  # fmt: skip
    assert [row.get("suppressed") for row in body["results"]] == [False, True, None, None, True]

    # AND what cannot be an address has the reason instead of an answer
    assert body["results"][2] == {"input": "nobody", "error": "has no @"}
    assert body["results"][3] == {"input": None, "error": "must be a string"}

    # AND the sums add up
    assert (body["suppressed"], body["deliverable"], body["invalid"]) == (2, 1, 2)


def test_a_row_says_why_as_the_answer_about_one_address_does() -> None:
    """The same names mean the same."""
    ledger = FakeLedger()
    intake(ledger).process([sns_record(bounce("jane@example.test"))])

    _, alone = get("/v1/suppressions", {"address": "jane@example.test"}, ledger=ledger)
    [row] = bulk({"addresses": ["jane@example.test"], "source": "webinar"}, ledger=ledger)[1][
        "results"
    ]

    shared = set(row) & set(alone)
    assert {"address", "reason", "category", "scope", "explanation", "lead_sources"} <= shared
    assert {name: row[name] for name in shared} == {name: alone[name] for name in shared}
    assert set(row) - shared == {"input", "alternate_domain", "source"}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ("nonsense", 400, "body"),
        ([], 400, "body"),
        ({}, 400, "addresses"),
        ({"addresses": []}, 400, "addresses"),
        ({"addresses": "a@example.test"}, 400, "addresses"),
        ({"addresses": ["a@example.test"] * 1001}, 400, "addresses"),
        ({"addresses": ["a@example.test"], "source": 5}, 400, "source"),
        ({"addresses": ["a@example.test"], "source": "##"}, 400, "source"),
        ({"adresses": ["a@example.test"]}, 400, "adresses"),
        ({"addresses": ["x" * 1_050_000]}, 413, "body"),
    ],
)
def test_a_list_that_cannot_be_checked_is_refused_as_a_whole(
    body: object, status: int, field: str
) -> None:
    """The answer names the field."""
    answered, answer = bulk(body)

    assert (answered, answer["field"]) == (status, field)


def test_a_thousand_addresses_fit_an_answer() -> None:
    """Lambda answers with at most 6 MB, also where every row is as long as it can be."""
    # GIVEN a thousand addresses with many lead sources each
    ledger = FakeLedger()
    addresses = [f"jane{n}@example.test" for n in range(1000)]
    for n in range(25):
        batch = [
            sns_record(
                bounce(address, lead_source=f"{n:02}-" + "x" * 60, feedback_id=f"{n}-{address}")
            )
            for address in addresses[:1]
        ]
        intake(ledger).process(batch)
    for address in addresses[1:]:
        ledger.facts[address] = ledger.facts[addresses[0]]

    # WHEN they are checked in one call
    status, body = bulk({"addresses": addresses}, ledger=ledger)

    # THEN each names the first of its sources
    assert status == 200
    assert {len(row["lead_sources"]) for row in body["results"]} == {20}
    assert len(json.dumps(body)) < 4_000_000


def test_which_of_two_addresses_is_meant_is_not_guessed() -> None:
    """An answer about the wrong address would be acted upon."""
    # WHEN two addresses are asked for at once
    status, body = call(
        "GET",
        "/v1/suppressions",
        ledger=FakeLedger(),
        queryStringParameters={"address": "b@example.test"},
        multiValueQueryStringParameters={"address": ["a@example.test", "b@example.test"]},
    )

    # THEN neither is answered for
    assert (status, body["field"]) == (400, "address")


def test_without_the_table_there_is_no_answer() -> None:
    """An answer that the address may be mailed must never be made up."""

    # GIVEN a table that does not answer
    class Silent(FakeLedger):
        def check(self, *_: object, **__: object) -> list[Any]:
            raise LedgerError("the table did not answer")

    # WHEN an address is asked for
    answer = respond(
        "GET",
        "/v1/suppressions",
        ledger=Silent(),
        queryStringParameters={"address": "jane@example.test"},
    )

    # THEN the answer does not say that it may be mailed, but when to ask again
    assert answer["statusCode"] == 503
    assert "suppressed" not in json.loads(answer["body"])
    assert answer["multiValueHeaders"]["Retry-After"] == ["1"]


def test_counts_come_by_day_with_their_sums() -> None:
    # WHEN counts are asked for
    status, body = get("/v1/sources/webinar/counts", {"from": "2026-01-01", "to": "2026-01-02"})

    # THEN they come by day, with their sums
    assert status == 200
    assert list(body["days"]) == ["2026-01-01", "2026-01-02"]
    assert body["totals"] == {"hard": 1, "delivered": 3, "categories": {}}
    none = {"mailbox_unknown": 0, "mailbox_moved": 0, "domain_unknown": 0, "no_mail_accepted": 0}
    addresses = {
        "mailed": None,
        "mailed_error": 0.0,
        "unanswered": None,
        "unconfirmed": 0,
        "dead": none,
    }
    assert body["addresses"] == addresses | {"dead_domains": 0}
    assert body["days"]["2026-01-01"]["addresses"] == addresses

    # AND with the days that were asked for, and the rates of all of them
    assert (body["from"], body["to"]) == ("2026-01-01", "2026-01-02")
    assert body["rates"] == {"hard": 0.25, "soft": 0.0, "block": 0.0, "complaint": 0.0}


@pytest.mark.parametrize("name", ["enhanced_status", "status"])
def test_a_status_beside_the_reply_is_read_by_either_name(name: str) -> None:
    """Answers call it `enhanced_status`; those who post a DSN's fields have `status`."""
    # WHEN there is no reply but a status
    status, body = call(
        "POST", "/v1/classify", ledger=FakeLedger(), body=json.dumps({name: "5.1.1"})
    )

    # THEN it is classified, and reported by one name
    assert (status, body["category"]) == (200, "mailbox_unknown")
    assert body["enhanced_status"] == "5.1.1"


def test_a_reply_is_classified() -> None:
    """A sender can ask what a reply means without a bounce event."""
    # WHEN a reply is posted
    status, body = call(
        "POST",
        "/v1/classify",
        ledger=FakeLedger(),
        body=json.dumps({"diagnostic": "smtp; 550 5.1.1 user unknown"}),
    )

    # THEN the answer says what it means, and why
    assert status == 200
    assert body["category"] == "mailbox_unknown"
    assert body["disposition"] == "hard"
    assert body["explanation"]["what_to_do"]


def test_the_reference_is_listed_and_read() -> None:
    """The reference is served from the layer."""
    # WHEN the codes are listed
    status, body = get("/v1/codes")

    # THEN 521 is among them, and has a page
    assert status == 200
    assert "521" in {entry["code"] for entry in body["codes"]}
    assert get("/v1/codes/521")[0] == 200
    assert get("/v1/codes/999")[0] == 404


def test_a_domain_that_was_never_probed_has_no_verdict() -> None:
    """An unknown domain is an answer, not an error."""
    # WHEN an unknown domain is asked for
    status, body = get("/v1/domains", {"name": "Example.TEST"})

    # THEN the answer says that nothing is known
    assert status == 200
    assert body["domain"] == "example.test"
    assert body["verdict"] is None


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/codes/999", 404),
        ("GET", "/v1/suppressions", 400),
        ("DELETE", "/v1/suppressions", 405),
        ("POST", "/v1/sources/fair/counts", 405),
    ],
)
def test_every_error_is_a_problem_in_the_form_of_rfc_9457(
    method: str, path: str, status: int
) -> None:
    """Clients can parse every answer, and report the request."""
    # WHEN a request cannot be answered
    answer = respond(method, path, requestContext={"requestId": "r-1", "path": f"/live{path}"})

    # THEN the answer is a problem with all of its members
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]
    body = json.loads(answer["body"])
    assert set(body) == {"type", "title", "status", "detail", "field", "request_id"}
    assert (answer["statusCode"], body["status"]) == (status, status)
    assert body["request_id"] == "r-1"


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/sources/\0/counts", '/v1/codes/"', "/v1/codes/", "/v1/codes/521//"]
)
def test_an_unknown_path_is_said_to_be_one(path: str) -> None:
    """Whatever characters it has; for IAM, one with a slash at its end is another, too."""
    status, body = get(path)

    assert (status, body["detail"]) == (404, "the API has no such path")


@pytest.mark.parametrize("address", ["中" * 1000, "\ud800中", 'a"b\\c', "\0\x7f"])
def test_an_answer_is_not_much_larger_than_what_it_repeats(address: str) -> None:
    """Lambda refuses an answer of more than 6 MB, in which the body is a string of JSON."""
    # WHEN an address that cannot be one is checked
    request = json.dumps({"addresses": [address]}, ensure_ascii=False)
    answer = respond("POST", "/v1/suppressions/check", body=request)

    # THEN the answer has it as it was, in at most 4 bytes for a character of the request
    [row] = json.loads(answer["body"])["results"]
    assert row["input"] == address
    sent = json.dumps(answer["body"], ensure_ascii=False).encode()
    assert len(sent) <= 4 * len(request) + 200


def test_a_method_that_a_path_does_not_have_is_answered_with_those_that_it_has() -> None:
    """RFC 9110 section 15.5.6."""
    assert respond("PATCH", "/v1/suppressions/check")["multiValueHeaders"]["Allow"] == ["POST"]


@pytest.mark.parametrize(
    ("method", "path", "query", "field"),
    [
        ("GET", "/v1/suppressions", {"adress": "a@example.test"}, "adress"),
        ("GET", "/v1/domains", {"name": "example.test", "from": "x"}, "from"),
        ("GET", "/v1/sources/fair/counts", {"since": "2026-01-01"}, "since"),
        ("GET", "/v1/codes", {"q": "521"}, "q"),
        ("GET", "/v1/codes/521", {"q": "521"}, "q"),
        ("POST", "/v1/classify", {"diagnostic": "550"}, "diagnostic"),
        ("POST", "/v1/suppressions/check", {"source": "fair"}, "source"),
    ],
)
def test_a_parameter_that_a_request_does_not_have_is_refused_by_name(
    method: str, path: str, query: dict[str, str], field: str
) -> None:
    """A misspelt one must not be passed over in silence."""
    status, body = call(
        method, path, ledger=FakeLedger(), queryStringParameters=query, body='{"diagnostic": "550"}'
    )

    assert (status, body["field"]) == (400, field)


def test_a_field_that_a_body_does_not_have_is_refused_by_name() -> None:
    """As a parameter is."""
    text = json.dumps({"diagnostic": "550", "bounceType": "Permanent"})
    status, body = call("POST", "/v1/classify", ledger=FakeLedger(), body=text)

    assert (status, body["field"]) == (400, "bounceType")


def test_no_answer_may_be_stored() -> None:
    """The next event may change it."""
    assert respond("GET", "/v1/codes")["multiValueHeaders"]["Cache-Control"] == ["no-store"]


def test_nothing_is_known_of_an_address_only_where_that_is_true() -> None:
    """A sender on a blocklist must learn of it, though the recipient is not suppressed."""
    # GIVEN an address of which nothing is recorded
    _, nothing = get("/v1/suppressions", {"address": "jane@example.test"})
    assert nothing["explanation"] == "Nothing is known about this address."
    assert set(nothing["known"].values()) == {None, False}

    # AND others at its domain were erased, which says nothing about it
    ledger = FakeLedger()
    erasures = DomainFacts(domain="example.test", erasures=frozenset({"2026"}), version=1)
    ledger.domains["example.test"] = erasures
    assert get("/v1/suppressions", {"address": "jane@example.test"}, ledger=ledger)[1] == nothing

    # WHEN a server refuses the sender
    blocked = bounce("jane@example.test", diagnostic="smtp; 521 5.7.1 Blocked by dnsbl.example")
    intake(ledger).process([sns_record(blocked)])
    _, body = get("/v1/suppressions", {"address": "jane@example.test"}, ledger=ledger)

    # THEN the address may be mailed, and the answer has the block with its words
    assert body["suppressed"] is False
    assert body["known"]["last_block"]["reply"] == "smtp; 521 5.7.1 Blocked by dnsbl.example"
    assert body["known"]["last_block"]["disposition"] == "block"
    assert "A message was refused on" in body["explanation"]
    assert "Nothing is known" not in body["explanation"]


def test_soft_bounces_so_far_and_those_that_are_missing_are_told() -> None:
    # GIVEN one soft bounce
    ledger = FakeLedger()
    full = bounce("jane@example.test", diagnostic="smtp; 452 4.2.2 mailbox full")
    intake(ledger).process([sns_record(full)])

    # WHEN the address is asked for
    _, body = get("/v1/suppressions", {"address": "jane@example.test"}, ledger=ledger)

    # THEN the answer says how near a suppression is
    assert body["known"]["soft"] == {"weight": 1, "missing": 2, "window_days": 30}
    assert "weigh 1 of 3: 2 more suppress it." in body["explanation"]


def test_a_suppressed_address_has_its_reasons_and_nothing_more_is_looked_for() -> None:
    """Its facts were read anyway; another read would cost time for nothing."""

    class Frugal(FakeLedger):
        def known(self, *_: object) -> Any:
            raise AssertionError

    ledger = Frugal()
    intake(ledger).process([sns_record(bounce("jane@example.test"))])
    status, body = get("/v1/suppressions", {"address": "jane@example.test"}, ledger=ledger)
    assert (status, body["suppressed"], body["known"]) == (200, True, None)
