"""What SES publishes about a message, and the queue messages that hold it."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from tools.demo_audit.leads import Lead, Message
from tools.demo_audit.sources import Blocklisting, Death, ResolverFailure

ACCOUNT = "111122223333"
TOPIC = f"arn:aws:sns:eu-west-1:{ACCOUNT}:demo"


type Document = dict[str, Any]


class Said(NamedTuple):
    """What a mail server, or SES itself, says, and what SES makes of it."""

    bounce_type: str
    subtype: str
    status: str
    diagnostic: str


UNKNOWN_USER = Said(
    "Permanent",
    "NoEmail",
    "5.1.1",
    "smtp; 550 5.1.1 <{}>: Recipient address rejected: User unknown",
)
RETURNED = Said("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 <{}>: no such user here")
NO_MAIL = Said("Permanent", "General", "5.3.2", "smtp; 521 5.3.2 Host does not accept mail")
NO_DOMAIN = Said("Transient", "General", "5.4.4", "smtp; 550 5.4.4 Invalid domain")
NOT_FOUND = Said(
    "Transient",
    "General",
    "5.4.4",
    "smtp; 550 5.4.4 Host or domain name not found. Name service error: Host not found",
)
BLOCKED = Said(
    "Permanent",
    "General",
    "5.7.1",
    "smtp; 550 5.7.1 Service unavailable; client host [192.0.2.25] blocked using bl.example.net",
)
FULL = Said("Transient", "MailboxFull", "5.2.2", "smtp; 552 5.2.2 <{}>: mailbox is full")
EXPIRED = Said(
    "Transient",
    "General",
    "4.4.7",
    "smtp; 550 4.4.7 Message expired: unable to deliver in 840 minutes."
    "<451 4.7.1 Greylisted, please try again later>",
)

RETURNED_AFTER = timedelta(hours=5)
"""When a host bounces a message that it had accepted."""
REPORTED_AFTER = timedelta(hours=7)
"""When a recipient reports a message as spam."""


def events(
    message: Message,
    mailed_at: datetime,
    blocklisting: Blocklisting | None,
    resolver_failure: ResolverFailure | None = None,
) -> Iterator[tuple[datetime, Document]]:
    """The events of a message that is sent, each with when it is published.

    Args:
        message: the message.
        mailed_at: when it is sent, aware UTC.
        blocklisting: of the sender, if there is one.
        resolver_failure: likewise.
    """
    lead = message.lead
    mail = _mail(message, mailed_at)
    soon = mailed_at + timedelta(seconds=3)
    if resolver_failure and resolver_failure.hits(message.day):
        yield soon, _bounce(mail, lead, soon, NOT_FOUND)
    elif blocklisting and blocklisting.refuses(message.day, lead.domain):
        yield soon, _bounce(mail, lead, soon, BLOCKED)
    elif lead.death is not None and message.day >= lead.dies_on:
        yield from _of_dead(mail, lead, lead.death, soon, mailed_at)
    elif message.number == lead.wrong_claim:
        yield soon, _bounce(mail, lead, soon, NO_MAIL)
    elif message.chance < lead.source.soft / 2:
        yield soon, _bounce(mail, lead, soon, FULL)
    elif message.chance < lead.source.soft:
        late = mailed_at + timedelta(hours=14)
        yield late, _bounce(mail, lead, late, EXPIRED)
    else:
        yield soon, _delivery(mail, lead, soon)
        if message.reported < lead.source.complaints:
            late = mailed_at + REPORTED_AFTER
            yield late, _complaint(mail, lead, late)


def _of_dead(
    mail: Document, lead: Lead, death: Death, soon: datetime, mailed_at: datetime
) -> Iterator[tuple[datetime, Document]]:
    match death:
        case Death.REFUSED:
            yield soon, _bounce(mail, lead, soon, UNKNOWN_USER)
        case Death.RETURNED:
            yield soon, _delivery(mail, lead, soon)
            late = mailed_at + RETURNED_AFTER
            yield late, _bounce(mail, lead, late, RETURNED)
        case Death.NO_MAIL:
            yield soon, _bounce(mail, lead, soon, NO_MAIL)
        case Death.NO_DOMAIN:
            yield soon, _bounce(mail, lead, soon, NO_DOMAIN)


def queue_record(document: Document, published: datetime, name: str) -> dict[str, Any]:
    """The SQS message with the SNS notification about an event."""
    notification = {
        "Type": "Notification",
        "MessageId": name,
        "TopicArn": TOPIC,
        "Message": json.dumps(document),
        "Timestamp": _time(published),
    }
    return {"messageId": name, "eventSource": "aws:sqs", "body": json.dumps(notification)}


def _mail(message: Message, mailed_at: datetime) -> Document:
    lead = message.lead
    collected: date = (mailed_at - timedelta(days=message.day + lead.age)).date()
    return {
        "timestamp": _time(mailed_at),
        "source": "news@sender.example",
        "sendingAccountId": ACCOUNT,
        "messageId": message.id,
        "destination": [lead.address],
        "headersTruncated": False,
        "headers": [],
        "tags": {"lead_source": [lead.source.name], "lead_date": [collected.isoformat()]},
    }


def _delivery(mail: Document, lead: Lead, at: datetime) -> Document:
    return {
        "eventType": "Delivery",
        "mail": mail,
        "delivery": {
            "timestamp": _time(at),
            "processingTimeMillis": 3000,
            "recipients": [lead.address],
            "smtpResponse": "250 2.0.0 OK",
            "reportingMTA": "a1-2.smtp-out.sender.example",
        },
    }


def _bounce(mail: Document, lead: Lead, at: datetime, said: Said) -> Document:
    return {
        "eventType": "Bounce",
        "mail": mail,
        "bounce": {
            "feedbackId": f"{mail['messageId']}-bounce",
            "bounceType": said.bounce_type,
            "bounceSubType": said.subtype,
            "bouncedRecipients": [
                {
                    "emailAddress": lead.address,
                    "action": "failed",
                    "status": said.status,
                    "diagnosticCode": said.diagnostic.format(lead.address),
                }
            ],
            "timestamp": _time(at),
            "reportingMTA": "dns; a1-2.smtp-out.sender.example",
        },
    }


def _complaint(mail: Document, lead: Lead, at: datetime) -> Document:
    return {
        "eventType": "Complaint",
        "mail": mail,
        "complaint": {
            "feedbackId": f"{mail['messageId']}-complaint",
            "complainedRecipients": [{"emailAddress": lead.address}],
            "timestamp": _time(at),
            "complaintFeedbackType": "abuse",
        },
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
