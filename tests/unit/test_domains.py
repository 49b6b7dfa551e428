"""The verdict that follows from given DNS answers; tests/dns asks real servers."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.domains.alternates import parents
from bounceledger.domains.judge import MAX_HOSTS
from bounceledger.domains.lookup import Lookup, RecordType, Server, parse_server
from bounceledger.domains.probe import MAX_LOOKUPS, probe
from bounceledger.domains.rechecks import next_recheck
from bounceledger.errors import AddressError, SettingsError
from bounceledger.policy import Policy
from bounceledger.state import DEAD_VERDICTS, Probe
from bounceledger.state import DomainVerdict as V

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


# ----------------------------------------------------------------------------- verdicts


def test_a_probe_keeps_the_records_the_codes_the_ttl_and_the_time() -> None:
    """The evidence lets a person check a verdict long after DNS has changed."""
    # GIVEN a domain with one MX host
    known = {("a.test", "MX"): mx((10, "mx.a.test")), ("mx.a.test", "A"): a(PUBLIC)}

    # WHEN it is probed
    found, _ = look("a.test", known)

    # THEN the evidence holds everything that the verdict rests on
    assert found.verdict is V.ACCEPTS_MAIL
    assert found.probed_at == NOW
    assert found.details == {
        "records": [
            {
                "preference": 10,
                "host": "mx.a.test",
                "addresses": [PUBLIC],
                "usable": True,
                "flags": [],
            }
        ],
        "answers": {"MX a.test": "NOERROR", "A mx.a.test": "NOERROR", "AAAA mx.a.test": "NODATA"},
        "servers": ["ns:53"],
        "ttl": 30,
        "warnings": [],
    }


@pytest.mark.parametrize(
    "exchanges",
    [
        ((0, "."),),
        ((10, "."),),
        ((65535, "."),),
        ((0, "\\032"),),
        ((0, "\\009\\032"),),
        ((0, "."), (10, ".")),
    ],
)
def test_a_null_mx_is_recognized_in_every_spelling(exchanges) -> None:
    """Domains write the null MX in ways that RFC 7505 does not allow, and mean it."""
    # GIVEN MX records that all name the root, or white space in its place
    # WHEN the domain is probed
    found, resolver = look("a.test", {("a.test", "MX"): mx(*exchanges)})

    # THEN it has a null MX, and its address is not looked up (RFC 7505 section 3)
    assert found.verdict is V.NULL_MX
    assert resolver.asked == [("a.test", "MX")]


def test_an_address_record_does_not_stand_in_for_an_unusable_mx() -> None:
    """An address is an implicit MX only where there is no MX record at all."""
    # GIVEN a domain with an address, and an MX to a host that does not exist
    known = {("a.test", "MX"): mx((10, "gone.test")), ("a.test", "A"): a(PUBLIC)}

    # WHEN the domain is probed
    # THEN the address does not count (RFC 5321 section 5.1)
    assert look("a.test", known)[0].verdict is V.NO_MAIL_HOST


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("NXDOMAIN", V.MISSING),
        ("SERVFAIL", V.UNKNOWN),
        ("REFUSED", V.UNKNOWN),
        ("NOTIMP", V.UNKNOWN),
        ("TIMEOUT", V.UNKNOWN),
        ("UNREACHABLE", V.UNKNOWN),
        ("MALFORMED", V.UNKNOWN),
        ("LOOP", V.UNKNOWN),
        ("LAME", V.UNKNOWN),
        ("UNTRUSTED", V.UNKNOWN),
        ("NO_RESOLVER", V.UNKNOWN),
    ],
)
def test_only_an_answer_makes_a_domain_dead(code, verdict) -> None:
    """A failed lookup must never suppress a domain."""
    # GIVEN a domain whose lookup of MX records ends with `code`
    # WHEN it is probed
    found, _ = look("a.test", {("a.test", "MX"): Lookup(code=code)})

    # THEN the domain is dead for NXDOMAIN only
    assert found.verdict is verdict
    assert found.details["answers"] == {"MX a.test": code}


@pytest.mark.parametrize("failure", ["SERVFAIL", "TIMEOUT", "REFUSED", "UNREACHABLE"])
@pytest.mark.parametrize("rdtype", ["A", "AAAA"])
def test_a_host_that_could_not_be_looked_up_leaves_the_domain_unknown(failure, rdtype) -> None:
    """The host that was not looked up might be the one that accepts mail."""
    # GIVEN two MX hosts: one without address, one of whose lookups fails
    known = {
        ("a.test", "MX"): mx((10, "mx.test"), (20, "gone.test")),
        ("mx.test", "MX"): NODATA,
        ("mx.test", rdtype): Lookup(code=failure),
    }

    # WHEN the domain is probed
    # THEN it is unknown
    assert look("a.test", known)[0].verdict is V.UNKNOWN

    # AND with a working host beside it, the domain accepts mail
    alive = {**known, ("gone.test", "A"): a(PUBLIC)}
    assert look("a.test", alive)[0].verdict is V.ACCEPTS_MAIL


@pytest.mark.parametrize("address", ["2a00::1", "64:ff9b::2c80:1", "::ffff:44.128.0.1"])
def test_an_ipv6_address_in_use_is_a_mail_host(address) -> None:
    """IPv6 addresses count, those that stand for IPv4 addresses included."""
    # GIVEN an MX host with that address only, which may stand for an IPv4 address
    known = {("a.test", "MX"): mx((10, "mx.test")), ("mx.test", "AAAA"): a(address)}

    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN the host is usable, without a flag
    assert found.verdict is V.ACCEPTS_MAIL
    assert found.details["records"][0]["flags"] == []


@pytest.mark.parametrize(
    "address",
    ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1", "64:ff9b::c000:201"],
)
def test_a_documentation_address_does_not_make_a_domain_dead(address) -> None:
    """Laboratories serve documentation networks, so one of their addresses is only flagged."""
    # GIVEN an MX host in a documentation network
    rdtype = "AAAA" if ":" in address else "A"
    known = {("a.test", "MX"): mx((10, "mx.test")), ("mx.test", rdtype): a(address)}

    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN it accepts mail, and the host is flagged
    assert found.verdict is V.ACCEPTS_MAIL
    assert found.details["records"][0]["flags"] == ["documentation"]


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
def test_an_address_that_the_internet_does_not_route_is_not_a_mail_host(address, flag) -> None:
    """Each special-purpose network makes a host unusable, with a flag that names it."""
    # GIVEN an MX host with that address only
    rdtype = "AAAA" if ":" in address else "A"
    known = {("a.test", "MX"): mx((10, "mx.test")), ("mx.test", rdtype): a(address)}

    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN there is no usable host, and the flag says why
    assert found.verdict is V.NO_MAIL_HOST
    assert found.details["records"][0]["flags"] == [flag]

    # AND it is the same for a domain without MX record
    assert look("mx.test", known)[0].verdict is V.NO_MAIL_HOST


def test_an_ip_address_instead_of_a_host_name_is_not_looked_up() -> None:
    """An MX record must name a host (RFC 1035 section 3.3.9)."""
    # GIVEN MX records that hold an address
    for host in ("44.128.0.1", "[44.128.0.1]", "2a00::1"):
        # WHEN the domain is probed
        found, resolver = look("a.test", {("a.test", "MX"): mx((10, host))})

        # THEN the address is neither used nor looked up
        assert found.verdict is V.NO_MAIL_HOST
        assert resolver.asked == [("a.test", "MX")]


def test_an_implicit_mx_that_is_an_alias_is_not_flagged_as_mx_is_cname() -> None:
    """RFC 2181 section 10.3 forbids aliases as targets of MX records only."""
    # GIVEN a domain that is an alias of a host without MX record
    known = {("a.test", "A"): a(PUBLIC, alias="web.test")}

    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN the flag for MX records is not set
    assert found.verdict is V.IMPLICIT_MX
    assert found.details["records"][0]["flags"] == ["implicit"]


EMPTY = Lookup(code="EMPTY")


@pytest.mark.parametrize("empty", ["A", "AAAA"])
@pytest.mark.parametrize("address", [PUBLIC, "0.0.0.0"])
def test_an_empty_reply_beside_an_address_counts_as_no_data(empty, address) -> None:
    """Many servers leave the SOA record out of negative answers."""
    # GIVEN a host with addresses of one kind, and an empty reply for the other
    other = "AAAA" if empty == "A" else "A"
    known = {
        ("a.test", "MX"): mx((10, "mx.test")),
        ("mx.test", empty): EMPTY,
        ("mx.test", other): a(address),
    }

    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN the host is judged by the addresses it has
    assert found.verdict is (V.ACCEPTS_MAIL if address == PUBLIC else V.NO_MAIL_HOST)
    assert "lookup_failed" not in found.details["records"][0]["flags"]


@pytest.mark.parametrize(
    ("addresses", "verdict"),
    [
        ({"A": a(PUBLIC)}, V.IMPLICIT_MX),
        ({"A": a(PUBLIC), "AAAA": EMPTY}, V.IMPLICIT_MX),
        ({"A": EMPTY, "AAAA": EMPTY}, V.UNKNOWN),
        ({"A": NODATA, "AAAA": NODATA}, V.UNKNOWN),
        ({"A": NXDOMAIN}, V.UNKNOWN),
    ],
)
def test_an_empty_reply_for_mx_records_counts_only_beside_an_address(addresses, verdict) -> None:
    """Without an address, an empty reply may come from a server that does not know the name."""
    # GIVEN an empty reply to the question for MX records
    known = {("a.test", rdtype): lookup for rdtype, lookup in addresses.items()}

    # WHEN the domain is probed
    # THEN its address decides, and without one it is unknown
    assert look("a.test", {("a.test", "MX"): EMPTY, **known})[0].verdict is verdict


def alias_of(target: str) -> Lookup:
    return Lookup(code="ALIAS", alias=target, ttl=60)


def test_an_alias_without_its_target_is_followed_and_the_first_one_kept() -> None:
    """The verdict is that of the target, and the evidence shows each step."""
    # GIVEN an MX host that is an alias of an alias, with an empty reply for its AAAA records
    known = {
        ("a.test", "MX"): mx((10, "mx.test")),
        ("mx.test", "A"): alias_of("1.test"),
        ("1.test", "A"): alias_of("2.test"),
        ("2.test", "A"): a(PUBLIC),
        ("mx.test", "AAAA"): alias_of("2.test"),
        ("2.test", "AAAA"): EMPTY,
    }

    # WHEN the domain is probed
    found, resolver = look("a.test", known)

    # THEN the host works, is flagged as an alias, and every step is in the evidence
    assert found.verdict is V.ACCEPTS_MAIL
    assert found.details["records"][0]["flags"] == ["mx_is_cname"]
    assert len(found.details["answers"]) == len(resolver.asked) == 6


@pytest.mark.parametrize("names", [("a.test", "b.test"), ("a.test",)])
def test_aliases_in_a_circle_are_a_loop(names) -> None:
    """A loop must end the probe, and is a failure rather than an answer."""
    # GIVEN aliases that lead back to the first
    circle = zip(names, (*names[1:], names[0]), strict=True)

    # WHEN the first is probed
    found, resolver = look("a.test", {(name, "MX"): alias_of(to) for name, to in circle})

    # THEN it is unknown, and each name was asked for once
    assert found.verdict is V.UNKNOWN
    assert len(resolver.asked) == len(names)


@pytest.mark.parametrize(("steps", "verdict"), [(8, V.NULL_MX), (9, V.UNKNOWN)])
def test_a_chain_of_more_than_8_aliases_is_abandoned(steps, verdict) -> None:
    """The length of a chain is chosen by strangers, so it is bounded."""
    # GIVEN a chain of aliases that ends at a null MX
    known = {(f"{n}.test", "MX"): alias_of(f"{n + 1}.test") for n in range(steps)}
    known[f"{steps}.test", "MX"] = mx((0, "."))

    # WHEN its beginning is probed
    # THEN 8 steps are followed, and a longer chain leaves the domain unknown
    assert look("0.test", known)[0].verdict is verdict


FAILURES = ("SERVFAIL", "TIMEOUT", "REFUSED", "UNREACHABLE", "LAME", "UNTRUSTED")
HOSTS = tuple(f"mx{n}.test" for n in range(4))
outcomes = st.sampled_from(
    (NODATA, NXDOMAIN, a(PUBLIC), a("10.0.0.1"), a("0.0.0.0"), *map(lookup_of, FAILURES))
)


@given(
    exchanges=st.lists(st.sampled_from((".", "44.128.0.1", "a.test", *HOSTS)), max_size=6),
    addresses=st.dictionaries(
        st.tuples(st.sampled_from(("a.test", *HOSTS)), st.sampled_from(("A", "AAAA"))), outcomes
    ),
    failure=st.sampled_from((None, None, None, *FAILURES)),
)
def test_whatever_dns_says_nothing_is_dead_without_an_answer_to_every_question(
    exchanges, addresses, failure
) -> None:
    """The central promise, over random zones and failures: no verdict without its evidence."""
    # GIVEN any MX records, any outcome for their hosts, and at times a failure of the first lookup
    records = tuple(enumerate(exchanges))
    first = lookup_of(failure) if failure else mx(*records) if records else NODATA

    # WHEN the domain is probed
    found, _ = look("a.test", {**addresses, ("a.test", "MX"): first})
    codes = set(found.details["answers"].values())
    usable = [record["usable"] for record in found.details["records"]]

    # THEN a dead domain had an answer to every question, and no usable host
    if found.verdict in DEAD_VERDICTS:
        assert codes <= {"NOERROR", "NODATA", "NXDOMAIN"}
        assert not any(usable)

    # AND a living one has a usable host
    if found.verdict in {V.ACCEPTS_MAIL, V.IMPLICIT_MX}:
        assert any(usable)

    # AND an unknown one had a question without an answer
    if found.verdict is V.UNKNOWN:
        assert codes & set(FAILURES)


# ------------------------------------------------------------------------------ bounds


def test_lookups_and_hosts_are_bounded_and_the_rest_is_unknown() -> None:
    """A domain with a hundred hosts cannot make a probe expensive, nor get a verdict by it."""
    # GIVEN a domain with more missing MX hosts than a probe looks up
    exchanges = tuple((n, f"mx{n}.test") for n in range(100))

    # WHEN it is probed
    found, resolver = look("a.test", {("a.test", "MX"): mx(*exchanges)})

    # THEN the probe stops, and the hosts that it left out keep the domain unknown
    assert len(resolver.asked) <= MAX_LOOKUPS
    assert len(found.details["records"]) == MAX_HOSTS
    assert found.details["warnings"] == ["more_hosts_not_looked_at"]
    assert found.verdict is V.UNKNOWN


def test_alternate_paths_share_the_bound() -> None:
    """Looking for an alternate domain adds no lookups beyond the limit."""
    # GIVEN a name with a hundred labels, none of which exists
    # WHEN it is probed
    found, resolver = look(".".join(["a"] * 100) + ".company.test", {})

    # THEN the lookups are bounded, and none repeats
    assert found.verdict is V.MISSING
    assert len(resolver.asked) == MAX_LOOKUPS
    assert len(set(resolver.asked)) == MAX_LOOKUPS


def test_a_probe_ends_when_its_time_is_over() -> None:
    """The time limit holds between lookups, and hosts that were left out are not dead."""

    # GIVEN a clock on which every lookup takes 4 of 10 seconds
    class Slow(Answers):
        seconds = 0.0

        def lookup(self, name: str, rdtype: RecordType, within: float) -> Lookup:
            assert within <= 10 - self.seconds
            self.seconds += 4
            return super().lookup(name, rdtype, within)

    slow = Slow({("a.test", "MX"): mx((10, "1.test"), (20, "2.test"), (30, "3.test"))})

    # WHEN a domain with three dead hosts is probed
    found = probe("a.test", resolver=slow, clock=lambda: slow.seconds, lifetime=10)

    # THEN the third lookup is the last one, and the host that was left out is not dead
    assert len(slow.asked) == 3
    assert found.verdict is V.UNKNOWN
    assert found.details["records"][2]["flags"] == ["lookup_failed"]


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "a b.test", "a..test", "user@a.test", "44.128.0.1", "x" * 64 + ".test"],
)
def test_an_invalid_domain_is_rejected_before_any_lookup(text) -> None:
    """Bad input is the caller's error, and costs no lookup."""
    # GIVEN a string that is not a domain name
    # WHEN it is probed
    # THEN it is an input error, which a retry does not change
    with pytest.raises(AddressError):
        look(text, {})


