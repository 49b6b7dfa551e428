"""Agreement with the cases from public reports that are about a payload or several of them.

The cases are kept beside the repository, in ``../shared/cases``; without that folder the tests
are skipped. A case is described in words, so each one here says which document it describes.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bounceledger.intake import Intake
from bounceledger.settings import Settings
from bounceledger.state import AddressFacts, decide
from bounceledger.verdict import Cause
from tests.fakes import FakeDeadLetters, FakeLedger
from tests.ses_documents import bounce, sns_record

CASES = Path(__file__).parents[3].parent / "shared" / "cases" / "cases.jsonl"
SETTINGS = Settings(allowed_accounts=frozenset("*"))
LEAD = "jane@lead.example"

type Json = dict[str, Any]


def load_cases() -> dict[str, Json]:
    if not CASES.exists():
        return {}
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    return {case["id"]: case for case in cases}


ALL = load_cases()


def case(name: str) -> Json:
    if not ALL:
        pytest.skip(f"no cases in {CASES.parent}")
    if name not in ALL:
        pytest.skip(f"no case {name} in {CASES}")
    return ALL[name]


class Outcome:
    """What became of some documents, processed one by one."""

    def __init__(self, *records: object) -> None:
        self.ledger, self.dead_letters = FakeLedger(), FakeDeadLetters()
        intake = Intake(SETTINGS, self.ledger, self.dead_letters, provider="ses")
        self.report = intake.process(records)

    @property
    def causes(self) -> dict[str, Cause | None]:
        """By address, what was held against it."""
        return {item.event.address: item.cause for item in self.ledger.recorded}

    def suppressed(self, address: str, *, days: float = 0) -> bool:
        facts = self.ledger.facts.get(address, AddressFacts(address=address))
        now = datetime.now(UTC) + timedelta(days=days)
        return decide(facts, None, now, SETTINGS.policy).suppressed

    @property
    def acknowledged(self) -> bool:
        return not len(self.dead_letters) and not self.report.retry


def outcome(*documents: object) -> Outcome:
    return Outcome(*(sns_record(document) for document in documents))


def changed(document: Json, section: str, **changes: object) -> Json:
    return {**document, section: {**document[section], **changes}}


def complaint(**changes: object) -> Json:
    document = bounce(LEAD)
    section = {"feedbackId": "f", "complainedRecipients": [{"emailAddress": LEAD}], **changes}
    return {"eventType": "Complaint", "complaint": section, "mail": document["mail"]}


# ------------------------------------------------------------------- whose bounce it is


@pytest.mark.parametrize("name", ["p003", "p004", "p005", "p006"])
def test_the_only_destination_bounced(name: str) -> None:
    """A final recipient that cannot be read is no reason to lose a bounce."""
    # GIVEN the destination and the final recipient of the case
    words = case(name)["input"]
    found = re.search(r"destination \[(.+?)\], emailAddress (.+)", words)
    assert found is not None
    document = changed(bounce(found[2]), "mail", destination=[found[1]])

    # WHEN the bounce is processed
    result = outcome(document)

    # THEN the address that the case names is suppressed
    expected = case(name)["right"].removesuffix(" booked hard")
    assert result.causes == {expected: Cause.MAILBOX_UNKNOWN}
    assert result.acknowledged


@pytest.mark.parametrize("name", ["p010", "p011", "p013"])
def test_another_spelling_is_the_same_address(name: str) -> None:
    """Without a destination, too."""
    spelling = case(name)["input"].removeprefix("emailAddress ")

    for destination in ([], [LEAD]):
        result = outcome(changed(bounce(spelling), "mail", destination=destination))
        assert result.causes == {LEAD: Cause.MAILBOX_UNKNOWN}


def test_p001_a_forward_is_soft_for_the_lead() -> None:
    """Arguable; docs/decisions.md has the decision."""
    case("p001")
    stranger = "jane.private@gmail.example"

    result = outcome(changed(bounce(stranger), "mail", destination=[LEAD]))

    assert result.causes == {LEAD: Cause.FORWARD_FAILED}
    assert not result.suppressed(LEAD)
    assert not result.suppressed(stranger)


def test_p015_only_the_one_of_two_that_bounced() -> None:
    """The other one may have got the message."""
    case("p015")
    document = changed(bounce("b@y.example"), "mail", destination=["a@x.example", "b@y.example"])

    assert outcome(document).causes == {"b@y.example": Cause.MAILBOX_UNKNOWN}


def test_p032_without_a_destination_the_report_decides() -> None:
    """A null costs nothing."""
    case("p032")
    document = changed(bounce(LEAD), "mail", destination=None, commonHeaders={"to": LEAD})

    assert outcome(document).causes == {LEAD: Cause.MAILBOX_UNKNOWN}


# -------------------------------------------------------------------------- complaints


@pytest.mark.parametrize(
    ("name", "recipients"), [("p016", [{"emailAddress": LEAD}]), ("p018", None)]
)
def test_a_complaint_of_the_suppression_list_is_an_echo(name: str, recipients: object) -> None:
    """Whether or not it names the only recipient."""
    case(name)
    document = complaint(
        complaintSubType="OnAccountSuppressionList", complainedRecipients=recipients
    )
    result = outcome(document)

    assert result.causes == {LEAD: Cause.PROVIDER_SUPPRESSED}
    assert result.suppressed(LEAD, days=13)
    assert not result.suppressed(LEAD, days=15)


def test_p019_a_complaint_about_nobody_is_acknowledged_and_counted() -> None:
    """Arguable; docs/decisions.md has the decision."""
    case("p019")
    document = complaint(complainedRecipients=None)

    result = outcome(changed(document, "mail", destination=None))

    assert (result.acknowledged, result.report.unmatched) == (True, 1)
    assert result.causes == {"": None}


def test_p021_a_machine_does_not_complain() -> None:
    """Arguable; docs/decisions.md has the decision."""
    case("p021")

    assert not outcome(complaint(complaintFeedbackType="auth-failure")).suppressed(LEAD)


def test_p023_of_two_that_are_named_one_complained() -> None:
    """Both are marked."""
    case("p023")
    both = ["a@lead.example", "b@lead.example"]
    document = complaint(complainedRecipients=[{"emailAddress": one} for one in both])

    result = outcome(changed(document, "mail", destination=both))

    assert [item.event.ambiguous for item in result.ledger.recorded] == [True, True]


# ------------------------------------------------------------------------ not a bounce


def test_p014_an_empty_list_of_recipients_is_an_automatic_reply() -> None:
    """Acknowledged, and no strike."""
    case("p014")
    kinds = {"bounceType": "Undetermined", "bounceSubType": "Undetermined"}

    result = outcome(changed(bounce(LEAD), "bounce", bouncedRecipients=[], **kinds))

    assert result.acknowledged
    assert result.causes == {LEAD: None}


def test_b006_automatic_replies_on_three_days_suppress_nobody() -> None:
    """They say that someone is there."""
    case("b006")
    documents = [
        changed(
            changed(
                bounce(LEAD),
                "bounce",
                bounceType="Transient",
                bouncedRecipients=[{"emailAddress": LEAD}],
                timestamp=(datetime.now(UTC) - timedelta(days=days)).isoformat(),
            ),
            "mail",
            timestamp=None,
        )
        for days in (20, 10, 0)
    ]

    assert not outcome(*documents).suppressed(LEAD)


@pytest.mark.parametrize("name", ["b008", "b009", "b011"])
def test_what_is_no_failure_is_no_strike(name: str) -> None:
    """Whatever else the recipient's entry says."""
    said = dict(case(name)["input"])
    bounce_type = said.pop("bounceType")
    recipient = {"emailAddress": LEAD, **said}

    result = outcome(
        changed(bounce(LEAD), "bounce", bounceType=bounce_type, bouncedRecipients=[recipient])
    )

    assert result.acknowledged
    assert result.causes == {LEAD: None}


