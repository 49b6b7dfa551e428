"""``bounceledger mx``: what DNS says about mail for domains, or for a whole list."""

import argparse
import csv
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from rich.table import Table
from rich.text import Text

from bounceledger.addresses import clean_lead_source, domain_of, normalise_address, normalise_domain
from bounceledger.domains.judge import FLAGS
from bounceledger.domains.probe import probe_many
from bounceledger.domains.resolver import Resolver
from bounceledger.errors import InputError
from bounceledger.state import DEAD, DomainVerdict, Probe
from bounceledger_cli.console import CommandError, Console, visible
from bounceledger_cli.records import utf8

NAME = "mx"
HELP = "Ask DNS whether domains take mail: some, or those of a list before its first send."
EXAMPLES = """\
  bounceledger mx noreply.company.com company.com
  bounceledger mx --json company.com --resolver 9.9.9.9 --resolver 1.1.1.1
  bounceledger mx --file leads.csv"""

WORDS: dict[DomainVerdict, str] = {
    DomainVerdict.ACCEPTS_MAIL: "accepts mail",
    DomainVerdict.IMPLICIT_MX: "may accept mail: has no MX record, but an address",
    DomainVerdict.NULL_MX: "takes no mail: says so itself (null MX)",
    DomainVerdict.NO_MAIL_HOST: "takes no mail: no mail host can be reached",
    DomainVerdict.MISSING: "takes no mail: does not exist",
    DomainVerdict.UNKNOWN: "not known: DNS gave no answer to rely on",
}
"""A verdict for people."""

WARNINGS: dict[str, str] = {
    "null_mx_preference": "the null MX has a preference other than 0",
    "null_mx_whitespace": "the null MX is white space instead of a dot",
    "null_mx_beside_others": "a null MX stands beside other MX records (RFC 7505 forbids it)",
    "more_hosts_not_looked_at": "there are more mail hosts than were looked at",
    "resolver_untrusted": "a resolver that affirms or denies every name was not believed",
}
"""Warnings of a probe, in words."""

