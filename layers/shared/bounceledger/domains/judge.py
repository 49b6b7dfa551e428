"""What DNS answers say about mail for a domain.

MX and address records are read as RFC 5321 section 5.1 has a sender do it, and RFC 7505 for
domains that accept no mail at all. A domain is dead only by an answer; whatever is not an
answer (timeout, SERVFAIL, REFUSED, no network) makes it `unknown`.
"""

import ipaddress
from dataclasses import dataclass, replace
from typing import Protocol

from bounceledger.domains.lookup import Lookup, RecordType
from bounceledger.domains.routability import is_documentation, why_unroutable
from bounceledger.state import DomainVerdict, Json

MAX_HOSTS = 10
"""MX hosts that are looked at, and null MX records that are kept; most preferred first."""
MAX_NAME = 256
"""Characters that are kept of a name: escaped, one may have four times as many."""


class Lookups(Protocol):
    """What `judge` needs: a way to look up records."""

    def lookup(self, name: str, rdtype: RecordType) -> Lookup:
        """The records of one type that a name has."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHost:
    """A host to which mail for a domain would be delivered.

    Attributes:
        preference: of its MX record, lower is tried first; 0 for an implicit MX.
        host: its name.
        addresses: IPv4, then IPv6.
        usable: whether mail can be delivered there; None if that is unknown.
        flags: what is unusual about it, see `FLAGS`.
    """

    preference: int
    host: str
    addresses: tuple[str, ...] = ()
    usable: bool | None = None
    flags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """The host as part of a probe's details."""
        return {
            "preference": self.preference,
            "host": self.host[:MAX_NAME],
            "addresses": list(self.addresses[:_MAX_ADDRESSES]),
            "usable": self.usable,
            "flags": list(self.flags),
        }


FLAGS: dict[str, str] = {
    "null_mx": "says that the domain accepts no mail (RFC 7505)",
    "implicit": "no MX record, the domain's own address is used (RFC 5321 section 5.1)",
    "ip_literal": "an IP address where a host name is required (RFC 1035 section 3.3.9)",
    "mx_is_cname": "the MX is an alias, which works but is not allowed (RFC 2181 section 10.3)",
    "own_web_host": "the MX is the domain itself or its www host",
    "not_found": "the host does not exist",
    "no_address": "the host has no address",
    "unspecified": "0.0.0.0 or ::",
    "loopback": "an address of the sender itself",
    "link_local": "a link-local address",
    "multicast": "a multicast address",
    "not_public": "an address that the Internet does not route",
    "documentation": "an address reserved for examples (RFC 5737, RFC 3849), treated as usable",
    "lookup_failed": "the host's addresses could not be looked up",
}
"""Meaning of every flag of a mail host."""

_MAX_ADDRESSES = 8


type Judgement = tuple[DomainVerdict, tuple[MailHost, ...], tuple[str, ...]]


def judge(domain: str, lookups: Lookups) -> Judgement:
    """The verdict, the mail hosts, and warnings. RFC 5321 section 5.1, RFC 7505 section 3."""
    mx = lookups.lookup(domain, "MX")
    if not mx.answered and mx.code != "EMPTY":
        return DomainVerdict.UNKNOWN, (), ()
    if mx.code == "NXDOMAIN":
        return DomainVerdict.MISSING, (), ()
    if not mx.exchanges:
        host = _look_at(0, domain, lookups)
        if mx.code == "EMPTY" and not host.addresses:
            return DomainVerdict.UNKNOWN, (), ()
        flags = (flag for flag in host.flags if flag != "mx_is_cname")
        host = replace(host, flags=("implicit", *flags))
        return _by_hosts([host], DomainVerdict.IMPLICIT_MX), (host,), ()
    return _by_exchanges(domain, mx, lookups)


def _by_exchanges(domain: str, mx: Lookup, lookups: Lookups) -> Judgement:
    null_records = [record for record in mx.exchanges if _is_null(record[1])]
    others = [record for record in mx.exchanges if not _is_null(record[1])]
    nulls = [
        MailHost(preference=preference, host=".", usable=False, flags=("null_mx",))
        for preference, _ in null_records[:MAX_HOSTS]
    ]
    warnings = []
    if any(preference for preference, _ in null_records):
        warnings.append("null_mx_preference")
    if any(host != "." for _, host in null_records):
        warnings.append("null_mx_whitespace")
    if len(null_records) > MAX_HOSTS:
        warnings.append("more_null_mx")
    if not others:
        return DomainVerdict.NULL_MX, tuple(nulls), tuple(warnings)
    if nulls:
        warnings.append("null_mx_beside_others")
    if len(others) > MAX_HOSTS:
        warnings.append("more_hosts_not_looked_at")
    hosts = [_look_at_exchange(p, host, domain, lookups) for p, host in others[:MAX_HOSTS]]
    verdict = _by_hosts(hosts, DomainVerdict.ACCEPTS_MAIL)
    if verdict is DomainVerdict.NO_MAIL_HOST and len(others) > MAX_HOSTS:
        verdict = DomainVerdict.UNKNOWN
    ordered = sorted([*nulls, *hosts], key=lambda host: host.preference)
    return verdict, tuple(ordered), tuple(warnings)


def _is_null(host: str) -> bool:
    """Whether an exchange is the root, or nothing but white space that was meant to be."""
    for space in ("\\009", "\\010", "\\013", "\\032"):  # as a zone file writes them
        host = host.replace(space, " ")
    return host != "" and not host.strip(" \t.")


def _by_hosts(hosts: list[MailHost], verdict: DomainVerdict) -> DomainVerdict:
    """`verdict` if one host is usable; dead only if every single one is known not to be."""
    if any(host.usable for host in hosts):
        return verdict
    if any(host.usable is None for host in hosts):
        return DomainVerdict.UNKNOWN
    return DomainVerdict.NO_MAIL_HOST


def _look_at_exchange(preference: int, host: str, domain: str, lookups: Lookups) -> MailHost:
    if _is_address(host):
        return MailHost(preference=preference, host=host, usable=False, flags=("ip_literal",))
    found = _look_at(preference, host, lookups)
    if host in {domain, f"www.{domain}"}:
        return replace(found, flags=(*found.flags, "own_web_host"))
    return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _look_at(preference: int, host: str, lookups: Lookups) -> MailHost:
    """Addresses of a host, and whether one of them can be reached from the Internet."""
    answers = [lookups.lookup(host, "A")]
    if answers[0].code != "NXDOMAIN":  # which holds for every type (RFC 8020)
        answers.append(lookups.lookup(host, "AAAA"))
    addresses = tuple(address for answer in answers for address in answer.addresses)
    flaws = [why_unroutable(address) for address in addresses]
    flags = sorted({flaw for flaw in flaws if flaw})
    if any(map(is_documentation, addresses)):
        flags.append("documentation")
    usable: bool | None = "" in flaws
    if any(answer.alias for answer in answers):
        flags.append("mx_is_cname")
    # An empty reply, where the other type has addresses, means that there are none of this type.
    accepted_codes = {"EMPTY"} if addresses else set()
    if not all(answer.answered or answer.code in accepted_codes for answer in answers):
        flags.append("lookup_failed")
        usable = usable or None
    elif not addresses:
        flags.append("not_found" if answers[-1].code == "NXDOMAIN" else "no_address")
    return MailHost(
        preference=preference,
        host=host,
        addresses=addresses,
        usable=usable,
        flags=tuple(flags),
    )
