"""The wiring of webhook: what providers get as an answer, what is logged, what is counted."""

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from bounceledger.settings import Settings
from tests.fakes import FakeContext
from tests.functions import load, logged
from tests.unit.test_queues import FakeSqs
from tests.unit.test_receiving import BOUNCE, KEYS, NOW, FakeSecrets, Webhook, secrets
from tools.signing import sign

webhook = load("webhook")

SETTINGS = Settings(stack_name="test", webhook_base_url="https://hooks.example/live")
SECRET_WORDS = ("gone@sendgrid.example", "no such user", "bounceledger-agent")


def event(
    body: bytes,
    headers: Mapping[str, str],
    *,
    provider: str = "sendgrid",
    method: str = "POST",
    encoded: bool = False,
) -> dict[str, Any]:
    """A request as API Gateway hands it over."""
    path = f"/v1/webhooks/{provider}"
    sent = {**headers, "User-Agent": "bounceledger-agent"}
    return {
        "resource": "/v1/webhooks/{provider}",
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "pathParameters": {"provider": provider},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "r-1", "path": f"/live{path}", "domainName": "x.example"},
        "body": base64.b64encode(body).decode() if encoded else body.decode(),
        "isBase64Encoded": encoded,
    }


def signed(events: object = (BOUNCE,)) -> tuple[bytes, Mapping[str, str]]:
    request = sign(
        "sendgrid",
        KEYS.signs,
        url="",
        content_type="application/json",
        body=json.dumps(events).encode(),
        now=NOW,
    )
    return request.body, request.headers


def send(request: dict[str, Any], over: Webhook) -> tuple[int, Any, Mapping[str, list[str]]]:
    answer = webhook.handler(
        request, FakeContext(), receiver=over.receiver, settings=SETTINGS, now=NOW
    )
    body = json.loads(answer["body"]) if answer["body"] else None
    return answer["statusCode"], body, answer["multiValueHeaders"]


def counted(text: str) -> Iterator[tuple[str, float, frozenset[str]]]:
    """Metrics in what a function printed: name, value and dimensions."""
    for line in text.splitlines():
        document = json.loads(line) if line.startswith('{"_aws"') or '"_aws"' in line else {}
        for described in document.get("_aws", {}).get("CloudWatchMetrics", ()):
            [names] = described["Dimensions"]
            for metric in described["Metrics"]:
                [value] = document[metric["Name"]]
                yield metric["Name"], value, frozenset(names)


@pytest.mark.parametrize("encoded", [False, True])
def test_a_request_that_is_verified_is_queued(
    encoded: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a webhook, and a request of its provider
    over = Webhook()

    # WHEN it comes, as text or in base64
    status, body, headers = send(event(*signed(), encoded=encoded), over)

    # THEN the provider knows that its events are taken
    assert (status, body) == (200, {"events": 1})
    assert headers["Cache-Control"] == ["no-store"]
    assert over.queued() == [BOUNCE]

    # AND it is counted, and its events by provider
    own = frozenset({"service", "stack"})
    assert set(counted(capsys.readouterr().out)) == {
        ("accepted", 1, own),
        ("documents", 1, own | {"provider"}),
    }


ALTERED = signed()[0].replace(b"5.1.1", b"5.1.2")
OTHER_EVENTS = event(b"[7]", {})


@pytest.mark.parametrize(
    ("request_", "over", "status", "metric"),
    [
        (event(ALTERED, signed()[1]), Webhook(), 401, "unverified"),
        (event(b"[]", {}), Webhook(), 401, "unverified"),
        (event(b"x" * (4 * 1024 * 1024 + 1), {}), Webhook(), 413, "refused"),
        (event(*signed([7])), Webhook(), 400, "refused"),
        (event(*signed([{}] * 10_001)), Webhook(), 413, "refused"),
        (event(*signed([{"a": "x" * 1_100_000}])), Webhook(), 413, "refused"),
        (event(*signed(), provider="nobody"), Webhook(), 404, None),
        (event(b"x" * (4 * 1024 * 1024 + 1), {}, provider=SECRET_WORDS[0]), Webhook(), 404, None),
        (event(*signed(), provider="ses"), Webhook(), 404, None),
        (event(*signed()), Webhook(secrets()), 404, None),
        (event(*signed()), Webhook(sqs=FakeSqs(down=True)), 503, "not_queued"),
        (event(*signed()), Webhook(FakeSecrets({}, down=True)), 503, "not_queued"),
    ],
    ids=lambda one: str(one) if isinstance(one, int | str) else "",
)
def test_everything_else_is_a_problem_that_says_nothing_of_the_request(
    request_: dict[str, Any],
    over: Webhook,
    status: int,
    metric: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """RFC 9457, as everywhere in the API; providers send again what gets a 5xx."""
    # WHEN it comes
    with logged(webhook) as lines:
        answer = send(request_, over)

    # THEN the answer is a problem, and a retry is asked for where it may help
    assert (answer[0], answer[1]["status"]) == (status, status)
    assert ("Retry-After" in answer[2]) == (status == 503)
    assert ("WWW-Authenticate" in answer[2]) == (status == 401)

    # AND it is counted, nothing is queued, and neither answer nor log has words of the request
    assert [name for name, _, _ in counted(capsys.readouterr().out)] == [metric] * bool(metric)
    assert over.sqs.sent == []
    for word in SECRET_WORDS:
        assert word not in json.dumps(answer[1]) + lines.getvalue()


def test_the_log_says_of_a_request_what_became_of_it() -> None:
    with logged(webhook) as lines:
        send(event(*signed()), Webhook())
        send(event(b"[]", {}), Webhook())
    said = [json.loads(line) for line in lines.getvalue().splitlines()]
    [accepted] = [line for line in said if line["message"] == "accepted"]
    assert (accepted["provider"], accepted["documents"], accepted["account"]) == (
        "sendgrid",
        1,
        "main",
    )
    [refused] = [line for line in said if line["message"] == "not verified"]
    assert (refused["provider"], refused["size"]) == ("sendgrid", 2)
    assert refused["reason"] == "missing_header"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (event(ALTERED, signed()[1]), ["postmark.main[0] must be longer"]),
        (event(*signed(), provider="mailgun"), ["postmark.main[0] must be longer"]),
        (event(b"[]", {}), None),
    ],
    ids=["no secret fits", "the provider is off", "no signature"],
)
def test_the_log_names_secrets_that_were_left_out(
    request_: dict[str, Any], said: list[str] | None
) -> None:
    """One of them may be the one that would have fitted."""
    with logged(webhook) as lines:
        send(request_, Webhook())
    found = [json.loads(line).get("problems") for line in lines.getvalue().splitlines()]
    assert [problems for problems in found if problems] == ([said] if said else [])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("provider", "status"), [("sendgrid", 200), ("nobody", 404)])
def test_whether_there_is_a_webhook_can_be_asked(provider: str, status: int, method: str) -> None:
    """Mandrill and Unisender Go ask before they accept a URL."""
    request = event(b"", {}, provider=provider, method=method)
    answer = webhook.handler(
        request, FakeContext(), receiver=Webhook().receiver, settings=SETTINGS, now=NOW
    )
    assert answer["statusCode"] == status
    assert isinstance(answer["body"], str)


def test_the_window_of_a_signed_time_is_a_setting() -> None:
    """Five minutes by default."""
    assert Settings().webhook_tolerance == timedelta(minutes=5).total_seconds()
