"""Asking DNS whether a domain accepts mail: one domain, or many at a time."""

import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from bounceledger.addresses import normalise_domain
from bounceledger.domains.alternates import find_alternate
from bounceledger.domains.judge import MAX_NAME, judge
from bounceledger.domains.lookup import Lookup, RecordType
from bounceledger.domains.resolver import LookupSource, Resolver, default_resolver
from bounceledger.state import DomainVerdict, Json, Probe

LIFETIME = 10.0
"""Seconds that one probe may take."""
MAX_LOOKUPS = 40
"""Lookups that one probe may make, those of the domains above included."""
MAX_IN_FLIGHT = 64
"""Lookups that `probe_many` has under way at once."""


def probe(
    domain: str,
    *,
    resolver: LookupSource | None = None,
    lifetime: float = LIFETIME,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], float] = time.monotonic,
) -> Probe:
    """Look up in DNS whether `domain` accepts mail, and if not, which domain above it does.

    Args:
        domain: host name, in Unicode or A-labels.
        resolver: where to look up; by default the servers of this machine.
        lifetime: seconds that the probe may take.
        now: the time that goes into the result, aware UTC.
        clock: seconds, monotonic.

    Raises:
        AddressError: `domain` is not a valid domain name.
    """
    name = normalise_domain(domain)
    lookups = ProbeLookups(resolver or default_resolver(), clock, clock() + lifetime)
    verdict, hosts, warnings = judge(name, lookups)
    records: list[Json] = [host.to_json() for host in hosts]
    ttl = lookups.ttl
    alternate, alternate_verdict = None, None
    if verdict not in {DomainVerdict.ACCEPTS_MAIL, DomainVerdict.UNKNOWN}:
        alternate, alternate_verdict = find_alternate(name, lookups)
    if "UNTRUSTED" in lookups.answers.values():
        warnings += ("resolver_untrusted",)
    return Probe(
        verdict=verdict,
        probed_at=now(),
        details={
            "records": records,
            "answers": {question[:MAX_NAME]: code for question, code in lookups.answers.items()},
            "servers": [*sorted(lookups.servers)],
            "ttl": ttl,
            "warnings": [*warnings],
        },
        alternate_domain=alternate,
        alternate_verdict=alternate_verdict,
    )


@dataclass(slots=True)
class ProbeLookups:
    """The lookups of one probe: their limits, and a record of the answers."""

    resolver: LookupSource
    clock: Callable[[], float]
    deadline: float
    answers: dict[str, Json] = field(default_factory=dict)
    servers: set[str] = field(default_factory=set)
    ttl: int | None = None

    def lookup(self, name: str, rdtype: RecordType) -> Lookup:
        """The answer; aliases are followed (RFC 1034 section 3.6.2) and the first one is kept."""
        found = self._ask(name, rdtype)
        alias, seen = found.alias, {name}
        while found.code == "ALIAS":
            if found.alias in seen or len(seen) > _MAX_ALIASES:
                return Lookup(code="LOOP", alias=alias)
            seen.add(found.alias)
            found = self._ask(found.alias, rdtype)
        return replace(found, alias=alias)

    def _ask(self, name: str, rdtype: RecordType) -> Lookup:
        left = self.deadline - self.clock()
        if left <= 0 or len(self.answers) >= MAX_LOOKUPS:
            return Lookup(code="BUDGET")
        result = self.resolver.lookup(name, rdtype, left)
        self.answers[f"{rdtype} {name}"] = result.code
        if result.server:
            self.servers.add(result.server)
        if result.answered:
            self.ttl = result.ttl if self.ttl is None else min(self.ttl, result.ttl)
        return result


_MAX_ALIASES = 8
"""Aliases that are followed where servers leave that to the client."""


def probe_many(
    domains: Iterable[str],
    *,
    resolver: Resolver,
    in_flight: int = MAX_IN_FLIGHT,
) -> Generator[tuple[str, Probe]]:
    """Probe domains side by side; results come in the order of completion.

    A probe makes one lookup at a time, so no more than `in_flight` are under way. When
    the caller stops early (or is interrupted), the resolver is closed, so that the probes
    under way end with their current lookup, and no thread is left.

    Args:
        domains: canonical names, see `addresses.normalise_domain`.
        resolver: where to look up.
        in_flight: probes under way at most.
    """
    waiting = iter(domains)
    with ThreadPoolExecutor(in_flight, thread_name_prefix="dns") as pool:
        running = {}
        try:
            while True:
                for domain in waiting:
                    running[pool.submit(probe, domain, resolver=resolver)] = domain
                    if len(running) >= in_flight:
                        break
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            if running:
                resolver.close()
