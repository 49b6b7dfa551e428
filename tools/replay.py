"""Sends sample events through a running stack and reads the outcome of each."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bounceledger.ledger import items
from bounceledger.ledger.table import RetryBudget, Table
from bounceledger.verdict import DISPOSITIONS
from tools.samples import Sample
from tools.stack import Stack, call_api, post_webhook, publish, wait_for
from tools.webhook_samples import WebhookSample

DRAIN_SECONDS = 120
"""How long the queue may take to empty."""

_COMPARED = ("lead_source", "category", "disposition", "suppressed", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientOutcome:
    """The outcome for one recipient of a sample event.

    Attributes:
        address: canonical address; empty if the event has none.
        lead_source: the lead source that the event was attributed to; None if nothing was
            recorded.
        category: category of the reply, or the kind of event if it is not a bounce.
        disposition: what that means for the recipient; None if it is not a bounce.
        suppressed: whether the API reports the address as suppressed.
        reason: reason that the API gives for that.
        expected: the outcome in the sample's file.
    """

    address: str
    lead_source: str | None
    category: str | None
    disposition: str | None
    suppressed: bool | None
    reason: str | None
    expected: Mapping[str, Any]

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """Actual and expected value of every field that is not as expected."""
        return {
            name: (getattr(self, name), self.expected[name])
            for name in _COMPARED
            if name in self.expected and getattr(self, name) != self.expected[name]
        }

    def to_json(self) -> dict[str, Any]:
        """The outcome as a JSON object."""
        return {
            "address": self.address,
            "lead_source": self.lead_source,
            "category": self.category,
            "disposition": self.disposition,
            "suppressed": self.suppressed,
            "reason": self.reason,
            "expected": dict(self.expected),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOutcome:
    """The outcome of one sample event, or request of a webhook.

    Attributes:
        sample: the event or request.
        recipients: the outcome for each recipient in the sample's file.
        dead_letter: ``reason`` and ``field`` if the event is in the dead-letter queue.
    """

    sample: Sample | WebhookSample
    recipients: tuple[RecipientOutcome, ...]
    dead_letter: Mapping[str, str] | None

    @property
    def ok(self) -> bool:
        """Whether the outcome is as expected."""
        return not self.differences

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """Actual and expected value of everything that is not as expected."""
        found = {
            f"{recipient.address} {name}": values
            for recipient in self.recipients
            for name, values in recipient.differences.items()
        }
        expected = next(
            (e["dead_letter"] for e in self.sample.expected if "dead_letter" in e), None
        )
        actual = self.dead_letter["reason"] if self.dead_letter else None
        return found if actual == expected else found | {"dead_letter": (actual, expected)}

    def to_json(self) -> dict[str, Any]:
        """One JSON object: the first recipient's outcome, and the others' below ``others``."""
        first, *others = self.recipients
        return {
            "provider": self.sample.provider,
            "event": self.sample.name,
            **first.to_json(),
            "dead_letter": dict(self.dead_letter) if self.dead_letter else None,
            "others": [other.to_json() for other in others],
            "ok": self.ok,
        }


def replay(
    stack: Stack,
    samples: Iterable[Sample | WebhookSample],
    *,
    advance: Callable[[], None] = lambda: None,
) -> Iterator[SampleOutcome]:
    """Send samples, wait until all are processed, and yield the outcome of each.

    Those of SES go to its topic or queue, requests of other providers, signed, to their webhooks.

    Args:
        stack: the running stack.
        samples: distinct samples.
        advance: called after every sample that was sent.
    """
    samples = list(samples)
    for sample in samples:
        if isinstance(sample, WebhookSample):
            _post(stack, sample)
        elif sample.form == "sns":
            publish(stack, sample.message)
        else:
            stack.client("sqs").send_message(QueueUrl=stack.queue_url, MessageBody=sample.body)
        advance()
    wait_until_processed(stack)
    letters = list(drain_dead_letters(stack))
    for sample in samples:
        yield SampleOutcome(
            sample=sample,
            recipients=tuple(_recipient_outcome(stack, expected) for expected in sample.expected),
            dead_letter=_dead_letter_of(sample, letters),
        )


def wait_until_processed(stack: Stack) -> None:
    """Wait until the queues have no waiting events and none in flight."""
    sqs = stack.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty(url: str) -> bool:
        response = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return not any(int(response["Attributes"][name]) for name in names)

    queues = (stack.queue_url, stack.webhook_queue_url)
    if not wait_for(lambda: all(map(is_empty, queues)), DRAIN_SECONDS):
        raise SystemExit(
            f"A queue of events still holds messages after {DRAIN_SECONDS} s. "
            "See the newest .local/emulator-*.log for errors from ingest."
        )


def drain_dead_letters(stack: Stack) -> Iterator[dict[str, str]]:
    """Remove every message from the dead-letter queues; yield its body, reason and field."""
    for url in (stack.dead_letter_queue_url, stack.webhook_dead_letter_queue_url):
        yield from _drain(stack, url)


def _post(stack: Stack, sample: WebhookSample) -> None:
    answer = post_webhook(stack, sample.provider, sample.body, content_type=sample.content_type)
    if answer.status != 200:
        raise SystemExit(
            f"The webhook answered {sample.provider}/{sample.name} with {answer.status}: "
            f"{answer.body}"
        )


def _drain(stack: Stack, url: str) -> Iterator[dict[str, str]]:
    sqs = stack.client("sqs")
    while messages := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        MessageAttributeNames=["All"],
    ).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            attributes = message.get("MessageAttributes", {})
            yield {
                "body": message["Body"],
                **{name: value["StringValue"] for name, value in attributes.items()},
            }


def _dead_letter_of(
    sample: Sample | WebhookSample, letters: Iterable[Mapping[str, str]]
) -> dict[str, str] | None:
    for letter in letters:
        body = json.loads(letter["body"])
        if isinstance(sample, WebhookSample):
            found = any(sample.has(document) for document in body.get("documents", ()))
        else:
            found = letter["body"] == sample.body or body.get("Message") == sample.message
        if found:
            return {"reason": letter["reason"], "field": letter["field"]}
    return None


def _recipient_outcome(stack: Stack, expected: Mapping[str, Any]) -> RecipientOutcome:
    address = expected.get("address", "")
    answer = call_api(stack, "/v1/suppressions", {"address": address}).body
    event = _recorded_event(stack, address)
    category = event.category if event else None
    return RecipientOutcome(
        address=address,
        lead_source=event.lead_source if event else None,
        category=(category or event.kind).value if event else None,
        disposition=DISPOSITIONS[category].value if category else None,
        suppressed=answer.get("suppressed"),
        reason=answer.get("reason"),
        expected={name: value for name, value in expected.items() if name != "address"},
    )


def _recorded_event(stack: Stack, address: str) -> items.RecordedEvent | None:
    """The event that was recorded for an address; None if there is none.

    A delivery is recorded in the item of its message, so all items of the address are read.
    """
    table = Table(stack.client("dynamodb"), stack.table_name)
    found = table.query(items.facts_key(address).pk, ("!", items.LAST), RetryBudget())
    return next(filter(None, map(items.recorded_event_of_item, found)), None)
