"""A worker process: records the batches that it reads from stdin, until it is killed.

It prints ``ready``. Then a line in is a JSON list of numbers of events of the stream, and a
line out is the list of those that failed and are to be delivered again.

Usage: python -m tests.faults.worker SEED SIZE TABLE   (endpoint and credentials: environment)
"""

import json
import sys

from bounceledger.ledger import Ledger, connect
from bounceledger.settings import Settings
from tests.faults import stream


def main() -> None:
    """Serve until stdin ends."""
    seed, size, table = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    events = stream.make(seed, size)
    ledger = Ledger(connect(), Settings(table_name=table, writers=2))
    _say("ready")
    for line in sys.stdin:
        numbers = json.loads(line)
        outcomes = ledger.record([events[number] for number in numbers])
        refused = [o.reason for o in outcomes if not (o.ok or o.retry_helps)]
        if refused:
            sys.exit(f"given up permanently: {refused[0]}")
        failed = [number for number, o in zip(numbers, outcomes, strict=True) if not o.ok]
        _say(json.dumps(failed))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
