"""A domain whose name servers do not answer: one message retries for all that ask about it."""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.prober import MAX_DUE_DAYS, ProbeOutcome, Prober
from bounceledger.ledger import Ledger, items
from bounceledger.ledger.attributes import to_attributes
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import DomainVerdict as V
from bounceledger.state import Probe, Span
from bounceledger.verdict import Cause
from tests.fakes import FakeDeadLetters
from tests.faults.fake import FakeDynamoDB, Faults, Killed, as_client
from tests.probing import NOW, message

TODAY = NOW.date()
LOOKS = 8
"""How often a domain without an answer is looked at within 24 hours."""


def claim(at: datetime) -> ProbeRequest:
    return ProbeRequest("a.test", {Cause.NO_MAIL_ACCEPTED: Span.at(at)})


class World:
    """The probe queue, DNS and a ledger on the fake table, with one clock."""

    def __init__(self, fake: FakeDynamoDB | None = None) -> None:
        self.now = NOW
        self.fake = fake or FakeDynamoDB()
        self.verdict = V.UNKNOWN
        self.looks: list[datetime] = []
        self.outcomes: Counter[str] = Counter()
        self.messages: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self.meanwhile: Callable[[], None] = lambda: None

    def send(self, request: ProbeRequest, *, after: timedelta = timedelta(0)) -> str:
        sent = message(request, len(self.messages) + sum(self.outcomes.values()) + 1)
        self.messages[sent["messageId"]] = self.now + after, sent
        return str(sent["messageId"])

    def hide(self, receipt_handle: str, seconds: int) -> None:
        assert 0 < seconds <= 43_200
        name = receipt_handle.replace("handle", "message")
        self.messages[name] = self.now + timedelta(seconds=seconds), self.messages[name][1]

    def look(self, domain: str) -> Probe:
        self.looks.append(self.now)
        self.meanwhile()
        return Probe(verdict=self.verdict, probed_at=self.now)

    @property
    def ledger(self) -> Ledger:
        settings = Settings(table_name="fake", writers=1)
        return Ledger(as_client(self.fake), settings, clock=lambda: self.now, sleep=lambda _: None)

    def receive(self, name: str) -> ProbeOutcome:
        """Deliver one message; it comes back if it was postponed, or its reader died."""
        _, received = self.messages[name]
        back_at = self.now + timedelta(seconds=180)
        self.messages[name] = back_at, received
        answering = Prober(
            self.ledger, self, FakeDeadLetters(), self.look, Policy(), clock=lambda: self.now
        )
        outcome = answering.process(received).outcome
        self.outcomes[outcome] += 1
        if outcome is not ProbeOutcome.POSTPONED:
            del self.messages[name]
        return outcome

    def run(self, until: datetime) -> None:
        """Deliver every message when it is visible."""
        while self.messages:
            name = min(self.messages, key=lambda name: self.messages[name][0])
            if self.messages[name][0] > until:
                break
            self.now = max(self.now, self.messages[name][0])
            try:
                self.receive(name)
            except Killed:
                self.outcomes["killed"] += 1
        self.now = until


A_DAY = timedelta(hours=24, minutes=10)


@pytest.mark.parametrize("spread", [timedelta(seconds=1), timedelta(minutes=14)])
def test_a_hundred_claims_about_a_silent_domain_have_one_chain_of_retries(
    spread: timedelta,
) -> None:
    """Each look takes ten seconds of a function, so no stranger may choose how many there are."""
    # GIVEN a domain whose name servers are silent, and a hundred requests, at once or over a day
    world = World()
    for n in range(100):
        world.send(claim(NOW + n * spread), after=n * spread)

    # WHEN a day passes
    world.run(NOW + A_DAY)

    # THEN it was looked at as often as for one request, and given up once
    assert len(world.looks) == LOOKS
    assert world.outcomes == {"waiting": 99, "postponed": 7, "given_up": 1}

    # AND what was claimed is kept, and the domain is due again
    facts, pending = world.ledger.probe_state("a.test")
    assert facts.claims == {Cause.NO_MAIL_ACCEPTED: Span(first=NOW, last=NOW + 99 * spread)}
    assert pending is None
    assert [due.day for due in world.ledger.due_domains(TODAY + timedelta(days=30))] == [
        TODAY + timedelta(days=8)
    ]


def test_an_answer_is_one_to_everything_that_waits() -> None:
    # GIVEN requests for claims and for days on which the domain was due
    world = World()
    days = [TODAY - timedelta(days=n) for n in range(3)]
    make_due(world, days)
    for n, day in enumerate(days):
        world.send(ProbeRequest("a.test", due=day))
        world.send(claim(NOW - timedelta(hours=n)))

    # WHEN DNS answers some hours later
    world.run(NOW + timedelta(hours=2))
    world.verdict = V.ACCEPTS_MAIL
    world.run(NOW + A_DAY)

    # THEN one look answered all of them
    assert world.outcomes == {"waiting": 5, "postponed": 4, "probed": 1}
    facts, pending = world.ledger.probe_state("a.test")
    assert facts.probe is not None
    assert facts.probe.verdict is V.ACCEPTS_MAIL
    first = NOW - timedelta(hours=2)
    assert facts.claims == {Cause.NO_MAIL_ACCEPTED: Span(first=first, last=NOW)}
    assert pending is None
    assert list(world.ledger.due_domains(TODAY + timedelta(days=30))) == []


