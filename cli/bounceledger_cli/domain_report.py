"""What ``mx`` prints about domains."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bounceledger.domains.judge import FLAGS
from bounceledger.state import DEAD_VERDICTS, VERDICT_MEANINGS, DomainVerdict, Probe
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
    "resolver_untrusted": (
        "the resolver answers every name the same way, so its answers were ignored; try --resolver"
    ),
}
"""Warnings of a probe in words."""

_OUTCOMES = ("ok", "A only", "dead", "unknown")


def domain_records(domain: str, probe: Probe, given: DomainList) -> Iterator[dict[str, Any]]:
    """JSON for a domain of the list, or one object for each argument that names it."""
    for asked in given.asked.get(domain, [None]):
        record = {
            "domain": domain,
            "verdict": probe.verdict.value,
            "meaning": MEANINGS[probe.verdict],
            "alternate_domain": probe.alternate_domain,
            "alternate_verdict": probe.alternate_verdict.value if probe.alternate_verdict else None,
            "probed_at": probe.probed_at.isoformat(),
            **probe.details,
        }
        if asked is not None:
            record["asked"] = asked
        if any(given.domains[domain]):
            record["listed"] = dict(given.domains[domain])
        yield record


def select(given: DomainList, probes: Mapping[str, Probe], *, every: bool) -> dict[str, Probe]:
    """The domains to print, in the order in which they were given.

    Args:
        given: the arguments and the list.
        probes: what DNS said, by domain.
        every: print every domain; otherwise the arguments, and those of the list that do
            not accept mail.
    """
    return {
        domain: probes[domain]
        for domain in given.domains
        if every
        or domain in given.asked
        or probes[domain].verdict is not DomainVerdict.ACCEPTS_MAIL
    }


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
    if remarks or warnings:
        console.line()
    for remark in sorted(remarks):
        console.paragraph(f"{remark}: {FLAGS[remark]}")
    for warning in sorted(warnings):
        console.paragraph(f"note: {WARNINGS[warning]}")


def print_summary(console: Console, given: DomainList, probes: Mapping[str, Probe]) -> None:
    """Print the number of addresses by lead source and outcome."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for domain, sources in given.domains.items():
        for source, count in sources.items():
            sums[source][_outcome(probes[domain].verdict)] += count
    total = sum(sums.values(), Counter())
    rows = [_row(source or "all", sums[source]) for source in sorted(sums)]
    if given.has_lead_sources and len(rows) > 1:
        rows.append(_row("all", total))
    domains = sum(map(bool, given.domains.values()))
    title = f"{counted(total.total(), 'address', 'addresses')} at {counted(domains, 'domain')}"
    first = "lead source" if given.has_lead_sources else ""
    print_table(console, (first, "addresses", *_OUTCOMES, "dead %"), rows, title=title)


def _outcome(verdict: DomainVerdict) -> str:
    if verdict is DomainVerdict.ACCEPTS_MAIL:
        return "ok"
    if verdict is DomainVerdict.IMPLICIT_MX:
        return "A only"
    return "dead" if verdict in DEAD_VERDICTS else "unknown"


def _row(label: str, counts: Counter[str]) -> tuple[object, ...]:
    outcomes = (counts[outcome] for outcome in _OUTCOMES)
    return (label, counts.total(), *outcomes, percent(counts["dead"], counts.total()))
