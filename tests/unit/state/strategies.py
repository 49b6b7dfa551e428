"""Hypothesis strategies: random events, changes by people, and probes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import reduce

from hypothesis import settings
from hypothesis import strategies as st

from bounceledger import state
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.policy import Policy
from bounceledger.state import (
    AddressFacts,
    AllowlistEntry,
    DomainVerdict,
    ManualEntry,
    Observation,
    Probe,
    merge,
)
from bounceledger.verdict import Category, Cause, Scope, Verdict

START = datetime(2026, 1, 1, tzinfo=UTC)


unhurried = settings(deadline=None)
"""Other programs may slow an example down."""


EMPTY = AddressFacts(address="a@example.test")


TIGHT = Policy(soft_days_kept=4, messages_kept=2, sources_kept=2)
"""Bounds so small that every example runs into them."""


policies = st.sampled_from([Policy(), TIGHT])


times = st.integers(0, 400 * 4).map(lambda quarter: START + timedelta(hours=6 * quarter))


kinds = st.sampled_from(
    [
        *(Kind.DELIVERY, Kind.BOUNCE, Kind.BOUNCE, Kind.COMPLAINT, Kind.UNSUBSCRIBE),
        Kind.REJECT,
    ]
)


MAILED = {"": None} | {f"message {n}": START + timedelta(days=9 * n) for n in range(8)}
"""When each message was mailed, the same in all of its events."""


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    kind = draw(kinds)
    message_id = draw(st.sampled_from(sorted(MAILED)))
    event = MailEvent(
        event_id=draw(st.uuids()).hex,
        provider="ses",
        kind=kind,
        provider_kind=kind.value,
        address=EMPTY.address,
        lead_source=draw(st.sampled_from("xyz")),
        occurred_at=draw(times),
        mailed_at=MAILED[message_id],
        message_id=message_id,
        lead_date=draw(st.none() | st.dates(date(1990, 1, 1), START.date())),
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
                AddressFacts(address=EMPTY.address, searched_to=draw(st.text("ab", max_size=2))),
                AddressFacts(address=EMPTY.address, voided_at={draw(st.sampled_from(Cause)): at}),
                AddressFacts(
                    address=EMPTY.address,
                    allowed=AllowlistEntry(
                        at=at, listed=draw(st.booleans()), by=draw(st.text("ab", max_size=1))
                    ),
                ),
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
