"""Distinct addresses per lead source: how many were mailed, and how many turned out dead."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from bounceledger.events import Kind
from bounceledger.ledger import Addresses, Counts, Ledger, Outcome, items
from bounceledger.ledger.sampling import Sampling
from bounceledger.state import DomainFacts, DomainVerdict, Observation, Probe
from bounceledger.verdict import Category
from tests.faults import run, stream
from tests.faults.fake import EVERYTHING, FakeDynamoDB, Faults, as_client
from tests.unit.ledger.recording import NOW, SETTINGS, TODAY, delivery, ledger, observe, stored


def counted(fake: FakeDynamoDB, days: int = 30) -> Counts:
    return ledger(fake).counts("fair", TODAY - timedelta(days=days), TODAY)


def recorded(*observations: Observation) -> Addresses:
    fake = FakeDynamoDB()
    ledger(fake).record(observations)
    return counted(fake).addresses()


def bounce(name: str, category: Category, **fields: Any) -> Observation:
    return observe(name, category, message_id=name, **fields)


# ------------------------------------------------------------------------------ mailed


def test_an_address_that_is_mailed_often_counts_once() -> None:
    """On one day, on several days, and in whatever shard."""
    # GIVEN two addresses with deliveries on three days
    fake = FakeDynamoDB()
    for ago in (0.1, 0.2, 1, 2):
        some = [delivery(f"{a} {ago}", address=f"{a}@x.test", ago=ago) for a in "ab"]
        assert {one.outcome for one in ledger(fake).record(some)} == {Outcome.RECORDED}

    # THEN the period has two addresses, and so has each day
    found = counted(fake)
    assert found.addresses() == Addresses(mailed=2, unanswered=0)
    assert [found.addresses(day).mailed for day in found.days] == [2, 2, 2]


ANSWERS = {
    "delivery": (delivery("e"), (1, 0)),
    "hard": (bounce("e", Category.MAILBOX_UNKNOWN), (1, 0)),
    "soft": (bounce("e", Category.MAILBOX_FULL), (1, 0)),
    "failed forward": (bounce("e", Category.MAILBOX_UNKNOWN, forwarded_to="x.test"), (1, 0)),
    "expired": (bounce("e", Category.EXPIRED), (0, 1)),
    "greylisted": (bounce("e", Category.GREYLISTED), (0, 1)),
    "not understood": (bounce("e", Category.UNKNOWN), (0, 1)),
    "content": (bounce("e", Category.SPAM_CONTENT), (0, 1)),
    "virus": (bounce("e", Category.VIRUS), (0, 1)),
    "block": (bounce("e", Category.REPUTATION_BLOCK), (0, 1)),
    "authentication": (bounce("e", Category.AUTH_FAILURE), (0, 1)),
    "echo": (bounce("e", Category.PROVIDER_SUPPRESSED), (0, 0)),
    "automatic reply": (bounce("e", Category.AUTOREPLY), (0, 0)),
    "complaint": (observe("e", kind=Kind.COMPLAINT), (0, 0)),
    "unsubscribe": (observe("e", kind=Kind.UNSUBSCRIBE), (0, 0)),
    "delay": (observe("e", kind=Kind.DELIVERY_DELAY), (0, 0)),
    "reject": (observe("e", kind=Kind.REJECT), (0, 0)),
    "unmatched": (observe("e", Category.MAILBOX_UNKNOWN, address="", unmatched=True), (0, 0)),
}


@pytest.mark.parametrize(("observation", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_what_counts_as_an_answer(observation: Observation, expected: tuple[int, int]) -> None:
    """Blocks and expired messages tell nothing about the address."""
    found = recorded(observation)
    assert (found.mailed, found.unanswered) == expected


def test_an_address_with_an_answer_is_not_unanswered() -> None:
    """The block may have been lifted between two messages."""
    found = recorded(
        bounce("a", Category.REPUTATION_BLOCK),
        delivery("b"),
        bounce("c", Category.REPUTATION_BLOCK, address="other@x.test"),
    )
    assert (found.mailed, found.unanswered) == (1, 1)


@pytest.mark.parametrize("category", [Category.REPUTATION_BLOCK, Category.PROVIDER_SUPPRESSED])
def test_a_delivery_counts_as_an_answer_in_whatever_order_its_bounce_comes(
    category: Category,
) -> None:
    """The bounce takes the delivery back. The server accepted the address all the same."""
    # GIVEN a message that was delivered and then bounced for a reason of the sender
    events = [delivery("d", message_id="m"), observe("b", category, message_id="m")]
    for order in permutations(events):
        for batches in ([order], [[one] for one in order]):
            # WHEN both are recorded in any order and grouping, twice
            fake = FakeDynamoDB()
            for batch in [*batches, *batches]:
                ledger(fake).record(batch)

            # THEN the address has an answer
            assert counted(fake).addresses() == Addresses(mailed=1, unanswered=0)


def test_deliveries_that_are_not_counted_leave_no_number_of_addresses() -> None:
    """It would be that of the bounced ones alone."""
    # GIVEN a deployment without delivery counts
    fake = FakeDynamoDB()
    uncounted = ledger(fake, replace(SETTINGS, count_deliveries=False))
    uncounted.record([delivery("d"), bounce("b", Category.MAILBOX_UNKNOWN)])

    # THEN dead addresses are counted, and those that were mailed are not
    found = uncounted.counts("fair", TODAY, TODAY).addresses()
    assert found == Addresses(dead={"mailbox_unknown": 1})
    assert items.secret_key() not in fake.table


# -------------------------------------------------------------------------------- dead


def test_a_dead_address_counts_once_on_the_day_of_its_first_bounce() -> None:
    """Whatever is mailed to it afterwards."""
    # GIVEN an address that bounces on three days, the earliest message last
    fake = FakeDynamoDB()
    for ago in (2, 1, 3):
        mailed = NOW - timedelta(days=ago)
        one = observe(f"{ago}", Category.MAILBOX_UNKNOWN, ago=0.1, mailed_at=mailed)
        ledger(fake).record([one])

    # THEN it counts on the day of the earliest
    found = counted(fake)
    first = TODAY - timedelta(days=3)
    assert found.dead == {first: {"mailbox_unknown": 1}}
    assert found.addresses().dead == found.addresses(first).dead == {"mailbox_unknown": 1}
    assert found.addresses(TODAY - timedelta(days=2)).dead == {}


def test_dead_addresses_are_counted_by_category() -> None:
    found = recorded(
        observe("1", Category.MAILBOX_UNKNOWN, address="1@x.test"),
        observe("2", Category.MAILBOX_UNKNOWN, address="2@x.test"),
        observe("3", Category.MAILBOX_MOVED, address="3@x.test"),
        observe("4", Category.MAILBOX_FULL, address="4@x.test"),
    )
    assert found.dead == {"mailbox_moved": 1, "mailbox_unknown": 2}
    assert found.mailed == 4


@pytest.mark.parametrize("kind", [Kind.COMPLAINT, Kind.UNSUBSCRIBE])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("category", [Category.MAILBOX_UNKNOWN, Category.DOMAIN_UNKNOWN])
def test_someone_who_answered_before_the_bounce_was_alive(
    kind: Kind, category: Category, *, first: bool
) -> None:
    """The address was alive when the lead source supplied it."""
    # GIVEN a bounce, and a complaint or an unsubscribe about a message of before or after
    days = {True: 3, False: 1}
    events = [
        observe("c", kind=kind, mailed_at=NOW - timedelta(days=days[first])),
        observe("b", category, mailed_at=NOW - timedelta(days=2)),
    ]
    for order in permutations(events):
        # WHEN they are recorded one by one, in either order
        fake = FakeDynamoDB()
        for event in order:
            ledger(fake).record([event])

        # THEN the address counts as dead only if nobody was there before; a complaint, whenever it
        # was, counts before a claim
        found = counted(fake)
        complained = kind is Kind.COMPLAINT
        alive = first or (complained and category is Category.DOMAIN_UNKNOWN)
        hard = {} if alive else {category: 1}
        assert found.addresses().dead == ({} if category is Category.DOMAIN_UNKNOWN else hard)
        assert found.addresses().unconfirmed == (category is Category.DOMAIN_UNKNOWN and not alive)

        # AND the source is charged with a complaint or with a bounce, and never with an unsubscribe
        charged = sum(day.get("suppressed", 0) for day in found.days.values())
        assert charged == (1 if complained or not alive else 0)


def test_a_refuted_claim_of_someone_who_had_unsubscribed_takes_nothing_away() -> None:
    """It was charged to nobody, so its end must not lower any counter."""
    # GIVEN an unsubscribe, and a claim about the domain by a later message
    fake = FakeDynamoDB()
    table = ledger(fake)
    table.record(
        [
            observe("u", kind=Kind.UNSUBSCRIBE, mailed_at=NOW - timedelta(days=3)),
            observe("b", Category.DOMAIN_UNKNOWN, mailed_at=NOW - timedelta(days=2)),
        ]
    )

    # WHEN DNS refutes the claim
    probe = Probe(verdict=DomainVerdict.ACCEPTS_MAIL, probed_at=NOW)
    table.record_probe(DomainFacts(domain="example.test"), probe)

    # THEN nothing is left of it but the claim, and no counter is below zero
    days = counted(fake).days
    assert [dict(days[day]) for day in sorted(days)] == [
        {"unsubscribe": 1},
        {"claims_refuted": 1},
    ]


@pytest.mark.parametrize(
    ("verdict", "addresses", "domains"),
    [
        (DomainVerdict.ACCEPTS_MAIL, Addresses(mailed=0, unanswered=2), 0),
        (
            DomainVerdict.MISSING,
            Addresses(mailed=2, unanswered=0, dead={"domain_unknown": 2}),
            1,
        ),
        (DomainVerdict.IMPLICIT_MX, Addresses(mailed=0, unanswered=0, unconfirmed=2), 0),
        (None, Addresses(mailed=0, unanswered=0, unconfirmed=2), 0),
    ],
)
def test_what_dns_says_about_a_claim(
    verdict: DomainVerdict | None, addresses: Addresses, domains: int
) -> None:
    """A confirmed one is an answer, and a refuted one is none; the others wait."""
    # GIVEN two addresses at a domain that is said not to exist
    fake = FakeDynamoDB()
    ledger(fake).record(
        [observe(name, Category.DOMAIN_UNKNOWN, address=f"{name}@x.test") for name in "ab"]
    )

    # WHEN DNS is asked about it, or not yet
    if verdict:
        ledger(fake).record_probe(
            DomainFacts(domain="x.test"), Probe(verdict=verdict, probed_at=NOW)
        )

    # THEN the answer decides in which number they are
    found = counted(fake)
    assert found.addresses() == addresses
    assert found.dead_domains == domains


def test_counters_of_dead_addresses_are_not_among_the_outcomes() -> None:
    """They count addresses, and outcomes count events."""
    fake = FakeDynamoDB()
    ledger(fake).record([observe("1", Category.MAILBOX_UNKNOWN)])
    assert counted(fake).days[TODAY] == {"hard": 1, "category_mailbox_unknown": 1, "suppressed": 1}


# ----------------------------------------------------------------------------- storing


def test_deliveries_of_a_batch_take_no_more_calls_or_actions_for_it() -> None:
    """The hashes go into the counters' items."""
    # GIVEN a source that is known
    fake = FakeDynamoDB()
    recorder = ledger(fake)
    recorder.record([delivery("first")])
    before = len(fake.table)
    fake.calls.clear()

    # WHEN deliveries to 50 addresses are recorded
    recorder.record([delivery(f"{n}", address=f"{n}@x.test") for n in range(50)])

    # THEN their messages' items are all that is new
    assert len(fake.table) == before + 50
    assert fake.calls["TransactWriteItems"] == 1


