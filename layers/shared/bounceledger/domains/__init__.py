"""What DNS says about mail for a domain: dead or alive, and where else to write.

`judge` reads the answers as the RFCs have it, `resolver` gets them.
"""

from bounceledger.domains.judge import (
    FLAGS,
    LIFETIME,
    MAX_HOSTS,
    MAX_IN_FLIGHT,
    MAX_LOOKUPS,
    MailHost,
    parents,
    probe,
    probe_many,
)
from bounceledger.domains.resolver import (
    Lookup,
    Resolver,
    Server,
    ask,
    default_resolver,
    parse_server,
    system_servers,
)

__all__ = [
    "FLAGS",
    "LIFETIME",
    "MAX_HOSTS",
    "MAX_IN_FLIGHT",
    "MAX_LOOKUPS",
    "Lookup",
    "MailHost",
    "Resolver",
    "Server",
    "ask",
    "default_resolver",
    "parents",
    "parse_server",
    "probe",
    "probe_many",
    "system_servers",
]
