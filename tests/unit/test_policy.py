"""The policy's page names every threshold, and impossible ones are rejected."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from bounceledger.errors import SettingsError
from bounceledger.policy import Policy

POLICY_PAGE = Path(__file__).parents[2] / "docs/policy.md"


@pytest.mark.parametrize("field", fields(Policy), ids=lambda field: field.name)
def test_every_threshold_stands_in_the_one_table_with_its_default(field: Any) -> None:
    name, default = field.name, field.default
    text = str(default).lower() if isinstance(default, bool) else str(default)
    if isinstance(default, tuple):
        text = ",".join(map(str, default))
    assert f"| `{name.upper()}` | {text} |" in POLICY_PAGE.read_text()


@pytest.mark.parametrize("gaps", [(), (3, 1), (1, 1)], ids=str)
def test_gaps_between_looks_must_grow(gaps: tuple[int, ...]) -> None:
    """The gap is chosen by how long a domain has been dead, so each must be longer."""
    with pytest.raises(SettingsError, match="RECHECK_GAPS"):
        Policy(recheck_gaps=gaps)
