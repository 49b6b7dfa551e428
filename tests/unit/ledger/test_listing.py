"""Lists of suppressed addresses and of lead sources, page by page."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bounceledger.events import Kind
from bounceledger.ledger import Ledger, Listed, ListedDomain, Page, Place, Sought, items
from bounceledger.ledger.listing import MAX_EXAMINED, MAX_SOURCES_EXAMINED
from bounceledger.policy import Policy
from bounceledger.state import (
    Action,
    Change,
    DomainFacts,
    DomainVerdict,
    Observation,
    Probe,
    ReasonCode,
)
from bounceledger.verdict import Category, Cause, Scope
from tests.faults.fake import FakeDynamoDB, as_client
from tests.unit.ledger.recording import NOW, SETTINGS, TODAY, delivery, ledger, observe, removal


def pages(
    table: Ledger, sought: Sought, *, limit: int, source: str | None = None
) -> Iterator[Page]:
    after: Place | None = None
    while True:
        page = table.suppressions(sought, limit=limit, source=source, after=after)
        yield page
        after = page.following
        if after is None:
            return


def listed(
    table: Ledger, sought: Sought | None = None, *, limit: int = 3, source: str | None = None
) -> list[Listed]:
    return [
        entry
        for page in pages(table, sought or Sought(), limit=limit, source=source)
        for entry in addresses_on(page)
    ]


def addresses_on(page: Page) -> list[Listed]:
    return [entry for entry in page.listed if isinstance(entry, Listed)]


def subjects(
    table: Ledger, sought: Sought | None = None, *, limit: int = 3, source: str | None = None
) -> list[str]:
    """Addresses, and domains that people added, in the order of the list."""
    return [
        entry.result.domain.domain if isinstance(entry, ListedDomain) else entry.result.address
        for page in pages(table, sought or Sought(), limit=limit, source=source)
        for entry in page.listed
    ]


def bounced(
    address: str,
    source: str = "fair",
    category: Category = Category.MAILBOX_UNKNOWN,
    ago: float = 1,
) -> Observation:
    name = f"{address} {source} {category} {ago}"
    return observe(name, category, address=address, source=source, ago=ago)


def table_with(*observations: Observation) -> Ledger:
    table = ledger(FakeDynamoDB(page=7))
    table.record(observations)
    return table


def test_every_suppressed_address_is_listed_once_whatever_the_size_of_a_page() -> None:
    """An export must neither lose nor repeat anybody."""
    # GIVEN addresses of several sources, some of which know the same ones
    sources = [f"s{n:02}" for n in range(9)]
    events = [
        bounced(f"a{n}@example.test", sources[(n * k) % 9], ago=n % 5 + k / 10)
        for n in range(60)
        for k in (1, 2, 5)
    ]
    table = table_with(*events)

    # WHEN all are listed by pages of different sizes
    by_limit = {limit: listed(table, limit=limit) for limit in (1, 7, 60, 1000)}

    # THEN each is there once, in the same order
    [first, *others] = by_limit.values()
    assert Counter(entry.result.address for entry in first) == Counter(
        f"a{n}@example.test" for n in range(60)
    )
    for other in others:
        assert [e.result.address for e in other] == [e.result.address for e in first]
    assert [(e.lead_source, e.result.address) for e in first] == sorted(
        (e.lead_source, e.result.address) for e in first
    )


def test_who_unsubscribed_is_listed_where_that_suppresses() -> None:
    # GIVEN an unsubscribe, and a soft bounce of the same address by a later message
    fake = FakeDynamoDB()
    table = ledger(fake, replace(SETTINGS, policy=Policy(suppress_unsubscribes=True)))
    address = "ann@example.test"
    table.record([observe("u", kind=Kind.UNSUBSCRIBE, address=address, ago=2)])
    table.record([bounced(address, "rival", Category.MAILBOX_FULL)])

    # THEN it is on the lists of both sources, and in the list of all under the one that is kept
    assert [entry.lead_source for entry in listed(table)] == ["fair"]
    assert subjects(table, source="fair") == subjects(table, source="rival") == [address]
    assert subjects(table, Sought(reason=ReasonCode.UNSUBSCRIBE)) == [address]

    # AND on none where it suppresses nobody
    assert subjects(ledger(fake)) == []


def test_a_sources_list_has_all_that_it_has_an_entry_about_and_no_other() -> None:
    # GIVEN an address of two sources, and one of another
    table = table_with(
        bounced("both@example.test", "fair"),
        bounced("both@example.test", "rival", ago=0.5),
        bounced("theirs@example.test", "rival"),
    )

    # THEN each source's own list has what it knows
    of_fair = listed(table, source="fair")
    assert [entry.result.address for entry in of_fair] == ["both@example.test"]
    assert [entry.result.address for entry in listed(table, source="rival")] == [
        "both@example.test",
        "theirs@example.test",
    ]
    assert listed(table, source="nobody") == []


def test_an_entry_of_an_address_that_may_be_mailed_is_passed_over() -> None:
    """The list is of what the facts decide now."""
    # GIVEN soft evidence that is not enough, and a suppression that was removed
    table = table_with(
        bounced("soft@example.test", category=Category.MAILBOX_FULL),
        bounced("removed@example.test"),
        bounced("dead@example.test"),
    )
    table.apply_changes([removal("removed@example.test")])

    # WHEN they are listed
    [page] = pages(table, Sought(), limit=10)

    # THEN all three were looked at, and one is listed
    assert [entry.result.address for entry in addresses_on(page)] == ["dead@example.test"]
    assert page.examined == 3


@pytest.mark.parametrize(
    ("sought", "names"),
    [
        (Sought(reason=ReasonCode.HARD_BOUNCE), ["dead", "moved"]),
        (Sought(reason=ReasonCode.PROVIDER_LIST), ["echo"]),
        (Sought(reason=ReasonCode.DEAD_DOMAIN), ["x"]),
        (Sought(category=Cause.MAILBOX_MOVED), ["moved"]),
        (Sought(first=TODAY - timedelta(days=5)), ["echo", "dead", "x"]),
        (Sought(last=TODAY - timedelta(days=6)), ["moved"]),
        (Sought(first=TODAY - timedelta(days=9), last=TODAY - timedelta(days=9)), ["moved"]),
        (Sought(first=TODAY, category=Cause.MAILBOX_MOVED), []),
    ],
)
def test_a_list_has_what_is_sought(sought: Sought, names: list[str]) -> None:
    # GIVEN suppressions for several reasons, on several days
    table = table_with(
        bounced("dead@example.test", ago=2),
        bounced("moved@example.test", category=Category.MAILBOX_MOVED, ago=9),
        bounced("echo@example.test", "early", category=Category.PROVIDER_SUPPRESSED, ago=3),
        bounced("x@gone.test", category=Category.MAILBOX_FULL, ago=20),
    )
    found = Probe(verdict=DomainVerdict.NULL_MX, probed_at=NOW - timedelta(days=1))
    table.record_probe(DomainFacts(domain="gone.test"), found)

    # THEN a list has those that are sought
    addresses = [entry.result.address.partition("@")[0] for entry in listed(table, sought)]
    assert addresses == names


def test_a_page_looks_at_a_thousand_entries_and_says_where_it_goes_on() -> None:
    """Nobody can make one call read a whole table."""
    # GIVEN more entries than a page may look at, of which none is sought
    fake = FakeDynamoDB(page=500)
    table = ledger(fake)
    table.record([bounced(f"a{n:04}@example.test") for n in range(MAX_EXAMINED + 20)])

    # WHEN they are listed
    first, second = pages(table, Sought(reason=ReasonCode.COMPLAINT), limit=10)

    # THEN the first page is empty and goes on where it ended
    assert (first.listed, first.examined) == ([], MAX_EXAMINED)
    assert first.following == Place("fair", f"a{MAX_EXAMINED - 1:04}@example.test")
    assert (second.listed, second.examined) == ([], 20)


def test_a_page_looks_into_a_hundred_sources() -> None:
    """Each takes a query, even where it has no entry."""
    # GIVEN many sources without an entry, and one behind them
    count = MAX_SOURCES_EXAMINED + 1
    table = table_with(
        *(delivery(f"d{n}", source=f"s{n:03}", message_id=f"m{n}") for n in range(count)),
        bounced("dead@example.test", "zoo"),
    )

    # WHEN all are listed
    first, second = pages(table, Sought(), limit=10)

    # THEN the first page ends after as many
    assert first.following == Place(f"s{count - 2:03}")  # beside what people added
    assert [entry.result.address for entry in addresses_on(second)] == ["dead@example.test"]


def test_a_page_ends_when_its_time_is_over() -> None:
    """A request to the API has ten seconds; what is found by then must not be lost."""
    # GIVEN a clock by which every look at it takes a second
    fake = FakeDynamoDB(page=500)
    ledger(fake).record(
        [bounced(f"a{n}@example.test", f"s{n}") for n in range(6)],
    )
    slow = Ledger(as_client(fake), SETTINGS, clock=ticking(), sleep=lambda _: None)

    # WHEN all are listed
    found = list(pages(slow, Sought(), limit=10))

    # THEN it takes several pages, and each comes further
    assert len(found) > 1
    assert [entry.result.address for page in found for entry in addresses_on(page)] == [
        f"a{n}@example.test" for n in range(6)
    ]


def test_an_address_is_found_although_its_later_sources_entry_has_expired() -> None:
    """Soft evidence goes some day, hard evidence stays."""
    # GIVEN a hard bounce of one source, and a later soft one of another, whose entry goes
    fake = FakeDynamoDB()
    table = ledger(fake)
    table.record([bounced("a@example.test", "fair", ago=30)])
    table.record([bounced("a@example.test", "later", category=Category.MAILBOX_FULL)])
    fake.expire(NOW + timedelta(days=2000))

    # THEN the address is still listed, under the source that is left
    assert [entry.lead_source for entry in listed(table)] == ["fair"]


def test_an_address_that_a_person_added_is_listed_once_and_first() -> None:
    """It may rest on no event; where it does, that source's entry may go before its facts."""
    # GIVEN addresses that a person added, of which one has soft evidence that goes some day
    fake = FakeDynamoDB()
    table = ledger(fake)
    table.record(
        [
            bounced("z@example.test", "fair"),
            bounced("known@example.test", "fair", Category.MAILBOX_FULL),
        ]
    )
    add(table, "new@example.test")
    add(table, "known@example.test")
    add(table, "z@example.test")
    expected = [(None, name) for name in ("known", "new", "z")]

    # THEN each is there once, before the sources' own, whatever the page and the day
    for day in (0, 2000):
        fake.expire(NOW + timedelta(days=day))
        for limit in (1, 10):
            found = listed(table, limit=limit)
            assert [
                (entry.lead_source, entry.result.address.partition("@")[0]) for entry in found
            ] == expected

    # AND the source's list still has those about which it knows something
    assert [e.result.address for e in listed(table, source="fair")] == ["z@example.test"]


