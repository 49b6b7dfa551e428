"""Accuracy that the rules must reach on the labelled replies beside the project."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(
    not (ROOT.parent / "shared" / "corpus").is_dir(), reason="../shared/corpus is not here"
)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_tool", ROOT / "tools" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "recall", "agreement"),
    [("dev", 0.98, 0.95), ("recent_dev", 0.98, 0.95), ("lab_dev", 0.98, 0.93)],
)
def test_the_labelled_half_is_read_nearly_without_mistake(
    tool: ModuleType, name: str, recall: float, agreement: float
) -> None:
    """The rules were written with these replies in view: no live recipient is called dead."""
    result = tool.score(tool.read_rows(name))
    assert result.wrong == 0
    assert result.recall >= recall
    assert result.agreement >= agreement


def test_a_further_right_category_is_right(tool: ModuleType) -> None:
    """Some replies may be read in two ways."""
    row = tool.Row(
        diagnostic="550 Go away",
        hints=tool.Hints(),
        dead=False,
        category="spam_content",
        also_right=("policy",),
    )
    assert tool.score([row]).agreed == 1


def test_replies_from_bug_reports_are_read_right_unless_they_are_arguable(
    tool: ModuleType,
) -> None:
    """docs/accuracy.md explains the arguable ones."""
    _, others = tool.wrong_cases()
    assert [case.diagnostic for case, _ in others if not case.arguable] == []


def test_no_live_address_is_suppressed_by_a_blocklist_reply(tool: ModuleType) -> None:
    for name in tool.NAMES:
        for row in tool.read_rows(name):
            if row.category == "reputation_block":
                assert tool.judge(row).disposition == "block", row.diagnostic


def test_the_521_family_is_all_right(tool: ModuleType) -> None:
    """Every reading of 521 that was seen in the wild."""
    result = tool.score(tool.read_rows("probe_521"))
    assert not result.mistakes
    assert not result.confusions


def test_what_ses_reports_is_never_called_dead_wrongly(tool: ModuleType) -> None:
    """The one that is missed has no diagnostic, Transient/General and 5.0.0: nothing to read."""
    result = tool.score(tool.read_rows("ses_observed"))
    assert result.wrong == 0
    assert [row.diagnostic for row, _ in result.mistakes] == [""]


def test_every_disagreement_with_the_table_of_providers_is_explained(tool: ModuleType) -> None:
    _, others = tool.disagreements()
    unargued = [(row.diagnostic, verdict) for row, verdict in others if not row.explanation]
    assert unargued == []


def test_no_misleading_code_suppresses_a_live_recipient(tool: ModuleType) -> None:
    """Codes whose number says something else than their words."""
    traps = [row for row in tool.read_codes() if row.trap]
    assert len(traps) >= 107
    _, others = tool.disagreements()
    killed = [row.diagnostic for row, verdict in others if verdict.disposition == "hard"]
    assert killed == []


def test_the_report_is_current(tool: ModuleType) -> None:
    """If this fails, "make score" rewrites docs/accuracy.md."""
    assert tool.report() in tool.REPORT.read_text(encoding="utf-8")
