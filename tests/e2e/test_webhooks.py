"""A provider's events' way through the deployed stack: in through its webhook, out by the API."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from tests.e2e.logs import log_of
from tools.demo import SHOWN_PROVIDERS
from tools.replay import SampleOutcome, drain_dead_letters, replay, wait_until_processed
from tools.signing import make_keys, signed_providers
from tools.stack import Stack, call_api, post_webhook, wait_for
from tools.webhook_samples import WebhookSample, load_webhook_samples

SAMPLES = list(load_webhook_samples())
BATCH = 1000

type Outcomes = Callable[[str], dict[str, SampleOutcome]]
"""Outcomes of a provider's sample requests by name."""


@pytest.fixture(scope="module")
def outcomes(stack: Stack) -> Outcomes:
    """Replays the samples of a provider when they are first asked for."""

    @cache
    def of(provider: str) -> dict[str, SampleOutcome]:
        samples = load_webhook_samples(datetime.now(UTC))
        found = replay(stack, [one for one in samples if one.provider == provider])
        return {one.sample.name: one for one in found}

    return of


def marks_of(sample: WebhookSample) -> tuple[pytest.MarkDecorator, ...]:
    """`make test` replays those of the demo only."""
    return () if sample.provider in SHOWN_PROVIDERS else (pytest.mark.slow,)


def bounces(count: int, source: str) -> list[dict[str, Any]]:
    """Bounces of as many dead addresses, from one lead source."""
    now = int(datetime.now(UTC).timestamp())
    return [
        {
            "email": f"lead-{n}@{source}.example",
            "event": "bounce",
            "type": "bounce",
            "timestamp": now,
            "sg_event_id": f"{source}-{n}",
            "sg_message_id": f"m-{source}-{n}",
            "reason": "550 5.1.1 no such user",
            "status": "5.1.1",
            "lead_source": source,
        }
        for n in range(count)
    ]


def counted(stack: Stack, source: str) -> dict[str, int]:
    answer = call_api(stack, f"/v1/sources/{source}/counts")
    assert answer.status == 200, answer
    return dict(answer.body["totals"])


@pytest.mark.parametrize(
    "sample",
    [pytest.param(one, id=f"{one.provider}/{one.name}", marks=marks_of(one)) for one in SAMPLES],
)
def test_a_sample_request_has_the_outcome_that_its_file_states(
    outcomes: Outcomes, sample: WebhookSample
) -> None:
    # GIVEN the sample requests of a provider, signed and posted, THEN this one ended as expected
    outcome = outcomes(sample.provider)[sample.name]
    assert outcome.ok, outcome.to_json()


def test_there_are_samples_of_every_provider() -> None:
    assert {sample.provider for sample in SAMPLES} == set(signed_providers())


def test_a_batch_that_is_posted_three_times_is_recorded_once(stack: Stack) -> None:
    """Providers send again what they believe to be lost."""
    # GIVEN a batch of SendGrid's
    source = f"batch-{uuid.uuid4().hex[:12]}"
    body = json.dumps(bounces(BATCH, source)).encode()

    # WHEN it is posted three times
    for _ in range(3):
        answer = post_webhook(stack, "sendgrid", body)
        assert (answer.status, answer.body) == (200, {"events": BATCH})
    wait_until_processed(stack)

    # THEN each event counts once
    assert wait_for(lambda: counted(stack, source)["hard"] == BATCH)
    assert counted(stack, source)["hard"] == BATCH

    # AND the addresses are suppressed, under their lead source
    answer = call_api(stack, "/v1/suppressions", {"address": f"lead-7@{source}.example"})
    assert (answer.body["suppressed"], answer.body["lead_sources"]) == (True, [source])
    assert list(drain_dead_letters(stack)) == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"key": make_keys("sendgrid").signs}, 401),
        ({"now": datetime.now(UTC) - timedelta(hours=1)}, 401),
        ({"body": b"[7]"}, 400),
        ({"body": b"not JSON"}, 400),
        ({"body": b" " * 4_200_000}, 413),
    ],
    ids=["another key", "an old signature", "not events", "not JSON", "too large"],
)
def test_what_is_not_accepted_is_a_problem(
    stack: Stack, change: dict[str, Any], status: int
) -> None:
    answer = post_webhook(stack, "sendgrid", **{"body": b"[]", **change})
    assert (answer.status, answer.body["status"]) == (status, status)


def test_a_provider_without_a_secret_is_off(stack: Stack) -> None:
    """No SNS topic is allowed here, and nobody has the other name."""
    for name in ("ses", "nobody"):
        request = urllib.request.Request(f"{stack.webhook_url}/{name}", data=b"{}", method="POST")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=30)
        with caught.value as error:
            assert error.code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_whether_there_is_a_webhook_can_be_asked(stack: Stack, method: str) -> None:
    """Some providers ask before they accept a URL, and sign nothing then."""
    request = urllib.request.Request(f"{stack.webhook_url}/mandrill", method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200


def test_the_log_of_the_webhook_holds_no_address(stack: Stack, outcomes: Outcomes) -> None:
    # GIVEN what was posted, and whom it was about
    posted = [one for provider in SHOWN_PROVIDERS for one in outcomes(provider).values()]
    addresses = {r.address for one in posted for r in one.recipients if r.address}
    assert addresses

    # WHEN the log is read
    assert wait_for(lambda: "accepted" in json.dumps(log_of(stack, "WebhookLogs")))
    log = json.dumps(log_of(stack, "WebhookLogs"))

    # THEN it holds none of them
    assert [address for address in addresses if address in log] == []
    assert "leads.example" not in log
