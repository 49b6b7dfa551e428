"""A lead source is not charged for a claim about a domain that DNS shows alive."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest

from bounceledger.api.audits import period_of
from bounceledger.audit import AuditThresholds, SourceAudit, SourceVerdict, audit, is_cleared
from bounceledger.ledger import Addresses, Counts, Ledger, items
from bounceledger.ledger.plan import MAX_CLUSTER, plan, slices
from bounceledger.ledger.table import MAX_ACTIONS
from bounceledger.policy import Policy
from bounceledger.state import (
    AddressFacts,
    ClaimStanding,
    DomainFacts,
    DomainVerdict,
    Observation,
    Probe,
    merge,
    standing_of,
)
from bounceledger.verdict import Category, Scope
from tests.erasing import erasure, keyring
from tests.faults.fake import FakeDynamoDB, as_client
from tests.unit.ledger.recording import NOW, SETTINGS, TODAY, delivery, ledger, observe

LIVE, MISSING, IMPLICIT = (
    DomainVerdict.ACCEPTS_MAIL,
    DomainVerdict.MISSING,
    DomainVerdict.IMPLICIT_MX,
)
UNKNOWN_DOMAIN = Category.DOMAIN_UNKNOWN
CHARGED = {"hard": 2, "category_domain_unknown": 2, "suppressed": 2}


def two_claims() -> list[Observation]:
    """Two addresses of one domain, which a server calls unknown."""
    return [observe(n, UNKNOWN_DOMAIN, address=f"{n}@example.test", ago=0.2) for n in "ab"]


def look(table: Ledger, verdict: DomainVerdict, ago: float = 0.0) -> None:
    """A probe's finding."""
    [facts] = table.domain_facts(["example.test"]).values() or [DomainFacts(domain="example.test")]
    table.record_probe(facts, Probe(verdict=verdict, probed_at=NOW - timedelta(days=ago)))


def counted(table: Ledger, first: date = TODAY, last: date = TODAY) -> Counts:
    return table.counts("fair", first, last)


def test_claims_that_dns_refutes_are_left_out_and_counted_apart() -> None:
    # GIVEN two bounces for an unknown domain, which count until DNS was asked
    table = ledger(FakeDynamoDB())
    table.record(two_claims())
    assert counted(table).days == {TODAY: CHARGED | {"claims_unconfirmed": 2}}

    # WHEN DNS shows that the domain is alive
    look(table, LIVE)

    # THEN the source is charged with nothing
    assert counted(table).days == {TODAY: {"claims_refuted": 2}}


@pytest.mark.parametrize("order", list(permutations(("claims", "probe", "claims again"))))
def test_the_order_of_events_and_probes_does_not_matter(order: Sequence[str]) -> None:
    table = ledger(FakeDynamoDB())
    for step in order:
        if step == "probe":
            look(table, LIVE)
        else:
            table.record(two_claims())
    assert counted(table).days == {TODAY: {"claims_refuted": 2}}


@pytest.mark.parametrize(
    ("looks", "apart"),
    [
        ([(MISSING, 0)], {}),
        ([(MISSING, 0.1), (LIVE, 0)], {}),
        ([(IMPLICIT, 0)], {"claims_unconfirmed": 2}),
        ([(LIVE, 0.5)], {"claims_unconfirmed": 2}),
        ([(DomainVerdict.UNKNOWN, 0)], {"claims_unconfirmed": 2}),
    ],
    ids=str,
)
def test_other_findings_leave_the_charge(
    looks: Sequence[tuple[DomainVerdict, float]], apart: dict[str, int]
) -> None:
    """A domain that comes back was dead; an older or an inconclusive look says nothing."""
    table = ledger(FakeDynamoDB())
    table.record(two_claims())
    for verdict, ago in looks:
        look(table, verdict, ago)
    assert counted(table).days == {TODAY: CHARGED | apart}


