"""``make demo-audit`` as it is, and its figures recomputed with pandas."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.recount import figures_of
from tools.stack import ROOT


@pytest.mark.slow
def test_the_verdicts_are_true_and_pandas_finds_the_same_figures(tmp_path: Path) -> None:
    # WHEN the demo runs
    page = tmp_path / "audit.html"
    demo = subprocess.run(
        [
            *(sys.executable, "-m", "tools.demo_audit", "--no-browser"),
            *("--html", page, "--save", tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    # THEN all verdicts are the true ones, and the blocklisting changed none
    assert (demo.returncode, demo.stderr) == (0, "")
    assert "12 of 12 verdicts are the true ones." in demo.stdout
    assert "changed no verdict" in demo.stdout
    assert page.read_text("utf-8").startswith("<!doctype html>")

    # AND the figures are those that pandas finds in the events
    script = Path(__file__).with_name("recount_pandas.py")
    counted = subprocess.run(
        [sys.executable, script, tmp_path / "events.jsonl"],
        capture_output=True,
        text=True,
        check=True,
    )
    audit = json.loads((tmp_path / "audit.json").read_text("utf-8"))
    assert figures_of(audit) == json.loads(counted.stdout)
