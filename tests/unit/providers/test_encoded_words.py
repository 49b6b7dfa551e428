"""Encoded words of RFC 2047 in header values."""

import codecs
import tracemalloc

import pytest

from bounceledger.providers.encoded_words import CHARSETS, decode_words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe_aus?=", "Grüße aus"),
        ("=?UTF-8?B?R3LDvMOfZQ==?= aus =?iso-8859-1?Q?M=FCnchen?=", "Grüße aus München"),
        # what one word cannot hold goes on in the next
        ("=?utf-8?q?Mes?=\r\n =?utf-8?q?se?=", "Messe"),
        ("a =?utf-8?q?b?= =?utf-8?q?c?= d", "a bc d"),
        # RFC 2231 adds a language
        ("=?us-ascii*en?q?fair?=", "fair"),
        ("=?koi8-r?b?1sXOyQ==?=", "жени"),
        ("=?utf-8?q?=FF?=", "\ufffd"),
    ],
)
def test_encoded_words_are_decoded(value: str, text: str) -> None:
    assert decode_words(value) == text


@pytest.mark.parametrize(
    "value",
    [
        "=?é?q?abc?=",
        "=?x?z?abc?=",
        "=?utf-8?z?abc?=",
        "=?utf-8?q?é?=",
        "=?utf-8?b?a?=",
        "=?utf-8?q?a?b",
        "=?rot13?q?abc?=",
        "=?unknown-8bit?q?=FF?=",
        "=?=?=?=?",
        "=?",
    ],
)
def test_what_is_not_valid_stays(value: str) -> None:
    assert decode_words(value) == value


@pytest.mark.parametrize("charset", sorted(CHARSETS))
def test_every_character_set_can_be_read(charset: str) -> None:
    assert codecs.lookup(charset)
    assert decode_words(f"=?{charset}?q?fair?=") == "fair"


def test_made_up_character_sets_fill_no_memory() -> None:
    """Python remembers every name of a codec that it was asked for."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(5000):
        decode_words(f"=?made-up-{number}?q?a?=")
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert after - before < 100_000
