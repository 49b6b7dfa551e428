"""The functions' entry points, which are all called app.py."""

import importlib.util
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[1] / "functions"


def load(name: str) -> ModuleType:
    """A function's app.py under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"{name}_app", FOLDER / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def logged(function: ModuleType) -> Iterator[io.StringIO]:
    """What a function logs meanwhile."""
    written = io.StringIO()
    listener = logging.StreamHandler(written)
    listener.setFormatter(function.logger.registered_formatter)
    function.logger.addHandler(listener)
    yield written
    function.logger.removeHandler(listener)
