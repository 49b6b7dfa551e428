"""The SMTP reference: what every code means in practice, and what to do about it.

The pages are TOML files under ``data``; `reader` reads them.
"""

from bounceledger.reference.reader import (
    CLASS_NAMES,
    ClassReading,
    Note,
    Page,
    PageKind,
    codes,
    find,
    only_common,
    pages,
    search,
    topics,
)

__all__ = [
    "CLASS_NAMES",
    "ClassReading",
    "Note",
    "Page",
    "PageKind",
    "codes",
    "find",
    "only_common",
    "pages",
    "search",
    "topics",
]
