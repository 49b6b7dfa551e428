"""What a transport hands to a provider's module, and what the module gives back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bounceledger.errors import InputError
from bounceledger.events import MailEvent
from bounceledger.providers.fields import JsonObject
from bounceledger.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What a provider sent, without the wrappings of the AWS services that carried it.

    Attributes:
        provider: name in `providers.registry.PROVIDERS`. The queue that it came through says so;
            nothing inside a message does.
        content: the JSON value, or the string where it is not JSON.
        field: where it stood, such as ``Message``; for errors.
        layers: the wrappings that were removed, outermost first.
        transport_id: id that the innermost wrapping gave: the SNS ``MessageId``, the
            EventBridge ``id`` or the SQS ``messageId``; may be empty.
        received_at: when the innermost dated wrapping was made, or the webhook received the
            request; aware, UTC.
        event_source: EventBridge ``source``; empty for what came another way.
        detail_type: EventBridge ``detail-type``; likewise.
        account: AWS account that the EventBridge event names; likewise.
    """

    provider: str
    content: object
    field: str = "record"
    layers: tuple[str, ...] = ()
    transport_id: str = ""
    received_at: datetime | None = None
    event_source: str = ""
    detail_type: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a payload, the smallest part that is read by itself.

    Attributes:
        body: the provider's own JSON object.
        payload: what it came in.
    """

    body: JsonObject
    payload: Payload


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a provider said.

    Attributes:
        events: one per recipient that a document is about.
        refused: what is wrong with each recipient, or document, that is not among the events.
        notices: kinds of the documents that are about no mail, or about nobody, and need
            nothing done; short, and nothing of a person in them.
        unknown_kinds: kinds that the module does not know, whatever became of the document;
            likewise.
    """

    events: tuple[MailEvent, ...] = ()
    refused: tuple[InputError, ...] = ()
    notices: tuple[str, ...] = ()
    unknown_kinds: tuple[str, ...] = ()


class Provider(Protocol):
    """What a module of this package offers."""

    def split(self, payload: Payload) -> Iterable[Document]:
        """The documents of a payload.

        Each document's body is a payload of its own, with one event: split again, it gives the
        same document. So the webhook can split a request, and intake reads what it queued.

        Raises:
            PayloadError: the payload is not one that the provider sends.
        """
        ...

    def read(self, document: Document, settings: Settings) -> Parsed:
        """What one document says.

        Raises:
            PayloadError: the document as a whole is not one that the provider sends.
        """
        ...
