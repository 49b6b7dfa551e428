"""One JSON object per line."""

import json
import math
from typing import Any

from bounceledger_cli.records.record import HINTS, BadRecord, Record


def json_record(number: int, text: str) -> Record | BadRecord:
    """The record of one line.

    Args:
        number: number of the line, from 1.
        text: the line.
    """
    try:
        value = _decode(text)
    except ValueError as error:
        return BadRecord(number, "", str(error))
    if not isinstance(value, dict):
        return BadRecord(number, "", "is not a JSON object")
    if "diagnostic" not in value:
        return BadRecord(number, "diagnostic", "is missing")
    for name in ("diagnostic", *HINTS):
        if not isinstance(value.get(name), str | None):
            return BadRecord(number, name, f"is {_kind(value[name])}, expected a string")
    return Record.of(number, value, "diagnostic")


def _decode(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not valid JSON: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        raise ValueError(f"is not valid JSON: {error}") from None


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_reject_constant, parse_float=_finite)


def _kind(value: object) -> str:
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"
