"""The messages of the webhook queue: the documents of a provider's request, many to a message.

The webhook packs them, intake unpacks them. Nothing else may send to that queue, so what a message
says about its provider is true.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from bounceledger import strict_json
from bounceledger.envelope import unwrap
from bounceledger.errors import EnvelopeError
from bounceledger.providers import Document, Payload, is_provider
from bounceledger.providers.fields import JsonObject, parse_timestamp
from bounceledger.queues import MAX_SIZE

MAX_DOCUMENTS = 50
"""Documents of one message, so that a batch of messages does not take too long to record."""
MESSAGE_SIZE = 100_000
"""Bytes that are not exceeded by adding a document: ten such messages fit into one call."""
MAX_MESSAGE_SIZE = MAX_SIZE - 8192
"""Bytes of a message: as many as SQS takes, less room for the reason that it may get in the
dead-letter queue, since message attributes count as well."""


@dataclass(frozen=True, slots=True)
class WebhookMessages:
    """How the documents of one request become messages.

    Args:
        provider: whose request it was, a name in `providers.registry.PROVIDERS`.
        received_at: when it was received; aware, UTC.
    """

    provider: str
    received_at: datetime

    def pack(self, documents: Iterable[Document]) -> Iterator[str]:
        """JSON messages in ASCII that hold the documents in order.

        A single document may make a message larger than `MAX_MESSAGE_SIZE`; the caller refuses it.
        """
        head = json.dumps(
            {"provider": self.provider, "received_at": self.received_at.isoformat()}
        ).removesuffix("}")
        empty = len(f'{head}, "documents": []}}')
        packed: list[str] = []
        size = empty
        for document in documents:
            text = json.dumps(document.body, separators=(",", ":"))
            if packed and (len(packed) == MAX_DOCUMENTS or size + len(text) + 1 > MESSAGE_SIZE):
                yield f'{head}, "documents": [{",".join(packed)}]}}'
                packed, size = [], empty
            packed.append(text)
            size += len(text) + 1
        if packed:
            yield f'{head}, "documents": [{",".join(packed)}]}}'


def is_webhook_record(record: object, queue_arn: str) -> bool:
    """Whether Lambda read a record from the webhook queue.

    The source is written by Lambda itself, outermost; a sender chooses what is inside.
    """
    return (
        queue_arn != ""
        and isinstance(record, Mapping)
        and record.get("eventSource") == "aws:sqs"
        and record.get("eventSourceARN") == queue_arn
    )


def unpack(record: JsonObject) -> Iterator[Payload]:
    """The documents in a record of the webhook queue, each as the payload that it is.

    Raises:
        EnvelopeError: it is not a message of this module.
    """
    body = record.get("body")
    try:
        message = strict_json.loads(body) if isinstance(body, str) else None
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, Mapping):
        raise EnvelopeError("must be a JSON object", field="body")
    provider, documents = message.get("provider"), message.get("documents")
    if not isinstance(provider, str) or not is_provider(provider):
        raise EnvelopeError("must be the name of a provider", field="provider")
    if not isinstance(documents, list):
        raise EnvelopeError("must be a list", field="documents")
    try:
        received_at = parse_timestamp(str(message.get("received_at")))
    except ValueError as error:
        raise EnvelopeError(str(error), field="received_at") from None
    transport_id = str(record.get("messageId") or "")
    for index, document in enumerate(documents):
        if provider == "ses":  # what came over HTTPS is an SNS message
            yield unwrap(document, provider=provider)
        else:
            yield Payload(
                provider=provider,
                content=document,
                field=f"documents[{index}]",
                layers=("sqs", "webhook"),
                transport_id=transport_id,
                received_at=received_at,
            )
