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


def test_a_command_that_is_terminated_leaves_no_file_behind(tmp_path: Path) -> None:
    """A job that is stopped does not fill a folder with unfinished files."""
    # GIVEN a command that has begun to write a file, and the old one
    target = tmp_path / "classified.jsonl"
    target.write_text("old")
    argv = [str(SCRIPT), "classify", "--output", str(target), "--format", "text"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        while len(list(tmp_path.iterdir())) == 1:
            process.stdin.write(b"550 5.1.1 user unknown\n")
            process.stdin.flush()

        # WHEN it is terminated
        process.terminate()
        process.wait()
        process.stdin.close()

    # THEN the exit code says so, and the old file is all that there is
    assert process.returncode == 143
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
