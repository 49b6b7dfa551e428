"""What the test servers answer: from the zone file, or as bad resolvers do.

Built on dnslib. The code under test reads DNS with dnspython, so a mistake of either library
shows as a difference between the two.
"""

from collections.abc import Callable
from pathlib import Path

from dnslib import CNAME, DNAME, QTYPE, RCODE, RR, SOA, DNSLabel, DNSRecord
from dnslib.dns import RDMAP
from dnslib.label import DNSBuffer

ZONE = Path(__file__).parent / "zones/test.zone"

type Answer = Callable[[DNSRecord], DNSRecord]
"""From a query to its response."""

type Name = tuple[bytes, ...]
"""The labels of a domain name in lower case, without the root."""

ORIGIN: Name = (b"test",)
BROKEN: Name = (b"broken", b"test")
"""A zone that the server is configured for and cannot load: SERVFAIL."""


class UncompressedDname(DNAME):  # type: ignore[misc]  # dnslib has no types
    """A DNAME record, whose target must not be compressed (RFC 6672 section 2.5)."""

    def pack(self, buffer: DNSBuffer) -> None:
        """Append the target to a message."""
        buffer.encode_name_nocompress(self.label)


# dnslib has the record type, but its reader of zone files does not know it.
RDMAP["DNAME"] = UncompressedDname


class Authority:
    """Answers from the zone file as RFC 1034 section 4.3.2 describes."""

    def __init__(self) -> None:
        self.records: dict[Name, dict[int, list[RR]]] = {}
        for record in RR.fromZone(ZONE.read_text(encoding="utf-8"), origin="test."):
            types = self.records.setdefault(_name(record.rname), {})
            types.setdefault(record.rtype, []).append(record)
        # Names above a record exist too, without records (RFC 4592 section 2.2.2).
        self.names = {name[depth:] for name in self.records for depth in range(len(name))}

    def answer(self, query: DNSRecord) -> DNSRecord:
        """The response to one query."""
        response = query.reply(ra=0, aa=0)
        name = _name(query.q.qname)
        if _is_within(name, BROKEN):
            response.header.rcode = RCODE.SERVFAIL
        elif not _is_within(name, ORIGIN):
            response.header.rcode = RCODE.REFUSED
        else:
            self._look_up(response, name, query.q.qtype)
        return response

    def _look_up(self, response: DNSRecord, name: Name, rtype: int) -> None:
        seen: set[Name] = set()
        response.header.aa = 1
        while _is_within(name, ORIGIN) and name not in seen:
            seen.add(name)
            if delegation := self._delegation(name):
                response.header.aa = int(bool(response.rr))
                response.add_auth(*delegation)
                return
            if dname := self._dname_above(name):
                name = _substitute(response, name, dname)
                continue
            records = self._records_at(name)
            if records is None:
                response.header.rcode = RCODE.NXDOMAIN
                response.add_auth(self._negative_soa())
                return
            if rtype in records:
                response.add_answer(*_owned_by(name, records[rtype]))
                return
            if QTYPE.CNAME not in records:
                response.add_auth(self._negative_soa())
                return
            response.add_answer(*_owned_by(name, records[QTYPE.CNAME]))
            name = _name(records[QTYPE.CNAME][0].rdata.label)

    def _records_at(self, name: Name) -> dict[int, list[RR]] | None:
        """The records of a name by type; None if it does not exist, even by a wildcard."""
        if name in self.names:
            return self.records.get(name, {})
        above = next(name[n:] for n in range(len(name)) if name[n:] in self.names)
        return self.records.get((b"*", *above))

    def _delegation(self, name: Name) -> list[RR]:
        for suffix in reversed(_suffixes(name)):
            if suffix != ORIGIN and (found := self.records.get(suffix, {}).get(QTYPE.NS)):
                return found
        return []

    def _dname_above(self, name: Name) -> RR | None:
        for suffix in _suffixes(name[1:]):
            if found := self.records.get(suffix, {}).get(QTYPE.DNAME):
                return found[0]
        return None

    def _negative_soa(self) -> RR:
        """The SOA record with the TTL of negative answers (RFC 2308 section 3)."""
        [soa] = self.records[ORIGIN][QTYPE.SOA]
        assert isinstance(soa.rdata, SOA)
        minimum = soa.rdata.times[4]
        return RR(soa.rname, soa.rtype, ttl=min(soa.ttl, minimum), rdata=soa.rdata)


class WithoutSoa(Authority):
    """Leaves out what says that there is nothing, as simple forwarders do."""

    def answer(self, query: DNSRecord) -> DNSRecord:
        """The response, without AA flag and SOA record."""
        response = super().answer(query)
        response.header.aa = 0
        response.auth = [record for record in response.auth if record.rtype != QTYPE.SOA]
        return response


class WithoutAliasTarget(Authority):
    """Leaves it to the client to follow an alias."""

    def answer(self, query: DNSRecord) -> DNSRecord:
        """The response, which ends with the first alias."""
        response = super().answer(query)
        aliases = [record for record in response.rr if record.rtype == QTYPE.CNAME]
        if aliases:
            response.rr, response.auth = aliases[:1], []
            response.header.rcode = RCODE.NOERROR
        return response


# ---------------------------------------------------------------------- bad resolvers


def address_for_every_name(query: DNSRecord) -> DNSRecord:
    """Answers for every name, as providers that sell advertisements on typos do."""
    response = query.reply(ra=1, aa=0)
    data = {QTYPE.A: "A 44.128.0.66", QTYPE.MX: "MX 10 ads.example."}.get(query.q.qtype)
    if data:
        response.add_answer(*RR.fromZone(f"{query.q.qname} 60 IN {data}"))
    return response


def nxdomain_for_every_name(query: DNSRecord) -> DNSRecord:
    """Denies every name, as resolvers do in networks without Internet access."""
    response = query.reply(ra=1, aa=0)
    response.header.rcode = RCODE.NXDOMAIN
    return response


def refused_for_every_name(query: DNSRecord) -> DNSRecord:
    """Refuses every query."""
    response = query.reply(ra=0, aa=0)
    response.header.rcode = RCODE.REFUSED
    return response


# ------------------------------------------------------------------------------ names


def _name(label: DNSLabel) -> Name:
    return tuple(part.lower() for part in label.label)


def _suffixes(name: Name) -> list[Name]:
    """The name and those above it, longest first."""
    return [name[depth:] for depth in range(len(name))]


def _is_within(name: Name, parent: Name) -> bool:
    return name[-len(parent) :] == parent


def _owned_by(name: Name, records: list[RR]) -> list[RR]:
    """The records under the name that was asked for, which a wildcard does not have."""
    return [RR(DNSLabel(name), r.rtype, r.rclass, r.ttl, r.rdata) for r in records]


def _substitute(response: DNSRecord, name: Name, dname: RR) -> Name:
    """Add a DNAME record and the CNAME record that follows from it; returns the new name."""
    kept = name[: -len(_name(dname.rname))]
    target = (*kept, *_name(dname.rdata.label))
    alias = RR(DNSLabel(name), QTYPE.CNAME, ttl=dname.ttl, rdata=CNAME(DNSLabel(target)))
    response.add_answer(dname, alias)
    return target
