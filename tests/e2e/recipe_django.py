"""Sends messages through the recipe for django-anymail; prints what Amazon SES was asked to send.

Usage: recipe_django.py RECIPE API_URL, with one list of recipients per line of the input, as JSON.
"""

import json
import runpy
import sys
from typing import Any

from django.conf import settings

RECIPE, API_URL = sys.argv[1:]

settings.configure(
    ANYMAIL={"AMAZON_SES_MESSAGE_TAG_NAME": "lead_source"}, BOUNCELEDGER_API_URL=API_URL
)

from anymail.backends.amazon_ses import EmailBackend  # noqa: E402 - needs settings
from django.core.mail import EmailMessage  # noqa: E402

RECEIVERS = runpy.run_path(RECIPE)
"""Signals keep weak references to the functions that they call."""


def main() -> None:
    """Send a message to each list of recipients."""
    sent: list[dict[str, Any]] = []
    connection = EmailBackend()
    connection.open()
    connection.client.meta.events.register(
        "provide-client-params.sesv2.SendEmail", lambda params, **_: sent.append(params)
    )
    for line in sys.stdin:
        message = EmailMessage("News", "Read on", "news@example.com", **json.loads(line))
        message.tags = ["fair-2026"]
        connection.send_messages([message])
    asked = [{name: one.get(name) for name in ("Destination", "EmailTags")} for one in sent]
    print(json.dumps(asked))  # noqa: T201


main()
