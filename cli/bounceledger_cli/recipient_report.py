"""What ``check`` prints about recipients: each one's answer, and the totals of a list."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bounceledger_cli.console import Console
from bounceledger_cli.inputs import BadRow, Row
from bounceledger_cli.wording import counted, utc_time

if TYPE_CHECKING:
    from bounceledger_client import Outcome

SHOWN = 10
"""Unreadable rows that are reported one by one; further ones are only counted."""


def answer(outcome: "Outcome[str]") -> str:
    """One recipient's answer in words."""
    checked = outcome.checked
    if checked is None:
        return f"the API did not answer, so it {'may' if outcome.keep else 'may not'} be mailed"
    if checked.error:
        return f"not an address: it {checked.error}"
    if outcome.keep:
        return "may be mailed"
    words = ", ".join(filter(None, (outcome.reason, checked.category)))
    return f"may not be mailed ({words})"


def record(outcome: "Outcome[Any]", address: str) -> dict[str, Any]:
    """The fields that the API gives, and whether the recipient may be mailed."""
    checked = outcome.checked
    if checked is None:
        return {"input": address, "deliverable": outcome.keep, "unanswered": True}
    if checked.error:
        return {"input": address, "deliverable": False, "error": checked.error}
    return {
        "input": address,
        "deliverable": outcome.keep,
        "address": checked.address,
        "suppressed": checked.suppressed,
        "reason": checked.reason,
        "category": checked.category,
        "scope": checked.scope,
        "explanation": checked.explanation,
        "suppressed_until": utc_time(checked.suppressed_until),
        "unconfirmed": checked.unconfirmed,
        "lead_sources": list(checked.lead_sources),
        "alternate_domain": checked.alternate_domain,
    }


@dataclass(slots=True)
class Found:
    """What a list holds so far.

    Attributes:
        kept: rows that may be mailed.
        unanswered: rows for which the API did not answer.
        rejected: rows that may not be mailed, by reason.
        unreadable: the first rows that cannot be read.
        unreadable_count: number of all of them.
    """

    kept: int = 0
    unanswered: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    unreadable: list[BadRow] = field(default_factory=list)
    unreadable_count: int = 0

    @property
    def total(self) -> int:
        """Rows that were read."""
        return self.kept + self.rejected.total()

    def add(self, outcome: "Outcome[Row]") -> int:
        """Count a row; the number of rows so far."""
        self.unanswered += outcome.checked is None
        if outcome.keep:
            self.kept += 1
        else:
            self.rejected[outcome.reason] += 1
        return self.total

    def add_unreadable(self, row: BadRow) -> None:
        """Count a row that cannot be read, which no file gets."""
        self.unreadable_count += 1
        if self.unreadable_count <= SHOWN:
            self.unreadable.append(row)

    def report_problems(self, console: Console, name: str) -> None:
        """Write what could not be checked to standard error."""
        for row in self.unreadable:
            console.error(row.describe(name))
        if (more := self.unreadable_count - len(self.unreadable)) > 0:
            console.error(f"and {counted(more, 'more row')} that cannot be read")
        if self.unreadable_count:
            console.error("rows that cannot be read are in neither file")
        if self.unanswered:
            console.error(f"the API did not answer for {counted(self.unanswered, 'row')}")


def print_summary(console: Console, found: Found, *, error: bool) -> None:
    """Print how many may be mailed, and how many may not by reason.

    Args:
        console: where to print.
        found: what the list holds.
        error: print to standard error.
    """
    from bounceledger_cli.tables import percent, print_table

    rejected = found.rejected.total()
    write = console.note if error else console.line
    write(
        f"{counted(found.total, 'recipient')}: {found.kept:,} may be mailed, {rejected:,} may not"
    )
    if rejected:
        rows = [
            (reason, count, percent(count, found.total))
            for reason, count in found.rejected.most_common()
        ]
        print_table(console, ("reason", "recipients", "share"), rows, error=error)
