"""What bytecode a built folder ships."""

import importlib.util
import marshal
from pathlib import Path
from types import CodeType

HEADER_SIZE = 16
UNCHECKED_HASH = 0b01
"""Flags of bytecode that names its source by hash, and is used without a look at it (PEP 552)."""


def differences(folder: Path, deployed_as: str) -> dict[str, str]:
    """Files of a folder whose bytecode does not belong to them, with what is wrong.

    The hash in unchecked bytecode is compared by nobody when it is loaded, so bytecode of an
    older source would run unnoticed.

    Args:
        folder: a built layer or function.
        deployed_as: where Lambda has its content, such as ``/var/task``.
    """
    wrong = {}
    sources = set(folder.rglob("*.py"))
    for source in sources:
        if problem := _problem(source, f"{deployed_as}/{source.relative_to(folder)}"):
            wrong[str(source.relative_to(folder))] = problem
    expected = {bytecode_of(source) for source in sources}
    for bytecode in set(folder.rglob("*.pyc")) - expected:
        wrong[str(bytecode.relative_to(folder))] = "has no source"
    return wrong


def bytecode_of(source: Path) -> Path:
    """Where this Python looks for the bytecode of a source."""
    return Path(importlib.util.cache_from_source(source))


def _problem(source: Path, deployed: str) -> str | None:
    try:
        content = bytecode_of(source).read_bytes()
    except FileNotFoundError:
        return "has no bytecode"
    if content[:4] != importlib.util.MAGIC_NUMBER:
        return "has bytecode of another Python"
    if int.from_bytes(content[4:8], "little") != UNCHECKED_HASH:
        return "has bytecode that is checked against its source"
    if content[8:HEADER_SIZE] != importlib.util.source_hash(source.read_bytes()):
        return "has bytecode of another source"
    code = marshal.loads(content[HEADER_SIZE:])
    if not isinstance(code, CodeType) or code.co_filename != deployed:
        return "has bytecode that names another file"
    return None
