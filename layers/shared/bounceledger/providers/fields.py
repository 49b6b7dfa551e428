"""Readers for the fields of a provider's JSON, and of what wraps it.

A missing field and a null are the same. A field of the wrong type is a `PayloadError` that
names the field by its path, unless `read_string` reads it.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from string import ascii_letters, digits
from typing import Any

from bounceledger.errors import PayloadError

type JsonObject = Mapping[str, Any]

MAX_STRING = 256
"""Characters kept of ids, statuses and the like."""

EARLIEST_LEAD = date(1990, 1, 1)
"""A lead date before this is a mistake, such as the default of an empty field."""
MAX_KIND = 64
"""Characters kept of a word for a kind."""

_ZEROS = str.maketrans(digits, "0" * 10)
_KIND = frozenset(f"{ascii_letters}{digits}_ .:-")


def pick(where: JsonObject, key: str) -> Any:
    """Value of a key in any case; None where it is missing."""
    value = where.get(key)
    if value is None and key not in where:
        folded = key.casefold()
        return next((v for k, v in where.items() if k.casefold() == folded), None)
    return value


def get_object(where: JsonObject, key: str, path: str) -> JsonObject:
    """An object; an empty one where it is missing.

    Args:
        where: the object that holds it.
        key: its name, in any case.
        path: path of `where`, for errors; empty for the whole document.

    Raises:
        PayloadError: it is something else.
    """
    value = pick(where, key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise PayloadError("must be an object", field=join_path(path, key))
    return value


def get_list(where: JsonObject, key: str, path: str) -> list[Any]:
    """A list; an empty one where it is missing. Arguments and errors as `get_object`."""
    value = pick(where, key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise PayloadError("must be a list", field=join_path(path, key))
    return value


def get_string(where: JsonObject, key: str, path: str, limit: int = MAX_STRING) -> str:
    """At most `limit` characters of a string; empty where it is missing or `key` is empty.

    Other arguments and errors as `get_object`.
    """
    value = pick(where, key) if key else None
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PayloadError("must be a string", field=join_path(path, key))
    return clean_string(value, limit)


def read_string(where: JsonObject, key: str) -> str:
    """A string as `get_string`; empty where it is something else.

    For what a report may also lack: a number for a status is no reason to refuse a bounce.
    """
    value = pick(where, key)
    return clean_string(value, MAX_STRING) if isinstance(value, str) else ""


def join_path(path: str, key: str) -> str:
    """Path of a key, such as ``bounce.timestamp``."""
    return f"{path}.{key}" if path else key


def clean_string(text: str, limit: int) -> str:
    """At most `limit` characters of a stranger's string, without lone surrogates."""
    text = text[:limit]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def clean_kind(word: str) -> str:
    """A provider's word for a kind as it may stand in a log.

    Returns:
        At most 64 characters, of which any but ASCII letters, digits, spaces and ``_ . : -``
        became a question mark, so that no address gets through.
    """
    return "".join([letter if letter in _KIND else "?" for letter in word[:MAX_KIND]])


def parse_timestamp(text: str) -> datetime:
    """An ISO 8601 time as AWS and others write it, in UTC.

    Fractions of a second, ``Z`` or an offset, and a space in front of the offset are all
    seen in practice; a time without an offset is UTC.

    Raises:
        ValueError: the string is not such a time.
    """
    text = text.strip()
    day, (clock, zone) = text[:10], _split_zone(text[11:].upper())
    if _shape(day) != "0000-00-00" or text[10:11] not in ("T", "t", " ") or not _is_clock(clock):
        raise ValueError("must be an ISO 8601 time")
    try:
        return datetime.fromisoformat(f"{day}T{clock}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time of the calendar") from None


def read_lead_date(text: str, mailed_on: date) -> date | None:
    """When a lead was collected, as the sender says; None if it is not a day that can be.

    Args:
        text: a day such as ``2026-01-31``.
        mailed_on: UTC day of mailing, after which no lead of the message can be collected.
    """
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # Python reads other forms of ISO 8601 as well, such as week dates.
    is_valid = found.isoformat() == text and EARLIEST_LEAD <= found <= mailed_on
    return found if is_valid else None


def _split_zone(text: str) -> tuple[str, str]:
    """A time of day and its offset, ``Z`` where it has none."""
    if text[-1:] == "Z":
        return text[:-1].rstrip(), "Z"
    sign = max(text.rfind("+"), text.rfind("-"))
    if sign >= 0 and _shape(text[sign + 1 :]) in ("0000", "00:00"):
        return text[:sign].rstrip(), text[sign:]
    return text, "Z"


def _is_clock(text: str) -> bool:
    """Whether a text is ``12:30``, ``12:30:59`` or that with up to nine decimals."""
    shape = _shape(text)
    decimals = shape[9:]
    return shape in ("00:00", "00:00:00") or (
        shape[:8] == "00:00:00"
        and shape[8:9] in (".", ",")
        and 1 <= len(decimals) <= 9
        and not decimals.strip("0")
    )


def _shape(text: str) -> str:
    """A text with 0 for every ASCII digit."""
    return text.translate(_ZEROS)


def digest(*parts: str) -> str:
    """Hex digest (128 bits) of some strings, the same wherever it is computed."""
    # JSON keeps the parts apart, whatever they contain.
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
