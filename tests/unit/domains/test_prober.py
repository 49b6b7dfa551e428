"""The outcome of a request for a probe: answered, postponed, given up, refused."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.prober import (
    GIVE_UP_AFTER,
    RECHECK_AFTER_GIVING_UP,
    ProbeOutcome,
    retry_in,
)
from bounceledger.state import DomainFacts, Probe, Span
from bounceledger.state import DomainVerdict as V
from bounceledger.verdict import Cause
from tests.fakes import FakeDeadLetters
from tests.probing import (
    CLAIM,
    NOW,
    FakeDns,
    FakeDomainLedger,
    FakeProbeQueue,
    message,
    pending,
    prober,
)


def test_a_request_is_answered_by_the_domains_facts() -> None:
    """A probe is stored once for the domain, and nothing is written per address."""
    # GIVEN a domain that has no facts yet
    facts = FakeDomainLedger()

    # WHEN it is to be probed
    outcome = prober(FakeDns(), facts).process(message(ProbeRequest("a.test", CLAIM)))

    # THEN what DNS says and what was claimed stand in its facts
    assert outcome.outcome is ProbeOutcome.PROBED
    assert facts.domains["a.test"].probe == outcome.probe
    assert facts.domains["a.test"].claims == CLAIM


def test_the_same_request_twice_has_one_outcome_and_one_probe() -> None:
    """SQS delivers at least once."""
    # GIVEN a request that the queue delivers twice
    facts, dns = FakeDomainLedger(), FakeDns()
    both = [prober(dns, facts).process(message(ProbeRequest("a.test", CLAIM))) for _ in range(2)]

    # THEN DNS was asked once, and the facts were written once
    assert [outcome.outcome for outcome in both] == [
        ProbeOutcome.PROBED,
        ProbeOutcome.ALREADY_ANSWERED,
    ]
    assert dns.probed == ["a.test"]
    assert facts.writes == 1


def test_two_probes_at_once_have_one_outcome() -> None:
    """Two environments may answer the same request side by side."""
    # GIVEN two environments that both found nothing known
    facts, dns = FakeDomainLedger(), FakeDns()
    found = dns("a.test")
    for _ in range(2):
        facts.record_probe(DomainFacts(domain="a.test"), found, claims=CLAIM)

    # THEN the facts hold one finding
    assert facts.writes == 1


def test_a_thousand_bounces_before_a_probe_make_one_probe() -> None:
    """The cost of a dead domain does not grow with its addresses."""
    # GIVEN requests that all rest on bounces before the first probe
    facts, dns = FakeDomainLedger(), FakeDns()
    for n in range(1000):
        claims = {Cause.NO_MAIL_ACCEPTED: Span.at(NOW - timedelta(seconds=n))}
        prober(dns, facts).process(message(ProbeRequest("a.test", claims)))

    # THEN DNS was asked once
    assert dns.probed == ["a.test"]


def test_a_claim_later_than_the_probe_asks_dns_again() -> None:
    """The domain may have died since the last probe."""
    # GIVEN a domain that was probed, and a bounce after that
    facts, dns = FakeDomainLedger(), FakeDns()
    facts.record_probe(DomainFacts(domain="a.test"), dns("a.test"))
    later = {Cause.DOMAIN_UNKNOWN: Span.at(NOW + timedelta(seconds=1))}

    # WHEN the bounce asks for a probe
    outcome = prober(dns, facts).process(message(ProbeRequest("a.test", later)))

    # THEN the earlier finding does not answer it
    assert outcome.outcome is ProbeOutcome.PROBED


def test_a_claim_of_another_kind_is_kept_though_dns_is_not_asked_again() -> None:
    """What was claimed is reported for addresses that were never mailed."""
    # GIVEN a domain probed for one claim
    facts, dns = FakeDomainLedger(), FakeDns()
    prober(dns, facts).process(message(ProbeRequest("a.test", CLAIM)))

    # WHEN another kind of claim from before the probe comes in
    other = {Cause.DOMAIN_UNKNOWN: Span.at(NOW - timedelta(hours=1))}
    outcome = prober(dns, facts).process(message(ProbeRequest("a.test", other)))

    # THEN it is kept beside the first
    assert outcome.outcome is ProbeOutcome.ALREADY_ANSWERED
    assert facts.domains["a.test"].claims == CLAIM | other


@pytest.mark.parametrize(
    ("due_in", "outcome"),
    [
        (-30, ProbeOutcome.ALREADY_ANSWERED),
        (0, ProbeOutcome.ALREADY_ANSWERED),
        (1, ProbeOutcome.PROBED),
    ],
)
def test_a_recheck_is_answered_by_a_probe_of_its_day_or_later(
    due_in: int, outcome: ProbeOutcome
) -> None:
    """A recheck may be requested twice, and a long queue may hold it for hours."""
    # GIVEN a domain probed at the beginning of a day
    facts = FakeDomainLedger()
    probed_at = NOW.replace(hour=0)
    facts.record_probe(DomainFacts(domain="a.test"), Probe(verdict=V.NULL_MX, probed_at=probed_at))

    # WHEN a recheck that was due on another or that day is answered at noon
    day = NOW.date() + timedelta(days=due_in)
    result = prober(FakeDns(), facts).process(message(ProbeRequest("a.test", due=day)))

    # THEN DNS is asked only if it was due later, and the day ends in any case
    assert result.outcome is outcome
    assert facts.ended == [day]


def test_an_unknown_domain_is_postponed_and_its_facts_stay() -> None:
    """A DNS failure must not change what is known."""
    # GIVEN a domain that was found dead, and DNS that fails now
    facts, queue = FakeDomainLedger(), FakeProbeQueue()
    facts.record_probe(
        DomainFacts(domain="a.test"), Probe(verdict=V.MISSING, probed_at=NOW - timedelta(days=90))
    )
    known = facts.domains["a.test"]
    facts.pending["a.test"] = pending("a.test", since=timedelta(minutes=1))

    # WHEN it is to be probed for the second time
    outcome = prober(FakeDns(V.UNKNOWN), facts, queue).process(message(ProbeRequest("a.test")))

    # THEN the message is hidden for five minutes, and what was known stays
    assert (outcome.outcome, outcome.retry_in) == (ProbeOutcome.POSTPONED, 300)
    assert queue.hidden == [("handle-1", 300)]
    assert facts.domains["a.test"] == known


def test_a_claim_about_an_unknown_domain_is_given_up_after_a_day_and_checked_later() -> None:
    """What rests on a claim has a next probe, although nothing is known of the domain."""
    # GIVEN a domain that has been looked at for a day
    facts, queue = FakeDomainLedger(), FakeProbeQueue()
    facts.pending["a.test"] = pending("a.test", since=GIVE_UP_AFTER, looks=7)

    # WHEN DNS still fails
    outcome = prober(FakeDns(V.UNKNOWN), facts, queue).process(
        message(ProbeRequest("a.test", CLAIM))
    )

    # THEN it is given up
    assert outcome.outcome is ProbeOutcome.GIVEN_UP
    assert queue.hidden == []
    assert facts.pending == {}

    # AND the domain is due again some days later, with what was claimed
    known = facts.domains["a.test"]
    assert known.probe is not None
    assert known.probe.verdict is V.UNKNOWN
    assert known.probe.recheck_at == NOW + RECHECK_AFTER_GIVING_UP
    assert known.claims == CLAIM


def test_a_recheck_that_says_nothing_again_is_put_off_again() -> None:
    # GIVEN a domain of which nothing is known but that a recheck is due
    facts = FakeDomainLedger()
    earlier = Probe(verdict=V.UNKNOWN, probed_at=NOW - timedelta(days=8), recheck_at=NOW)
    facts.record_probe(DomainFacts(domain="a.test"), earlier)
    facts.pending["a.test"] = pending("a.test", since=GIVE_UP_AFTER, looks=7)

    # WHEN the recheck is given up, too
    request = ProbeRequest("a.test", due=NOW.date())
    prober(FakeDns(V.UNKNOWN), facts).process(message(request))

    # THEN the day it was due on ends, and it is due again some days later
    assert facts.ended == [NOW.date()]
    probe = facts.domains["a.test"].probe
    assert probe is not None
    assert (probe.probed_at, probe.recheck_at) == (NOW, NOW + RECHECK_AFTER_GIVING_UP)


@pytest.mark.parametrize("verdict", [V.MISSING, V.ACCEPTS_MAIL])
@pytest.mark.parametrize(
    ("recheck_in", "then_in"),
    [
        (timedelta(days=-1), RECHECK_AFTER_GIVING_UP),
        (timedelta(days=80), timedelta(days=80)),
        (None, RECHECK_AFTER_GIVING_UP),
    ],
)
def test_a_request_that_is_given_up_is_postponed_and_not_lost(
    verdict: V, recheck_in: timedelta | None, then_in: timedelta
) -> None:
    """A suppression by DNS keeps its way back."""
    # GIVEN a domain that was probed, with its recheck past, far off, or none
    facts = FakeDomainLedger()
    found = Probe(
        verdict=verdict,
        probed_at=NOW - timedelta(days=90),
        recheck_at=None if recheck_in is None else NOW + recheck_in,
    )
    facts.record_probe(DomainFacts(domain="a.test"), found)
    facts.pending["a.test"] = pending("a.test", since=GIVE_UP_AFTER, looks=7)

    # WHEN a request is given up
    outcome = prober(FakeDns(V.UNKNOWN), facts).process(message(ProbeRequest("a.test")))
    assert outcome.outcome is ProbeOutcome.GIVEN_UP

    # THEN the verdict stays, and a recheck comes some days later, unless one is still to come
    assert facts.domains["a.test"].probe == replace(found, recheck_at=NOW + then_in)


def test_a_queue_that_is_down_does_not_lose_the_request() -> None:
    """The message reappears by itself after the queue's own timeout."""
    # GIVEN a queue that cannot extend the visibility timeout
    outcome = prober(FakeDns(V.UNKNOWN), queue=FakeProbeQueue(down=True)).process(
        message(ProbeRequest("a.test"))
    )

    # THEN it is postponed all the same, by the queue's own timeout
    assert (outcome.outcome, outcome.retry_in) == (ProbeOutcome.POSTPONED, None)


