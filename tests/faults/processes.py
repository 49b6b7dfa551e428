"""Worker processes that are really killed, on a real local DynamoDB behind a proxy that fails.

They take SES messages the whole way through intake, and are killed while they read one, or at any
time.

The database is MiniStack's, the proxy is microburst: it throttles, answers 500, cuts
connections, and loses answers to calls that were applied.
"""

import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from bounceledger.ledger import Ledger, connect
from bounceledger.settings import Settings
from tests.faults import reading, run
from tools.stack import emulator

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.literals import KeyTypeType

ROOT = Path(__file__).parents[2]
TABLE = "faults"
KILLED = 0.2
"""Share of the batches during which the worker is killed, half of them while it reads."""
MOST_MS = 150
"""Longest time into a batch at which the others are killed."""

RULES: list[dict[str, Any]] = [
    {
        "service": "dynamodb",
        "probability": 0.2,
        "error": {"code": "ProvisionedThroughputExceededException"},
    },
    {
        "service": "dynamodb",
        "probability": 0.05,
        "error": {"code": "InternalServerError", "status": 500},
    },
    {"service": "dynamodb", "probability": 0.05, "reset": True},
    {
        "service": "dynamodb",
        "operation": "TransactWriteItems",
        "probability": 0.1,
        "response": {"abort_bytes": 1},
    },
]


@contextmanager
def proxy(upstream: str) -> Iterator[str]:
    """A proxy that fails by `RULES`; yields its endpoint URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "microburst", "--upstream", upstream, "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"{url}/_microburst/health", process)
        request = urllib.request.Request(
            f"{url}/_microburst/rules",
            data=json.dumps(RULES).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        urllib.request.urlopen(request, timeout=5).close()
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            if process.poll() is not None:
                raise RuntimeError("the proxy did not start") from None
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the proxy did not come up")


class Worker:
    """One worker process."""

    def __init__(self, endpoint_url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker", TABLE],
            env={**os.environ, "AWS_ENDPOINT_URL": endpoint_url},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise RuntimeError("a worker did not start")

    def process(
        self, records: Sequence[reading.Record], *, kill_after: float | None, dies_at: int
    ) -> Sequence[reading.Record]:
        """Process a batch; returns what is to be delivered again, all of it if the worker died.

        Args:
            records: the batch.
            kill_after: seconds after which the worker is killed, None if it is not.
            dies_at: call of the layer's code at which it dies while it reads, 0 if it does not.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = threading.Timer(kill_after, self._process.kill) if kill_after is not None else None
        if timer:
            timer.start()
        try:
            batch = {"records": list(records), "dies_at": dies_at}
            self._process.stdin.write(json.dumps(batch) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if timer:
            timer.cancel()
            timer.join()
        if not answer and kill_after is None and not dies_at:
            raise RuntimeError("a worker stopped without being killed")
        again = set(json.loads(answer)) if answer else {one["messageId"] for one in records}
        return [record for record in records if record["messageId"] in again]

    def stop(self) -> None:
        """End the process and close its pipes."""
        self._process.kill()
        self._process.communicate()


def deliver(
    endpoint_url: str, seed: int, size: int, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Deliver a stream's messages to processes; returns how many were killed."""
    queue: Queue[Sequence[reading.Record]] = Queue()
    for batch in run.shuffled(reading.records(seed, size), seed):
        queue.put(batch)
    killed: list[int] = []

    def serve(writer: int) -> None:
        rng = random.Random(f"{seed}/{writer}")
        worker = Worker(endpoint_url)
        try:
            while True:
                try:
                    batch = queue.get_nowait()
                except Empty:
                    return
                by_time, while_reading = (rng.random() < KILLED / 2 for _ in range(2))
                again = worker.process(
                    batch,
                    kill_after=rng.random() * MOST_MS / 1000 if by_time else None,
                    dies_at=reading.random_call(rng, len(batch)) if while_reading else 0,
                )
                if by_time or while_reading:
                    killed.append(writer)
                    worker.stop()
                    worker = Worker(endpoint_url)
                if again:
                    queue.put(again)
                progress(len(batch) - len(again))
        finally:
            worker.stop()

    run.side_by_side(serve)
    return len(killed)


def differences(seed: int, size: int, progress: Callable[[int], None] = lambda _: None) -> Any:
    """Run a stream through killed processes and a failing proxy; how the table differs."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "test")
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    with emulator() as endpoint_url:
        client = connect(endpoint_url)
        keys: dict[str, KeyTypeType] = {"pk": "HASH", "sk": "RANGE"}
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        )
        with proxy(endpoint_url) as failing_url:
            deliver(failing_url, seed, size, progress)
        pages = client.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        scanned = [item for page in pages for item in page["Items"]]
        ledger = Ledger(client, Settings(table_name=TABLE), clock=lambda: reading.NOW)
        read = reading.observations(reading.records(seed, size))
        return run.differences(read, scanned, ledger, reading.NOW)
