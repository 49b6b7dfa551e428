"""The table of replies and verdicts, line by line: a real reply, DNS answers, the decision."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from bounceledger import state
from bounceledger.classify.classifier import classify_event
from bounceledger.domains.claims import request_probes
from bounceledger.domains.lookup import Server
from bounceledger.domains.probe import probe
from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.prober import ProbeOutcome, Prober, ProbeResult
from bounceledger.domains.rechecks import due, next_recheck
from bounceledger.domains.resolver import Resolver
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger import Ledger
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import Decision, DomainFacts, join_domain
from bounceledger.verdict import Scope
from tests.dns import server as servers
from tests.fakes import FakeDeadLetters

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.literals import KeyTypeType

TABLE = "suppressions"
START = datetime(2026, 11, 20, 12, tzinfo=UTC)

ACCEPTS_NO_MAIL = "smtp; 521 5.3.2 Host does not accept mail"
NO_SUCH_DOMAIN = "smtp; 550 5.4.4 Invalid domain"
DNSBL = "smtp; 521 5.7.1 Service unavailable; client [192.0.2.7] blocked using dnsbl.example.test"


@pytest.fixture(scope="module")
def dns() -> Iterator[Server]:
    with servers.responder() as server:
        yield server


@dataclass
class Queue:
    """The probe queue in memory."""

    requests: list[ProbeRequest] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)

    def send(self, requests: Any) -> None:
        self.requests.extend(requests)

    def hide(self, receipt_handle: str, seconds: int) -> None:
        self.hidden.append(seconds)


class World:
    """Table, stream, queue and DNS, with a clock that the test sets."""

    def __init__(self, client: Any, dns: Server) -> None:
        self.client = client
        self.now = START
        settings = Settings(table_name=TABLE, writers=1)
        self.ledger = Ledger(client, settings, clock=lambda: self.now, sleep=lambda _: None)
        self.queue = Queue()
        look = partial(probe, resolver=Resolver((dns,), cache_size=0), now=lambda: self.now)
        self.prober = Prober(
            self.ledger, self.queue, FakeDeadLetters(), look, Policy(), clock=lambda: self.now
        )

    def bounce(self, address: str, diagnostic: str) -> None:
        """A bounce, on its way from the ledger through the stream to the probe queue."""
        event = MailEvent(
            event_id=f"{address} {self.now}",
            provider="ses",
            kind=Kind.BOUNCE,
            provider_kind="Bounce",
            address=address,
            lead_source="webinar",
            occurred_at=self.now,
            diagnostic=diagnostic,
        )
        key = {"pk": {"S": f"ADDRESS#{address}"}, "sk": {"S": "FACTS"}}
        before = self.item(key)
        [outcome] = self.ledger.record(
            [state.observe(event, policy=Policy(), verdict=classify_event(event))]
        )
        assert outcome.ok
        after = self.item(key)
        if after and after != before:
            change = {"Keys": key, "NewImage": after, "SequenceNumber": "1"}
            if before:
                change["OldImage"] = before
            request_probes(
                [{"eventName": "MODIFY", "dynamodb": change}], self.queue, FakeDeadLetters()
            )

    def item(self, key: dict[str, Any]) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.client.get_item(TableName=TABLE, Key=key).get("Item")
        return found

    def items(self) -> dict[tuple[str, str], Any]:
        found = self.client.scan(TableName=TABLE)["Items"]
        return {(item["pk"]["S"], item["sk"]["S"]): item for item in found}

    def probe(self) -> list[ProbeResult]:
        """Process the probe queue, two minutes later."""
        self.now += timedelta(minutes=2)
        waiting, self.queue.requests = self.queue.requests, []
        return [self.answer(request) for request in waiting]

    def answer(self, request: ProbeRequest) -> ProbeResult:
        """Deliver a request; the same one is the same message."""
        body = request.to_body()
        return self.prober.process({"body": body, "receiptHandle": "handle", "messageId": body})

    def silent_day(self, request: ProbeRequest) -> list[ProbeOutcome]:
        """Deliver a request at the beginning and the end of a day."""
        first = self.answer(request)
        self.now += timedelta(hours=25)
        return [first.outcome, self.answer(request).outcome]

    def recheck(self, *, days: float) -> None:
        """Answer the rechecks that are due some days later."""
        self.now += timedelta(days=days)
        for request in due(self.ledger, self.now.date()):
            self.answer(request)

    def decision(self, address: str) -> Decision:
        [answer] = self.ledger.check([address])
        return answer.decision


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, dns: Server) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        keys: dict[str, KeyTypeType] = {"pk": "HASH", "sk": "RANGE"}
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in keys],
        )
        yield World(client, dns)


# ------------------------------------------------------------------------- the table


@pytest.mark.parametrize("reply", [ACCEPTS_NO_MAIL, NO_SUCH_DOMAIN])
@pytest.mark.parametrize(
    "domain",
    ["null-mx.test", "null-mx-preference.test", "gone.test", "mx-missing.test", "mx-private.test"],
)
def test_a_dead_domain_is_suppressed_for_everyone_there(
    world: World, reply: str, domain: str
) -> None:
    """A reply about the domain that DNS confirms covers people who were never mailed."""
    # GIVEN a reply that calls a domain dead
    world.bounce(f"ann@{domain}", reply)

    # WHEN a probe confirms it
    [outcome] = world.probe()
    assert outcome.outcome is ProbeOutcome.PROBED

    # THEN the address is suppressed permanently
    assert world.decision(f"ann@{domain}").suppressed
    assert world.decision(f"ann@{domain}").until is None

    # AND everyone else once a second look, at least a day later, finds the same; a null MX is
    # a statement of the domain itself and holds at once
    assert world.decision(f"never-mailed@{domain}").suppressed is domain.startswith("null-mx")
    world.recheck(days=2)
    for address in (f"ann@{domain}", f"never-mailed@{domain}"):
        decision = world.decision(address)
        assert decision.suppressed
        assert decision.scope is Scope.DOMAIN
        assert decision.until is None
        assert not decision.unconfirmed

    # AND no one below that name is
    assert not world.decision(f"ann@below.{domain}").suppressed


def test_a_521_from_a_web_host_suppresses_its_domain_if_it_is_said_on_two_days(
    world: World,
) -> None:
    """A host without an MX record that declines mail is taken at its word, and checked again."""
    # GIVEN a domain with an address but no MX record, which replied that it accepts no mail
    world.bounce("ann@implicit-a.test", ACCEPTS_NO_MAIL)
    world.probe()

    # THEN that address alone is suppressed, and a recheck is due after a day
    decision = world.decision("ann@implicit-a.test")
    assert (decision.suppressed, decision.scope) == (True, Scope.ADDRESS)
    assert "said again on another day" in decision.explanation
    assert not world.decision("never-mailed@implicit-a.test").suppressed
    day = (world.now + timedelta(days=1)).date()
    assert list(due(world.ledger, day)) == [ProbeRequest("implicit-a.test", due=day)]

    # WHEN it says the same of another address, on another day
    world.now += timedelta(days=1)
    world.bounce("bob@implicit-a.test", ACCEPTS_NO_MAIL)
    world.probe()

    # THEN everyone there is suppressed
    assert world.decision("never-mailed@implicit-a.test").scope is Scope.DOMAIN


def test_an_unknown_domain_with_an_implicit_mx_suppresses_the_address_for_some_time(
    world: World,
) -> None:
    """DNS neither confirms nor refutes the reply, so it counts for one address, and ends."""
    # GIVEN a domain with an address but no MX record, and a reply that it does not exist
    world.bounce("ann@implicit-a.test", NO_SUCH_DOMAIN)

    # WHEN it is probed
    world.probe()

    # THEN the address stays suppressed with an end, and no one else is
    decision = world.decision("ann@implicit-a.test")
    assert (decision.suppressed, decision.unconfirmed) == (True, True)
    assert decision.until == START + timedelta(days=30)
    assert not world.decision("never-mailed@implicit-a.test").suppressed

    # AND DNS is asked again
    tomorrow = (world.now + timedelta(days=1)).date()
    assert [request.domain for request in due(world.ledger, tomorrow)] == ["implicit-a.test"]


def test_one_nxdomain_suppresses_one_address_and_no_domain(world: World, dns: Server) -> None:
    """A domain that is down for an hour is not lost to everyone for months."""
    # GIVEN a living domain of which DNS said for a moment that it does not exist
    world.bounce("ann@company.test", NO_SUCH_DOMAIN)
    [request] = world.queue.requests
    found = probe("gone.test", resolver=Resolver((dns,)), now=lambda: world.now)
    world.ledger.record_probe(DomainFacts(domain="company.test"), found, claims=request.claims)

    # THEN the address that was mailed is suppressed, and says what that rests on
    decision = world.decision("ann@company.test")
    assert (decision.suppressed, decision.scope) == (True, Scope.ADDRESS)
    assert "a second look" in decision.explanation
    assert not world.decision("bob@company.test").suppressed

    # AND the next day's look releases it
    world.recheck(days=1)
    assert not world.decision("ann@company.test").suppressed


def test_a_521_from_a_domain_that_accepts_mail_is_unconfirmed_and_ends(world: World) -> None:
    """One host's refusal does not speak for a domain with working mail hosts."""
    # GIVEN a domain with working mail hosts, one of which replied that it accepts no mail
    world.bounce("ann@company.test", ACCEPTS_NO_MAIL)

    # WHEN it is probed
    world.probe()

    # THEN the address is suppressed, unconfirmed, for 30 days
    decision = world.decision("ann@company.test")
    assert decision.suppressed
    assert decision.scope is Scope.ADDRESS
    assert decision.unconfirmed
    assert decision.until == START + timedelta(days=30)
    assert "working mail hosts" in decision.explanation

    # AND no one else is
    assert not world.decision("bob@company.test").suppressed

    # AND after that it ends
    world.now = START + timedelta(days=30)
    assert not world.decision("ann@company.test").suppressed


