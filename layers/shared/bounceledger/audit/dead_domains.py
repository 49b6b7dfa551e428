"""The domains of a source's dead addresses, with what DNS says about them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bounceledger.audit.periods import DeadAddress
from bounceledger.state import DomainFacts, DomainVerdict, Json, Probe, is_dead
from bounceledger.state.facts import meaning_of
from bounceledger.verdict import Category

WORST = 10
"""Domains that are listed, those with the most dead addresses."""
MAX_RECORDS = 200
"""Characters of the DNS evidence in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstDomain:
    """A domain with many dead addresses of a source.

    Attributes:
        domain: canonical host name.
        addresses: the source's dead addresses there.
        probe: what DNS said last; None if it was never asked.
    """

    domain: str
    addresses: int
    probe: Probe | None

    @property
    def verdict(self) -> DomainVerdict | None:
        """The DNS verdict; None if DNS was never asked."""
        return self.probe.verdict if self.probe else None

    @property
    def probed_at(self) -> datetime | None:
        """When DNS was asked."""
        return self.probe.probed_at if self.probe else None

    @property
    def explanation(self) -> str:
        """What DNS says about the domain, for people."""
        if self.probe is None:
            return "was not looked up in DNS, since no reply spoke of the whole domain"
        return meaning_of(self.probe.verdict)

    @property
    def records(self) -> str | None:
        """The DNS evidence in one line, such as ``MX 0 .``; None if DNS was never asked."""
        return None if self.probe is None else records_line(self.probe.details)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadDomains:
    """The domains of a source's dead addresses.

    Attributes:
        domains: how many there are.
        dead: how many of them are dead as a whole, each counted once however many addresses it
            has.
        no_mail: how many of them accept no mail: a server said so (521, 556) and DNS did
            not refute it, or the domain publishes a null MX record.
        worst: those with the most dead addresses, at most `WORST`; of equal ones, those that
            DNS was asked about come first.
    """

    domains: int
    dead: int
    no_mail: int
    worst: Sequence[WorstDomain]


def dead_domains(addresses: Iterable[DeadAddress], facts: Mapping[str, DomainFacts]) -> DeadDomains:
    """What is known of the domains of dead addresses.

    Args:
        addresses: the dead addresses, each once, without those of refuted claims.
        facts: by domain; absent where DNS was never asked.
    """
    counts: Counter[str] = Counter()
    no_mail = set()
    for address in addresses:
        counts[address.domain] += 1
        if address.category is Category.NO_MAIL_ACCEPTED:
            no_mail.add(address.domain)
    probes = {name: known.probe for name in counts if (known := facts.get(name))}
    no_mail |= {
        name for name, probe in probes.items() if probe and probe.verdict is DomainVerdict.NULL_MX
    }
    worst = sorted(counts, key=lambda name: (-counts[name], probes.get(name) is None, name))
    return DeadDomains(
        domains=len(counts),
        dead=sum(is_dead(facts[name]) for name in probes),
        no_mail=len(no_mail),
        worst=[
            WorstDomain(domain=name, addresses=counts[name], probe=probes.get(name))
            for name in worst[:WORST]
        ],
    )


def records_line(details: Mapping[str, Json]) -> str:
    """The DNS evidence of a probe in one line.

    MX records, or the answer codes of the lookups if there are none.
    """
    records, answers = details.get("records"), details.get("answers")
    parts: list[str] = []
    if isinstance(records, list):
        for record in records:
            if isinstance(record, Mapping):
                flags = record.get("flags")
                remarks = ", ".join(map(str, flags)) if isinstance(flags, list) else ""
                name = f"MX {record.get('preference')} {record.get('host')}"
                parts.append(f"{name} ({remarks})" if remarks else name)
    if not parts and isinstance(answers, Mapping):
        parts = [f"{question} {code}" for question, code in answers.items()]
    line = "; ".join(parts)
    return line if len(line) <= MAX_RECORDS else line[: MAX_RECORDS - 1] + "…"
