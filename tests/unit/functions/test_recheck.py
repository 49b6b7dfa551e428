"""The wiring of recheck."""

from datetime import timedelta

from bounceledger.domains.probe_requests import ProbeRequest
from bounceledger.domains.rechecks import LOOK_BACK
from tests.fakes import FakeContext, FakeProbes
from tests.functions import load
from tests.unit.domains.due_days import DAYS, TODAY

recheck = load("recheck")


def test_every_domain_that_is_due_is_requested() -> None:
    """The daily schedule requests probes without claims."""
    # GIVEN a queue, and domains that are due
    probes = FakeProbes()

    # WHEN the schedule invokes the function
    answer = recheck.handler({}, FakeContext(), rechecks=DAYS, queue=probes, today=TODAY)

    # THEN each is requested, without a claim, with the day on which it was due
    assert answer == {"domains": 4}
    long_missed = TODAY - timedelta(days=LOOK_BACK)
    assert probes.requests[0] == ProbeRequest("long-missed.test", due=long_missed)
