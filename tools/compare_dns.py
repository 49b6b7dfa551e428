"""Compares our DNS verdicts with those of email-validator and checkdmarc on the same zones.

dnslib serves the zones; all three libraries read them with dnspython. ``make compare`` runs
this in a separate environment. It prints a Markdown table; ``--write`` replaces the table in
docs/domains.md with it. Exits with 1 if any of our verdicts is wrong.
"""

import argparse
import contextlib
import logging
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import checkdmarc.smtp
import checkdmarc.utils
import dns.resolver
from email_validator import EmailUndeliverableError
from email_validator.deliverability import validate_email_deliverability

from bounceledger.domains.lookup import Server
from bounceledger.domains.probe import probe
from bounceledger.domains.resolver import Resolver
from bounceledger.state import DomainVerdict
from tests.dns import answers
from tests.dns import server as servers

PAGE = Path(__file__).parents[1] / "docs/domains.md"
BEGIN, END = "<!-- comparison -->", "<!-- end of comparison -->"

MAIL, PERHAPS, NONE, UNKNOWN = "accepts mail", "address only", "accepts none", "not known"

OURS = {
    DomainVerdict.ACCEPTS_MAIL: MAIL,
    DomainVerdict.IMPLICIT_MX: PERHAPS,
    DomainVerdict.NULL_MX: NONE,
    DomainVerdict.NO_MAIL_HOST: NONE,
    DomainVerdict.MISSING: NONE,
    DomainVerdict.UNKNOWN: UNKNOWN,
}

TIMEOUT = 1.0


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        what: what is set up.
        truth: the right verdict.
        domain: the domain to look up.
        where: which of `servers_by_name` to query.
    """

    what: str
    truth: str
    domain: str
    where: str = "zones"


CASES = (
    Case("MX with public addresses", MAIL, "company.test"),
    Case("null MX", NONE, "null-mx.test"),
    Case("null MX with preference 10", NONE, "null-mx-preference.test"),
    Case("null MX written as a space", NONE, "null-mx-space.test"),
    Case("null MX twice, preferences 0 and 10", NONE, "null-mx-twice.test"),
    Case("null MX and a working MX", MAIL, "null-mx-beside.test"),
    Case("null MX and an MX that does not exist", NONE, "null-mx-beside-dead.test"),
    Case("MX host does not exist", NONE, "mx-missing.test"),
    Case("MX host has no address", NONE, "mx-no-address.test"),
    Case("MX host is 0.0.0.0", NONE, "mx-unspecified.test"),
    Case("MX host is ::", NONE, "mx-unspecified6.test"),
    Case("MX host is 127.0.0.1", NONE, "mx-loopback.test"),
    Case("MX host is 192.168.1.1", NONE, "mx-private.test"),
    Case("MX host is 169.254.1.1", NONE, "mx-link-local.test"),
    Case("MX is an IP address", NONE, "mx-ip-literal.test"),
    Case("MX host is an alias that works", MAIL, "mx-cname.test"),
    Case("MX host is an alias of nothing", NONE, "mx-cname-dangling.test"),
    Case("no MX, A record", PERHAPS, "implicit-a.test"),
    Case("no MX, AAAA record", PERHAPS, "implicit-aaaa.test"),
    Case("no MX, A record 10.0.0.1", NONE, "implicit-private.test"),
    Case("no MX, no address", NONE, "text-only.test"),
    Case("NXDOMAIN", NONE, "gone.test"),
    Case("SERVFAIL", UNKNOWN, "any.broken.test"),
    Case("SERVFAIL for the only MX host", UNKNOWN, "mx-servfail.test"),
    Case("REFUSED", UNKNOWN, "refused.example"),
    Case("lame delegation", UNKNOWN, "lame.test"),
    Case("CNAME loop", UNKNOWN, "loop-a.test"),
    Case("resolver does not answer", UNKNOWN, "company.test", "silent"),
    Case("no network", UNKNOWN, "company.test", "no network"),
    Case("no resolver configured", UNKNOWN, "company.test", "none configured"),
    Case("resolver denies every name", UNKNOWN, "company.test", "nxdomain"),
    Case("resolver has an address for every name", UNKNOWN, "gone.test", "address"),
)


def ours(domain: str, server: Server | None) -> str:
    """The verdict from bounceledger."""
    resolver = Resolver((server,) if server else (), timeout=TIMEOUT / 4)
    return OURS[probe(domain, resolver=resolver, lifetime=TIMEOUT).verdict]


def dnspython_resolver(server: Server | None) -> dns.resolver.Resolver:
    """A dnspython resolver, which both libraries accept."""
    resolver = dns.resolver.Resolver(configure=False)
    if server:
        resolver.nameservers = [server.host]
        resolver.port = server.port
    resolver.lifetime = TIMEOUT
    return resolver


def email_validator(domain: str, server: Server | None) -> str:
    """The verdict from email-validator's deliverability check."""
    try:
        found = validate_email_deliverability(
            domain, domain, dns_resolver=dnspython_resolver(server)
        )
    except EmailUndeliverableError:
        return NONE
    if "mx" not in found:
        return UNKNOWN
    return PERHAPS if found.get("mx_fallback_type") else MAIL


