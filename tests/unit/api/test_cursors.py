"""Cursors of lists: sealed, and good for one list only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.api.cursors import Cursors
from bounceledger.api.requests import BadRequestError

CURSORS = Cursors("s" * 64)
LIST = ("suppressions", "fair", None, "hard_bounce")
PLACE = ["fair", "jane@example.test"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_place_comes_back(place: list[str]) -> None:
    assert CURSORS.open(LIST, CURSORS.seal(LIST, place)) == place


def test_a_cursor_hides_the_address() -> None:
    """It ends up in logs and shell histories."""
    # GIVEN cursors of two people
    jane, joe = (CURSORS.seal(LIST, ["fair", who]) for who in (PLACE[1], "joe@example.test"))

    # THEN no part of an address is in them, nor its length, and equal beginnings do not show
    assert "jane" not in jane
    assert len(jane) == len(joe)
    assert jane[:8] != joe[:8]
    assert jane[-40:] != joe[-40:]


@pytest.mark.parametrize(
    "of",
    [
        ("suppressions", "rival", None, "hard_bounce"),
        ("suppressions", None, "fair", "hard_bounce"),
        ("suppressions", "fair", None, None),
        ("sources", "fair", None, "hard_bounce"),
    ],
)
def test_a_cursor_of_another_list_is_refused(of: tuple[str | None, ...]) -> None:
    """Its place would be one of another source, or other filters would skip entries."""
    with pytest.raises(BadRequestError, match="not a cursor of this list") as refused:
        CURSORS.open(of, CURSORS.seal(LIST, PLACE))
    assert refused.value.field == "cursor"


def test_every_changed_character_is_noticed() -> None:
    """Nobody may choose the place by changing a cursor."""
    # GIVEN a cursor, and all that differ from it in one character
    cursor = CURSORS.seal(LIST, PLACE)
    changed = [
        cursor[:at] + ("A" if character != "A" else "B") + cursor[at + 1 :]
        for at, character in enumerate(cursor)
    ]

    # THEN none is taken
    for other in changed:
        with pytest.raises(BadRequestError):
            CURSORS.open(LIST, other)


@pytest.mark.parametrize(
    "text", ["x", "\0", "ü", "=" * 8, "A" * 100, "A" * 5000, "../..", "AA AA", "{}", "AAA\n"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        CURSORS.open(LIST, text)


@pytest.mark.parametrize("more", ["=", "\n", " ", "!"])
def test_a_cursor_has_one_spelling(more: str) -> None:
    """The decoder of Python passes over characters that it does not know."""
    with pytest.raises(BadRequestError):
        CURSORS.open(LIST, CURSORS.seal(LIST, PLACE) + more)


def test_another_deployment_cannot_open_it() -> None:
    with pytest.raises(BadRequestError):
        Cursors("t" * 64).open(LIST, CURSORS.seal(LIST, PLACE))
