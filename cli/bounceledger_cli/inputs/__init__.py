"""The one reader of what people paste in: tables, lists, JSON and plain text.

`files.open_input` opens a file and finds out its encoding, `read_rows` its layout; commands
turn `Row`s into what they need. Nothing here holds more than one row and the megabyte that
an encoding is detected from, so memory does not grow with the file.
"""

from bounceledger_cli.inputs.layout import Layout
from bounceledger_cli.inputs.reading import Wanted, field_called, read_rows
from bounceledger_cli.inputs.rows import BadRow, Row, Rows
from bounceledger_cli.inputs.text import DecodedInput

__all__ = ["BadRow", "DecodedInput", "Layout", "Row", "Rows", "Wanted", "field_called", "read_rows"]