ADDRESS_COLUMNS = ("address", "email", "email_address", "e_mail", "recipient", "domain")
SOURCE_COLUMNS = ("lead_source", "source")
_FEW = 20
"""Domains from which a person who watches gets a progress bar."""
_WIDE = 1000
"""Columns that no row needs."""
_SHOWN = 10
"""Lines of a list that are named because they hold no address."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("domain", nargs="*", metavar="DOMAIN", help="a domain, or an address there")
    parser.add_argument(
        "--file",
        metavar="FILE",
        help="a list, - for standard input: an address or domain a line, or CSV (commas,"
        " semicolons or tabs) with a column such as address or email, and perhaps lead_source;"
        " lines that begin with # are left out. Shows the domains that do not accept mail, and"
        " sums by lead source",
    )
    parser.add_argument("--all", action="store_true", help="of a list, show every domain")
    parser.add_argument("--json", action="store_true", help="one line of JSON a domain, as found")
    parser.add_argument(
        "--resolver",
        action="append",
        default=[],
        metavar="IP[:PORT]",
        help="DNS resolver to ask, may be repeated; those of this machine by default",
    )
    parser.epilog = (
        f"{parser.epilog or ''}\n\nexit codes: 0 every domain has its answer, be it that it takes"
        " no mail;\n1 DNS gave none for some, or some lines or arguments are no address or"
        " domain; 2 wrong usage"
    )


@dataclass(slots=True)
class Listed:
    """The domains of a run, in order: of arguments, and of a list.

    Attributes:
        domains: addresses of the list by lead source, by domain.
        asked: the arguments that led to a domain, as they were given.
        bad: arguments that are neither an address nor a domain, with the reason.
        refused: the same of lines.
        has_sources: whether the list names lead sources.
    """

    domains: dict[str, Counter[str]] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)
    bad: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    has_sources: bool = False

    def name(self, text: str) -> None:
        """Take an argument."""
        try:
            domain = _domain(text)
        except InputError as error:
            self.bad.append((text, error.reason))
        else:
            self.domains.setdefault(domain, Counter())
            self.asked.setdefault(domain, []).append(text)

    def add(self, text: str, source: str) -> None:
        """Take an address or a domain of the list.

        Raises:
            AddressError: it is neither.
        """
        self.domains.setdefault(_domain(text), Counter())[source] += 1


def _domain(text: str) -> str:
    text = text.strip().strip("\ufeff")
    return domain_of(normalise_address(text)) if "@" in text else normalise_domain(text)


def run(args: argparse.Namespace, console: Console, *, resolver: Resolver | None = None) -> int:
    """Probe the domains and show what was found.

    Args:
        args: as `add_arguments` declares them.
        console: where to read and write.
        resolver: whom to ask; by default as `args` say.

    Raises:
        CommandError: nothing to ask for, nobody to ask, or the list cannot be read.
        SettingsError: a resolver is not an IP address with or without a port.
    """
    resolver = resolver or Resolver.of(args.resolver)
    if not resolver.servers:
        raise CommandError("this machine is configured with no DNS resolver: name one, --resolver")
    listed = _listed(args, console)
    found: dict[str, Probe] = {}
    with ExitStack() as stack:
        results = stack.enter_context(closing(probe_many(listed.domains, resolver=resolver)))
        advance = stack.enter_context(_progress(len(listed.domains), console))
        for domain, probe in results:
            found[domain] = probe
            if args.json:
                for answer in _json(domain, probe, listed):
                    console.json(answer)
            advance()
    if not args.json:
        _show(args, listed, found, console)
    for text, reason in listed.bad:
        console.error(f"{visible(text)}: {reason}")
    for line, reason in listed.refused[:_SHOWN]:
        console.error(f"line {line}: {reason}")
    if len(listed.refused) > _SHOWN:
        console.error(f"and {len(listed.refused) - _SHOWN} more lines that hold no address")
    unknown = any(probe.verdict is DomainVerdict.UNKNOWN for probe in found.values())
    return 1 if unknown or listed.bad or listed.refused else 0


def _listed(args: argparse.Namespace, console: Console) -> Listed:
    listed = Listed()
    for text in args.domain:
        listed.name(text)
    if args.file is not None:
        with _open(args.file, console) as stream:
            _read(stream, listed)
    if not listed.domains and listed.bad:
        raise CommandError("; ".join(f"{visible(text)}: {reason}" for text, reason in listed.bad))
    if not listed.domains and not listed.refused:
        raise CommandError("no domain to ask for: name one, or a list with --file")
    return listed


@contextmanager
def _open(name: str, console: Console) -> Iterator[TextIO]:
    if name == "-":
        yield utf8(console.stdin)
        return
    try:
        with Path(name).open(encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error


def _read(stream: TextIO, listed: Listed) -> None:
    numbers: list[int] = []
    lines = _lines_of(stream, numbers)
    first_line = next(lines, "")
    rows = csv.reader(chain([first_line], lines), delimiter=_delimiter(first_line))
    try:
        first = next(rows, [])
        names = [re.sub(r"[\s-]+", "_", cell.strip().strip("\ufeff").lower()) for cell in first]
        address, source = _column(names, ADDRESS_COLUMNS), _column(names, SOURCE_COLUMNS)
        listed.has_sources = address is not None and source is not None
        if address is None:
            _take(first, numbers[-1] if numbers else 0, 0, None, listed)
        for row in rows:
            _take(row, numbers[-1], address or 0, source if address is not None else None, listed)
    except csv.Error as error:
        raise CommandError(f"line {numbers[-1]}: is not CSV: {error}") from error


def _lines_of(stream: TextIO, numbers: list[int]) -> Iterator[str]:
    """Lines that hold something and are no comments; `numbers` holds the number of the last."""
    for number, line in enumerate(stream, 1):
        text = line.strip("\ufeff \t\r\n")
        if text and not text.startswith("#"):
            numbers[:] = [number]
            yield line


def _delimiter(line: str) -> str:
    """What stands most often between the cells of the first line."""
    return max(",;\t", key=line.count)


def _column(names: list[str], wanted: Iterable[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _take(row: list[str], line: int, address: int, source: int | None, listed: Listed) -> None:
    if not any(row):
        return
    cells = dict(enumerate(row))
    lead_source = ""
    if source is not None:
        lead_source = clean_lead_source(cells.get(source, "")) or "unattributed"
    try:
        listed.add(cells.get(address, ""), lead_source)
    except InputError as error:
        listed.refused.append((line, error.reason))


# --------------------------------------------------------------------------- showing


def _json(domain: str, probe: Probe, listed: Listed) -> Iterator[dict[str, Any]]:
    """One record for a domain of the list, or for each argument that names it."""
    for asked in listed.asked.get(domain, [None]):
        answer = {
            "domain": domain,
            "verdict": probe.verdict.value,
            "meaning": WORDS[probe.verdict],
            "alternate_domain": probe.alternate_domain,
            "alternate_verdict": probe.alternate_verdict.value if probe.alternate_verdict else None,
            "probed_at": probe.probed_at.isoformat(),
            **probe.evidence,
        }
        if asked is not None:
            answer["asked"] = asked
        if any(listed.domains[domain]):
            answer["listed"] = dict(listed.domains[domain])
        yield answer


def _show(
    args: argparse.Namespace, listed: Listed, found: Mapping[str, Probe], console: Console
) -> None:
    shown = [
        (domain, found[domain])
        for domain in listed.domains
        if args.all
        or domain in listed.asked
        or args.file is None
        or found[domain].verdict is not DomainVerdict.ACCEPTS_MAIL
    ]
    if shown:
        rich = console.rich()
        if not console.stdout.isatty():
            rich.width = _WIDE  # another program looks for whole names there
        rich.print(_table(shown))
        _legend([probe for _, probe in shown], console)
    if args.file is not None:
        _summarise(listed, found, console)


def _table(shown: Iterable[tuple[str, Probe]]) -> Table:
    table = Table()
    table.add_column("domain", overflow="fold", ratio=3)
    table.add_column("pref", justify="right")
    table.add_column("mail host", overflow="fold", ratio=2)
    table.add_column("addresses", overflow="fold", ratio=2)
    table.add_column("remarks", overflow="fold", ratio=2)
    for domain, probe in shown:
        what = _verdict(domain, probe)
        for row in _hosts(probe):
            table.add_row(what, *row)
            what = Text()
        table.add_section()
    return table


def _verdict(domain: str, probe: Probe) -> Text:
    text = Text.assemble((visible(domain), "bold"), "\n", WORDS[probe.verdict])
    if probe.alternate_domain:
        word = "perhaps " if probe.alternate_verdict is DomainVerdict.IMPLICIT_MX else ""
        text.append(f"\nwrite to {word}{visible(probe.alternate_domain)} instead")
    return text


def _hosts(probe: Probe) -> list[tuple[Text, ...]]:
    """One row of cells for each mail host, or an empty one."""
    records: Any = probe.evidence["records"]
    return [
        (
            Text("" if "implicit" in record["flags"] else str(record["preference"])),
            _lines([record["host"]]),
            _lines(record["addresses"]),
            _lines(record["flags"]),
        )
        for record in records
    ] or [(Text(), Text(), Text(), _lines(_failures(probe)))]


def _failures(probe: Probe) -> list[str]:
    """Why there was no answer, where that is all there is to say."""
    codes: Any = probe.evidence["answers"]
    unknown = probe.verdict is DomainVerdict.UNKNOWN
    return sorted(set(codes.values()) - {"NOERROR", "NODATA", "NXDOMAIN"}) if unknown else []


def _lines(texts: Iterable[str]) -> Text:
    return Text("\n".join(visible(text) for text in texts))


def _legend(probes: Iterable[Probe], console: Console) -> None:
    """What the remarks mean, as far as there are any, and the warnings."""
    remarks: set[str] = set()
    warnings: set[str] = set()
    for probe in probes:
        records: Any = probe.evidence["records"]
        remarks.update(flag for record in records for flag in record["flags"])
        said: Any = probe.evidence["warnings"]
        warnings.update(said)
    for remark in sorted(remarks):
        console.line(f"  {remark}: {FLAGS[remark]}")
    for warning in sorted(warnings):
        console.line(f"  note: {WARNINGS[warning]}")


_GROUPS = ("accept", "may", "none", "unknown")


def _group(verdict: DomainVerdict) -> str:
    if verdict is DomainVerdict.ACCEPTS_MAIL:
        return "accept"
    if verdict is DomainVerdict.IMPLICIT_MX:
        return "may"
    return "none" if verdict in DEAD else "unknown"


def _summarise(listed: Listed, found: Mapping[str, Probe], console: Console) -> None:
    """Addresses by lead source and what becomes of mail to them."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for domain, sources in listed.domains.items():
        for source, count in sources.items():
            sums[source][_group(found[domain].verdict)] += count
    total = sum(sums.values(), Counter())
    rows = [(source or "all", *_sums(sums[source])) for source in sorted(sums)]
    if listed.has_sources and len(rows) > 1:
        rows.append(("all", *_sums(total)))
    title = f"{total.total()} addresses at {sum(map(bool, listed.domains.values()))} domains"
    first = "lead source" if listed.has_sources else ""
    console.table((first, "addresses", *_GROUPS, "lost"), rows, title=title)


def _sums(counts: Counter[str]) -> tuple[int | str, ...]:
    share = counts["none"] / counts.total()
    return (counts.total(), *(counts[group] for group in _GROUPS), f"{share:.1%}")


@contextmanager
def _progress(total: int, console: Console) -> Iterator[Callable[[], None]]:
    """A bar over the domains, for many of them and a person who watches."""
    if total < _FEW or not console.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    with Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console.rich(error=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