def add(table: Ledger, subject: str, until: datetime | None = None) -> None:
    """Suppress an address or a domain, as a person does."""
    change = Change(action=Action.ADD, subject=subject, by="ada", note="asked", until=until)
    table.apply_changes([change])


def test_domains_that_people_added_follow_the_addresses_that_they_added() -> None:
    """Nobody could audit what is on no list; each is there once, whatever the page."""
    # GIVEN domains and addresses that people added, some of them about each other, and a bounce
    fake = FakeDynamoDB(page=2)
    table = ledger(fake)
    table.record([bounced("dead@one.test", "fair")])
    names = [f"{name}.test" for name in ("one", "three", "two")]
    for subject in (*names, "zoe@one.test", "ann@other.test"):
        add(table, subject)
    expected = ["ann@other.test", "zoe@one.test", *names, "dead@one.test"]

    # THEN they are listed in one order, by pages of any size
    for limit in (1, 2, 3, 4, 5, 1000):
        assert subjects(table, limit=limit) == expected

    # AND a page that ends at a domain goes on after it
    page = table.suppressions(Sought(), limit=3)
    assert page.following == Place(items.MANUAL, "one.test")

    # AND a lead source's own list has none of them
    assert subjects(table, source="fair") == ["dead@one.test"]


def test_a_domain_is_listed_with_when_it_was_added_and_sought_by_it() -> None:
    # GIVEN a domain that a person added until a later day
    table = ledger(FakeDynamoDB())
    until = NOW + timedelta(days=9)
    add(table, "example.test", until)

    # WHEN all suppressions are listed
    [page] = pages(table, Sought(), limit=10)

    # THEN it has the decision about an address there of which nothing else is known
    [entry] = page.listed
    assert isinstance(entry, ListedDomain)
    decision = entry.result.decision
    assert (decision.reason_code, decision.scope) == (ReasonCode.MANUAL, Scope.DOMAIN)
    assert (decision.until, entry.last_seen, page.examined) == (until, NOW, 1)

    # AND filters hold for it as for an address
    assert subjects(table, Sought(reason=ReasonCode.MANUAL, first=TODAY)) == ["example.test"]
    for other in (
        Sought(reason=ReasonCode.DEAD_DOMAIN),
        Sought(category=Cause.DOMAIN_UNKNOWN),
        Sought(last=TODAY - timedelta(days=1)),
    ):
        assert subjects(table, other) == []


