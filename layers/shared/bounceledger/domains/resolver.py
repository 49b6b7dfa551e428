"""One question to DNS and its answer; and a resolver that knows whom to believe.

The only module that speaks DNS. dnspython is imported where it is used, so importing this
module costs nothing.
"""

import ipaddress
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, Protocol, Self

from bounceledger.errors import SettingsError

if TYPE_CHECKING:
    import dns.message
    import dns.name

type RecordType = Literal["MX", "A", "AAAA"]


# ------------------------------------------------------------------------- one lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The outcome of one question.

    Attributes:
        code: ``NOERROR`` with records, ``NODATA`` (the name exists, without such records),
            ``NXDOMAIN``, ``ALIAS`` (a CNAME record without its target); ``EMPTY`` (nothing,
            not even the word that there is nothing); or why there is no answer: an RCODE
            such as ``SERVFAIL``, or ``TIMEOUT``, ``UNREACHABLE``, ``MALFORMED``, ``LOOP``,
            ``LAME``, ``UNTRUSTED``, ``NO_RESOLVER``, ``BUDGET``, ``CLOSED``.
        exchanges: preference and host of every MX record, in presentation form.
        addresses: of A or AAAA records.
        alias: the name that a chain of CNAME or DNAME records led to; empty for none.
        ttl: seconds that the answer holds (RFC 2308 section 5 for a negative one).
        server: who answered; empty if nobody was asked.
    """

    code: str
    exchanges: tuple[tuple[int, str], ...] = ()
    addresses: tuple[str, ...] = ()
    alias: str = ""
    ttl: int = 0
    server: str = ""

    @property
    def answered(self) -> bool:
        """Whether this is an answer, be it that there is nothing."""
        return self.code in {"NOERROR", "NODATA", "NXDOMAIN", "ALIAS"}


@dataclass(frozen=True, slots=True)
class Server:
    """A recursive resolver, or anything else that answers questions."""

    host: str
    port: int = 53

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_server(text: str) -> Server:
    """A server from ``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1`` or ``[2001:db8::1]:53``.

    Raises:
        SettingsError: it is neither.
    """
    match = re.fullmatch(r"\[(.+)\](?::(\d{1,5}))?|([^:]+):(\d{1,5})", text.strip(), re.ASCII)
    host, port = (match[1] or match[3], match[2] or match[4]) if match else (text.strip(), None)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise SettingsError(f"DNS resolver {text!r} is not an IP address with a port") from None
    if port is not None and not 0 < int(port) < 65536:
        raise SettingsError(f"DNS resolver {text!r} has an impossible port")
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
    """Put one question to one server: over UDP, and over TCP if the answer is truncated.

    Args:
        server: whom to ask.
        name: domain name in A-labels.
        rdtype: what to ask for.
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


# -------------------------------------------------------------------------- resolver


class Asks(Protocol):
    """What `probe` needs of a resolver."""

    def lookup(self, name: str, rdtype: RecordType, within: float) -> Lookup:
        """The answer to one question, in at most about `within` seconds."""


