"""Our ledger and the handler that people write by hand, side by side on one local DynamoDB.

The hand-written one makes, per record, a PutItem of a marker, an UpdateItem of the
suppression (for bounces that suppress or count) and an UpdateItem of a counter. Both get
the same events and the same kind of client in one run. Calls are HTTP requests, reads and
retries included. Units are computed from item sizes as DynamoDB bills them: a write unit
per begun KB, twice that in a transaction, a read unit per begun 4 KB read consistently.

Usage: python bench/ledger.py [--events 10000] [--json]
"""

import argparse
import hashlib
import json
import math
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.progress import Progress

from bounceledger import state
from bounceledger.events import Kind, MailEvent
from bounceledger.intake import Intake
from bounceledger.ledger import Ledger, Outcome, RecordResult, connect
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.state import Observation
from bounceledger.verdict import Category, Disposition, Scope, Verdict
from tools.stack import emulator

NOW = datetime.now(UTC)
SMALL, LARGE = 1_000, 100_000
BATCHES = (10, 100)
FLAT = 1.2
PARTS = 5
UNCOUNTED = "ours, uncounted"
MOSTLY_DELIVERIES = "mostly deliveries"
TENTH = 0.1

STREAMS: dict[str, dict[Disposition | None, float]] = {
    MOSTLY_DELIVERIES: {
        Disposition.HARD: 0.02,
        Disposition.SOFT: 0.015,
        Disposition.BLOCK: 0.015,
        None: 0.95,
    },
    "all bounces": {Disposition.HARD: 0.4, Disposition.SOFT: 0.35, Disposition.BLOCK: 0.25},
}
_CATEGORIES = {
    Disposition.HARD: Category.MAILBOX_UNKNOWN,
    Disposition.SOFT: Category.MAILBOX_FULL,
    Disposition.BLOCK: Category.REPUTATION_BLOCK,
}


def make_stream(name: str, size: int, seed: int = 0) -> list[Observation]:
    """Events of two days, ten lead sources and half as many addresses as events."""
    dice = random.Random(f"{name}/{seed}")
    mix = STREAMS[name]
    return [
        _observation(
            dice, f"{seed}/{name}/{n}", dice.choices(list(mix), list(mix.values()))[0], size // 2
        )
        for n in range(size)
    ]


def _observation(
    dice: random.Random, name: str, disposition: Disposition | None, people: int
) -> Observation:
    kind = Kind.DELIVERY if disposition is None else Kind.BOUNCE
    event = MailEvent(
        event_id=hashlib.sha256(name.encode()).hexdigest()[:32],
        provider="ses",
        kind=kind,
        provider_kind=kind.value,
        address=f"person{dice.randrange(people)}@example{name.partition('/')[0]}.test",
        lead_source=f"list-{dice.randrange(10)}",
        occurred_at=NOW - timedelta(hours=dice.randrange(48)),
        message_id=f"0100018f-{name}-0000-000000",
        diagnostic="" if disposition is None else f"smtp; 550 5.1.1 <{name}>: user unknown here",
        status="" if disposition is None else "5.1.1",
    )
    if disposition is None:
        return state.observe(event, policy=Policy())
    category = _CATEGORIES[disposition]
    verdict = Verdict(category=category, scope=Scope.ADDRESS, rule=f"{category}-1", reply_code=550)
    return state.observe(event, policy=Policy(), verdict=verdict)


# ------------------------------------------------------------------- the hand-written one