def test_a_domain_is_listed_only_while_its_manual_entry_is_in_force() -> None:
    """Its entry stays under the reserved source; the facts of the domain decide."""
    # GIVEN domains of which one was removed, one ended, and one is dead besides
    fake = FakeDynamoDB()
    add(ledger(fake), "ended.test", NOW + timedelta(days=1))
    table = Ledger(
        as_client(fake), SETTINGS, clock=lambda: NOW + timedelta(days=2), sleep=lambda _: None
    )
    for name in ("removed.test", "dead.test", "kept.test", "allowed.test"):
        add(table, name)
    allow = Change(action=Action.ALLOW, subject="allowed.test", by="ada", note="a customer")
    table.apply_changes([removal("removed.test"), removal("dead.test"), allow])
    probe = Probe(verdict=DomainVerdict.NULL_MX, probed_at=NOW + timedelta(days=3))
    [dead] = table.check_domains(["dead.test"])
    table.record_probe(dead.domain, probe)
    [dead] = table.check_domains(["dead.test"])
    assert dead.decision.reason_code is ReasonCode.DEAD_DOMAIN

    # THEN only those are listed whose entry holds, as the allow-list does not end one
    assert subjects(table) == ["allowed.test", "kept.test"]

    # AND one that is added again is listed again, once
    add(table, "removed.test")
    assert subjects(table) == ["allowed.test", "kept.test", "removed.test"]


