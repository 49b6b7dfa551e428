"""Impossible thresholds are rejected, by name."""

from dataclasses import Field, fields
from typing import Any

import pytest

from bounceledger.audit import AuditThresholds
from bounceledger.errors import SettingsError
from tests.unit.project.modules import ROOT


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"bad_above": 0.02}, "GOOD_BELOW"),
        ({"bad_above": 1.0}, "BAD_ABOVE"),
        ({"good_below": 0.0}, "GOOD_BELOW"),
        ({"good_below": float("nan")}, "GOOD_BELOW"),
        ({"confidence": 1.0}, "CONFIDENCE"),
        ({"confidence": 0.0}, "CONFIDENCE"),
        ({"max_false_bad": 0.0}, "MAX_FALSE_BAD"),
        ({"false_discovery": 1.0}, "FALSE_DISCOVERY"),
        ({"min_addresses": 0}, "MIN_ADDRESSES"),
        ({"watch_above": 0.03}, "WATCH_ABOVE"),
        ({"watch_above": 0.0}, "WATCH_ABOVE"),
    ],
    ids=str,
)
def test_impossible_thresholds_are_rejected(values: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        AuditThresholds(**values)


@pytest.mark.parametrize("field", fields(AuditThresholds), ids=lambda field: field.name)
def test_every_threshold_is_in_the_docs_with_its_default(field: Field[float]) -> None:
    page = (ROOT / "docs/audit.md").read_text()
    assert f"| `{field.name}` | {field.default} |" in page


def test_the_quantile_follows_from_the_confidence() -> None:
    assert AuditThresholds().z == pytest.approx(1.959964, abs=1e-6)
    assert AuditThresholds(confidence=0.99).z == pytest.approx(2.575829, abs=1e-6)