def test_an_unknown_domain_that_accepts_mail_refutes_the_claim(world: World) -> None:
    """The lookup at sending time failed; DNS shows that the domain exists."""
    # GIVEN a domain that was not found, and has working mail hosts
    world.bounce("ann@company.test", NO_SUCH_DOMAIN)
    assert world.decision("ann@company.test").suppressed

    # WHEN it is probed
    world.probe()

    # THEN the suppression ends, and the answer says why
    decision = world.decision("ann@company.test")
    assert not decision.suppressed
    assert "refuted" in decision.explanation

    # AND the bounces count as soft: the third day suppresses for a limited time
    for _ in range(2):
        world.now += timedelta(days=1)
        world.bounce("ann@company.test", NO_SUCH_DOMAIN)
        world.probe()
    assert world.decision("ann@company.test").until is not None


@pytest.mark.parametrize("reply", [ACCEPTS_NO_MAIL, NO_SUCH_DOMAIN])
@pytest.mark.parametrize("domain", ["any.broken.test", "mx-servfail.test", "refused.example"])
def test_dns_that_does_not_answer_changes_nothing(world: World, reply: str, domain: str) -> None:
    """A DNS failure neither confirms nor removes a suppression."""
    # GIVEN a reply that calls a domain dead, and DNS that fails
    world.bounce(f"ann@{domain}", reply)
    before, items = world.decision(f"ann@{domain}"), world.items()

    # WHEN it is probed
    [outcome] = world.probe()

    # THEN the probe is retried later, and nothing has changed
    assert outcome.outcome is ProbeOutcome.POSTPONED
    assert world.queue.hidden == [60]
    left = {key: item for key, item in world.items().items() if key[1] != "PENDING"}
    assert left == items
    assert world.decision(f"ann@{domain}") == before
    assert before.suppressed
    assert not world.decision(f"never-mailed@{domain}").suppressed


