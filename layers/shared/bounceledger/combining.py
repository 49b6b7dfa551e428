"""Limits combining marks, of which a stranger may write any number.

Python brings a run of them into order in time that grows with the square of its length, so a
text is cut down to what is read anyway before it is normalised.
"""

import unicodedata

MAX_MARKS = 30
"""Marks in a row, as in the Stream-Safe Text Format of UAX #15 section 13."""
_SHORT = 256
"""Characters of a text in which the time does not matter."""


def without_stacks(text: str) -> str:
    """A text in which at most `MAX_MARKS` combining marks follow one letter."""
    if len(text) <= _SHORT or text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
