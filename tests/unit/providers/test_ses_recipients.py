"""Whose bounce: the address that was mailed decides, and not what a server's report names."""

from typing import Any

import pytest

from bounceledger.events import Kind, MailEvent
from bounceledger.providers import Parsed, Payload, ses
from bounceledger.providers.ses_recipients import is_ses
from bounceledger.settings import Settings

SETTINGS = Settings(allowed_accounts=frozenset("*"))

LEAD = "ada@orchard.example"
SES_MTA = "dns; b7-31.smtp-out.eu-west-1.amazonses.com"
OTHER_MTA = "dns; mx1.orchard.example"


def entry(address: object, **changes: object) -> dict[str, object]:
    said = {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no such user"}
    return {"emailAddress": address, **said, **changes}


def bounce(
    *entries: object, to: object = (LEAD,), reporter: str | None = OTHER_MTA, **changes: object
) -> dict[str, Any]:
    """A bounce of a message to some recipients, as a server reports it."""
    return {
        "eventType": "Bounce",
        "bounce": {
            "feedbackId": "f-1",
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": list(entries),
            "timestamp": "2026-02-03T10:00:05Z",
            "reportingMTA": reporter,
            **changes,
        },
        "mail": {
            "timestamp": "2026-02-03T10:00:00Z",
            "messageId": "m-1",
            "destination": list(to) if isinstance(to, tuple) else to,
        },
    }


def complaint(*named: str, to: tuple[str, ...] | None = (LEAD,)) -> dict[str, Any]:
    recipients = [{"emailAddress": address} for address in named]
    section = {"feedbackId": "f-2", "complainedRecipients": recipients}
    return {
        "eventType": "Complaint",
        "complaint": section,
        "mail": {"messageId": "m-1", "destination": None if to is None else list(to)},
    }


def read(body: dict[str, Any]) -> Parsed:
    [document] = ses.split(Payload(provider="ses", content=body))
    return ses.read(document, SETTINGS)


def only(body: dict[str, Any]) -> MailEvent:
    parsed = read(body)
    assert parsed.refused == ()
    [event] = parsed.events
    return event


# ------------------------------------------------------------------- one destination

OTHER_FORMS = [
    r"\"ada.\"@orchard.example",
    "IMCEAEX-_o=Fruit_ou=Exchange+20Group_cn=Recipients_cn=ada@eurprd05.prod.outlook.com",
    "/o=Fruit/ou=Exchange Group/cn=Recipients/cn=ada",
    "/G=Ada/S=Apple/O=Fruit/@x400.relay.example",
    "c=DE; a= ; p=Fruit; o=Orchard; s=Apple; g=Ada",
    "ada@corp",
    "unknown; ada@mailstore.example",
    "SRS0=Ab1c=7Q=orchard.example=ada@relay.example",
    "SRS1=Zz9=relay.example==Ab1c=7Q=orchard.example=ada@next.example",
    "ada=orchard.example@relay.example",
    "ada@fruit.mail.onmicrosoft.com",
    "ada@eurprd05.prod.outlook.com",
    "not an address",
    "",
    None,
    5,
]


@pytest.mark.parametrize("named", OTHER_FORMS)
def test_the_only_recipient_bounced_whatever_the_report_calls_it(named: object) -> None:
    """A report in the words of a directory must not leave a dead lead mailable."""
    # GIVEN the report of another server about a message to one recipient
    event = only(bounce(entry(named)))

    # THEN it is about that one, and about that mailbox itself
    assert (event.kind, event.address, event.forwarded_to) == (Kind.BOUNCE, LEAD, "")


@pytest.mark.parametrize("reporter", [SES_MTA, OTHER_MTA, None, "", "nonsense"])
@pytest.mark.parametrize("named", ["no address", "/o=Fruit/cn=ada"])
def test_what_cannot_be_read_is_the_only_recipient_whoever_reports(
    named: str, reporter: str | None
) -> None:
    """There is no doubt about whom a message to one recipient reached."""
    assert only(bounce(entry(named), reporter=reporter)).address == LEAD


@pytest.mark.parametrize("alias", ["ada.apple@orchard.example", "ada@mail.orchard.example"])
def test_an_alias_at_the_same_registrable_domain_is_the_mailed_address(alias: str) -> None:
    """A host that resolves an alias before it refuses speaks of the same mailbox."""
    event = only(bounce(entry(alias)))

    assert (event.address, event.forwarded_to) == (LEAD, "")


@pytest.mark.parametrize(
    ("mailed", "named"),
    [
        (LEAD, "ada.private@freemail.example"),
        ("ada@one.co.uk", "ada@two.co.uk"),
        ("ada@one.github.io", "ada@two.github.io"),
        (LEAD, "x.orchard.example.y@freemail.example"),
    ],
)
def test_another_registrable_domain_is_a_forward(mailed: str, named: str) -> None:
    """Where the lead's mail goes on to says nothing certain about the lead."""
    # GIVEN another server's report about an address somewhere else
    event = only(bounce(entry(named), to=(mailed,)))

    # THEN the lead's own address is recorded, with the domain of the forward
    assert event.address == mailed
    assert event.forwarded_to == named.rpartition("@")[2]


def test_of_several_entries_the_one_about_the_mailed_address_itself_counts() -> None:
    """One feedback about one address is one event, and the order of entries means nothing."""
    forward, own = entry("ada@freemail.example", status="5.2.2"), entry(LEAD)

    assert only(bounce(forward, own)).status == "5.1.1"
    assert only(bounce(own, forward)).event_id == only(bounce(forward, own)).event_id
    assert only(bounce(own, forward)).status == "5.1.1"


# ---------------------------------------------------------------------- SES reports


def test_where_ses_reports_its_address_is_the_one_that_was_mailed() -> None:
    """SES names its own RCPT TO, so nothing was forwarded yet."""
    event = only(bounce(entry("ben@freemail.example"), reporter=SES_MTA))

    assert (event.address, event.forwarded_to) == ("ben@freemail.example", "")


def test_the_suppression_list_of_ses_is_ses_itself() -> None:
    """No other server can say that SES held a message back."""
    body = bounce(
        entry("ben@freemail.example"), reporter=None, bounceSubType="OnAccountSuppressionList"
    )

    assert only(body).address == "ben@freemail.example"


@pytest.mark.parametrize(
    ("reporter", "expected"),
    [
        ("dns; a8-31.smtp-out.amazonses.com", True),
        ("dsn; a39-129.smtp-out.AmazonSES.com.", True),
        ("dns;amazonses.com", True),
        ("amazonses.com", True),
        ("dns; amazonses.com.relay.example", False),
        ("dns; notamazonses.com", False),
        ("dns; mx1.orchard.example", False),
        ("", False),
    ],
)
def test_ses_is_told_by_its_domain(reporter: str, *, expected: bool) -> None:
    """A name that only contains the domain belongs to someone else."""
    assert is_ses(reporter) is expected


# ------------------------------------------------------- several destinations, or none


def test_of_several_the_one_with_that_canonical_address_bounced() -> None:
    """Spelling does not matter; who else got the message does not either."""
    event = only(bounce(entry("rfc822; <Ada@ORCHARD.example>"), to=("ben@x.example", LEAD)))

    assert (event.address, event.unmatched, event.forwarded_to) == (LEAD, False, "")


@pytest.mark.parametrize(
    "named", ["stranger@freemail.example", "ada.apple@orchard.example", "ada@corp", "nonsense"]
)
def test_what_matches_none_of_several_is_recorded_as_unmatched(named: str) -> None:
    """Whoever is suppressed by a guess may be alive."""
    # GIVEN another server's report about none of the two that were mailed
    event = only(bounce(entry(named), to=("ben@x.example", LEAD)))

    # THEN an event says so and holds nobody's address
    assert (event.kind, event.address, event.unmatched) == (Kind.BOUNCE, "", True)


def test_events_that_match_nobody_are_told_apart() -> None:
    """Each is counted once."""
    body = bounce(
        entry("x@a.example"), entry("y@a.example"), entry("x@a.example"), to=("b@c.de", LEAD)
    )

    assert len(read(body).events) == 2


@pytest.mark.parametrize("to", [None, [], 5, [None], {}])
def test_without_a_destination_the_report_decides(to: object) -> None:
    """It is all that is known."""
    assert only(bounce(entry("Ada@Orchard.example"), to=to)).address == LEAD


def test_another_servers_report_about_a_destination_that_cannot_be_read_is_unmatched() -> None:
    """Someone was mailed; that it was the one in the report is only the report's word."""
    event = only(bounce(entry(LEAD), to=("ada@corp",)))

    assert (event.address, event.unmatched) == ("", True)


def test_where_ses_reports_a_destination_that_cannot_be_read_does_not_matter() -> None:
    """SES names whom it mailed."""
    assert only(bounce(entry(LEAD), to=("ada@corp",), reporter=SES_MTA)).address == LEAD


def test_where_neither_report_nor_destination_can_be_read_the_entry_is_refused() -> None:
    """The dead-letter queue keeps it."""
    [error] = read(bounce(entry("nonsense"), to=("ada@corp",))).refused

    assert error.field == "bounce.bouncedRecipients[0].emailAddress"


@pytest.mark.parametrize("nameless", [{"status": "5.1.1"}, {"emailAddress": None}, {"x": 1}])
def test_an_entry_without_an_address_matches_none_of_several(nameless: dict[str, Any]) -> None:
    """It names nobody, as an entry about a stranger does."""
    event = only(bounce(nameless, to=("ben@x.example", LEAD)))

    assert (event.kind, event.address, event.unmatched) == (Kind.BOUNCE, "", True)


def test_the_same_destination_in_two_spellings_is_one() -> None:
    """Otherwise an unreadable report would match nobody."""
    assert only(bounce(entry("nonsense"), to=(LEAD, "Ada@orchard.EXAMPLE"))).address == LEAD


# ----------------------------------------------------------------------- complaints


def test_the_only_recipient_complained_whoever_the_report_names() -> None:
    """Mailbox providers redact complaints, and people forward mail."""
    event = only(complaint("someone@freemail.example", "another@freemail.example"))

    assert (event.address, event.ambiguous, event.unmatched) == (LEAD, False, False)


@pytest.mark.parametrize("named", ["x", {"emailAddress": 5}, [5], [None], [[]]])
def test_the_only_recipient_complained_whatever_stands_for_one(named: object) -> None:
    """As of a bounce: nobody else received the message."""
    body = complaint()
    body["complaint"]["complainedRecipients"] = named

    assert only(body).address == LEAD


def test_of_several_recipients_those_named_complained() -> None:
    """All that are named, since one of them did."""
    parsed = read(complaint("ben@x.example", LEAD, to=("ben@x.example", LEAD, "cy@x.example")))

    assert [(one.address, one.ambiguous) for one in parsed.events] == [
        ("ben@x.example", True),
        (LEAD, True),
    ]


def test_a_complaint_of_a_stranger_about_a_message_to_several_matches_nobody() -> None:
    """It is counted, and suppresses neither the stranger nor a guess."""
    event = only(complaint("stranger@freemail.example", to=("ben@x.example", LEAD)))

    assert (event.kind, event.address, event.unmatched) == (Kind.COMPLAINT, "", True)
