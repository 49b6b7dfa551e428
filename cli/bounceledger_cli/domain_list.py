"""The domains that one run of ``mx`` checks, from arguments and from a list."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bounceledger.errors import InputError
from bounceledger_cli.address_lists import Entry, domain_in
from bounceledger_cli.inputs import BadRow

SHOWN = 10
"""Bad rows, and unusable lead sources, that are kept to be shown; further ones are counted."""


@dataclass(slots=True)
class DomainList:
    """Domains in the order in which they were given.

    Attributes:
        domains: number of addresses in the list by lead source, by domain; empty for a
            domain that was only an argument.
        asked: the arguments that led to a domain, as they were written.
        bad_arguments: arguments that are neither an address nor a domain, with the reason.
        bad_rows: the first `SHOWN` rows of the list that hold neither.
        bad_row_count: number of all of them.
        unusable_sources: the first `SHOWN` entries whose lead source gives no key.
        unusable_source_count: number of all of them.
        has_lead_sources: whether the list has lead sources.
    """

    domains: dict[str, Counter[str]] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)
    bad_arguments: list[tuple[str, str]] = field(default_factory=list)
    bad_rows: list[BadRow] = field(default_factory=list)
    bad_row_count: int = 0
    unusable_sources: list[Entry] = field(default_factory=list)
    unusable_source_count: int = 0
    has_lead_sources: bool = False

    def add_arguments(self, texts: Iterable[str]) -> None:
        """Add domains, or the domains of addresses."""
        for text in texts:
            try:
                domain = domain_in(text)
            except InputError as error:
                self.bad_arguments.append((text, error.reason))
            else:
                self.domains.setdefault(domain, Counter())
                self.asked.setdefault(domain, []).append(text)

    def add_list(self, entries: Iterable[Entry | BadRow]) -> None:
        """Add the domains of a list; raises what reading it raises."""
        for entry in entries:
            if isinstance(entry, BadRow):
                self.bad_row_count += 1
                if self.bad_row_count <= SHOWN:
                    self.bad_rows.append(entry)
                continue
            self.domains.setdefault(entry.domain, Counter())[entry.lead_source] += 1
            self.has_lead_sources = self.has_lead_sources or bool(entry.lead_source)
            if entry.unusable_source:
                self.unusable_source_count += 1
                if self.unusable_source_count <= SHOWN:
                    self.unusable_sources.append(entry)
