"""Merging: any order and any grouping of any events gives the same facts and decisions."""

from datetime import date, datetime
from functools import reduce
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceledger.events import Kind
from bounceledger.policy import Policy
from bounceledger.state import (
    MAX_STORED_DIAGNOSTIC,
    AddressFacts,
    DomainFacts,
    DomainVerdict,
    Message,
    Observation,
    Probe,
    ReasonCode,
    SourceEntry,
    decide,
    facts_of,
    join,
    join_domain,
    merge,
    merge_source,
)
from bounceledger.verdict import Category, Cause, Disposition
from tests.unit.state.histories import NOW, bounce, days, facts
from tests.unit.state.strategies import (
    EMPTY,
    START,
    changes,
    merged,
    policies,
    probes,
    streams,
    times,
    unhurried,
)


def test_evidence_is_counted_and_has_the_words_of_the_latest() -> None:
    """Counts add up, and the newest reply is shown."""
    # GIVEN two bounces from two sources, the newer one first
    known = facts(
        bounce(Category.MAILBOX_UNKNOWN, ago=1, diagnostic="newer"),
        bounce(Category.MAILBOX_UNKNOWN, ago=3, diagnostic="older", source="list"),
    )

    # THEN they are counted, with both times and the newer words
    evidence = known.evidence[Cause.MAILBOX_UNKNOWN]
    assert (evidence.count, evidence.diagnostic) == (2, "newer")
    assert (evidence.first, evidence.last) == (NOW - days(3), NOW - days(1))

    # AND both sources are remembered
    assert set(known.sources) == set(known.attributions) == {"fair", "list"}


@pytest.mark.parametrize("reverse", [False, True])
def test_evidence_has_the_earliest_lead_date(reverse: bool) -> None:
    """Its first time is the earliest bounce, so both together give the age at that."""
    # GIVEN bounces of a lead that was collected twice, and one that has no date
    said = [
        bounce(Category.MAILBOX_UNKNOWN, ago=1),
        bounce(Category.MAILBOX_UNKNOWN, ago=2, lead_date=date(2026, 11, 17)),
        bounce(Category.MAILBOX_UNKNOWN, ago=5, lead_date=date(2026, 10, 1)),
    ]

    # WHEN they are merged, in either order
    known = facts(*reversed(said)) if reverse else facts(*said)

    # THEN the first date is kept
    assert known.evidence[Cause.MAILBOX_UNKNOWN].lead_date == date(2026, 10, 1)


def test_a_diagnostic_is_bounded_and_free_of_control_characters() -> None:
    """A stranger's text is stored, so it is cleaned and cut to bytes."""
    # GIVEN a reply with control characters, of more bytes than are stored
    hostile = "\x1b[31m550\r\nno\x00 such\u202e user \ud800 " + "é" * MAX_STORED_DIAGNOSTIC

    # WHEN it becomes evidence
    said = facts(bounce(Category.MAILBOX_UNKNOWN, diagnostic=hostile)).evidence
    diagnostic = said[Cause.MAILBOX_UNKNOWN].diagnostic

    # THEN it is cut to bytes, and can be printed
    assert len(diagnostic.encode()) <= MAX_STORED_DIAGNOSTIC
    assert diagnostic.isprintable()
    assert diagnostic.startswith("[31m550")


@given(
    stream=streams,
    changed=st.lists(changes(), max_size=3),
    policy=policies,
    now=times,
    probe=probes,
    data=st.data(),
)
@settings(max_examples=300, deadline=None)
def test_order_and_grouping_do_not_matter(
    *,
    stream: list[Observation],
    changed: list[AddressFacts],
    policy: Policy,
    now: datetime,
    probe: Probe | None,
    data: st.DataObject,
) -> None:
    """Redelivery, reordering and batching cannot change facts or decisions."""
    # GIVEN facts from events and people's changes, one after the other
    parts = [facts_of(item) for item in stream] + changed
    one_by_one = reduce(lambda a, b: join(a, b, policy), parts, EMPTY)

    # WHEN the same are merged in another order and in groups
    shuffled = data.draw(st.permutations(parts))
    cut = data.draw(st.integers(0, len(parts)))
    groups = [
        reduce(lambda a, b: join(a, b, policy), some, EMPTY)
        for some in (shuffled[:cut], shuffled[cut:])
    ]
    grouped = join(groups[0], groups[1], policy)

    # THEN facts and decision are the same
    assert grouped == one_by_one
    domain = DomainFacts(domain="example.test", probe=probe)
    assert decide(grouped, domain, now, policy) == decide(one_by_one, domain, now, policy)


