"""What is made of DNS answers, with answers written down; tests/dns asks real servers."""

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
from bounceledger.errors import AddressError, SettingsError
from bounceledger.policy import Policy
from bounceledger.state import DEAD, Probe
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
    """A resolver that knows these answers; any other name does not exist."""

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
    # GIVEN a domain with one MX host
    known = {("a.test", "MX"): mx((10, "mx.a.test")), ("mx.a.test", "A"): a(PUBLIC)}

    # WHEN it is probed
    found, _ = look("a.test", known)

    # THEN all that the verdict rests on is there
    assert found.verdict is V.ACCEPTS_MAIL
    assert found.probed_at == NOW
    assert found.evidence == {
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
def test_a_null_mx_is_one_in_every_spelling(exchanges) -> None:
    # GIVEN MX records that all name the root, or white space that was meant to be it
    # WHEN the domain is probed
    found, resolver = look("a.test", {("a.test", "MX"): mx(*exchanges)})

    # THEN it takes no mail, and its address is not even asked for (RFC 7505 section 3)
    assert found.verdict is V.NULL_MX
    assert resolver.asked == [("a.test", "MX")]


def test_an_address_record_does_not_stand_in_for_a_null_mx_or_a_useless_one() -> None:
    # GIVEN a domain with an address, and an MX to a host that does not exist
    known = {("a.test", "MX"): mx((10, "gone.test")), ("a.test", "A"): a(PUBLIC)}

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
    # WHEN the question for MX records ends with `code`
    found, _ = look("a.test", {("a.test", "MX"): Lookup(code=code)})

    # THEN nothing but NXDOMAIN says that the domain is dead
    assert found.verdict is verdict
    assert found.evidence["answers"] == {"MX a.test": code}


@pytest.mark.parametrize("failure", ["SERVFAIL", "TIMEOUT", "REFUSED", "UNREACHABLE"])
@pytest.mark.parametrize("rdtype", ["A", "AAAA"])
def test_a_host_that_could_not_be_looked_up_leaves_the_domain_unknown(failure, rdtype) -> None:
    # GIVEN two MX hosts: one without address, one of whose lookups fails
    known = {
        ("a.test", "MX"): mx((10, "mx.test"), (20, "gone.test")),
        ("mx.test", "MX"): NODATA,
        ("mx.test", rdtype): Lookup(code=failure),
    }

    # THEN nobody knows
    assert look("a.test", known)[0].verdict is V.UNKNOWN

    # AND with a working host beside it, mail is accepted
    alive = {**known, ("gone.test", "A"): a(PUBLIC)}
    assert look("a.test", alive)[0].verdict is V.ACCEPTS_MAIL


@pytest.mark.parametrize("address", ["2a00::1", "64:ff9b::2c80:1", "::ffff:44.128.0.1"])
def test_an_ipv6_address_in_use_is_a_mail_host(address) -> None:
    # GIVEN an MX host with that address only, which may stand for an IPv4 address
    known = {("a.test", "MX"): mx((10, "mx.test")), ("mx.test", "AAAA"): a(address)}

    # THEN it is usable, and nothing is odd about it
    found, _ = look("a.test", known)
    assert found.verdict is V.ACCEPTS_MAIL
    assert found.evidence["records"][0]["flags"] == []


@pytest.mark.parametrize(
    "address",
    ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1", "64:ff9b::c000:201"],
)
def test_an_address_for_examples_is_no_proof_of_death(address) -> None:
    # GIVEN an MX host in a documentation network
    rdtype = "AAAA" if ":" in address else "A"
    known = {("a.test", "MX"): mx((10, "mx.test")), ("mx.test", rdtype): a(address)}

    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN it takes mail, and the flag tells what was odd
    assert found.verdict is V.ACCEPTS_MAIL
    assert found.evidence["records"][0]["flags"] == ["documentation"]


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
def test_an_address_that_nobody_can_reach_is_no_mail_host(address, flag) -> None:
    # GIVEN an MX host with that address only
    rdtype = "AAAA" if ":" in address else "A"
    known = {("a.test", "MX"): mx((10, "mx.test")), ("mx.test", rdtype): a(address)}

    # WHEN the domain is probed
    found, _ = look("a.test", known)

    # THEN there is no usable host, and the flag says why
    assert found.verdict is V.NO_MAIL_HOST
    assert found.evidence["records"][0]["flags"] == [flag]

    # AND it is the same for a domain without MX record
    assert look("mx.test", known)[0].verdict is V.NO_MAIL_HOST


def test_an_ip_address_instead_of_a_host_name_is_not_looked_up() -> None:
    # GIVEN an MX record that names an address
    for host in ("44.128.0.1", "[44.128.0.1]", "2a00::1"):
        found, resolver = look("a.test", {("a.test", "MX"): mx((10, host))})

        # THEN it is no host
        assert found.verdict is V.NO_MAIL_HOST
        assert resolver.asked == [("a.test", "MX")]


def test_an_implicit_mx_is_an_alias_without_being_flagged_as_an_mx_that_is_one() -> None:
    # GIVEN a domain that is an alias of a host without MX record
    known = {("a.test", "A"): a(PUBLIC, alias="web.test")}

    # THEN the flag about MX records does not apply
    found, _ = look("a.test", known)
    assert found.verdict is V.IMPLICIT_MX
    assert found.evidence["records"][0]["flags"] == ["implicit"]


EMPTY = Lookup(code="EMPTY")


@pytest.mark.parametrize("empty", ["A", "AAAA"])
@pytest.mark.parametrize("address", [PUBLIC, "0.0.0.0"])
def test_an_empty_reply_beside_an_address_is_as_good_as_no_data(empty, address) -> None:
    # GIVEN a host with addresses of one kind, and a bare reply for the other
    other = "AAAA" if empty == "A" else "A"
    known = {
        ("a.test", "MX"): mx((10, "mx.test")),
        ("mx.test", empty): EMPTY,
        ("mx.test", other): a(address),
    }

    # THEN the host is judged by what it has
    found, _ = look("a.test", known)
    assert found.verdict is (V.ACCEPTS_MAIL if address == PUBLIC else V.NO_MAIL_HOST)
    assert "lookup_failed" not in found.evidence["records"][0]["flags"]


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
def test_an_empty_reply_for_mx_records_is_believed_beside_an_address_only(
    addresses, verdict
) -> None:
    # GIVEN a bare reply to the question for MX records
    known = {("a.test", rdtype): lookup for rdtype, lookup in addresses.items()}

    # THEN the domain's address decides, and without one nobody knows
    assert look("a.test", {("a.test", "MX"): EMPTY, **known})[0].verdict is verdict


def alias_of(target: str) -> Lookup:
    return Lookup(code="ALIAS", alias=target, ttl=60)


def test_an_alias_without_its_target_is_followed_and_the_first_one_kept() -> None:
    # GIVEN an MX host that is an alias of an alias, with a bare reply for its AAAA records
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

    # THEN the host works, is known for an alias, and every step is in evidence
    assert found.verdict is V.ACCEPTS_MAIL
    assert found.evidence["records"][0]["flags"] == ["mx_is_cname"]
    assert len(found.evidence["answers"]) == len(resolver.asked) == 6


@pytest.mark.parametrize("names", [("a.test", "b.test"), ("a.test",)])
def test_aliases_in_a_circle_are_a_loop(names) -> None:
    # GIVEN aliases that lead back to the first
    circle = zip(names, (*names[1:], names[0]), strict=True)
    found, resolver = look("a.test", {(name, "MX"): alias_of(to) for name, to in circle})

    # THEN nobody knows, and each was asked for once
    assert found.verdict is V.UNKNOWN
    assert len(resolver.asked) == len(names)


@pytest.mark.parametrize(("steps", "verdict"), [(8, V.NULL_MX), (9, V.UNKNOWN)])
def test_a_long_chain_of_aliases_is_given_up(steps, verdict) -> None:
    known = {(f"{n}.test", "MX"): alias_of(f"{n + 1}.test") for n in range(steps)}
    known[f"{steps}.test", "MX"] = mx((0, "."))
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
    # GIVEN any MX records, any outcome for their hosts, and at times a failure of the first lookup
    records = tuple(enumerate(exchanges))
    first = lookup_of(failure) if failure else mx(*records) if records else NODATA
    found, _ = look("a.test", {**addresses, ("a.test", "MX"): first})
    codes = set(found.evidence["answers"].values())
    usable = [record["usable"] for record in found.evidence["records"]]

    # THEN a dead domain had an answer to every question, and no usable host
    if found.verdict in DEAD:
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
    # GIVEN a domain with more dead MX hosts than a probe looks at
    exchanges = tuple((n, f"mx{n}.test") for n in range(100))

    # WHEN it is probed
    found, resolver = look("a.test", {("a.test", "MX"): mx(*exchanges)})

    # THEN the probe stops, and does not call the domain dead for what it has not seen
    assert len(resolver.asked) <= MAX_LOOKUPS
    assert len(found.evidence["records"]) == MAX_HOSTS
    assert found.evidence["warnings"] == ["more_hosts_not_looked_at"]
    assert found.verdict is V.UNKNOWN


def test_alternate_paths_share_the_bound() -> None:
    # GIVEN a name with a hundred labels, none of which exists
    # WHEN it is probed
    found, resolver = look(".".join(["a"] * 100) + ".company.test", {})

    # THEN the lookups are bounded, and none repeats
    assert found.verdict is V.MISSING
    assert len(resolver.asked) == MAX_LOOKUPS
    assert len(set(resolver.asked)) == MAX_LOOKUPS


def test_a_probe_ends_when_its_time_is_over() -> None:
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

    # THEN the third lookup is the last one, and what was not looked at is not dead
    assert len(slow.asked) == 3
    assert found.verdict is V.UNKNOWN
    assert found.evidence["records"][2]["flags"] == ["lookup_failed"]


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "a b.test", "a..test", "user@a.test", "44.128.0.1", "x" * 64 + ".test"],
)
def test_what_cannot_be_a_domain_is_refused_before_anybody_is_asked(text) -> None:
    # WHEN something else than a domain is probed
    # THEN it is an input error, which no retry helps
    with pytest.raises(AddressError):
        look(text, {})


