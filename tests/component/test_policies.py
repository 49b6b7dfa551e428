"""The roles' policies, as the emulator's policy evaluator reads them.

The evaluator follows IAM's rules for condition operators: ``ForAllValues`` holds where the
request has no such key.
"""

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest

from bounceledger.audit import AuditThresholds
from bounceledger.auditing import Announcing, run_audit
from bounceledger.ledger import Ledger, Sought
from bounceledger.settings import Settings
from bounceledger.state import Action, Change, DomainFacts, DomainVerdict, PendingProbe, Probe
from bounceledger.verdict import Category
from tests.erasing import erasure, keyring
from tests.fakes import FakeBus, FakeDeadLetters
from tests.faults import stream
from tests.faults.fake import FakeDynamoDB, as_client
from tests.faults.run import small_samples
from tests.rights import ALLOWED, PARTITIONS, rights
from tests.unit.ledger.recording import NOW, TODAY, delivery, observe
from tests.unit.project.cloudformation import RESOURCES
from tools.emulator import leading_keys
from tools.stack import EMULATOR_PYTHON

pytestmark = pytest.mark.skipif(
    not EMULATOR_PYTHON.exists(), reason="no policy evaluator: make tools"
)

TABLE = "SuppressionTable.Arn"
"""What stands for the table's ARN here: the template's name for it."""

EVALUATE = """
import json, sys
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

for request in json.load(sys.stdin):
    context = EvalContext(
        principal_arn="arn:aws:sts::123456789012:assumed-role/role/function",
        principal_type="AssumedRole",
        principal_account="123456789012",
        action=request["action"],
        resource_arn=request["resource"],
        region="eu-west-1",
        service_context={"dynamodb:leadingkeys": request["keys"] or None},
    )
    print(evaluate(context, [parse_policy_document(request["policy"])]).decision)
"""
"""Prints the decision on each request, under the emulator's Python."""


WITH_RIGHTS = [role for role, calls in ALLOWED.items() if calls]


class Request(NamedTuple):
    """A call on items.

    Attributes:
        action: of DynamoDB, as IAM calls it.
        keys: partition keys of the items; none for a request without them.
    """

    action: str
    keys: Sequence[str]


type Policy = Mapping[str, Any]


def policy_of(role: str) -> Policy:
    """A role's policy, with names for ARNs, in a stack with a table of its own."""
    [policy] = RESOURCES[role]["Properties"]["Policies"]
    document: Policy = _with_names(policy["PolicyDocument"])
    return document


def _with_names(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_names(part) for part in value]
    if not isinstance(value, dict):
        return value
    match list(value.items()):
        case [("If", [_, chosen, _])]:
            return _with_names(chosen)
        case [("GetAtt" | "Sub" | "Ref", str(name))]:
            return name
        case parts:
            return {name: _with_names(part) for name, part in parts}


def allowed(policy: Policy, requests: Iterable[Request]) -> list[bool]:
    """Whether a policy allows each request on the table."""
    sent = [
        {
            "policy": policy,
            "action": f"dynamodb:{request.action}",
            "resource": TABLE,
            "keys": list(request.keys),
        }
        for request in requests
    ]
    ran = subprocess.run(
        [EMULATOR_PYTHON, "-c", EVALUATE],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=True,
    )
    decisions = ran.stdout.split()
    assert len(decisions) == len(sent)
    return [decision == "Allow" for decision in decisions]


