"""Agreement with the cases from public reports about deliveries that were none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bounceledger.intake import Intake
from bounceledger.ledger import Ledger
from bounceledger.settings import Settings
from bounceledger.state import ReasonCode
from tests.cases import case
from tests.fakes import FakeDeadLetters
from tests.faults.fake import FakeDynamoDB
from tests.ses_documents import bounce, sns_record

NOW = datetime.now(UTC)
SETTINGS = Settings(table_name="fake", writers=1, allowed_accounts=frozenset("*"))


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def accepted_then_bounced(
    address: str, message: str, mailed: datetime, diagnostic: str, *, bounced: bool = True
) -> list[dict[str, Any]]:
    """A delivery two seconds after the message was mailed, and a bounce five minutes later."""
    failure = bounce(address, diagnostic, status="")
    mail = {**failure["mail"], "messageId": message, "timestamp": text(mailed)}
    delivery = {
        "eventType": "Delivery",
        "delivery": {"recipients": [address], "timestamp": text(mailed + timedelta(seconds=2))},
        "mail": mail,
    }
    late = {**failure["bounce"], "timestamp": text(mailed + timedelta(minutes=5))}
    return [delivery, {**failure, "bounce": late, "mail": mail}] if bounced else [delivery]


def process(documents: list[dict[str, Any]]) -> Ledger:
    """Record the documents one batch each, as they would arrive."""
    ledger = Ledger(FakeDynamoDB(), SETTINGS, clock=lambda: NOW)  # type: ignore[arg-type]
    intake = Intake(SETTINGS, ledger, FakeDeadLetters(), provider="ses")
    for document in documents:
        assert not intake.process([sns_record(document)]).retry
    return ledger


@pytest.mark.parametrize(
    ("name", "diagnostic"),
    [
        ("b002", "smtp; 550 5.2.1 mailbox disabled"),
        ("b003", "smtp; 550 5.2.0 recipient refused"),
    ],
)
def test_a_host_that_accepts_and_bounces_later_is_suppressed(name: str, diagnostic: str) -> None:
    """A delivery of a message that bounced resets nothing."""
    # GIVEN four messages in 24 days, each delivered and then bounced
    case(name)
    documents = [
        document
        for number, days in enumerate((23, 15, 8, 1))
        for document in accepted_then_bounced(
            "jane@lead.example", f"mail-{number}", NOW - timedelta(days=days), diagnostic
        )
    ]

    # WHEN they are recorded in the order of arrival
    [result] = process(documents).check(["jane@lead.example"])

    # THEN the address is suppressed for soft bounces, as without the deliveries
    assert result.decision.reason_code is ReasonCode.SOFT_BOUNCES


def test_b005_a_message_counts_as_delivered_or_as_bounced() -> None:
    """Half of ten delivered messages bounced later: the hard rate is one half."""
    case("b005")
    mailed = NOW - timedelta(hours=2)
    ledger = process(
        [
            document
            for number in range(10)
            for document in accepted_then_bounced(
                f"a{number}@lead.example",
                f"mail-{number}",
                mailed,
                "smtp; 550 5.1.1 user unknown",
                bounced=number < 5,
            )
        ]
    )

    counted = ledger.counts("webinar", mailed.date(), mailed.date()).days[mailed.date()]

    assert (counted["delivered"], counted["hard"]) == (5, 5)
