"""The parent domain that accepts mail instead."""

import pytest

from bounceledger.domains.alternates import parents
from bounceledger.domains.lookup import Lookup
from bounceledger.domains.probe import MAX_LOOKUPS
from bounceledger.state import DomainVerdict as V
from tests.unit.domains.dns_answers import PUBLIC, a, look, mx

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
def test_parents_end_at_the_registrable_domain(domain: str, above: list[str]) -> None:
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


def test_alternate_paths_share_the_bound() -> None:
    """Looking for an alternate domain adds no lookups beyond the limit."""
    # GIVEN a name with a hundred labels, none of which exists
    # WHEN it is probed
    found, resolver = look(".".join(["a"] * 100) + ".company.test", {})

    # THEN the lookups are bounded, and none repeats
    assert found.verdict is V.MISSING
    assert len(resolver.asked) == MAX_LOOKUPS
    assert len(set(resolver.asked)) == MAX_LOOKUPS
