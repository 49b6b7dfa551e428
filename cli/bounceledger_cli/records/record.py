"""What is read from an input: a record, or a line that holds none."""

from dataclasses import dataclass, field
from typing import Any

HINTS = ("status", "bounce_type", "bounce_subtype", "action")
"""Fields besides the diagnostic that help to classify it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One diagnostic with the other fields of its line.

    Attributes:
        line: number of the line it ends on, from 1.
        fields: the input's own fields, in their order.
        diagnostic: what the receiving server said; may be empty.
        hints: the `HINTS` as strings; empty where the input has none.
    """

    line: int
    fields: dict[str, Any]
    diagnostic: str
    hints: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, line: int, fields: dict[str, Any], column: str) -> "Record":
        """A record of fields that are strings or None where they matter.

        Args:
            line: number of the line.
            fields: the input's own fields.
            column: name of the field with the diagnostic.
        """
        hints = {name: fields.get(name) or "" for name in HINTS}
        return cls(line, fields, fields[column] or "", hints)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A line that holds no record.

    Attributes:
        line: number of the line, from 1.
        field: the field at fault; empty for the whole line.
        reason: what is wrong, as a predicate of the field or the line.
    """

    line: int
    field: str
    reason: str

    def describe(self, source: str) -> str:
        """One line for people, such as ``a.jsonl: line 3: diagnostic is missing``."""
        subject = f"line {self.line}: {self.field}" if self.field else f"line {self.line}"
        return f"{source}: {subject} {self.reason}"
