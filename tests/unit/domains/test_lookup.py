"""How a resolver is named."""

import pytest

from bounceledger.domains.lookup import Server, parse_server
from bounceledger.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", Server("192.0.2.1", 53)),
        (" 127.0.0.1:5353 ", Server("127.0.0.1", 5353)),
        ("::1", Server("::1", 53)),
        ("[::1]", Server("::1", 53)),
        ("[2001:DB8::1]:5353", Server("2001:db8::1", 5353)),
    ],
)
def test_a_resolver_is_named_by_address_and_port(text: str, server: Server) -> None:
    """Settings and command line accept the notations people use, and print one of them."""
    # GIVEN a resolver in one of its notations
    # WHEN it is parsed
    # THEN host and port are found, also in its own string form
    assert parse_server(text) == server
    assert parse_server(str(server)) == server


@pytest.mark.parametrize("text", ["", "dns.test", "1.2.3.4:0", "1.2.3.4:70000", "1.2.3:53", "[::1"])
def test_an_invalid_resolver_is_a_settings_error(text: str) -> None:
    """A typo in a resolver's address fails at start, not at the first probe."""
    # GIVEN a string that is not an IP address with or without a port
    # WHEN it is parsed
    # THEN the error says what it should be
    with pytest.raises(SettingsError, match="resolver"):
        parse_server(text)
