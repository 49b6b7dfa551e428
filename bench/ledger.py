"""Compares our ledger with a typical hand-written handler, on one local DynamoDB.

For each record the hand-written handler makes a PutItem for a marker, an UpdateItem for the
suppression (only for bounces that suppress or count) and an UpdateItem for a counter. Both
handlers get the same events and the same kind of client in one run.

Calls are HTTP requests, including reads and retries. Units are computed from item sizes as
DynamoDB bills them: one write unit per KB, rounded up, and twice that in a transaction; one read
unit per 4 KB, rounded up, for a consistent read.

Usage: python bench/ledger.py [--events 10000] [--json]
"""

import argparse
import hashlib
import json
import math
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bounceledger import state
from bounceledger.erasure_keys import ErasureKeyring
from bounceledger.events import Kind, MailEvent
from bounceledger.intake import Intake
from bounceledger.ledger import Ledger, Outcome, RecordResult, connect
from bounceledger.ledger.attributes import size_of
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import Observation
from bounceledger.verdict import Category, Disposition, Scope, Verdict
from tests.erasing import ONE_KEY, keyring
from tools.stack import emulator, use_any_credentials

NOW = datetime.now(UTC)
SMALL, LARGE = 1_000, 100_000
"""Items in the table, to compare the speed at two sizes."""
PARTS = 5
"""Parts into which the events of that comparison are split, alternating between the sizes."""
MAX_SLOWDOWN = 1.2
"""Target: time per event in the large table, relative to the small one."""
MAX_CALLS = 0.1
"""Target: calls per event in batches of 100, relative to the hand-written handler."""
BATCHES = (10, 100)
OURS = "ours"
OURS_UNCOUNTED = "ours, no delivery counts"
OURS_ERASING = "ours, with ErasureKeysSecret"
HAND_WRITTEN = "hand-written"
MOSTLY_DELIVERIES = "mostly deliveries"

STREAMS: dict[str, dict[Disposition | None, float]] = {
    MOSTLY_DELIVERIES: {
        Disposition.HARD: 0.02,
        Disposition.SOFT: 0.015,
        Disposition.BLOCK: 0.015,
        None: 0.95,
    },
    "all bounces": {Disposition.HARD: 0.4, Disposition.SOFT: 0.35, Disposition.BLOCK: 0.25},
    "accepted, then bounced": {Disposition.HARD: 0.1, Disposition.SOFT: 0.1, None: 0.8},
}
ACCEPTED = {"accepted, then bounced": 0.5}
"""Share of a stream's bounces whose message was delivered before."""
_CATEGORIES = {
    Disposition.HARD: Category.MAILBOX_UNKNOWN,
    Disposition.SOFT: Category.MAILBOX_FULL,
    Disposition.BLOCK: Category.REPUTATION_BLOCK,
}


def make_stream(name: str, size: int, seed: int = 0) -> list[Observation]:
    """Generate events of two days, from ten lead sources, with two events per address."""
    rng = random.Random(f"{name}/{seed}")
    mix = STREAMS[name]
    events = [
        _observation(
            rng, f"{seed}/{name}/{n}", rng.choices(list(mix), list(mix.values()))[0], size // 2
        )
        for n in range(size)
    ]
    for n, bounce in enumerate(events):
        if bounce.verdict and rng.random() < ACCEPTED.get(name, 0):
            place = max(0, n - rng.randrange(1, 500))
            if events[place].verdict is None:
                events[place] = _delivery_of(bounce)
    return events


def _delivery_of(bounce: Observation) -> Observation:
    """The delivery of a message that bounces later."""
    event = replace(
        bounce.event,
        event_id=hashlib.sha256(f"delivery {bounce.event.event_id}".encode()).hexdigest()[:32],
        kind=Kind.DELIVERY,
        provider_kind=Kind.DELIVERY.value,
        diagnostic="",
        status="",
    )
    return state.observe(event, policy=Policy())


