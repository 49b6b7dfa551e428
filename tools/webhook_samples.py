"""The sample requests of the providers that send webhooks, in `events/<provider>/`."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bounceledger.providers import Payload, load
from bounceledger.webhooks.request import Request
from tools.samples import ANCHOR

EVENTS = Path(__file__).parents[1] / "events"

_TIME = re.compile(r"2026-01-1[4-6]([T ])\d\d:\d\d:\d\d")
_SECONDS = re.compile(r"\b1768[345]\d{5}(?=\d{3}\b|\b)")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSample:
    """One sample request.

    Attributes:
        provider: name of its folder.
        name: of its file, without the extension.
        description: what it shows, in one sentence.
        content_type: of the request.
        body: as the provider sends it, before it is signed.
        said: what the receiving server said; may be empty.
        expected: the expected outcome for each recipient, as events/README.md has it.
    """

    provider: str
    name: str
    description: str
    content_type: str
    body: bytes
    said: str
    expected: tuple[Mapping[str, Any], ...]

    def has(self, document: object) -> bool:
        """Whether a document of the webhook queue came from it."""
        payload = self.payload(datetime.now(UTC))
        return document in [one.body for one in load(self.provider).split(payload)]

    def payload(self, received_at: datetime) -> Payload:
        """What the webhook gives to the provider's module."""
        request = Request(
            headers={"content-type": self.content_type},
            body=self.body,
            url="",
            received_at=received_at,
        )
        return Payload(
            provider=self.provider,
            content=request.content(),
            field="body",
            received_at=received_at,
        )


def load_webhook_samples(now: datetime | None = None) -> Iterator[WebhookSample]:
    """Every sample of a webhook, ordered by provider and name.

    Args:
        now: the aware time to which they are moved; by default they keep the times of their files.
    """
    shift = timedelta() if now is None else now - ANCHOR
    for path in sorted(EVENTS.glob("*/*.json")):
        content = json.loads(_shifted(path.read_text(encoding="utf-8"), shift))
        if content["form"] != "webhook":
            continue
        body = content["body"]
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        yield WebhookSample(
            provider=path.parent.name,
            name=path.stem,
            description=content["description"],
            content_type=content["content_type"],
            body=text.encode(),
            said=content["said"],
            expected=tuple(content["expected"]),
        )


def _shifted(text: str, shift: timedelta) -> str:
    """A text with its times moved: ISO 8601 with its own separator, seconds, or milliseconds."""

    def move(found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(found[0]).replace(tzinfo=UTC) + shift
        return moment.strftime(f"%Y-%m-%d{found[1]}%H:%M:%S")

    seconds = int(shift.total_seconds())
    return _SECONDS.sub(lambda found: str(int(found[0]) + seconds), _TIME.sub(move, text))
