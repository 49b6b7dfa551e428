"""Answers are compared with what a page shows, so that a page that is wrong is found."""

from datetime import date
from typing import Any

import pytest

from tests.pages import code, differences, rows, section

TODAY = date(2027, 1, 10)


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        ({"a": 1, "…": "…"}, {"a": 1, "b": 2}),
        ({"a": "…"}, {"a": [None]}),
        ("Seen on 2026-11-20, then …", "Seen on 2027-01-10, then no more"),
        ("2026-12-04", "2027-01-24"),
        ("2026-11-20T12:00:00Z", "2027-01-09T23:59:59.123456Z"),
        ("c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "110cde55-9481-4439-9407-b1d2ff4df6ee"),
        ("arn:aws:iam::111122223333:user/ops", "arn:aws:iam::000000000000:user/ops"),
    ],
)
def test_what_is_shown_stands_for_an_answer(shown: Any, answer: Any) -> None:
    assert differences(shown, answer, today=TODAY) == []


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "…": "…"}, {"b": 1}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        ([1], [1, 2]),
        ([1, 2], [1, 3]),
        (1, True),
        (None, False),
        ("", None),
        ("Seen on 2026-11-20", "Seen on 2027-01-12"),
        ("Seen on 2026-11-20", "Seen on 2026-11-20"),
        ("2026-11-20", "2027-01-10T12:00:00Z"),
        ("user unknown", "user.unknown"),
        ("user.unknown", "user unknown"),
    ],
)
def test_what_differs_is_found(shown: Any, answer: Any) -> None:
    [difference] = differences({"field": shown}, {"field": answer}, today=TODAY)
    assert difference.startswith("$.field")


PAGE = """# Title

## One

| a | b |
|---|---|
| 1 | `x` |

- a list:

  ```sh
  # a comment
  run
  ```

### Part

## Two

```json
{}
```
"""


def test_a_section_ends_at_the_next_of_its_level() -> None:
    assert code(section(PAGE, "One")) == ["# a comment\nrun\n"]
    assert code(section(PAGE, "Two"), "json") == ["{}\n"]
    assert "### Part" in section(PAGE, "One")
    assert "Two" in section(PAGE, "Title")
    with pytest.raises(LookupError):
        section(PAGE, "Three")


def test_rows_are_without_their_heading() -> None:
    assert list(rows(PAGE)) == [["1", "`x`"]]
