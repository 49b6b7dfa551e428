"""A fake resolver, and the answers that tests give it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bounceledger.domains.lookup import Lookup, RecordType
from bounceledger.domains.probe import probe
from bounceledger.state import Probe

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


PUBLIC = "44.128.0.1"


def mx(*exchanges: tuple[int, str], ttl: int = 300) -> Lookup:
    return Lookup(code="NOERROR", exchanges=exchanges, ttl=ttl, server="ns:53")


def a(*addresses: str, alias: str = "") -> Lookup:
    return Lookup(code="NOERROR", addresses=addresses, alias=alias, ttl=60, server="ns:53")


def lookup_of(code: str) -> Lookup:
    return Lookup(code=code)


NODATA = Lookup(code="NODATA", ttl=30)


NXDOMAIN = Lookup(code="NXDOMAIN", ttl=30)


EMPTY = Lookup(code="EMPTY")


class Answers:
    """A fake resolver with these answers; any other name does not exist."""

    def __init__(self, known: Mapping[tuple[str, str], Lookup], default: Lookup = NXDOMAIN) -> None:
        self.known = known
        self.default = default
        self.asked: list[tuple[str, str]] = []

    def lookup(self, name: str, rdtype: RecordType, within: float) -> Lookup:
        assert within > 0
        self.asked.append((name, rdtype))
        exists = any(name == known for known, _ in self.known)
        return self.known.get((name, rdtype), NODATA if exists else self.default)


def look(
    domain: str, known: Mapping[tuple[str, str], Lookup], **options: Any
) -> tuple[Probe, Answers]:
    resolver = Answers(known)
    return probe(domain, resolver=resolver, now=lambda: NOW, **options), resolver


def alias_of(target: str) -> Lookup:
    return Lookup(code="ALIAS", alias=target, ttl=60)
