"""Where else mail for a domain may be accepted: the domains above it."""

from collections.abc import Iterator

from bounceledger.addresses import registrable_domain
from bounceledger.domains.judge import Lookups, judge
from bounceledger.state import DomainVerdict


def find_alternate(domain: str, lookups: Lookups) -> tuple[str | None, DomainVerdict | None]:
    """The first parent that accepts mail, else the first that may (implicit MX)."""
    second_best: tuple[str | None, DomainVerdict | None] = None, None
    for parent in parents(domain):
        verdict, _, _ = judge(parent, lookups)
        if verdict is DomainVerdict.ACCEPTS_MAIL:
            return parent, verdict
        if verdict is DomainVerdict.IMPLICIT_MX and second_best[0] is None:
            second_best = parent, verdict
    return second_best


def parents(domain: str) -> Iterator[str]:
    """Names above `domain`, nearest first, the registrable domain last.

    Nothing for a registrable domain or a public suffix. The list's private section
    counts: what is above ``user.github.io`` belongs to someone else.
    """
    registrable = registrable_domain(domain)
    while registrable and domain != registrable:
        _, _, domain = domain.partition(".")
        yield domain
