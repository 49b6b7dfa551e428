"""What ``mx`` prints about domains."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bounceledger.api import responses
from bounceledger.domains.judge import FLAGS
from bounceledger.state import (
    DEAD_VERDICTS,
    VERDICT_MEANINGS,
    DomainFacts,
    DomainVerdict,
    Probe,
)
from bounceledger_cli.address_lists import NO_SOURCE
from bounceledger_cli.console import Console
from bounceledger_cli.domain_list import DomainList
from bounceledger_cli.tables import percent, print_table
from bounceledger_cli.wording import counted

MEANINGS: Mapping[DomainVerdict, str] = {
    verdict: f"accepts no mail: {VERDICT_MEANINGS[verdict]}" for verdict in DEAD_VERDICTS
} | {
    DomainVerdict.ACCEPTS_MAIL: "accepts mail",
    DomainVerdict.IMPLICIT_MX: f"may accept mail: {VERDICT_MEANINGS[DomainVerdict.IMPLICIT_MX]}",
    DomainVerdict.UNKNOWN: "unknown: no reliable DNS answer",
}
"""Each verdict in words."""

WARNINGS: dict[str, str] = {
    "null_mx_preference": "the null MX has a preference other than 0",
    "null_mx_whitespace": "the null MX is white space instead of a dot",
    "null_mx_beside_others": "there is a null MX among other MX records (RFC 7505 forbids it)",
    "more_hosts_not_looked_at": "there are more mail hosts than were looked up",
}
"""Warnings of a probe in words. Those about the resolver are said once, for all domains."""

_NO_RESOLVER = frozenset({"UNTRUSTED", "UNREACHABLE", "NO_RESOLVER"})
"""Codes of lookups that say nothing about the domain; `TIMEOUT` only where no server replies."""

_OUTCOMES = ("ok", "A only", "dead", "unknown")


def domain_records(domain: str, probe: Probe, given: DomainList) -> Iterator[dict[str, Any]]:
    """JSON for a domain of the list, or one object for each argument that names it."""
    for asked in given.asked.get(domain, [None]):
        record = responses.domain(DomainFacts(domain=domain, probe=probe))
        record["meaning"] = MEANINGS[probe.verdict]
        if asked is not None:
            record["asked"] = asked
        if any(given.domains[domain]):
            record["listed"] = dict(given.domains[domain])
        yield record


@dataclass(slots=True)
class Findings:
    """What DNS said, as much of it as is needed for the output.

    Attributes:
        given: the arguments and the list.
        every: show every domain; otherwise the arguments, and those of the list that do not
            accept mail.
        verdicts: the verdict by domain.
        unchecked: number of domains of which nothing is known for lack of a resolver. What is
            said of one holds for all of them, so those of a list are not shown one by one.
    """

    given: DomainList
    every: bool
    verdicts: dict[str, DomainVerdict] = field(default_factory=dict)
    unchecked: int = 0
    _timed_out: set[str] = field(default_factory=set)
    _probes: dict[str, Probe] = field(default_factory=dict)

    def add(self, domain: str, probe: Probe) -> None:
        """Add what was found about one domain."""
        self.verdicts[domain] = probe.verdict
        codes: Any = probe.details["answers"]
        unchecked = probe.verdict is DomainVerdict.UNKNOWN and {*codes.values()} <= _NO_RESOLVER
        self.unchecked += unchecked
        if not unchecked and {*codes.values()} <= _NO_RESOLVER | {"TIMEOUT"}:
            self._timed_out.add(domain)
        problem = probe.verdict is not DomainVerdict.ACCEPTS_MAIL and not unchecked
        if self.every or domain in self.given.asked or problem:
            self._probes[domain] = probe

    def no_server_replied(self) -> None:
        """Take timeouts for what they are then: not those of a domain's own name servers."""
        self.unchecked += len(self._timed_out)
        if not self.every:
            for domain in self._timed_out - self.given.asked.keys():
                self._probes.pop(domain, None)
        self._timed_out.clear()

    @property
    def shown(self) -> dict[str, Probe]:
        """The domains to print, in the order in which they were given."""
        probes = self._probes
        return {domain: probes[domain] for domain in self.given.domains if domain in probes}


def resolver_warning(domains: int) -> str:
    """What to say once about all domains that no resolver answered for."""
    checked = "domain was" if domains == 1 else "domains were"
    return (
        f"{domains:,} {checked} not checked: no resolver answers, or its answers are the same"
        " for every name; try --resolver"
    )


