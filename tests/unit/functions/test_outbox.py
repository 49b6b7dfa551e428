"""The wiring of outbox."""

import json
from datetime import UTC, datetime

import pytest

from bounceledger.announcements.announcement import EventType
from bounceledger.announcements.announcer import Announcer
from bounceledger.announcements.recipients import Recipients
from bounceledger.policy import Policy
from bounceledger.settings import EventAddresses
from bounceledger.state import DomainFacts, DomainVerdict, Probe
from bounceledger.verdict import Category
from tests.fakes import FakeBus, FakeContext, FakeDeadLetters, FakeLedger, FakeProbes
from tests.functions import load, logged
from tests.stream_records import NOW, bounced, domain_record, record

outbox = load("outbox")


def test_the_answer_names_the_record_to_begin_again_with() -> None:
    """Lambda retries the stream from there."""
    # GIVEN one record
    event = {"Records": [record(bounced(Category.NO_MAIL_ACCEPTED), number="5")]}

    # WHEN the queue takes the request, or does not
    with logged(outbox) as log:
        good, bad = (
            outbox.handler(
                event, FakeContext(), queue=FakeProbes(down=down), dead_letters=FakeDeadLetters()
            )
            for down in (False, True)
        )

    # THEN nothing, or the record, is reported for a retry
    assert good == {"batchItemFailures": []}
    assert bad == {"batchItemFailures": [{"itemIdentifier": "5"}]}

    # AND the log names domains, but no address
    assert "a.test" in log.getvalue()
    assert "ann" not in log.getvalue()


def announcing(bus: FakeBus) -> Announcer:
    """Announces on a bus, and finds no facts of domains."""
    recipients = Recipients(EventAddresses.PLAIN, str)
    return Announcer(bus, FakeLedger(), Policy(), recipients)


def test_probes_and_events_come_from_the_same_batch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # GIVEN a claim, a dead mailbox, and a domain that DNS shows dead
    dead = DomainFacts(domain="b.test", probe=Probe(verdict=DomainVerdict.NULL_MX, probed_at=NOW))
    event = {
        "Records": [
            record(bounced(Category.NO_MAIL_ACCEPTED), number="1"),
            record(bounced(Category.MAILBOX_UNKNOWN, address="bob@a.test"), number="2"),
            domain_record(dead, number="3"),
        ]
    }
    probes, bus = FakeProbes(), FakeBus()

    # WHEN they are processed
    with logged(outbox) as log:
        answer = outbox.handler(
            event,
            FakeContext(),
            queue=probes,
            dead_letters=FakeDeadLetters(),
            announcer=announcing(bus),
        )

    # THEN one domain is to be probed, and all three are announced
    assert answer == {"batchItemFailures": []}
    assert [request.domain for request in probes.requests] == ["a.test"]
    assert [one.type for one in bus.published] == [
        EventType.ADDRESS_SUPPRESSED,
        EventType.ADDRESS_SUPPRESSED,
        EventType.DOMAIN_SUPPRESSED,
    ]

    # AND the metrics count them
    [counted] = [
        json.loads(line)
        for line in capsys.readouterr().out.splitlines()
        if "CloudWatchMetrics" in line
    ]
    assert (counted["AddressSuppressed"], counted["DomainSuppressed"]) == ([2.0], [1.0])

    # AND so does the log, which names nobody
    assert '"events":{"AddressSuppressed":2,"DomainSuppressed":1}' in log.getvalue()
    assert "ann" not in log.getvalue().replace("announce", "")
    assert "bob" not in log.getvalue()


@pytest.mark.parametrize(("bus_down", "queue_down"), [(True, False), (False, True), (True, True)])
def test_probes_and_events_do_not_wait_for_each_other(bus_down: bool, queue_down: bool) -> None:
    # GIVEN a bus or a queue that is down, or both
    moment = datetime.now(UTC)
    event = {"Records": [record(bounced(Category.NO_MAIL_ACCEPTED), number="7", at=moment)]}
    probes, bus = FakeProbes(down=queue_down), FakeBus(down=bus_down)

    # WHEN a batch is processed
    answer = outbox.handler(
        event,
        FakeContext(),
        queue=probes,
        dead_letters=FakeDeadLetters(),
        announcer=announcing(bus),
    )

    # THEN the other got its part, and the stream begins again
    assert len(probes.requests) == (0 if queue_down else 1)
    assert len(bus.published) == (0 if bus_down else 1)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "7"}]}


def test_the_stream_begins_again_with_the_earlier_of_two_failures() -> None:
    # GIVEN a dead-letter queue that is down, a record that is no claim and cannot be announced,
    # and one before it whose event cannot be published
    moment = datetime.now(UTC)
    rejected = record(bounced(Category.MAILBOX_UNKNOWN), number="1", at=moment)
    claim = record(bounced(Category.NO_MAIL_ACCEPTED), number="2", at=moment)
    claim["dynamodb"]["NewImage"]["evidence"] = {"M": {"no_mail_accepted": {"S": "?"}}}
    answer = outbox.handler(
        {"Records": [rejected, claim]},
        FakeContext(),
        queue=FakeProbes(),
        dead_letters=FakeDeadLetters(down=True),
        announcer=announcing(FakeBus(rejected=[rejected["eventID"]])),
    )

    # THEN neither is lost
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_a_record_that_is_given_up_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    dead = record(bounced(Category.MAILBOX_UNKNOWN))
    outbox.handler(
        {"Records": [dead]},
        FakeContext(),
        queue=FakeProbes(),
        dead_letters=FakeDeadLetters(),
        announcer=announcing(FakeBus(rejected=[dead["eventID"]])),
    )
    assert '"not_announced":[1.0]' in capsys.readouterr().out


def test_without_a_bus_nothing_is_announced(capsys: pytest.CaptureFixture[str]) -> None:
    assert outbox.build_announcer() is None
    event = {"Records": [record(bounced(Category.MAILBOX_UNKNOWN))]}
    outbox.handler(event, FakeContext(), queue=FakeProbes(), dead_letters=FakeDeadLetters())
    assert "CloudWatchMetrics" not in capsys.readouterr().out
