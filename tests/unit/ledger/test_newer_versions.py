"""What a newer version wrote survives this one, which still decides by it: see `keeping`."""

from collections.abc import Mapping
from datetime import timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceledger.api import responses
from bounceledger.events import Kind
from bounceledger.ledger import items
from bounceledger.ledger.attributes import Item, from_attributes, to_attributes
from bounceledger.policy import Policy
from bounceledger.state import (
    AddressFacts,
    DomainFacts,
    DomainVerdict,
    Evidence,
    ManualEntry,
    Observation,
    Probe,
    ReasonCode,
    SourceEntry,
    Span,
    join,
    join_domain,
    merge,
    merge_source,
)
from bounceledger.verdict import Category, Cause, OpenEnum
from tests.faults.fake import FakeDynamoDB
from tests.unit.ledger.newer_version import AT, Newer, written_by_a_newer_version
from tests.unit.ledger.recording import NOW, delivery, ledger, observe, removal, stored
from tests.unit.state.strategies import changes, merged, probes, streams, unhurried

POLICY = Policy()
DOMAIN = "example.test"
ADDRESS = "a@example.test"


def through_the_table(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as it is written and read."""
    return dict(from_attributes(to_attributes(item)))


def is_replaced(path: tuple[str, ...]) -> bool:
    """Whether a path is in a record that another one may take the place of."""
    return path[0] in ("manual", "allowed", "probe")


# ---------------------------------------------------------------- nothing of it is lost


@given(st.data(), streams, streams, st.lists(changes(), max_size=2))
@unhurried
def test_facts_keep_what_only_a_newer_version_knows(
    data: st.DataObject,
    before: list[Observation],
    since: list[Observation],
    changed: list[AddressFacts],
) -> None:
    # GIVEN facts to which a newer version has added anything anywhere
    plain = items.facts_item(merged(before, POLICY), POLICY) | {"version": 3}
    newer: Newer = data.draw(written_by_a_newer_version(plain))

    # WHEN this version reads them, merges events and changes by people, and writes them
    found = items.facts_of_item(through_the_table(newer.item))
    facts = reduce(lambda a, b: merge(a, b, POLICY), since, found)
    facts = reduce(lambda a, b: join(a, b, POLICY), changed, facts)
    written = through_the_table(items.facts_item(facts, POLICY, over=found))

    # THEN all of it is still there
    missing = newer.missing_from(written)
    assert {path for path in missing if not (changed and is_replaced(path))} == set()

    # AND this version's own part is as it would be without it
    own = reduce(lambda a, b: merge(a, b, POLICY), since, items.facts_of_item(plain))
    own = reduce(lambda a, b: join(a, b, POLICY), changed, own)
    read = items.facts_of_item(written)
    assert known(read.evidence) == own.evidence
    assert {day: at for day, at in read.soft_days.items() if day[1].is_known} == own.soft_days
    assert own.attributions.items() <= read.attributions.items()
    assert own.messages.items() <= read.messages.items()
    assert read.removed_at == own.removed_at

    # AND the item expires no earlier, and says who wrote it last
    if "ttl" in written:
        assert written["ttl"] >= items.facts_item(own, POLICY)["ttl"]
    assert written["schema"] == items.SCHEMA


def known(evidence: Mapping[Cause, Evidence]) -> dict[Cause, Evidence]:
    return {cause: said for cause, said in evidence.items() if cause.is_known}


@given(st.data(), streams.filter(bool), streams)
@unhurried
def test_entries_of_lead_sources_keep_it(
    data: st.DataObject, before: list[Observation], since: list[Observation]
) -> None:
    # GIVEN an entry to which a newer version has added anything anywhere
    empty = SourceEntry(lead_source="x", address=ADDRESS)
    entry = reduce(merge_source, before, empty)
    if not entry.evidence:
        return
    plain = items.source_item(entry, POLICY) | {"version": 3}
    newer: Newer = data.draw(written_by_a_newer_version(plain))

    # WHEN this version reads it, merges events and writes it
    found = items.source_of_item(through_the_table(newer.item))
    entry = reduce(merge_source, since, found)
    written = through_the_table(items.source_item(entry, POLICY, over=found))

    # THEN all of it is still there, and the rest is as it would be without it
    assert newer.missing_from(written) == {}
    own = reduce(merge_source, since, items.source_of_item(plain))
    assert known(items.source_of_item(written).evidence) == own.evidence


@given(st.data(), st.lists(probes, max_size=5), st.lists(probes, max_size=3))
@unhurried
def test_facts_of_domains_keep_it(
    data: st.DataObject, before: list[Probe | None], since: list[Probe | None]
) -> None:
    # GIVEN facts of a domain to which a newer version has added anything anywhere
    def looked(facts: DomainFacts, probe: Probe | None) -> DomainFacts:
        return join_domain(facts, DomainFacts(domain=DOMAIN, probe=probe))

    first = DomainFacts(domain=DOMAIN, claims={Cause.NO_MAIL_ACCEPTED: Span.at(NOW)})
    plain = items.domain_item(reduce(looked, before, first)) | {"version": 3}
    newer: Newer = data.draw(written_by_a_newer_version(plain))

    # WHEN this version reads them, merges findings and writes them
    found = items.domain_of_item(through_the_table(newer.item))
    facts = reduce(looked, since, found)
    written = through_the_table(items.domain_item(facts, over=found))

    # THEN all of it is still there
    missing = newer.missing_from(written)
    assert {path for path in missing if not is_replaced(path)} == set()
    if not any(since):
        assert missing == {}


def test_a_record_that_is_replaced_takes_its_fields_along() -> None:
    """What a newer version said about one manual entry is not about the next."""
    # GIVEN a manual entry with a field of a newer version
    facts = AddressFacts(address=ADDRESS, manual=ManualEntry(at=NOW, by="ada"), version=1)
    item = items.facts_item(facts, POLICY)
    item["manual"] = {"at": items.to_text(NOW), "by": "ada", "ticket": "7"}
    facts = items.facts_of_item(item)

    # WHEN it stays THEN the field does
    stays = join(facts, AddressFacts(address=ADDRESS, removed_at=NOW), POLICY)
    assert items.facts_item(stays, POLICY, over=facts)["manual"] == item["manual"]

    # WHEN a later one replaces it THEN the field goes with it
    later = ManualEntry(at=NOW + timedelta(days=1), by="bob")
    replaced = join(facts, AddressFacts(address=ADDRESS, manual=later), POLICY)
    assert "ticket" not in str(items.facts_item(replaced, POLICY, over=facts))


@given(st.data(), streams)
@unhurried
def test_an_erasure_leaves_nothing_of_it(data: st.DataObject, before: list[Observation]) -> None:
    """Whatever a newer version knows of a person is of that person."""
    plain = items.facts_item(merged(before, POLICY), POLICY) | {"version": 3}
    newer: Newer = data.draw(written_by_a_newer_version(plain))
    facts = items.facts_of_item(newer.item)

    erased = join(facts, AddressFacts(address=ADDRESS, erased=True), POLICY)

    own = {"pk", "sk", "schema", "erased", "version"}
    assert items.facts_item(erased, POLICY, over=facts).keys() == own


@pytest.mark.parametrize(
    "attribute",
    [
        {"SS": ["a", "b"]},
        {"NS": ["1", "2.5"]},
        {"BS": [b"\x00", b"\xff"]},
        {"B": b"\x00\xff"},
        {"N": "1.2345678901234567890123456789012345678"},
        {"N": "12345678901234567890123456789012345678"},
        {"N": "1E+120"},
        {"N": "0.1"},
        {"NULL": True},
        {"L": [{"M": {"x": {"SS": ["a"]}}}]},
    ],
)
def test_every_type_of_dynamodb_is_written_as_it_was_read(attribute: dict[str, Any]) -> None:
    """A newer version may use types that this one does not."""
    [(kind, value)] = to_attributes(from_attributes({"x": attribute}))["x"].items()
    assert kind == next(iter(attribute))
    assert value == attribute[kind] or (kind == "N" and float(value) == float(attribute["N"]))


# ------------------------------------------------------------- it decides all the same


def with_evidence(cause: str, said: Mapping[str, Any]) -> FakeDynamoDB:
    """A table in which a newer version recorded something about `ADDRESS`."""
    pk, sk = items.facts_key(ADDRESS)
    item: Item = {"pk": pk, "sk": sk, "schema": 2, "version": 1, "evidence": {cause: dict(said)}}
    fake = FakeDynamoDB()
    fake.table[pk, sk] = to_attributes(item)
    return fake


SAID = {"first": AT, "last": AT, "count": 2, "event_id": "e", "lead_source": "fair"}


@pytest.mark.parametrize(
    ("disposition", "code"),
    [
        ("hard", ReasonCode.HARD_BOUNCE),
        ("complaint", ReasonCode.COMPLAINT),
        ("fatal", ReasonCode.HARD_BOUNCE),  # a word that this version does not know either
        (None, ReasonCode.HARD_BOUNCE),
    ],
)
@pytest.mark.parametrize("said", [SAID, {"since": 2026}], ids=["known form", "form of its own"])
def test_a_rolled_back_version_mails_nobody_whom_the_newer_suppressed(
    said: dict[str, Any], disposition: str | None, code: ReasonCode
) -> None:
    # GIVEN evidence of a cause that only a newer version knows
    said = said | ({"disposition": disposition} if disposition else {})
    fake = with_evidence("mailbox_quarantined", said)

    # WHEN this version is asked, before and after it recorded a delivery and a soft bounce
    table = ledger(fake)
    answers = [table.check([ADDRESS])[0]]
    table.record([delivery("d", address=ADDRESS), observe("s", Category.MAILBOX_FULL)])
    answers += table.check([ADDRESS])

    # THEN the address is suppressed, permanently and for that cause
    for answer in answers:
        assert answer.decision.reason_code is code
        assert answer.decision.until is None
        body = responses.suppression(answer)
        assert (body["suppressed"], body["category"]) == (True, "mailbox_quarantined")

    # AND the table has the evidence as it was
    facts = stored(fake, items.facts_key(ADDRESS))
    assert facts["evidence"]["mailbox_quarantined"] == said
    assert "mailbox_full" in facts["evidence"]
    assert "ttl" not in facts


def test_a_person_can_remove_what_only_a_newer_version_knows() -> None:
    fake = with_evidence("mailbox_quarantined", SAID | {"disposition": "hard"})
    table = ledger(fake)

    table.apply_changes([removal(ADDRESS)])

    assert not table.check([ADDRESS])[0].decision.suppressed


def test_an_echo_of_a_newer_version_ends_as_echoes_do() -> None:
    last = items.to_text(NOW - timedelta(days=1))
    fake = with_evidence("second_list", SAID | {"last": last, "disposition": "echo"})

    decision = ledger(fake).check([ADDRESS])[0].decision

    assert decision.reason_code is ReasonCode.PROVIDER_LIST
    assert decision.until == NOW + timedelta(days=POLICY.echo_term - 1)


@pytest.mark.parametrize("disposition", ["soft", "block", "none"])
def test_what_suppressed_nobody_suppresses_nobody(disposition: str) -> None:
    fake = with_evidence("greyer", SAID | {"disposition": disposition})

    assert not ledger(fake).check([ADDRESS])[0].decision.suppressed


def test_soft_bounces_of_a_newer_version_add_up_with_others() -> None:
    # GIVEN two days of a cause that only a newer version knows
    days = [NOW - timedelta(days=n) for n in (2, 1)]
    fake = with_evidence("greyer", SAID | {"last": items.to_text(days[1]), "disposition": "soft"})
    facts = stored(fake, items.facts_key(ADDRESS))
    facts["soft_days"] = {f"{at.date()} greyer": items.to_text(at) for at in days}
    fake.table[items.facts_key(ADDRESS)] = to_attributes(facts)
    table = ledger(fake)

    # WHEN a third day has a soft bounce that this version knows
    assert not table.check([ADDRESS])[0].decision.suppressed
    table.record([observe("s", Category.MAILBOX_FULL, ago=0.1)])

    # THEN they add up, and a later delivery resets all three
    assert table.check([ADDRESS])[0].decision.reason_code is ReasonCode.SOFT_BOUNCES
    table.record([delivery("d", ago=0)])
    assert not table.check([ADDRESS])[0].decision.suppressed


@pytest.mark.parametrize("dead", [True, False])
def test_a_domain_with_a_verdict_of_a_newer_version_is_as_dead_as_that_says(*, dead: bool) -> None:
    # GIVEN a domain of which only a newer version knows what DNS showed
    pk, sk = items.domain_key(DOMAIN)
    probe: Item = {"verdict": "parked", "probed_at": AT, "details": {"ns": ["park.example"]}}
    item: Item = {"pk": pk, "sk": sk, "schema": 2, "version": 1, "probe": probe}
    item |= {"findings": {"2026-03-04 parked": {"first": AT, "last": AT}}}
    fake = FakeDynamoDB()
    fake.table[pk, sk] = to_attributes(item | ({"dead": True} if dead else {}))
    table = ledger(fake)

    # WHEN this version is asked about somebody who was never mailed there
    [answer] = table.check(["new@example.test"])

    # THEN it says so, and what it shows of the domain is the newer version's word
    assert answer.decision.suppressed is dead
    assert responses.suppression(answer)["domain"]["verdict"] == "parked"

    # AND a look without a reliable answer changes neither
    facts = table.domain_facts([DOMAIN])[DOMAIN]
    table.record_probe(facts, Probe(verdict=DomainVerdict.UNKNOWN, probed_at=NOW))
    assert table.check(["new@example.test"])[0].decision.suppressed is dead

    # AND one that shows a working domain ends it
    facts = table.domain_facts([DOMAIN])[DOMAIN]
    table.record_probe(facts, Probe(verdict=DomainVerdict.ACCEPTS_MAIL, probed_at=NOW))
    assert not table.check(["new@example.test"])[0].decision.suppressed
    assert stored(fake, items.domain_key(DOMAIN))["findings"].keys() >= {"2026-03-04 parked"}


def test_a_dead_domain_says_so_for_versions_that_do_not_know_its_verdict() -> None:
    dead = DomainFacts(domain=DOMAIN, probe=Probe(verdict=DomainVerdict.NULL_MX, probed_at=NOW))
    alive = DomainFacts(
        domain=DOMAIN, probe=Probe(verdict=DomainVerdict.ACCEPTS_MAIL, probed_at=NOW)
    )
    assert items.domain_item(dead)["dead"] is True
    assert "dead" not in items.domain_item(alive)


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.category])
def test_evidence_says_what_it_means_for_versions_that_do_not_know_its_cause(cause: Cause) -> None:
    assert cause.category is not None
    fake = FakeDynamoDB()

    ledger(fake).record([observe("e", cause.category)])

    [said] = stored(fake, items.facts_key(ADDRESS))["evidence"].values()
    assert said["disposition"] == cause.disposition


def test_an_unsubscribe_says_that_it_suppresses_nobody_for_versions_that_do_not_know_it() -> None:
    # GIVEN a version of before, which finds a word that it does not know
    fake = FakeDynamoDB()
    ledger(fake).record([observe("u", kind=Kind.UNSUBSCRIBE)])
    facts = stored(fake, items.facts_key(ADDRESS))
    [said] = facts["evidence"].values()
    table = ledger(with_evidence("word_of_a_newer_version", said))

    # THEN it suppresses nobody, neither before nor after it wrote the facts itself
    assert said["disposition"] == "none"
    assert not table.check([ADDRESS])[0].decision.suppressed
    table.record([observe("s", Category.MAILBOX_FULL)])
    assert not table.check([ADDRESS])[0].decision.suppressed


# ------------------------------------------------------------------ through the ledger


def test_a_batch_leaves_what_a_newer_version_wrote_in_every_item() -> None:
    """Facts, entry and message are written by one event, a removal by a person."""
    # GIVEN a delivery and a bounce of another message, as a newer version has them
    fake = FakeDynamoDB()
    table = ledger(fake)
    table.record(
        [
            delivery("d", message_id="m", mailed_at=NOW),
            observe("h", Category.MAILBOX_UNKNOWN, message_id="other", mailed_at=NOW),
        ]
    )
    for key, attributes in list(fake.table.items()):
        if not items.is_counter(items.Key(*key)):
            fake.table[key] = attributes | {"newer": {"SS": ["kept"]}, "schema": {"N": "2"}}
    before = dict(fake.table)

    # WHEN the message bounces as well, and a person removes the suppression
    table.record([observe("s", Category.MAILBOX_FULL, message_id="m", mailed_at=NOW)])
    table.apply_changes([removal(ADDRESS)])

    # THEN items were written, and none lost it
    assert any(fake.table[key] != item for key, item in before.items())
    for key, item in before.items():
        assert fake.table[key].get("newer") == item.get("newer")

    # AND the bounce took the delivery back, as it does
    day = NOW.date()
    assert "delivered" not in table.counts("fair", day, day).days[day]


def test_a_claim_that_only_a_newer_version_knows_is_counted() -> None:
    fake = FakeDynamoDB()
    pk, _ = items.claim_key("fair", NOW, NOW, DOMAIN, Cause.NO_MAIL_ACCEPTED)
    sk = f"{NOW.date()}#{items.to_text(NOW)}#{DOMAIN}#domain_parked"
    fake.table[pk, sk] = to_attributes({"pk": pk, "sk": sk, "events": 2})
    fake._partitions.setdefault(pk, set()).add(sk)

    found = ledger(fake).counts("fair", NOW.date(), NOW.date())

    assert found.days[NOW.date()]["claims_unconfirmed"] == 2


def test_a_word_of_a_newer_version_is_no_member() -> None:
    class Colour(OpenEnum):
        RED = "red"

    newer = Colour("RED")
    assert (newer, newer.is_known, Colour.RED.is_known) == ("RED", False, True)
    assert list(Colour) == [Colour.RED]
    assert {newer: 1} == {"RED": 1}
    with pytest.raises(ValueError, match="7 is not a valid"):
        Colour(7)  # type: ignore[arg-type]  # what an item might hold