def _observation(
    rng: random.Random, name: str, disposition: Disposition | None, people: int
) -> Observation:
    kind = Kind.DELIVERY if disposition is None else Kind.BOUNCE
    event = MailEvent(
        event_id=hashlib.sha256(name.encode()).hexdigest()[:32],
        provider="ses",
        kind=kind,
        provider_kind=kind.value,
        address=f"person{rng.randrange(people)}@example{name.partition('/')[0]}.test",
        lead_source=f"list-{rng.randrange(10)}",
        occurred_at=NOW - timedelta(hours=rng.randrange(48)),
        message_id=f"0100018f-{name}-0000-000000",
        diagnostic="" if disposition is None else f"smtp; 550 5.1.1 <{name}>: user unknown here",
        status="" if disposition is None else "5.1.1",
    )
    if disposition is None:
        return state.observe(event, policy=Policy())
    category = _CATEGORIES[disposition]
    verdict = Verdict(category=category, scope=Scope.ADDRESS, rule=f"{category}-1", reply_code=550)
    return state.observe(event, policy=Policy(), verdict=verdict)


# --------------------------------------------------------------- the hand-written handler


class HandWrittenHandler:
    """A typical bounce handler: up to three writes per record, one after the other.

    It stands for other people's code, so it has its own item shapes and shares none of ours.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def record(self, observations: Sequence[Observation]) -> None:
        """Record a batch."""
        for observation in observations:
            self._record(observation)

    def _record(self, observation: Observation) -> None:
        event, verdict = observation.event, observation.verdict
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    "pk": {"S": f"EVENT#{event.event_id}"},
                    "sk": {"S": "EVENT"},
                    "ttl": {"N": str(int(NOW.timestamp()) + 90 * 86400)},
                },
                ConditionExpression="attribute_not_exists(pk)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return
        if verdict and verdict.disposition is not Disposition.BLOCK:
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": f"ADDRESS#{event.address}"}, "sk": {"S": "FACTS"}},
                UpdateExpression="SET #l = :l, #c = :c, #d = :d, #s = :s ADD #n :one",
                ExpressionAttributeNames={
                    "#l": "last",
                    "#c": "category",
                    "#d": "diagnostic",
                    "#s": "lead_source",
                    "#n": "bounces",
                },
                ExpressionAttributeValues={
                    ":l": {"S": event.occurred_at.isoformat()},
                    ":c": {"S": verdict.category.value},
                    ":d": {"S": event.diagnostic},
                    ":s": {"S": event.lead_source},
                    ":one": {"N": "1"},
                },
            )
        outcome = verdict.disposition.value if verdict else "delivered"
        self._client.update_item(
            TableName=self._table,
            Key={
                "pk": {"S": f"COUNT#{event.lead_source}"},
                "sk": {"S": f"DAY#{event.occurred_at.date()}"},
            },
            UpdateExpression="ADD #o :one",
            ExpressionAttributeNames={"#o": outcome},
            ExpressionAttributeValues={":one": {"N": "1"}},
        )


# ----------------------------------------------------------------------------- measuring


@dataclass(slots=True)
class Meter:
    """Counts what a client sends, in hooks on every request and response."""

    calls: Counter[str] = field(default_factory=Counter)
    write_units: int = 0
    read_units: int = 0

    def attach(self, client: Any) -> None:
        """Count the requests of a client from now on."""
        client.meta.events.register("before-send.dynamodb.*", self._sent)
        client.meta.events.register("after-call.dynamodb.*", self._received)

    def _sent(self, request: Any, **_: Any) -> None:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.calls[operation] += 1
        body = json.loads(request.body)
        match operation:
            case "PutItem":
                self.write_units += units(body["Item"], 1024)
            case "UpdateItem":
                self.write_units += units(body["Key"] | _values(body), 1024)
            case "BatchGetItem":  # one unit per key, found or not; no item here reaches 4 KB
                [request_] = body["RequestItems"].values()
                self.read_units += len(request_["Keys"])
            case "TransactWriteItems":
                self.write_units += 2 * sum(
                    units(action.get("Item") or action["Key"] | _values(action), 1024)
                    for item in body["TransactItems"]
                    for action in item.values()
                )

    def _received(self, parsed: Any, model: Any, **_: Any) -> None:
        if model.name == "Query":
            size = sum(map(size_of, parsed.get("Items", [])))
            self.read_units += max(1, math.ceil(size / 4096))


def _values(action: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = action.get("ExpressionAttributeValues", {})
    return values


def units(item: dict[str, Any], step: int) -> int:
    """Size of an item in steps of so many bytes, rounded up."""
    return max(1, math.ceil(size_of(item) / step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of one handler over one stream."""

    handler: str
    stream: str
    batch: int
    events: int
    seconds: float
    cpu_seconds: float
    """CPU time of this process only; the database runs in another."""
    calls: dict[str, int]
    write_units: int
    read_units: int

    @property
    def per_event(self) -> dict[str, float]:
        """Average per event."""
        return {
            "calls": sum(self.calls.values()) / self.events,
            "write units": self.write_units / self.events,
            "read units": self.read_units / self.events,
            "seconds": self.seconds / self.events,
            "CPU ms": 1000 * self.cpu_seconds / self.events,
        }


