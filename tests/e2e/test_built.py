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

MACHINES = {"x86_64": b"\x3e\x00", "aarch64": b"\xb7\x00"}
"""What ELF files say of the processor that they are for (their field e_machine)."""


@pytest.mark.parametrize(("folder", "deployed_as"), FOLDERS.items(), ids=str)
def test_what_sam_built_has_the_bytecode_of_its_sources(
    folder: Path, deployed_as: str, stack: Stack
) -> None:
    """Also that of the dependencies."""
    assert list(folder.rglob("*.pyc"))
    assert differences(folder, deployed_as) == {}


def test_whatever_is_compiled_in_the_layer_is_there_for_both_architectures(stack: Stack) -> None:
    """The emulator runs one of them only."""
    # GIVEN the shared objects of the layer, by their names without the architecture
    objects: dict[str, set[str]] = {}
    for path in (BUILD / "SharedLayer").rglob("*.so"):
        [architecture] = [name for name in MACHINES if name in path.name]
        objects.setdefault(str(path).replace(architecture, ""), set()).add(architecture)

        # THEN each is for the processor that its name says
        assert path.read_bytes()[:20][-2:] == MACHINES[architecture]

    # AND none lacks an architecture
    assert objects
    assert {name for name, found in objects.items() if found != set(MACHINES)} == set()
