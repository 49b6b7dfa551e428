"""What providers report of an address that is none, such as one without a dot in its domain."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.errors import AddressError
from bounceledger.events import Kind
from bounceledger.intake import Intake
from bounceledger.providers import Parsed, Payload
from bounceledger.settings import Settings
from bounceledger.state import observe
from tests.fakes import FakeDeadLetters, FakeLedger

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
SETTINGS = Settings()
TIME = 1768471205

type Json = dict[str, Any]
type Report = Callable[..., Json]


def sendgrid(address: str, reason: str = "Invalid") -> Json:
    return {"event": "dropped", "email": address, "reason": reason, "sg_event_id": address}


def brevo(address: str, word: str = "invalid_email") -> Json:
    return {"event": word, "email": address, "message-id": "<1@x.example>", "ts_epoch": TIME}


def mandrill(address: str, reason: str = "invalid") -> Json:
    message = {"_id": "1", "email": address, "reject": {"reason": reason}}
    return {"event": "reject", "ts": TIME, "msg": message}


def mailjet(address: str, error: str = "invalid domain") -> Json:
    return {"event": "bounce", "time": TIME, "MessageID": 1, "email": address, "error": error}


def postmark(address: str, word: str = "BadEmailAddress") -> Json:
    return {"RecordType": "Bounce", "Type": word, "MessageID": "1", "Email": address}


def unisender_go(address: str, word: str = "err_dest_invalid") -> Json:
    return {
        "event_name": "transactional_email_status",
        "event_data": {
            "job_id": "1",
            "email": address,
            "status": "hard_bounced",
            "event_time": "2026-01-15 10:00:05",
            "delivery_info": {"delivery_status": word},
        },
    }


REPORTS = [sendgrid, brevo, mandrill, mailjet, postmark, unisender_go]
OTHER_WORDS = {
    "sendgrid": "Bounced Address",
    "brevo": "hard_bounce",
    "mandrill": "hard-bounce",
    "mailjet": "user unknown",
    "postmark": "HardBounce",
    "unisender_go": "err_user_unknown",
}

every_report = pytest.mark.parametrize("report", REPORTS)


def name_of(report: Report) -> str:
    return report.__name__


def read(name: str, content: object) -> Parsed:
    return providers.read(Payload(provider=name, content=content, received_at=RECEIVED), SETTINGS)


@every_report
def test_an_address_that_the_provider_calls_invalid_as_well_is_recorded_for_nobody(
    report: Report,
) -> None:
    """There is nobody to suppress and nothing to repair, so it is no dead letter."""
    parsed = read(name_of(report), report("lead@localhost"))

    [event] = parsed.events
    assert (event.kind, event.address, event.unmatched) == (Kind.BOUNCE, "", True)
    assert observe(event, policy=SETTINGS.policy).cause is None
    assert not parsed.refused


@every_report
def test_two_of_them_are_two_and_each_is_the_same_in_every_delivery(report: Report) -> None:
    first, again, other = (
        read(name_of(report), report(address)).events[0].event_id
        for address in ("one@localhost", "one@localhost", "two@localhost")
    )

    assert first == again != other


@every_report
def test_an_address_that_only_the_provider_calls_invalid_is_recorded_for_it(report: Report) -> None:
    [event] = read(name_of(report), report("Lead@Example.NET")).events

    assert (event.address, event.unmatched) == ("lead@example.net", False)


@every_report
def test_an_address_that_is_invalid_without_the_providers_word_is_refused(report: Report) -> None:
    """Something is wrong that nobody expects."""
    name = name_of(report)

    parsed = read(name, report("lead@localhost", OTHER_WORDS[name]))

    assert not parsed.events
    assert [type(error) for error in parsed.refused] == [AddressError]


def test_it_costs_no_event_of_the_same_request() -> None:
    """Intake records the others, and the address that is none under no address."""
    # GIVEN a request in which one address is none
    ledger, dead_letters = FakeLedger(), FakeDeadLetters()
    intake = Intake(SETTINGS, ledger, dead_letters, provider="mailjet", clock=lambda: RECEIVED)
    body = [mailjet("lead@localhost"), mailjet("lead@example.net", "user unknown")]

    # WHEN intake processes it
    report = intake.process([record(body)])

    # THEN both are recorded, and nothing is a dead letter
    assert [one.event.address for one in ledger.recorded] == ["", "lead@example.net"]
    assert (report.unmatched, report.dead_letters) == (1, [])


def record(body: object) -> Json:
    return {
        "messageId": "1",
        "eventSource": "aws:sqs",
        "body": json.dumps(body),
        "attributes": {"SentTimestamp": str(int(RECEIVED.timestamp() * 1000))},
    }
