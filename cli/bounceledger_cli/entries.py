"""The addresses and domains that a command changes, from arguments and from a list."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bounceledger.addresses import normalise_address, normalise_domain
from bounceledger.errors import InputError
from bounceledger_cli.address_lists import ADDRESS_COLUMNS
from bounceledger_cli.inputs import BadRow, Layout, Row, Rows, Wanted
from bounceledger_cli.inputs.layout import same_name

_DOMAIN = "domain"
"""A column with this in its name holds domains; any other holds addresses."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entry was found.

    Attributes:
        written: as it was written.
        line: number of its line in the list, from 1; 0 for an argument.
    """

    written: str
    line: int = 0


@dataclass(slots=True)
class Entries:
    """Different addresses and domains, in the order in which they were given.

    Attributes:
        domains: whether domains are accepted beside addresses.
        found: where each was found first, by its canonical form.
        repeated: how often one was given again.
        bad_arguments: arguments that are neither, with the reason.
        bad_rows: rows of the list that hold neither.
    """

    domains: bool = True
    found: dict[str, Origin] = field(default_factory=dict)
    repeated: int = 0
    bad_arguments: list[tuple[str, str]] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)

    @property
    def bad_count(self) -> int:
        """Arguments and rows that hold no entry."""
        return len(self.bad_arguments) + len(self.bad_rows)

    def add_arguments(self, texts: Iterable[str]) -> None:
        """Add addresses, and what has no @ as domains."""
        for text in texts:
            try:
                self._add(_canonical(text, domain=self.domains and "@" not in text), Origin(text))
            except InputError as error:
                self.bad_arguments.append((text, error.reason))

    def wanted(self, column: str | None) -> Wanted:
        """What is needed of a list: the given column, or one of the usual ones."""
        usual = [name for name in ADDRESS_COLUMNS if self.domains or name != _DOMAIN]
        return Wanted(
            columns=(column,) if column else tuple(usual),
            is_value=_is_address,
            lenient=True,
            comments=True,
        )

    def add_list(self, rows: Rows, wanted: Wanted) -> None:
        """Add the rows of a list; raises what reading it raises.

        Only a column of domains, or a list of one column without a heading, can hold domains: an
        address that lost its beginning must not stand for everyone at its domain.
        """
        is_plain = rows.layout is Layout.CSV and not rows.header
        for row in rows:
            if isinstance(row, BadRow):
                self.bad_rows.append(row)
                continue
            is_plain = is_plain and len(row.fields) == 1
            self._add_row(row, wanted, is_plain=is_plain)

    def _add_row(self, row: Row, wanted: Wanted, *, is_plain: bool) -> None:
        name = wanted.of(row.fields)
        value = row.fields[name] if name is not None else None
        if name is None or value is None:
            self.bad_rows.append(BadRow(row.line, "is required", name or wanted.columns[0]))
            return
        if not isinstance(value, str):
            self.bad_rows.append(BadRow(row.line, "is not a string", name))
            return
        is_domain = _DOMAIN in same_name(name) or (is_plain and "@" not in value)
        try:
            canonical = _canonical(value, domain=self.domains and is_domain)
        except InputError as error:
            self.bad_rows.append(BadRow(row.line, error.reason, name))
        else:
            self._add(canonical, Origin(value.strip(), row.line))

    def _add(self, canonical: str, origin: Origin) -> None:
        if canonical in self.found:
            self.repeated += 1
        else:
            self.found[canonical] = origin


def _canonical(text: str, *, domain: bool) -> str:
    """The canonical form of a domain or an address; raises InputError."""
    text = text.strip().strip("\ufeff")
    return normalise_domain(text) if domain else normalise_address(text)


def _is_address(cell: str) -> bool:
    try:
        _canonical(cell, domain=False)
    except InputError:
        return False
    return True
