"""Requests made from openapi.yaml, valid and invalid, get answers as it describes."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tools.openapi import read_source
from tools.stack import Stack

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCHEMATHESIS = ROOT / ".tools/schemathesis/bin/schemathesis"


def test_no_request_gets_an_answer_that_is_not_described(stack: Stack, tmp_path: Path) -> None:
    """All checks of Schemathesis, also for sequences of requests."""
    if not SCHEMATHESIS.exists():
        pytest.skip("Schemathesis is not installed: make e2e installs it")

    # GIVEN the document without its security, since every request is signed here; what is not
    # signed is refused by the emulator in a form of its own
    document = read_source()
    del document["security"], document["components"]["securitySchemes"]
    described = tmp_path / "openapi.json"
    described.write_text(json.dumps(document))

    # WHEN Schemathesis makes requests from it
    result = subprocess.run(
        [
            SCHEMATHESIS, "--no-color", "run", described, "--url", stack.api_url, "--seed", "1",
            "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "25",
            "--checks", "all", "--continue-on-failure", "--request-timeout", "30",
        ],
        cwd=tmp_path,
        env=os.environ
        | {
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "PYTHONPATH": str(Path(__file__).parent),
            "AWS_ACCESS_KEY_ID": stack.access_key_id,
            "AWS_SECRET_ACCESS_KEY": stack.secret_access_key,
            "AWS_DEFAULT_REGION": stack.region,
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    # THEN it finds nothing
    assert result.returncode == 0, result.stdout + result.stderr
