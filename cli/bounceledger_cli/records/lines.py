"""Numbered lines of bounded length."""

from collections.abc import Iterator
from typing import TextIO

from bounceledger_cli.records.record import BadRecord

MAX_LINE = 4 << 20
"""Characters of one line; a longer one is rejected and skipped."""

type Line = tuple[int, str]
"""Number from 1, and the line with its end."""


def read_lines(stream: TextIO, longest: int) -> Iterator[Line | BadRecord]:
    """Lines of `stream` without the byte order mark; those that are too long are rejected."""
    number = 0
    while text := stream.readline(longest):
        number += 1
        if text.endswith("\n") or len(text) < longest:
            yield number, text.removeprefix("\ufeff") if number == 1 else text
            continue
        while len(text) == longest and not text.endswith("\n"):
            text = stream.readline(longest)
        yield BadRecord(number, "", f"is longer than {longest} characters")
