"""The policy's page names every threshold."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from bounceledger.policy import Policy

POLICY_PAGE = Path(__file__).parents[2] / "docs/policy.md"


@pytest.mark.parametrize("field", fields(Policy), ids=lambda field: field.name)
def test_every_threshold_is_in_the_docs_with_its_default(field: Any) -> None:
    """The page's table of thresholds cannot go out of date."""
    name, default = field.name, field.default
    text = str(default).lower() if isinstance(default, bool) else str(default)
    if isinstance(default, tuple):
        text = ",".join(map(str, default))
    assert f"| `{name.upper()}` | {text} |" in POLICY_PAGE.read_text()
