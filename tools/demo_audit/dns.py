"""DNS for the domains of the demo: a stub in place of the network, below the real resolver."""

from bounceledger.domains.lookup import Lookup, RecordType, Server
from bounceledger.domains.resolver import Resolver
from tools.demo_audit.leads import GONE_DOMAIN, NO_MAIL_DOMAIN

SERVER = Server("192.0.2.53")
TTL = 300


def resolver() -> Resolver:
    """A resolver that asks the stub."""
    return Resolver((SERVER,), configured=True, transport=answer)


def answer(server: Server, name: str, rdtype: RecordType, within: float) -> Lookup:
    """What a DNS server would say; arguments as for `lookup.ask`."""
    del within
    host = name.removeprefix("mx.")
    if not host.endswith(".example") or host.startswith(GONE_DOMAIN):
        return Lookup(code="NXDOMAIN", ttl=TTL, server=str(server))
    if host.startswith(NO_MAIL_DOMAIN) and rdtype == "MX":
        return Lookup(code="NOERROR", exchanges=((0, "."),), ttl=TTL, server=str(server))
    if rdtype == "MX" and not name.startswith("mx."):
        exchanges = ((10, f"mx.{name}"),)
        return Lookup(code="NOERROR", exchanges=exchanges, ttl=TTL, server=str(server))
    if rdtype == "A":
        return Lookup(code="NOERROR", addresses=("192.0.2.10",), ttl=TTL, server=str(server))
    return Lookup(code="NODATA", ttl=TTL, server=str(server))
