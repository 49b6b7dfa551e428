"""The domains that one run of ``mx`` checks, from arguments and from a list."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bounceledger.addresses import domain_of, normalise_address, normalise_domain
from bounceledger.errors import InputError
from bounceledger_cli.address_lists import AddressList


@dataclass(slots=True)
class DomainList:
    """Domains in the order in which they were given.

    Attributes:
        domains: number of addresses in the list by lead source, by domain; empty for a
            domain that was only an argument.
        asked: the arguments that led to a domain, as they were written.
        bad_arguments: arguments that are neither an address nor a domain, with the reason.
        bad_lines: the same for lines of the list, by line number.
        has_lead_sources: whether the list has a column of lead sources.
    """

    domains: dict[str, Counter[str]] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)
    bad_arguments: list[tuple[str, str]] = field(default_factory=list)
    bad_lines: list[tuple[int, str]] = field(default_factory=list)
    has_lead_sources: bool = False

    def add_arguments(self, texts: Iterable[str]) -> None:
        """Add domains, or the domains of addresses."""
        for text in texts:
            try:
                domain = _domain(text)
            except InputError as error:
                self.bad_arguments.append((text, error.reason))
            else:
                self.domains.setdefault(domain, Counter())
                self.asked.setdefault(domain, []).append(text)

    def add_list(self, entries: AddressList) -> None:
        """Add the domains of a list.

        Raises:
            CommandError: the list is not valid CSV.
        """
        self.has_lead_sources = entries.has_lead_sources
        for entry in entries:
            try:
                domain = _domain(entry.text)
            except InputError as error:
                self.bad_lines.append((entry.line, error.reason))
            else:
                self.domains.setdefault(domain, Counter())[entry.lead_source] += 1


def _domain(text: str) -> str:
    text = text.strip().strip("\ufeff")
    return domain_of(normalise_address(text)) if "@" in text else normalise_domain(text)
