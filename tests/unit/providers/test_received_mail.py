"""Mail that a provider received, posted to the URL for events by mistake."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from bounceledger import providers
from bounceledger.errors import PayloadError
from bounceledger.providers import Payload
from bounceledger.settings import Settings
from tests.unit.providers.webhook_bodies import content_of

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)
FORM = {"to": "us@example.net", "from": "lead@example.com", "text": "Hello", "envelope": "{}"}

MAIL: Mapping[str, tuple[str, object, str]] = {
    "brevo": ("application/json", {"items": [{"Subject": "Hello"}]}, "items"),
    "mailgun": (
        "application/x-www-form-urlencoded",
        urlencode({"recipient": "us@example.net", "body-plain": "Hello"}),
        "event-data",
    ),
    "mailjet": ("application/json", {"Sender": "lead@example.com", "Text-part": "Hi"}, "Sender"),
    "postal": ("application/json", {"rcpt_to": "us@example.net", "message": "SGVs"}, "rcpt_to"),
    "postmark": ("application/json", {"FromFull": {"Email": "lead@example.com"}}, "FromFull"),
    "sendgrid": ("application/x-www-form-urlencoded", urlencode(FORM), "envelope"),
}

NOTICES: Mapping[str, object] = {
    "mailersend": {"type": "inbound.message", "data": {"object": "message"}},
    "mailtrap": {"events": [{"event": "inbound.message_received", "from": "lead@example.com"}]},
    "mandrill": {"mandrill_events": [{"event": "inbound", "msg": {"email": "us@example.net"}}]},
    "resend": {"type": "email.received", "data": {"to": ["us@example.net"]}},
}


@pytest.mark.parametrize("name", sorted(MAIL))
def test_it_is_refused_before_it_is_queued(name: str) -> None:
    """The provider shows the error to whoever configured it, and the mail is kept nowhere."""
    content_type, body, field = MAIL[name]
    payload = Payload(provider=name, content=content_of(content_type, body), received_at=RECEIVED)

    with pytest.raises(PayloadError) as caught:
        list(providers.load(name).split(payload))

    assert caught.value.field == field


@pytest.mark.parametrize("name", sorted(NOTICES))
def test_where_it_is_one_of_the_events_it_is_a_notice(name: str) -> None:
    payload = Payload(provider=name, content=NOTICES[name], received_at=RECEIVED)

    parsed = providers.read(payload, Settings())

    assert not parsed.events
    assert not parsed.refused
    assert len(parsed.notices) == 1
