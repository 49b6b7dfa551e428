"""The wiring of recheck."""

from collections.abc import Iterable
from datetime import timedelta

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.rechecks import LOOK_BACK
from tests.fakes import FakeContext
from tests.functions import load
from tests.unit.domains.due_days import DAYS, TODAY

recheck = load("recheck")


def test_the_recheck_function_sends_every_domain_that_is_due() -> None:
    # GIVEN a queue
    sent: list[ProbeRequest] = []

    class Probes:
        def send(self, requests: Iterable[ProbeRequest]) -> None:
            sent.extend(requests)

    # WHEN the schedule invokes the function
    answer = recheck.handler({}, FakeContext(), rechecks=DAYS, queue=Probes(), today=TODAY)

    # THEN the requests carry no claim, and the day they were due on
    assert answer == {"domains": 4}
    assert sent[0] == ProbeRequest("long-missed.test", due=TODAY - timedelta(days=LOOK_BACK))
