"""The log hook for KumoMTA, run by Lua with a stand-in for KumoMTA."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.project.modules import ROOT

LUA = next(filter(None, map(shutil.which, ("lua", "lua5.4", "lua5.3"))), "")
STUB = Path(__file__).with_name("kumomta_stub.lua")


@pytest.mark.skipif(not LUA, reason="Lua is not installed")
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, "accepted"),
        (202, "accepted"),
        (400, "500"),
        (413, "500"),
        (401, "400"),
        (404, "400"),
        (429, "400"),
        (503, "400"),
    ],
)
def test_a_record_is_posted_with_the_secret_and_kept_until_it_is_taken(
    status: int, verdict: str
) -> None:
    """A 4xx makes KumoMTA try again; a 5xx makes it drop the record."""
    # GIVEN the hook, and an API that answers with a status
    # WHEN a record is sent through it
    command = [LUA, str(STUB), str(ROOT / "examples/kumomta.lua"), str(status)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    # THEN it is posted as it is, and what becomes of it depends on the answer
    assert lines == [
        "https://<api>/live/v1/webhooks/kumomta",
        "Bearer secret-of-bounceledger.secret",
        "application/json",
        '{"type":"Bounce"}',
        verdict,
        "Bounce Delivery Expiration TransientFailure",
        "x_lead_source x_lead_date",
    ]
