"""The verdict that follows from given DNS answers; tests/dns asks real servers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.domains.lookup import Lookup
from bounceledger.state import DEAD_VERDICTS
from bounceledger.state import DomainVerdict as V
from tests.evidence import details, flags
from tests.unit.domains.dns_answers import EMPTY, NODATA, NXDOMAIN, PUBLIC, a, look, lookup_of, mx


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
def test_a_null_mx_is_recognized_in_every_spelling(exchanges: tuple[tuple[int, str], ...]) -> None:
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
def test_only_an_answer_makes_a_domain_dead(code: str, verdict: V) -> None:
    """A failed lookup must never suppress a domain."""
    # GIVEN a domain whose lookup of MX records ends with `code`
    # WHEN it is probed
    found, _ = look("a.test", {("a.test", "MX"): Lookup(code=code)})

    # THEN the domain is dead for NXDOMAIN only
    assert found.verdict is verdict
    assert details(found)["answers"] == {"MX a.test": code}


@pytest.mark.parametrize("failure", ["SERVFAIL", "TIMEOUT", "REFUSED", "UNREACHABLE"])
@pytest.mark.parametrize("rdtype", ["A", "AAAA"])
def test_a_host_that_could_not_be_looked_up_leaves_the_domain_unknown(
    failure: str, rdtype: str
) -> None:
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
    assert flags(found)[0] == ["implicit"]


@pytest.mark.parametrize("empty", ["A", "AAAA"])
@pytest.mark.parametrize("address", [PUBLIC, "0.0.0.0"])
def test_an_empty_reply_beside_an_address_counts_as_no_data(empty: str, address: str) -> None:
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
    assert "lookup_failed" not in flags(found)[0]


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
def test_an_empty_reply_for_mx_records_counts_only_beside_an_address(
    addresses: dict[str, Lookup], verdict: V
) -> None:
    """Without an address, an empty reply may come from a server that does not know the name."""
    # GIVEN an empty reply to the question for MX records
    known = {("a.test", rdtype): lookup for rdtype, lookup in addresses.items()}

    # WHEN the domain is probed
    # THEN its address decides, and without one it is unknown
    assert look("a.test", {("a.test", "MX"): EMPTY, **known})[0].verdict is verdict


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
    exchanges: list[str], addresses: dict[tuple[str, str], Lookup], failure: str | None
) -> None:
    """The central promise, over random zones and failures: no verdict without its evidence."""
    # GIVEN any MX records, any outcome for their hosts, and at times a failure of the first lookup
    records = tuple(enumerate(exchanges))
    first = lookup_of(failure) if failure else mx(*records) if records else NODATA

    # WHEN the domain is probed
    found, _ = look("a.test", {**addresses, ("a.test", "MX"): first})
    codes = set(details(found)["answers"].values())
    usable = [record["usable"] for record in details(found)["records"]]

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
