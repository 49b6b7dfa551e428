"""Delivers a stream to failing workers as a queue does, and compares the table with the model."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import batched
from queue import Empty, Queue
from typing import Any

from bounceledger.ledger import Ledger
from bounceledger.policy import Policy
from bounceledger.state import Observation, decide
from tests.faults import model
from tests.faults.fake import Killed

COPIES = 3
"""How often every message is delivered at least."""
WORKERS = 4
LATER = (5, 13, 25, 45, 80, 200, 400)
"""Days from now on which decisions are compared, too."""


def shuffled(
    observations: Sequence[Observation], seed: int, copies: int = COPIES
) -> list[list[Observation]]:
    """Every message `copies` times, in random order, in batches of 1 to 100."""
    rng = random.Random(seed)
    messages = list(observations) * copies
    rng.shuffle(messages)
    batches = []
    while messages:
        size = rng.randint(1, 100)
        batches.append(messages[:size])
        messages = messages[size:]
    return batches


def deliver(
    batches: Sequence[Sequence[Observation]],
    make_ledger: Callable[[], Ledger],
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Record batches with `WORKERS` side by side; what fails is delivered again."""
    queue: Queue[Sequence[Observation]] = Queue()
    for batch in batches:
        queue.put(batch)

    def work(_: int) -> None:
        ledger = make_ledger()
        while True:
            try:
                batch = queue.get_nowait()
            except Empty:
                return
            try:
                outcomes = ledger.record(batch)
            except Killed:  # the queue delivers again, to a new worker
                queue.put(batch)
                ledger = make_ledger()
                continue
            pairs = list(zip(batch, outcomes, strict=True))
            lost = [outcome for _, outcome in pairs if not (outcome.ok or outcome.retry_helps)]
            if lost:
                raise AssertionError(f"given up permanently: {lost[0]}")
            again = [item for item, outcome in pairs if not outcome.ok]
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
    return found | ({"decided wrongly": wrong} if wrong else {})
