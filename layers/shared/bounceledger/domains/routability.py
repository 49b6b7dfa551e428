"""Whether mail can be delivered to an IP address over the public Internet."""

import ipaddress


def why_unroutable(text: str) -> str:
    """Why no mail can be delivered to an address; empty if it can.

    By the IANA special-purpose registries as `ipaddress` has them. Of IPv6, only 2000::/3 is
    in use (IANA IPv6 address space).
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
    return "" if in_use and (address.is_global or is_documentation(text)) else "not_public"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address; the IPv4 address where it stands for one (RFC 4291, RFC 6052)."""
    address = ipaddress.ip_address(text)
    if address.version == 4:
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address


_IN_USE = ipaddress.IPv6Network("2000::/3")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


def is_documentation(text: str) -> bool:
    """Whether an address is reserved for examples.

    Test labs use them, and a zone that has one by mistake does not prove that its mailboxes
    are dead, so such an address counts as usable.
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
