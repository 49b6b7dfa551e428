"""A resolver that knows which servers to trust."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, Protocol, Self

from bounceledger.domains.lookup import (
    Lookup,
    RecordType,
    Server,
    ask,
    parse_server,
    system_servers,
)


class LookupSource(Protocol):
    """What `probe` needs of a resolver."""

    def lookup(self, name: str, rdtype: RecordType, within: float) -> Lookup:
        """The answer to one question, in at most about `within` seconds."""


@dataclass(slots=True)
class Resolver:
    """Queries the first server that answers; uses none that affirms or denies everything.

    Servers are tried in order, beginning with the one that answered last, twice each.
    Before its first use, and hourly, a server is tested with canaries: names that cannot
    exist and one that must. A server that has an address for the former would have one for
    a dead domain, too, and one that denies the latter, as in networks without Internet
    access, would deny every living domain. Its answers are not used (`UNTRUSTED`). A server
    that does not answer the test, but does answer the question, is trusted for a minute. A
    configured server may serve private zones only, so it is not tested with the latter.
    Safe to use from many threads.

    Attributes:
        servers: the servers to query.
        configured: whether they were given explicitly, rather than by this machine.
        timeout: seconds before the next server is tried; twice that in the second round.
        cache_size: answers kept; the oldest leave first, and very large ones are not kept.
        transport: sends one question to one server.
        clock: seconds, monotonic.
        label: makes a random label.
    """

    servers: tuple[Server, ...]
    configured: bool = False
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
        """A resolver on the given servers, or on those of this machine.

        Raises:
            SettingsError: a server is not an IP address, optionally with a port.
        """
        given = tuple(parse_server(text) for text in servers)
        return cls(given or system_servers(), configured=bool(given))

    @property
    def replied(self) -> bool:
        """Whether any server has replied so far, to a test or to a question."""
        return bool(self._trusted)

    def close(self) -> None:
        """Answer every further question with `CLOSED`, so that running probes end."""
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
                if result.code != "EMPTY" or reply.answered:  # an empty reply beats none
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
            for canary in _CANARIES if self.configured else (*_CANARIES, _LIVING):
                check = put(canary.name.format(self.label()), "A", half)
                if check.code in _NO_REPLY:
                    reply = put(name, rdtype, half)
                    if reply.answered:
                        self._trusted[server] = (True, self.clock() + _PROVISIONAL_TRUST_SECONDS)
                    return reply
                trusted = check.code != canary.untrusted_if
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
            if answer.ttl > 0 and len(answer.exchanges + answer.addresses) <= _MAX_RECORDS_CACHED:
                self._answers[name, rdtype] = answer, self.clock() + min(answer.ttl, _MAX_TTL)
            while len(self._answers) > self.cache_size:
                self._answers.popitem(last=False)


class _Canary(NamedTuple):
    """A test question.

    Attributes:
        name: what to look up; ``{}`` is replaced with a random label.
        untrusted_if: the answer that shows that a server cannot be trusted.
    """

    name: str
    untrusted_if: str


_CANARIES = (_Canary("{}.invalid", "NOERROR"), _Canary("{}.com", "NOERROR"))
"""Names that cannot exist.

RFC 6761 section 6.4 reserves the first; servers that invent answers may know that, hence the
second.
"""
_LIVING = _Canary("com", "NXDOMAIN")
"""A name that must exist."""
_NO_REPLY = frozenset({"TIMEOUT", "UNREACHABLE", "MALFORMED"})
_TRUST_SECONDS = 3600
_PROVISIONAL_TRUST_SECONDS = 60
_MAX_TTL = 86400
_MAX_RECORDS_CACHED = 50
"""An answer with more is not kept: thousands of such would not fit into a function's memory."""


@cache
def default_resolver(servers: tuple[str, ...] = ()) -> Resolver:
    """The resolver of this execution environment, with its cache."""
    return Resolver.of(servers)
