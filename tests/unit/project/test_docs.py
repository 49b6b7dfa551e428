"""What the documents promise exists."""

import re
import subprocess
from pathlib import Path

import pytest

from bounceledger.classify.meanings import MEANINGS
from bounceledger.state import DOMAIN_POLICY, DomainVerdict, Needs
from bounceledger.verdict import DISPOSITIONS, Category

ROOT = Path(__file__).parents[3]
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("client/*.md"),
    *ROOT.glob("events/**/README.md"),
    *ROOT.glob("examples/*.md"),
]

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TARGET = re.compile(r"^ *make ((?:[a-z]+ ?)+)", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """A link leads to a file of the project and, where it names a heading, to that heading."""
    for file, heading in LINK.findall(document.read_text()):
        target = document.parent / file if file else document
        assert target.exists(), file
        assert not heading or heading in anchors(target), f"{file}#{heading}"


def anchors(document: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    titles = (re.sub(r"[`*]", "", title).lower() for title in HEADING.findall(document.read_text()))
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_shown_are_targets(document: Path) -> None:
    # GIVEN the make commands that a document shows
    makefile = (ROOT / "Makefile").read_text()
    shown = {name for line in TARGET.findall(document.read_text()) for name in line.split()}

    # THEN make knows each
    assert {name for name in shown if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


def test_the_page_on_domains_has_every_row_of_the_policy() -> None:
    """The table that people read is the one that decides, reason included."""
    page = (ROOT / "docs/domains.md").read_text()
    for (claim, verdict), ruling in DOMAIN_POLICY.items():
        said = "any" if verdict is DomainVerdict.UNKNOWN else f"`{claim}`"
        needs = f", needs {ruling.needs}" if ruling.needs is not Needs.NOTHING else ""
        effect = f"`{ruling.effect.name}`{needs}"
        row = f"| {said} | `{verdict}` | {effect} | {ruling.because} |"
        assert row in page


def test_the_page_on_rules_has_every_category() -> None:
    """The table that people read has the dispositions and meanings that are in force."""
    # GIVEN the rows under the heading "Categories"
    section = (ROOT / "docs/rules.md").read_text().split("\n## Categories\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]

    # THEN there is one for each category, in the order of the code, and no other
    assert rows == [
        f"| `{category}` | {DISPOSITIONS[category]} | {MEANINGS[category].meaning} |"
        for category in Category
    ]


PIN = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s@/;]+)"
    r"(?: ; [a-z_]+ [!<=>]+ '[^']*'(?: (?:and|or) .*)?)?"
)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def requirement_files() -> list[Path]:
    """Every requirement file that is installed from."""
    return [*ROOT.glob("requirements/*.txt"), ROOT / "layers/shared/requirements.txt"]


def requirements(path: Path) -> list[list[str]]:
    """The words of each requirement: what is required, then its options."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", "")
    return [re.split(r"\s{4,}", line) for line in joined.splitlines()]


def pins(path: Path) -> dict[str, str]:
    """The versions in a requirement file, by name."""
    found = filter(None, (PIN.match(required) for required, *_ in requirements(path)))
    return {pin["name"]: pin["version"] for pin in found}


@pytest.mark.parametrize("path", requirement_files(), ids=lambda path: path.stem)
def test_requirement_files_pin_versions_and_hashes_and_name_no_address(path: Path) -> None:
    """What is tested is what is installed, from whatever index."""
    # GIVEN the requirements of a file
    entries = requirements(path)
    assert entries

    # THEN each is a pin with hashes and without any other option, such as an index
    for required, *options in entries:
        assert PIN.fullmatch(required.strip()), required
        assert options, required
        for option in options:
            assert HASH.fullmatch(option.strip()), option


def test_pip_verifies_hashes_wherever_the_project_installs_requirements() -> None:
    """One requirement without a hash, and pip would accept any file for it."""
    # GIVEN every recipe that installs from a requirement file
    makefiles = (ROOT / "Makefile", ROOT / "layers/shared/Makefile")
    text = "".join(path.read_text() for path in makefiles).replace("\\\n", "")
    installs = [line for line in text.splitlines() if re.search(r" install .*requirement", line)]
    assert len(installs) >= 3

    # THEN each requires them
    assert [line for line in installs if "--require-hashes" not in line] == []


def test_the_layer_and_the_checkout_run_the_same_versions() -> None:
    # GIVEN the layer's pins and those of the development environment
    layer = pins(ROOT / "layers/shared/requirements.txt")
    checkout = pins(ROOT / "requirements/dev.txt")
    assert layer

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


def test_the_issue_form_offers_every_category() -> None:
    """Whoever reports a wrong verdict can choose the right one."""
    form = (ROOT / ".github/ISSUE_TEMPLATE/wrong-verdict.yml").read_text()

    assert [c.value for c in Category if f"- {c.value} (" not in form] == []


def test_the_first_suppression_takes_ten_commands() -> None:
    # GIVEN the first commands that the page for operators shows
    page = (ROOT / "docs/operations.md").read_text()
    commands = page.split("```sh\n")[1].split("```")[0].splitlines()

    # THEN there are ten: every other line goes on with the one before
    assert len([line for line in commands if not line.startswith(" ")]) == 10