def test_last_seen_is_when_the_reported_reason_was_last_said_or_found() -> None:
    # GIVEN a dead address, and one of a dead domain
    table = table_with(
        bounced("dead@example.test", ago=2),
        bounced("x@gone.test", category=Category.MAILBOX_FULL, ago=20),
    )
    at = NOW - timedelta(days=1)
    found = Probe(verdict=DomainVerdict.NULL_MX, probed_at=at)
    table.record_probe(DomainFacts(domain="gone.test"), found)

    assert [entry.last_seen for entry in listed(table)] == [NOW - timedelta(days=2), at]


# ------------------------------------------------------------------------------ lead sources


def test_all_sources_come_with_their_counts_page_by_page() -> None:
    """The same as each one's own counts."""
    # GIVEN sources with deliveries and bounces
    names = [f"s{n}" for n in range(5)]
    table = table_with(
        *(delivery(f"d{n}", source=f"s{n % 5}", message_id=f"m{n}") for n in range(13)),
        *(bounced(f"a{n}@example.test", f"s{n % 3}") for n in range(6)),
    )
    first, last = TODAY - timedelta(days=6), TODAY

    # WHEN they are read by two
    found, after, calls = [], "", 0
    more = True
    while more:
        counted, more = table.sources(first, last, limit=2, after=after)
        found += counted
        after, calls = found[-1].source, calls + 1

    # THEN all are there, as each is on its own
    assert [one.source for one in found] == names
    assert found == [table.counts(name, first, last) for name in names]
    assert calls == 3


def test_a_page_of_sources_ends_when_its_time_is_over() -> None:
    """A year of many sources is a lot to read."""
    # GIVEN 25 sources, and a clock by which every look at it takes a second
    fake = FakeDynamoDB(page=500)
    ledger(fake).record(
        [delivery(f"d{n}", source=f"s{n:02}", message_id=f"m{n}") for n in range(25)]
    )
    slow = Ledger(as_client(fake), SETTINGS, clock=ticking(), sleep=lambda _: None)

    # WHEN all are asked for at once
    counted, more = slow.sources(TODAY, TODAY, limit=100)

    # THEN there are some, in order, and that there are more is said
    assert [one.source for one in counted] == [f"s{n:02}" for n in range(len(counted))]
    assert 0 < len(counted) < 25
    assert more


def ticking() -> Callable[[], datetime]:
    """A clock by which every look at it takes a second."""
    ticks = iter(range(10_000))
    return lambda: NOW + timedelta(seconds=next(ticks))


def test_facts_are_never_kept_longer_than_the_entry_that_lists_them() -> None:
    """Whatever suppresses, the list has it."""
    cases = [
        [(Category.MAILBOX_FULL, "one", 30), (Category.PROVIDER_SUPPRESSED, "two", 10)],
        [(Category.PROVIDER_SUPPRESSED, "one", 30), (Category.MAILBOX_FULL, "two", 10)],
        [(Category.MAILBOX_UNKNOWN, "one", 30), (Category.MAILBOX_FULL, "two", 10)],
        [(Category.MAILBOX_FULL, "one", 30), (Category.MAILBOX_UNKNOWN, "two", 10)],
    ]
    for case in cases:
        # GIVEN evidence of two sources
        fake = FakeDynamoDB()
        table = ledger(fake)
        for category, source, ago in case:
            table.record([bounced("a@example.test", source, category, ago=ago)])

        # THEN the entry under which the address is listed goes no earlier than its facts
        [result] = table.check(["a@example.test"])
        assert result.facts is not None
        home = result.facts.listed_under
        assert home is not None
        ends = [
            fake.table[key].get("ttl", {"N": "inf"})["N"]
            for key in (items.source_key(home, "a@example.test"), items.facts_key("a@example.test"))
        ]
        assert float(ends[0]) >= float(ends[1]), case
