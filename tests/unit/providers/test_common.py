"""What the modules of the webhook providers share."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bounceledger.errors import AddressError, InputError, PayloadError
from bounceledger.providers import Payload
from bounceledger.providers.common import (
    MAX_ATTACHED,
    MAX_EVENTS,
    Lead,
    by_name,
    decode_json,
    entries_of,
    lead_of,
    read_address,
    read_object,
    read_text,
    read_time,
    read_word,
    received_at,
    reply_with_code,
    required_word,
)
from bounceledger.settings import Settings

NOW = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
SINCE = datetime(2009, 1, 1, tzinfo=UTC)
MAILED_ON = date(2026, 1, 15)
SETTINGS = Settings()
NOBODY = Lead("unattributed", None)


def lead(*places: object, settings: Settings = SETTINGS) -> Lead:
    return lead_of(places, settings, MAILED_ON)


# --------------------------------------------------------------------------- requests


def test_a_request_has_a_list_of_events_or_one() -> None:
    """Providers send one event as an object, and several as a list."""
    assert entries_of([{"a": 1}, {"b": 2}], "body") == [{"a": 1}, {"b": 2}]
    assert entries_of({"a": 1}, "body") == [{"a": 1}]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([{}, 5], "body[1]"),
        ([[{}]], "body[0]"),
        ("text", "body"),
        (None, "body"),
        ([{}] * (MAX_EVENTS + 1), "body"),
    ],
)
def test_another_form_is_refused_with_its_place(value: object, field: str) -> None:
    with pytest.raises(InputError) as refused:
        entries_of(value, field="body")

    assert refused.value.field == field


def test_a_request_may_be_empty() -> None:
    """Some providers test a URL so. An error would say that the URL does not work."""
    assert entries_of([], "body") == []


def test_the_largest_request_is_read() -> None:
    assert len(entries_of([{}] * MAX_EVENTS, "body")) == MAX_EVENTS


def test_a_request_is_never_received_after_now() -> None:
    """A wrong clock would stay, since facts merge by maximum."""
    later = Payload(provider="any", content={}, received_at=NOW + timedelta(days=1))
    earlier = Payload(provider="any", content={}, received_at=NOW - timedelta(days=1))

    assert received_at(later, NOW) == NOW
    assert received_at(earlier, NOW) == NOW - timedelta(days=1)
    assert received_at(Payload(provider="any", content={}), NOW) == NOW


# ----------------------------------------------------------------------------- fields


@pytest.mark.parametrize("value", [None, "", "  ", 5, ["bounce"], {}])
def test_a_required_word_is_a_string_with_something_in_it(value: object) -> None:
    with pytest.raises(PayloadError) as refused:
        required_word({"event": value}, "event", "events[3]")

    assert refused.value.field == "events[3].event"


def test_a_word_is_read_without_the_space_around_it() -> None:
    assert required_word({"Event": " Bounce "}, "event") == "Bounce"
    assert read_word({"type": " HardBounce "}, "Type") == "hardbounce"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5.1.1", "5.1.1"),
        (550, "550"),
        (1.5, "1.5"),
        (None, ""),
        (True, ""),
        (["x"], ""),
        ({}, ""),
        ("\ud800", "?"),
        ("x" * 1000, "x" * 256),
    ],
)
def test_a_text_may_be_a_number_and_is_bounded(value: object, text: str) -> None:
    """Anything else is as good as missing: an odd field must not cost a suppression."""
    assert read_text({"field": value}, "field") == text


def test_an_object_of_another_type_is_as_good_as_missing() -> None:
    assert read_object({"a": {"b": 1}}, "A") == {"b": 1}
    assert read_object({"a": ["b"]}, "a") == {}
    assert read_object({}, "a") == {}


@pytest.mark.parametrize(
    ("code", "text", "reply"),
    [
        ("550", "No such user", "550 No such user"),
        ("452", "4.2.2 Mailbox full", "452 4.2.2 Mailbox full"),
        ("550", "550 5.1.1 No such user", "550 5.1.1 No such user"),
        ("550", "  ", "  "),
        ("0", "No such user", "No such user"),
        ("", "No such user", "No such user"),
        ("55O", "No such user", "No such user"),
        ("5५०", "No such user", "No such user"),
    ],
)
def test_a_reply_in_parts_is_put_together_again(code: str, text: str, reply: str) -> None:
    assert reply_with_code(code, text) == reply


def test_an_address_is_made_canonical() -> None:
    assert read_address({"Email": "Jane <Jane@Example.TEST>"}, "email") == "jane@example.test"


@pytest.mark.parametrize(
    ("value", "error"),
    [(None, PayloadError), (5, PayloadError), (["a@b.example"], PayloadError), ("", AddressError)],
)
def test_an_error_of_an_address_has_its_place_and_not_its_value(
    value: object, error: type[Exception]
) -> None:
    with pytest.raises(error) as refused:
        read_address({"email": value}, "email", "events[3]")

    assert refused.value.field == "events[3].email"  # type: ignore[attr-defined]


def test_an_address_that_is_not_valid_is_not_in_the_error() -> None:
    """Errors are logged, and what is not an address may still be personal."""
    with pytest.raises(AddressError) as refused:
        read_address({"email": "jane.doe at example.test"}, "email")

    assert "jane" not in str(refused.value)


# ------------------------------------------------------------------------------ times


@pytest.mark.parametrize(
    "value",
    [
        1768471205,
        1768471205.0,
        "1768471205",
        1768471205000,
        "1768471205000",
        "2026-01-15T10:00:05Z",
        "2026-01-15T11:00:05+01:00",
        "2026-01-15 10:00:05",
    ],
)
def test_a_time_is_read_in_every_form_that_providers_use(value: object) -> None:
    assert read_time(value, since=SINCE, until=NOW) == NOW - timedelta(seconds=1)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, "", "soon", "1" * 5000, [1768471205], {}, -1, 0, float("nan"), float("inf")),
        *("१७६८४७१२०५", "1_768_471_205", "2008-12-31T23:59:59Z", "2026-02-30T00:00:00Z", 10**400),
    ],
)
def test_what_is_no_time_is_none(value: object) -> None:
    """One from before the provider began is none: facts merge by minimum, so it would stay."""
    assert read_time(value, since=SINCE, until=NOW) is None


@pytest.mark.parametrize("value", [1768471207, "2026-01-16T00:00:00Z", 10**14])
def test_a_time_from_the_future_is_that_of_receipt(value: object) -> None:
    assert read_time(value, since=SINCE, until=NOW) == NOW


# ----------------------------------------------------------------------- lead sources


@pytest.mark.parametrize(
    "place",
    [
        {"lead_source": "Webinar 2026"},
        {"Lead_Source": "webinar-2026"},
        {"X-Lead-Source": "webinar-2026"},
        {"lead_source": ["webinar-2026", "other"]},
        ["newsletter", "lead_source:webinar-2026"],
        ["Lead_Source=Webinar 2026"],
    ],
)
def test_a_lead_source_is_found_wherever_a_sender_can_put_it(place: object) -> None:
    assert lead(place).source == "webinar-2026"


@pytest.mark.parametrize(
    "place",
    [
        *(None, 5, "lead_source:webinar", {}, [], {"lead_source": None}, {"lead_source": True}),
        *({"lead_source": {"a": "b"}}, {"lead_source": "  "}, {"lead_source": "???"}),
        *(["lead_source"], ["lead_sources:webinar"], [["lead_source:webinar"]], [5]),
    ],
)
def test_a_malformed_lead_source_is_the_default(place: object) -> None:
    """It must not cost a suppression."""
    assert lead(place) == NOBODY


def test_a_number_can_be_a_lead_source() -> None:
    assert lead({"lead_source": 4711}).source == "4711"


def test_the_best_place_comes_first_and_an_unusable_one_is_passed_over() -> None:
    first, second = {"lead_source": "webinar"}, {"lead_source": "fair"}

    assert lead(first, second).source == "webinar"
    assert lead({"lead_source": "!"}, second).source == "fair"


def test_the_tag_comes_before_the_header_wherever_each_stands() -> None:
    places = ({"X-Lead-Source": "by-header"}, {"lead_source": "by-tag"})

    assert lead(*places).source == "by-tag"


def test_the_names_are_the_deployments_own() -> None:
    settings = Settings(lead_source_tag="vendor", lead_date_tag="bought")
    place = {"lead_source": "webinar", "vendor": "acme", "bought": "2026-01-02"}

    assert lead(place, settings=settings) == Lead("acme", date(2026, 1, 2))


@pytest.mark.parametrize(
    ("text", "collected_on"),
    [
        ("2026-01-15", date(2026, 1, 15)),
        ("1990-01-01", date(1990, 1, 1)),
        ("2026-01-16", None),  # after the message was mailed
        ("1989-12-31", None),
        ("2026-W03-4", None),
        ("20260115", None),
        ("2026-01-15T10:00:00Z", None),
        ("yesterday", None),
        (20260115, None),
    ],
)
def test_a_lead_date_is_a_calendar_day_before_mailing(
    text: object, collected_on: date | None
) -> None:
    place: dict[str, Any] = {"lead_source": "webinar", "lead_date": text}

    assert lead(place) == Lead("webinar", collected_on)


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        ('{"lead_source": "fair"}', {"lead_source": "fair"}),
        ('["lead_source:fair"]', ["lead_source:fair"]),
        ("lead_source:fair", "lead_source:fair"),
        ("", ""),
        ("NaN", "NaN"),
        ("[" * 10_000, "[" * 10_000),
        ("9" * 10_000, "9" * 10_000),
        (" " * MAX_ATTACHED + "{}", " " * MAX_ATTACHED + "{}"),
        ({"lead_source": "fair"}, {"lead_source": "fair"}),
        (None, None),
    ],
)
def test_json_in_a_string_is_decoded_and_anything_else_is_left(
    value: object, decoded: object
) -> None:
    """What a sender attached may be of any form, and must not cost the event."""
    assert decode_json(value) == decoded


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ([{"name": "a", "value": "1"}, {"Name": "b", "Value": 2}], {"a": "1", "b": 2}),
        ([{"name": "a", "value": "1"}, {"name": "a", "value": "2"}], {"a": "2"}),
        ([{"name": "a"}, {"name": 5, "value": "x"}, "text"], {"a": None}),
        (["lead_source:fair"], ["lead_source:fair"]),
        ({"a": "1"}, {"a": "1"}),
        ([], []),
        (None, None),
    ],
)
def test_a_list_of_names_and_values_is_an_object(value: object, named: object) -> None:
    assert by_name(value) == named
