"""Requests for probes, to and from the queue."""

from datetime import timedelta

import pytest

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.errors import InputError
from bounceledger.state import Span
from bounceledger.verdict import Cause
from tests.stream_records import NOW


def test_a_request_survives_the_queue() -> None:
    """What is read from the queue equals what was sent."""
    # GIVEN requests with and without claims
    for request in (
        ProbeRequest("a.test"),
        ProbeRequest("a.test", due=NOW.date()),
        ProbeRequest("a.test", {Cause.DOMAIN_UNKNOWN: Span(first=NOW - timedelta(1), last=NOW)}),
    ):
        # THEN what comes out is what went in
        assert ProbeRequest.from_body(request.to_body()) == request


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body"),
        ("[" * 100_000, "body"),
        ("[]", "body"),
        ("null", "body"),
        ("{}", "domain"),
        ('{"domain": 5}', "domain"),
        ('{"domain": "not a domain"}', "domain"),
        ('{"domain": "[192.0.2.1]"}', "domain"),
        ('{"domain": "a.test", "claims": []}', "claims"),
        ('{"domain": "a.test", "due": null}', "due"),
        ('{"domain": "a.test", "due": "tomorrow"}', "due"),
        ('{"domain": "a.test", "claims": {"mailbox_full": {}}}', "claims"),
        ('{"domain": "a.test", "claims": {"domain_unknown": 5}}', "claims.domain_unknown"),
        *(
            (f'{{"domain": "a.test", "claims": {{"domain_unknown": {said}}}}}', f"claims.{field}")
            for said, field in (
                ("{}", "domain_unknown.first"),
                ('{"first": 5, "last": 5}', "domain_unknown.first"),
                ('{"first": "2026-01-01T00:00:00"}', "domain_unknown.first"),
                ('{"first": "2026-01-01T00:00:00Z", "last": "x"}', "domain_unknown.last"),
                (
                    '{"first": "2026-01-01T00:00:00Z", "last": "2025-01-01T00:00:00Z"}',
                    "domain_unknown.last",
                ),
            )
        ),
    ],
)
def test_an_invalid_request_is_refused_with_its_field(body: str, field: str) -> None:
    """The dead-letter queue shows what is wrong with it."""
    with pytest.raises(InputError) as caught:
        ProbeRequest.from_body(body)
    assert caught.value.field == field