EXPIRED = (
    "smtp; 550 4.4.7 Message expired: unable to deliver in 840 minutes."
    "<421 4.4.0 Unable to lookup DNS for the domain>"
)
UNVERIFIED = (
    "smtp; 450 4.1.1 <x@example.test>: Recipient address rejected: unverified address: "
    "Host or domain name not found. Name service error for name=example.test type=A: "
    "Host not found"
)


@pytest.mark.parametrize("reply", [EXPIRED, UNVERIFIED])
def test_a_soft_reply_about_a_dead_domain_suppresses(world: World, reply: str) -> None:
    """A typo of a domain costs one message, and not three for every address."""
    # GIVEN a reply that the domain could not be looked up for the time being
    world.bounce("ann@gone.test", reply)
    assert not world.decision("ann@gone.test").suppressed

    # WHEN DNS is asked
    world.probe()

    # THEN the address is suppressed, and everyone there after the second look
    decision = world.decision("ann@gone.test")
    assert (decision.suppressed, decision.scope, decision.until) == (True, Scope.ADDRESS, None)
    assert "the domain cannot be reached. In DNS, the domain does not exist" in decision.explanation
    assert not world.decision("bob@gone.test").suppressed
    world.recheck(days=2)
    assert world.decision("bob@gone.test").suppressed


