"""The wiring of recheck."""

from tests.fakes import FakeContext, FakeProbes
from tests.functions import load, logged
from tests.unit.domains.due_days import DUE, TODAY, FakeRechecks, rechecks

recheck = load("recheck")


def run(ledger: FakeRechecks, probes: FakeProbes, *, milliseconds: int) -> object:
    context = FakeContext(milliseconds=milliseconds)
    return recheck.handler({}, context, rechecks=ledger, queue=probes, today=TODAY)


def test_every_domain_that_is_due_is_requested() -> None:
    """The daily schedule requests probes without claims."""
    # GIVEN a queue, and domains that are due
    probes = FakeProbes()

    # WHEN the schedule invokes the function
    answer = run(rechecks(), probes, milliseconds=300_000)

    # THEN each is requested, without a claim, with the day on which it was due
    assert answer == {"domains": 5, "finished": True}
    assert [(r.due, r.domain) for r in probes.requests] == DUE
    assert not any(request.claims for request in probes.requests)


def test_a_run_without_time_leaves_the_rest_to_the_next() -> None:
    # GIVEN a run with less time left than its margin
    ledger, probes = rechecks(), FakeProbes()

    # WHEN it ends THEN it says so in answer and log, and nothing is lost
    with logged(recheck) as log:
        answer = run(ledger, probes, milliseconds=20_000)
    assert answer == {"domains": 0, "finished": False}
    assert '"finished":false' in log.getvalue()
    run(ledger, probes, milliseconds=300_000)
    assert len(probes.requests) == len(DUE)
