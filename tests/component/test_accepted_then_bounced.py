"""SES documents of hosts that accept a message and bounce it later, up to the answers."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bounceledger.intake import Intake
from bounceledger.ledger import Ledger
from bounceledger.settings import Settings
from bounceledger.state import ReasonCode
from bounceledger.state.rates import rates
from tests.fakes import FakeDeadLetters
from tests.faults.fake import FakeDynamoDB, as_client
from tests.ses_documents import bounce, sns_record

NOW = datetime.now(UTC)
SETTINGS = Settings(table_name="fake", writers=1, allowed_accounts=frozenset("*"))


def ledger(fake: FakeDynamoDB) -> Ledger:
    return Ledger(as_client(fake), SETTINGS, clock=lambda: NOW, sleep=lambda _: None)


def message(address: str, name: str, mailed_at: datetime) -> dict[str, Any]:
    return {
        "timestamp": mailed_at.isoformat(),
        "sendingAccountId": "111122223333",
        "messageId": name,
        "destination": [address],
        "tags": {"lead_source": ["fair"]},
    }


def delivered(address: str, name: str, mailed_at: datetime) -> dict[str, Any]:
    """The host took the message two seconds later."""
    return {
        "eventType": "Delivery",
        "delivery": {
            "timestamp": (mailed_at + timedelta(seconds=2)).isoformat(),
            "recipients": [address],
            "smtpResponse": "250 2.0.0 queued",
        },
        "mail": message(address, name, mailed_at),
    }


def returned(
    address: str, name: str, mailed_at: datetime, *, diagnostic: str, status: str, dated: datetime
) -> dict[str, Any]:
    """The host bounces the message, and dates its report as it likes."""
    document = bounce(address, diagnostic, status=status)
    document["bounce"] |= {"timestamp": dated.isoformat(), "feedbackId": f"feedback of {name}"}
    return document | {"mail": message(address, name, mailed_at)}


def process(fake: FakeDynamoDB, documents: list[dict[str, Any]], seed: int) -> None:
    """Deliver documents twice each, in random order, in batches of three."""
    records = [sns_record(document, message_id=f"{n}") for n, document in enumerate(documents)]
    records *= 2
    random.Random(seed).shuffle(records)
    intake = Intake(SETTINGS, ledger(fake), FakeDeadLetters(), provider="ses", clock=lambda: NOW)
    for start in range(0, len(records), 3):
        report = intake.process(records[start : start + 3])
        assert not report.retry
        assert not report.dead_letters


@pytest.mark.parametrize("seed", range(5))
def test_a_full_mailbox_behind_an_accepting_host_is_suppressed(seed: int) -> None:
    # GIVEN three messages on three days, each accepted, and bounced five minutes later
    address, fake = "jane@leads.test", FakeDynamoDB()
    documents = []
    for ago in (9, 5, 1):
        mailed_at, name = NOW - timedelta(days=ago), f"message-{ago}"
        documents += [
            delivered(address, name, mailed_at),
            returned(
                address,
                name,
                mailed_at,
                diagnostic="smtp; 552 5.2.2 mailbox is over its quota",
                status="5.2.2",
                dated=mailed_at + timedelta(minutes=5),
            ),
        ]
    # WHEN they arrive in some order
    process(fake, documents, seed)
    # THEN the address is suppressed, as it would be without the deliveries
    [answer] = ledger(fake).check([address])
    assert answer.decision.reason_code is ReasonCode.SOFT_BOUNCES


@pytest.mark.parametrize("seed", range(5))
def test_a_message_counts_once_on_the_day_on_which_it_was_mailed(seed: int) -> None:
    # GIVEN six messages of one day that hosts accepted, three of which bounce later, dated
    # by their hosts to other days
    fake, mailed_at = FakeDynamoDB(), NOW - timedelta(days=8)
    documents = []
    for n in range(6):
        address, name = f"lead{n}@leads.test", f"message-{n}"
        documents.append(delivered(address, name, mailed_at))
        if n < 3:
            documents.append(
                returned(
                    address,
                    name,
                    mailed_at,
                    diagnostic="smtp; 550 5.1.1 user unknown",
                    status="5.1.1",
                    dated=mailed_at + timedelta(days=n),
                )
            )
    # WHEN they arrive in some order
    process(fake, documents, seed)
    # THEN that day has six outcomes, half of them hard
    counts = ledger(fake).counts("fair", NOW.date() - timedelta(days=30), NOW.date())
    [(day, counted)] = counts.days.items()
    assert day == mailed_at.date()
    assert (counted["delivered"], counted["hard"], counted["suppressed"]) == (3, 3, 3)
    assert rates(counted)["hard"] == 0.5
