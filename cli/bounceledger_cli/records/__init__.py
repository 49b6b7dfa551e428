"""Bounce diagnostics from JSON Lines, CSV or plain text, one record at a time.

Nothing here holds more than one record, so memory does not grow with the file.
"""

from bounceledger_cli.records.layout import Layout
from bounceledger_cli.records.reading import read_records
from bounceledger_cli.records.record import HINTS, BadRecord, Record

__all__ = ["HINTS", "BadRecord", "Layout", "Record", "read_records"]