def test_names_are_asked_for_in_a_labels() -> None:
    """DNS knows international names by their ASCII form only."""
    # GIVEN an international domain
    # WHEN it is probed
    _, resolver = look("Bücher.Test.", {})

    # THEN its ASCII form is looked up
    assert resolver.asked == [("xn--bcher-kva.test", "MX")]


@pytest.mark.parametrize(
    ("known", "days"),
    [
        ({("a.test", "MX"): mx((0, "."))}, 90),
        ({}, 90),
        ({("a.test", "A"): a(PUBLIC)}, 90),
        ({("a.test", "MX"): mx((10, "mx.test")), ("mx.test", "A"): a(PUBLIC)}, None),
        ({("a.test", "MX"): Lookup(code="SERVFAIL")}, None),
    ],
)
def test_a_verdict_that_suppresses_is_due_for_a_recheck(known, days) -> None:
    """No suppression lasts without being checked again, and no other verdict costs a recheck."""
    # GIVEN DNS answers that lead to a verdict
    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN a recheck is due where the verdict suppresses, and nowhere else
    assert next_recheck(found, Policy()) == (NOW + timedelta(days=days) if days else None)


# ------------------------------------------------------------------- alternate domains

COMPANY = {("company.test", "MX"): mx((10, "mx.test")), ("mx.test", "A"): a(PUBLIC)}


