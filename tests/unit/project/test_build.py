"""`sam build`: which wheels it accepts, and the bytecode that it ships.

The recipes run as SAM runs them, on wheels made here, so that no package index is needed.
`tests/e2e/test_built.py` looks at what SAM itself built.
"""

import base64
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.bytecode import bytecode_of, differences
from tests.unit.project.cloudformation import RESOURCES, of_type
from tests.unit.project.modules import ROOT

LAYER = ROOT / "layers/shared"
ARCHITECTURES = ("x86_64", "aarch64")


def run_make(
    makefile: Path, target: str, source: Path, artifacts: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Build as SAM does: in a copy of the source, with this Makefile and target."""
    artifacts.mkdir(parents=True, exist_ok=True)
    inherited = {name: v for name, v in os.environ.items() if not name.startswith(("PIP_", "MAKE"))}
    return subprocess.run(
        ["make", "--makefile", makefile, target],
        cwd=source,
        env={
            **inherited,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ARTIFACTS_DIR": str(artifacts),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one wheel of a native package for each architecture."""
    folder = tmp_path_factory.mktemp("wheels")
    for architecture in ARCHITECTURES:
        tag = f"cp313-cp313-manylinux_2_28_{architecture}"
        info = "native-1.0.dist-info"
        files = {
            "native/__init__.py": "from native import fast\n",
            f"native/fast.cpython-313-{architecture}-linux-gnu.so": architecture,
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: native\nVersion: 1.0\n",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n",
        }
        record = "".join(f"{name},{_record(text)}\n" for name, text in files.items())
        with zipfile.ZipFile(folder / f"native-1.0-{tag}.whl", "w") as wheel:
            for name, text in files.items():
                wheel.writestr(name, text)
            wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return folder


def _record(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256={digest.rstrip(b'=').decode()},{len(text)}"


def hash_of(wheels: Path, architecture: str) -> str:
    [wheel] = wheels.glob(f"*_{architecture}.whl")
    return "sha256:" + hashlib.sha256(wheel.read_bytes()).hexdigest()


def build_layer(
    source: Path, artifacts: Path, wheels: Path, *hashes: str
) -> subprocess.CompletedProcess[str]:
    """Build the layer from a folder, with the native package pinned by these hashes."""
    pins = ["native==1.0", *(f"--hash={value}" for value in hashes)]
    (source / "requirements.txt").write_text(" \\\n    ".join(pins) + "\n")
    return run_make(
        LAYER / "Makefile",
        "build-SharedLayer",
        source,
        artifacts,
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(wheels),
    )


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """The layer as it is built, but with the native package as its only dependency."""
    # GIVEN a copy of the layer in which an older source left its bytecode
    source = tmp_path_factory.mktemp("source") / "shared"
    shutil.copytree(LAYER, source, ignore=shutil.ignore_patterns("__pycache__"))
    bytecode = bytecode_of(source / "bounceledger/errors.py")
    bytecode.parent.mkdir()
    py_compile.compile(str(source / "bounceledger/events.py"), cfile=str(bytecode))

    # WHEN it is built with the right hashes
    artifacts = tmp_path_factory.mktemp("artifacts")
    result = build_layer(
        source, artifacts, wheels, *(hash_of(wheels, name) for name in ARCHITECTURES)
    )
    assert result.returncode == 0, result.stderr
    return artifacts / "python"


# ------------------------------------------------------------------------------- wheels


def test_the_layer_holds_the_wheels_of_both_architectures(layer: Path) -> None:
    """One layer serves both, so that each build verifies all wheels."""
    objects = {path.name for path in (layer / "native").glob("*.so")}
    assert objects == {f"fast.cpython-313-{name}-linux-gnu.so" for name in ARCHITECTURES}


def test_the_layer_holds_nothing_that_only_its_build_needs(layer: Path) -> None:
    assert {"bounceledger", "native"} <= {path.name for path in layer.iterdir()}
    assert not (layer / "Makefile").exists()
    assert not (layer / "requirements.txt").exists()


@pytest.mark.parametrize("wrong", ARCHITECTURES)
@pytest.mark.parametrize("instead", [(), ("sha256:" + "0" * 64,)], ids=["missing", "wrong"])
def test_a_wheel_without_its_hash_fails_the_build(
    wrong: str, instead: tuple[str, ...], wheels: Path, tmp_path: Path
) -> None:
    """Whichever architecture is deployed: SAM's own builder checks those of its platform only."""
    # GIVEN requirements that lack the right hash of one architecture's wheel
    source = tmp_path / "source"
    source.mkdir()
    [right] = set(ARCHITECTURES) - {wrong}

    # WHEN the layer is built
    result = build_layer(source, tmp_path / "built", wheels, hash_of(wheels, right), *instead)

    # THEN the build fails and says why
    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stderr


def test_a_requirement_without_any_hash_fails_the_build(wheels: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    result = build_layer(source, tmp_path / "built", wheels)
    assert result.returncode != 0
    assert "--require-hashes" in result.stderr


# ----------------------------------------------------------------------------- bytecode


def test_every_file_of_the_layer_has_the_bytecode_of_its_source(layer: Path) -> None:
    assert len(list(layer.rglob("*.pyc"))) > 50
    assert differences(layer.parent, "/opt") == {}


@pytest.mark.parametrize("function", of_type("AWS::Serverless::Function"))
def test_every_function_has_the_bytecode_of_its_source(function: str, tmp_path: Path) -> None:
    # GIVEN a function and the build that its template names
    folder = ROOT / of_type("AWS::Serverless::Function")[function]["CodeUri"]
    metadata = RESOURCES[function]["Metadata"]
    assert metadata["BuildMethod"] == "makefile"
    source = tmp_path / "source"
    shutil.copytree(folder, source)

    # WHEN it is built
    makefile = ROOT / metadata["ContextPath"] / "Makefile"
    result = run_make(makefile, f"build-{function}", source, tmp_path / "built")
    assert result.returncode == 0, result.stderr

    # THEN it ships its handler with bytecode
    assert (tmp_path / "built/app.py").exists()
    assert differences(tmp_path / "built", "/var/task") == {}


def test_the_layer_is_built_by_its_makefile() -> None:
    """SAM's Python builder would verify fewer hashes and drop the bytecode."""
    assert RESOURCES["SharedLayer"]["Metadata"]["BuildMethod"] == "makefile"


def test_bytecode_of_another_source_is_found(tmp_path: Path) -> None:
    """A comparison that finds nothing in this project has to find what there is elsewhere."""
    # GIVEN a built function whose source changed afterwards, and another that was added
    run_make(ROOT / "functions/Makefile", "build-X", ROOT / "functions/recheck", tmp_path)
    (tmp_path / "app.py").write_text("handler = None\n")
    (tmp_path / "added.py").write_text("")

    # THEN both show
    assert differences(tmp_path, "/var/task") == {
        "added.py": "has no bytecode",
        "app.py": "has bytecode of another source",
    }


# ------------------------------------------------------------------- a Python of another version


def value_seen(folder: Path, prelude: str = "pass") -> str:
    """What ``module.VALUE`` is for a fresh interpreter."""
    script = f"import sys; {prelude}; import module; print(module.VALUE)"
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.fixture
def stale(tmp_path: Path) -> Path:
    """A built folder whose source changed after the build: 2 in the source, 1 in the bytecode."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "module.py").write_text("VALUE = 1\n")
    built = tmp_path / "built"
    result = run_make(ROOT / "functions/Makefile", "build-X", source, built)
    assert result.returncode == 0, result.stderr
    (built / "module.py").write_text("VALUE = 2\n")
    return built


def test_the_python_of_the_build_runs_the_bytecode(stale: Path) -> None:
    """Without a look at the source, which is what saves the time."""
    assert value_seen(stale) == "1"


def test_a_python_of_another_version_reads_the_source(stale: Path) -> None:
    """It looks for bytecode under its own name."""
    prelude = "sys.implementation.cache_tag = 'cpython-314'"
    assert value_seen(stale, prelude) == "2"


def test_bytecode_of_another_format_is_not_run(stale: Path) -> None:
    """A pre-release has the same name, but another magic number."""
    bytecode = bytecode_of(stale / "module.py")
    content = bytearray(bytecode.read_bytes())
    content[0] ^= 1
    bytecode.write_bytes(content)
    assert value_seen(stale) == "2"
