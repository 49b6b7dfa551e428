"""No text of a stranger's makes the parser slow."""

import pytest
from hypothesis import example, given, settings

from bounceledger.classify.masking import MAX_MATCHED_TEXT, matchable
from bounceledger.classify.reply import MAX_PARSED_DIAGNOSTIC, parse_reply
from tests.hostile import PIECES, SEGMENTS, Segments, assert_no_worse_than_threefold

LOOKS_FOR_AN_ADDRESS = [(" ", 1), ("a", 1), (",@ said: ", 0)]


@given(segments=SEGMENTS)
@example(segments=LOOKS_FOR_AN_ADDRESS)
@example(segments=[("<450 ", 0), (" ", 1), ("x", 0)])
@example(segments=[("<450 ", 0), ("Σ4.<4.", 1)])
@settings(max_examples=60, deadline=None)
def test_parsing_a_reply_takes_time_in_proportion_to_its_length(segments: Segments) -> None:
    assert_no_worse_than_threefold(parse_reply, segments, MAX_PARSED_DIAGNOSTIC)


@given(segments=SEGMENTS)
@example(segments=LOOKS_FOR_AN_ADDRESS)
@example(segments=[('"', 1), ('"@', 0)])
@example(segments=[("a", 0), ("\u0315\u0300", 1)])
@example(segments=[("Σ", 0), ("com..", 1)])
@settings(max_examples=60, deadline=None)
def test_masking_takes_time_in_proportion_to_the_length(segments: Segments) -> None:
    assert_no_worse_than_threefold(matchable, segments, MAX_MATCHED_TEXT)


@pytest.mark.parametrize("piece", PIECES)
def test_no_piece_by_itself_is_slow(piece: str) -> None:
    # GIVEN a text of one piece again and again, also with something else around it
    for segments in ([(piece, 1)], [("550 a", 0), (piece, 1), ("@", 0)]):
        # THEN time grows no faster than the text
        assert_no_worse_than_threefold(parse_reply, segments, MAX_PARSED_DIAGNOSTIC)
        assert_no_worse_than_threefold(matchable, segments, MAX_MATCHED_TEXT)
