"""A worker process: reads and records the batches that come on stdin, until it is killed.

It prints ``ready``. Then a line in is a JSON object with a batch of queue records and the call at
which the worker dies while it reads them, 0 for none; a line out is the list of the IDs of the
messages that are to be delivered again.

Usage: python -m tests.faults.worker TABLE   (endpoint and credentials: environment)
"""

import json
import sys
from datetime import UTC, datetime

from bounceledger.ledger import Ledger, connect
from bounceledger.settings import Settings
from tests.faults import reading, run


def main() -> None:
    """Serve until stdin ends."""
    settings = Settings(table_name=sys.argv[1], writers=2)
    ledger = Ledger(connect(), settings, sampling=run.small_samples())
    intake = reading.make_intake(ledger, lambda: datetime.now(UTC))
    _say("ready")
    for line in sys.stdin:
        batch = json.loads(line)
        with reading.dying_at(batch["dies_at"], reading.killed_as_a_process):
            report = intake.process(batch["records"])
        _say(json.dumps(report.retry))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