def test_an_address_with_another_hard_bounce_is_charged_for_that() -> None:
    # GIVEN an address that a refuted claim was made about, and that does not exist either
    table = ledger(FakeDynamoDB())
    table.record([observe("claim", UNKNOWN_DOMAIN, ago=3)])
    assert counted(table, TODAY - timedelta(days=3)).days[TODAY - timedelta(days=3)] == {
        "hard": 1,
        "category_domain_unknown": 1,
        "suppressed": 1,
        "claims_unconfirmed": 1,
    }
    table.record([observe("later", Category.MAILBOX_UNKNOWN, ago=1)])
    look(table, LIVE)

    # THEN it is charged on the day of the other bounce, and the claim is left out
    found = counted(table, TODAY - timedelta(days=3)).days
    assert found == {
        TODAY - timedelta(days=3): {"claims_refuted": 1},
        TODAY - timedelta(days=1): {"hard": 1, "category_mailbox_unknown": 1, "suppressed": 1},
    }


def test_the_charge_moves_to_the_earliest_claim() -> None:
    # GIVEN claims about one address, the earlier one recorded later, and DNS that refutes both
    table = ledger(FakeDynamoDB())
    for ago in (1, 4, 2):
        table.record([observe(f"{ago}", UNKNOWN_DOMAIN, ago=ago)])
    first = TODAY - timedelta(days=4)
    assert counted(table, first).days[first]["suppressed"] == 1
    look(table, LIVE)

    # THEN nothing is left on any day
    assert all(day == {"claims_refuted": 1} for day in counted(table, first).days.values())


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        (MISSING, LIVE, {"claims_refuted": 1}),
        (LIVE, MISSING, {"hard": 1, "category_domain_unknown": 1, "suppressed": 1}),
    ],
)
def test_a_claim_is_judged_from_when_it_was_made_and_not_from_when_the_message_was_mailed(
    before: DomainVerdict, after: DomainVerdict, left: dict[str, int]
) -> None:
    """A look in between was made before anybody said anything."""
    # GIVEN a look at DNS while a message was under way, and another after it bounced
    table = ledger(FakeDynamoDB())
    mailed_at, reported_at = NOW - timedelta(days=3), NOW - timedelta(days=1)
    look(table, before, ago=2)
    look(table, after, ago=0)

    # WHEN the bounce is recorded, which the receiving server dates back to the mailing
    bounced = observe("late", UNKNOWN_DOMAIN, ago=3, mailed_at=mailed_at, reported_at=reported_at)
    table.record([bounced])

    # THEN the look after the report judges it, on the day of mailing
    day = mailed_at.date()
    assert counted(table, day).days == {day: left}


def test_claims_of_other_days_and_sources_are_not_looked_at() -> None:
    table = ledger(FakeDynamoDB())
    table.record([observe("old", UNKNOWN_DOMAIN, ago=9)])
    table.record([observe("other", UNKNOWN_DOMAIN, source="else", address="x@example.test")])
    assert counted(table, TODAY - timedelta(days=8)).days == {}


def test_more_claims_than_one_answer_looks_at_count_as_they_were_made() -> None:
    # GIVEN refuted claims at three times, and room for two
    table = Ledger(as_client(FakeDynamoDB()), SETTINGS, clock=lambda: NOW, max_claims=2)
    for n in range(3):
        table.record([observe(f"{n}", UNKNOWN_DOMAIN, address=f"{n}@example.test", ago=n / 100)])
    look(table, LIVE, ago=-0.1)

    # THEN the answer says that it is not complete
    found = counted(table)
    assert not found.claims_complete
    assert found.days[TODAY]["claims_refuted"] == 2
    assert found.days[TODAY]["hard"] == 1


@pytest.mark.parametrize("category", Category)
def test_a_claim_takes_one_action_more_and_no_other_event_does(category: Category) -> None:
    """Two write units, in the transaction that records it."""
    written = plan([observe("e", category)], {}, shard=0, settings=SETTINGS, now=NOW).actions
    claims = [action for action in written if action.key.pk.startswith("CLAIM#")]
    hard = category in {Category.NO_MAIL_ACCEPTED, Category.DOMAIN_UNKNOWN}
    assert [action.kind for action in claims] == (["Update"] if hard else [])


