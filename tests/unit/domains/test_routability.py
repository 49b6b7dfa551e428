"""Which addresses a mail host can be reached at."""

import pytest

from bounceledger.state import DomainVerdict as V
from tests.evidence import flags
from tests.unit.domains.dns_answers import a, look, mx


@pytest.mark.parametrize("address", ["2a00::1", "64:ff9b::2c80:1", "::ffff:44.128.0.1"])
def test_an_ipv6_address_in_use_is_a_mail_host(address: str) -> None:
    """IPv6 addresses count, those that stand for IPv4 addresses included."""
    # GIVEN an MX host with that address only, which may stand for an IPv4 address
    known = {("a.test", "MX"): mx((10, "mx.test")), ("mx.test", "AAAA"): a(address)}

    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN the host is usable, without a flag
    assert found.verdict is V.ACCEPTS_MAIL
    assert flags(found)[0] == []


@pytest.mark.parametrize(
    "address",
    ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1", "64:ff9b::c000:201"],
)
def test_a_documentation_address_does_not_make_a_domain_dead(address: str) -> None:
    """Laboratories serve documentation networks, so one of their addresses is only flagged."""
    # GIVEN an MX host in a documentation network
    rdtype = "AAAA" if ":" in address else "A"
    known = {("a.test", "MX"): mx((10, "mx.test")), ("mx.test", rdtype): a(address)}

    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN it accepts mail, and the host is flagged
    assert found.verdict is V.ACCEPTS_MAIL
    assert flags(found)[0] == ["documentation"]


@pytest.mark.parametrize(
    ("address", "flag"),
    [
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("127.0.0.1", "loopback"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("10.0.0.1", "not_public"),
        ("172.16.0.1", "not_public"),
        ("192.168.0.1", "not_public"),
        ("100.64.0.1", "not_public"),
        ("240.0.0.1", "not_public"),
        ("fd00::1", "not_public"),
        ("::ffff:10.0.0.1", "not_public"),
        ("::127.0.0.1", "not_public"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a00:1", "not_public"),
        ("64:ff9b:1::1", "not_public"),
        ("fec0::1", "not_public"),
        ("4000::1", "not_public"),
        ("2002:7f00:1::1", "not_public"),
        ("169.254.0.1", "link_local"),
        ("fe80::1", "link_local"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
    ],
)
def test_an_address_that_the_internet_does_not_route_is_not_a_mail_host(
    address: str, flag: str
) -> None:
    """Each special-purpose network makes a host unusable, with a flag that names it."""
    # GIVEN an MX host with that address only
    rdtype = "AAAA" if ":" in address else "A"
    known = {("a.test", "MX"): mx((10, "mx.test")), ("mx.test", rdtype): a(address)}

    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN there is no usable host, and the flag says why
    assert found.verdict is V.NO_MAIL_HOST
    assert flags(found)[0] == [flag]

    # AND it is the same for a domain without MX record
    assert look("mx.test", known)[0].verdict is V.NO_MAIL_HOST
