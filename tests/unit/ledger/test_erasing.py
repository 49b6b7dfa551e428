"""Erased addresses: what is left of them, and what reads find."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from bounceledger.erasure_keys import ErasureKeyring
from bounceledger.errors import ErasingDisabledError, ErasureKeysError
from bounceledger.events import Kind
from bounceledger.ledger import ChangeOutcome, Ledger, Listed, RecordedChange, Sought, items
from bounceledger.ledger.attributes import from_attributes
from bounceledger.ledger.ledger import ERASING_TIME
from bounceledger.state import (
    Action,
    Change,
    DomainFacts,
    DomainVerdict,
    Probe,
    ReasonCode,
    join_domain,
)
from bounceledger.verdict import Category
from tests.erasing import SECRET, erasure, keyring, naming
from tests.faults.fake import FakeDynamoDB, as_client
from tests.unit.ledger.recording import NOW, SETTINGS, TODAY, delivery, ledger, observe, stored

ADDRESS = "a@example.test"
NEIGHBOUR = "b@example.test"
STRANGER = "a@elsewhere.test"


LEAD_DATE = date(2026, 10, 1)


def changed(action: Action, subject: str = ADDRESS, **fields: Any) -> Change:
    return Change(action=action, subject=subject, by="ada", note="asked", **fields)


@pytest.fixture
def fake() -> FakeDynamoDB:
    """A table with three people who bounced, changes, and a delivery."""
    fake = FakeDynamoDB()
    own = ledger(fake)
    for name, address in enumerate((ADDRESS, NEIGHBOUR, STRANGER)):
        own.record(
            [
                observe(
                    f"hard {name}",
                    Category.MAILBOX_UNKNOWN,
                    address=address,
                    lead_date=LEAD_DATE if address == ADDRESS else None,
                ),
                observe(f"claim {name}", Category.DOMAIN_UNKNOWN, address=address, source="x"),
                delivery(f"delivery {name}", address=address, message_id="m"),
            ]
        )
        own.apply_changes([changed(Action.ADD, address), changed(Action.ALLOW, address)])
    return fake


def erasing(fake: FakeDynamoDB, **more: Any) -> Ledger:
    return ledger(fake, erasure=keyring(), **more)


def erase(fake: FakeDynamoDB, *addresses: str) -> None:
    results = erasing(fake).apply_changes([erasure(address) for address in addresses])
    assert all(result.finished for result in results)


def reasons(own: Ledger, *addresses: str) -> list[ReasonCode | None]:
    return [result.decision.reason_code for result in own.check(addresses)]


def tombstones(fake: FakeDynamoDB) -> list[dict[str, Any]]:
    return [from_attributes(item) for (_, sk), item in fake.table.items() if sk == "TOMBSTONE"]


def test_what_is_left_of_a_person_is_a_tombstone_and_markers(fake: FakeDynamoDB) -> None:
    assert LEAD_DATE.isoformat() in str(fake.scan()["Items"])

    # WHEN a person is erased
    [result] = erasing(fake).apply_changes([erasure(ADDRESS)])

    # THEN the answer is that they are suppressed, and all is done
    assert (result.outcome, result.finished) == (ChangeOutcome.DONE, True)
    assert result.decision
    assert result.decision.reason_code is ReasonCode.ERASED

    # AND no item names them, or says when their address was collected
    assert naming(ADDRESS, fake.scan()["Items"], NOW) == []
    assert LEAD_DATE.isoformat() not in str(fake.scan()["Items"])

    # AND the tombstone has no more than it needs
    [left] = tombstones(fake)
    assert left.pop("pk").startswith("ERASED#2026#")
    assert left == {
        "sk": "TOMBSTONE",
        "schema": 1,
        "version": 2,
        "at": items.to_text(NOW),
        "by": "ada",
        "note": "asked to be forgotten",
        "purged_to": "x",
        "finished": True,
    }
    markers = {
        sk: set(item) - {"pk", "sk", "schema", "ttl"}
        for (pk, sk), item in fake.table.items()
        if pk.startswith("ERASED#") and sk != "TOMBSTONE"
    }
    assert markers == {
        "EVENT#hard 0": set(),
        "EVENT#claim 0": set(),
        next(sk for sk in markers if sk.startswith("MESSAGE#")): {
            "outcome",
            "mailed_at",
            "lead_source",
        },
    }

    # AND the others are as they were
    assert reasons(erasing(fake), ADDRESS, NEIGHBOUR, STRANGER) == [
        ReasonCode.ERASED,
        ReasonCode.MANUAL,
        ReasonCode.MANUAL,
    ]


def test_an_erased_address_comes_before_everything(fake: FakeDynamoDB) -> None:
    """Also before what was decided about its whole domain."""
    own = erasing(fake)
    own.apply_changes([changed(Action.ALLOW, "example.test"), changed(Action.ADD, "example.test")])
    erase(fake, ADDRESS)
    [result] = own.check([ADDRESS])
    codes = [reason.code for reason in result.decision.reasons]
    assert codes == [ReasonCode.ERASED, ReasonCode.MANUAL]


def test_an_address_of_which_nothing_is_known_can_be_erased() -> None:
    """Who asks to be forgotten must not be mailed from the next list either."""
    fake = FakeDynamoDB()
    erase(fake, ADDRESS)
    assert reasons(erasing(fake), ADDRESS) == [ReasonCode.ERASED]


def test_entries_under_more_sources_than_facts_remember_are_found() -> None:
    # GIVEN an address with entries under 450 lead sources
    fake = FakeDynamoDB()
    events = [
        observe(f"{n}", Category.MAILBOX_UNKNOWN, source=f"s{n:03}", ago=n / 1440)
        for n in range(450)
    ]
    erasing(fake).record(events)

    # WHEN it is erased
    erase(fake, ADDRESS)

    # THEN none is left
    assert [pk for pk, _ in fake.table if pk.startswith("SOURCE#")] == []
    assert erasing(fake).suppressions(Sought(), limit=10, source="s007").listed == []


def test_an_erasure_that_runs_out_of_time_goes_on_when_it_is_repeated() -> None:
    # GIVEN a person with many events, and entries under many sources
    fake = FakeDynamoDB()
    events = [
        observe(f"{n}", Category.MAILBOX_UNKNOWN, source=f"s{n:03}", ago=n / 1440)
        for n in range(250)
    ]
    erasing(fake).record(events)

    # AND a clock on which an erasure has time for one step only
    now = [NOW]

    def clock() -> datetime:
        now[0] += ERASING_TIME
        return now[0]

    own = Ledger(as_client(fake), SETTINGS, clock=clock, sleep=lambda _: None, erasure=keyring())

    # WHEN it is repeated until it is finished
    tries = 0
    finished = False
    while not finished and tries < 30:
        tries += 1
        [result] = own.apply_changes([erasure(ADDRESS)])
        assert result.decision
        assert result.decision.reason_code is ReasonCode.ERASED  # from the first answer on
        assert reasons(erasing(fake), ADDRESS) == [ReasonCode.ERASED]
        finished = result.finished

    # THEN each goes on from where the last one ended: 25 items, then the entries of 99 sources
    assert finished
    assert tries == 13
    assert naming(ADDRESS, fake.scan()["Items"], NOW) == []


def test_erasing_again_does_no_harm(fake: FakeDynamoDB) -> None:
    erase(fake, ADDRESS)
    [before] = tombstones(fake)
    erase(fake, ADDRESS)
    [after] = tombstones(fake)
    assert after | {"version": 0} == before | {"version": 0}


@pytest.mark.parametrize("action", [Action.ADD, Action.REMOVE, Action.ALLOW, Action.DISALLOW])
def test_other_changes_are_refused(fake: FakeDynamoDB, action: Action) -> None:
    # GIVEN an erased person
    erase(fake, ADDRESS)
    before = json.dumps(fake.scan(), sort_keys=True, default=repr)

    # WHEN somebody else asks for a change
    changes = [changed(action), changed(action, NEIGHBOUR)]
    refused, done = erasing(fake).apply_changes(changes)

    # THEN it is not made, unlike that of a neighbour
    assert (refused.outcome, done.outcome) == (ChangeOutcome.ERASED, ChangeOutcome.DONE)
    assert refused.decision
    assert refused.decision.reason_code is ReasonCode.ERASED
    assert naming(ADDRESS, fake.scan()["Items"], NOW) == []
    assert json.dumps(fake.scan(), sort_keys=True, default=repr) != before


def test_a_person_who_asks_to_be_mailed_again_is_let_back(fake: FakeDynamoDB) -> None:
    # GIVEN an erased person
    erase(fake, ADDRESS)
    own = erasing(fake)

    # WHEN the erasure is ended
    [result] = own.apply_changes([changed(Action.END_ERASURE)])

    # THEN they may be mailed, which is recorded
    assert result.decision
    assert not result.decision.suppressed
    assert reasons(own, ADDRESS) == [None]
    assert tombstones(fake) == []
    [change] = own.history(ADDRESS, limit=10).entries
    assert isinstance(change, RecordedChange)
    assert change.change == {"action": "end_erasure"}
    assert change.before["reason"] == "erased"

    # AND a later bounce suppresses them again
    own.record([observe("later", Category.MAILBOX_UNKNOWN, ago=-1)])
    assert reasons(own, ADDRESS) == [ReasonCode.HARD_BOUNCE]


def test_an_erasure_and_another_change_at_once_leave_nothing(fake: FakeDynamoDB) -> None:
    """A change that read before the tombstone must not write after it."""

    class Between:
        def __init__(self) -> None:
            self.left = 1

        def __getattr__(self, name: str) -> Any:
            def call(**request: Any) -> Any:
                if name == "transact_write_items" and self.left:
                    self.left = 0
                    erase(fake, ADDRESS)
                return getattr(fake, name)(**request)

            return call

    between: Any = Between()
    [result] = erasing(between).apply_changes([changed(Action.ADD)])
    assert result.outcome is ChangeOutcome.ERASED
    assert naming(ADDRESS, fake.scan()["Items"], NOW) == []


def test_later_events_are_counted_and_nothing_else(fake: FakeDynamoDB) -> None:
    # GIVEN an erased person
    erase(fake, ADDRESS)
    own = erasing(fake)
    before = own.counts("fair", TODAY, TODAY).days[TODAY]
    due = {sk for pk, sk in fake.table if pk == "RECHECK#DUE"}
    claims = {key for key in fake.table if key[0].startswith("CLAIM#")}

    # WHEN a bounce, a complaint, a claim, and a bounce of the delivered message come
    said: dict[str, Any] = {"diagnostic": f"550 no {ADDRESS}"}
    events = [
        observe("gone", Category.MAILBOX_UNKNOWN, **said),
        observe("claim", Category.NO_MAIL_ACCEPTED, **said),
        observe("complaint", kind=Kind.COMPLAINT, **said),
        observe("block", Category.VIRUS, message_id="m", **said),
        delivery("arrived", message_id="n"),
    ]
    results = own.record(events)

    # THEN they are in the counters
    after = own.counts("fair", TODAY, TODAY).days[TODAY]
    more = {name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}}
    assert {name: n for name, n in more.items() if n and not name.startswith("category_")} == {
        "hard": 2,
        "complaint": 1,
        "block": 1,
    }  # one delivery more, and one that bounced less
    assert all(result.ok and not result.suppresses for result in results)

    # AND nothing is kept about the person, nor about the domain
    live = naming(ADDRESS, fake.scan()["Items"], NOW)
    assert live == []
    assert {sk for pk, sk in fake.table if pk == "RECHECK#DUE"} == due
    assert {key for key in fake.table if key[0].startswith("CLAIM#")} == claims

    # AND each counts once
    own.record(events)
    assert own.counts("fair", TODAY, TODAY).days[TODAY] == after


# --------------------------------------------------------------------------------- reads


class Calls:
    """A client that notes the partitions that are read."""

    def __init__(self, fake: FakeDynamoDB) -> None:
        self._fake = fake
        self.count = 0
        self.read: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            self.count += 1
            for asked in request.get("RequestItems", {}).values():
                self.read += [key["pk"]["S"] for key in asked["Keys"]]
            return getattr(self._fake, name)(**request)

        return call


def checked(fake: FakeDynamoDB, *addresses: str) -> Calls:
    calls: Any = Calls(fake)
    erasing(calls).check(addresses)
    found: Calls = calls
    return found


def test_a_check_reads_tombstones_only_where_people_were_erased(fake: FakeDynamoDB) -> None:
    # GIVEN a person who was erased
    erase(fake, ADDRESS)

    # WHEN others are checked, THEN nothing more is read than ever
    elsewhere = checked(fake, STRANGER, "new@another.test")
    assert elsewhere.count == 1
    assert not any(pk.startswith("ERASED#") for pk in elsewhere.read)

    # WHEN somebody at the domain is among them, THEN their tombstone is, under the one key
    there = checked(fake, STRANGER, NEIGHBOUR)
    assert there.count == 2
    assert [pk for pk in there.read if pk.startswith("ERASED#2026#")]
    assert len([pk for pk in there.read if pk.startswith("ERASED#")]) == 1


def test_history_is_empty_even_before_everything_is_deleted(fake: FakeDynamoDB) -> None:
    # GIVEN an erasure that has only begun
    own = erasing(fake)
    own.apply_changes([changed(Action.ALLOW, "example.test")])
    erase(fake, ADDRESS)
    key = items.event_key(ADDRESS, "left")
    fake.put_item(
        TableName="fake",
        Item=fake.table[items.event_key(NEIGHBOUR, "hard 1")] | {"pk": {"S": key.pk}},
    )

    # THEN only what happened to the whole domain is shown
    [entry] = own.history(ADDRESS, limit=10).entries
    assert isinstance(entry, RecordedChange)
    assert len(own.history(NEIGHBOUR, limit=10).entries) == 6


def test_lists_have_no_erased_address(fake: FakeDynamoDB) -> None:
    # GIVEN an erasure that has not come to the entries yet
    erase(fake, ADDRESS)
    entry = fake.table[items.source_key("fair", NEIGHBOUR)]
    fake.put_item(TableName="fake", Item=entry | {"sk": {"S": f"ADDRESS#{ADDRESS}"}})

    # THEN the lists have the neighbour only
    own = erasing(fake)
    for source in ("fair", None):
        page = own.suppressions(Sought(), limit=10, source=source)
        listed = {one.result.address for one in page.listed if isinstance(one, Listed)}
        assert ADDRESS not in listed
        assert NEIGHBOUR in listed
    assert own.suppressions(Sought(reason=ReasonCode.ERASED), limit=10).listed == []


# ---------------------------------------------------------------------------------- keys


def secret(current: str, *ids: str) -> str:
    keys = json.loads(SECRET)["keys"]
    return json.dumps({"current": current, "keys": {key_id: keys[key_id] for key_id in ids}})


def test_without_keys_nobody_is_erased_and_no_erasure_is_ended(fake: FakeDynamoDB) -> None:
    before = dict(fake.table)
    for change in (erasure(ADDRESS), changed(Action.END_ERASURE)):
        with pytest.raises(ErasingDisabledError, match="ErasureKeysSecret"):
            ledger(fake).apply_changes([change])
    assert fake.table == before


def test_where_people_were_erased_nothing_is_answered_without_the_keys(fake: FakeDynamoDB) -> None:
    """An erased person would be mailed."""
    # GIVEN an erasure, and functions that do not have its key
    erase(fake, ADDRESS)
    other = ledger(fake, erasure=keyring(secret("2024", "2024")))
    for own, said in ((ledger(fake), "does not name the secret"), (other, "lacks keys")):
        # THEN what is about the domain is refused
        asked: list[Callable[[Ledger], object]] = [
            lambda own: own.check([STRANGER, NEIGHBOUR]),
            lambda own: own.history(ADDRESS, limit=1),
            lambda own: own.apply_changes([changed(Action.ADD, NEIGHBOUR)]),
            lambda own: own.suppressions(Sought(), limit=10),
        ]
        for ask in asked:
            with pytest.raises(ErasureKeysError, match=said):
                ask(own)

        # AND nothing else is
        assert reasons(own, STRANGER) == [ReasonCode.MANUAL]


def test_what_was_erased_under_an_old_key_stays_erased_under_a_new_one(
    fake: FakeDynamoDB,
) -> None:
    # GIVEN a person erased before there was a new key
    old = ledger(fake, erasure=keyring(secret("2024", "2024")))
    old.apply_changes([erasure(ADDRESS)])

    # WHEN the new key is in use, and another is erased
    erase(fake, NEIGHBOUR)

    # THEN both are erased, and the first one again under the old key
    own = erasing(fake)
    assert reasons(own, ADDRESS, NEIGHBOUR) == [ReasonCode.ERASED] * 2
    erase(fake, ADDRESS)
    assert sorted(left["pk"].split("#")[1] for left in tombstones(fake)) == ["2024", "2026"]
    flags = stored(fake, items.domain_key("example.test"))["erasures"]
    assert flags == {"2024": True, "2026": True}

    # AND events are counted only
    own.record([observe("late", Category.MAILBOX_UNKNOWN)])
    assert naming(ADDRESS, fake.scan()["Items"], NOW) == []


def test_a_function_that_does_not_know_a_new_key_yet_reads_it() -> None:
    # GIVEN a function that read the keys before there was a new one
    fake = FakeDynamoDB()
    value = [secret("2024", "2024")]
    own = ledger(fake, erasure=ErasureKeyring(lambda: value[0]))
    own.check([ADDRESS])
    own.apply_changes([changed(Action.ADD, NEIGHBOUR)])

    # WHEN a person is erased under that
    value[0] = SECRET
    erase(fake, ADDRESS)

    # THEN the function finds it
    assert reasons(own, ADDRESS) == [ReasonCode.ERASED]
    [refused] = own.apply_changes([changed(Action.ADD)])
    assert refused.outcome is ChangeOutcome.ERASED


def test_without_its_keys_ingest_records_nothing() -> None:
    """It could not tell whose events are only to be counted."""
    fake = FakeDynamoDB()
    events = [delivery("d"), observe("h", Category.VIRUS)]
    results = ledger(fake, erasure=keyring("{}")).record(events)
    assert all(result.retry_helps and "ErasureKeysSecret" in result.reason for result in results)
    assert not fake.table


# ------------------------------------------------------------------------ facts of domains

FLAGGED = DomainFacts(domain="example.test", erasures=frozenset({"2026"}))


def test_facts_of_a_domain_keep_that_people_were_erased(fake: FakeDynamoDB) -> None:
    # GIVEN a domain with an erasure
    erase(fake, ADDRESS)
    own = erasing(fake)

    # WHEN it is probed, changed, and flagged again
    facts = own.domain_facts(["example.test"])["example.test"]
    probe = Probe(verdict=DomainVerdict.NULL_MX, probed_at=NOW)
    own.record_probe(DomainFacts(domain="example.test"), probe)
    own.apply_changes([changed(Action.REMOVE, "example.test")])

    # THEN it keeps that
    assert facts.erasures == {"2026"}
    assert own.domain_facts(["example.test"])["example.test"].erasures == {"2026"}
    assert reasons(own, ADDRESS) == [ReasonCode.ERASED]


@pytest.mark.parametrize("others", [(), ("2024",), ("2024", "2026")])
def test_ids_of_keys_are_united(others: Sequence[str]) -> None:
    other = replace(FLAGGED, erasures=frozenset(others))
    united = frozenset({"2026", *others})
    assert join_domain(FLAGGED, other).erasures == united
    assert join_domain(other, FLAGGED).erasures == united
    item = items.domain_item(replace(other, version=1)) | {"version": 1}
    assert items.domain_of_item(item).erasures == frozenset(others)