def test_tries_grow_apart_and_the_last_one_is_a_day_after_the_first() -> None:
    """Short failures are retried soon, long ones seldom."""
    # GIVEN DNS that never answers
    since, looks, tries = timedelta(0), 1, []

    # WHEN every delay is kept
    while (delay := retry_in(looks, since)) is not None:
        tries.append(delay.total_seconds())
        since += delay
        looks += 1

    # THEN the tries are 1 min, 5 min, 30 min, 2 h, 6 h, nearly 12 h apart, and end with a day
    assert tries == [60, 300, 1800, 7200, 21600, 43000, 12440]
    assert since == timedelta(hours=24)


def test_no_delay_is_longer_than_sqs_allows() -> None:
    """SQS counts 12 hours from when the message was received, not from the call."""
    longest = max(retry_in(n, timedelta(0)) or timedelta(0) for n in range(1, 100))
    assert longest <= timedelta(seconds=43_200 - 60)


def test_a_message_that_is_not_a_request_is_dead_lettered_whole() -> None:
    """It can be inspected, corrected and sent again."""
    # GIVEN a message that names no domain
    body = json.dumps({"domain": "no domain at all", "more": 1})
    dead_letters, dns = FakeDeadLetters(), FakeDns()

    # WHEN it is processed
    outcome = prober(dns, dead_letters=dead_letters).process(message(body))

    # THEN it is kept as it came, with the field and the reason, and DNS is not asked
    assert outcome.outcome is ProbeOutcome.REFUSED
    [(kept, error)] = dead_letters.messages
    assert kept == body
    assert error.field == "domain"
    assert dns.probed == []


def test_looks_at_a_dead_domain_grow_apart() -> None:
    """The second look comes soon, since others are suppressed for it; later ones are rarer."""
    # GIVEN a domain that stays dead, and is probed whenever it is due
    facts = FakeDomainLedger()
    gaps: list[int] = []
    dns = FakeDns(V.MISSING)
    while len(gaps) < 6:
        # WHEN it is probed
        answering = replace(prober(dns, facts), clock=lambda: dns.now)
        answering.process(message(ProbeRequest("a.test", due=dns.now.date())))
        probe = facts.domains["a.test"].probe
        assert probe is not None
        assert probe.recheck_at is not None
        gaps.append((probe.recheck_at - probe.probed_at).days)
        dns.now = probe.recheck_at

    # THEN the gaps are those of the policy, and the last one repeats
    assert gaps == [1, 3, 7, 30, 90, 90]
