"""The stored values are those of the pinned scipy and statsmodels."""

import subprocess

import pytest

from tests.unit.audit.references import REFERENCES
from tests.unit.project.modules import ROOT
from tests.unit.project.test_docs import pins

PYTHON = ROOT / ".tools/statistics/bin/python"


def test_the_stored_values_name_the_pinned_versions() -> None:
    """After `make lock`, run tools/audit_references.py with --write."""
    pinned = pins(ROOT / "requirements/statistics.txt")
    assert REFERENCES["versions"] == {name: pinned[name] for name in ("scipy", "statsmodels")}


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.exists(), reason="`make references` installs scipy, 375 MB")
def test_the_stored_values_still_hold() -> None:
    result = subprocess.run(
        [PYTHON, "-m", "tools.audit_references"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "all values still hold\n"), result.stderr
