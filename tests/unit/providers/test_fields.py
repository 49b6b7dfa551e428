"""Readers for the fields of a provider's JSON."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.providers.fields import parse_timestamp


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-15T10:00:05Z", datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)),
        ("2026-01-15T10:00:05.25Z", datetime(2026, 1, 15, 10, 0, 5, 250_000, tzinfo=UTC)),
        ("2026-01-15T10:00:05.123456789Z", datetime(2026, 1, 15, 10, 0, 5, 123_456, tzinfo=UTC)),
        ("2026-01-15T10:00:05-07:00", datetime(2026, 1, 15, 17, 0, 5, tzinfo=UTC)),
        ("2026-01-15T10:00:05 -0700", datetime(2026, 1, 15, 17, 0, 5, tzinfo=UTC)),
        ("2026-01-15 10:00:05 +00:00", datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)),
        ("2026-01-15T10:00:05", datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)),
        (" 2026-01-15t10:00z ", datetime(2026, 1, 15, 10, 0, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_aws_writes_them(text: str, moment: datetime) -> None:
    """Offsets, fractions and spaces differ from service to service."""
    assert parse_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "1768471206",
        "2026-01-15",
        "2026-13-45T10:00:00Z",
        "2026-01-15T25:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "२०२६-01-15T10:00:05Z",
    ],
)
def test_what_is_not_a_time_is_refused(text: str) -> None:
    """A clock that cannot be read must not choose the counter's day."""
    with pytest.raises(ValueError, match=r"."):
        parse_timestamp(text)


@given(st.text(alphabet="0123456789-:.,TZ+ "))
def test_any_string_is_a_time_or_a_value_error(text: str) -> None:
    """Nothing else is raised, and every time is in UTC."""
    try:
        moment = parse_timestamp(text)
    except ValueError:
        return

    assert moment.tzinfo is UTC
