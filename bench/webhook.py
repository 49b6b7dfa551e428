"""Compares our webhook with one that queues each event by itself, for requests of SendGrid's.

Both verify the signature, split the request and send to the same queue in memory, which waits as
long as SQS is *assumed* to take. Requests and ways alternate, so that other load on the machine
affects all of them. CPU is that of this process.

SQS counts a request for every 64 KB of a call ("Amazon SQS pricing").

Usage: python bench/webhook.py [--rounds 5] [--json]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from bounceledger import providers
from bounceledger.providers import Payload
from bounceledger.providers.registry import PROVIDERS
from bounceledger.receiving import Receiver, WebhookQueue
from bounceledger.webhooks.request import Request
from bounceledger.webhooks.schemes import Scheme, Secrets
from tools.signing import make_keys, sign

SIZES = (1, 100, 1_000, 10_000)
"""Events of a request."""
CALL_SECONDS = 0.012
"""What a call of SendMessageBatch is *assumed* to take on AWS."""
BILLED = 64 * 1024
"""Bytes of a call that SQS bills as one request."""
WAYS = OURS, PLAIN = "packed", "a message per event"


@dataclass(slots=True)
class FakeSqs:
    """A queue in memory that counts calls, messages and billed requests."""

    calls: int = 0
    messages: int = 0
    billed: int = 0

    def send_message_batch(  # as SQS has it
        self,
        *,
        QueueUrl: str,  # noqa: N803
        Entries: list[dict[str, str]],  # noqa: N803
    ) -> dict[str, Any]:
        """As SQS has it."""
        del QueueUrl
        time.sleep(CALL_SECONDS)
        size = sum(len(entry["MessageBody"]) for entry in Entries)
        self.calls += 1
        self.messages += len(Entries)
        self.billed += -(-size // BILLED)
        return {}


class KnownSecrets:
    """Secrets that were read before."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def of(self, provider: str) -> Secrets:
        """All secrets are SendGrid's."""
        return self._secrets if provider == "sendgrid" else {}

    def renewed(self, provider: str, tried: Secrets) -> Secrets | None:
        """There are no others."""
        del provider, tried
        return None

    def problems(self) -> tuple[str, ...]:
        """There are none."""
        return ()


class NoTokens:
    """SendGrid signs what it sends, so there are no tokens."""

    def use(self, token: str, content: str, until: datetime) -> bool:
        """Never called."""
        raise AssertionError((token, content, until))


@dataclass(frozen=True, slots=True)
class Measured:
    """One way with requests of one size; medians of all rounds.

    Attributes:
        way: one of `WAYS`.
        events: of a request.
        seconds: from the request to the answer.
        cpu_seconds: of them on the processor.
        calls: of SendMessageBatch.
        messages: that ingest will read.
        billed: requests that SQS bills.
    """

    way: str
    events: int
    seconds: float
    cpu_seconds: float
    calls: int
    messages: int
    billed: int


def event(number: int, now: datetime) -> dict[str, Any]:
    """A bounce as SendGrid reports it."""
    return {
        "email": f"lead-{number}@leads.example",
        "event": "bounce",
        "type": "bounce",
        "timestamp": int(now.timestamp()),
        "smtp-id": f"<{number}.abcdef@mail.example>",
        "sg_event_id": f"Ym91bmNlLTAtMTIzNDU2Nzg-{number}",
        "sg_message_id": f"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.{number}",
        "reason": "550 5.1.1 The email account that you tried to reach does not exist.",
        "status": "5.1.1",
        "bounce_classification": "Invalid Address",
        "lead_source": "webinar-2026",
    }


def send_each(request: Request, secrets: Secrets, queue: FakeSqs) -> None:
    """What a webhook of some lines does: verify, and queue each event, ten per call."""
    scheme = cast("Scheme", PROVIDERS["sendgrid"])
    scheme.verify(request, secrets, now=request.received_at, tolerance=timedelta(minutes=5))
    events = request.content()
    for start in range(0, len(events), 10):
        entries = [
            {"Id": str(n), "MessageBody": json.dumps(one)}
            for n, one in enumerate(events[start : start + 10])
        ]
        queue.send_message_batch(QueueUrl="queue", Entries=entries)


def measure(rounds: int) -> Iterator[Measured]:
    """Every way with every size."""
    keys, now = make_keys("sendgrid"), datetime.now(UTC)
    secrets = {"main": [keys.verifies]}
    list(providers.load("sendgrid").split(Payload(provider="sendgrid", content=[])))
    for size in SIZES:
        body = json.dumps([event(n, now) for n in range(size)]).encode()
        signed = sign(
            "sendgrid", keys.signs, url="", content_type="application/json", body=body, now=now
        )
        headers = {name.lower(): value for name, value in signed.headers.items()}
        found: dict[str, list[Measured]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way in WAYS:
                request = Request(headers=headers, body=body, url="", received_at=now)
                found[way].append(_once(way, size, request, secrets))
        for way in WAYS:
            yield _median(found[way])


def _once(way: str, size: int, request: Request, secrets: Secrets) -> Measured:
    queue = FakeSqs()
    receiver = Receiver(
        KnownSecrets(secrets), WebhookQueue(cast("Any", queue), "queue"), NoTokens()
    )
    runs: Mapping[str, Callable[[], object]] = {
        OURS: lambda: receiver.receive("sendgrid", request),
        PLAIN: lambda: send_each(request, secrets, queue),
    }
    began, cpu = time.perf_counter(), time.process_time()
    runs[way]()
    return Measured(
        way=way,
        events=size,
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - cpu,
        calls=queue.calls,
        messages=queue.messages,
        billed=queue.billed,
    )


def _median(found: list[Measured]) -> Measured:
    first = found[0]
    return Measured(
        way=first.way,
        events=first.events,
        seconds=statistics.median(one.seconds for one in found),
        cpu_seconds=statistics.median(one.cpu_seconds for one in found),
        calls=first.calls,
        messages=first.messages,
        billed=first.billed,
    )


def print_table(found: list[Measured]) -> None:
    """Print one line per way and size, and how the ways compare."""
    console = Console(highlight=False)
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("way", "events", "ms", "CPU ms", "SQS calls", "messages", "billed"):
        table.add_column(name, justify="left" if name == "way" else "right")
    for one in found:
        table.add_row(
            one.way,
            f"{one.events:,}",
            f"{one.seconds * 1000:.0f}",
            f"{one.cpu_seconds * 1000:.1f}",
            f"{one.calls:,}",
            f"{one.messages:,}",
            f"{one.billed:,}",
        )
    console.print(table)
    for ours, plain in zip(found[::2], found[1::2], strict=True):
        console.print(
            f"{ours.events:,} events: {plain.seconds / ours.seconds:.1f} times as fast, "
            f"{plain.billed / ours.billed:.1f} times fewer billed requests"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    options = parser.parse_args()
    found = list(measure(options.rounds))
    if options.json:
        for one in found:
            print(json.dumps(asdict(one)))
    else:
        print_table(found)


if __name__ == "__main__":
    main()
