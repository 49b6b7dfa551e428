"""Requests for probes, to and from the queue."""

import pytest

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.errors import InputError
from bounceledger.verdict import Cause
from tests.stream_records import NOW


def test_a_request_survives_the_queue() -> None:
    # GIVEN requests with and without claims
    for request in (
        ProbeRequest("a.test"),
        ProbeRequest("a.test", due=NOW.date()),
        ProbeRequest("a.test", {Cause.DOMAIN_UNKNOWN: NOW}),
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
        ('{"domain": "a.test", "claims": {"mailbox_full": "2026-01-01T00:00:00Z"}}', "claims"),
        ('{"domain": "a.test", "claims": {"domain_unknown": 5}}', "claims.domain_unknown"),
        ('{"domain": "a.test", "claims": {"domain_unknown": "x"}}', "claims.domain_unknown"),
        (
            '{"domain": "a.test", "claims": {"domain_unknown": "2026-01-01T00:00:00"}}',
            "claims.domain_unknown",
        ),
    ],
)
def test_what_is_no_request_names_the_field_to_blame(body: str, field: str) -> None:
    with pytest.raises(InputError) as caught:
        ProbeRequest.from_body(body)
    assert caught.value.field == field
