"""Texts that make a careless reader slow, and how much more a longer one costs.

They are made of the pieces for which readers look, each repeated, or several of them joined and
then repeated: a backtracking expression that begins again at every one of them needs time that
grows with the square of the length.
"""

import heapq
import time
from collections.abc import Callable, Sequence
from itertools import product

from hypothesis import strategies as st

type Segments = Sequence[tuple[str, int]]
"""Units of one or several pieces, and how many parts of a text each of them fills."""

PIECES = (
    *(" ", "a", "1", "4", "5", ".", "..", "-", "_", "'", '"', '\\"', "\\", "@", "/", "é", "\u0301"),
    *("<", ">", "(", ")", "[", "]", ":", ";", ",", "#", "=?", "?=", "\u0315\u0300", "\n", "Σ"),
    *(
        "4.",
        "<4.",
        "<4",
        "<550 ",
        "-> 450 ",
        "said: ",
        "said: 550 ",
        "error 550-'",
        "host ",
        "host a [1]: ",
    ),
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
_UNITS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)
SEGMENTS = st.lists(st.tuples(_UNITS, st.integers(0, 5)), min_size=1, max_size=5)


def fill(segments: Segments, length: int) -> str:
    """A text of this length; a unit that fills no part of it stands there once."""
    parts = sum(share for _, share in segments) or 1
    room = length - sum(len(unit) for unit, share in segments if not share)
    return "".join(unit * max(1, room * share // parts // len(unit)) for unit, share in segments)[
        :length
    ]


def slowest(work: Callable[[str], object], length: int, *, keep: int = 20) -> list[Segments]:
    """Those texts of one repeated unit that take longest, of all units of two pieces.

    The slowest of these are tried with each piece as the unit's third, and then with each piece in
    front of the text.
    """

    def cost(segments: Segments) -> float:
        return seconds(work, fill(segments, length), runs=2)

    pairs: list[Segments] = [[(a + b, 1)] for a, b in product(PIECES, repeat=2)]
    found = heapq.nlargest(keep, pairs, key=cost)
    found += [[(unit + piece, 1)] for [(unit, _)] in found for piece in PIECES]
    found = heapq.nlargest(keep, found, key=cost)
    found += [[(piece, 0), *segments] for segments in found for piece in PIECES]
    return heapq.nlargest(keep, found, key=cost)


def seconds(work: Callable[[str], object], text: str, *, runs: int = 5) -> float:
    """Processor time of one call: the least of several, which other load distorts little."""
    best = float("inf")
    for _ in range(runs):
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
