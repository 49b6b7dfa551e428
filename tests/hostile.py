"""Texts that make a careless reader slow, and how much more a longer one costs.

They are made of the pieces for which readers look, each repeated: a backtracking expression
that begins again at every one of them needs time that grows with the square of the length.
"""

import time
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

type Segments = Sequence[tuple[str, int]]
"""Pieces, and how many parts of a text each of them fills."""

PIECES = (
    *(" ", "a", "1", "4", "5", ".", "..", "-", "_", "'", '"', '\\"', "\\", "@", "/", "é", "\u0301"),
    *("<", ">", "(", ")", "[", "]", ":", ";", ",", "#", "=?", "?=", "\u0315\u0300", "\n", "Σ"),
    *("<4", "<550 ", "-> 450 ", "said: ", "said: 550 ", "error 550-'", "host ", "host a [1]: "),
    *(
        "smtp;",
        "550 ",
        "550-",
        "421 ",
        " 421-",
        "5.1.1",
        "#5.1.1 ",
        "4.4.",
        "cuda_nsu ",
        "SMTP error: ",
    ),
    *("a@", '"a"@', '"@', "a.", "a.de", "a.de,", "a.com/", "://", "http", "com", "mail from:"),
    *("(in reply to DATA command)", "Requested action not taken: mailbox unavailable"),
    *(",@ said: ", " a.b@[", "=?utf-8?q?a?=", "rfc822;", "mailto:", "<a@example.com>"),
)
SEGMENTS = st.lists(st.tuples(st.sampled_from(PIECES), st.integers(0, 5)), min_size=1, max_size=5)


def fill(segments: Segments, length: int) -> str:
    """A text of this length; a piece that fills no part of it stands there once."""
    parts = sum(share for _, share in segments) or 1
    room = length - sum(len(piece) for piece, share in segments if not share)
    return "".join(
        piece * max(1, room * share // parts // len(piece)) for piece, share in segments
    )[:length]


def seconds(work: Callable[[str], object], text: str) -> float:
    """Processor time of one call: the least of several, which other load distorts little."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        work(text)
        best = min(best, time.process_time() - start)
    return best


SLACK = 0.001
"""Seconds that other load may add to the least of several runs."""


def assert_no_worse_than_threefold(
    work: Callable[[str], object], segments: Segments, length: int
) -> None:
    """Each doubling up to `length` costs three times the time at most.

    Twice would do for what is linear, so this leaves room; what is quadratic takes 64 times
    the time for eight times the text, and 27 times are allowed.
    """
    least = seconds(work, fill(segments, length // 8))
    most = seconds(work, fill(segments, length))
    assert most <= 27 * least + SLACK, f"{least * 1e3:.2f} ms became {most * 1e3:.2f} ms"
