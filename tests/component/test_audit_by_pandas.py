"""The audit of some thousand raw events, through the real intake, recomputed with pandas."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from bounceledger.audit import SourceVerdict
from tests.pandas_audit import audited
from tests.unit.cli.runner import run
from tools.demo_audit import dns
from tools.demo_audit.deployment import Deployment
from tools.demo_audit.leads import Message, leads_of
from tools.demo_audit.lookup_api import api_over
from tools.demo_audit.ses_events import Document, events, queue_record
from tools.demo_audit.sources import Blocklisting, Death, LeadSource, ResolverFailure

SEED = 20261126
DAYS = 60
TODAY = datetime.now(UTC).date()
BEGIN = TODAY - timedelta(days=DAYS)
FIRST, LAST = TODAY - timedelta(days=DAYS // 2), TODAY - timedelta(days=1)
"""The period; the other half of the days is the period before."""
BLOCKLISTING = Blocklisting(first_day=41, last_day=50, provider="bigmail.example")
RESOLVER_FAILURE = ResolverFailure(first_day=57, last_day=58)
"""So late that most of its leads are not mailed again."""


def source(name: str, addresses: int, rate: float, **fields: Any) -> LeadSource:
    return LeadSource(
        name=name,
        story="",
        addresses=addresses,
        rate=rate,
        verdict=SourceVerdict.BAD,  # not looked at
        joins_within=DAYS - 10,
        messages=3,
        every=9,
        complaints=0.01,
        **fields,
    )


SOURCES = (
    source("refused", 220, 0.25, soft=0.1),
    source("returned", 200, 0.10, deaths={Death.RETURNED: 1.0}),
    source(
        "domains", 160, 0.15, deaths={Death.NO_MAIL: 0.5, Death.NO_DOMAIN: 0.5}, wrong_claims=0.1
    ),
    source("clean", 300, 0.0),
    source("middling", 250, 0.03, soft=0.05),
    source("few", 12, 0.3),
)
SHARED = replace(SOURCES[0], name="shared", addresses=60)
"""A source that supplies some of the addresses of the first one, too."""

type Published = tuple[datetime, Document]


def messages() -> Iterator[Message]:
    for one in SOURCES:
        for number, (lead, mailed) in enumerate(leads_of(one, SEED, DAYS)):
            yield from mailed
            if one is SOURCES[0] and number < SHARED.addresses:
                yield from (replace(each, lead=replace(lead, source=SHARED)) for each in mailed)


@pytest.fixture(scope="module")
def season() -> tuple[Deployment, list[Document]]:
    """Two months of mail: the system, and all that was published.

    The sender heeds suppressions only where a whole domain is dead, so that dead leads bounce
    again. Events come late, twice and in another order, and some addresses are in capitals.
    """
    rng = random.Random(SEED)
    system = Deployment(dns.resolver(), datetime.combine(BEGIN, time(8, tzinfo=UTC)))
    planned: dict[int, list[Message]] = {}
    for message in messages():
        planned.setdefault(message.day, []).append(message)
    waiting: list[Published] = []
    published: list[Document] = []
    for day in range(DAYS + 3):
        morning = system.now = datetime.combine(BEGIN + timedelta(days=day), time(8, tzinfo=UTC))
        today = planned.get(day, [])
        mailable = system.may_send({one.lead.address for one in today})
        for number, message in enumerate(today):
            about_domain = message.lead.death in {Death.NO_MAIL, Death.NO_DOMAIN}
            if not about_domain or message.lead.address in mailable:
                at = morning + timedelta(seconds=number)
                waiting += _made_hard(
                    rng, events(message, at, BLOCKLISTING, RESOLVER_FAILURE), message
                )
        system.now = morning + timedelta(hours=15)
        arrived = [event for event in waiting if event[0] <= system.now]
        waiting = [event for event in waiting if event[0] > system.now]
        rng.shuffle(arrived)
        system.receive(
            [queue_record(document, at, f"{day}-{n}") for n, (at, document) in enumerate(arrived)]
        )
        system.look_at_domains()
        published += (document for _, document in arrived)
    assert not waiting
    return system, published


def _made_hard(
    rng: random.Random, made: Iterator[Published], message: Message
) -> Iterator[Published]:
    """Events as SES really publishes them."""
    about_domain = message.lead.death in {Death.NO_MAIL, Death.NO_DOMAIN}
    for at, document in made:
        if rng.random() < 0.1:
            _in_capitals(document, message.lead.address)
        if document["eventType"] == "Delivery" and rng.random() < 0.01:
            yield at, _of_the_providers_list(document, at)
            continue
        is_claim = about_domain or message.number == message.lead.wrong_claim
        late = timedelta(0) if is_claim else timedelta(days=rng.choice((0, 0, 0, 1, 2)))
        yield at + late, document
        if rng.random() < 0.05:
            yield at + late, document


def _in_capitals(document: Document, address: str) -> None:
    document["mail"] = {**document["mail"], "destination": [address.title()]}
    for name, recipients in (
        ("bounce", "bouncedRecipients"),
        ("complaint", "complainedRecipients"),
    ):
        for recipient in document.get(name, {}).get(recipients, ()):
            recipient["emailAddress"] = address.title()


def _of_the_providers_list(document: Document, at: datetime) -> Document:
    """What SES publishes in the place of a delivery, for an address on its own list."""
    [address] = document["mail"]["destination"]
    said = (
        "Amazon SES did not send the message to this address because it is on the suppression list"
    )
    return {
        "eventType": "Bounce",
        "mail": document["mail"],
        "bounce": {
            "feedbackId": f"{document['mail']['messageId']}-list",
            "bounceType": "Permanent",
            "bounceSubType": "OnAccountSuppressionList",
            "bouncedRecipients": [
                {"emailAddress": address, "action": "failed", "diagnosticCode": said}
            ],
            "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        },
    }


@pytest.fixture(scope="module")
def document(season: tuple[Deployment, list[Document]]) -> dict[str, Any]:
    """What ``bounceledger audit --json`` prints."""
    ran = run(
        *("audit", "--json", "--from", FIRST.isoformat(), "--to", LAST.isoformat()),
        api=api_over(season[0].ledger),
        clock=lambda: datetime.now(UTC),
        read_rate=lambda *_: None,
    )
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_pandas_finds_the_same_figures_in_the_raw_events(
    season: tuple[Deployment, list[Document]], document: dict[str, Any]
) -> None:
    # GIVEN what was published, with everything that is easily counted wrongly
    _, published = season
    assert len(published) > 2000
    ids = Counter((one["mail"]["messageId"], one["eventType"]) for one in published)
    assert max(ids.values()) == 2, "no event came twice"

    # WHEN pandas computes the figures from it
    table = audited(published, FIRST, LAST)

    # THEN each source has those in the audit
    sources = {one["source"]: one for one in document["sources"]}
    assert sources.keys() == set(table.index)
    for name, expected in table.iterrows():
        assert_same(sources[str(name)], expected)

    # AND the account has their sums
    account = document["account"]
    assert account["sent"] == table["sent"].sum()
    rate = account["list_attributable"]
    assert (rate["count"], rate["of"]) == (table["dead"].sum(), table["mailed"].sum())
    verdicts = {verdict: count for verdict, count in account["verdicts"].items() if count}
    assert verdicts == table["verdict"].value_counts().to_dict()

    # AND there is something of everything
    assert set(table["verdict"]) == {"bad", "watch", "too_little_data", "good"}
    assert set(table["direction"]) >= {"worse", "better", "none"}
    assert (table[["hard", "soft", "block", "echo", "complaint", "unanswered"]].sum() > 0).all()
    assert sum(one["claims"]["refuted"] for one in sources.values()) > 50


def assert_same(found: dict[str, Any], expected: Any) -> None:
    """That a source of the audit has the figures of a row of the table."""
    name = found["source"]
    outcomes = ("delivered", "hard", "soft", "block", "echo", "complaint")
    counted = {one: expected[one] for one in outcomes}
    assert found["outcomes"] == {**counted, "unsubscribe": 0}, name  # SES publishes none of these
    assert found["sent"] == expected["sent"], name
    assert found["categories"] == expected["categories"], name
    addresses = found["addresses"]
    assert (addresses["mailed"], addresses["mailed_error"]) == (expected["mailed"], 0.0), name
    assert addresses["unanswered"] == expected["unanswered"], name
    assert addresses["dead"] == expected["dead_by_category"], name
    rate = found["list_attributable"]
    assert (rate["count"], rate["of"]) == (expected["dead"], expected["mailed"]), name
    for bound in ("rate", "low", "high"):
        assert rate[bound] == pytest.approx(expected[bound], abs=1e-12), (name, bound)
    for raw in ("hard", "soft", "block", "complaint"):
        assert found["raw"][raw]["count"] == expected[raw], (name, raw)
        for bound in ("low", "high"):
            close = pytest.approx(expected[f"raw_{raw}_{bound}"], abs=1e-12)
            assert found["raw"][raw][bound] == close, (name, raw, bound)
    assert found["verdict"] == expected["verdict"], name
    change = found["change"]
    by_pandas = expected["change"]
    assert [change[one] for one in ("difference", "low", "high")] == pytest.approx(
        by_pandas, abs=1e-12
    ), name
    differs = found["differs"]
    assert differs["p"] == pytest.approx(expected["p"], rel=1e-9), name
    assert differs["q"] == pytest.approx(expected["q"], rel=1e-9), name
    assert differs["direction"] == expected["direction"], name
    weeks = {week["from"]: (week["mailed"], week["dead"]) for week in found["weeks"]}
    assert {day: pair for day, pair in weeks.items() if any(pair)} == expected["weeks"], name