def test_the_nearest_parent_that_accepts_mail_is_the_alternate() -> None:
    """A parent with an MX is a better alternate than a nearer one with an address only."""
    # GIVEN parents of which the nearest has an address only, the next accepts mail
    known = {**COMPANY, ("web.company.test", "A"): a(PUBLIC)}

    # WHEN a missing name below them is probed
    found, _ = look("noreply.web.company.test", known)

    # THEN the one that accepts mail is reported, rather than the nearer one
    assert found.alternate_domain == "company.test"
    assert found.alternate_verdict is V.ACCEPTS_MAIL


def test_a_parent_that_may_accept_mail_is_better_than_none() -> None:
    """Where no parent has an MX, one with an address is still worth reporting."""
    # GIVEN a parent with an address only
    # WHEN a missing name below it is probed
    found, _ = look("noreply.company.test", {("company.test", "A"): a(PUBLIC)})

    # THEN it is reported with its own verdict
    assert found.alternate_domain == "company.test"
    assert found.alternate_verdict is V.IMPLICIT_MX


@pytest.mark.parametrize(
    ("domain", "above"),
    [
        ("a.b.company.com", ["b.company.com", "company.com"]),
        ("company.com", []),
        ("company.co.uk", []),
        ("noreply.company.co.uk", ["company.co.uk"]),
        ("noreply.someone.github.io", ["someone.github.io"]),
        ("someone.github.io", []),
        ("github.io", []),
        ("co.uk", []),
        ("noreply.company.unknown-top-level", ["company.unknown-top-level"]),
        ("post.xn--bcher-kva.xn--p1ai", ["xn--bcher-kva.xn--p1ai"]),
    ],
)
def test_parents_end_at_the_registrable_domain(domain, above) -> None:
    """Above it the domain belongs to someone else."""
    # GIVEN the public suffix list, its private section included
    # WHEN the parents of a domain are listed
    # THEN no one else's domain is among them
    assert list(parents(domain)) == above


