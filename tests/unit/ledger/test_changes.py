"""A person's changes in the table: one transaction each, with a record of it."""

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bounceledger.events import Kind, ProviderReason
from bounceledger.ledger import ChangeOutcome, items
from bounceledger.ledger.attributes import from_attributes, to_attributes
from bounceledger.policy import Policy
from bounceledger.state import (
    Action,
    AddressFacts,
    AllowlistEntry,
    Change,
    DomainFacts,
    ManualEntry,
    ReasonCode,
)
from bounceledger.verdict import Category
from tests.faults.fake import FakeDynamoDB, Faults
from tests.unit.ledger.recording import NOW, SETTINGS, ledger, observe, removal, stored

ADDRESS = "a@example.test"


def records(fake: FakeDynamoDB) -> list[dict[str, Any]]:
    return [from_attributes(fake.table[k]) for k in sorted(fake.table) if "CHANGE#" in k[1]]


def test_a_change_is_recorded_with_who_why_and_what_it_did() -> None:
    # GIVEN a dead address
    fake = FakeDynamoDB()
    table = ledger(fake)
    table.record([observe("e", Category.MAILBOX_UNKNOWN)])

    # WHEN a person removes the suppression
    [result] = table.apply_changes([removal(ADDRESS, by="arn:aws:iam::1:user/ada", note="typo")])

    # THEN the result is the decision as it is now
    assert result.outcome is ChangeOutcome.DONE
    assert result.decision == table.check([ADDRESS])[0].decision
    assert not result.decision.suppressed

    # AND the record of the change says who did it, why, and what it did
    [record] = records(fake)
    assert (record["action"], record["by"]) == ("remove", "arn:aws:iam::1:user/ada")
    assert record["note"] == "typo"
    assert record["before"] == {
        "suppressed": True, "allowed": False, "reason": "hard_bounce", "scope": "address",
    }  # fmt: skip
    assert record["after"] == {"suppressed": False, "allowed": False}
    assert "ttl" not in record


def test_changes_to_a_domain_are_beside_its_facts() -> None:
    fake = FakeDynamoDB()
    until = NOW.replace(year=2027)

    [result] = ledger(fake).apply_changes(
        [Change(action=Action.ADD, subject="example.test", by="ada", note="spam trap", until=until)]
    )

    assert result.decision is not None
    assert result.decision.reason_code is ReasonCode.MANUAL
    [record] = records(fake)
    assert record["pk"] == items.domain_key("example.test").pk
    assert record["until"] == items.to_text(until)
    [answer] = ledger(fake).check([ADDRESS])
    assert answer.decision.until == until
    assert answer.domain is not None
    assert answer.domain.manual == ManualEntry(at=NOW, until=until, by="ada", note="spam trap")


@pytest.mark.parametrize("subject", [ADDRESS, "example.test"])
def test_what_a_person_added_has_an_entry_that_lists_find(subject: str) -> None:
    """Lists go through entries, so what has none is on no list."""
    # GIVEN changes that suppress nothing
    fake = FakeDynamoDB()
    table = ledger(fake)
    key = items.manual_key(subject)
    for action in Action.REMOVE, Action.ALLOW, Action.DISALLOW:
        table.apply_changes([Change(action=action, subject=subject, by="ada", note="n")])
        assert key not in fake.table

    # WHEN it is added
    added = Change(action=Action.ADD, subject=subject, by="ada", note="n")
    [result] = table.apply_changes([added])

    # THEN it has an entry among those that people made, and keeps it
    assert result.outcome is ChangeOutcome.DONE
    prefix = "ADDRESS" if subject == ADDRESS else "DOMAIN"
    assert key == ("SOURCE##MANUAL", f"{prefix}#{subject}")
    table.apply_changes([removal(subject)])
    assert stored(fake, key).keys() == {"pk", "sk", "schema"}


def test_a_decision_about_a_domain_speaks_of_the_domain() -> None:
    # GIVEN a domain on the allow-list
    table = ledger(FakeDynamoDB())
    allow = Change(action=Action.ALLOW, subject="example.test", by="ada", note="n")
    [allowed] = table.apply_changes([allow])

    # WHEN it is taken off, or its suppression is removed
    [ended, removed] = [
        table.apply_changes([change])[0]
        for change in (replace(allow, action=Action.DISALLOW), removal("example.test"))
    ]

    # THEN no answer is about "this address"
    assert allowed.decision is not None
    assert allowed.decision.explanation.startswith("The domain is on the allow-list since ")
    for result in (ended, removed):
        assert result.decision is not None
        assert result.decision.explanation == (
            "Nothing is recorded that suppresses the whole domain."
        )

    # AND one about an address there is
    [checked] = table.check([ADDRESS])
    assert checked.decision.explanation.endswith("could suppress this address.")