def test_an_address_whose_charges_all_move_fits_into_one_transaction() -> None:
    # GIVEN an address charged to many sources for claims, and an earlier claim of each
    later = [
        observe(f"late {n}", UNKNOWN_DOMAIN, source=f"s{n}", ago=n) for n in range(MAX_CLUSTER)
    ]
    facts = AddressFacts(address="a@example.test")
    for item in later:
        facts = merge(facts, item, Policy())
    known: dict[items.Key, Any] = {
        items.facts_key("a@example.test"): items.facts_item(facts, Policy()) | {"version": 1}
    }
    earlier = [
        observe(f"early {n}", Category.NO_MAIL_ACCEPTED, source=f"s{n}", ago=100 + n)
        for n in range(MAX_CLUSTER)
    ]

    # WHEN they are recorded together
    [group] = slices(earlier, SETTINGS)
    actions = plan(group, known, shard=0, settings=SETTINGS, now=NOW).actions

    # THEN marker, entry, two counters and two claims of each, and the facts, fit
    assert len(actions) == 6 * MAX_CLUSTER + 1 <= MAX_ACTIONS


@pytest.mark.parametrize(
    ("looks", "standing"),
    [
        ([], ClaimStanding.UNCONFIRMED),
        ([(LIVE, -0.1)], ClaimStanding.UNCONFIRMED),
        ([(LIVE, 0)], ClaimStanding.REFUTED),
        ([(LIVE, 1), (MISSING, 2)], ClaimStanding.REFUTED),
        ([(MISSING, 1), (LIVE, 2)], ClaimStanding.CONFIRMED),
        ([(DomainVerdict.NULL_MX, 1)], ClaimStanding.CONFIRMED),
        ([(DomainVerdict.NO_MAIL_HOST, 1)], ClaimStanding.CONFIRMED),
        ([(IMPLICIT, 1)], ClaimStanding.UNCONFIRMED),
        ([(IMPLICIT, 1), (LIVE, 2)], ClaimStanding.REFUTED),
        ([(IMPLICIT, 1), (MISSING, 2)], ClaimStanding.CONFIRMED),
        ([(LIVE, -0.1), (LIVE, 0.2), (MISSING, 0.1)], ClaimStanding.CONFIRMED),
    ],
    ids=str,
)
def test_the_first_finding_after_a_claim_judges_it_for_good(
    looks: Sequence[tuple[DomainVerdict, float]], standing: ClaimStanding
) -> None:
    table = ledger(FakeDynamoDB())
    for verdict, days in looks:
        look(table, verdict, -days)
    assert standing_of(NOW, table.domain_facts(["example.test"]).get("example.test")) is standing


# ------------------------------------------------------------------------- a failing resolver


def resolver_failure(n: int = 900, delivered: int = 92, dead: int = 8) -> list[Observation]:
    """Leads who are reached or do not exist, and others at domains of which each was not found."""
    return [
        *(delivery(f"in {i}", address=f"in{i}@box.test") for i in range(delivered)),
        *(
            observe(f"no {i}", Category.MAILBOX_UNKNOWN, address=f"no{i}@box.test")
            for i in range(dead)
        ),
        *(
            observe(f"{i}", UNKNOWN_DOMAIN, address=f"a@{i}.test", scope=Scope.DOMAIN)
            for i in range(n)
        ),
    ]


def refute(table: Ledger, n: int) -> None:
    """DNS shows that the domains of `resolver_failure` are alive."""
    for i in range(n):
        probe = Probe(verdict=LIVE, probed_at=NOW)
        table.record_probe(DomainFacts(domain=f"{i}.test"), probe)


def judged(table: Ledger) -> SourceAudit:
    """The audit of the one source."""
    return audit(
        [period_of(counted(table))],
        start=TODAY,
        end=TODAY,
        generated_at=NOW,
        thresholds=AuditThresholds(),
    ).sources[0]


