"""The Python modules of layer, functions, client and command line, and what they import."""

import ast
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
LAYER = ROOT / "layers/shared/bounceledger"
CLI = ROOT / "cli/bounceledger_cli"
CLIENT = ROOT / "client/bounceledger_client"
FUNCTIONS = ROOT / "functions"

type Graph = Mapping[str, Collection[str]]
"""From each module to those that it imports."""


def files() -> dict[str, Path]:
    """Every module's dotted name and file; functions are ``functions.NAME``."""
    found = {}
    for package in (LAYER, CLIENT, CLI):
        for path in sorted(package.rglob("*.py")):
            parts = path.relative_to(package.parent).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    for path in sorted(FUNCTIONS.glob("*/app.py")):
        found[f"functions.{path.parent.name}"] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax tree, parsed once."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_names(path: Path, *, only_at_top: bool = False) -> Iterator[str]:
    """Dotted names that a file imports, such as ``bounceledger.state.decide``.

    Args:
        path: the file.
        only_at_top: leave out what is imported inside functions or for type checkers only.
    """
    for node in tree(path).body if only_at_top else ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def type_checking_names(path: Path) -> set[str]:
    """The part of `imported_names` that stands under ``if TYPE_CHECKING``."""
    guarded = [
        node
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    return {
        f"{inner.module}.{alias.name}"
        for node in guarded
        for inner in ast.walk(node)
        if isinstance(inner, ast.ImportFrom)
        for alias in inner.names
    } | {
        alias.name
        for node in guarded
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import)
        for alias in inner.names
    }


@cache
def import_graph() -> Graph:
    """Imports among the modules of `files`.

    Imports inside functions and those for type checkers count, since a reader has to follow
    them like any other. The package of an imported submodule does not: its ``__init__`` may
    import the submodules that import each other.
    """
    modules = files()
    return {
        name: {
            found
            for imported in imported_names(path)
            if (found := _module_of(imported, modules)) is not None
        }
        for name, path in modules.items()
    }


def _module_of(imported: str, modules: Collection[str]) -> str | None:
    """The module that a dotted name is or stands in; None for another package's."""
    if imported in modules:
        return imported
    parent = imported.rpartition(".")[0]
    return parent if parent in modules else None


def cycles(graph: Graph) -> list[list[str]]:
    """Strongly connected components of more than one module, or of one that imports itself.

    Tarjan's algorithm; recursion is as deep as the longest chain of imports.
    """
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = lowest[module] = len(index)
        path.append(module)
        for other in graph[module]:
            if other not in index:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in path:
                lowest[module] = min(lowest[module], index[other])
        if lowest[module] == index[module]:
            component = path[path.index(module) :]
            del path[path.index(module) :]
            if len(component) > 1 or module in graph[module]:
                found.append(sorted(component))

    for module in graph:
        if module not in index:
            visit(module)
    return found


def room_of(module: str) -> str:
    """The first part of a layer module's name; else ``functions``, ``client`` or ``cli``."""
    package, _, rest = module.partition(".")
    if package == "bounceledger":
        return rest.partition(".")[0]
    return {
        "functions": "functions",
        "bounceledger_client": "client",
        "bounceledger_cli": "cli",
    }[package]


def strings(path: Path) -> Iterator[str]:
    """String literals of a file, and the constant parts of f-strings; no docstrings."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.Constant(value=str(text)) if node not in _docstrings(path):
                yield text


@cache
def _docstrings(path: Path) -> frozenset[ast.AST]:
    """Strings that are statements of their own."""
    return frozenset(
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def identifiers(path: Path) -> Iterator[str]:
    """Names of variables, attributes, arguments, functions and classes in a file."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.keyword(arg=str(name)) | ast.alias(name=name):
                yield name