def make_due(world: World, days: Iterable[Any]) -> None:
    for day in days:
        item = to_attributes(items.recheck_item(day, "a.test"))
        world.fake.put_item(TableName="fake", Item=item)


def test_more_days_than_one_transaction_ends_stay_due_and_end_later() -> None:
    # GIVEN a domain that was due on more days than a pending probe keeps
    world = World()
    days = [TODAY - timedelta(days=n) for n in range(MAX_DUE_DAYS + 30)]
    make_due(world, days)
    for day in days:
        world.send(ProbeRequest("a.test", due=day))
    world.run(NOW + timedelta(minutes=2))

    # WHEN DNS answers
    world.verdict = V.ACCEPTS_MAIL
    world.run(NOW + timedelta(hours=12))

    # THEN a part of them ends, and the next day's requests end the rest without another look
    left = list(world.ledger.due_domains(TODAY))
    assert len(left) == 29
    looks = len(world.looks)
    for due in left:
        world.send(ProbeRequest(due.domain, due=due.day))
    world.run(NOW + timedelta(hours=12))
    assert list(world.ledger.due_domains(TODAY)) == []
    assert len(world.looks) == looks


def test_the_message_that_retries_is_kept_when_it_comes_too_early() -> None:
    """SQS may deliver a message again while it is hidden; to acknowledge it would end the chain."""
    # GIVEN a message that retries
    world = World()
    name = world.send(claim(NOW))
    world.receive(name)

    # WHEN it comes again before its time
    world.now += timedelta(seconds=10)
    assert world.receive(name) is ProbeOutcome.POSTPONED

    # THEN it is hidden until then, and DNS is not asked
    assert world.messages[name][0] == NOW + timedelta(seconds=60)
    assert world.looks == [NOW]


def test_another_message_takes_over_where_the_one_that_retries_was_lost() -> None:
    # GIVEN a domain that one message retries, which is lost
    world = World()
    name = world.send(claim(NOW))
    world.receive(name)
    del world.messages[name]

    # WHEN others come before and after the time of the next look
    world.send(claim(NOW), after=timedelta(seconds=30))
    world.send(claim(NOW), after=timedelta(seconds=90))
    world.run(NOW + A_DAY)

    # THEN the later one goes on with the same chain, to the end of its day
    assert world.outcomes == {"postponed": 7, "waiting": 1, "given_up": 1}
    assert len(world.looks) == LOOKS


def test_two_that_look_at_the_same_moment_leave_one_chain() -> None:
    # GIVEN a second message that is answered while the first one's look is under way
    world = World()
    first, second = world.send(claim(NOW)), world.send(claim(NOW - timedelta(hours=1)))

    def meanwhile() -> None:
        world.meanwhile = lambda: None
        assert world.receive(second) is ProbeOutcome.POSTPONED

    world.meanwhile = meanwhile

    # WHEN the first one's look ends THEN it waits with the second
    assert world.receive(first) is ProbeOutcome.WAITING

    # AND there is one chain from then on
    world.run(NOW + A_DAY)
    assert len(world.looks) == LOOKS + 1
    facts, _ = world.ledger.probe_state("a.test")
    said = Span(first=NOW - timedelta(hours=1), last=NOW)
    assert facts.claims == {Cause.NO_MAIL_ACCEPTED: said}


def test_a_request_that_joins_while_an_answer_is_recorded_is_not_lost() -> None:
    # GIVEN a message that retries, and another that joins it during its last look
    world = World()
    first = world.send(claim(NOW))
    world.receive(first)
    world.now += timedelta(seconds=59)
    _, pending = world.ledger.probe_state("a.test")
    assert pending is not None
    both = {Cause.NO_MAIL_ACCEPTED: Span.at(NOW), Cause.DOMAIN_UNKNOWN: Span.at(NOW)}
    joined = replace(pending, claims=both)

    def meanwhile() -> None:
        assert world.ledger.save_pending(joined)

    world.meanwhile = meanwhile
    world.now += timedelta(seconds=1)
    world.verdict = V.NULL_MX

    # WHEN DNS answers
    assert world.receive(first) is ProbeOutcome.PROBED

    # THEN the facts hold the claims of both
    facts, left = world.ledger.probe_state("a.test")
    assert facts.claims == both
    assert left is None


@pytest.mark.parametrize("seed", range(20))
def test_workers_that_die_at_any_call_lose_nothing(seed: int) -> None:
    # GIVEN claims about a domain that does not answer for some hours, and workers that die
    rng = random.Random(seed)
    faults = Faults(killed_before=0.1, killed_after=0.1, throttled=0.05, answer_lost=0.1)
    world = World(FakeDynamoDB(seed=seed, faults=faults))
    hours = [rng.uniform(0, 8) for _ in range(30)]
    for hour in hours:
        at = NOW + timedelta(hours=hour)
        world.send(claim(at), after=at - NOW)

    # WHEN DNS answers in the end
    world.run(NOW + timedelta(hours=rng.uniform(0, 9)))
    world.verdict = V.NO_MAIL_HOST
    world.run(NOW + timedelta(days=3))

    # THEN every message is answered, all claims are known, and nothing is pending
    assert world.messages == {}
    world.fake.faults = Faults()
    facts, pending = world.ledger.probe_state("a.test")
    first, last = (NOW + timedelta(hours=hour) for hour in (min(hours), max(hours)))
    assert facts.claims == {Cause.NO_MAIL_ACCEPTED: Span(first=first, last=last)}
    assert pending is None
