"""Five seconds of fuzzing; `make fuzz` runs longer."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris")

HERE = Path(__file__).parent
SECONDS = 5


@pytest.mark.fuzz
def test_five_seconds_find_nothing(tmp_path: Path) -> None:
    """A short run in every build; a failing input is a bug."""
    # WHEN the fuzzer runs for a short time
    done = subprocess.run(
        [
            sys.executable,
            str(HERE / "fuzz_classify.py"),
            f"-max_total_time={SECONDS}",
            "-max_len=4096",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,  # on a busy machine; the process is killed then, and never left behind
        check=False,
    )

    # THEN it found no input that fails
    assert done.returncode == 0, done.stderr[-4000:]
