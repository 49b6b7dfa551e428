"""Delivers a stream to failing workers as a queue does, and compares the table with the model."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import batched
from queue import Empty, Queue
from typing import Any

from bounceledger.ledger import Ledger
from bounceledger.ledger.sampling import Sampling
from bounceledger.policy import Policy
from bounceledger.state import Observation, decide
from tests.faults import model
from tests.faults.fake import Killed

COPIES = 3
"""How often every message is delivered at least."""
WORKERS = 4
LATER = (5, 13, 25, 45, 80, 200, 400)
"""Days from now on which decisions are compared, too."""


def small_samples() -> Sampling:
    """Limits so low that samples of addresses have several parts and rise in level."""
    return Sampling(max_sample=2, max_part=1, look_every=1)


def shuffled[T](items: Sequence[T], seed: int, copies: int = COPIES) -> list[list[T]]:
    """Every message `copies` times, in random order, in batches of 1 to 100."""
    rng = random.Random(seed)
    messages = list(items) * copies
    rng.shuffle(messages)
    batches = []
    while messages:
        size = rng.randint(1, 100)
        batches.append(messages[:size])
        messages = messages[size:]
    return batches


type Process[T] = Callable[[Sequence[T]], Sequence[T]]
"""Processes a batch; returns what of it is to be delivered again."""


def deliver(
    batches: Sequence[Sequence[Observation]],
    make_ledger: Callable[[], Ledger],
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Record batches with `WORKERS` side by side; what fails is delivered again."""

    def make_worker() -> Process[Observation]:
        ledger = make_ledger()

        def record(batch: Sequence[Observation]) -> list[Observation]:
            pairs = list(zip(batch, ledger.record(batch), strict=True))
            lost = [outcome for _, outcome in pairs if not (outcome.ok or outcome.retry_helps)]
            if lost:
                raise AssertionError(f"given up permanently: {lost[0]}")
            return [item for item, outcome in pairs if not outcome.ok]

        return record

    distribute(batches, make_worker, progress)


def distribute[T](
    batches: Sequence[Sequence[T]],
    make_worker: Callable[[], Process[T]],
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Have batches processed by `WORKERS` side by side, as a queue does.

    What fails is delivered again, and so is the batch of a worker that is killed, to a new one.
    """
    queue: Queue[Sequence[T]] = Queue()
    for batch in batches:
        queue.put(batch)

    def work(_: int) -> None:
        process = make_worker()
        while True:
            try:
                batch = queue.get_nowait()
            except Empty:
                return
            try:
                again = process(batch)
            except Killed:
                queue.put(batch)
                process = make_worker()
                continue
            if again:
                queue.put(again)
            progress(len(batch) - len(again))

    side_by_side(work)


def side_by_side(work: Callable[[int], None]) -> None:
    """Run `WORKERS` workers to their end."""
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))


def differences(
    observations: Sequence[Observation],
    scanned: Sequence[dict[str, Any]],
    ledger: Ledger,
    now: datetime,
) -> dict[str, Any]:
    """How the table and the ledger's answers differ from the model; empty if they don't."""
    found: dict[str, Any] = model.difference(model.expected(observations), model.actual(scanned))
    by_address: dict[str, list[Observation]] = {}
    for item in observations:
        by_address.setdefault(item.event.address, []).append(item)
    wrong = [
        answer.address
        for some in batched(by_address, 100, strict=False)
        for answer in ledger.check(some)
        if answer.decision.suppressed != model.suppressed(by_address[answer.address], now)
        or any(
            decide(answer.facts, None, later, Policy()).suppressed
            != model.suppressed(by_address[answer.address], later)
            for later in (now + timedelta(days=days) for days in LATER)
        )
    ]
    found |= model.sample_differences(observations, scanned)
    return found | ({"decided wrongly": wrong} if wrong else {})
