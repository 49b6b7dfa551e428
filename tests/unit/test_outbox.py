"""Which changes of the table ask for a probe, and what becomes of those that cannot be read."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bounceledger import state
from bounceledger.domains.claims import new_claims, request_probes
from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.errors import InputError, QueueError
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger.attributes import to_attributes
from bounceledger.ledger.items import facts_item
from bounceledger.ledger.stream import claims_change
from bounceledger.policy import Policy
from bounceledger.state import AddressFacts, merge
from bounceledger.verdict import Category, Cause, Scope, Verdict
from tests.fakes import FakeContext, FakeDeadLetters
from tests.functions import load, logged

ROOT = Path(__file__).parents[2]
outbox = load("outbox")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class FakeProbes:
    """A probe queue in memory, which can be made to refuse."""

    def __init__(self, *, down: bool = False) -> None:
        self.requests: list[ProbeRequest] = []
        self._down = down

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        for request in requests:
            if self._down:
                raise QueueError("the probe queue took no message")
            self.requests.append(request)


def bounced(
    category: Category, *, at: datetime = NOW, address: str = "ann@a.test", facts=None
) -> AddressFacts:
    event = MailEvent(
        event_id=f"{category}{at}",
        provider="ses",
        kind=Kind.BOUNCE,
        provider_kind="Bounce",
        address=address,
        lead_source="webinar",
        occurred_at=at,
    )
    verdict = Verdict(category=category, scope=Scope.NONE, rule="rule")
    observation = state.observe(event, policy=Policy(), verdict=verdict)
    return merge(facts or AddressFacts(address=address), observation, Policy())


def record(
    new: AddressFacts | None, old: AddressFacts | None = None, *, number: str = "1", **extra: Any
) -> dict[str, Any]:
    facts = new or old
    assert facts is not None
    change: dict[str, Any] = {
        "Keys": to_attributes({"pk": f"ADDRESS#{facts.address}", "sk": "FACTS"}),
        "SequenceNumber": number,
    }
    if new:
        change["NewImage"] = to_attributes(facts_item(new, Policy()))
    if old:
        change["OldImage"] = to_attributes(facts_item(old, Policy()))
    name = "REMOVE" if new is None else "MODIFY" if old else "INSERT"
    return {"eventName": name, "dynamodb": change, **extra}


def claims_in(change: dict[str, Any]) -> dict[Cause, datetime]:
    """The new claims of a stream record."""
    found = claims_change(change)
    return new_claims(found) if found else {}


# ------------------------------------------------------------------------ new claims


@pytest.mark.parametrize("category", Category)
def test_only_two_categories_claim_something_of_the_domain(category) -> None:
    # GIVEN an address whose first event is of that category
    # WHEN its facts are written
    claims = claims_in(record(bounced(category)))

    # THEN the domain is to be probed for the two that say something of it
    speaks_of_domain = category in {Category.NO_MAIL_ACCEPTED, Category.DOMAIN_UNKNOWN}
    assert claims == ({Cause(category): NOW} if speaks_of_domain else {})


def test_a_claim_that_was_known_is_not_new() -> None:
    # GIVEN an address that is known to be refused, and a later soft bounce
    old = bounced(Category.NO_MAIL_ACCEPTED)
    new = bounced(Category.MAILBOX_FULL, at=NOW + timedelta(days=1), facts=old)

    # THEN nothing new was said of the domain
    assert claims_in(record(new, old)) == {}


def test_the_same_claim_said_later_is_new_and_said_earlier_is_not() -> None:
    # GIVEN an address that was refused before
    old = bounced(Category.DOMAIN_UNKNOWN)
    for hours, claims in ((1, {Cause.DOMAIN_UNKNOWN: NOW + timedelta(hours=1)}), (-1, {})):
        # WHEN another event arrives, in order or late
        new = bounced(Category.DOMAIN_UNKNOWN, at=NOW + timedelta(hours=hours), facts=old)

        # THEN only the later one asks for a probe
        assert claims_in(record(new, old)) == claims


def test_removals_say_nothing() -> None:
    # GIVEN facts that a person or the table's clean-up removed
    old = bounced(Category.NO_MAIL_ACCEPTED)
    ttl = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}

    # THEN there is no claim
    assert claims_in(record(None, old)) == {}
    assert claims_in(record(None, old, userIdentity=ttl)) == {}
    assert claims_in(record(old, userIdentity=ttl)) == {}


@pytest.mark.parametrize("key", [("DOMAIN#a.test", "FACTS"), ("ADDRESS#a@a.test", "EVENT#1")])
def test_other_items_say_nothing(key) -> None:
    # GIVEN a change of another kind of item
    change = record(bounced(Category.NO_MAIL_ACCEPTED))
    change["dynamodb"]["Keys"] = to_attributes({"pk": key[0], "sk": key[1]})

    # THEN there is no claim
    assert claims_in(change) == {}


# ---------------------------------------------------------------------------- batches


def test_many_bounces_of_a_domain_make_one_request_with_the_latest_claim_of_each_kind() -> None:
    # GIVEN a hundred addresses of one domain, refused one after the other
    records = [
        record(bounced(Category.NO_MAIL_ACCEPTED, at=NOW + timedelta(n), address=f"{n}@a.test"))
        for n in range(100)
    ]
    records.append(record(bounced(Category.DOMAIN_UNKNOWN, address="x@a.test")))
    records.append(record(bounced(Category.DOMAIN_UNKNOWN, address="x@b.test")))
    probes = FakeProbes()

    # WHEN the batch is processed
    report = request_probes(records, probes, FakeDeadLetters())

    # THEN each domain is asked for once
    assert report.retry_from == ""
    assert probes.requests == [
        ProbeRequest(
            "a.test",
            {Cause.NO_MAIL_ACCEPTED: NOW + timedelta(99), Category.DOMAIN_UNKNOWN: NOW},
        ),
        ProbeRequest("b.test", {Cause.DOMAIN_UNKNOWN: NOW}),
    ]


def test_a_queue_that_is_down_hands_the_whole_batch_back() -> None:
    # GIVEN a queue that takes nothing
    records = [record(bounced(Category.NO_MAIL_ACCEPTED), number=str(n)) for n in (7, 8)]

    # THEN the stream is to begin again with the first record
    report = request_probes(records, FakeProbes(down=True), FakeDeadLetters())
    assert report.retry_from == "7"
    assert isinstance(report.failure, QueueError)


def unreadable(number: str) -> dict[str, Any]:
    bad = record(bounced(Category.NO_MAIL_ACCEPTED, address="x@b.test"), number=number)
    bad["dynamodb"]["NewImage"]["evidence"] = {"M": {"no_mail_accepted": {"S": "?"}}}
    return bad


def test_a_record_that_cannot_be_read_is_set_aside_whole_and_holds_up_nothing() -> None:
    # GIVEN images that are none of ours between two that are
    bad, worse = unreadable("2"), unreadable("3")
    worse["dynamodb"]["NewImage"] = "?"
    records = [
        record(bounced(Category.NO_MAIL_ACCEPTED), number="1"),
        bad,
        worse,
        record(bounced(Category.NO_MAIL_ACCEPTED, address="x@c.test"), number="4"),
    ]
    probes, dead_letters = FakeProbes(), FakeDeadLetters()

    # WHEN the batch is processed
    report = request_probes(records, probes, dead_letters)

    # THEN the others are dealt with
    assert [request.domain for request in probes.requests] == ["a.test", "c.test"]
    assert (report.retry_from, report.unreadable) == ("", ("2", "3"))

    # AND those are kept as they came, with the reason
    assert [json.loads(kept) for kept, _ in dead_letters.messages] == [bad, worse]
    assert all("not a stream record" in error.reason for _, error in dead_letters.messages)


def test_a_record_that_can_be_neither_read_nor_set_aside_ends_the_batch() -> None:
    # GIVEN a record that cannot be read, and a queue that does not take it
    records = [record(bounced(Category.NO_MAIL_ACCEPTED), number="1"), unreadable("2")]
    probes = FakeProbes()

    # WHEN the batch is processed
    report = request_probes(records, probes, FakeDeadLetters(down=True))

    # THEN the first is dealt with, and the stream is to begin again with the second
    assert [request.domain for request in probes.requests] == ["a.test"]
    assert report.retry_from == "2"
    assert isinstance(report.failure, QueueError)


def test_an_empty_batch_is_nothing() -> None:
    assert request_probes([], FakeProbes(), FakeDeadLetters()).requests == ()


# ---------------------------------------------------------------------------- requests


def test_a_request_survives_the_queue() -> None:
    # GIVEN requests with and without claims
    for request in (ProbeRequest("a.test"), ProbeRequest("a.test", {Cause.DOMAIN_UNKNOWN: NOW})):
        # THEN what comes out is what went in
        assert ProbeRequest.from_body(request.to_body()) == request


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body"),
        ("[" * 100_000, "body"),
        ("[]", "body"),
        ("null", "body"),
        ("{}", "domain"),
        ('{"domain": 5}', "domain"),
        ('{"domain": "not a domain"}', "domain"),
        ('{"domain": "[192.0.2.1]"}', "domain"),
        ('{"domain": "a.test", "claims": []}', "claims"),
        ('{"domain": "a.test", "claims": {"mailbox_full": "2026-01-01T00:00:00Z"}}', "claims"),
        ('{"domain": "a.test", "claims": {"domain_unknown": 5}}', "claims.domain_unknown"),
        ('{"domain": "a.test", "claims": {"domain_unknown": "x"}}', "claims.domain_unknown"),
        (
            '{"domain": "a.test", "claims": {"domain_unknown": "2026-01-01T00:00:00"}}',
            "claims.domain_unknown",
        ),
    ],
)
def test_what_is_no_request_names_the_field_to_blame(body, field) -> None:
    with pytest.raises(InputError) as caught:
        ProbeRequest.from_body(body)
    assert caught.value.field == field


# ------------------------------------------------------------------------- the function


def test_the_function_answers_with_the_record_to_begin_again_with() -> None:
    # GIVEN one record
    event = {"Records": [record(bounced(Category.NO_MAIL_ACCEPTED), number="5")]}

    # WHEN the queue takes the request, or does not
    with logged(outbox) as log:
        good, bad = (
            outbox.handler(
                event, FakeContext(), queue=FakeProbes(down=down), dead_letters=FakeDeadLetters()
            )
            for down in (False, True)
        )

    # THEN nothing, or the record, is handed back
    assert good == {"batchItemFailures": []}
    assert bad == {"batchItemFailures": [{"itemIdentifier": "5"}]}

    # AND the log names domains, but no address
    assert "a.test" in log.getvalue()
    assert "ann" not in log.getvalue()


# ------------------------------------------------------------------- the stream's filter


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's tags as nothing."""


_Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def patterns() -> list[dict[str, Any]]:
    template = yaml.load((ROOT / "template.yaml").read_text(), _Loader)
    mapping = template["Resources"]["OutboxFunction"]["Properties"]["Events"]["Changes"]
    filters = mapping["Properties"]["FilterCriteria"]["Filters"]
    return [json.loads(item["Pattern"]) for item in filters]


def matches(pattern: Any, value: Any) -> bool:
    """As much of Lambda's event filtering as the patterns use."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            matches(part, value.get(name)) for name, part in pattern.items()
        )
    return any(_matches_one(rule, value) for rule in pattern)


def _matches_one(rule: Any, value: Any) -> bool:
    if isinstance(rule, dict) and "prefix" in rule:
        return isinstance(value, str) and value.startswith(rule["prefix"])
    if isinstance(rule, dict):
        return (value is not None) is rule["exists"]
    return bool(rule == value)


def admitted(change: dict[str, Any]) -> bool:
    return any(matches(pattern, change) for pattern in patterns())


def test_the_filter_admits_what_the_outbox_reads_and_little_else() -> None:
    # GIVEN changes of facts
    dead = bounced(Category.NO_MAIL_ACCEPTED)
    gone = bounced(Category.DOMAIN_UNKNOWN)

    # THEN those that hold a claim come through, as new ones and as changes
    assert admitted(record(dead))
    assert admitted(record(gone, dead))

    # AND other facts, other items and removals do not
    assert not admitted(record(bounced(Category.MAILBOX_UNKNOWN)))
    assert not admitted(record(None, dead))
    other = record(dead)
    other["dynamodb"]["Keys"]["sk"] = {"S": "EVENT#1"}
    assert not admitted(other)
