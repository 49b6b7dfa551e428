"""Agreement with the shared payloads of the providers that send webhooks.

`expected` of a payload is the reading of django-anymail, or of symfony/mailer. Where ours differs,
a file in `other_esp_differences/` says so, one per provider: `reading` (events, kind, recipient,
message, time, reply or metadata), `id` and `reason`. A difference that is not listed fails, and so
does a listed one that is none any more. Payloads that differ in `events` have another number of
them, so nothing else of them is compared.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bounceledger import providers
from bounceledger.addresses import clean_lead_source, normalise_address
from bounceledger.errors import InputError
from bounceledger.events import Kind, MailEvent, ProviderReason
from bounceledger.providers import Parsed, Payload
from bounceledger.providers.fields import parse_timestamp
from bounceledger.providers.registry import PROVIDERS
from bounceledger.settings import Settings
from tests.unit.providers.webhook_bodies import content_of

SHARED = Path(__file__).parents[3].parent / "shared" / "payloads"
DIFFERENCES = Path(__file__).with_name("other_esp_differences")

RECEIVED = datetime(2026, 1, 15, 10, 0, 6, tzinfo=UTC)

NOT_FROM_US = 400
"""Status of the reference for a request that is not signed: not the concern of a module."""

ECHO = (Kind.BOUNCE, ProviderReason.SUPPRESSION_LIST)
AUTOMATIC = (Kind.BOUNCE, ProviderReason.AUTOMATIC_REPLY)

type Json = dict[str, Any]
type Reading = Kind | tuple[Kind, ProviderReason]

KINDS: Mapping[str, Sequence[Reading]] = {
    # event_type of django-anymail
    "queued": [Kind.SEND],
    "sent": [Kind.SEND],
    "delivered": [Kind.DELIVERY],
    "deferred": [Kind.DELIVERY_DELAY],
    "bounced": [Kind.BOUNCE],
    "rejected": [ECHO, Kind.REJECT],
    "failed": [Kind.REJECT, Kind.RENDERING_FAILURE],
    "complained": [Kind.COMPLAINT],
    "unsubscribed": [Kind.UNSUBSCRIBE],
    "subscribed": [Kind.SUBSCRIPTION],
    "autoresponded": [AUTOMATIC],
    "opened": [Kind.OPEN],
    "clicked": [Kind.CLICK],
    "unknown": [Kind.OTHER],
    # type of symfony/mailer
    "RECEIVED": [Kind.SEND],
    "DELIVERED": [Kind.DELIVERY],
    "DEFERRED": [Kind.DELIVERY_DELAY],
    "BOUNCE": [Kind.BOUNCE],
    "DROPPED": [ECHO, Kind.REJECT],
    "SPAM": [Kind.COMPLAINT],
    "UNSUBSCRIBE": [Kind.UNSUBSCRIBE],
    "OPEN": [Kind.OPEN],
    "CLICK": [Kind.CLICK],
}
"""What the references call an event, and what we may call it."""

WITH_REPLY = frozenset({"bounced", "deferred"})
"""What a receiving server answered."""


@cache
def manifest() -> tuple[Json, ...]:
    path = SHARED / "manifest.jsonl"
    if not path.exists():
        return ()
    entries = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(
        entry
        for entry in entries
        if entry["layer"] == "other_esp" and entry["provider"] in PROVIDERS
    )


def expectations(entry: Json) -> list[Json]:
    """What the reference reads, in the form of django-anymail."""
    expected = entry["expected"]
    if "events" in expected:
        return list(expected["events"])
    return [{"event_type": expected["type"], "recipient": expected["recipient"]}]


def with_events() -> list[Json]:
    """The payloads of which each event names its recipient."""
    return [
        entry
        for entry in manifest()
        if expectations(entry)
        and all("recipient" in one for one in expectations(entry))
        and ("events", entry["id"]) not in listed()
    ]


def without_events() -> list[Json]:
    """Those about nobody, but for those that are not signed."""
    return [
        entry
        for entry in manifest()
        if entry["expected"].get("http_status") != NOT_FROM_US
        and not all("recipient" in one for one in expectations(entry) or [{}])
    ]


def with_other_events() -> list[Json]:
    """Those of which we read another number of events."""
    return [entry for entry in manifest() if ("events", entry["id"]) in listed()]


def each(entries: list[Json]) -> pytest.MarkDecorator:
    skipped = pytest.mark.skip(reason=f"no payloads in {SHARED.parent}")
    return pytest.mark.parametrize(
        "entry",
        entries or [pytest.param({}, marks=skipped)],
        ids=lambda entry: entry.get("file", "none"),
    )


def read(entry: Json, settings: Settings | None = None) -> Parsed:
    """A payload as the webhook and intake read it."""
    file = json.loads((SHARED / entry["file"]).read_text(encoding="utf-8"))
    content = content_of(file["content_type"], file["json"] if "json" in file else file["raw"])
    payload = Payload(provider=entry["provider"], content=content, received_at=RECEIVED)
    return providers.read(payload, settings or Settings())


def pairs(entry: Json, settings: Settings | None = None) -> list[tuple[Json, MailEvent]]:
    parsed = read(entry, settings)
    assert not parsed.refused
    return list(zip(expectations(entry), parsed.events, strict=True))


@cache
def listed() -> frozenset[tuple[str, str]]:
    content = [
        tomllib.loads(path.read_text(encoding="utf-8")) for path in DIFFERENCES.glob("*.toml")
    ]
    return frozenset((one["reading"], one["id"]) for file in content for one in file["difference"])


def check(reading: str, entry: Json, *, agrees: bool) -> None:
    """Whether both agree, unless a difference is listed."""
    if (reading, entry["id"]) in listed():
        assert not agrees, "listed as a difference, but none any more"
    else:
        assert agrees


@each(with_events())
def test_kinds_agree(entry: Json) -> None:
    agrees = all(
        event.kind in KINDS[expected["event_type"]]
        or (event.kind, event.provider_reason) in KINDS[expected["event_type"]]
        for expected, event in pairs(entry)
    )

    check("kind", entry, agrees=agrees)


@each(with_events())
def test_recipients_agree(entry: Json) -> None:
    agrees = all(
        event.address == normalise_address(expected["recipient"])
        for expected, event in pairs(entry)
    )

    check("recipient", entry, agrees=agrees)


@each(with_events())
def test_message_ids_agree(entry: Json) -> None:
    """Angle brackets are no part of an id (RFC 5322 section 3.6.4)."""
    agrees = all(
        event.message_id == str(expected["message_id"]).strip("<>")
        for expected, event in pairs(entry)
        if "message_id" in expected
    )

    check("message", entry, agrees=agrees)


@each(with_events())
def test_times_agree(entry: Json) -> None:
    agrees = all(
        abs(event.occurred_at - parse_timestamp(expected["timestamp"])) < timedelta(milliseconds=1)
        for expected, event in pairs(entry)
        if expected.get("timestamp")
    )

    check("time", entry, agrees=agrees)


@each(with_events())
def test_replies_agree(entry: Json) -> None:
    """Ours may have the reply code in front, where the provider reports it apart."""
    agrees = all(
        str(expected["mta_response"]) in event.diagnostic
        for expected, event in pairs(entry)
        if expected.get("mta_response") and expected["event_type"] in WITH_REPLY
    )

    check("reply", entry, agrees=agrees)


@each(with_events())
def test_what_the_sender_attached_can_be_the_lead_source(entry: Json) -> None:
    """Each item of metadata that can be one is found under its name."""
    names = {name for one in expectations(entry) for name in one.get("metadata") or {}}
    agrees = all(
        event.lead_source == wanted
        for name in sorted(names)
        for expected, event in pairs(entry, Settings(lead_source_tag=name))
        if (wanted := clean_lead_source(str(expected["metadata"].get(name, ""))))
    )

    check("metadata", entry, agrees=agrees)


@each(without_events())
def test_what_is_about_nobody_suppresses_nobody(entry: Json) -> None:
    """It is a notice, refused, or of a kind without evidence."""
    try:
        kinds = {event.kind for event in read(entry).events}
    except InputError:
        kinds = set()

    assert kinds <= {Kind.OTHER, Kind.SEND}


@each(with_other_events())
def test_the_number_of_events_differs_where_listed(entry: Json) -> None:
    parsed = read(entry)

    assert len(parsed.events) != len(expectations(entry))
    assert parsed.events or parsed.notices


def test_every_listed_difference_is_about_a_payload_that_exists() -> None:
    """The lists of differences cannot go out of date."""
    if not manifest():
        pytest.skip(f"no payloads in {SHARED.parent}")

    assert {name for _, name in listed()} <= {entry["id"] for entry in manifest()}
