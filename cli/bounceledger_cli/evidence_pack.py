"""The evidence about a lead source for its vendor: files in a folder."""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from bounceledger.addresses import domain_of, mask_addresses
from bounceledger.api.csv_pages import EVIDENCE_COLUMNS, cell
from bounceledger_cli.console import Console
from bounceledger_cli.errors import CommandError
from bounceledger_cli.evidence_list import VendorList
from bounceledger_cli.files import STANDARD_INPUT, open_output

if TYPE_CHECKING:
    from bounceledger_client import DeadAddress

DEAD, NOT_LISTED, SUMMARY = "dead-addresses.csv", "not-in-list.csv", "summary.html"
FILES = (DEAD, NOT_LISTED, SUMMARY)
"""Files of the folder; `NOT_LISTED` only if a list lacks some dead addresses."""

PROOF = EVIDENCE_COLUMNS[1:]
"""Columns about an address, as the API's CSV has them."""
ADDRESS, HASHED, LINE = "address", "address_sha256", "list_line"
_TEXTS = ("diagnostic", "domain_explanation", "domain_records")
"""Those that may repeat the address."""

_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 60
_SHORTEST_LOCAL_PART = 3
"""Characters of a local part that is replaced by itself; a shorter one says nothing of a person."""


def folder_of(source: str) -> Path:
    """The folder of a lead source, whose name is safe whatever the source is called.

    Two sources never share a folder, also on a file system that ignores case: where a name is
    changed or has capitals, a digest of it is added.
    """
    name = _NOT_IN_NAME.sub("-", source).strip(".-_")[:_LONGEST_NAME].rstrip(".-_")
    if not name or not name == source == source.lower():
        digest = hashlib.sha256(source.encode()).hexdigest()[:8]
        name = f"{name}-{digest}" if name else digest
    return Path(f"evidence-{name}")


def require_free(folder: Path, *, force: bool) -> None:
    """Raise CommandError where the folder cannot be used, or has files that would be lost."""
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{folder}: not a folder")
    there = [name for name in FILES if (folder / name).exists()]
    if there and not force:
        raise CommandError(f"{folder / there[0]} exists; use --force to overwrite it, or --output")


def write(
    console: Console,
    folder: Path,
    dead: Sequence["DeadAddress"],
    listed: VendorList | None,
    summary: str,
    *,
    hashed: bool,
) -> list[Path]:
    """Write the files, each of which appears when it is complete.

    Args:
        console: as for `files.open_output`.
        folder: the folder, which is made if it does not exist.
        dead: the dead addresses.
        listed: the vendor's file; None for none.
        summary: the page.
        hashed: write no address.

    Returns:
        What was written.

    Raises:
        CommandError: a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{folder}: {error.strerror}") from error
    written = [folder / DEAD]
    missing = [] if listed is None else [one for one in dead if one.address not in listed.rows]
    with open_output(folder / DEAD, console, source=STANDARD_INPUT) as stream:
        if listed is None:
            _write_table(stream, _columns(hashed=hashed), _rows(dead, hashed=hashed))
        else:
            names = _list_columns(listed, hashed=hashed)
            columns = (LINE, *names.values(), *_columns(hashed=hashed))
            _write_table(stream, columns, _joined(dead, listed, names, hashed=hashed))
    if missing:
        written.append(folder / NOT_LISTED)
        with open_output(folder / NOT_LISTED, console, source=STANDARD_INPUT) as stream:
            _write_table(stream, _columns(hashed=hashed), _rows(missing, hashed=hashed))
    else:
        (folder / NOT_LISTED).unlink(missing_ok=True)  # of an earlier run
    written.append(folder / SUMMARY)
    with open_output(folder / SUMMARY, console, source=STANDARD_INPUT) as stream:
        stream.write(summary)
    return written


def summary_of(
    source: Mapping[str, Any],
    dead: Sequence["DeadAddress"],
    listed: VendorList | None,
    *,
    generated_at: str,
    hashed: bool,
) -> dict[str, Any]:
    """What the page of `report.render_evidence` is made from.

    Args:
        source: the answer of the API about the source.
        dead: its dead addresses.
        listed: the vendor's file; None for none.
        generated_at: the time, as the API writes it.
        hashed: whether the files have no address.
    """
    return {
        "source": source["lead_source"],
        "from": source["from"],
        "to": source["to"],
        "generated_at": generated_at,
        "thresholds": source["thresholds"],
        "list_attributable": source["list_attributable"],
        "verdict": source["verdict"],
        "explanation": source["explanation"],
        "unconfirmed": source["claims"]["unconfirmed"],
        "refuted": source["claims"]["refuted"],
        "dead": len(dead),
        "categories": Counter(one.category for one in dead).most_common(),
        "dns": _by_dns(dead),
        "hashed": hashed,
        "files": {"dead": DEAD, "not_listed": NOT_LISTED},
        "list": None
        if listed is None
        else {
            "name": Path(listed.name).name,
            "rows": listed.total,
            "dead_rows": listed.dead_rows,
            "found": len(listed.rows),
            "missing": len(dead) - len(listed.rows),
            "unreadable": len(listed.bad_rows),
        },
    }


def _by_dns(dead: Iterable["DeadAddress"]) -> list[tuple[str, int]]:
    """Dead addresses by what DNS says about their domains, of those for which it was asked."""
    said = (str(one.domain.get("explanation") or "") for one in dead if one.domain)
    return Counter(filter(None, said)).most_common()


def hash_of(address: str) -> str:
    """SHA-256 of a canonical address in UTF-8, which is in lower case; hexadecimal."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()


