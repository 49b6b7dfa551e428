"""What a probe keeps as evidence, for assertions: JSON, whose shape the tests know."""

from typing import Any

from bounceledger.state import Probe


def details(probe: Probe) -> dict[str, Any]:
    """Records, answers, servers, warnings and TTL."""
    return dict(probe.details)


def flags(probe: Probe) -> list[list[str]]:
    """The flags of every mail host, in the order of the records."""
    return [list(record["flags"]) for record in details(probe)["records"]]
