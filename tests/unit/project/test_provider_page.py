"""What docs/adding-a-provider.md shows works: its example is added to a copy of the project."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import code, page, section
from tools.stack import ROOT

PAGE = "docs/adding-a-provider.md"
PROVIDERS = Path("layers/shared/bounceledger/providers/registry.py")
TEST = Path("tests/unit/providers/test_examplemail.py")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the tests of providers need, with the changes of the page."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("layers/shared/bounceledger", "tests", "tools", "events", "cli", "client"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", copy)
    text = page(PAGE)
    [module] = code(section(text, "The module"), "python")
    [line] = code(section(text, "The line"), "python")
    [test] = code(section(text, "The tests"), "python")
    (copy / PROVIDERS).with_name("examplemail.py").write_text(module, encoding="utf-8")
    (copy / TEST).write_text(test, encoding="utf-8")
    _register(copy / PROVIDERS, line)
    samples = copy / "events/examplemail"
    samples.mkdir()
    for number, sample in enumerate(code(section(text, "A sample request"), "json")):
        (samples / f"{number:02}.json").write_text(sample, encoding="utf-8")
    return copy


def _register(path: Path, line: str) -> None:
    """Add the line of a provider, and the import of its scheme."""
    head, start, rest = path.read_text(encoding="utf-8").partition("] = {\n")
    scheme = line.partition(":")[2].partition("(")[0].strip()
    imported = f"from bounceledger.webhooks.shared_keys import {scheme}\n"
    path.write_text(f"{imported}{head}{start}{line}{rest}", encoding="utf-8")


def run(project: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_passes_its_own_tests_and_those_of_all_providers(project: Path) -> None:
    """As many samples as the page shows, each read by the module that it shows."""
    tests = [
        str(TEST),
        *(f"tests/unit/providers/test_{name}.py" for name in ("samples", "providers")),
    ]

    run(project, "pytest", "-q", "-p", "no:cacheprovider", "-k", "examplemail", *tests)


def test_the_example_is_formatted_and_lints_like_the_rest(project: Path) -> None:
    written = [str((project / PROVIDERS).with_name("examplemail.py")), str(project / TEST)]

    run(project, "ruff", "format", "--check", *written)
    run(project, "ruff", "check", "--no-cache", *written)


def test_the_samples_have_the_form_of_the_others() -> None:
    """Each key of one has a row in events/README.md."""
    described = page("events/README.md")
    samples = [json.loads(one) for one in code(section(page(PAGE), "A sample request"), "json")]

    assert len(samples) >= 3
    assert {key for sample in samples for key in sample if f"`{key}`" not in described} == set()
