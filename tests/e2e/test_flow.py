"""An SES event's way through the deployed stack: in through the topic, out through the API."""

import json
import subprocess
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.logs import log_of
from tests.ses_documents import bounce
from tools.replay import SampleOutcome, drain_dead_letters, replay, wait_until_processed
from tools.samples import Sample, load_samples
from tools.stack import ROOT, STACK_NAME, Stack, call_api, publish, wait_for

SAMPLES = list(load_samples())


@pytest.fixture(scope="module")
def outcomes(stack: Stack) -> dict[str, SampleOutcome]:
    return {
        outcome.sample.name: outcome for outcome in replay(stack, load_samples(datetime.now(UTC)))
    }


def somebody(domain: str = "example.test") -> str:
    return f"somebody-{uuid.uuid4().hex}@{domain}"


def lookup(stack: Stack, address: str, **query: str) -> dict[str, Any]:
    answer = call_api(stack, "/v1/suppressions", {"address": address, **query})
    assert answer.status == 200, answer
    return dict(answer.body)


def test_there_are_enough_sample_events() -> None:
    assert len(SAMPLES) >= 20


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_event_has_the_outcome_that_its_file_states(
    outcomes: dict[str, SampleOutcome], sample: Sample
) -> None:
    # GIVEN the replay of all sample events, THEN this one ended as expected
    outcome = outcomes[sample.name]
    assert outcome.ok, outcome.to_json()


def test_redelivery_changes_nothing(stack: Stack) -> None:
    # GIVEN an event that was recorded
    address = somebody()
    document = bounce(address)
    publish(stack, document)
    assert wait_for(lambda: lookup(stack, address)["suppressed"])
    before = lookup(stack, address)

    # WHEN the same event comes again under other message ids, and another one of the address
    publish(stack, document)
    publish(stack, document)
    publish(stack, bounce(address))

    # THEN two events were counted, not four
    assert wait_for(lambda: lookup(stack, address)["count"] > 1)
    wait_until_processed(stack)
    assert before["count"] == 1
    assert lookup(stack, address)["count"] == 2


def test_a_source_sees_the_evidence_from_its_own_mail_only(stack: Stack) -> None:
    # GIVEN a dead address of one lead source
    address = somebody()
    publish(stack, bounce(address, lead_source="Trade Fair 2026"))
    assert wait_for(lambda: lookup(stack, address)["suppressed"])

    # WHEN it is asked for with that source and with another
    own = lookup(stack, address, source="trade-fair-2026")
    other = lookup(stack, address, source="webinar")

    # THEN the address is dead for both, and the evidence is the one's
    assert own["suppressed"] is True
    assert own["source"]["category"] == "mailbox_unknown"
    assert other["suppressed"] is True
    assert other["source"] is None


def test_counts_are_read_from_the_stack_by_its_name(stack: Stack) -> None:
    # GIVEN a recorded bounce of a source of its own
    address, source = somebody(), f"source-{uuid.uuid4().hex[:8]}"
    publish(stack, bounce(address, lead_source=source))
    assert wait_for(lambda: lookup(stack, address)["suppressed"])

    # WHEN a person asks for its counts
    where = ("--stack", STACK_NAME, "--endpoint-url", stack.endpoint_url)
    result = subprocess.run(
        [ROOT / ".venv/bin/bounceledger", "counts", source, "--json", *where],
        env={
            "AWS_ACCESS_KEY_ID": stack.access_key_id,
            "AWS_SECRET_ACCESS_KEY": stack.secret_access_key,
            "AWS_REGION": stack.region,
        },
        capture_output=True,
        text=True,
        check=True,
    )

    # THEN they are there, as they are over HTTP
    totals = json.loads(result.stdout)["totals"]
    assert totals == {"hard": 1, "suppressed": 1, "categories": {"mailbox_unknown": 1}}
    assert call_api(stack, f"/v1/sources/{source}/counts").body["totals"] == totals


def test_send_open_and_click_do_not_reach_the_queue(stack: Stack) -> None:
    """The topic's filter saves the cost of events that are not used."""
    # GIVEN the log of ingest
    wait_until_processed(stack)
    before = received(stack)

    # WHEN events of the three kinds that tell nothing are published, and an unknown kind
    for kind in ("Send", "Open", "Click"):
        publish(stack, {"eventType": kind, "mail": bounce(somebody())["mail"]})
    publish(stack, {"eventType": "Brand new kind", "mail": bounce(somebody())["mail"]})

    # THEN only the unknown kind gets through
    assert wait_for(lambda: received(stack) > before)
    wait_until_processed(stack)
    assert received(stack) == before + 1


def received(stack: Stack) -> int:
    """Messages that ingest has logged to have handled."""
    total = 0
    for line in log_of(stack, "IngestLogs"):
        if line.get("message") == "batch":
            total += line["messages"]
    return total


def test_an_unprocessable_message_ends_in_the_dead_letter_queue_whole(stack: Stack) -> None:
    # GIVEN a message that says it is a bounce and holds none
    wait_until_processed(stack)
    list(drain_dead_letters(stack))
    unprocessable = {"eventType": "Bounce", "bounce": "nothing", "marker": uuid.uuid4().hex}

    # WHEN it is published together with a good one
    address = somebody()
    publish(stack, unprocessable)
    publish(stack, bounce(address))

    # THEN the good one is recorded and the bad one kept whole, with reason and field
    assert wait_for(lambda: lookup(stack, address)["suppressed"])
    wait_until_processed(stack)
    [letter] = drain_dead_letters(stack)
    assert json.loads(json.loads(letter["body"])["Message"]) == unprocessable
    assert letter["reason"]
    assert letter["field"] == "bounce"


def test_the_log_of_ingest_holds_no_address(
    stack: Stack, outcomes: dict[str, SampleOutcome]
) -> None:
    # GIVEN everything that was replayed, and whom it was about
    addresses = {
        r.address for outcome in outcomes.values() for r in outcome.recipients if r.address
    }
    assert addresses

    # WHEN the log of ingest is read
    assert wait_for(lambda: received(stack) >= len(outcomes))
    log = json.dumps(log_of(stack, "IngestLogs"))

    # THEN it holds none of them
    assert [address for address in addresses if address in log] == []
    assert "leads.example" not in log


def test_a_block_is_known_though_the_address_may_be_mailed(stack: Stack) -> None:
    """No facts have it, so the API reads the address's events."""
    # GIVEN an address of which nothing is known
    address = somebody()
    assert lookup(stack, address)["explanation"] == "Nothing is known about this address."

    # WHEN its server blocks the sender
    publish(stack, bounce(address, diagnostic="smtp; 521 5.7.1 Blocked by dnsbl.example"))

    # THEN the answer comes to have the server's words
    assert wait_for(lambda: bool(lookup(stack, address)["known"]["last_block"]))
    answer = lookup(stack, address)
    assert answer["suppressed"] is False
    assert answer["known"]["last_block"]["reply"] == "smtp; 521 5.7.1 Blocked by dnsbl.example"