@dataclass(slots=True)
class Resolver:
    """Asks the first server that answers, believes none that affirms or denies everything.

    Servers are tried in order, beginning with the one that answered last, twice each.
    Before the first question to a server, and hourly, it is asked for names that cannot
    exist and for one that must: a server that has an address for the former would have one
    for a dead domain, too, and one that denies the latter, as in networks without a way
    out, would deny every living domain. Its answers are not used (`UNTRUSTED`). A server
    that is silent on the test, but not on the question, is believed for a minute. A server
    that somebody named may serve private zones only, so it is not asked for the latter.
    Safe to use from many threads.

    Attributes:
        servers: whom to ask.
        named: whether somebody named them, rather than this machine's configuration.
        timeout: seconds before the next server is tried; the second try gets twice that.
        cache_size: answers kept; the oldest leave first.
        transport: how one question is put to one server.
        clock: seconds, monotonic.
        label: makes a random label.
    """

    servers: tuple[Server, ...]
    named: bool = False
    timeout: float = 1.5
    cache_size: int = 2000
    transport: Callable[[Server, str, RecordType, float], Lookup] = ask
    clock: Callable[[], float] = time.monotonic
    label: Callable[[], str] = lambda: secrets.token_hex(12)
    _answers: OrderedDict[tuple[str, RecordType], tuple[Lookup, float]] = field(
        default_factory=OrderedDict
    )
    _trusted: dict[Server, tuple[bool, float]] = field(default_factory=dict)
    _preferred: int = 0
    _closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, servers: Iterable[str] = ()) -> Self:
        """A resolver on the named servers, or on those of this machine.

        Raises:
            SettingsError: a server is not an IP address with or without a port.
        """
        named = tuple(parse_server(text) for text in servers)
        return cls(named or system_servers(), named=bool(named))

    def close(self) -> None:
        """Answer every further question with `CLOSED`, so that probes under way end."""
        self._closed = True

    def lookup(self, name: str, rdtype: RecordType, within: float) -> Lookup:
        """The answer to one question, from the cache while its TTL lasts.

        Args:
            name: domain name in A-labels.
            rdtype: what to ask for.
            within: seconds for all servers and tries together.
        """
        if (known := self._recall(name, rdtype)) is not None:
            return known
        end = self.clock() + within
        result = Lookup(code="TIMEOUT" if self.servers else "NO_RESOLVER")
        for factor in (1, 2):
            for index in self._order():
                if self._closed:
                    return Lookup(code="CLOSED")
                if self.clock() >= end:
                    return result
                reply = self._ask_if_trusted(index, name, rdtype, factor * self.timeout, end)
                if result.code != "EMPTY" or reply.answered:  # better than no reply at all
                    result = reply
                if result.answered:
                    self._preferred = index
                    self._remember(name, rdtype, result)
                    return result
        return result

    def _order(self) -> list[int]:
        count = len(self.servers)
        return [(self._preferred + step) % count for step in range(count)]

    def _ask_if_trusted(
        self, index: int, name: str, rdtype: RecordType, timeout: float, end: float
    ) -> Lookup:
        server = self.servers[index]

        def put(name: str, rdtype: RecordType, seconds: float) -> Lookup:
            left = min(seconds, end - self.clock())
            if left <= 0:
                return Lookup(code="TIMEOUT", server=str(server))
            return self.transport(server, name, rdtype, left)

        trusted, until = self._trusted.get(server, (False, 0.0))
        if not until or self.clock() >= until:
            # Half for a test and half for the question, so that a dead server takes no longer.
            half = min(timeout, end - self.clock()) / 2
            for test, betrays in _LIES if self.named else (*_LIES, _DENIAL):
                check = put(test.format(self.label()), "A", half)
                if check.code in _NO_REPLY:
                    reply = put(name, rdtype, half)
                    if reply.answered:
                        self._trusted[server] = (True, self.clock() + _DOUBT_SECONDS)
                    return reply
                trusted = check.code != betrays
                if not trusted:
                    break
            self._trusted[server] = (trusted, self.clock() + _TRUST_SECONDS)
        if not trusted:
            return Lookup(code="UNTRUSTED", server=str(server))
        return put(name, rdtype, timeout)

    def _recall(self, name: str, rdtype: RecordType) -> Lookup | None:
        with self._lock:
            answer, until = self._answers.get((name, rdtype), (None, 0.0))
            return answer if self.clock() < until else None

    def _remember(self, name: str, rdtype: RecordType, answer: Lookup) -> None:
        with self._lock:
            self._answers.pop((name, rdtype), None)
            if answer.ttl > 0:
                self._answers[name, rdtype] = answer, self.clock() + min(answer.ttl, _MAX_TTL)
            while len(self._answers) > self.cache_size:
                self._answers.popitem(last=False)


_LIES = (("{}.invalid", "NOERROR"), ("{}.com", "NOERROR"))
"""Names that cannot exist, and the answer that gives a server away.

RFC 6761 section 6.4 reserves the first; some liars know that, hence the second.
"""
_DENIAL = ("com", "NXDOMAIN")
"""A name that must exist, likewise."""
_NO_REPLY = frozenset({"TIMEOUT", "UNREACHABLE", "MALFORMED"})
_TRUST_SECONDS = 3600
_DOUBT_SECONDS = 60
_MAX_TTL = 86400


@cache
def default_resolver(servers: tuple[str, ...] = ()) -> Resolver:
    """The resolver of this execution environment, with its cache."""
    return Resolver.of(servers)
