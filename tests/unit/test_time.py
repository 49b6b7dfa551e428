"""No field of a stranger's makes a reader slow."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings

from bounceledger.addresses import (
    MAX_TEXT,
    clean_lead_source,
    mask_addresses,
    normalise_address,
    normalise_domain,
)
from bounceledger.errors import AddressError
from bounceledger.providers.encoded_words import decode_words
from bounceledger.providers.fields import MAX_STRING, clean_kind, parse_timestamp
from bounceledger.providers.ses_lead_source import MAX_HEADER
from bounceledger.providers.ses_recipients import MAX_REPORTED_DIAGNOSTIC
from tests.hostile import SEGMENTS, Segments, assert_no_worse_than_threefold


def lenient(read: Callable[[str], object]) -> Callable[[str], object]:
    """A reader for which it is all the same whether a text can be read."""

    def work(text: str) -> None:
        try:
            read(text)
        except (AddressError, ValueError):
            return

    return work


READERS: dict[str, tuple[Callable[[str], object], int]] = {
    "address": (lenient(normalise_address), MAX_TEXT),
    "domain": (lenient(normalise_domain), MAX_TEXT),
    "lead source": (clean_lead_source, MAX_TEXT),
    "addresses in a reply": (
        lambda text: mask_addresses(text, keep="a@example.com"),
        MAX_REPORTED_DIAGNOSTIC,
    ),
    "header": (decode_words, MAX_HEADER),
    "timestamp": (lenient(parse_timestamp), MAX_STRING),
    "kind": (clean_kind, MAX_STRING),
}


@pytest.mark.parametrize("reader", READERS)
@given(segments=SEGMENTS)
@example(segments=[('"', 0), ('\\"', 1)])
@example(segments=[("a", 0), ("\u0315\u0300", 1), ("@example.com", 0)])
@example(segments=[("=?utf-8?q?a", 1)])
@example(segments=[("<", 1), ("(", 1), ("a@", 1)])
@settings(max_examples=25, deadline=None)
def test_a_field_is_read_in_time_in_proportion_to_its_length(
    reader: str, segments: Segments
) -> None:
    read, length = READERS[reader]
    assert_no_worse_than_threefold(read, segments, length)
