"""Which changes of the table request a probe, and the outcome of unreadable ones."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bounceledger.domains.claims import new_claims, request_probes
from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.errors import QueueError
from bounceledger.ledger.stream import claims_change
from bounceledger.state import Span
from bounceledger.verdict import Category, Cause, Scope
from tests.fakes import FakeDeadLetters, FakeProbes
from tests.stream_records import NOW, bounced, record


def claims_in(change: dict[str, Any]) -> dict[Cause, Span]:
    """The new claims of a stream record."""
    found = claims_change(change)
    return new_claims(found) if found else {}


@pytest.mark.parametrize("category", Category)
def test_only_two_categories_claim_something_about_the_domain(category: Category) -> None:
    """Every probe costs DNS lookups, so only claims request one."""
    # GIVEN an address whose first event is of that category
    # WHEN its facts are written
    claims = claims_in(record(bounced(category)))

    # THEN the domain is to be probed for the two that say something of it
    speaks_of_domain = category in {Category.NO_MAIL_ACCEPTED, Category.DOMAIN_UNKNOWN}
    assert claims == ({Cause(category): Span.at(NOW)} if speaks_of_domain else {})


def test_a_soft_reply_about_the_domain_is_a_claim() -> None:
    """A message that expired since the domain cannot be looked up makes DNS be asked."""
    claims = claims_in(record(bounced(Category.EXPIRED, scope=Scope.DOMAIN)))
    assert claims == {Cause.DOMAIN_UNREACHABLE: Span.at(NOW)}


def test_a_claim_that_was_known_is_not_new() -> None:
    """Other evidence on the same item must not repeat the request."""
    # GIVEN an address that is known to be refused, and a later soft bounce
    old = bounced(Category.NO_MAIL_ACCEPTED)
    new = bounced(Category.MAILBOX_FULL, at=NOW + timedelta(days=1), facts=old)

    # THEN nothing new was said of the domain
    assert claims_in(record(new, old)) == {}


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_same_claim_is_new_where_it_was_made_later_or_earlier(hours: int) -> None:
    """What has to be said on two days may be said in any order."""
    # GIVEN an address that was refused before
    old = bounced(Category.DOMAIN_UNKNOWN)

    # WHEN another event arrives, in order or late
    other = NOW + timedelta(hours=hours)
    new = bounced(Category.DOMAIN_UNKNOWN, at=other, facts=old)

    # THEN its domain is asked about, with the times of both
    said = Span(first=min(NOW, other), last=max(NOW, other))
    assert claims_in(record(new, old)) == {Cause.DOMAIN_UNKNOWN: said}


def test_a_claim_made_between_two_others_is_not_new() -> None:
    old = bounced(Category.DOMAIN_UNKNOWN)
    old = bounced(Category.DOMAIN_UNKNOWN, at=NOW + timedelta(hours=2), facts=old)
    new = bounced(Category.DOMAIN_UNKNOWN, at=NOW + timedelta(hours=1), facts=old)
    assert claims_in(record(new, old)) == {}


def test_many_bounces_of_a_domain_make_one_request() -> None:
    """It carries the latest claim of each kind."""
    # GIVEN a hundred addresses of one domain, refused one after the other
    records = [
        record(bounced(Category.NO_MAIL_ACCEPTED, at=NOW + timedelta(n), address=f"{n}@a.test"))
        for n in range(100)
    ]
    records.append(record(bounced(Category.DOMAIN_UNKNOWN, address="x@a.test")))
    records.append(record(bounced(Category.DOMAIN_UNKNOWN, address="x@b.test")))
    probes = FakeProbes()

    # WHEN the batch is processed
    report = request_probes(records, probes, FakeDeadLetters())

    # THEN each domain is asked for once
    assert report.retry_from == ""
    assert probes.requests == [
        ProbeRequest(
            "a.test",
            {
                Cause.NO_MAIL_ACCEPTED: Span(first=NOW, last=NOW + timedelta(99)),
                Cause.DOMAIN_UNKNOWN: Span.at(NOW),
            },
        ),
        ProbeRequest("b.test", {Cause.DOMAIN_UNKNOWN: Span.at(NOW)}),
    ]


def test_a_queue_that_is_down_retries_the_whole_batch() -> None:
    """A request that was not sent must not be lost."""
    # GIVEN a queue that is down
    records = [record(bounced(Category.NO_MAIL_ACCEPTED), number=str(n)) for n in (7, 8)]

    # THEN the stream is to begin again with the first record
    report = request_probes(records, FakeProbes(down=True), FakeDeadLetters())
    assert report.retry_from == "7"
    assert isinstance(report.failure, QueueError)


def unreadable(number: str) -> dict[str, Any]:
    bad = record(bounced(Category.NO_MAIL_ACCEPTED, address="x@b.test"), number=number)
    bad["dynamodb"]["NewImage"]["evidence"] = {"M": {"no_mail_accepted": {"S": "?"}}}
    return bad


def test_an_unreadable_record_is_dead_lettered_whole_and_alone() -> None:
    """One bad record would stop its shard for a day."""
    # GIVEN two unreadable images between two readable ones
    bad, also_bad = unreadable("2"), unreadable("3")
    also_bad["dynamodb"]["NewImage"] = "?"
    records = [
        record(bounced(Category.NO_MAIL_ACCEPTED), number="1"),
        bad,
        also_bad,
        record(bounced(Category.NO_MAIL_ACCEPTED, address="x@c.test"), number="4"),
    ]
    probes, dead_letters = FakeProbes(), FakeDeadLetters()

    # WHEN the batch is processed
    report = request_probes(records, probes, dead_letters)

    # THEN the others are processed
    assert [request.domain for request in probes.requests] == ["a.test", "c.test"]
    assert (report.retry_from, report.unreadable) == ("", ("2", "3"))

    # AND those are kept as they came, with the reason
    assert [json.loads(kept) for kept, _ in dead_letters.messages] == [bad, also_bad]
    assert all("not a stream record" in error.reason for _, error in dead_letters.messages)


def test_a_record_that_can_be_neither_read_nor_dead_lettered_ends_the_batch() -> None:
    """Nothing is lost: the stream begins again where it failed."""
    # GIVEN a record that cannot be read, and a dead-letter queue that is down
    records = [record(bounced(Category.NO_MAIL_ACCEPTED), number="1"), unreadable("2")]
    probes = FakeProbes()

    # WHEN the batch is processed
    report = request_probes(records, probes, FakeDeadLetters(down=True))

    # THEN the first is processed, and the stream begins again with the second
    assert [request.domain for request in probes.requests] == ["a.test"]
    assert report.retry_from == "2"
    assert isinstance(report.failure, QueueError)


def test_an_empty_batch_requests_nothing() -> None:
    assert request_probes([], FakeProbes(), FakeDeadLetters()).requests == ()