def print_domains(console: Console, probes: Mapping[str, Probe]) -> None:
    """Print each domain with its verdict and mail hosts, then what the remarks mean."""
    for domain, probe in probes.items():
        failures = _failures(probe)
        cause = f" ({failures})" if failures else ""
        console.paragraph(f"{domain}  {MEANINGS[probe.verdict]}{cause}")
        if probe.alternate_domain:
            may = probe.alternate_verdict is DomainVerdict.IMPLICIT_MX
            console.line(f"  {probe.alternate_domain} {'may accept' if may else 'accepts'} mail")
        if hosts := _hosts(probe):
            print_table(console, ("", "", "", ""), hosts, indent=2)
    _print_legend(console, probes.values())


def _hosts(probe: Probe) -> list[tuple[str, ...]]:
    """Preference, name, addresses and remarks of each mail host."""
    records: Any = probe.details["records"]
    return [
        (
            "" if "implicit" in record["flags"] else str(record["preference"]),
            record["host"],
            ", ".join(record["addresses"]),
            ", ".join(record["flags"]),
        )
        for record in records
    ]


def _failures(probe: Probe) -> str:
    """The DNS response codes behind an unknown verdict, such as ``SERVFAIL``."""
    codes: Any = probe.details["answers"]
    if probe.verdict is not DomainVerdict.UNKNOWN:
        return ""
    return ", ".join(sorted(set(codes.values()) - {"NOERROR", "NODATA", "NXDOMAIN"}))


def _print_legend(console: Console, probes: Iterable[Probe]) -> None:
    """Print what the remarks mean, and the warnings."""
    remarks: set[str] = set()
    warnings: set[str] = set()
    for probe in probes:
        records: Any = probe.details["records"]
        remarks.update(flag for record in records for flag in record["flags"])
        given: Any = probe.details["warnings"]
        warnings.update(given)
    if remarks or warnings & WARNINGS.keys():
        console.line()
    for remark in sorted(remarks):
        console.paragraph(f"{remark}: {FLAGS[remark]}")
    for warning in sorted(warnings & WARNINGS.keys()):
        console.paragraph(f"note: {WARNINGS[warning]}")


def print_summary(console: Console, findings: Findings, sort: str) -> None:
    """Print the number of addresses by lead source and outcome, below any domains.

    Args:
        console: where to print.
        findings: what DNS said about the domains of the list.
        sort: ``dead`` or ``unknown`` (their share), ``addresses`` or ``name``.
    """
    given = findings.given
    if not any(given.domains.values()):
        return
    if findings.shown:
        console.line()
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    unnamed = NO_SOURCE if given.has_lead_sources else "all"
    for domain, sources in given.domains.items():
        for source, count in sources.items():
            sums[source or unnamed][_outcome(findings.verdicts[domain])] += count
    total = sum(sums.values(), Counter())
    rows = [_row(source, sums[source]) for source in _worst_first(sums, sort)]
    if given.has_lead_sources and len(rows) > 1:
        rows.append(_row("all", total))
    domains = sum(map(bool, given.domains.values()))
    title = f"{counted(total.total(), 'address', 'addresses')} at {counted(domains, 'domain')}"
    first = "lead source" if given.has_lead_sources else ""
    headings = (first, "addresses", *_OUTCOMES, "dead %")
    print_table(console, headings, rows, title=title, least_needed=("A only", "ok", "unknown"))


def _worst_first(sums: Mapping[str, Counter[str]], sort: str) -> list[str]:
    """Lead sources with the highest share or number first; equal ones by name."""
    by_name = sorted(sums)
    if sort == "name":
        return by_name

    def rank(source: str) -> tuple[float, int]:
        counts = sums[source]
        share = counts[sort] / counts.total() if sort in _OUTCOMES else 0.0
        return share, counts[sort] if sort in _OUTCOMES else counts.total()

    return sorted(by_name, key=rank, reverse=True)


def _outcome(verdict: DomainVerdict) -> str:
    if verdict is DomainVerdict.ACCEPTS_MAIL:
        return "ok"
    if verdict is DomainVerdict.IMPLICIT_MX:
        return "A only"
    return "dead" if verdict in DEAD_VERDICTS else "unknown"


def _row(label: str, counts: Counter[str]) -> tuple[object, ...]:
    outcomes = (counts[outcome] for outcome in _OUTCOMES)
    return (label, counts.total(), *outcomes, percent(counts["dead"], counts.total()))