def test_p028_a_delay_is_no_strike() -> None:
    """SES still tries."""
    case("p028")
    delay = {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": LEAD}]}
    detail = {"eventType": "DeliveryDelay", "deliveryDelay": delay, "mail": bounce(LEAD)["mail"]}
    event = {"detail-type": "Email Delivery Delayed", "source": "aws.ses", "detail": detail}

    assert outcome(event).causes == {LEAD: None}


# --------------------------------------------------------------------------- wrappings


def test_p025_an_event_of_ses_without_a_mail_is_a_notice() -> None:
    """Arguable; docs/decisions.md has the decision."""
    case("p025")
    detail = {"version": "1.0", "data": {}}
    event = {"detail-type": "Sending Status Disabled", "source": "aws.ses", "detail": detail}

    result = outcome(event)

    assert (result.acknowledged, result.report.notices) == (True, 1)


WRAPPINGS: dict[str, Callable[[Json], object]] = {
    "p029": lambda body: {"Type": "Notification", "Message": body},
    "p030": lambda body: {"eventSource": "aws:sqs", "messageId": "q", "body": json.dumps(body)},
    "p035": lambda body: changed(body, "bounce", timestamp="2024-06-03T16:00:00.123456789Z"),
}


@pytest.mark.parametrize("name", WRAPPINGS)
def test_a_bounce_is_recorded_however_it_is_wrapped_and_dated(name: str) -> None:
    """Each of these forms was seen."""
    case(name)

    result = Outcome(WRAPPINGS[name](bounce(LEAD)))

    assert result.causes == {LEAD: Cause.MAILBOX_UNKNOWN}
    assert result.acknowledged


def test_p040_what_is_not_promised_is_refused_with_a_reason() -> None:
    """A body in base64 is neither SQS's nor SNS's."""
    case("p040")
    record = {
        "eventSource": "aws:sqs",
        "messageId": "q",
        "body": "eyJldmVudFR5cGUiOiJCb3VuY2UifQ==",
    }

    [(_, error)] = Outcome(record).dead_letters.messages

    assert str(error) == "body must be a JSON object"


def test_every_case_about_a_payload_has_its_test() -> None:
    """A new case does not pass unseen."""
    if not ALL:
        pytest.skip(f"no cases in {CASES.parent}")
    tested = Path(__file__).read_text(encoding="utf-8")

    missing = [name for name, one in ALL.items() if one["kind"] == "payload" and name not in tested]

    assert missing == []