class Bench:
    """Runs both handlers on one local DynamoDB and measures them."""

    def __init__(self, endpoint_url: str, advance: Callable[[int], None]) -> None:
        self._endpoint_url = endpoint_url
        self._advance = advance
        self._tables = 0

    def client(self) -> Any:
        """A client with the ledger's configuration, for both handlers."""
        return connect(self._endpoint_url)

    def table(self) -> str:
        """Create an empty table; returns its name."""
        self._tables += 1
        name = f"bench-{self._tables}"
        keys = {"pk": "HASH", "sk": "RANGE"}
        self.client().create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        )
        return name

    def fill(self, table: str, size: int) -> None:
        """Put items of other addresses into a table."""
        client = self.client()
        for numbers in batched(range(size), 25, strict=False):
            puts = [
                {
                    "PutRequest": {
                        "Item": {
                            "pk": {"S": f"ADDRESS#other{n}@example.test"},
                            "sk": {"S": f"EVENT#{n:032x}"},
                            "kind": {"S": "delivery"},
                        }
                    }
                }
                for n in numbers
            ]
            client.batch_write_item(RequestItems={table: puts})
            self._advance(0)

    def ours(
        self,
        stream: str,
        events: Sequence[Observation],
        batch: int,
        *,
        erasure: ErasureKeyring | None = None,
        **changes: Any,
    ) -> Measured:
        """Measure our ledger on a stream.

        Args:
            stream: its name.
            events: of the stream.
            batch: events that are recorded at once.
            erasure: the keys of erasures, if people can be erased.
            changes: settings that differ from the defaults.
        """
        client = self.client()
        settings = Settings(**({"table_name": self.table()} | changes))
        ledger = Ledger(client, settings, erasure=erasure)
        handler = OURS if settings.count_deliveries else OURS_UNCOUNTED
        handler = OURS_ERASING if erasure else handler

        def record(batch: Sequence[Observation]) -> None:
            outcomes = ledger.record(batch)
            assert all(outcome.ok for outcome in outcomes)

        return self._measure(client, record, events, handler=handler, stream=stream, batch=batch)

    def hand_written(self, stream: str, events: Sequence[Observation], batch: int) -> Measured:
        """Measure the hand-written handler on a stream."""
        client = self.client()
        handler = HandWrittenHandler(client, self.table())
        return self._measure(
            client, handler.record, events, handler=HAND_WRITTEN, stream=stream, batch=batch
        )

    def _measure(
        self,
        client: Any,
        record: Callable[[Sequence[Observation]], None],
        events: Sequence[Observation],
        *,
        handler: str,
        stream: str,
        batch: int,
    ) -> Measured:
        meter = Meter()
        meter.attach(client)
        begin, begin_cpu = time.perf_counter(), time.process_time()
        for chunk in batched(events, batch, strict=False):
            record(chunk)
            self._advance(len(chunk))
        return Measured(
            handler=handler,
            stream=stream,
            batch=batch,
            events=len(events),
            seconds=time.perf_counter() - begin,
            cpu_seconds=time.process_time() - begin_cpu,
            calls=dict(meter.calls),
            write_units=meter.write_units,
            read_units=meter.read_units,
        )


