"""Commands as processes, the way that a shell runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("bounceledger")


@pytest.mark.parametrize(
    "argv",
    [["explain", "521"], ["explain", "550 5.1.1 user unknown"], ["--help"], ["mx", "--help"]],
    ids=" ".join,
)
def test_a_reader_that_is_gone_ends_every_command_alike(argv: list[str]) -> None:
    """`explain X | head -1` ends quietly with 141, as `classify | head -1` does."""
    # GIVEN a pipe that nobody reads
    reader, writer = os.pipe()
    os.close(reader)

    # WHEN a command writes into it
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run([SCRIPT, *argv], stdout=pipe, stderr=subprocess.PIPE, check=False)

    # THEN nothing is said
    assert (done.returncode, done.stderr) == (141, b"")
