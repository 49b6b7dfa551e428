"""What nsd answers to every question that the tests ask, kept in a file.

The responder is held to it where nsd is not installed too. After a change of the zone file:
``apt install nsd && .venv/bin/python -m tests.dns.recording``.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rcode

from bounceledger.domains.lookup import Lookup, Server, ask
from bounceledger.domains.probe import probe
from bounceledger.domains.resolver import Resolver
from tests.dns import server as servers
from tests.dns.cases import ALTERNATES, CASES

PATH = Path(__file__).parent / "nsd_answers.json"

MADE_UP = ("invalid", "com")
"""Where the names are that a resolver is tested with; they have random labels."""

type Question = tuple[str, str]
"""Name and record type."""

EXTRA: tuple[Question, ...] = (
    ("a.b.silent.test", "MX"),
    ("silent.test", "MX"),
    ("a.b.silent.test", "A"),
    ("below.renamed.test", "A"),
    ("renamed.test", "MX"),
    ("test", "MX"),
    ("com", "A"),
    ("a.invalid", "A"),
    ("BROKEN.test", "A"),
    ("below.lame.test", "A"),
    ("below.loop-a.test", "MX"),
)
"""Questions beside those of the cases: wildcards, the names above them, DNAME, delegation."""


def questions(server: Server) -> list[Question]:
    """Every question that probing the cases puts to a server of the zones, sorted."""
    asked: set[Question] = set(EXTRA)

    def transport(to: Server, name: str, rdtype: Any, within: float) -> Lookup:
        if name.rpartition(".")[2] not in MADE_UP:
            asked.add((name, rdtype))
        return ask(to, name, rdtype, within)

    for domain in (*CASES, *ALTERNATES):
        probe(domain, resolver=Resolver((server,), transport=transport, timeout=5))
    return sorted(asked)


def said(server: Server, question: Question) -> dict[str, Any]:
    """A server's response over UDP, as JSON; the records over TCP if it was truncated."""
    query = dns.message.make_query(*question, use_edns=0, payload=1232)
    response = dns.query.udp(query, server.host, 5, server.port)
    found = {"flags": dns.flags.to_text(response.flags)}
    if response.flags & dns.flags.TC:
        response = dns.query.tcp(query, server.host, 5, server.port)
    return found | {
        "code": dns.rcode.to_text(response.rcode()),
        "edns": response.edns,
        "answer": _records(response.answer),
        "authority": _records(response.authority),
    }


def _records(section: list[Any]) -> list[str]:
    return sorted(
        f"{rrset.name} {rrset.ttl} ".lower() + f"{rrset.rdtype.name} {record}"
        for rrset in section
        for record in rrset
    )


def load() -> dict[Question, dict[str, Any]]:
    """The recorded responses."""
    kept = json.loads(PATH.read_text(encoding="utf-8"))
    return {tuple(key.split()): value for key, value in kept.items()}


def main() -> None:
    """Ask nsd and write the file."""
    with tempfile.TemporaryDirectory() as folder, servers.nsd(Path(folder)) as server:
        found = {" ".join(question): said(server, question) for question in questions(server)}
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in found.items())
    PATH.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