@pytest.mark.parametrize("domain", ["company.test", "implicit-a.test"])
def test_mail_that_expired_for_a_living_domain_is_a_soft_bounce(world: World, domain: str) -> None:
    """DNS was down for a while, and the recipient is not."""
    # GIVEN messages that expired on two days because the domain could not be looked up
    for _ in range(2):
        world.bounce(f"ann@{domain}", EXPIRED)
        world.probe()
        world.now += timedelta(days=1)

    # THEN the address may be mailed
    assert not world.decision(f"ann@{domain}").suppressed

    # AND the third suppresses for a while, as any soft bounce does
    world.bounce(f"ann@{domain}", EXPIRED)
    world.probe()
    assert world.decision(f"ann@{domain}").until is not None


def test_a_blocked_sender_requests_no_probe(world: World) -> None:
    """A blocklisted sender says nothing about the recipient's domain."""
    # GIVEN a 521 from a DNS blocklist
    world.bounce("ann@null-mx.test", DNSBL)

    # WHEN it is recorded
    # THEN no probe is requested, and no one is suppressed
    assert world.queue.requests == []
    assert not world.decision("ann@null-mx.test").suppressed


# -------------------------------------------------------------------------------- cost


@pytest.mark.parametrize("domain", ["null-mx.test", "company.test"])
def test_a_verdict_writes_nothing_per_address(world: World, domain: str) -> None:
    """The cost of a probe does not grow with the number of addresses."""
    # GIVEN several addresses at a domain
    for name in ("ann", "bob", "carol"):
        world.bounce(f"{name}@{domain}", ACCEPTS_NO_MAIL)
    before = world.items()

    # WHEN the requests that they caused are processed
    outcomes = world.probe()

    # THEN one probe answered them all
    assert [outcome.outcome for outcome in outcomes] == [
        ProbeOutcome.PROBED,
        ProbeOutcome.ALREADY_ANSWERED,
        ProbeOutcome.ALREADY_ANSWERED,
    ]

    # AND only the domain's item, and the day of its recheck, were written
    after = world.items()
    changed = {key for key in after if after[key] != before.get(key)}
    assert {pk.partition("#")[0] for pk, _ in changed} <= {"DOMAIN", "RECHECK"}
    assert ("DOMAIN#" + domain, "FACTS") in changed


def test_a_probe_done_twice_has_one_outcome(world: World) -> None:
    """Queues deliver twice, and the second delivery must not change anything."""
    # GIVEN a request that has been processed
    world.bounce("ann@null-mx.test", ACCEPTS_NO_MAIL)
    [request] = world.queue.requests
    world.probe()
    items = world.items()

    # WHEN the queue delivers it again
    world.answer(request)

    # THEN nothing changes
    assert world.items() == items


