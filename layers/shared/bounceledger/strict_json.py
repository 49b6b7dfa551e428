"""JSON as RFC 8259 has it: without the ``NaN`` and ``Infinity`` that Python reads as well."""

import json
from typing import Any, NoReturn


def loads(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON, or has a number of more digits than Python reads.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, parse_constant=_reject_constant)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259 section 6)")
