"""What ``make deploy`` asks of the SAM CLI, seen by one that only says so."""

import subprocess
from pathlib import Path

import pytest

from tests.unit.project.modules import ROOT

SAY = """#!/bin/sh
echo "region=$AWS_DEFAULT_REGION"
for argument in "$@"; do echo "<$argument>"; done
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The folders that make would install, with a SAM CLI that prints how it was called."""
    for name in ("sam/bin", "ministack", "venv/bin"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("sam", "ministack", "venv"):
        (tmp_path / name / ".ready").touch()
    sam = tmp_path / "sam/bin/sam"
    sam.write_text(SAY)
    sam.chmod(0o755)
    return tmp_path


def deploy(tools: Path, *variables: str, **environment: str) -> list[str]:
    """What ``sam deploy`` was called with, and the region that it sees."""
    folders = (f"TOOLS={tools}", f"VENV={tools / 'venv'}")
    result = subprocess.run(
        ["make", "--silent", "deploy", *folders, *variables],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = result.stdout.splitlines()
    return lines[lines.index("<deploy>") - 1 :]


def test_the_region_alone_is_enough(tools: Path) -> None:
    """SAM reads only the other variable."""
    # WHEN AWS_REGION is set, alone or beside AWS_DEFAULT_REGION
    alone = deploy(tools, AWS_REGION="eu-west-1")
    both = deploy(tools, AWS_REGION="eu-west-1", AWS_DEFAULT_REGION="us-east-1")

    # THEN that is where SAM deploys, with what samconfig.toml says and nothing else
    assert alone == both == ["region=eu-west-1", "<deploy>"]


def test_stack_tags_and_parameters_reach_sam(tools: Path) -> None:
    # WHEN all are given, a value with a blank and an empty one in quotes
    said = deploy(
        tools,
        "STACK=mail-eu",
        "TAGS=team=mail cost-center=42",
        "PARAMETERS=RecheckSchedule='\"rate(6 hours)\"' ExistingTableName='\"\"' ApiRate=5",
        AWS_REGION="eu-west-1",
    )

    # THEN SAM gets each as one argument
    assert said[1:] == [
        "<deploy>",
        *("<--stack-name>", "<mail-eu>"),
        *("<--tags>", "<team=mail>", "<cost-center=42>"),
        "<--parameter-overrides>",
        *('<RecheckSchedule="rate(6 hours)">', '<ExistingTableName="">', "<ApiRate=5>"),
    ]