class ByHand:
    """The handler as people write it: three writes a record, one after the other."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def record(self, observations: Sequence[Observation]) -> None:
        """Book a batch."""
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
    """Counts what a client sends, by a hook on every HTTP request."""

    calls: Counter[str] = field(default_factory=Counter)
    write_units: int = 0
    read_units: int = 0

    def attach(self, client: Any) -> None:
        """Listen to a client."""
        client.meta.events.register("before-send.dynamodb.*", self._sent)
        client.meta.events.register("after-call.dynamodb.*", self._answered)

    def _sent(self, request: Any, **_: Any) -> None:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.calls[operation] += 1
        body = json.loads(request.body)
        match operation:
            case "PutItem":
                self.write_units += units(body["Item"], 1024)
            case "UpdateItem":
                self.write_units += units(body["Key"] | _values(body), 1024)
            case "BatchWriteItem":
                [puts] = body["RequestItems"].values()
                self.write_units += sum(units(put["PutRequest"]["Item"], 1024) for put in puts)
            case "BatchGetItem":  # a unit per key, found or not; no item here reaches 4 KB
                [request_] = body["RequestItems"].values()
                self.read_units += len(request_["Keys"])
            case "TransactWriteItems":
                self.write_units += 2 * sum(
                    units(action.get("Item") or action["Key"] | _values(action), 1024)
                    for item in body["TransactItems"]
                    for action in item.values()
                )

    def _answered(self, parsed: Any, model: Any, **_: Any) -> None:
        if model.name == "Query":
            size = sum(map(size_of, parsed.get("Items", [])))
            self.read_units += max(1, math.ceil(size / 4096))


def _values(action: dict[str, Any]) -> dict[str, Any]:
    return action.get("ExpressionAttributeValues", {})


def units(item: dict[str, Any], step: int) -> int:
    """Begun steps of bytes of an item in DynamoDB's form."""
    return max(1, math.ceil(size_of(item) / step))


def size_of(item: dict[str, Any]) -> int:
    """Bytes of names and values, as DynamoDB counts them (to within a few)."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(attribute: dict[str, Any]) -> int:
    [(kind, value)] = attribute.items()
    match kind:
        case "M":
            return 3 + len(value) + size_of(value)
        case "L":
            return 3 + len(value) + sum(map(_value_size, value))
        case "N":
            return len(value) // 2 + 2
        case "S":
            return len(value.encode())
        case _:
            return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run of one handler over one stream."""

    handler: str
    stream: str
    batch: int
    events: int
    seconds: float
    cpu_seconds: float
    """Of this process alone, as the database runs in another."""
    calls: dict[str, int]
    write_units: int
    read_units: int

    @property
    def per_event(self) -> dict[str, float]:
        """What one event takes."""
        return {
            "calls": sum(self.calls.values()) / self.events,
            "write units": self.write_units / self.events,
            "read units": self.read_units / self.events,
            "seconds": self.seconds / self.events,
            "cpu ms": 1000 * self.cpu_seconds / self.events,
        }


