"""Audit reports: all lead sources, ranked, as they were once a day.

A report is a generation of items. Its rows are written first and the header of the newest report
last, so that a reader never sees half of one. Those who read the pages of an older one can go on
until it expires.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from bounceledger.errors import LedgerError
from bounceledger.ledger import items
from bounceledger.ledger.items import REPORT_LIFE, Key, ReportHeader
from bounceledger.ledger.table import (
    CONDITION_FAILED,
    MAX_READERS,
    CancelledError,
    RetryBudget,
    Table,
    put_version,
)
from bounceledger.state import Json

type Row = dict[str, Json]

_MARGIN = timedelta(days=1)
"""Time before its rows may be deleted in which a report is read no more."""


class Reports:
    """Reads and writes audit reports.

    Args:
        table: the table.
        budget: makes the limits of one call.
        clock: now, aware.
    """

    def __init__(
        self, table: Table, budget: Callable[[], RetryBudget], clock: Callable[[], datetime]
    ) -> None:
        self._table = table
        self._budget = budget
        self._clock = clock

    def newest(self) -> ReportHeader | None:
        """The newest report, however old; None where there is none."""
        return self._header(items.report_key())

    def current(self) -> ReportHeader | None:
        """The newest report; None where there is none whose rows can be read."""
        return self._readable(self.newest())

    def of_generation(self, generation: str) -> ReportHeader | None:
        """A report by its generation; None likewise."""
        return self._readable(self._header(items.report_header_key(generation)))

    def _header(self, key: Key) -> ReportHeader | None:
        item = self._table.get([key], self._budget()).get(key)
        return items.report_header_of_item(item) if item else None

    def _readable(self, header: ReportHeader | None) -> ReportHeader | None:
        """A report whose rows have not expired."""
        is_kept = header and self._clock() < header.made_at + REPORT_LIFE - _MARGIN
        return header if is_kept else None

    def rows(self, generation: str, *, limit: int, after: int = 0) -> tuple[list[Row], bool]:
        """Rows of a report by rank, and whether there are more.

        Args:
            generation: of the report.
            limit: rows at most.
            after: rank after which they begin; 0 for the first.
        """
        pk, keys = items.report_rows_range(generation)
        begin = items.report_row_key(generation, after).sk if after else ""
        found, more = self._table.up_to(limit, pk, keys, self._budget(), after=begin)
        return [items.report_row_of_item(item) for item in found], more

    def standing(self, generation: str) -> dict[str, str]:
        """The standing verdict of each lead source of a report, by its name."""
        pk, keys = items.report_rows_range(generation)
        found = self._table.query(pk, keys, self._budget())
        return dict(map(items.standing_of_item, found))

    def write(self, header: ReportHeader, rows: Sequence[Row], standing: Mapping[str, str]) -> None:
        """Write the rows and the header of a report, without making it the newest.

        Args:
            header: of the report.
            rows: by rank.
            standing: verdicts with which the next report is compared, by lead source; that of the
                row by default.
        """
        generation, end = header.generation, header.made_at + REPORT_LIFE
        written = [
            items.report_header_item(items.report_header_key(generation), header),
            *(
                items.report_row_item(
                    generation, rank, row, end, standing.get(str(row["lead_source"]))
                )
                for rank, row in enumerate(rows, 1)
            ),
        ]
        with ThreadPoolExecutor(MAX_READERS, thread_name_prefix="writer") as pool:
            for _ in pool.map(lambda item: self._table.put(item, self._budget()), written):
                pass

    def switch(self, header: ReportHeader, previous: ReportHeader | None) -> None:
        """Make a report that was written the newest.

        Args:
            header: of the report.
            previous: the newest until now, as it was read before.

        Raises:
            LedgerError: someone else has written one since, or as for every operation.
        """
        seen = previous.version if previous else 0
        item = items.report_header_item(items.report_key(), header)
        budget = self._budget()
        while True:
            try:
                self._table.transact([put_version(item, seen)], budget)
            except CancelledError as cancelled:
                if CONDITION_FAILED in cancelled.codes:
                    raise LedgerError("another audit is under way") from None
                budget.wait(cancelled)
            else:
                return