def test_a_dead_domain_that_comes_back_is_released_by_its_recheck(
    world: World, dns: Server
) -> None:
    """Dead domains come back, so a suppression by DNS has a way out."""
    # GIVEN a domain found dead 90 days ago
    world.bounce("ann@company.test", ACCEPTS_NO_MAIL)
    [request] = world.queue.requests
    found = probe("gone.test", resolver=Resolver((dns,)), now=lambda: START)
    known = DomainFacts(domain="company.test")
    for days in (0, 1):
        looked = replace(found, probed_at=START + timedelta(days=days))
        after = join_domain(known, DomainFacts(domain="company.test", probe=looked))
        dead = replace(looked, recheck_at=next_recheck(after, Policy()))
        known = world.ledger.record_probe(known, dead, claims=request.claims)
    assert world.decision("bob@company.test").suppressed
    world.now = START + timedelta(days=91)

    # WHEN the scheduled recheck finds that it accepts mail, one day late
    for request in due(world.ledger, world.now.date()):
        assert request.domain == "company.test"
        world.answer(request)

    # THEN everyone there is released, and no further recheck is due
    assert not world.decision("bob@company.test").suppressed
    assert not world.decision("ann@company.test").suppressed
    assert list(due(world.ledger, world.now.date())) == []


# ------------------------------------------------------------------ always a next probe


def test_a_claim_that_the_stream_lost_is_refuted_the_next_day(world: World) -> None:
    """No record of the stream, and no request in the queue, has to survive."""
    # GIVEN a claim whose request for a probe is lost
    world.bounce("ann@company.test", NO_SUCH_DOMAIN)
    world.queue.requests.clear()

    # WHEN the rechecks of the next day are sent
    world.now += timedelta(days=1)
    [request] = due(world.ledger, world.now.date())
    world.answer(request)

    # THEN DNS has refuted it, and nothing more is due
    assert not world.decision("ann@company.test").suppressed
    assert list(due(world.ledger, world.now.date() + timedelta(days=200))) == []


def test_a_claim_that_was_given_up_is_checked_until_dns_answers(world: World) -> None:
    """A suppression without any finding has a way out, too."""
    # GIVEN a claim about a domain whose DNS fails for a day
    world.bounce("ann@any.broken.test", NO_SUCH_DOMAIN)
    [request] = world.queue.requests
    assert world.silent_day(request) == [ProbeOutcome.POSTPONED, ProbeOutcome.GIVEN_UP]

    # WHEN the recheck of the next day is given up as well
    [request] = due(world.ledger, world.now.date())
    assert world.silent_day(request) == [ProbeOutcome.POSTPONED, ProbeOutcome.GIVEN_UP]

    # THEN the address stays suppressed, and the domain is due once more within the week
    assert world.decision("ann@any.broken.test").suppressed
    assert [r.domain for r in due(world.ledger, world.now.date())] == []
    later = world.now.date() + timedelta(days=7)
    assert [r.domain for r in due(world.ledger, later)] == ["any.broken.test"]


def test_a_vendor_is_not_charged_for_a_domain_that_dns_shows_alive(world: World) -> None:
    """A failed lookup at sending time is nobody's lead quality."""
    # GIVEN two bounces of a living domain, which count until DNS was asked
    for name in ("ann", "bob"):
        world.bounce(f"{name}@company.test", NO_SUCH_DOMAIN)
    today = world.now.date()
    counted = {"hard": 2, "category_domain_unknown": 2, "suppressed": 2, "claims_unconfirmed": 2}
    assert world.ledger.counts("webinar", today, today).days == {today: counted}

    # WHEN it is probed
    world.probe()

    # THEN nothing is left of them but how many there were
    assert world.ledger.counts("webinar", today, today).days == {today: {"claims_refuted": 2}}
