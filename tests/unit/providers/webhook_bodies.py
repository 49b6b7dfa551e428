"""Bodies of webhook requests, as the content that a provider's module splits."""

import json
from datetime import UTC, datetime

from bounceledger.webhooks.request import Request


def content_of(content_type: str, body: object) -> object:
    """What a request holds: a JSON value, or form fields by name.

    Args:
        content_type: of the request.
        body: a JSON value, or the text of a body that is not JSON.
    """
    text = body if isinstance(body, str) else json.dumps(body)
    request = Request(
        headers={"content-type": content_type},
        body=text.encode(),
        url="https://api.example/live/v1/webhooks/any",
        received_at=datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC),
    )
    return request.content()
