"""Agreement with the cases from public reports that are about DNS."""

import pytest

from bounceledger.domains.lookup import Lookup, RecordType
from bounceledger.domains.probe import probe
from bounceledger.state import DEAD_VERDICTS, DomainVerdict
from tests.cases import case

PUBLIC, LOOPBACK = "44.128.0.1", "127.0.0.1"

type Zone = dict[tuple[str, str], Lookup]


def mx(*exchanges: tuple[int, str]) -> Lookup:
    return Lookup(code="NOERROR", exchanges=exchanges, ttl=300, server="ns:53")


def a(*addresses: str) -> Lookup:
    return Lookup(code="NOERROR", addresses=addresses, ttl=300, server="ns:53")


LIVE = {("mx.test", "A"): a(PUBLIC)}
LOCALHOST = {("localhost", "A"): a(LOOPBACK)}

ZONES: dict[str, Zone] = {
    "d001": {("a.test", "MX"): mx((0, "."))},
    "d003": {("a.test", "MX"): mx((5, "x.invalid"), (10, "mx.test")), **LIVE},
    "d004": {("a.test", "MX"): mx((5, "ms.msv1.invalid"))},
    "d005": {
        ("a.test", "MX"): Lookup(
            code="NOERROR", exchanges=((10, "mx.test"),), alias="b.test", ttl=300
        ),
        **LIVE,
    },
    "d007": {("a.test", "A"): a(PUBLIC)},
    "d008": {("a.test", "MX"): mx((5, "localhost")), **LOCALHOST},
    "d009": {("a.test", "MX"): mx((5, "127.0.0.1"))},
    "d014": {("a.test", "MX"): mx((5, "gone.test"), (10, "mx.test")), **LIVE},
    "d015": {("a.test", "MX"): Lookup(code="SERVFAIL", server="ns:53")},
    "d016": {("a.test", "MX"): mx((5, "localhost"), (10, "mx.test")), **LOCALHOST, **LIVE},
}
"""The DNS answers that each case describes."""


class Answers:
    """A resolver with the answers of one zone; any other name does not exist."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def lookup(self, name: str, rdtype: RecordType, within: float) -> Lookup:
        assert within > 0
        exists = any(name == known for known, _ in self._zone)
        missing = Lookup(code="NODATA" if exists else "NXDOMAIN", ttl=60, server="ns:53")
        return self._zone.get((name, rdtype), missing)


@pytest.mark.parametrize("name", ZONES)
def test_dns_is_read_as_the_reports_want_it(name: str) -> None:
    """A domain is dead only if nobody could deliver mail to it."""
    right = case(name)["right"]

    found = probe("a.test", resolver=Answers(ZONES[name])).verdict

    if right == "undecided":
        assert found is DomainVerdict.UNKNOWN
    else:
        assert (found in DEAD_VERDICTS) is (right == "takes no mail")
