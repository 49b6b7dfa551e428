"""What DNS says about mail for a domain.

`probe` reads MX and address records as RFC 5321 section 5.1 has a sender do it, and
RFC 7505 for domains that take no mail at all. It calls a domain dead only on an answer;
whatever is not an answer (timeout, SERVFAIL, REFUSED, no network) makes it `unknown`.
"""

import ipaddress
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from bounceledger.addresses import normalise_domain
from bounceledger.domains.resolver import Asks, Lookup, RecordType, Resolver, default_resolver
from bounceledger.policy import Policy
from bounceledger.state import DomainVerdict, Json, Probe

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

LIFETIME = 10.0
"""Seconds that one probe may take."""
MAX_LOOKUPS = 40
"""Lookups that one probe may make, its alternate paths included."""
MAX_HOSTS = 10
"""MX hosts that one probe looks at, most preferred first."""
MAX_IN_FLIGHT = 64
"""Lookups that `probe_many` has under way at once."""


# ----------------------------------------------------------------------------- probe


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHost:
    """A host that mail for a domain would go to.

    Attributes:
        preference: of its MX record, lower is tried first; 0 for an implicit MX.
        host: its name.
        addresses: IPv4, then IPv6.
        usable: whether mail can be brought there; None if that could not be found out.
        flags: what is odd about it, see `FLAGS`.
    """

    preference: int
    host: str
    addresses: tuple[str, ...] = ()
    usable: bool | None = None
    flags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """The record as evidence."""
        return {
            "preference": self.preference,
            "host": self.host,
            "addresses": list(self.addresses[:_MAX_ADDRESSES]),
            "usable": self.usable,
            "flags": list(self.flags),
        }


FLAGS: dict[str, str] = {
    "null_mx": "says that the domain takes no mail (RFC 7505)",
    "implicit": "no MX record, the domain's own address is used (RFC 5321 section 5.1)",
    "ip_literal": "an IP address where a host name must stand (RFC 1035 section 3.3.9)",
    "mx_is_cname": "the MX names an alias, which works but must not be (RFC 2181 section 10.3)",
    "own_web_host": "the MX is the domain itself or its www host",
    "not_found": "the host does not exist",
    "no_address": "the host has no address",
    "unspecified": "0.0.0.0 or ::",
    "loopback": "an address of the sender itself",
    "link_local": "a link-local address",
    "multicast": "a multicast address",
    "not_public": "an address that the Internet does not route",
    "documentation": "an address set aside for examples (RFC 5737, RFC 3849), taken as it stands",
    "lookup_failed": "the host's addresses could not be looked up",
}
"""Flags of a mail host, in words."""

_MAX_ADDRESSES = 8


def probe(
    domain: str,
    *,
    resolver: Asks | None = None,
    policy: Policy = Policy(),
    lifetime: float = LIFETIME,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], float] = time.monotonic,
) -> Probe:
    """Ask DNS whether mail for `domain` can be delivered, and if not, where else.

    Args:
        domain: host name, in Unicode or A-labels.
        resolver: whom to ask; by default the servers of this machine.
        policy: says when to look again.
        lifetime: seconds that the probe may take.
        now: the time that goes into the result, aware UTC.
        clock: seconds, monotonic.

    Raises:
        AddressError: `domain` cannot be a domain name.
    """
    name = normalise_domain(domain)
    session = _Session(resolver or default_resolver(), clock, clock() + lifetime)
    verdict, hosts, warnings = _judge(name, session)
    records: list[Json] = [host.to_json() for host in hosts]
    ttl = session.ttl
    alternate, alternate_verdict = None, None
    if verdict not in {DomainVerdict.ACCEPTS_MAIL, DomainVerdict.UNKNOWN}:
        alternate, alternate_verdict = _alternate(name, session)
    if "UNTRUSTED" in session.answers.values():
        warnings += ("resolver_untrusted",)
    probed_at = now()
    return Probe(
        verdict=verdict,
        probed_at=probed_at,
        recheck_at=_recheck_at(verdict, probed_at, policy),
        evidence={
            "records": records,
            "answers": dict(session.answers),
            "servers": [*sorted(session.servers)],
            "ttl": ttl,
            "warnings": [*warnings],
        },
        alternate_domain=alternate,
        alternate_verdict=alternate_verdict,
    )