def checkdmarc_mx(domain: str, server: Server | None) -> str:
    """The verdict that follows from checkdmarc's MX check.

    checkdmarc returns hosts and warnings instead of a verdict. Hosts without any address are
    read as "accepts none", a missing MX record as "address only".
    """
    checkdmarc.utils.DNS_CACHE.clear()
    try:
        found = checkdmarc.smtp.check_mx(domain, resolver=dnspython_resolver(server), retries=0)
    except Exception as error:  # noqa: BLE001 - the exception is its answer
        return type(error).__name__
    if "error" in found:
        return NONE if "does not exist" in found["error"] else UNKNOWN
    if found["hosts"]:
        return MAIL if any(host["addresses"] for host in found["hosts"]) else NONE
    warnings = " ".join(found["warnings"])
    return PERHAPS if "has no MX records" in warnings else NONE


@contextlib.contextmanager
def servers_by_name() -> Iterator[dict[str, Server | None]]:
    """Start the DNS servers; yields them by the name that the cases use."""
    with contextlib.ExitStack() as stack:
        yield {
            "zones": stack.enter_context(servers.responder()),
            "silent": stack.enter_context(servers.silent()),
            "nxdomain": stack.enter_context(servers.responder(answers.nxdomain_for_every_name)),
            "address": stack.enter_context(servers.responder(answers.address_for_every_name)),
            # The operating system refuses to send a datagram to the broadcast address.
            "no network": Server("255.255.255.255"),
            "none configured": None,
        }


type Judge = Callable[[str, Server | None], str]

JUDGES: dict[str, Judge] = {
    "bounceledger": ours,
    f"email-validator {version('email-validator')}": email_validator,
    f"checkdmarc {version('checkdmarc')}": checkdmarc_mx,
}


def compare() -> tuple[list[str], dict[str, int]]:
    """Compare all cases; returns the table's lines, and the number of right verdicts by library."""
    right = dict.fromkeys(JUDGES, 0)
    lines = [
        "| case | right verdict | " + " | ".join(JUDGES) + " |",
        "|---|---|" + "---|" * len(JUDGES),
    ]
    with servers_by_name() as known:
        for case in CASES:
            cells = []
            for name, judge in JUDGES.items():
                verdict = judge(case.domain, known[case.where])
                right[name] += verdict == case.truth
                cells.append(verdict if verdict == case.truth else f"**{verdict}**")
            lines.append(f"| {case.what} | {case.truth} | " + " | ".join(cells) + " |")
    sums = " | ".join(f"{count} of {len(CASES)}" for count in right.values())
    lines.append(f"| right verdicts | | {sums} |")
    return lines, right


def main() -> int:
    """Compare, print the table, and write it if asked to; 1 if ours is wrong anywhere."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="replace the table in the docs")
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # checkdmarc warns about missing DNSSEC
    lines, right = compare()
    table = "\n".join(lines)
    print(table)
    if args.write:
        page = PAGE.read_text(encoding="utf-8")
        inside = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
        PAGE.write_text(inside.sub(lambda _: f"{BEGIN}\n{table}\n{END}", page), encoding="utf-8")
    return 0 if right["bounceledger"] == len(CASES) else 1


if __name__ == "__main__":
    sys.exit(main())
