"""Lists of addresses or domains as people export them, and those in SES events."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bounceledger.addresses import clean_lead_source, domain_of, normalise_address, normalise_domain
from bounceledger.errors import InputError
from bounceledger_cli.errors import CommandError
from bounceledger_cli.inputs import BadRow, Row, Wanted, field_called
from bounceledger_cli.ses_events import looks_like_event, read_events

ADDRESS_COLUMNS = ("address", "email", "email_address", "recipient", "domain")
SOURCE_COLUMNS = ("lead_source", "source")
NO_SOURCE = "unattributed"
"""Lead source of a row of a list with lead sources whose own cell is empty."""


class Entry(NamedTuple):
    """One row of a list.

    Attributes:
        line: number of the line, from 1.
        domain: canonical domain.
        lead_source: key of its lead source; empty in a list that has none.
        unusable_source: the lead source as written, where it gives no key.
    """

    line: int
    domain: str
    lead_source: str
    unusable_source: str


def wanted_address(column: str | None) -> Wanted:
    """What is needed of a list: the given column, or one of the usual ones."""
    return Wanted(
        columns=(column,) if column else ADDRESS_COLUMNS,
        is_value=_is_value,
        lenient=True,
        comments=True,
    )


def read_entries(
    rows: Iterable[Row | BadRow], wanted: Wanted, source_column: str | None
) -> Iterator[Entry | BadRow]:
    """The entries of a list, and what could not be read.

    Args:
        rows: the rows.
        wanted: the column with addresses or domains.
        source_column: name of the column with lead sources; None for the usual ones.

    Raises:
        CommandError: there is no such column.
    """
    names = (source_column,) if source_column else SOURCE_COLUMNS
    for row in rows:
        if isinstance(row, BadRow):
            yield row
        elif wanted.of(row.fields) is None and looks_like_event(row.fields):
            yield from _entries_of_event(row)
        else:
            yield _entry(row, wanted, names, bool(source_column))


def domain_in(text: str) -> str:
    """The canonical domain of an address or a domain; raises InputError."""
    text = text.strip().strip("\ufeff")
    return domain_of(normalise_address(text)) if "@" in text else normalise_domain(text)


def _entry(
    row: Row, wanted: Wanted, source_names: tuple[str, ...], source_required: bool
) -> Entry | BadRow:
    fields = tuple(row.fields)
    address, source = wanted.of(fields), field_called(source_names, fields)
    if address is None:
        return BadRow(row.line, "is required", wanted.columns[0])
    if source is None and source_required:
        listed = ", ".join(fields)
        raise CommandError(f"no column {source_names[0]!r}; the file has: {listed}")
    cells = [row.fields[name] or "" for name in (address, source) if name is not None]
    if not all(isinstance(cell, str) for cell in cells):
        return BadRow(row.line, "is not a string", address)
    try:
        domain = domain_in(cells[0])
    except InputError as error:
        return BadRow(row.line, error.reason, address)
    if source is None:
        return Entry(row.line, domain, "", "")
    key = clean_lead_source(cells[1])
    unusable = "" if key else cells[1].strip()
    return Entry(row.line, domain, key or NO_SOURCE, unusable)


def _entries_of_event(row: Row) -> Iterator[Entry | BadRow]:
    """Whom SES events of any kind are about, each with the lead source that ingest records."""
    for found in read_events(row):
        if isinstance(found, BadRow):
            yield found
            continue
        for event in found.events:
            if event.address:
                yield Entry(row.line, domain_of(event.address), event.lead_source, "")


def _is_value(cell: str) -> bool:
    try:
        domain_in(cell)
    except InputError:
        return False
    return True