def _recheck_at(verdict: DomainVerdict, probed_at: datetime, policy: Policy) -> datetime | None:
    """Whatever suppresses a domain is looked at again; the rest ends, or is retried, anyway."""
    if verdict in {DomainVerdict.ACCEPTS_MAIL, DomainVerdict.UNKNOWN}:
        return None
    return probed_at + timedelta(days=policy.implicit_mx_recheck)


@dataclass(slots=True)
class _Session:
    """The lookups of one probe: how many and how long they may be, and what they said."""

    resolver: Asks
    clock: Callable[[], float]
    deadline: float
    answers: dict[str, Json] = field(default_factory=dict)
    servers: set[str] = field(default_factory=set)
    ttl: int | None = None

    def lookup(self, name: str, rdtype: RecordType) -> Lookup:
        """The answer, with the first alias where one was followed (RFC 1034 section 3.6.2)."""
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
"""Aliases followed where servers leave that to us."""

type _Judgement = tuple[DomainVerdict, tuple[MailHost, ...], tuple[str, ...]]


def _judge(domain: str, session: _Session) -> _Judgement:
    """The verdict, the mail hosts, and warnings. RFC 5321 section 5.1, RFC 7505 section 3."""
    mx = session.lookup(domain, "MX")
    if not mx.answered and mx.code != "EMPTY":
        return DomainVerdict.UNKNOWN, (), ()
    if mx.code == "NXDOMAIN":
        return DomainVerdict.MISSING, (), ()
    if not mx.exchanges:
        host = _look_at(0, domain, session)
        if mx.code == "EMPTY" and not host.addresses:
            return DomainVerdict.UNKNOWN, (), ()
        flags = (flag for flag in host.flags if flag != "mx_is_cname")
        host = replace(host, flags=("implicit", *flags))
        return _by_hosts([host], DomainVerdict.IMPLICIT_MX), (host,), ()
    return _by_exchanges(domain, mx, session)


def _by_exchanges(domain: str, mx: Lookup, session: _Session) -> _Judgement:
    nulls = [
        MailHost(preference=preference, host=".", usable=False, flags=("null_mx",))
        for preference, host in mx.exchanges
        if _is_null(host)
    ]
    others = [(preference, host) for preference, host in mx.exchanges if not _is_null(host)]
    warnings = []
    if any(null.preference for null in nulls):
        warnings.append("null_mx_preference")
    if any(host != "." for _, host in mx.exchanges if _is_null(host)):
        warnings.append("null_mx_whitespace")
    if not others:
        return DomainVerdict.NULL_MX, tuple(nulls), tuple(warnings)
    if nulls:
        warnings.append("null_mx_beside_others")
    if len(others) > MAX_HOSTS:
        warnings.append("more_hosts_not_looked_at")
    hosts = [_look_at_exchange(p, host, domain, session) for p, host in others[:MAX_HOSTS]]
    verdict = _by_hosts(hosts, DomainVerdict.ACCEPTS_MAIL)
    if verdict is DomainVerdict.NO_MAIL_HOST and len(others) > MAX_HOSTS:
        verdict = DomainVerdict.UNKNOWN
    ordered = sorted([*nulls, *hosts], key=lambda host: host.preference)
    return verdict, tuple(ordered), tuple(warnings)


def _is_null(host: str) -> bool:
    """Whether an exchange is the root, or nothing but white space that was meant to be."""
    return re.fullmatch(r"(?:[ \t.]|\\0(?:09|10|13|32))+", host) is not None


def _by_hosts(hosts: list[MailHost], verdict: DomainVerdict) -> DomainVerdict:
    """`verdict` if one host is usable; dead only if every single one is known not to be."""
    if any(host.usable for host in hosts):
        return verdict
    if any(host.usable is None for host in hosts):
        return DomainVerdict.UNKNOWN
    return DomainVerdict.NO_MAIL_HOST


