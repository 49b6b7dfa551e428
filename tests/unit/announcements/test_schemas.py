"""The schemas of events: what is sent, what the page shows and what is registered agree."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft4Validator

from bounceledger.announcements.announcement import VERSION, Announcement, EventType
from bounceledger.announcements.bus import SOURCE, EventBus
from bounceledger.announcements.changes import announce_address, announce_domain
from bounceledger.announcements.recipients import Recipients
from bounceledger.ledger.stream import AddressChange, DomainChange
from bounceledger.policy import Policy
from bounceledger.settings import EventAddresses
from bounceledger.state import DomainFacts, DomainVerdict, ManualEntry, Probe
from bounceledger.verdict import Category
from tests.stream_records import NOW, bounced
from tests.unit.announcements.test_bus import FakeEvents
from tests.unit.project.cloudformation import TEMPLATE, of_type
from tests.unit.project.modules import ROOT
from tools.event_schemas import FOLDER, with_resources

SCHEMAS = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")
}
PAGE = (ROOT / "docs/events.md").read_text(encoding="utf-8")
BLOCKS = map(json.loads, re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
EXAMPLES = {event["detail-type"]: event for event in BLOCKS if "account" in event}


def strict(schema: Any) -> Any:
    """A schema that allows no fields but those that it names."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: strict(part) for name, part in schema.items()}
    return parts | ({"additionalProperties": False} if "properties" in schema else {})


def errors(event: Any) -> list[str]:
    """What a schema has against an event, unknown fields included."""
    schema = strict(SCHEMAS[f"{event['detail-type']}-{event['detail']['version']}"])
    return [error.message for error in Draft4Validator(schema).iter_errors(event)]


def test_every_type_has_a_schema_and_an_example() -> None:
    assert {f"{kind}-{VERSION}" for kind in EventType} <= SCHEMAS.keys()
    assert EXAMPLES.keys() == {*EventType}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_names_its_event(name: str) -> None:
    schema = SCHEMAS[name]
    Draft4Validator.check_schema(schema)
    kind, _, version = name.partition("-")
    assert schema["properties"]["detail-type"] == {"enum": [kind]}
    assert schema["properties"]["source"] == {"enum": [SOURCE]}
    assert schema["properties"]["detail"]["properties"]["version"]["enum"] == [version]


@pytest.mark.parametrize("kind", EventType)
def test_the_example_on_the_page_is_valid(kind: EventType) -> None:
    assert errors(EXAMPLES[kind]) == []


def test_the_page_explains_every_type_and_parameter() -> None:
    for kind in EventType:
        assert f"\n### {kind}\n" in PAGE
        assert f"| `{kind}` |" in PAGE
    for name in ("EventBusName", "EventAddresses", "RegisterSchemas"):
        assert f"| `{name}` |" in PAGE


PROBED = DomainFacts(domain="a.test", probe=Probe(verdict=DomainVerdict.NULL_MX, probed_at=NOW))
ALIVE = replace(PROBED, probe=Probe(verdict=DomainVerdict.ACCEPTS_MAIL, probed_at=NOW))
DEAD = bounced(Category.MAILBOX_UNKNOWN)
ENDING = bounced(Category.NO_MAIL_ACCEPTED, at=NOW - timedelta(microseconds=1))


def sent(form: EventAddresses) -> list[Announcement]:
    """Events of every kind that changes make, with and without an end and a category."""
    recipients = Recipients(form, lambda: "key")
    removed = replace(DEAD, removed_at=NOW)
    manual = replace(removed, manual=ManualEntry(at=NOW + timedelta(seconds=1)))
    pairs = [(None, DEAD), (DEAD, removed), (removed, manual), (None, ENDING)]
    changes = [AddressChange("1", NOW, *pair) for pair in pairs]
    domains = [(None, PROBED), (PROBED, ALIVE), (None, ALIVE)]
    events = [announce_address(change, ALIVE, Policy(), recipients) for change in changes]
    events += [announce_domain(DomainChange("2", NOW, *pair), Policy()) for pair in domains]
    return [event for event in events if event]


@pytest.mark.parametrize("form", EventAddresses)
def test_what_is_sent_is_valid(form: EventAddresses) -> None:
    # GIVEN events of each type, as they go to the bus
    events, client = sent(form), FakeEvents()
    assert len(events) == 7
    EventBus(client, "bus", "mail").publish(events)

    # THEN each, in the envelope that EventBridge adds, has the form of its schema
    for entry in client.calls[0]:
        event = {
            "version": "0",
            "id": "x",
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": "111122223333",
            "time": datetime.now(UTC).isoformat(),
            "region": "eu-west-1",
            "resources": [],
            "detail": json.loads(entry["Detail"]),
        }
        assert errors(event) == []

        # AND says nothing about a person that was not asked for
        about = event["detail"].keys() & {"address", "address_hash", "domain"}
        is_of_domain = entry["DetailType"].startswith("Domain")
        allowed = {"none": set(), "hash": {"address_hash"}, "plain": {"address"}}[form]
        expected = {"domain"} if is_of_domain else allowed | ({"domain"} if allowed else set())
        assert about == expected
        assert form is EventAddresses.PLAIN or "ann" not in entry["Detail"]


def test_the_template_registers_the_schemas_of_the_files() -> None:
    """`make schemas` copies them."""
    # GIVEN the schemas in the template
    registered = {
        one["SchemaName"]: json.loads(one["Content"])
        for one in of_type("AWS::EventSchemas::Schema").values()
    }

    # THEN they are the files, under the names that EventBridge gives to events
    assert registered == {f"{SOURCE}@{name.partition('-')[0]}": s for name, s in SCHEMAS.items()}
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    assert with_resources(template) == template

    # AND by default none is registered
    assert TEMPLATE["Parameters"]["RegisterSchemas"]["Default"] == "false"
    for name, resource in TEMPLATE["Resources"].items():
        if resource["Type"].startswith("AWS::EventSchemas::"):
            assert resource["Condition"] == "WithSchemas", name
