"""The sample events of the providers that send webhooks, in `events/<provider>/`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bounceledger.providers import Payload
from tests.unit.providers.webhook_bodies import content_of

EVENTS = Path(__file__).parents[3] / "events"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSample:
    """One sample request.

    Attributes:
        provider: name of its folder.
        name: of its file, without the extension.
        content_type: of the request.
        body: a JSON value, or the text of a body that is not JSON.
        said: what the receiving server said; may be empty.
        expected: the expected outcome for each recipient, as events/README.md has it.
    """

    provider: str
    name: str
    content_type: str
    body: object
    said: str
    expected: tuple[Mapping[str, Any], ...]

    def payload(self, received_at: datetime) -> Payload:
        """What the webhook gives to the provider's module."""
        return Payload(
            provider=self.provider,
            content=content_of(self.content_type, self.body),
            received_at=received_at,
        )


def load_webhook_samples() -> Iterator[WebhookSample]:
    """Every sample of a webhook, ordered by provider and name."""
    for path in sorted(EVENTS.glob("*/*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["form"] == "webhook":
            yield WebhookSample(
                provider=path.parent.name,
                name=path.stem,
                content_type=content["content_type"],
                body=content["body"],
                said=content["said"],
                expected=tuple(content["expected"]),
            )