def test_all_environments_use_the_same_key() -> None:
    """Otherwise one address would have several hashes."""
    # GIVEN two environments that find no key, of which the first is a little faster
    fake = FakeDynamoDB()
    slow = Ledger(as_client(Overtaken(fake)), SETTINGS, clock=lambda: NOW, sleep=lambda _: None)

    # WHEN both record a message to the same address
    slow.record([delivery("1")])
    ledger(fake).record([delivery("2")])

    # THEN it is one address
    assert counted(fake).addresses().mailed == 1


class Overtaken:
    """A client of which the first transaction comes just after that of someone else."""

    def __init__(self, fake: FakeDynamoDB) -> None:
        self._fake, self._overtaken = fake, False

    def __getattr__(self, name: str) -> object:
        if name == "transact_write_items" and not self._overtaken:
            self._overtaken = True
            ledger(self._fake).record([delivery("0", source="another")])
        return getattr(self._fake, name)


def test_a_large_day_is_estimated_from_small_items() -> None:
    """However many addresses are mailed, the items stay small and the estimate close."""
    # GIVEN an environment that keeps few hashes, with a given key
    fake = FakeDynamoDB()
    sampling = Sampling(bytes(32), max_sample=256, max_part=64, look_every=8)
    recorder = Ledger(as_client(fake), SETTINGS, clock=lambda: NOW, sampling=sampling)

    # WHEN many addresses are mailed, in batches
    for n in range(0, 3000, 90):
        batch = [delivery(f"{m}", address=f"{m}@x.test") for m in range(n, min(n + 90, 3000))]
        recorder.record(batch)

    # THEN all deliveries are counted, and the addresses within three standard errors
    found = counted(fake)
    assert found.days[TODAY]["delivered"] == 3000
    addresses = found.addresses()
    assert 0.03 < addresses.mailed_error < 0.09
    assert addresses.mailed == pytest.approx(3000, rel=3 * addresses.mailed_error)

    # AND no part of the sample is large
    parts = [stored(fake, items.Key(*key)) for key in fake.table if key[0] == "COUNT#fair"]
    assert 1 < len(parts) <= 256 // 64 + 1
    assert max(len(items.sample_of_item(part).answered) for part in parts) < 64 + 90


