"""The ledger on moto's DynamoDB: what was recorded is what is answered."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import boto3
import pytest
from moto import mock_aws

from bounceledger import state
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger import DueDomain, Ledger, Outcome
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import (
    Action,
    Change,
    DomainFacts,
    DomainVerdict,
    Observation,
    Probe,
    ReasonCode,
    Span,
)
from bounceledger.verdict import Category, Cause, Scope, Verdict

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLE = "suppressions"


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
        settings = Settings(table_name=TABLE, writers=1)
        yield Ledger(client, settings, clock=lambda: NOW, sleep=lambda _: None)


def observe(
    kind: Kind = Kind.BOUNCE,
    category: Category | None = Category.MAILBOX_UNKNOWN,
    *,
    address: str = "a@example.test",
    source: str = "fair",
    days_ago: float = 1,
    event_id: str = "",
    message_id: str = "",
) -> Observation:
    at = NOW - timedelta(days=days_ago)
    event_id = event_id or f"{kind}-{category}-{days_ago}"
    event = MailEvent(
        event_id=event_id,
        provider="ses",
        kind=kind,
        provider_kind=kind.value,
        address=address,
        lead_source=source,
        occurred_at=at,
        message_id=message_id or f"message of {event_id}",
        diagnostic="smtp; 550 5.1.1 no such user",
        status="5.1.1",
    )
    if kind is not Kind.BOUNCE or category is None:
        return state.observe(event, policy=Policy())
    verdict = Verdict(
        category=category, scope=Scope.ADDRESS, rule="r1", reply_code=550, enhanced_status="5.1.1"
    )
    return state.observe(event, policy=Policy(), verdict=verdict)


def test_a_hard_bounce_suppresses_and_keeps_what_was_said(ledger: Ledger) -> None:
    """The evidence stays with the suppression."""
    # WHEN a hard bounce is recorded
    [outcome] = ledger.record([observe()])

    # THEN the address is suppressed with the reply, under its source
    [answer] = ledger.check(["a@example.test"], source="fair")
    assert outcome.outcome is Outcome.RECORDED
    assert answer.decision.reason_code is ReasonCode.HARD_BOUNCE
    assert answer.decision.category is Category.MAILBOX_UNKNOWN
    assert answer.decision.until is None
    assert answer.decision.evidence is not None
    assert answer.decision.evidence.diagnostic == "smtp; 550 5.1.1 no such user"
    assert answer.decision.evidence.count == 1
    assert answer.lead_sources == ("fair",)
    assert answer.entry is not None
    assert answer.entry.leading[0] is Cause.MAILBOX_UNKNOWN


def test_a_source_without_an_entry_does_not_change_the_answer(ledger: Ledger) -> None:
    """A suppression holds for every lead source."""
    # GIVEN an address that bounced for one source
    ledger.record([observe()])

    # WHEN it is asked for with another source
    [answer] = ledger.check(["a@example.test"], source="elsewhere")

    # THEN it is suppressed, without an entry of that source
    assert answer.decision.suppressed
    assert answer.entry is None


def test_an_unknown_address_may_be_mailed(ledger: Ledger) -> None:
    [answer] = ledger.check(["nobody@example.test"])
    assert not answer.decision.suppressed
    assert answer.facts is None
    assert answer.lead_sources == ()


def test_answers_keep_the_order_of_the_question(ledger: Ledger) -> None:
    """Callers match answers by position."""
    # GIVEN an address that is suppressed
    ledger.record([observe(address="b@example.test")])

    # WHEN it is asked for among others, one of them twice
    asked = ["c@example.test", "b@example.test", "c@example.test"]
    answers = ledger.check(asked)

    # THEN each question has its answer in its place
    assert [a.address for a in answers] == asked
    assert [a.decision.suppressed for a in answers] == [False, True, False]


def test_redelivery_changes_nothing(ledger: Ledger) -> None:
    """Marker, facts and counters are one transaction."""
    # GIVEN a batch of everything, in which one event stands twice
    batch = [
        observe(),
        observe(),
        observe(Kind.COMPLAINT, None, address="b@example.test"),
        observe(category=Category.PROVIDER_SUPPRESSED, address="c@example.test"),
        observe(category=Category.MAILBOX_FULL, address="d@example.test"),
        observe(category=Category.REPUTATION_BLOCK, address="e@example.test"),
        observe(Kind.DELIVERY, None, address="f@example.test"),
        observe(Kind.SEND, None, address="f@example.test"),
    ]

    # WHEN it is recorded twice
    first = [outcome.outcome for outcome in ledger.record(batch)]
    counted = ledger.counts("fair", date(2026, 11, 1), date(2026, 11, 30))
    second = [outcome.outcome for outcome in ledger.record(batch)]

    # THEN each event was recorded once
    assert first == [Outcome.RECORDED, Outcome.DUPLICATE, *[Outcome.RECORDED] * 5, Outcome.IGNORED]
    assert second == [*[Outcome.DUPLICATE] * 7, Outcome.IGNORED]
    assert counted == ledger.counts("fair", date(2026, 11, 1), date(2026, 11, 30))
    assert counted.days == {
        date(2026, 11, 19): {
            "hard": 1,
            "category_mailbox_unknown": 1,
            "complaint": 1,
            "echo": 1,
            "category_provider_suppressed": 1,
            "soft": 1,
            "category_mailbox_full": 1,
            "block": 1,
            "category_reputation_block": 1,
            "delivered": 1,
            "suppressed": 2,
        }
    }
    answers = ledger.check([f"{name}@example.test" for name in "abcdef"])
    assert [a.decision.suppressed for a in answers] == [True, True, True, False, False, False]


def test_an_earlier_event_that_arrives_late_moves_the_attribution(ledger: Ledger) -> None:
    """A suppression is counted on the day of its first evidence."""
    # GIVEN a hard bounce of yesterday
    ledger.record([observe(days_ago=1)])

    # WHEN one of three days ago arrives
    ledger.record([observe(days_ago=3)])

    # THEN the suppression is counted on that day instead, and first_seen moves
    counted = ledger.counts("fair", date(2026, 11, 1), date(2026, 11, 30))
    hard = {"hard": 1, "category_mailbox_unknown": 1}
    assert counted.days == {
        date(2026, 11, 17): hard | {"suppressed": 1},
        date(2026, 11, 19): hard,
    }
    [answer] = ledger.check(["a@example.test"])
    assert answer.decision.evidence is not None
    assert answer.decision.evidence.first == NOW - timedelta(days=3)


def test_a_delivery_recorded_before_any_facts_still_resets_soft_days(ledger: Ledger) -> None:
    """Deliveries may arrive before the bounces that preceded them."""
    # GIVEN a delivery of an address without facts
    ledger.record([observe(Kind.DELIVERY, None, days_ago=2)])

    # WHEN soft bounces arrive, two of them older than the delivery
    for days_ago in (4, 3, 1):
        ledger.record([observe(category=Category.MAILBOX_FULL, days_ago=days_ago)])

    # THEN only the newer one counts
    [answer] = ledger.check(["a@example.test"])
    assert answer.facts is not None
    assert answer.facts.delivered_at == NOW - timedelta(days=2)
    assert not answer.decision.suppressed


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_delivery_of_a_message_that_bounced_proves_nothing(
    ledger: Ledger, order: Sequence[int]
) -> None:
    # GIVEN soft bounces on three days, the last of a message that its host had accepted
    events = [
        observe(category=Category.MAILBOX_FULL, days_ago=5),
        observe(category=Category.MAILBOX_FULL, days_ago=3),
        observe(Kind.DELIVERY, None, days_ago=1.1, message_id="accepted"),
        observe(category=Category.MAILBOX_FULL, days_ago=1, message_id="accepted"),
    ]

    # WHEN they arrive in any order
    for number in order:
        ledger.record([events[number]])

    # THEN the delivery neither resets the soft bounces nor counts
    [answer] = ledger.check(["a@example.test"])
    assert answer.decision.reason_code is ReasonCode.SOFT_BOUNCES
    counted = ledger.counts("fair", date(2026, 11, 1), date(2026, 11, 30)).days
    assert sum(day.get("soft", 0) for day in counted.values()) == 3
    assert all("delivered" not in day for day in counted.values())


def test_soft_bounces_on_three_days_suppress_for_a_term(ledger: Ledger) -> None:
    # WHEN a mailbox is full on three days
    ledger.record([observe(category=Category.MAILBOX_FULL, days_ago=n) for n in (5, 3, 1)])

    # THEN the address is suppressed for 30 days from the third
    [answer] = ledger.check(["a@example.test"])
    assert answer.decision.reason_code is ReasonCode.SOFT_BOUNCES
    assert answer.decision.until == NOW + timedelta(days=29)


def test_a_removal_holds_against_late_evidence(ledger: Ledger) -> None:
    """A late event must not bring a removed suppression back."""
    # GIVEN a suppressed address whose suppression is removed
    ledger.record([observe(days_ago=3)])
    ledger.apply_changes(
        [Change(action=Action.REMOVE, subject="a@example.test", by="operator", note="asked for it")]
    )

    # WHEN an event arrives late that is older than the removal
    ledger.record([observe(days_ago=0.5)])
    [late] = ledger.check(["a@example.test"])

    # AND then a newer one
    ledger.record([observe(days_ago=-0.1)])
    [newer] = ledger.check(["a@example.test"])

    # THEN only the newer one suppresses
    assert not late.decision.suppressed
    assert newer.decision.suppressed


def test_a_dead_domain_suppresses_addresses_never_mailed(ledger: Ledger) -> None:
    """Only at that host name, and without an item per address."""
    # GIVEN a probe that found a null MX, recorded twice
    probe = Probe(
        verdict=DomainVerdict.NULL_MX,
        probed_at=NOW,
        recheck_at=NOW + timedelta(days=90),
        details={"mx": [{"preference": 0, "host": "."}], "ttl": 300},
        alternate_domain="example.test",
        alternate_verdict=DomainVerdict.ACCEPTS_MAIL,
    )
    first = ledger.record_probe(DomainFacts(domain="dead.example.test"), probe)
    second = ledger.record_probe(DomainFacts(domain="dead.example.test"), probe)

    # THEN it is remembered once, and due once
    assert first == second == ledger.domain_facts(["dead.example.test"])["dead.example.test"]
    day = date(2027, 2, 18)
    assert list(ledger.due_domains(day)) == [DueDomain(day, "dead.example.test")]

    # AND holds for that very host name only
    names = ("new@dead.example.test", "new@example.test", "new@x.dead.example.test")
    answers = ledger.check(names)
    assert [a.decision.suppressed for a in answers] == [True, False, False]
    assert answers[0].decision.scope is Scope.DOMAIN


def test_a_later_probe_moves_the_recheck(ledger: Ledger) -> None:
    """A domain is due on one day only."""
    # WHEN two probes set two rechecks
    for days, recheck in ((0, 10), (1, 20)):
        at = NOW + timedelta(days=days)
        probe = Probe(
            verdict=DomainVerdict.IMPLICIT_MX,
            probed_at=at,
            recheck_at=NOW + timedelta(days=recheck),
        )
        ledger.record_probe(
            DomainFacts(domain="x.test"), probe, claims={Cause.NO_MAIL_ACCEPTED: Span.at(NOW)}
        )

    # THEN the domain is due on the later day only
    assert list(ledger.due_domains(date(2026, 12, 9))) == []
    day = date(2026, 12, 10)
    assert list(ledger.due_domains(day)) == [DueDomain(day, "x.test")]
