"""Every provider has a scheme, and the page on webhooks describes it."""

from pathlib import Path

import pytest

from bounceledger.providers.registry import PROVIDERS
from bounceledger.webhooks.schemes import Sns

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
ROWS = [line.lower().replace(" ", "_") for line in PAGE.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("name", sorted(PROVIDERS.keys() - {"ses"}))
def test_a_provider_is_in_all_three_tables(name: str) -> None:
    """What is signed, what is not covered, and what its secret looks like."""
    first_cells = [row.split("|")[1] for row in ROWS]
    named = {"generic": "the_generic_form"}.get(name, name)
    assert sum(named in cell for cell in first_cells) >= 3


@pytest.mark.parametrize("name", sorted(PROVIDERS.keys() - {"ses"}))
def test_a_provider_says_what_its_secret_must_be(name: str) -> None:
    """The sentence is read by whoever sets one, after "must be"."""
    scheme = PROVIDERS[name]
    assert not isinstance(scheme, Sns)
    assert scheme.needs[0] in 'a"' and not scheme.needs.endswith(".")  # noqa: PT018


def test_ses_is_verified_by_the_certificates_of_sns() -> None:
    assert isinstance(PROVIDERS["ses"], Sns)