def test_a_failing_resolver_of_the_sender_makes_no_source_bad() -> None:
    """Postfix's "Host or domain name not found" reads as a claim about the domain."""
    # GIVEN a source of which 8 of 100 leads are dead, and 900 whose domains were not found
    table = ledger(FakeDynamoDB())
    table.record(resolver_failure())

    # WHEN it is judged before DNS was asked
    found = judged(table)

    # THEN the claims are in neither number, and may be true or not
    rate = found.judgement.rate
    assert (rate.count, rate.of, found.period.unconfirmed) == (8, 100, 900)
    assert rate.bounds[0] < 0.01
    assert rate.bounds[1] > 0.88
    assert found.judgement.verdict is SourceVerdict.TOO_LITTLE_DATA


def test_addresses_of_refuted_claims_make_no_source_good() -> None:
    """They were never reached, so they are as unknown as those of blocked messages."""
    # GIVEN the same source, after DNS has shown that the domains are alive
    table = ledger(FakeDynamoDB())
    table.record(resolver_failure())
    refute(table, 900)

    # WHEN it is judged
    found = judged(table)

    # THEN 8 % of those that were answered are dead, which is neither good nor better than bad
    assert (found.judgement.rate.count, found.judgement.rate.of) == (8, 100)
    assert (found.period.unanswered, found.period.unconfirmed) == (900, 0)
    assert found.judgement.verdict is SourceVerdict.TOO_LITTLE_DATA
    assert not is_cleared(found.period, AuditThresholds())


def test_an_address_that_was_reached_is_answered_whatever_was_claimed_of_its_domain() -> None:
    # GIVEN refuted claims about leads who are reached by another message
    table = ledger(FakeDynamoDB())
    table.record(resolver_failure())
    refute(table, 900)
    table.record([delivery(f"again {i}", address=f"a@{i}.test") for i in range(900)])

    # THEN they count as mailed, and the source is as good as it is
    found = judged(table)
    assert (found.judgement.rate.count, found.judgement.rate.of) == (8, 1000)
    assert found.period.unanswered == 0
    assert found.judgement.verdict is SourceVerdict.GOOD


def test_confirmed_claims_count_as_dead_and_as_mailed() -> None:
    # GIVEN 100 leads whose domains DNS does not find either, after one of them was reached
    table = ledger(FakeDynamoDB())
    table.record([*resolver_failure(100), delivery("before", address="a@7.test", ago=0.5)])
    for i in range(100):
        probe = Probe(verdict=MISSING, probed_at=NOW)
        table.record_probe(DomainFacts(domain=f"{i}.test"), probe)

    # THEN each is one address mailed
    found = judged(table)
    assert (found.judgement.rate.count, found.judgement.rate.of) == (108, 200)
    assert found.judgement.verdict is SourceVerdict.BAD


def test_claims_that_were_not_read_make_no_source_bad() -> None:
    # GIVEN more claims than one answer looks at, all of them refuted
    table = Ledger(as_client(FakeDynamoDB()), SETTINGS, clock=lambda: NOW, max_claims=50)
    table.record(resolver_failure(300))
    refute(table, 300)

    # WHEN the source is judged
    found = judged(table)

    # THEN those that were not looked at are not confirmed
    assert not found.period.claims_complete
    assert (found.period.unanswered, found.period.unconfirmed) == (50, 250)
    assert (found.judgement.rate.count, found.judgement.rate.of) == (8, 100)
    assert found.judgement.verdict is SourceVerdict.TOO_LITTLE_DATA


def test_the_claim_of_someone_who_was_erased_says_nothing() -> None:
    """No claim is kept of them, so DNS can neither confirm nor refute it."""
    # GIVEN a person who was erased, and a bounce of later mail to them
    fake = FakeDynamoDB()
    table = ledger(fake, erasure=keyring())
    [erased] = table.apply_changes([erasure("a@example.test")])
    assert erased.finished
    table.record([observe("later", UNKNOWN_DOMAIN)])

    # THEN nothing is learned of the address, and no claim has its hash
    assert counted(table).addresses() == Addresses(mailed=0, unanswered=1)
    assert not [key for key in fake.table if key[0].startswith("CLAIM#")]
