"""``make local``: up until interrupted, and nothing left behind."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.stack import EMULATOR_PYTHON, LOCAL, ROOT, SAM

STACK_FILE = LOCAL / "stack.json"


def processes_with(text: str) -> list[str]:
    """Command lines of running processes that hold a text in line or environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            content = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in content:
            found.append(content.split(b"\0")[0].decode(errors="replace"))
    return found


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    "endings",
    [
        pytest.param((signal.SIGINT, signal.SIGINT, signal.SIGINT), id="impatient Ctrl-C"),
        pytest.param((signal.SIGTERM,), id="kill"),
        pytest.param((signal.SIGHUP,), id="closed terminal"),
    ],
)
@pytest.mark.slow
def test_an_interrupt_leaves_no_process_behind(endings: tuple[signal.Signals, ...]) -> None:
    """However "make local" ends, it cleans up."""
    if not (SAM.exists() and EMULATOR_PYTHON.exists()):
        pytest.skip("the SAM CLI and the emulator are not installed: make tools")

    # GIVEN `make local` that is up
    STACK_FILE.unlink(missing_ok=True)
    local = subprocess.Popen(
        [sys.executable, "-m", "tools.demo", "--keep-running"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not STACK_FILE.exists() and time.monotonic() < deadline and local.poll() is None:
        time.sleep(0.2)
    stack = json.loads(STACK_FILE.read_text())
    port = stack["endpoint_url"].rpartition(":")[2]
    assert processes_with(f"GATEWAY_PORT={port}")

    # WHEN it is interrupted
    for ending in endings:
        local.send_signal(ending)
        time.sleep(0.15)

    # THEN it ends well, and so does everything that it started
    assert local.wait(timeout=30) == 0
    assert processes_with(f"GATEWAY_PORT={port}") == []
    assert not STACK_FILE.exists()
