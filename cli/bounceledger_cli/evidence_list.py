"""A vendor's own file, joined with the addresses that are dead."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from bounceledger.addresses import normalise_address
from bounceledger.errors import InputError
from bounceledger_cli.address_lists import ADDRESS_COLUMNS
from bounceledger_cli.inputs import BadRow, Row, Wanted

_COLUMNS = tuple(name for name in ADDRESS_COLUMNS if name != "domain")


@dataclass(slots=True)
class VendorList:
    """What a vendor's file has of the dead addresses.

    Attributes:
        name: its name, for people.
        rows: its rows by canonical address, of dead addresses only.
        columns: its columns, in their order.
        total: rows with an address.
        bad_rows: rows without one.
    """

    name: str
    rows: dict[str, list[Row]] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)
    total: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)

    @property
    def dead_rows(self) -> int:
        """Rows with a dead address."""
        return sum(map(len, self.rows.values()))

    def add(self, rows: Iterable[Row | BadRow], wanted: Wanted, dead: Collection[str]) -> None:
        """Read the file; memory grows with the dead addresses in it only.

        Args:
            rows: its rows.
            wanted: its column with addresses.
            dead: canonical addresses.
        """
        for row in rows:
            if isinstance(row, BadRow):
                self.bad_rows.append(row)
                continue
            name = wanted.of(row.fields)
            value = row.fields[name] if name is not None else None
            if not isinstance(value, str) or not value.strip():
                reason = "is required" if value in (None, "") else "is not a string"
                self.bad_rows.append(BadRow(row.line, reason, name or wanted.columns[0]))
                continue
            try:
                address = normalise_address(value)
            except InputError as error:
                self.bad_rows.append(BadRow(row.line, error.reason, name or ""))
                continue
            self.total += 1
            if address in dead:
                self.rows.setdefault(address, []).append(row)
                self.columns |= dict.fromkeys(row.fields)


def wanted_column(column: str | None) -> Wanted:
    """What is needed of the file: the given column, or one of the usual ones."""
    return Wanted(
        columns=(column,) if column else _COLUMNS,
        is_value=_is_address,
        lenient=True,
        comments=True,
    )


def _is_address(cell: str) -> bool:
    try:
        normalise_address(cell)
    except InputError:
        return False
    return True
