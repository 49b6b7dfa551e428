"""Domains of dead addresses, with what DNS says about them."""

from datetime import UTC, datetime, timedelta

from bounceledger.audit import DeadAddress
from bounceledger.audit.dead_domains import MAX_RECORDS, WORST, dead_domains
from bounceledger.state import DomainFacts, DomainVerdict, Json, Probe, Span
from bounceledger.verdict import Category

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
NULL_MX: dict[str, Json] = {
    "records": [
        {"preference": 0, "host": ".", "addresses": [], "usable": False, "flags": ["null_mx"]}
    ],
    "answers": {"gone.example MX": "NOERROR"},
}


def address(domain: str, category: Category = Category.MAILBOX_UNKNOWN) -> DeadAddress:
    return DeadAddress(domain=domain, category=category)


def facts(domain: str, verdict: DomainVerdict, details: dict[str, Json]) -> DomainFacts:
    """A domain that was found so on two days."""
    seen = Span(first=NOW - timedelta(days=2), last=NOW)
    return DomainFacts(
        domain=domain,
        probe=Probe(verdict=verdict, probed_at=NOW, details=details),
        findings={
            (seen.first.date(), verdict): Span.at(seen.first),
            (NOW.date(), verdict): Span.at(NOW),
        },
    )


def test_a_dead_domain_counts_once_however_many_addresses_it_has() -> None:
    # GIVEN three addresses at a domain without mail, and one at a living one
    addresses = [
        *[address("gone.example", Category.NO_MAIL_ACCEPTED)] * 3,
        address("alive.example"),
    ]
    known = {
        "gone.example": facts("gone.example", DomainVerdict.NULL_MX, NULL_MX),
        "alive.example": facts("alive.example", DomainVerdict.ACCEPTS_MAIL, {}),
    }

    # WHEN the domains are counted
    found = dead_domains(addresses, known)

    # THEN each counts once, and the worst comes first with its evidence
    assert (found.domains, found.dead, found.no_mail) == (2, 1, 1)
    worst = found.worst[0]
    assert (worst.domain, worst.addresses, worst.verdict) == ("gone.example", 3, "null_mx")
    assert worst.explanation == "publishes a null MX record"
    assert worst.records == "MX 0 . (null_mx)"
    assert worst.probed_at == NOW


def test_a_domain_with_a_null_mx_accepts_no_mail_whatever_the_reply_said() -> None:
    found = dead_domains(
        [address("gone.example"), address("said.example", Category.NO_MAIL_ACCEPTED)],
        {"gone.example": facts("gone.example", DomainVerdict.NULL_MX, NULL_MX)},
    )
    assert (found.dead, found.no_mail) == (1, 2)


def test_without_records_the_answers_are_the_evidence() -> None:
    details: dict[str, Json] = {
        "records": [],
        "answers": {"no.example MX": "NXDOMAIN", "no.example A": "NXDOMAIN"},
    }
    found = dead_domains(
        [address("no.example", Category.DOMAIN_UNKNOWN)],
        {"no.example": facts("no.example", DomainVerdict.MISSING, details)},
    )
    assert found.worst[0].records == "no.example MX NXDOMAIN; no.example A NXDOMAIN"
    assert found.worst[0].explanation == "does not exist"
    assert (found.dead, found.no_mail) == (1, 0)


def test_a_domain_that_was_never_probed_has_no_evidence() -> None:
    found = dead_domains([address("quiet.example")], {})
    worst = found.worst[0]
    assert (worst.verdict, worst.records, worst.probed_at) == (None, None, None)
    assert "not looked up" in worst.explanation
    assert (found.dead, found.no_mail) == (0, 0)


def test_of_equal_domains_those_with_evidence_come_first() -> None:
    """Also where not all of them have room."""
    # GIVEN more domains with one dead address than are listed, of which DNS knows the last one,
    # and one with two that it was not asked about
    names = [f"d{n:02}.example" for n in range(WORST + 5)]
    known = {names[-1]: facts(names[-1], DomainVerdict.NULL_MX, NULL_MX)}

    # WHEN the worst are listed
    found = dead_domains([*map(address, names), address(names[3])], known)

    # THEN the number decides, then whether there is evidence, then the name
    assert [d.domain for d in found.worst] == [names[3], names[-1], *names[:3], *names[4:9]]


def test_a_verdict_of_a_newer_version_is_explained() -> None:
    unknown = DomainVerdict("parked")
    found = dead_domains(
        [address("new.example")], {"new.example": facts("new.example", unknown, {})}
    )
    assert found.worst[0].explanation == "was found to be parked by a newer version"


def test_the_list_of_domains_and_their_evidence_are_bounded() -> None:
    # GIVEN more domains than are listed, of which one has very long records
    long: dict[str, Json] = {"records": [{"preference": 1, "host": "x" * 256, "flags": []}] * 9}
    addresses = [address(f"d{n:02}.example") for n in range(WORST + 5)]
    known = {"d00.example": facts("d00.example", DomainVerdict.ACCEPTS_MAIL, long)}

    # WHEN they are counted
    found = dead_domains(addresses, known)

    # THEN all are counted, the first are listed by name, and the line ends early
    assert found.domains == WORST + 5
    assert [d.domain for d in found.worst] == [f"d{n:02}.example" for n in range(WORST)]
    assert found.worst[0].records is not None
    assert len(found.worst[0].records) == MAX_RECORDS
    assert found.worst[0].records.endswith("…")


def test_no_address_has_no_domain() -> None:
    found = dead_domains([], {})
    assert (found.domains, found.dead, found.no_mail, list(found.worst)) == (0, 0, 0, [])
