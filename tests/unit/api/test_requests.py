"""Parameters and bodies of requests: what is accepted, and which field a refusal names."""

import json
from collections.abc import Callable
from datetime import date
from functools import partial
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.addresses import clean_lead_source
from bounceledger.api import requests
from bounceledger.api.requests import ClassifyRequest, Query
from bounceledger.errors import InputError

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("read", "query", "field"),
    [
        (requests.address, {}, "address"),
        (requests.address, {"address": [""]}, "address"),
        (requests.address, {"address": ["  "]}, "address"),
        (requests.address, {"address": ["a@example.test", "b@example.test"]}, "address"),
        (requests.address, {"address": ["jane"]}, "address"),
        (requests.domain, {}, "name"),
        (requests.domain, {"name": ["x"]}, "name"),
        (requests.domain, {"name": ["a.test", "b.test"]}, "name"),
        (requests.optional_source, {"source": ["##"]}, "source"),
        (requests.optional_source, {"source": ["a", "b"]}, "source"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_with_its_field(
    read: Callable[[Query], object], query: Query, field: str
) -> None:
    """The field is the caller's own name for it, and which of two is meant is not guessed."""
    with pytest.raises(InputError) as caught:
        read(query)
    assert caught.value.field == field


def test_parameters_are_read_in_their_canonical_form() -> None:
    """An address is found under every spelling."""
    assert requests.address({"address": [" Jane@EXAMPLE.test. "]}) == "jane@example.test"
    assert requests.domain({"name": ["Example.TEST"]}) == "example.test"
    assert requests.optional_source({"source": ["trade-fair-2026"]}) == "trade-fair-2026"
    assert requests.optional_source({}) is None
    assert requests.optional_source({}) is None


@given(st.text(min_size=1))
def test_only_the_canonical_spelling_names_a_lead_source(text: str) -> None:
    """A policy for one path would otherwise be passed by with another."""
    # GIVEN any spelling of a lead source, and its canonical form
    name = clean_lead_source(text)

    # THEN the canonical form is read, in a path and in a query
    if name:
        assert requests.source_of_path(quote(name)) == name
        assert requests.optional_source({"source": [name]}) == name

    # AND any other is refused, naming it
    if text != name:
        for read in (
            partial(requests.source_of_path, quote(text)),
            partial(requests.optional_source, {"source": [text]}),
        ):
            with pytest.raises(InputError) as caught:
                read()
            assert (f'"{name}"' if name else "letter or digit") in str(caught.value)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, date(2026, 10, 22), TODAY),
        ({"to": ["2026-01-30"]}, date(2026, 1, 1), date(2026, 1, 30)),
        ({"from": ["2026-11-20"]}, TODAY, TODAY),
        ({"from": ["2025-11-20"]}, date(2025, 11, 20), TODAY),
    ],
)
def test_a_period_is_thirty_days_up_to_today_by_default(
    query: Query, first: date, last: date
) -> None:
    """First and last day are both part of the period."""
    assert requests.period(query, TODAY) == (first, last)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": ["yesterday"]}, "from"),
        ({"from": ["20260101"]}, "from"),
        ({"from": ["2026-1-5"]}, "from"),
        ({"from": ["2026-W05-6"]}, "from"),
        ({"from": [""]}, "from"),
        ({"from": ["2010-12-31"]}, "from"),
        ({"to": ["9999-12-31"]}, "to"),
        ({"to": ["0001-01-05"]}, "to"),
        ({"to": ["2026-13-01"]}, "to"),
        ({"from": ["2026-02-01"], "to": ["2026-01-01"]}, "from"),
        ({"from": ["2025-11-19"]}, "from"),
        ({"from": ["2020-01-01"], "to": ["2026-01-01"]}, "from"),
    ],
)
def test_a_period_that_cannot_be_answered_is_refused_with_its_field(
    query: Query, field: str
) -> None:
    """Days are ISO dates in order, and one call answers for 366 days at most."""
    with pytest.raises(InputError) as caught:
        requests.period(query, TODAY)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (None, "body"),
        ("", "body"),
        ("not JSON", "body"),
        ('{"diagnostic": NaN}', "body"),
        ("[" * 100_000, "body"),
        ("[]", "body"),
        ("{}", "diagnostic"),
        ('{"diagnostic": ""}', "diagnostic"),
        ('{"diagnostic": null, "status": "5.1.1"}', "diagnostic"),
        ('{"diagnostic": "x", "diagnostic": "y"}', "body"),
        ('{"diagnostic": 550}', "diagnostic"),
        ('{"diagnostic": 1e999}', "body"),
        ('{"diagnostic": "x", "enhanced_status": "5.1.1", "status": ""}', "status"),
        ('{"diagnostic": "x", "status": 5}', "status"),
        ('{"diagnostic": "x", "bounce_type": []}', "bounce_type"),
        ('{"diagnostic": "x", "bounce_subtype": {}}', "bounce_subtype"),
    ],
)
def test_a_body_that_is_not_a_reply_is_refused_with_its_field(body: str | None, field: str) -> None:
    """Whatever a caller sends, the answer says what to change."""
    with pytest.raises(InputError) as caught:
        ClassifyRequest.from_body(body)
    assert caught.value.field == field


def test_a_reply_needs_no_diagnostic_if_the_provider_said_something() -> None:
    """Some bounces come with a type only."""
    body = json.dumps({"bounce_type": "Transient", "bounce_subtype": "MailboxFull"})
    assert ClassifyRequest.from_body(body) == ClassifyRequest("", "", "Transient", "MailboxFull")
