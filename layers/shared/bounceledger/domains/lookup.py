"""One DNS question to one server, and its answer.

The only module that sends DNS queries. dnspython is imported where it is used, so importing this
module costs nothing.
"""

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bounceledger.errors import SettingsError

if TYPE_CHECKING:
    import dns.message
    import dns.name

type RecordType = Literal["MX", "A", "AAAA"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The outcome of one question.

    Attributes:
        code: ``NOERROR`` with records, ``NODATA`` (the name exists, without such records),
            ``NXDOMAIN``, ``ALIAS`` (a CNAME record without its target); ``EMPTY`` (no
            records and no statement that there are none); or why there is no answer: an RCODE
            such as ``SERVFAIL``, or ``TIMEOUT``, ``UNREACHABLE``, ``MALFORMED``, ``LOOP``,
            ``LAME``, ``UNTRUSTED``, ``NO_RESOLVER``, ``BUDGET``, ``CLOSED``.
        exchanges: preference and host of every MX record, in presentation form.
        addresses: of A or AAAA records.
        alias: the name that a chain of CNAME or DNAME records led to; empty for none.
        ttl: seconds for which the answer is valid (RFC 2308 section 5 for a negative one).
        server: which server answered; empty if none was queried.
    """

    code: str
    exchanges: tuple[tuple[int, str], ...] = ()
    addresses: tuple[str, ...] = ()
    alias: str = ""
    ttl: int = 0
    server: str = ""

    @property
    def answered(self) -> bool:
        """Whether this is a definite answer, even if it is that there is no record."""
        return self.code in {"NOERROR", "NODATA", "NXDOMAIN", "ALIAS"}


@dataclass(frozen=True, slots=True)
class Server:
    """A recursive resolver, or another DNS server."""

    host: str
    port: int = 53

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_server(text: str) -> Server:
    """A server from ``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1`` or ``[2001:db8::1]:53``.

    Raises:
        SettingsError: it is none of these.
    """
    match = re.fullmatch(r"\[(.+)\](?::(\d{1,5}))?|([^:]+):(\d{1,5})", text.strip(), re.ASCII)
    host, port = (match[1] or match[3], match[2] or match[4]) if match else (text.strip(), None)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise SettingsError(
            f"DNS resolver {text!r} is not an IP address (optionally with :port)"
        ) from None
    if port is not None and not 0 < int(port) < 65536:
        raise SettingsError(f"DNS resolver {text!r} has a port outside 1 to 65535")
    return Server(str(address), int(port or 53))


def system_servers() -> tuple[Server, ...]:
    """The resolvers that this machine is configured with; none if it has no configuration."""
    import dns.resolver

    try:
        resolver = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return ()
    return tuple(Server(str(host), resolver.port) for host in resolver.nameservers)


def ask(server: Server, name: str, rdtype: RecordType, within: float) -> Lookup:
    """Send one question to one server: over UDP, and over TCP if the answer is truncated.

    Args:
        server: which server.
        name: domain name in A-labels.
        rdtype: record type.
        within: seconds for each of the two.
    """
    import dns.exception
    import dns.message
    import dns.query

    def failed(code: str) -> Lookup:
        return Lookup(code=code, server=str(server))

    try:
        # 1232 bytes pass everywhere unfragmented (DNS flag day 2020).
        query = dns.message.make_query(name, rdtype, use_edns=0, payload=1232)
        response, _ = dns.query.udp_with_fallback(
            query,
            server.host,
            within,
            server.port,
            ignore_unexpected=True,
            ignore_errors=True,
        )
        return replace(_read(response), server=str(server))
    except dns.exception.Timeout:
        return failed("TIMEOUT")
    except dns.message.ChainTooLong:
        return failed("LOOP")
    except dns.exception.DNSException:
        return failed("MALFORMED")
    except (OSError, EOFError):
        return failed("UNREACHABLE")


def _read(response: "dns.message.QueryMessage | dns.message.Message") -> Lookup:
    import dns.message
    import dns.rcode
    import dns.rdatatype

    code = dns.rcode.to_text(response.rcode())
    if code not in {"NOERROR", "NXDOMAIN"} or not isinstance(response, dns.message.QueryMessage):
        return Lookup(code=code if code != "NOERROR" else "MALFORMED")
    chain = response.resolve_chaining()
    alias = _text(chain.canonical_name) if chain.cnames else ""
    records = tuple(chain.answer or ())
    if not records:
        return Lookup(code=_nothing(response, alias), alias=alias, ttl=chain.minimum_ttl)
    mx = chain.answer is not None and chain.answer.rdtype == dns.rdatatype.MX
    return Lookup(
        code=code,
        exchanges=tuple(sorted((r.preference, _text(r.exchange)) for r in records)) if mx else (),
        addresses=() if mx else tuple(r.address for r in records),
        alias=alias,
        ttl=chain.minimum_ttl,
    )


def _nothing(response: "dns.message.QueryMessage", alias: str) -> str:
    """The code of a reply without records of the type that was asked for.

    RFC 2308 section 2: NXDOMAIN and SOA records say that there is nothing; NS without SOA
    records are a referral. Without either, servers that recurse or have authority mean the
    same, and others left it out or know nothing.
    """
    import dns.flags
    import dns.rcode
    import dns.rdatatype

    kinds = {rrset.rdtype for rrset in response.authority}
    if response.rcode() == dns.rcode.NXDOMAIN:
        return "NXDOMAIN"
    if dns.rdatatype.SOA in kinds:
        return "NODATA"
    if alias:
        return "ALIAS"
    if dns.rdatatype.NS in kinds:
        return "LAME"
    if response.flags & (dns.flags.RA | dns.flags.AA):
        return "NODATA"
    return "LAME" if response.answer or response.authority else "EMPTY"


def _text(name: "dns.name.Name") -> str:
    return name.to_text(omit_final_dot=True).lower()
