"""The wiring of probe_domain."""

import pytest

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.prober import (
    GIVE_UP_AFTER,
)
from bounceledger.state import DomainVerdict as V
from bounceledger.state import PendingProbe
from tests.fakes import FakeContext, FakeDeadLetters
from tests.functions import load
from tests.probing import FakeDns, FakeDomainLedger, message, pending, prober

probe_domain = load("probe_domain")


@pytest.mark.parametrize(
    ("request_", "verdict", "before", "again"),
    [
        (ProbeRequest("a.test"), V.NULL_MX, None, False),
        (ProbeRequest("a.test"), V.UNKNOWN, None, True),
        (ProbeRequest("a.test"), V.UNKNOWN, pending("a.test", since=GIVE_UP_AFTER), False),
        ("nothing", V.NULL_MX, None, False),
    ],
)
def test_only_a_postponed_request_is_delivered_again(
    request_: ProbeRequest | str, verdict: V, before: PendingProbe | None, *, again: bool
) -> None:
    """The queue keeps it hidden until it is due."""
    # GIVEN a message, and a probe that may be pending
    event = {"Records": [message(request_)]}
    facts = FakeDomainLedger()
    if before:
        facts.pending[before.domain] = before

    # WHEN the function handles it
    answer = probe_domain.handler(event, FakeContext(), prober=prober(FakeDns(verdict), facts))

    # THEN it is reported for a retry if it was postponed
    failures = [{"itemIdentifier": "message-1"}] if again else []
    assert answer == {"batchItemFailures": failures}


@pytest.mark.parametrize("kind", ["table", "dead letters"])
def test_a_request_whose_outcome_was_not_stored_is_delivered_again(kind: str) -> None:
    """A probe that is not in the table did not happen."""
    # GIVEN a table, or a dead-letter queue, that takes nothing
    facts = FakeDomainLedger(down=kind == "table")
    dead_letters = FakeDeadLetters(down=kind != "table")
    body = ProbeRequest("a.test") if kind == "table" else "nothing"

    # WHEN the function handles a message
    answer = probe_domain.handler(
        {"Records": [message(body)]},
        FakeContext(),
        prober=prober(FakeDns(), facts, dead_letters=dead_letters),
    )

    # THEN it is delivered again
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
