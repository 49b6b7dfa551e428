"""Rechecks of many domains, by functions that die at random points."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.prober import Prober
from bounceledger.domains.rechecks import request_due
from bounceledger.ledger import DueDomain, Ledger, items
from bounceledger.ledger.attributes import to_attributes
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import DomainVerdict, Probe
from tests.fakes import FakeDeadLetters
from tests.faults.fake import FakeDynamoDB, Faults, Killed, as_client
from tests.probing import NOW, FakeProbeQueue, message

TODAY = NOW.date()
DOMAINS = 400
PER_SAVE = 20
WORKS = Faults()
DEADLY = Faults(killed_before=0.03, killed_after=0.03, throttled=0.05, answer_lost=0.05)


def due_domains(rng: random.Random) -> list[DueDomain]:
    """Domains that were due within the last year, some of them on several days."""
    return [
        DueDomain(TODAY - timedelta(days=days), f"{n}.test")
        for n in range(DOMAINS)
        for days in rng.sample(range(365), rng.choice([1, 1, 3]))
    ]


class Queue:
    """A probe queue that keeps what is sent, and kills its sender now and then."""

    def __init__(self, rng: random.Random) -> None:
        self.requests: list[ProbeRequest] = []
        self._rng = rng

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        for request in requests:
            if self._rng.random() < 0.002:
                raise Killed
            self.requests.append(request)


class Dns:
    """Finds every domain alive, and counts the probes."""

    def __init__(self) -> None:
        self.probed: Counter[str] = Counter()
        self.now = NOW

    def __call__(self, domain: str) -> Probe:
        self.probed[domain] += 1
        return Probe(verdict=DomainVerdict.ACCEPTS_MAIL, probed_at=self.now)


def ledger(fake: FakeDynamoDB) -> Ledger:
    settings = Settings(table_name="fake", writers=1)
    return Ledger(as_client(fake), settings, clock=lambda: NOW, sleep=lambda _: None)


def run_until_finished(fake: FakeDynamoDB, queue: Queue, today: date) -> int:
    """Let the schedule run until it has nothing left to do; how many runs that took."""
    for runs in range(1, 1000):
        try:
            report = request_due(
                ledger(fake),
                queue,
                today,
                deadline=datetime.max.replace(tzinfo=NOW.tzinfo),
                per_save=PER_SAVE,
            )
        except Killed:
            continue
        if report.finished:
            return runs
    raise AssertionError("it did not finish")


@pytest.mark.parametrize("seed", range(3))
def test_no_domain_is_lost_and_each_is_probed_once(seed: int) -> None:
    rng = random.Random(seed)
    # GIVEN domains that are due, some of them for a year
    due = due_domains(rng)
    fake = FakeDynamoDB(seed=seed)
    for item in (items.recheck_item(*each) for each in due):
        fake._store((str(item["pk"]), str(item["sk"])), to_attributes(item))
    # WHEN runs of the schedule die at random points, until one comes to the end
    queue = Queue(rng)
    fake.faults = DEADLY
    runs = run_until_finished(fake, queue, TODAY)
    fake.faults = WORKS
    # THEN every domain was requested for every day, and each run that died sent few of them twice
    sent = Counter((request.due, request.domain) for request in queue.requests)
    assert runs > 1
    assert sent.keys() == {*due}
    assert sent.total() - len(due) <= (runs - 1) * PER_SAVE

    # WHEN the queue delivers them all twice, in any order, over the hours of a day
    dns = Dns()
    deliveries = queue.requests * 2
    rng.shuffle(deliveries)
    for number, request in enumerate(deliveries):
        dns.now = NOW.replace(hour=5) + timedelta(hours=18) * number / len(deliveries)
        answering = Prober(ledger(fake), FakeProbeQueue(), FakeDeadLetters(), dns, Policy())
        replace(answering, clock=lambda: dns.now).process(message(request))
    # THEN each domain was probed once, and none is due any more
    assert dns.probed == Counter({domain: 1 for _, domain in due})
    assert list(ledger(fake).due_domains(date.max)) == []
