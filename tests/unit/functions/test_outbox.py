"""The wiring of outbox."""

from bounceledger.verdict import Category
from tests.fakes import FakeContext, FakeDeadLetters, FakeProbes
from tests.functions import load, logged
from tests.stream_records import bounced, record

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
