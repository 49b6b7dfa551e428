"""SES documents and queue records of the tests' own making."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any


def bounce(
    address: str,
    diagnostic: str = "smtp; 550 5.1.1 user unknown",
    *,
    status: str = "5.1.1",
    lead_source: str = "webinar",
    feedback_id: str | None = None,
) -> dict[str, Any]:
    """An SES bounce event about one recipient, of now."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "eventType": "Bounce",
        "bounce": {
            "feedbackId": feedback_id or str(uuid.uuid4()),
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {
                    "emailAddress": address,
                    "action": "failed",
                    "status": status,
                    "diagnosticCode": diagnostic,
                }
            ],
            "timestamp": now,
            "reportingMTA": "dns; a1-1.smtp-out.example.test",
        },
        "mail": {
            "timestamp": now,
            "source": "sender@example.test",
            "sendingAccountId": "111122223333",
            "messageId": str(uuid.uuid4()),
            "destination": [address],
            "headersTruncated": False,
            "headers": [],
            "tags": {"lead_source": [lead_source]},
        },
    }


def sns_record(
    document: object, *, message_id: str = "record-1", published: datetime | None = None
) -> dict[str, Any]:
    """An SQS record around the SNS envelope around a document, published now by default."""
    envelope = {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": "arn:aws:sns:us-east-1:111122223333:events",
        "Message": document if isinstance(document, str) else json.dumps(document) + "\n",
        "Timestamp": (published or datetime.now(UTC)).isoformat(),
    }
    return {"messageId": message_id, "eventSource": "aws:sqs", "body": json.dumps(envelope)}
