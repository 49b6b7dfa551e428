"""The policy's page names every threshold as people set it, and impossible ones are rejected."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from bounceledger.errors import SettingsError
from bounceledger.policy import Policy

ROOT = Path(__file__).parents[2]
POLICY_PAGE = ROOT / "docs/policy.md"
TEMPLATE = ROOT / "template.yaml"


@pytest.mark.parametrize("field", fields(Policy), ids=lambda field: field.name)
def test_every_threshold_is_in_the_docs_with_its_default(field: Any) -> None:
    """The page's table of thresholds cannot go out of date."""
    name, default = field.name, field.default
    text = str(default).lower() if isinstance(default, bool) else str(default)
    if isinstance(default, tuple):
        text = ",".join(map(str, default))
    parameter = name.title().replace("_", "")
    is_parameter = f"\n  {parameter}:\n" in TEMPLATE.read_text()
    assert (
        f"| `{parameter if is_parameter else name.upper()}` | {text} |" in POLICY_PAGE.read_text()
    )


@pytest.mark.parametrize("gaps", [(), (3, 1), (1, 1)], ids=str)
def test_gaps_between_looks_must_grow(gaps: tuple[int, ...]) -> None:
    """The gap is chosen by how long a domain has been dead, so each must be longer."""
    with pytest.raises(SettingsError, match="RECHECK_GAPS"):
        Policy(recheck_gaps=gaps)
