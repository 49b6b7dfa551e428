"""Pages of lists as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

CONTENT_TYPE = "text/csv; charset=utf-8"
COLUMNS = (
    *("address", "reason", "category", "scope", "suppressed_until", "unconfirmed"),
    *("last_seen", "lead_source", "explanation", "diagnostic", "domain"),
)
"""Columns of a list of suppressed addresses; `domain` came last, so the others stay where they are.
"""
_STARTS_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""A spreadsheet runs a cell that begins with one of these, in any width."""


EVIDENCE_COLUMNS = (
    *("address", "category", "lead_date", "mailed_at", "first_seen", "last_seen", "count"),
    *("reply_code", "enhanced_status", "diagnostic", "message_id", "rule"),
    *("domain_verdict", "domain_explanation", "domain_probed_at", "domain_records"),
)
"""Columns of the evidence about a lead source."""


def suppressions(rows: Iterable[Mapping[str, object]]) -> str:
    """A heading and one line per suppressed address or domain, as `responses.listed` has them."""
    return _table(COLUMNS, rows)


def evidence(rows: Iterable[Mapping[str, Any]]) -> str:
    """A heading and one line per dead address, as `audits.evidence` has them."""
    domains = ((row, row["domain"] or {}) for row in rows)
    return _table(
        EVIDENCE_COLUMNS,
        ({**row, **{f"domain_{k}": v for k, v in domain.items()}} for row, domain in domains),
    )


def _table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def cell(value: object) -> str:
    """A value as a cell: without control characters, and never a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return f"'{text}" if text.lstrip()[:1] in _STARTS_FORMULA and text.strip() else text
