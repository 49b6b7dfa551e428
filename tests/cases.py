"""The cases from public bug reports, kept beside the repository in ``../shared/cases``."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parents[2] / "shared" / "cases" / "cases.jsonl"


@cache
def all_cases() -> dict[str, dict[str, Any]]:
    """Every case by its id; none where the folder is missing."""
    if not CASES.exists():
        return {}
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    return {case["id"]: case for case in cases}


def case(name: str) -> dict[str, Any]:
    """One case; the test is skipped where the folder, or this case, is missing."""
    if name not in all_cases():
        pytest.skip(f"no case {name} in {CASES.parent}")
    return all_cases()[name]