def compare(bench: Bench, size: int) -> Iterator[Measured]:
    """Measure both handlers on both streams.

    The batch size makes no difference to the hand-written handler.
    """
    for name in STREAMS:
        events = make_stream(name, size)
        yield bench.hand_written(name, events, max(BATCHES))
        for batch in BATCHES:
            yield bench.ours(name, events, batch)
        yield bench.ours(name, events, max(BATCHES), erasure=keyring(ONE_KEY))
    name = MOSTLY_DELIVERIES
    yield bench.ours(name, make_stream(name, size), max(BATCHES), count_deliveries=False)


def by_table_size(bench: Bench, size: int) -> dict[int, list[Measured]]:
    """Measure the same events in a small and in a large table, by number of items.

    The two alternate, so that other load on the machine affects both.
    """
    tables = {items: bench.table() for items in (SMALL, LARGE)}
    for items, table in tables.items():
        bench.fill(table, items)
    measured: dict[int, list[Measured]] = {items: [] for items in tables}
    for part in range(PARTS):
        events = make_stream(MOSTLY_DELIVERIES, size // PARTS, seed=part)
        for items, table in tables.items():
            measured[items].append(
                bench.ours(MOSTLY_DELIVERIES, events, max(BATCHES), table_name=table)
            )
    return measured


def ratio(sizes: dict[int, list[Measured]], quantity: str) -> float:
    """Median of a quantity per event in the large table, relative to the small one."""
    few, many = (
        statistics.median(m.per_event[quantity] for m in sizes[items]) for items in (SMALL, LARGE)
    )
    return many / few


def reading_milliseconds(size: int) -> float:
    """CPU milliseconds per message to unwrap, parse and classify it, before the ledger."""
    records = [_record(number) for number in range(size)]
    settings = Settings(allowed_accounts=frozenset("*"))
    intake = Intake(settings, _Discard(), _Discard(), provider="ses")
    begin = time.process_time()
    for chunk in batched(records, max(BATCHES), strict=False):
        report = intake.process(chunk)
        assert not report.retry
        assert not report.dead_letters
    return 1000 * (time.process_time() - begin) / size


class _Discard:
    """A ledger that keeps nothing, and a dead-letter queue that must stay empty."""

    def record(
        self, observations: Sequence[Observation], *, deadline: datetime | None = None
    ) -> list[RecordResult]:
        """Report everything as recorded."""
        del deadline
        return [RecordResult(outcome=Outcome.RECORDED)] * len(observations)

    def send(self, message: str, error: Exception) -> None:
        """Fail, since every message here is valid."""
        raise AssertionError(f"{message} was dead-lettered: {error}") from error


def _record(number: int) -> dict[str, Any]:
    """An SQS record with an SES event; one in twenty is a bounce."""
    address = f"person{number}@example.test"
    mail = {
        "timestamp": "2026-11-20T12:00:00.000Z",
        "messageId": f"0100018f-{number}",
        "source": "news@sender.test",
        "sendingAccountId": "123456789012",
        "destination": [address],
        "tags": {"lead_source": [f"list-{number % 10}"], "ses:configuration-set": ["main"]},
    }
    if number % 20:
        details: dict[str, Any] = {
            "eventType": "Delivery",
            "delivery": {
                "timestamp": "2026-11-20T12:00:01.000Z",
                "recipients": [address],
                "smtpResponse": "250 2.0.0 OK queued",
            },
        }
    else:
        bounced = {
            "emailAddress": address,
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": f"smtp; 550 5.1.1 <{address}>: Recipient address rejected: unknown",
        }
        details = {
            "eventType": "Bounce",
            "bounce": {
                "timestamp": "2026-11-20T12:00:01.000Z",
                "feedbackId": f"feedback-{number}",
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [bounced],
            },
        }
    envelope = {
        "Type": "Notification",
        "MessageId": f"message-{number}",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:events",
        "Timestamp": "2026-11-20T12:00:02.000Z",
        "Message": json.dumps(details | {"mail": mail}) + "\n",
    }
    return {
        "eventSource": "aws:sqs",
        "messageId": f"sqs-{number}",
        "body": json.dumps(envelope),
    }


def report(
    console: Console, measured: Sequence[Measured], sizes: dict[int, list[Measured]]
) -> None:
    """Print the figures per event, with ratios to the hand-written handler."""
    for stream in STREAMS:
        base = next(m for m in measured if (m.stream, m.handler) == (stream, HAND_WRITTEN))
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("handler")
        for name in ("batch", "calls", "ratio", "events/s", "ratio", "WU", "RU", "CPU"):
            table.add_column(name, justify="right")
        for item in (m for m in measured if m.stream == stream):
            one, reference = item.per_event, base.per_event
            table.add_row(
                item.handler,
                str(item.batch),
                f"{one['calls']:.3f}",
                f"{one['calls'] / reference['calls']:.3f}",
                f"{1 / one['seconds']:.0f}",
                f"{reference['seconds'] / one['seconds']:.1f}",
                f"{one['write units']:.2f}",
                f"{one['read units']:.2f}",
                f"{one['CPU ms']:.2f} ms",
            )
        console.print(f"\n{stream}: calls, write units (WU), read units (RU) and CPU per event")
        console.print(table)
    console.print(f"\n{LARGE:,} items in the table, compared with {SMALL:,}:")
    for quantity, name in (("seconds", "time"), ("calls", "calls")):
        console.print(f"  {ratio(sizes, quantity):.2f} times the {name} per event")


def main() -> int:
    """Measure, and print the figures; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--events", type=int, default=10_000, help="events per stream (default: 10000)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    use_any_credentials()
    console = Console(markup=False, highlight=False, soft_wrap=True)
    runs = len(STREAMS) * (1 + len(BATCHES)) + 1
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("events", total=runs * args.events + 2 * (args.events // 4))
        with emulator() as endpoint_url:
            bench = Bench(endpoint_url, partial(progress.advance, task))
            measured = list(compare(bench, args.events))
            sizes = by_table_size(bench, args.events // 4)
    read = reading_milliseconds(args.events)
    if args.json:
        runs_ = {"runs": [asdict(m) for m in measured]}
        flat = {name: ratio(sizes, name) for name in ("seconds", "calls")}
        print(json.dumps(runs_ | {"flatness": flat, "reading_cpu_ms": read}))
    else:
        report(console, measured, sizes)
        console.print(f"\nReading and classifying a message: {read:.3f} ms CPU")
    missed = list(missed_targets(measured, sizes))
    for target in missed:
        print(f"Target missed: {target}", file=sys.stderr)
    return 1 if missed else 0


def missed_targets(measured: Sequence[Measured], sizes: dict[int, list[Measured]]) -> Iterator[str]:
    """Describe every target that was missed."""
    calls = {
        (m.handler, m.batch): m.per_event["calls"]
        for m in measured
        if m.stream == MOSTLY_DELIVERIES
    }
    share = calls[OURS, max(BATCHES)] / calls[HAND_WRITTEN, max(BATCHES)]
    if share > MAX_CALLS:
        yield f"calls are {share:.3f} of the hand-written handler's, the limit is {MAX_CALLS}"
    slowdown = ratio(sizes, "seconds")
    if slowdown > MAX_SLOWDOWN:
        yield f"the large table takes {slowdown:.2f} times as long, the limit is {MAX_SLOWDOWN}"


if __name__ == "__main__":
    sys.exit(main())
