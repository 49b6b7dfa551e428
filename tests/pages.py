"""Reads the documentation for tests: its sections, code and tables; compares it with answers."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from tools.stack import ROOT

SHOWN_DAY = date(2026, 11, 20)
"""The day of the events in the examples of docs/api.md."""

_VARIES = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?P<time>T[\d:.]+Z)?"
    r"|(?P<id>[0-9a-f]{8}-[0-9a-f-]{27})|(?P<account>(?<=::)\d{12}(?=:))|(?P<rest>…)"
)
_FORMS = {
    "day": r"(\d{4}-\d\d-\d\d)",
    "time": r"(\d{4}-\d\d-\d\d)T[\d:.]+Z",
    "id": r"[0-9a-f]{8}-[0-9a-f-]{27}",
    "account": r"\d{12}",
    "rest": r".*",
}


def page(name: str) -> str:
    """The text of a page, by its path in the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """What is below a heading, up to the next of its level or above.

    Raises:
        LookupError: there is no such heading, or more than one.
    """
    found = re.findall(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    if len(found) != 1:
        raise LookupError(f"{len(found)} headings {title!r}")
    _, _, rest = f"\n{text}".partition(f"\n{found[0]} {title}\n")
    return re.split(rf"^#{{1,{len(found[0])}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def code(text: str, language: str = r"\w+") -> list[str]:
    """The blocks of code in a text, without the indentation of a list that they are in."""
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in blocks]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables in a text, their headings left out."""
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        for line in table.splitlines()[2:]:
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def differences(shown: Any, answer: Any, *, today: date, at: str = "$") -> list[str]:
    """Where an answer is not as a page shows it; empty if it is.

    What is shown may have ``…`` for any value or part of a string, and as the name of a field for
    further fields. `SHOWN_DAY` stands for `today`, and any other day is as far from it; one day
    more or less is the same, since tests may run at midnight. Times of day, IDs and accounts may
    differ.
    """
    if shown == "…":
        return []
    if isinstance(shown, dict) and isinstance(answer, dict):
        further = set() if "…" in shown else answer.keys() - shown.keys()
        found = [f"{at}.{name} is not shown" for name in sorted(further)]
        for name in shown.keys() - {"…"}:
            found += (
                differences(shown[name], answer[name], today=today, at=f"{at}.{name}")
                if name in answer
                else [f"{at}.{name} is not in the answer"]
            )
        return found
    if isinstance(shown, list) and isinstance(answer, list) and len(shown) == len(answer):
        return [
            difference
            for number, (one, other) in enumerate(zip(shown, answer, strict=True))
            for difference in differences(one, other, today=today, at=f"{at}[{number}]")
        ]
    if isinstance(shown, str) and isinstance(answer, str):
        same = _is_as_shown(shown, answer, today)
    else:
        same = shown == answer and type(shown) is type(answer)
    return [] if same else [f"{at} is {json.dumps(answer)} and shown as {json.dumps(shown)}"]


def _is_as_shown(shown: str, answer: str, today: date) -> bool:
    pattern, end = "", 0
    for varies in _VARIES.finditer(shown):
        pattern += re.escape(shown[end : varies.start()]) + _FORMS[str(varies.lastgroup)]
        end = varies.end()
    match = re.fullmatch(pattern + re.escape(shown[end:]), answer, re.DOTALL)
    if match is None:
        return False
    days = [date.fromisoformat(one["day"]) for one in _VARIES.finditer(shown) if one["day"]]
    return all(
        abs((day - SHOWN_DAY) - (date.fromisoformat(found) - today)) <= timedelta(days=1)
        for day, found in zip(days, match.groups(), strict=True)
    )