@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_reaches_its_kinds_of_items_and_no_other(role: str) -> None:
    """Ingest must not write a domain, nor a probe an address."""
    # GIVEN every call on every kind of item
    cases = list(rights(role))

    # WHEN the role's policy is evaluated
    found = allowed(
        policy_of(role), [Request(case.call, [PARTITIONS[case.kind]]) for case in cases]
    )

    # THEN it allows what the function needs, and nothing else
    wrong = [
        case for case, is_allowed in zip(cases, found, strict=True) if is_allowed != case.allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("role", WITH_RIGHTS)
def test_one_foreign_key_among_several_is_enough_to_refuse(role: str) -> None:
    """A batch or a transaction could carry it along."""
    # GIVEN what the role may do, with an item among the others that it may not reach
    cases = [
        Request(case.call, [PARTITIONS[case.kind], PARTITIONS["something else"]])
        for case in rights(role)
        if case.allowed
    ]

    # THEN all of it is refused
    assert not any(allowed(policy_of(role), cases))


@pytest.mark.parametrize("role", WITH_RIGHTS)
def test_a_request_without_a_key_is_refused(role: str) -> None:
    """`ForAllValues` alone holds for the values of a key that is not there."""
    # GIVEN the calls that the role may make, without any key
    requests = [Request(call, []) for call in ALLOWED[role]]

    # THEN they are refused
    policy = policy_of(role)
    assert not any(allowed(policy, requests))

    # AND without the check for null they would not be, nor without one that needs a key to match
    unchecked: Any = deepcopy(policy)
    for statement in unchecked["Statement"]:
        for needs_a_key in ("Null", "ForAnyValue:StringLike"):
            statement.get("Condition", {}).pop(needs_a_key, None)
    assert all(allowed(unchecked, requests))


# ------------------------------------------------------------------ what the functions call


class Recorder:
    """A client that notes what IAM would be asked about its calls."""

    def __init__(self, fake: FakeDynamoDB) -> None:
        self._fake = fake
        self.requests: set[tuple[str, tuple[str, ...]]] = set()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            action = "".join(word.capitalize() for word in name.split("_"))
            keys = tuple(sorted(set(leading_keys(request))))
            for item in request.get("TransactItems", ()):
                for kind in item:
                    # Whether AWS looks at the keys of one action or of all, it must be allowed.
                    self.requests.add((f"{kind}Item", keys))
                    self.requests.add((f"{kind}Item", tuple(leading_keys([item]))))
            if "TransactItems" not in request:
                self.requests.add((action, keys))
            return getattr(self._fake, name)(**request)

        return call

    def asked(self) -> list[Request]:
        return [Request(*request) for request in sorted(self.requests)]


CLAIM = Category.DOMAIN_UNKNOWN
ERASED = sorted({item.event.address for item in stream.make(seed=7, size=600)})[::3]
"""People of the stream who are erased before a function begins."""


def ingest(ledger: Ledger) -> None:
    """Every kind of event, all kinds of items, and what follows a commit."""
    ledger.record(stream.make(seed=7, size=600))
    ledger.record([observe("claim", CLAIM), delivery("d", message_id="m")])
    ledger.record([observe("full", Category.MAILBOX_FULL, message_id="m")])
    ledger.record([observe("block", Category.VIRUS, message_id="m2", unmatched=True)])


def lookup(ledger: Ledger) -> None:
    results = ledger.check(["a@example.test", "b@gmail.com"], source="fair")
    ledger.known(results[1])
    ledger.domain_facts(["example.test"])
    ledger.counts("fair", date(2026, 1, 1), TODAY)
    ledger.history("a@example.test", limit=10)
    ledger.sources(date(2026, 1, 1), TODAY, limit=10)
    ledger.dead_addresses("fair", date(2026, 1, 1), TODAY)
    ledger.reports.current()
    ledger.reports.of_generation("2026-11-20T12:00:00.000000Z")
    ledger.reports.rows("2026-11-20T12:00:00.000000Z", limit=10)
    ledger.suppressions(Sought(), limit=10)
    ledger.suppressions(Sought(), limit=10, source="fair")


def change(ledger: Ledger) -> None:
    subjects = ("a@example.test", "new@example.test", "example.test", "new.test")
    for action in Action.ADD, Action.REMOVE, Action.ALLOW, Action.DISALLOW:
        ledger.apply_changes(
            [Change(action=action, subject=subject, by="ada", note="asked") for subject in subjects]
        )
    people = ["a@example.test", "new@example.test", *ERASED]
    ledger.apply_changes([erasure(address) for address in people])
    ended = Change(action=Action.REMOVE, subject="new@example.test", by="ada", note="came back")
    ledger.apply_changes([ended])
    ledger.apply_changes([replace(ended, action=Action.END_ERASURE)])


def outbox(ledger: Ledger) -> None:
    """With an event bus; without one it calls the table for nothing."""
    ledger.domain_facts(["example.test", "gmail.com"])


def probe_domain(ledger: Ledger) -> None:
    for verdict in (DomainVerdict.MISSING, DomainVerdict.UNKNOWN, DomainVerdict.ACCEPTS_MAIL):
        known = ledger.domain_facts(["example.test"]).get("example.test")
        probe = Probe(verdict=verdict, probed_at=NOW, recheck_at=NOW)
        ledger.record_probe(known or DomainFacts(domain="example.test"), probe, due=TODAY)
    waits = PendingProbe(domain="silent.test", message_id="1", since=NOW, next_at=NOW, looks=1)
    for version in range(2):
        assert ledger.save_pending(replace(waits, version=version))
    facts, pending = ledger.probe_state("silent.test")
    silent = Probe(verdict=DomainVerdict.UNKNOWN, probed_at=NOW, recheck_at=NOW)
    ledger.record_probe(facts, silent, pending=pending)


def audit(ledger: Ledger) -> None:
    for minutes in (0, 1):
        run_audit(
            ledger,
            AuditThresholds(),
            announcing=Announcing(bus=FakeBus(), dead_letters=FakeDeadLetters()),
            now=NOW + timedelta(minutes=minutes),
            deadline=NOW + timedelta(hours=1),
        )


def recheck(ledger: Ledger) -> None:
    domains = list(ledger.due_domains(TODAY + timedelta(days=1)))
    progress = ledger.save_recheck_pass(replace(ledger.recheck_pass(), after=domains[0]))
    ledger.save_recheck_pass(replace(progress, finished=TODAY))
    list(ledger.due_domains(TODAY, after=domains[0]))


def make_ledger(client: object, settings: Settings, **more: Any) -> Ledger:
    return Ledger(
        as_client(client),
        settings,
        clock=lambda: NOW,
        sleep=lambda _: None,
        sampling=small_samples(),
        **more,
    )


@pytest.mark.parametrize(
    ("role", "function"),
    [
        ("IngestRole", ingest),
        ("LookupRole", lookup),
        ("ChangeRole", change),
        ("OutboxRole", outbox),
        ("ProbeDomainRole", probe_domain),
        ("AuditRole", audit),
        ("RecheckRole", recheck),
    ],
)
@pytest.mark.parametrize("count_deliveries", [True, False])
def test_a_role_allows_what_its_function_calls(
    role: str, function: Callable[[Ledger], None], *, count_deliveries: bool
) -> None:
    """A new kind of item needs its right; without it the first event of its kind would fail."""
    # GIVEN a table with something of everything
    fake = FakeDynamoDB()
    settings = Settings(table_name="fake", counter_partitions=3, count_deliveries=count_deliveries)
    ingest(make_ledger(fake, settings))

    # AND people who were erased, with events that were recorded again before anybody saw it
    make_ledger(fake, settings, erasure=keyring()).apply_changes(
        [erasure(address) for address in ERASED]
    )
    if role == "ChangeRole":
        ingest(make_ledger(fake, settings))
    recorder = Recorder(fake)

    # WHEN the function does all that it does
    function(make_ledger(recorder, settings, erasure=keyring()))

    # THEN its role allows each call
    asked = recorder.asked()
    refused = [
        request
        for request, is_allowed in zip(asked, allowed(policy_of(role), asked), strict=True)
        if not is_allowed
    ]
    assert asked
    assert refused == []