def _look_at_exchange(preference: int, host: str, domain: str, session: _Session) -> MailHost:
    if _is_address(host):
        return MailHost(preference=preference, host=host, usable=False, flags=("ip_literal",))
    found = _look_at(preference, host, session)
    if host in {domain, f"www.{domain}"}:
        return replace(found, flags=(*found.flags, "own_web_host"))
    return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _look_at(preference: int, host: str, session: _Session) -> MailHost:
    """Addresses of a host, and whether one of them can be reached from the Internet."""
    lookups = [session.lookup(host, "A")]
    if lookups[0].code != "NXDOMAIN":  # which holds for every type (RFC 8020)
        lookups.append(session.lookup(host, "AAAA"))
    addresses = tuple(address for lookup in lookups for address in lookup.addresses)
    flaws = [_flaw(address) for address in addresses]
    flags = sorted({flaw for flaw in flaws if flaw})
    if any(map(_is_documentation, addresses)):
        flags.append("documentation")
    usable: bool | None = "" in flaws
    if any(lookup.alias for lookup in lookups):
        flags.append("mx_is_cname")
    # A bare reply beside addresses means that there are none of the other kind.
    believed = {"EMPTY"} if addresses else set()
    if not all(lookup.answered or lookup.code in believed for lookup in lookups):
        flags.append("lookup_failed")
        usable = usable or None
    elif not addresses:
        flags.append("not_found" if lookups[-1].code == "NXDOMAIN" else "no_address")
    return MailHost(
        preference=preference,
        host=host,
        addresses=addresses,
        usable=usable,
        flags=tuple(flags),
    )


def _flaw(text: str) -> str:
    """Why nobody can bring mail to an address; empty if somebody can.

    By the IANA special-purpose registries as `ipaddress` has them. Of IPv6 only 2000::/3
    is in use (IANA IPv6 address space).
    """
    address = _address(text)
    if address.is_unspecified:
        return "unspecified"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link_local"
    if address.is_multicast:
        return "multicast"
    in_use = address.version == 4 or address in _IN_USE
    return "" if in_use and (address.is_global or _is_documentation(text)) else "not_public"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address; of one that stands for an IPv4 address (RFC 4291, RFC 6052) that one."""
    address = ipaddress.ip_address(text)
    if address.version == 4:
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address


_IN_USE = ipaddress.IPv6Network("2000::/3")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


def _is_documentation(text: str) -> bool:
    """Whether an address is one for examples. Laboratories serve them, and nobody else.

    A zone that holds one by mistake is no proof that its mailboxes are dead.
    """
    address = _address(text)
    return any(address in network for network in _DOCUMENTATION)


_DOCUMENTATION = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.2.0/24",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "2001:db8::/32",
            "3fff::/20",
        ),
    )
)
"""RFC 5737, RFC 3849, RFC 9637."""


# -------------------------------------------------------------------- alternate path


def _alternate(domain: str, session: _Session) -> tuple[str | None, DomainVerdict | None]:
    """The first parent that accepts mail, else the first that may (implicit MX)."""
    second_best: tuple[str | None, DomainVerdict | None] = None, None
    for parent in parents(domain):
        verdict, _, _ = _judge(parent, session)
        if verdict is DomainVerdict.ACCEPTS_MAIL:
            return parent, verdict
        if verdict is DomainVerdict.IMPLICIT_MX and second_best[0] is None:
            second_best = parent, verdict
    return second_best


def parents(domain: str) -> Iterator[str]:
    """Names above `domain`, nearest first, the registrable domain last.

    Nothing for a registrable domain or a public suffix. The list's private section
    counts: what is above ``user.github.io`` belongs to somebody else.
    """
    registrable = _suffixes().privatesuffix(domain)
    while registrable and domain != registrable:
        _, _, domain = domain.partition(".")
        yield domain


@cache
def _suffixes() -> "PublicSuffixList":
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


# -------------------------------------------------------------------- many at a time


def probe_many(
    domains: Iterable[str],
    *,
    resolver: Resolver,
    in_flight: int = MAX_IN_FLIGHT,
) -> Generator[tuple[str, Probe]]:
    """Probe domains side by side; results come as they are found.

    A probe makes one lookup at a time, so no more than `in_flight` are under way. When
    the caller stops early (or is interrupted), the resolver is closed, so that the probes
    under way end with their current lookup, and no thread is left.

    Args:
        domains: canonical names, see `addresses.normalise_domain`.
        resolver: whom to ask.
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
