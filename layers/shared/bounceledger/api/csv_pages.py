"""Pages of lists as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Mapping

CONTENT_TYPE = "text/csv; charset=utf-8"
COLUMNS = (
    *("address", "reason", "category", "scope", "suppressed_until", "unconfirmed"),
    *("last_seen", "lead_source", "explanation", "diagnostic"),
)
"""Columns of a list of suppressed addresses."""
_STARTS_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""A spreadsheet runs a cell that begins with one of these, in any width."""


def suppressions(rows: Iterable[Mapping[str, object]]) -> str:
    """A heading and one line per suppressed address, as `responses.listed` has them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([cell(row[column]) for column in COLUMNS] for row in rows)
    return text.getvalue()


def cell(value: object) -> str:
    """A value as a cell: without control characters, and never a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return f"'{text}" if text.lstrip()[:1] in _STARTS_FORMULA and text.strip() else text
