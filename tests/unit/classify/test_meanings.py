"""What each category means, for people."""

from bounceledger.classify.meanings import MEANINGS
from bounceledger.verdict import Category


def test_every_category_has_a_meaning() -> None:
    """Whatever the verdict, people read what it means and what to do."""
    assert set(MEANINGS) == set(Category)
