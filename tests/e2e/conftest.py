"""The deployed template on the local emulator, one for all end-to-end tests."""

from collections.abc import Iterator

import pytest

from tools.stack import EMULATOR_PYTHON, SAM, Stack, build, emulator, running


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The deployed stack."""
    if not (SAM.exists() and EMULATOR_PYTHON.exists()):
        pytest.skip("the SAM CLI and the emulator are not installed: make tools")
    with running() as deployed:
        yield deployed


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An emulator of a module's own, without a stack."""
    if not (SAM.exists() and EMULATOR_PYTHON.exists()):
        pytest.skip("the SAM CLI and the emulator are not installed: make tools")
    build()
    with emulator() as endpoint_url:
        yield endpoint_url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