@given(streams, policies)
@unhurried
def test_what_may_be_repeated_changes_nothing(stream: list[Observation], policy: Policy) -> None:
    """Deliveries and people's changes are maxima; only evidence is counted."""
    facts = merged(stream, policy)
    for item in stream:
        if item.event.kind is Kind.DELIVERY:
            assert merge(facts, item, policy) == facts
    assert join(facts, EMPTY, policy) == facts


@given(streams, times, times)
@unhurried
def test_only_soft_days_after_the_last_delivery_that_did_not_bounce_count(
    stream: list[Observation], at: datetime, now: datetime
) -> None:
    # GIVEN facts, and a delivery of a message that did not bounce, later than all others
    delivered_at = max([at, *(item.event.occurred_at for item in stream)])
    message = {"another": Message(mailed_at=at, delivered_at=delivered_at)}
    before = merged(stream, Policy())
    after = join(before, AddressFacts(address=EMPTY.address, messages=message), Policy())
    # THEN no soft day suppresses, and no evidence is touched
    reasons = decide(after, None, now, Policy()).reasons
    assert ReasonCode.SOFT_BOUNCES not in {reason.code for reason in reasons}
    assert after.evidence == before.evidence
    assert after.attributions == before.attributions


@given(streams, times)
@unhurried
def test_a_delivery_of_a_message_that_bounced_changes_no_decision(
    stream: list[Observation], now: datetime
) -> None:
    # GIVEN events, and the same without the deliveries of messages that bounced
    bounced = {
        item.event.message_id for item in stream if item.shows_bounce and item.event.message_id
    }
    proven = [
        item
        for item in stream
        if item.event.kind is not Kind.DELIVERY or item.event.message_id not in bounced
    ]
    # THEN the decisions are the same
    with_all, without = merged(stream, Policy()), merged(proven, Policy())
    assert with_all.delivered_at == without.delivered_at
    assert decide(with_all, None, now, Policy()) == decide(without, None, now, Policy())


def removal_of_everything(at: datetime) -> AddressFacts:
    return AddressFacts(address=EMPTY.address, removed_at=at, voided_at={Cause.COMPLAINT: at})


@given(streams, times, times)
@unhurried
def test_nothing_older_than_a_removal_suppresses_again(
    stream: list[Observation], removed_at: datetime, now: datetime
) -> None:
    """Late events must not bring a removed suppression back."""
    # GIVEN a removal of everything, and events none of which is newer
    old = [item for item in stream if item.event.occurred_at <= removed_at]
    removal = removal_of_everything(removed_at)
    facts = join(removal, merged(old, Policy()), Policy())

    # THEN the address may be mailed, whenever they arrive
    assert not decide(facts, None, now, Policy()).suppressed


@given(streams, times)
@unhurried
def test_a_newer_hard_bounce_or_complaint_suppresses_after_a_removal(
    stream: list[Observation], removed_at: datetime
) -> None:
    """A removal is not a permission for ever."""
    removal = removal_of_everything(removed_at)
    facts = join(removal, merged(stream, Policy()), Policy())
    newer = {
        cause
        for cause, evidence in facts.evidence.items()
        if evidence.last > removed_at
        and (cause is Cause.COMPLAINT or cause.disposition is Disposition.HARD)
    }
    decision = decide(facts, None, START, Policy())
    permanent = {
        reason.cause
        for reason in decision.reasons
        if reason.code in (ReasonCode.HARD_BOUNCE, ReasonCode.COMPLAINT)
    }
    assert permanent == newer


@given(streams, st.permutations(range(14)))
@unhurried
def test_a_source_entry_does_not_depend_on_order(
    stream: list[Observation], order: list[int]
) -> None:
    """Entries of lead sources merge as facts do."""
    # GIVEN events in two orders
    entry = SourceEntry(lead_source="x", address=EMPTY.address)
    shuffled = [stream[n] for n in order if n < len(stream)]

    # WHEN each is merged into an entry
    one = reduce(merge_source, stream, entry)
    other = reduce(merge_source, shuffled, entry)

    # THEN the entries are the same
    assert one == other


@given(st.lists(probes.filter(bool), min_size=1, max_size=4), st.randoms())
@unhurried
def test_the_latest_conclusive_probe_wins_in_any_order(
    found_probes: list[Probe], rng: Random
) -> None:
    """An inconclusive probe never replaces a conclusive one."""
    parts = [DomainFacts(domain="d.test", probe=probe) for probe in found_probes]
    one = reduce(join_domain, parts)
    rng.shuffle(parts)
    assert reduce(join_domain, parts) == one
    found = [p.probed_at for p in found_probes if p.verdict is not DomainVerdict.UNKNOWN]
    assert one.probe is not None
    assert one.probe.probed_at == max(found or [p.probed_at for p in found_probes])
