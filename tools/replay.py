"""Sends sample events through a running stack and reads what became of each."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.samples import Sample
from tools.stack import Stack, call_api, publish, wait_for

SETTLE_SECONDS = 60
"""How long the queue may take to run empty."""

_COMPARED = ("lead_source", "category", "disposition", "suppressed", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What became of one recipient of a sample event.

    Attributes:
        address: canonical; empty if the event has none.
        lead_source: whom the event was booked against; None if it was not booked.
        category: what was read from the reply, or else the kind of event.
        disposition: what that means for the recipient; None where there was no reply.
        suppressed: what the API says.
        reason: why, by the API.
        expected: what its file says.
    """

    address: str
    lead_source: str | None
    category: str | None
    disposition: str | None
    suppressed: bool | None
    reason: str | None
    expected: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether it ended as its file says."""
        return all(
            getattr(self, name) == self.expected[name]
            for name in _COMPARED
            if name in self.expected
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a sample event.

    Attributes:
        sample: the event.
        recipients: every recipient that its file names.
        dead_letter: ``reason`` and ``field`` if it went to the dead-letter queue.
    """

    sample: Sample
    recipients: tuple[Recipient, ...]
    dead_letter: Mapping[str, str] | None

    @property
    def ok(self) -> bool:
        """Whether the event ended as its file says."""
        reasons = [e.get("dead_letter") for e in self.sample.expected if "dead_letter" in e]
        ended = self.dead_letter["reason"] if self.dead_letter else None
        return all(recipient.ok for recipient in self.recipients) and [ended] == (reasons or [None])

    def to_json(self) -> dict[str, Any]:
        """One line of JSON: the first recipient's fate, the others' below ``others``."""
        first, *others = self.recipients
        return {
            "event": self.sample.name,
            **_recipient_json(first),
            "dead_letter": dict(self.dead_letter) if self.dead_letter else None,
            "others": [_recipient_json(other) for other in others],
            "ok": self.ok,
        }


def _recipient_json(recipient: Recipient) -> dict[str, Any]:
    return {
        "address": recipient.address,
        "lead_source": recipient.lead_source,
        "category": recipient.category,
        "disposition": recipient.disposition,
        "suppressed": recipient.suppressed,
        "reason": recipient.reason,
        "expected": dict(recipient.expected),
    }


def replay(
    stack: Stack, samples: Iterable[Sample], *, advance: Callable[[], None] = lambda: None
) -> Iterator[Fate]:
    """Send samples in, wait until all are handled, and yield what became of each.

    Args:
        stack: the running stack.
        samples: distinct samples.
        advance: called after every sample that was sent.
    """
    samples = list(samples)
    for sample in samples:
        if sample.form == "sns":
            publish(stack, sample.message)
        else:
            stack.client("sqs").send_message(QueueUrl=stack.queue_url, MessageBody=sample.body)
        advance()
    wait_until_handled(stack)
    letters = list(drain_dead_letters(stack))
    for sample in samples:
        yield Fate(
            sample=sample,
            recipients=tuple(_recipient(stack, expected) for expected in sample.expected),
            dead_letter=_letter_of(sample, letters),
        )


def wait_until_handled(stack: Stack) -> None:
    """Wait until no event waits in the queue or is under way."""
    sqs = stack.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def empty() -> bool:
        answer = sqs.get_queue_attributes(QueueUrl=stack.queue_url, AttributeNames=names)
        return not any(int(answer["Attributes"][name]) for name in names)

    if not wait_for(empty, SETTLE_SECONDS):
        raise SystemExit(f"the queue did not run empty within {SETTLE_SECONDS} s")


def drain_dead_letters(stack: Stack) -> Iterator[dict[str, str]]:
    """Take what is in the dead-letter queue: body, reason and field of each message."""
    sqs = stack.client("sqs")
    while messages := sqs.receive_message(
        QueueUrl=stack.dead_letter_queue_url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
    ).get("Messages"):
        for message in messages:
            sqs.delete_message(
                QueueUrl=stack.dead_letter_queue_url, ReceiptHandle=message["ReceiptHandle"]
            )
            attributes = message.get("MessageAttributes", {})
            yield {
                "body": message["Body"],
                **{name: value["StringValue"] for name, value in attributes.items()},
            }


def _letter_of(sample: Sample, letters: Iterable[Mapping[str, str]]) -> dict[str, str] | None:
    for letter in letters:
        body = json.loads(letter["body"])
        if letter["body"] == sample.body or body.get("Message") == sample.message:
            return {"reason": letter["reason"], "field": letter["field"]}
    return None


def _recipient(stack: Stack, expected: Mapping[str, Any]) -> Recipient:
    address = expected.get("address", "")
    answer = call_api(stack, "/v1/suppressions", {"address": address}).body
    event = _event_of(stack, address)
    return Recipient(
        address=address,
        lead_source=event.get("lead_source"),
        category=event.get("category", event.get("kind")),
        disposition=event.get("disposition"),
        suppressed=answer.get("suppressed"),
        reason=answer.get("reason"),
        expected={name: value for name, value in expected.items() if name != "address"},
    )


def _event_of(stack: Stack, address: str) -> dict[str, str]:
    """The event that was booked for an address, as the table has it."""
    from bounceledger.verdict import DISPOSITIONS, Category

    items = stack.client("dynamodb").query(
        TableName=stack.table_name,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :event)",
        ExpressionAttributeValues={
            ":pk": {"S": f"ADDRESS#{address}"},
            ":event": {"S": "EVENT#"},
        },
    )["Items"]
    if not items:
        return {}
    event = {name: value["S"] for name, value in items[0].items() if "S" in value}
    if "category" in event:
        event["disposition"] = DISPOSITIONS[Category(event["category"])].value
    return event