def test_a_living_or_unknown_domain_gets_no_alternate() -> None:
    """Lookups of parents are made only where they can help."""
    # GIVEN a subdomain that accepts mail, or whose lookup fails
    for lookup in (mx((10, "mx.test")), Lookup(code="SERVFAIL")):
        # WHEN it is probed
        found, resolver = look("a.company.test", {**COMPANY, ("a.company.test", "MX"): lookup})

        # THEN its parent is not looked up
        assert found.alternate_domain is None
        assert ("company.test", "MX") not in resolver.asked


# ----------------------------------------------------------------------------- servers


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
def test_a_resolver_is_named_by_address_and_port(text, server) -> None:
    """Settings and command line accept the notations people use, and print one of them."""
    # GIVEN a resolver in one of its notations
    # WHEN it is parsed
    # THEN host and port are found, also in its own string form
    assert parse_server(text) == server
    assert parse_server(str(server)) == server


@pytest.mark.parametrize("text", ["", "dns.test", "1.2.3.4:0", "1.2.3.4:70000", "1.2.3:53", "[::1"])
def test_an_invalid_resolver_is_a_settings_error(text) -> None:
    """A typo in a resolver's address fails at start, not at the first probe."""
    # GIVEN a string that is not an IP address with or without a port
    # WHEN it is parsed
    # THEN the error says what it should be
    with pytest.raises(SettingsError, match="resolver"):
        parse_server(text)