def test_names_are_asked_for_in_a_labels() -> None:
    # WHEN an international domain is probed
    _, resolver = look("Bücher.Test.", {})

    # THEN DNS sees its ASCII form
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
def test_what_suppresses_a_domain_is_looked_at_again(known, days) -> None:
    # WHEN a domain is probed
    found, _ = look("a.test", known, policy=Policy())

    # THEN a recheck is due where the verdict suppresses, and nowhere else
    assert found.recheck_at == (NOW + timedelta(days=days) if days else None)


# --------------------------------------------------------------------- alternate paths

COMPANY = {("company.test", "MX"): mx((10, "mx.test")), ("mx.test", "A"): a(PUBLIC)}


def test_the_nearest_parent_that_accepts_mail_is_the_way_in() -> None:
    # GIVEN parents of which the nearest has an address only, the next accepts mail
    known = {**COMPANY, ("web.company.test", "A"): a(PUBLIC)}

    # WHEN a dead name below them is probed
    found, _ = look("noreply.web.company.test", known)

    # THEN the one that accepts mail wins over the one that may
    assert found.alternate_domain == "company.test"
    assert found.alternate_verdict is V.ACCEPTS_MAIL


def test_a_parent_that_may_accept_mail_is_better_than_none() -> None:
    # GIVEN a parent with an address only
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
def test_the_way_up_ends_at_the_registrable_domain(domain, above) -> None:
    # GIVEN the public suffix list, its private section included
    # THEN nobody else's domain is reached
    assert list(parents(domain)) == above


def test_a_living_or_unknown_domain_gets_no_alternate_path() -> None:
    # GIVEN a subdomain that accepts mail, or that nothing is known of
    for lookup in (mx((10, "mx.test")), Lookup(code="SERVFAIL")):
        found, resolver = look("a.company.test", {**COMPANY, ("a.company.test", "MX"): lookup})

        # THEN nobody asks for its parent
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
    assert parse_server(text) == server
    assert parse_server(str(server)) == server


@pytest.mark.parametrize("text", ["", "dns.test", "1.2.3.4:0", "1.2.3.4:70000", "1.2.3:53", "[::1"])
def test_a_resolver_that_is_not_one_is_a_setting_error(text) -> None:
    with pytest.raises(SettingsError, match="resolver"):
        parse_server(text)
