"""What the documents promise exists."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md")]
DOCUMENTS += ROOT.glob("events/**/README.md")

LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
TARGET = re.compile(r"^ *make ((?:[a-z]+ ?)+)", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    # GIVEN the links of a document to files of the project
    links = LINK.findall(document.read_text())

    # THEN each of them exists
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_shown_are_targets(document: Path) -> None:
    # GIVEN the make commands that a document shows
    makefile = (ROOT / "Makefile").read_text()
    shown = {name for line in TARGET.findall(document.read_text()) for name in line.split()}

    # THEN make knows each
    assert {name for name in shown if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


def test_requirement_files_pin_versions_and_name_no_address() -> None:
    """What is tested is what is installed, from whatever index."""
    # GIVEN every requirement file that is installed from
    files = [*ROOT.glob("requirements/*.txt"), ROOT / "layers/shared/requirements.txt"]
    assert files

    # THEN every line is a pin, a comment or nothing
    for path in files:
        for line in path.read_text().splitlines():
            assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^\s@/]+|#.*|", line), line


def test_the_layer_and_the_checkout_run_the_same_versions() -> None:
    # GIVEN the layer's pins and those of the development environment
    def pins(path: Path) -> dict[str, str]:
        lines = (line.split("==") for line in path.read_text().splitlines() if "==" in line)
        return {name.lower().replace("_", "-"): version for name, version in lines}

    layer = pins(ROOT / "layers/shared/requirements.txt")
    checkout = pins(ROOT / "requirements/dev.txt")

    # THEN what is tested is what is deployed
    assert {name: checkout.get(name) for name in layer} == layer


def test_no_tracked_file_is_a_local_artefact() -> None:
    # GIVEN what git tracks
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()

    # THEN nothing of it was built or installed here
    made = (".venv/", ".tools/", ".local/", ".aws-sam/", "__pycache__/")
    assert [name for name in tracked if name.startswith(made) or "/__pycache__/" in name] == []
