"""Measures requesting rechecks of many due domains, in one run and in interrupted runs.

Compared with sending one message per call. The queue is the local emulator's: a request counts
once the queue took it, and the queue's own count is compared with that. The table is the in-memory
one of the fault tests, since the emulator sorts a partition again for every page of a query.

Usage: python bench/rechecks.py [--domains 100000] [--json]
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bounceledger.domains.probe_requests import ProbeQueue, ProbeRequest
from bounceledger.domains.rechecks import request_due
from bounceledger.ledger import DueDomain, Ledger, items
from bounceledger.ledger.attributes import to_attributes
from bounceledger.queues import connect as connect_queues
from bounceledger.settings import Settings
from tests.faults.fake import FakeDynamoDB, as_client
from tools.stack import emulator, use_any_credentials

TODAY = datetime.now(UTC).date()
DAYS = 50
"""Days over which the domains have been due."""
SINGLE = 2_000
"""Messages that are sent one by one, for the comparison."""
PAGE = 10_000
"""Items of a page of a query, about as many as 1 MB holds."""
MIN_RATIO = 3
"""Target: how many times as fast as that a run is."""


class DiedError(Exception):
    """A run ended here, as if Lambda had killed it."""


class CountingQueue:
    """A probe queue that counts what it took, and can end a run in the middle of a call."""

    def __init__(self, queue: ProbeQueue) -> None:
        self.queue = queue
        self.sent: Counter[tuple[date | None, str]] = Counter()
        self.dies_after = sys.maxsize

    def send(self, requests: Iterable[ProbeRequest]) -> None:
        """Send requests, as many as there are left until the run ends."""
        some = list(requests)
        taken = some[: max(0, self.dies_after - self.sent.total())]
        self.queue.send(taken)
        self.sent.update((request.due, request.domain) for request in taken)
        if len(taken) < len(some):
            raise DiedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What requesting all domains took.

    Attributes:
        runs: how many runs it took.
        domains: how many were due.
        lost: how many of them were not requested.
        sent_twice: requests beyond one for each.
        seconds: of all runs together.
        cpu_seconds: processor time of all runs together, without the emulator.
    """

    runs: int
    domains: int
    lost: int
    sent_twice: int
    seconds: float
    cpu_seconds: float


class Bench:
    """Domains that are due, and queues on the emulator."""

    def __init__(self, domains: int) -> None:
        self.sqs = connect_queues()
        self.due = [
            DueDomain(TODAY - timedelta(days=n % DAYS), f"company-{n}.example")
            for n in range(domains)
        ]

    def table(self) -> Ledger:
        """A ledger with all domains due."""
        fake = FakeDynamoDB(page=PAGE)
        for due in self.due:
            fake.put_item(TableName="fake", Item=to_attributes(items.recheck_item(*due)))
        return Ledger(as_client(fake), Settings(table_name="fake"))

    def queue(self, name: str) -> tuple[ProbeQueue, str]:
        """A queue, and its URL."""
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        return ProbeQueue(self.sqs, url), url

    def measure(self, name: str, deaths: Iterable[int]) -> Measured:
        """Request everything, by runs that die after so many requests, and one that does not."""
        ledger = self.table()
        queue, url = self.queue(name)
        counting = CountingQueue(queue)
        runs, finished = 0, False
        ends = [*deaths, sys.maxsize]
        begin, begin_cpu = time.perf_counter(), time.process_time()
        while not finished:
            counting.dies_after = ends[runs]
            runs += 1
            try:
                finished = request_due(
                    ledger, counting, TODAY, deadline=datetime.max.replace(tzinfo=UTC)
                ).finished
            except DiedError:
                continue
        seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - begin_cpu
        held = self.sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]["ApproximateNumberOfMessages"]
        assert int(held) == counting.sent.total(), "the queue holds another number of messages"
        return Measured(
            runs=runs,
            domains=len(self.due),
            lost=len({*self.due} - counting.sent.keys()),
            sent_twice=counting.sent.total() - len(counting.sent),
            seconds=seconds,
            cpu_seconds=cpu_seconds,
        )

    def one_by_one(self) -> float:
        """Seconds per message, if each is sent by a call of its own."""
        _, url = self.queue("single")
        begin = time.perf_counter()
        for day, domain in self.due[:SINGLE]:
            self.sqs.send_message(QueueUrl=url, MessageBody=ProbeRequest(domain, due=day).to_body())
        return (time.perf_counter() - begin) / min(SINGLE, len(self.due))


def main() -> int:
    """Measure, and print the figures; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--domains", type=int, default=100_000, help="domains that are due (default: 100000)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    use_any_credentials()
    with emulator() as endpoint_url:
        os.environ["AWS_ENDPOINT_URL"] = endpoint_url
        bench = Bench(args.domains)
        single = bench.one_by_one()
        # Deaths between two saves.
        deaths = [args.domains * part // 100 + 321 for part in (17, 43, 71)]
        measured = [bench.measure("one", []), bench.measure("cut", deaths)]
    ratio = single / (measured[0].seconds / measured[0].domains)
    if args.json:
        print(json.dumps({"runs": [asdict(one) for one in measured], "ratio": ratio}))
    else:
        for one in measured:
            print(
                f"{one.domains:,} domains, runs: {one.runs}, lost: {one.lost}, "
                f"sent twice: {one.sent_twice}, {one.seconds:.0f} s, {one.cpu_seconds:.0f} s CPU"
            )
        print(f"{ratio:.1f} times as fast as one message per call")
    lost = sum(one.lost for one in measured)
    if lost or ratio < MIN_RATIO:
        print(f"Target missed: {lost} lost, {ratio:.1f} times as fast", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
