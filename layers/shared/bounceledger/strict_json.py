"""JSON as RFC 8259 has it: without the ``NaN`` and ``Infinity`` that Python reads as well.

A number that no double holds is refused too: Python reads it as infinite, and would write that in a
way that is not JSON.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, NoReturn


def loads(text: str, *, unambiguous: bool = False) -> Any:
    """The value of a JSON text.

    Args:
        text: one JSON document.
        unambiguous: refuse also what readers of JSON understand in different ways: an object with
            a name twice (RFC 7493 section 2.3).

    Raises:
        ValueError: it is not JSON, or has a number that no double holds or of more digits than
            Python reads.
        RecursionError: it is nested too deeply.
    """
    return json.loads(
        text,
        parse_constant=_reject_constant,
        parse_float=_finite,
        object_pairs_hook=_with_distinct_names if unambiguous else None,
    )


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259 section 6)")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


def _with_distinct_names(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found