def without_address(text: str, address: str) -> str:
    """A server's or DNS's words without an address, its parts, or any other address."""
    domain = domain_of(address)
    local = address.removesuffix(f"@{domain}")
    text = _without(text, address, "[address]")
    text = mask_addresses(text, keep="")
    for form in _forms(domain):
        text = _without(text, form, "[domain]")
    if len(local) >= _SHORTEST_LOCAL_PART:
        alone = rf"(?<!\w){re.escape(local)}(?!\w)"
        text = re.sub(alone, "[local part]", text, flags=re.IGNORECASE)
    return text


def _forms(domain: str) -> Iterator[str]:
    """A domain as replies and MX records write it."""
    yield domain
    if "xn--" in domain:
        import idna

        with suppress(UnicodeError):
            yield idna.decode(domain)
    # Microsoft 365 names MX hosts so: example-com.mail.protection.outlook.com.
    yield domain.replace(".", "-")


def _without(text: str, part: str, instead: str) -> str:
    return re.sub(re.escape(part), instead, text, flags=re.IGNORECASE)


def _columns(*, hashed: bool) -> tuple[str, ...]:
    return (HASHED if hashed else ADDRESS, *PROOF)


def _list_columns(listed: VendorList, *, hashed: bool) -> dict[str, str]:
    """The vendor's columns as the table calls them; none where no address may be seen."""
    ours = {LINE, *_columns(hashed=hashed)}
    names: dict[str, str] = {}
    for name in () if hashed else listed.columns:
        shown = name
        while shown in ours or shown in names.values():
            shown = f"list_{shown}"
        names[name] = shown
    return names


def _rows(dead: Iterable["DeadAddress"], *, hashed: bool) -> Iterator[list[object]]:
    for one in dead:
        yield _row(one, hashed=hashed)


def _row(one: "DeadAddress", *, hashed: bool) -> list[object]:
    """The address or its hash, and the values of `PROOF`."""
    domain = {f"domain_{name}": value for name, value in (one.domain or {}).items()}
    values = {**one.fields, **domain}
    if hashed:
        texts = {name: values[name] for name in _TEXTS if isinstance(values.get(name), str)}
        values |= {name: without_address(text, one.address) for name, text in texts.items()}
    shown = hash_of(one.address) if hashed else one.address
    return [shown, *(values.get(name) for name in PROOF)]


def _joined(
    dead: Iterable["DeadAddress"],
    listed: VendorList,
    names: Mapping[str, str],
    *,
    hashed: bool,
) -> list[list[object]]:
    """A row for each of the vendor's rows with a dead address, in the order of his file."""
    found = [
        (row, _row(one, hashed=hashed)) for one in dead for row in listed.rows.get(one.address, ())
    ]
    found.sort(key=lambda pair: pair[0].line)
    return [[row.line, *(row.fields.get(name) for name in names), *proof] for row, proof in found]


def _write_table(stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write CSV that spreadsheets open as UTF-8, and in which no cell is a formula."""
    stream.write("\ufeff")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([cell(name) for name in columns])
    writer.writerows([cell(value) for value in row] for row in rows)
