"""Worker processes really killed, on a real local DynamoDB behind a failing proxy."""

import pytest

from tests.faults import processes
from tools.stack import EMULATOR_PYTHON


@pytest.mark.skipif(not EMULATOR_PYTHON.exists(), reason="no local emulator: make tools")
def test_killed_processes_leave_the_table_as_if_nothing_had_happened() -> None:
    assert processes.differences(seed=1, size=100) == {}
