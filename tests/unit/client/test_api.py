"""Signed requests, retries, and what errors say."""

from itertools import repeat

import pytest
from botocore.session import Session

from bounceledger_client import (
    AccessDeniedError,
    Api,
    ApiError,
    InvalidRequestError,
    SuppressionListError,
    UnavailableError,
)
from bounceledger_client.transport import Reply
from tests.unit.client.api_double import CREDENTIALS, URL, FakeApi, reply, silent


def test_a_request_is_signed_for_the_region_in_the_url() -> None:
    """Signature Version 4, service ``execute-api``."""
    # WHEN a request is sent
    fake = FakeApi(iter([reply(200, {"codes": []})]))
    assert fake.client().json("GET", "/v1/codes", query={"a b": "ü@x"}) == {"codes": []}

    # THEN it is signed, and its query is encoded
    [request] = fake.requests
    assert request.url == f"{URL}/v1/codes?a+b=%C3%BC%40x"
    assert "/eu-west-1/execute-api/aws4_request" in request.headers["Authorization"]


@pytest.mark.parametrize(
    "trouble", [silent(), reply(429), reply(500), reply(502), reply(503), reply(504)], ids=str
)
def test_what_passes_is_tried_again(trouble: Reply | Exception) -> None:
    """With a longer pause each time, and a part of it random."""
    fake = FakeApi(iter([trouble, trouble, reply(200, {})]))

    fake.client().json("GET", "/v1/codes")

    assert len(fake.requests) == 3
    assert fake.pauses == [0.05, 0.1]


def test_the_pause_that_the_api_asks_for_is_kept() -> None:
    """It knows better when it will answer."""
    fake = FakeApi(iter([reply(503, retry_after="2"), reply(200, {})]))

    fake.client().json("GET", "/v1/codes")

    assert fake.pauses == [2.05]


def test_no_answer_after_every_retry_is_an_outage() -> None:
    """It must not read as an answer."""
    fake = FakeApi(repeat(silent()))

    with pytest.raises(UnavailableError, match="no answer after 3 tries: no route to host"):
        fake.client(retries=2).json("GET", "/v1/codes")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (413, InvalidRequestError),
        (403, AccessDeniedError),
        (404, ApiError),
    ],
)
def test_a_refusal_is_raised_at_once_with_what_the_api_says(
    status: int, kind: type[ApiError]
) -> None:
    """The same request would be refused again."""
    problem = {"detail": 'source must be "fair"', "field": "source", "request_id": "r-1"}
    fake = FakeApi(iter([reply(status, problem)]))

    with pytest.raises(kind, match='source must be "fair"') as caught:
        fake.client().json("GET", "/v1/codes")

    assert (caught.value.status, caught.value.field) == (status, "source")
    assert caught.value.request_id == "r-1"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_an_answer_of_something_else_is_no_answer_of_the_api(body: bytes) -> None:
    """A proxy on the way, or a wrong URL."""
    fake = FakeApi(iter([Reply(200, {}, body)]))

    with pytest.raises(SuppressionListError, match="/v1/codes was not answered with a JSON object"):
        fake.client().json("GET", "/v1/codes")


@pytest.mark.parametrize("url", ["", "abc123.execute-api.eu-west-1.amazonaws.com", "ftp://x/live"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url must be the URL of the API"):
        Api(url)


def test_a_url_without_a_region_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A custom domain name has none."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    with pytest.raises(ValueError, match="region is required"):
        Api("https://api.example.com/live", session=Session())

    named = Api("https://api.example.com/live", region="eu-west-1", credentials=CREDENTIALS)
    assert isinstance(named, Api)
