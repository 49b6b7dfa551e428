"""Imports point one way, pure modules stay pure, and a cold start loads no more than it must."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LAYER = ROOT / "layers/shared/bounceledger"

RANKS = (
    {"errors", "events", "verdict"},
    {"policy", "addresses", "reference"},
    {"settings", "observe"},
    {"classify", "state", "providers"},
    {"ledger", "queues"},
    {"domains"},
    {"envelope"},
    {"intake", "api"},
)
"""Modules of the layer; each may import only from the rows above its own."""

PURE = {"events", "verdict", "addresses", "classify", "state"}
"""Modules that import the standard library only, but for what `ENGINES` grants."""

ENGINES = {"classify": {"re2"}, "addresses": {"idna"}}

ONLY_HERE = {
    "boto3": {"ledger"},
    "botocore": {"ledger", "queues", "domains"},
    "dns": {"domains"},
    "publicsuffixlist": {"domains"},
    "aws_lambda_powertools": {"observe"},
}
"""Which modules of the layer may import a package."""


def module_of(path: Path) -> str:
    return path.relative_to(LAYER).parts[0].removesuffix(".py")


def sources() -> list[Path]:
    return [path for path in sorted(LAYER.rglob("*.py")) if path != LAYER / "__init__.py"]


def imports(path: Path, *, only_at_top: bool = False) -> Iterator[str]:
    """Dotted names that a file imports, those for type checkers left out."""
    tree = ast.parse(path.read_text())
    checking = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in tree.body if only_at_top else ast.walk(tree):
        if node in checking:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "bounceledger":
            yield from (f"bounceledger.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def rank_of(module: str) -> int:
    return next(rank for rank, modules in enumerate(RANKS) if module in modules)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(LAYER)))
def test_imports_point_one_way(path: Path) -> None:
    # GIVEN a module of the layer
    own = module_of(path)

    # WHEN its imports from the layer are read
    others = {
        name.split(".")[1]
        for name in imports(path)
        if name.startswith("bounceledger.") and name.split(".")[1] != "__version__"
    } - {own}

    # THEN each stands in a row above its own
    assert {other for other in others if rank_of(other) >= rank_of(own)} == set()


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(LAYER)))
def test_packages_are_imported_where_they_belong(path: Path) -> None:
    # GIVEN a module of the layer and what it imports from outside
    own = module_of(path)
    packages = {name.split(".")[0] for name in imports(path)} - {"bounceledger"}
    foreign = packages - sys.stdlib_module_names

    # THEN a pure module imports nothing but its engine
    if own in PURE:
        assert foreign <= ENGINES.get(own, set())

    # AND packages with a place of their own are imported nowhere else
    assert {package for package in foreign if own not in ONLY_HERE.get(package, {own})} == set()


def test_dns_and_idna_are_loaded_on_demand_only() -> None:
    # WHEN the top-level imports of the whole layer are read
    loaded = {name.split(".")[0] for path in sources() for name in imports(path, only_at_top=True)}

    # THEN what few invocations need is not among them
    assert loaded.isdisjoint({"dns", "idna", "publicsuffixlist", "tomllib"})


NEVER_AT_START = {"pydantic", "moto", "rich", "requests", "jsonschema", "aws_xray_sdk"}

FORBIDDEN = {
    "ingest": {"dns", "idna", "publicsuffixlist", "aws_lambda_powertools.event_handler"},
    "lookup": {"dns", "idna", "publicsuffixlist", "re2", "bounceledger.classify.engine"},
    "outbox": {"dns", "idna", "publicsuffixlist", "aws_lambda_powertools.event_handler"},
    "recheck": {"dns", "idna", "publicsuffixlist", "re2", "bounceledger.classify.engine"},
    "probe_domain": {"aws_lambda_powertools.event_handler", "re2", "bounceledger.classify.engine"},
}
"""What the cold start of each function must not load."""

FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_cold_start_loads_no_more_than_it_must(function: str) -> None:
    # GIVEN a fresh interpreter as Lambda starts one
    script = "import json, sys, app; print(json.dumps(sorted(sys.modules)))"

    # WHEN it imports the function
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT / "functions" / function,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "PYTHONPATH": str(ROOT / "layers/shared"),
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(result.stdout))

    # THEN nothing is loaded that only others need
    forbidden = NEVER_AT_START | FORBIDDEN[function]
    assert {name for name in forbidden if name in loaded} == set()
