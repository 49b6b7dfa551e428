"""What a probe looks up, keeps as evidence, and where it stops."""

import json

import pytest

from bounceledger.domains.judge import MAX_HOSTS
from bounceledger.domains.lookup import Lookup, RecordType
from bounceledger.domains.probe import MAX_LOOKUPS, probe
from bounceledger.errors import AddressError
from bounceledger.ledger import items
from bounceledger.state import DomainFacts
from bounceledger.state import DomainVerdict as V
from tests.evidence import details, flags
from tests.unit.domains.dns_answers import EMPTY, NOW, PUBLIC, Answers, a, alias_of, look, mx


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
    assert flags(found)[0] == ["mx_is_cname"]
    assert len(details(found)["answers"]) == len(resolver.asked) == 6


@pytest.mark.parametrize("names", [("a.test", "b.test"), ("a.test",)])
def test_aliases_in_a_circle_are_a_loop(names: tuple[str, ...]) -> None:
    """A loop must end the probe, and is a failure rather than an answer."""
    # GIVEN aliases that lead back to the first
    circle = zip(names, (*names[1:], names[0]), strict=True)

    # WHEN the first is probed
    found, resolver = look("a.test", {(name, "MX"): alias_of(to) for name, to in circle})

    # THEN it is unknown, and each name was asked for once
    assert found.verdict is V.UNKNOWN
    assert len(resolver.asked) == len(names)


@pytest.mark.parametrize(("steps", "verdict"), [(8, V.NULL_MX), (9, V.UNKNOWN)])
def test_a_chain_of_more_than_8_aliases_is_abandoned(steps: int, verdict: V) -> None:
    """The length of a chain is chosen by strangers, so it is bounded."""
    # GIVEN a chain of aliases that ends at a null MX
    known = {(f"{n}.test", "MX"): alias_of(f"{n + 1}.test") for n in range(steps)}
    known[f"{steps}.test", "MX"] = mx((0, "."))

    # WHEN its beginning is probed
    # THEN 8 steps are followed, and a longer chain leaves the domain unknown
    assert look("0.test", known)[0].verdict is verdict


def test_lookups_and_hosts_are_bounded_and_the_rest_is_unknown() -> None:
    """A domain with a hundred hosts cannot make a probe expensive, nor get a verdict by it."""
    # GIVEN a domain with more missing MX hosts than a probe looks up
    exchanges = tuple((n, f"mx{n}.test") for n in range(100))

    # WHEN it is probed
    found, resolver = look("a.test", {("a.test", "MX"): mx(*exchanges)})

    # THEN the probe stops, and the hosts that it left out keep the domain unknown
    assert len(resolver.asked) <= MAX_LOOKUPS
    assert len(details(found)["records"]) == MAX_HOSTS
    assert details(found)["warnings"] == ["more_hosts_not_looked_at"]
    assert found.verdict is V.UNKNOWN


NULLS = tuple((n, ".") for n in range(4300))
"""As many MX records as a DNS message of 64 KB holds."""
LONG = ".".join(["\\001" * 63] * 4)
"""A name of 255 octets, each of which takes four characters in presentation form."""


@pytest.mark.parametrize(
    ("exchanges", "verdict"),
    [
        (NULLS, V.NULL_MX),
        ((*NULLS[:4000], (1, "mx.test")), V.NO_MAIL_HOST),
        (tuple((n, f"{n}{LONG}") for n in range(60)), V.UNKNOWN),
    ],
    ids=["null", "null beside others", "long names"],
)
def test_what_is_kept_of_a_probe_is_bounded(
    exchanges: tuple[tuple[int, str], ...], verdict: V
) -> None:
    """What a zone holds is written by strangers; each KB of it costs us write units."""
    # GIVEN a domain with thousands of MX records or addresses, or with names as long as can be
    addresses = a(*(f"10.{n // 250}.{n % 250}.1" for n in range(4000)))
    known = {(host, "A"): addresses for _, host in exchanges if host != "."}

    # WHEN it is probed
    found, _ = look("a.test", {**known, ("a.test", "MX"): mx(*exchanges)})

    # THEN the verdict rests on all of the records, and the evidence is no larger than others'
    assert found.verdict is verdict
    assert len(details(found)["records"]) <= 2 * MAX_HOSTS
    facts = DomainFacts(domain="a.test", probe=found)
    assert len(json.dumps(items.domain_item(facts))) < 20_000

    # AND it says that there was more
    more = {"more_null_mx", "more_hosts_not_looked_at"}
    assert more & {*details(found)["warnings"]}


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
    assert flags(found)[2] == ["lookup_failed"]


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "a b.test", "a..test", "user@a.test", "44.128.0.1", "x" * 64 + ".test"],
)
def test_an_invalid_domain_is_rejected_before_any_lookup(text: str) -> None:
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
