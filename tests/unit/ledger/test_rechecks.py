"""Every claim about a domain has a next probe, and every due day ends."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from bounceledger.errors import LedgerError
from bounceledger.ledger import DueDomain, Outcome, RecheckPass, items
from bounceledger.ledger.attributes import to_attributes
from bounceledger.state import DomainFacts, DomainVerdict, Probe, Span
from bounceledger.verdict import DOMAIN_CLAIMS, Category, Cause, Scope
from tests.faults.fake import FakeDynamoDB, failure
from tests.unit.ledger.recording import NOW, TODAY, ledger, observe, stored

TOMORROW = TODAY + timedelta(days=1)
CLAIM = Category.DOMAIN_UNKNOWN


def due_days(fake: FakeDynamoDB, domain: str = "example.test") -> list[date]:
    """Days on which a domain is due."""
    found = ledger(fake).due_domains(date.max)
    return [day for day, name in found if name == domain]


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("category", Category)
def test_a_claim_makes_its_domain_due_tomorrow(category: Category, scope: Scope) -> None:
    """No other bounce writes anything more."""
    fake = FakeDynamoDB()
    ledger(fake).record([observe("e", category, scope=scope)])
    claims = Cause.of(category, scope) in DOMAIN_CLAIMS
    assert due_days(fake) == ([TOMORROW] if claims else [])


def test_the_claims_of_a_batch_take_one_call_per_domain() -> None:
    # GIVEN claims of two domains
    fake = FakeDynamoDB()
    recorded = ledger(fake)
    recorded.record([observe("known", Category.VIRUS)])
    fake.calls.clear()
    claims = [
        observe(f"{n}", CLAIM, address=f"{n}@{host}.test")
        for n, host in product(range(9), ("a", "b"))
    ]
    # WHEN they are recorded
    recorded.record(claims)
    # THEN each domain is due once, for one call
    assert fake.calls["PutItem"] == 2
    assert due_days(fake, "a.test") == due_days(fake, "b.test") == [TOMORROW]


def test_a_claim_that_was_recorded_before_makes_its_domain_due_again() -> None:
    """The worker that recorded it may have died before it did this."""
    # GIVEN a claim that was recorded, and the item of its due day lost
    fake = FakeDynamoDB()
    ledger(fake).record([observe("e", CLAIM)])
    del fake.table[items.recheck_key(TOMORROW, "example.test")]
    # WHEN it is delivered again
    [result] = ledger(fake).record([observe("e", CLAIM)])
    # THEN its domain is due
    assert result.outcome is Outcome.DUPLICATE
    assert due_days(fake) == [TOMORROW]


class NothingDue(FakeDynamoDB):
    """A table that never takes the item of a due day."""

    def put_item(self, **call: Any) -> dict[str, Any]:
        if "RECHECK#" in str(call):
            raise failure("ThrottlingException", "PutItem")
        return super().put_item(**call)


def test_a_claim_whose_domain_could_not_be_made_due_is_delivered_again() -> None:
    # GIVEN a table that refuses due days, and nothing else
    recorded = ledger(NothingDue())
    # WHEN a claim and another bounce are recorded
    results = recorded.record([observe("claim", CLAIM), observe("other", Category.MAILBOX_UNKNOWN)])
    # THEN only the claim is handed back to the queue
    assert [(r.ok, r.retry_helps) for r in results] == [(False, True), (True, False)]


def test_a_due_day_is_kept_until_it_is_answered() -> None:
    """A domain that nobody looked at for a year is not forgotten."""
    fake = FakeDynamoDB()
    ledger(fake).record([observe("e", CLAIM)])
    assert "ttl" not in stored(fake, items.recheck_key(TOMORROW, "example.test"))


NAMES = ("a.test", "a.test-b.test", "a.tests", "a-a.test", "b.test", "xn--a.test", "0.test", "z.z")
DUE = [DueDomain(TODAY - timedelta(days=ago), name) for ago in (900, 2, 1, 0) for name in NAMES]


def with_due_domains() -> FakeDynamoDB:
    fake = FakeDynamoDB()
    written = [items.recheck_item(*due) for due in [*DUE, DueDomain(TOMORROW, "late.test")]]
    for item in written:
        key = str(item["pk"]), str(item["sk"])
        fake._store(key, to_attributes(item))
    return fake


def test_domains_are_due_from_the_day_on_in_one_order() -> None:
    # GIVEN domains that were due at different times, and how far they were requested
    own = ledger(with_due_domains())
    own.save_recheck_pass(RecheckPass(after=DUE[3]))
    # WHEN they are listed THEN the longest overdue come first, and none of tomorrow's does
    found = list(own.due_domains(TODAY))
    assert sorted(found) == sorted(DUE)
    assert [due.day for due in found] == [due.day for due in DUE]
    # AND from each of them on, those after it come
    for number, due in enumerate(found):
        assert list(own.due_domains(TODAY, after=due)) == found[number + 1 :]


@pytest.mark.parametrize(
    "progress",
    [
        RecheckPass(after=DUE[9]),
        RecheckPass(finished=TODAY),
        RecheckPass(after=DUE[9], finished=TODAY),
    ],
)
def test_the_progress_of_a_pass_is_kept(progress: RecheckPass) -> None:
    fake = FakeDynamoDB()
    assert ledger(fake).recheck_pass() == RecheckPass()
    saved = ledger(fake).save_recheck_pass(progress)
    assert saved == replace(progress, version=1) == ledger(fake).recheck_pass()
    assert ledger(fake).save_recheck_pass(saved).version == 2


def test_progress_that_someone_else_saved_is_not_overwritten() -> None:
    fake = FakeDynamoDB()
    read = ledger(fake).recheck_pass()
    ledger(fake).save_recheck_pass(replace(read, after=DUE[9]))
    with pytest.raises(LedgerError, match="another recheck is under way"):
        ledger(fake).save_recheck_pass(replace(read, after=DUE[1]))
    assert ledger(fake).recheck_pass().after == DUE[9]


def found(
    verdict: DomainVerdict = DomainVerdict.ACCEPTS_MAIL,
    days: float = 0,
    recheck_in: float | None = None,
) -> Probe:
    at = NOW + timedelta(days=days)
    recheck_at = None if recheck_in is None else at + timedelta(days=recheck_in)
    return Probe(verdict=verdict, probed_at=at, recheck_at=recheck_at)


EMPTY = DomainFacts(domain="example.test")


def test_a_probe_on_the_day_of_the_claim_leaves_the_due_day() -> None:
    """A claim may have been made while the probe was under way, and it would not answer that."""
    # GIVEN a claim of today
    fake = FakeDynamoDB()
    ledger(fake).record([observe("e", CLAIM)])
    # WHEN a probe is recorded today
    known = ledger(fake).record_probe(EMPTY, found())
    # THEN the domain is due tomorrow, as before
    assert due_days(fake) == [TOMORROW]
    # AND tomorrow's probe ends that
    ledger(fake).record_probe(known, found(days=1), due=TOMORROW)
    assert due_days(fake) == []


@pytest.mark.parametrize("due", [None, TOMORROW])
def test_the_next_days_probe_ends_the_due_day_whatever_asked_for_it(due: date | None) -> None:
    fake = FakeDynamoDB()
    ledger(fake).record([observe("e", CLAIM)])
    ledger(fake).record_probe(EMPTY, found(days=1), due=due)
    assert due_days(fake) == []


def test_a_finding_that_says_nothing_leaves_days_that_it_was_not_made_for() -> None:
    # GIVEN a claim of yesterday, so that the domain is due
    fake = FakeDynamoDB()
    ledger(fake).record([observe("e", CLAIM)])
    # WHEN an inconclusive probe is recorded on that day
    ledger(fake).record_probe(EMPTY, found(DomainVerdict.UNKNOWN, days=1, recheck_in=7))
    # THEN the domain stays due, and is due again later
    assert due_days(fake) == [TOMORROW, TODAY + timedelta(days=8)]


def test_a_due_day_ends_although_the_facts_stay_as_they_are() -> None:
    # GIVEN a probe that is recorded, and a due day that was missed
    fake = FakeDynamoDB()
    known = ledger(fake).record_probe(EMPTY, found(days=1))
    ledger(fake).record([observe("e", CLAIM)])
    # WHEN it answers the request of that day, too
    after = ledger(fake).record_probe(known, found(days=1), due=TOMORROW)
    # THEN that day ends, and nothing else is written
    assert due_days(fake) == []
    assert after == known == ledger(fake).domain_facts(["example.test"])["example.test"]


def test_a_recheck_that_falls_on_the_answered_day_stays() -> None:
    """Postponed to the very day that is answered, it must not vanish with it."""
    fake = FakeDynamoDB()
    dead = found(DomainVerdict.MISSING, recheck_in=1)
    known = ledger(fake).record_probe(EMPTY, dead)
    ledger(fake).record_probe(
        known, replace(dead), claims={Cause.DOMAIN_UNKNOWN: Span.at(NOW)}, due=TOMORROW
    )
    assert due_days(fake) == [TOMORROW]
