"""Merging: any order and any grouping of any events gives the same facts and decisions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from bounceledger import state
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.ledger import items
from bounceledger.ledger.attributes import from_attributes, to_attributes
from bounceledger.policy import Policy
from bounceledger.state import (
    AddressFacts,
    DomainFacts,
    DomainVerdict,
    ManualEntry,
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
from bounceledger.verdict import Category, Cause, Disposition, Scope, Verdict

START = datetime(2026, 1, 1, tzinfo=UTC)
unhurried = settings(deadline=None)
"""Other programs may slow an example down."""

EMPTY = AddressFacts(address="a@example.test")
TIGHT = Policy(soft_days_kept=4, sources_kept=2)
"""Bounds so small that every example runs into them."""

policies = st.sampled_from([Policy(), TIGHT])
times = st.integers(0, 400 * 4).map(lambda quarter: START + timedelta(hours=6 * quarter))
kinds = st.sampled_from([Kind.DELIVERY, Kind.BOUNCE, Kind.BOUNCE, Kind.COMPLAINT, Kind.REJECT])


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    kind = draw(kinds)
    event = MailEvent(
        event_id=draw(st.uuids()).hex,
        provider="ses",
        kind=kind,
        provider_kind=kind.value,
        address=EMPTY.address,
        lead_source=draw(st.sampled_from("xyz")),
        occurred_at=draw(times),
        diagnostic=draw(st.text(max_size=5)),
        provider_reason=draw(
            st.sampled_from(
                [ProviderReason.UNSTATED, ProviderReason.ABUSE, ProviderReason.NOT_SPAM]
            )
        ),
        ambiguous=draw(st.booleans()),
    )
    if kind is not Kind.BOUNCE:
        return state.observe(event, policy=Policy())
    verdict = Verdict(
        category=draw(st.sampled_from(Category)),
        scope=Scope.ADDRESS,
        rule=draw(st.text("r", max_size=2)),
    )
    return state.observe(event, policy=Policy(), verdict=verdict)


@st.composite
def changes(draw: st.DrawFn) -> AddressFacts:
    at = draw(times)
    return draw(
        st.sampled_from(
            [
                AddressFacts(address=EMPTY.address, removed_at=at),
                AddressFacts(address=EMPTY.address, voided_at={draw(st.sampled_from(Cause)): at}),
                AddressFacts(
                    address=EMPTY.address,
                    manual=ManualEntry(
                        at=at, until=draw(st.none() | times), by=draw(st.text("ab", max_size=1))
                    ),
                ),
            ]
        )
    )


probes = st.none() | st.builds(Probe, verdict=st.sampled_from(DomainVerdict), probed_at=times)
streams = st.lists(observations(), max_size=14, unique_by=lambda o: o.event.event_id)


def merged(stream: Sequence[Observation], policy: Policy) -> AddressFacts:
    return reduce(lambda facts, item: merge(facts, item, policy), stream, EMPTY)


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
    # Deliveries and people's changes are maxima; only evidence is counted.
    facts = merged(stream, policy)
    for item in stream:
        if item.event.kind is Kind.DELIVERY:
            assert merge(facts, item, policy) == facts
    assert join(facts, EMPTY, policy) == facts


@given(streams, times)
@unhurried
def test_a_delivery_voids_soft_days_and_leaves_the_rest(
    stream: list[Observation], at: datetime
) -> None:
    # GIVEN facts, and a delivery
    before = merged(stream, Policy())
    after = join(before, AddressFacts(address=EMPTY.address, delivered_at=at), Policy())
    # THEN soft days up to it are gone, later ones stay, and no evidence is touched
    assert all(day > at for day in after.soft_days.values())
    assert after.soft_days.items() <= before.soft_days.items()
    assert all(day in after.soft_days.values() for day in before.soft_days.values() if day > at)
    assert after.evidence == before.evidence
    assert after.attributions == before.attributions


@given(streams, times, times)
@unhurried
def test_nothing_older_than_a_lift_suppresses_again(
    stream: list[Observation], removed_at: datetime, now: datetime
) -> None:
    # GIVEN a lift, and events none of which is newer
    old = [item for item in stream if item.event.occurred_at <= removed_at]
    removal = AddressFacts(address=EMPTY.address, removed_at=removed_at)
    facts = join(removal, merged(old, Policy()), Policy())
    # THEN the address may be mailed, whenever they arrive
    assert not decide(facts, None, now, Policy()).suppressed


@given(streams, times)
@unhurried
def test_a_newer_hard_bounce_or_complaint_suppresses_after_a_lift(
    stream: list[Observation], removed_at: datetime
) -> None:
    removal = AddressFacts(address=EMPTY.address, removed_at=removed_at)
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
    entry = SourceEntry(lead_source="x", address=EMPTY.address)
    shuffled = [stream[n] for n in order if n < len(stream)]
    one = reduce(merge_source, stream, entry)
    other = reduce(merge_source, shuffled, entry)
    assert one == other


@given(st.lists(probes.filter(bool), min_size=1, max_size=4), st.randoms())
@unhurried
def test_the_latest_finding_about_a_domain_wins_in_any_order(probes_: list[Probe], dice) -> None:  # type: ignore[no-untyped-def]
    parts = [DomainFacts(domain="d.test", probe=probe) for probe in probes_]
    one = reduce(join_domain, parts)
    dice.shuffle(parts)
    assert reduce(join_domain, parts) == one
    found = [p.probed_at for p in probes_ if p.verdict is not DomainVerdict.UNKNOWN]
    assert one.probe is not None
    assert one.probe.probed_at == max(found or [p.probed_at for p in probes_])


@given(streams, st.lists(changes(), max_size=3), policies)
@unhurried
def test_facts_survive_the_way_to_the_table_and_back(
    stream: list[Observation], changed: list[AddressFacts], policy: Policy
) -> None:
    facts = reduce(lambda a, b: join(a, b, policy), changed, merged(stream, policy))
    attributes = to_attributes(items.facts_item(facts, policy) | {"version": 0})
    assert items.facts_of_item(from_attributes(attributes)) == facts
