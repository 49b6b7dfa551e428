"""Agreement with the shared payloads, as far as they come from SES."""

import json
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bounceledger.addresses import clean_lead_source
from bounceledger.envelope import records_of, unwrap
from bounceledger.errors import EnvelopeError, InputError, PayloadError
from bounceledger.events import Kind, MailEvent, Permanence, ProviderReason
from bounceledger.providers import Parsed, ses
from bounceledger.providers.fields import parse_timestamp
from bounceledger.settings import Settings

SHARED = Path(__file__).parents[3].parent / "shared" / "payloads"


DIFFERENCES = Path(__file__).with_name("payload_differences.toml")


LAYERS = {"ses_event", "sns_http", "sns_lambda", "sqs", "eventbridge", "edge"}


PERMANENCE = {"permanent": Permanence.PERMANENT, "transient": Permanence.TRANSIENT}


REASONS = {
    "general": ProviderReason.GENERAL,
    "noemail": ProviderReason.NO_MAILBOX,
    "suppressed": ProviderReason.SUPPRESSION_LIST,
    "onaccountsuppressionlist": ProviderReason.SUPPRESSION_LIST,
    "emailvalidationsuppressed": ProviderReason.SUPPRESSION_LIST,
    "mailboxfull": ProviderReason.MAILBOX_FULL,
    "messagetoolarge": ProviderReason.MESSAGE_TOO_LARGE,
    "attachmentrejected": ProviderReason.ATTACHMENT_REJECTED,
    "abuse": ProviderReason.ABUSE,
    "not-spam": ProviderReason.NOT_SPAM,
    "virus": ProviderReason.VIRUS,
}
"""SES's words in the payloads, and what they mean."""


SETTINGS = Settings(allowed_accounts=frozenset("*"))


NO_EVENT = {"inbound", "not_ses", "unparseable_message"}


type Json = dict[str, Any]


type Read = list[tuple[Json, Parsed | InputError]]


def manifest() -> list[Json]:
    path = SHARED / "manifest.jsonl"
    if not path.exists():
        return []
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [entry for entry in entries if _concerns_ses(entry)]


def _concerns_ses(entry: Json) -> bool:
    if entry["layer"] == "negative":
        return any(expected["kind"] in NO_EVENT for expected in entry["expected"])
    return entry["layer"] in LAYERS


ENTRIES = manifest()


every_payload = pytest.mark.parametrize(
    "entry",
    ENTRIES or [pytest.param({}, marks=pytest.mark.skip(reason=f"no payloads in {SHARED.parent}"))],
    ids=lambda entry: entry.get("file", "none"),
)


@cache
def listed() -> frozenset[tuple[str, str]]:
    content = tomllib.loads(DIFFERENCES.read_text(encoding="utf-8"))
    return frozenset((item["reading"], item["file"]) for item in content["difference"])


def read(entry: Json) -> Read:
    payload = json.loads((SHARED / entry["file"]).read_text(encoding="utf-8"))
    return list(zip(entry["expected"], map(_read_one, records_of(payload)), strict=True))


def _read_one(record: object) -> Parsed | InputError:
    try:
        [document] = ses.split(unwrap(record, provider="ses"))
        return ses.read(document, SETTINGS)
    except InputError as error:
        return error


def check(reading: str, entry: Json, ours: object, theirs: object) -> None:
    """Equal, unless a listed difference."""
    if (reading, entry["file"]) in listed():
        assert ours != theirs, "listed as a difference, but none any more"
    else:
        assert ours == theirs


def events(entry: Json) -> Iterator[tuple[Json, Parsed]]:
    """What is expected of each event of SES that names anybody, and what was read."""
    for expected, parsed in read(entry):
        if expected["kind"] == "ses_event" and expected["recipients"]:
            assert isinstance(parsed, Parsed), parsed
            yield expected, parsed


def readable(expected: Json) -> list[Json]:
    """The recipients expected that have an address."""
    return [one for one in expected["recipients"] if one["address"] is not None]