def test_a_sample_that_cannot_be_tidied_fails_no_event() -> None:
    """Someone else looks at it later."""
    # GIVEN a table that does not let the parts be read
    fake = FakeDynamoDB()
    sampling = Sampling(bytes(32), max_part=1, look_every=1)
    client = as_client(WithoutCounters(fake))
    recorder = Ledger(client, SETTINGS, clock=lambda: NOW, sleep=lambda _: None, sampling=sampling)

    # WHEN an event is recorded whose writer looks
    [result] = recorder.record([delivery("1")])

    # THEN it is recorded, with its address
    assert result.outcome is Outcome.RECORDED
    assert counted(fake).addresses().mailed == 1


class WithoutCounters:
    """A client that cannot read counters by their keys."""

    def __init__(self, fake: FakeDynamoDB) -> None:
        self._fake = fake

    def __getattr__(self, name: str) -> object:
        return getattr(self._fake, name)

    def batch_get_item(self, **request: object) -> dict[str, object]:
        failing = "COUNT#" in str(request)
        self._fake.faults = Faults(throttled=1.0 if failing else 0.0)
        try:
            return self._fake.batch_get_item(**request)  # type: ignore[arg-type]
        finally:
            self._fake.faults = Faults()


@pytest.mark.parametrize("seed", range(3))
def test_samples_that_change_while_workers_die_lose_nothing(seed: int) -> None:
    """Parts begin and levels rise, while others write and some are killed."""
    # GIVEN messages to many addresses on one day, three times each, and limits that always apply
    days_ago = 1
    observations: Sequence[Observation] = [
        delivery(f"d{n}", address=f"{n}@x.test", ago=days_ago, message_id=f"m{n}")
        if n % 3
        else observe(
            f"b{n}", Category.REPUTATION_BLOCK, address=f"{n}@x.test", ago=days_ago, message_id="m"
        )
        for n in range(150)
    ]
    faults = replace(EVERYTHING, killed_before=0.01, killed_after=0.01)
    fake = FakeDynamoDB(seed=seed, faults=faults, hold=0.0005)

    def make_ledger() -> Ledger:
        return Ledger(
            as_client(fake),
            replace(SETTINGS, writers=2),
            clock=lambda: stream.NOW,
            sleep=lambda _: None,
            sampling=Sampling(max_sample=32, max_part=4, look_every=2),
        )

    # WHEN they are recorded
    run.deliver(run.shuffled(observations, seed), make_ledger)

    # THEN each sample is that of all addresses, at a level above 0
    fake.faults = Faults()
    scanned = fake.scan()["Items"]
    assert run.differences(observations, scanned, make_ledger(), stream.NOW) == {}
    assert max(int(item.get("level", {"N": "0"})["N"]) for item in scanned) > 0
