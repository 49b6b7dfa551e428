"""What `sam build` ships, from the real packages."""

from pathlib import Path

import pytest

from tests.bytecode import differences
from tests.unit.project.cloudformation import of_type
from tools.stack import ROOT, Stack

BUILD = ROOT / ".aws-sam/build"
FOLDERS = {BUILD / name: "/var/task" for name in of_type("AWS::Serverless::Function")} | {
    BUILD / "SharedLayer": "/opt"
}


@pytest.mark.parametrize(("folder", "deployed_as"), FOLDERS.items(), ids=str)
def test_what_sam_built_has_the_bytecode_of_its_sources(
    folder: Path, deployed_as: str, stack: Stack
) -> None:
    """Also that of the dependencies."""
    assert list(folder.rglob("*.pyc"))
    assert differences(folder, deployed_as) == {}


def test_the_layer_has_the_matching_engine_of_both_architectures(stack: Stack) -> None:
    """The emulator runs one of them only."""
    names = {path.name for path in BUILD.glob("SharedLayer/python/re2/*.so")}
    assert {f"_re2.cpython-313-{name}-linux-gnu.so" for name in ("x86_64", "aarch64")} == names