@every_payload
def test_what_is_an_event_and_what_is_not(entry: Json) -> None:
    """Every payload gives events for those recipients that the manifest names."""
    for expected, parsed in read(entry):
        is_event = isinstance(parsed, Parsed) and bool(parsed.events)
        named = [] if expected["kind"] != "ses_event" else readable(expected)
        check("class", entry, is_event, bool(named))
        if not named and isinstance(parsed, Parsed):
            assert is_event or parsed.refused or parsed.notices, "leaves no trace"


@every_payload
def test_confirmations_are_named(entry: Json) -> None:
    """A person has to confirm a subscription, so the reason says what it is."""
    for expected, parsed in read(entry):
        if expected["kind"].endswith("confirmation"):
            assert isinstance(parsed, EnvelopeError)
            assert "Confirm" in parsed.reason


@every_payload
def test_what_is_not_an_event_is_refused_with_its_field(entry: Json) -> None:
    """The dead-letter queue explains every other payload."""
    for expected, parsed in read(entry):
        if expected["kind"] in NO_EVENT and ("class", entry["file"]) not in listed():
            if isinstance(parsed, Parsed):  # of SES, and about no mail
                assert parsed.notices
            else:
                assert isinstance(parsed, EnvelopeError | PayloadError)
                assert parsed.field


@every_payload
def test_addresses_agree(entry: Json) -> None:
    """Recipients are read alike, and unreadable ones are refused one by one."""
    for expected, parsed in events(entry):
        ours = [event.address for event in parsed.events]
        check("address", entry, ours, [one["address"] for one in readable(expected)])
        if ("address", entry["file"]) not in listed():
            assert len(parsed.refused) == len(expected["recipients"]) - len(ours)


@every_payload
def test_kinds_and_types_agree(entry: Json) -> None:
    """SES's words for kinds and reasons are translated as listed above."""
    for expected, parsed in events(entry):
        kinds = {event.kind for event in parsed.events}
        check("kind", entry, kinds, {Kind(expected["event"])})
        for event in parsed.events:
            if "bounce_type" in expected:
                assert event.permanence is PERMANENCE.get(
                    expected["bounce_type"].lower(), Permanence.UNSTATED
                )
            for key in ("bounce_subtype", "complaint_feedback_type"):
                if expected.get(key):
                    reason = REASONS.get(expected[key].lower(), ProviderReason.UNLISTED)
                    check("reason", entry, event.provider_reason, reason)


@every_payload
def test_statuses_actions_and_diagnostics_agree(entry: Json) -> None:
    """What the server said is carried unchanged."""
    for expected, parsed in events(entry):
        if parsed.events and parsed.events[0].kind in (Kind.BOUNCE, Kind.DELIVERY_DELAY):
            theirs = [
                tuple(one.get(key, "") for key in ("status", "action", "diagnostic"))
                for one in readable(expected)
            ]
            check("reply", entry, [_reply(event) for event in parsed.events], theirs)


def _reply(event: MailEvent) -> tuple[str, str, str]:
    return event.status, event.action, event.diagnostic


@every_payload
def test_times_and_message_ids_agree(entry: Json) -> None:
    for expected, parsed in events(entry):
        for event in parsed.events:
            assert event.message_id == (expected.get("message_id") or "")
            if expected.get("timestamp"):
                check("time", entry, event.occurred_at, parse_timestamp(expected["timestamp"]))


@every_payload
def test_lead_sources_agree(entry: Json) -> None:
    """Tag, header and configuration set in this order."""
    for expected, parsed in events(entry):
        for event in parsed.events:
            assert event.lead_source == (_lead_source(expected) or event.lead_source)


def _lead_source(expected: Json) -> str:
    tags, headers = expected.get("tags") or {}, expected.get("x_headers") or {}
    folded = {name.lower(): values for name, values in headers.items()}
    for values in (
        tags.get("lead_source"),
        folded.get("x-lead-source"),
        tags.get("ses:configuration-set"),
        folded.get("x-ses-configuration-set"),
    ):
        if values:
            return clean_lead_source(values[0])
    return ""


def test_every_listed_difference_is_about_a_payload_that_exists() -> None:
    """The list of differences cannot go out of date."""
    if not ENTRIES:
        pytest.skip(f"no payloads in {SHARED.parent}")
    files = {entry["file"] for entry in ENTRIES}

    assert {file for _, file in listed()} <= files