def test_a_removal_that_was_not_told_to_end_a_complaint_writes_nothing() -> None:
    # GIVEN an address whose owner complained
    fake = FakeDynamoDB()
    table = ledger(fake)
    complaint = observe("c", kind=Kind.COMPLAINT, provider_reason=ProviderReason.ABUSE)
    table.record([complaint])
    before = dict(fake.table)

    # WHEN the suppression is removed without a word about complaints
    [result] = table.apply_changes([removal(ADDRESS)])

    # THEN nothing changes
    assert result.outcome is ChangeOutcome.KEPT_COMPLAINT
    assert fake.table == before

    # AND with it, the address may be mailed
    [result] = table.apply_changes([replace(removal(ADDRESS), complaint=True)])
    assert result.outcome is ChangeOutcome.DONE
    assert not table.check([ADDRESS])[0].decision.suppressed


def test_a_removal_that_was_not_told_to_end_an_unsubscribe_writes_nothing() -> None:
    """Where it suppresses; where it does not, it is in no removal's way."""
    # GIVEN an address whose owner unsubscribed, in a deployment where that suppresses
    fake = FakeDynamoDB()
    policy = Policy(suppress_unsubscribes=True)
    table = ledger(fake, replace(SETTINGS, policy=policy))
    table.record([observe("u", kind=Kind.UNSUBSCRIBE)])
    before = dict(fake.table)

    # WHEN the suppression is removed without a word about that
    [result] = table.apply_changes([removal(ADDRESS)])

    # THEN nothing changes
    assert result.outcome is ChangeOutcome.KEPT_UNSUBSCRIBE
    assert fake.table == before

    # AND elsewhere the same removal is done, and leaves the unsubscribe
    [result] = ledger(fake).apply_changes([removal(ADDRESS)])
    assert result.outcome is ChangeOutcome.DONE
    assert table.check([ADDRESS])[0].decision.reason_code is ReasonCode.UNSUBSCRIBE

    # AND with a word about it, the address may be mailed
    [result] = table.apply_changes([replace(removal(ADDRESS), unsubscribe=True)])
    assert result.outcome is ChangeOutcome.DONE
    assert not table.check([ADDRESS])[0].decision.suppressed


def test_changes_meet_events_and_each_other_without_loss() -> None:
    """All of them write the same facts; who comes second reads again."""
    # GIVEN a table that throttles, loses answers and keeps transactions in flight
    for seed in range(5):
        faults = Faults(throttled=0.1, answer_lost=0.1, unprocessed=0.1)
        fake = FakeDynamoDB(seed=seed, faults=faults)
        table = ledger(fake, replace(SETTINGS, writers=4))

        # WHEN addresses bounce, and their suppressions are removed and added to
        addresses = [f"a{n}@example.test" for n in range(20)]
        table.record([observe(f"e {a}", Category.MAILBOX_UNKNOWN, address=a) for a in addresses])
        removed = table.apply_changes([removal(address) for address in addresses])
        added = table.apply_changes(
            [
                Change(action=Action.ADD, subject=subject, by="ada", note="asked")
                for subject in (*addresses[:5], "example.test")
            ]
        )

        # THEN each was done once, in order
        assert {result.outcome for result in (*removed, *added)} == {ChangeOutcome.DONE}
        assert [result.change.subject for result in removed] == addresses
        assert len(records(fake)) == len(removed) + len(added)
        facts = [answer.facts for answer in table.check(addresses)]
        assert all(known and known.removed_at and known.evidence for known in facts)
        assert sum(known is not None and known.manual is not None for known in facts) == 5


def test_a_change_that_fails_does_not_stop_the_others() -> None:
    # GIVEN a table in which one address always meets another transaction
    class Contended(FakeDynamoDB):
        def transact_write_items(self, **request: Any) -> Any:
            if "busy@example.test" not in str(request):
                return super().transact_write_items(**request)
            conflict: Any = {"Code": "TransactionConflict"}
            raise ClientError(
                {
                    "Error": {"Code": "TransactionCanceledException"},
                    "CancellationReasons": [conflict, {"Code": "None"}],
                },
                "TransactWriteItems",
            )

    # WHEN it is changed together with another
    failed, done = ledger(Contended()).apply_changes(
        [removal("busy@example.test"), removal(ADDRESS)]
    )

    # THEN the other is done, and the failure says that the table was at fault
    assert (failed.outcome, failed.decision) == (ChangeOutcome.FAILED, None)
    assert "did not answer" in failed.reason
    assert done.outcome is ChangeOutcome.DONE


def test_entries_on_the_allow_list_and_their_ends_are_read_as_written() -> None:
    """An end is the absence of a field in the item."""
    for listed in (True, False):
        entry = AllowlistEntry(at=NOW, listed=listed, by="ada", note="asked")
        facts = AddressFacts(address=ADDRESS, allowed=entry, version=1)
        item = items.facts_item(facts, Policy())
        assert items.facts_of_item(from_attributes(to_attributes(item))) == facts
        assert "ttl" not in item

        domain = DomainFacts(
            domain="example.test",
            allowed=entry,
            manual=ManualEntry(at=NOW),
            removed_at=NOW,
            version=1,
        )
        read = items.domain_of_item(from_attributes(to_attributes(items.domain_item(domain))))
        assert read == domain