class Bench:
    """Tables on one local DynamoDB, and clients that are counted."""

    def __init__(self, endpoint_url: str, tick: Callable[[int], None]) -> None:
        self._endpoint_url = endpoint_url
        self._tick = tick
        self._tables = 0

    def client(self) -> Any:
        """A client as the ledger makes it, for both handlers."""
        return connect(self._endpoint_url)

    def table(self) -> str:
        """A new, empty table."""
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
        """Put markers of other people's events into a table."""
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
            self._tick(0)

    def ours(
        self, stream: str, events: Sequence[Observation], batch: int, **changes: Any
    ) -> Measured:
        """Our ledger over a stream, with settings changed as named."""
        client = self.client()
        settings = Settings(**({"table_name": self.table()} | changes))
        ledger = Ledger(client, settings)
        handler = "ours" if settings.count_deliveries else UNCOUNTED

        def record(some: Sequence[Observation]) -> None:
            outcomes = ledger.record(some)
            assert all(outcome.ok for outcome in outcomes)

        return self._measure(client, record, events, handler=handler, stream=stream, batch=batch)

    def by_hand(self, stream: str, events: Sequence[Observation], batch: int) -> Measured:
        """The hand-written handler over a stream."""
        client = self.client()
        handler = ByHand(client, self.table())
        return self._measure(
            client, handler.record, events, handler="by hand", stream=stream, batch=batch
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
        for some in batched(events, batch, strict=False):
            record(some)
            self._tick(len(some))
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
    """Both handlers over both streams. By hand, a batch's size makes no difference."""
    for name in STREAMS:
        events = make_stream(name, size)
        yield bench.by_hand(name, events, max(BATCHES))
        for batch in BATCHES:
            yield bench.ours(name, events, batch)
    name = MOSTLY_DELIVERIES
    yield bench.ours(name, make_stream(name, size), max(BATCHES), count_deliveries=False)


def flatness(bench: Bench, size: int) -> dict[int, list[Measured]]:
    """The same events with few and with many items in the table.

    In turns, so that whatever else the machine does slows down both.
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
    """A quantity per event with many items in the table over that with few: medians."""
    few, many = (
        statistics.median(m.per_event[quantity] for m in sizes[items]) for items in (SMALL, LARGE)
    )
    return many / few


def reading(size: int) -> float:
    """CPU milliseconds per message for all that comes before the ledger.

    That is: unwrapping, parsing and classifying SQS records that hold SNS envelopes.
    """
    records = [_record(number) for number in range(size)]
    settings = Settings(allowed_accounts=frozenset("*"))
    intake = Intake(settings, _Nowhere(), _Nowhere(), provider="ses")
    begin = time.process_time()
    for some in batched(records, max(BATCHES), strict=False):
        report = intake.process(some)
        assert not report.retry
        assert not report.dead_letters
    return 1000 * (time.process_time() - begin) / size


class _Nowhere:
    """Books and dead letters of which nothing is kept."""

    def record(
        self, observations: Sequence[Observation], *, deadline: datetime | None = None
    ) -> list[RecordResult]:
        """Call everything booked."""
        del deadline
        return [RecordResult(outcome=Outcome.RECORDED)] * len(observations)

    def send(self, message: str, error: Exception) -> None:
        """Take nothing."""
        raise AssertionError(f"{message} was refused: {error}") from error


def _record(number: int) -> dict[str, Any]:
    """An SQS record with an SES event: one in twenty is a bounce."""
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
        what: dict[str, Any] = {
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
        what = {
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
        "Message": json.dumps(what | {"mail": mail}) + "\n",
    }
    return {
        "eventSource": "aws:sqs",
        "messageId": f"sqs-{number}",
        "body": json.dumps(envelope),
    }


def report(
    console: Console, measured: Sequence[Measured], sizes: dict[int, list[Measured]]
) -> None:
    """Print what was measured, and ratios."""
    for name in STREAMS:
        console.print(f"\n{name}, per event:")
        hand = next(m for m in measured if (m.stream, m.handler) == (name, "by hand"))
        for item in (m for m in measured if m.stream == name):
            share = item.per_event["calls"] / hand.per_event["calls"]
            console.print(
                f"  {item.handler:15} batch {item.batch:3}:"
                f" calls {item.per_event['calls']:.3f} ({share:.3f} of by hand),"
                f" events/s {1 / item.per_event['seconds']:.0f}"
                f" ({hand.per_event['seconds'] / item.per_event['seconds']:.1f} times),"
                f" write units {item.per_event['write units']:.2f},"
                f" read units {item.per_event['read units']:.2f},"
                f" CPU {item.per_event['cpu ms']:.2f} ms"
            )
            console.print(f"      {item.calls}")
    for quantity in ("seconds", "calls"):
        found = ratio(sizes, quantity)
        verdict = "flat" if found <= FLAT else "not flat"
        console.print(f"{quantity} at {LARGE} items / at {SMALL}: {found:.2f} ({verdict})")


def main() -> int:
    """Measure, print; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=10_000, help="events per stream")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "test")
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    console = Console(markup=False, highlight=False, soft_wrap=True)
    runs = len(STREAMS) * (1 + len(BATCHES)) + 1
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("events", total=runs * args.events + 2 * (args.events // 4))
        with emulator() as endpoint_url:
            bench = Bench(endpoint_url, lambda count: progress.advance(task, count))
            measured = list(compare(bench, args.events))
            sizes = flatness(bench, args.events // 4)
    read = reading(args.events)
    if args.json:
        runs_ = {"runs": [asdict(m) for m in measured]}
        flat = {name: ratio(sizes, name) for name in ("seconds", "calls")}
        print(json.dumps(runs_ | {"flatness": flat, "reading_cpu_ms": read}))
    else:
        report(console, measured, sizes)
        console.print(f"reading and classifying a message: {read:.3f} ms CPU")
    return 0 if targets_met(measured, sizes) else 1


def targets_met(measured: Sequence[Measured], sizes: dict[int, list[Measured]]) -> bool:
    """Whether calls are a tenth at batch 100, mostly deliveries, and the time is flat."""
    calls = {
        (m.handler, m.batch): m.per_event["calls"]
        for m in measured
        if m.stream == MOSTLY_DELIVERIES
    }
    few_calls = calls["ours", 100] <= TENTH * calls["by hand", 100]
    return few_calls and ratio(sizes, "seconds") <= FLAT


if __name__ == "__main__":
    sys.exit(main())
