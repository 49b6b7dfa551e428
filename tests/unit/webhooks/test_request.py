"""Reading a webhook's request."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from bounceledger.errors import InputError, TooLargeError
from bounceledger.webhooks.forms import MAX_FIELDS
from bounceledger.webhooks.forms import URL_ENCODED as FORM
from bounceledger.webhooks.request import MAX_BODY, MAX_LINES, Request

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)


def event(**changes: Any) -> dict[str, Any]:
    """What API Gateway makes of a request to the stage ``live``."""
    return {
        "path": "/v1/webhooks/mandrill",
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {
            "domainName": "abc123.execute-api.eu-west-1.amazonaws.com",
            "path": "/live/v1/webhooks/mandrill",
        },
        "body": '{"a": 1}',
        "isBase64Encoded": False,
        **changes,
    }


def request_of(base_url: str = "", **changes: Any) -> Request:
    return Request.from_api_gateway(event(**changes), received_at=NOW, base_url=base_url)


def typed(body: bytes, content_type: str) -> Request:
    return Request(headers={"content-type": content_type}, body=body, url="", received_at=NOW)


def test_a_request_has_its_headers_body_url_and_time() -> None:
    request = request_of()
    assert request.headers == {"content-type": "application/json"}
    assert request.body == b'{"a": 1}'
    assert request.content() == {"a": 1}
    assert request.received_at == NOW


def test_it_does_not_show_what_it_holds() -> None:
    """It may end up in a log."""
    assert "content-type" not in repr(request_of())


def test_a_base64_body_is_decoded() -> None:
    body = base64.b64encode(b'{"b": "\xc3\xa9"}').decode()
    assert request_of(body=body, isBase64Encoded=True).content() == {"b": "é"}


def test_a_body_that_is_not_base64_is_refused() -> None:
    with pytest.raises(InputError, match="body is not valid base64"):
        request_of(body="{}", isBase64Encoded=True)


# ------------------------------------------------------------------------------ headers


def test_values_of_one_header_are_joined_whatever_its_case() -> None:
    """RFC 9110 section 5.3: a scheme never sees only one of two signatures."""
    headers = {"Signature": ["a", "b"], "signature": ["c"]}
    assert request_of(multiValueHeaders=headers).headers == {"signature": "a, b, c"}


def test_headers_without_several_values_do() -> None:
    assert request_of(multiValueHeaders=None, headers={"X-A": "1"}).headers == {"x-a": "1"}
    assert request_of(multiValueHeaders=None, headers=None).headers == {}


# --------------------------------------------------------------------------------- URL


@pytest.mark.parametrize(
    ("base_url", "changes", "url"),
    [
        (
            "",
            {},
            "https://abc123.execute-api.eu-west-1.amazonaws.com/live/v1/webhooks/mandrill",
        ),
        (
            "",
            {"requestContext": {"domainName": "hooks.example.com", "path": "/in/v1/webhooks/x"}},
            "https://hooks.example.com/in/v1/webhooks/x",
        ),
        ("https://hooks.example.com/", {}, "https://hooks.example.com/v1/webhooks/mandrill"),
        (
            "https://hooks.example.com/in",
            {"multiValueQueryStringParameters": {"a": ["1", "2"], "b": ["x y"]}},
            "https://hooks.example.com/in/v1/webhooks/mandrill?a=1&a=2&b=x+y",
        ),
    ],
    ids=["api", "custom domain", "base URL", "query"],
)
def test_the_url_is_the_one_that_was_called(
    base_url: str, changes: dict[str, Any], url: str
) -> None:
    assert request_of(base_url, **changes).url == url


# -------------------------------------------------------------------------------- size


@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "base64"])
@pytest.mark.parametrize("more", [0, 1, 10 * 1024])
def test_a_body_may_have_4_mb_whichever_way_it_comes(encoded: bool, more: int) -> None:
    # GIVEN a body of 4 MB, or of more
    body = "x" * (MAX_BODY + more)
    text = base64.b64encode(body.encode()).decode() if encoded else body

    # THEN only the first is read
    if not more:
        assert len(request_of(body=text, isBase64Encoded=encoded).body) == MAX_BODY
    else:
        with pytest.raises(TooLargeError, match="body has more than 4194304 bytes"):
            request_of(body=text, isBase64Encoded=encoded)


def test_bytes_count_not_characters() -> None:
    with pytest.raises(TooLargeError):
        request_of(body="é" * (MAX_BODY // 2 + 1))


# ----------------------------------------------------------------------------- content


@pytest.mark.parametrize(
    ("body", "content_type", "content"),
    [
        (b"[]", "application/json", []),
        (b'{"a": null}', "Application/JSON; charset=utf-8", {"a": None}),
        (b'"text"', "text/plain; charset=UTF-8", "text"),  # as SNS sends it
        (b"1", "", 1),
        (b'{"a": 1}\n\n{"b": 2}\r\n', "application/jsonl", [{"a": 1}, {"b": 2}]),
        (b"a=1&b=&c=x+y%21&d=%C3%A9", FORM, {"a": "1", "b": "", "c": "x y!", "d": "é"}),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            {"a": "1"},
        ),
        (b"tag=a&x=1&tag=b&tag=c", f"{FORM}; charset=utf-8", {"tag": ["a", "b", "c"], "x": "1"}),
    ],
)
def test_the_content_type_says_how_a_body_is_read(
    body: bytes, content_type: str, content: object
) -> None:
    assert typed(body, content_type).content() == content


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"", "application/json", "body is empty"),
        (b" \r\n", FORM, "body is empty"),
        (b"\xff", "application/json", "body is not valid UTF-8"),
        (b"\xff=1", FORM, "body is not a valid form in UTF-8"),
        (b"{", "application/json", "body is not valid JSON"),
        (b"NaN", "application/json", "body is not valid JSON"),
        (b"[" * 100_000, "application/json", "body is not valid JSON"),
        (b"1" * 5000, "application/json", "body is not valid JSON"),
        (b"1e999", "application/json", "body is not valid JSON"),
        (b"-1e999", "application/jsonl", "body is not valid JSON"),
        (b'{}\n{"a"', "application/jsonl", "body is not valid JSON"),
        (b"a=%ff", FORM, "body is not a valid form"),
        (b"a=1&" * (MAX_FIELDS + 1), FORM, "body is not a valid form"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_without_its_text(
    body: bytes, content_type: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        typed(body, content_type).content()
    assert caught.value.field == "body"
    assert caught.value.__cause__ is None


def test_json_lines_are_bounded_since_nothing_is_verified_yet() -> None:
    """Four megabytes of short lines took seconds."""
    line = b"{}\n\n"
    assert len(typed(line * MAX_LINES, "application/jsonl").content()) == MAX_LINES
    with pytest.raises(TooLargeError):
        typed(line * (MAX_LINES + 1), "application/jsonl").content()


def test_a_body_with_a_lone_surrogate_is_not_utf8() -> None:
    """API Gateway's own JSON could have one."""
    with pytest.raises(InputError, match="not valid UTF-8"):
        request_of(body='"\ud800"').content()


def test_no_body_is_an_empty_one() -> None:
    with pytest.raises(InputError, match="body is empty"):
        request_of(body=None).content()
