"""The two files into which a list is divided: recipients that may be mailed, and the others."""

import codecs
import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from bounceledger_cli.console import encode
from bounceledger_cli.inputs import DecodedInput, Layout, Row, Rows
from bounceledger_cli.inputs.layout import NO_DELIMITER
from bounceledger_cli.wording import utc_time

if TYPE_CHECKING:
    from bounceledger_client import Outcome

REJECTED_COLUMNS = (
    "rejected_reason",
    "rejected_category",
    "rejected_until",
    "rejected_explanation",
)
"""Columns or fields that a rejected row has beside its own."""


class EncodedOutput:
    """Writes text in the encoding of the input, so that what is copied stays as it is.

    A terminal gets the text instead.
    """

    def __init__(self, stream: TextIO, decoded: DecodedInput) -> None:
        self._stream = stream
        self._bytes = None if stream.isatty() else getattr(stream, "buffer", None)
        self._decoded = decoded
        self._encoding = ""
        self._encoder: codecs.IncrementalEncoder | None = None

    def write(self, text: str) -> None:
        """Write text; a character that the encoding lacks is escaped."""
        if self._bytes is None:
            self._stream.write(text)
            return
        if self._encoder is None or self._encoding != self._decoded.encoding:
            # ASCII until the first other character shows what else it is.
            self._encoding = self._decoded.encoding
            self._encoder = codecs.getincrementalencoder(self._encoding)("backslashreplace")
        self._bytes.write(self._encoder.encode(text))


class CleanFile:
    """Rows that may be mailed, as they are in the input.

    The parts of a JSON document become JSON Lines.
    """

    def __init__(self, stream: TextIO, decoded: DecodedInput, rows: Rows) -> None:
        """Write what stands above the rows."""
        self._output = EncodedOutput(stream, decoded)
        self._output.write(rows.head + rows.header)

    def write(self, row: Row) -> None:
        """Write a row."""
        self._output.write(row.text or encode(row.fields) + "\n")


class RejectedFile:
    """Rows that may not be mailed, each with the reason.

    In a table the reason stands in front, so that rows of any length keep their columns.
    """

    def __init__(self, stream: TextIO, decoded: DecodedInput, rows: Rows) -> None:
        """Write what stands above the rows."""
        self._output = EncodedOutput(stream, decoded)
        self._layout = rows.layout
        self._delimiter = rows.delimiter
        self._output.write(rows.head)
        if rows.header:
            self._output.write(self._in_front_of(rows.header, REJECTED_COLUMNS))

    def write(self, outcome: "Outcome[Row]") -> None:
        """Write a row that may not be mailed."""
        row, reasons = outcome.recipient, _reasons(outcome)
        if self._layout is Layout.CSV:
            self._output.write(self._in_front_of(row.text, [reason or "" for reason in reasons]))
        else:
            fields = {**row.fields, **dict(zip(REJECTED_COLUMNS, reasons, strict=True))}
            self._output.write(encode(fields) + "\n")

    def _in_front_of(self, text: str, cells: Sequence[str]) -> str:
        if self._delimiter != NO_DELIMITER:
            return _csv_line(cells, self._delimiter) + self._delimiter + text
        value = text.rstrip("\r\n")  # a table of one column, which now gets more
        [written, *_] = next(csv.reader([value], delimiter=NO_DELIMITER))
        return _csv_line([*cells, written], ",") + text[len(value) :]


def _reasons(outcome: "Outcome[Row]") -> tuple[str, str | None, str | None, str]:
    """The values of `REJECTED_COLUMNS`."""
    checked = outcome.checked
    if checked is None:
        return outcome.reason, None, None, "The API did not answer."
    if checked.error:
        return outcome.reason, None, None, f"The address {checked.error}."
    ends = utc_time(checked.suppressed_until)
    return outcome.reason, checked.category, ends, checked.explanation


def _csv_line(cells: Sequence[str], delimiter: str) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="").writerow(cells)
    return line.getvalue()
