"""Measures `GET /v1/sources` with 3,000 lead sources, and the daily audit, on one local DynamoDB.

Every source has counters on 9 of 60 days, and one in a hundred has large ones: four shards on each
day, with 250 hashes of addresses each. One source has 1,500 dead addresses. The daily audit runs
once. Then each request is sent several times through the function's handler: pages of the report,
pages of a period (read live, by name), one source, and its evidence.

Calls are HTTP requests to DynamoDB. CPU is that of this process, with all its threads, and without
the database.

Usage: python bench/audit.py [--sources 3000] [--rounds 5] [--json]
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched, chain
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from bench.check import bounce
from bench.ledger import Bench, Meter
from bounceledger.api.cursors import Cursors
from bounceledger.audit import AuditThresholds
from bounceledger.auditing import run_audit
from bounceledger.ledger import Ledger, items
from bounceledger.settings import Settings
from tests.fakes import FakeContext
from tests.functions import load
from tools.stack import emulator, use_any_credentials

DAYS = 60
MAILED_EVERY = 7
"""A source was mailed on one of so many days, a large one on each."""
LARGE_EVERY = 100
"""One source in so many is large."""
SHARDS = 4
HASHES = 250
"""Hashes of addresses in each shard of a large source; a fifth of that in the one of others."""
DEAD = 1500
LIMIT = 100
LIVE = 50
"""Sources of the second table. The local DynamoDB answers one call after the other, so that 100 may
take longer here than a page may."""
SOURCE = "list"
"""The source of `bench.check.bounce`."""
MAX_SECONDS = 5.0
"""Target: the slowest answer."""


def counters(source: str, number: int, today: datetime) -> Iterator[Mapping[str, Any]]:
    """A source's counters, as DynamoDB has them."""
    rng = random.Random(number)
    is_large = number % LARGE_EVERY == 0
    held = HASHES if is_large else HASHES // 5
    rate = rng.choice((0.005, 0.01, 0.03, 0.08, 0.2))
    for ago in range(0, DAYS, 1 if is_large else MAILED_EVERY):
        for shard in range(SHARDS if is_large else 1):
            key = items.counter_key(source, shard, (today - timedelta(days=ago)).date())
            dead = sum(rng.random() < rate for _ in range(held))
            numbers = {
                "delivered": held - dead,
                **{name: dead for name in ("hard", "suppressed") if dead},
                **{f"{name}_mailbox_unknown": dead for name in ("category", "dead") if dead},
            }
            yield {
                "pk": {"S": key.pk},
                "sk": {"S": key.sk},
                "answered": {"BS": [rng.randbytes(4) for _ in range(held)]},
                **{name: {"N": str(value)} for name, value in numbers.items()},
            }


def fill(client: Any, table: str, sources: int, today: datetime) -> int:
    """Put the counters of all sources into a table; returns the number of items."""
    names = [f"vendor-{number:05}" for number in range(sources)]
    written = 0
    listed: Iterator[Mapping[str, Any]] = (
        {"pk": {"S": key.pk}, "sk": {"S": key.sk}} for key in map(items.source_list_key, names)
    )
    every = (item for n, name in enumerate(names) for item in counters(name, n, today))
    for some in batched(chain(listed, every), 25, strict=False):
        puts = [{"PutRequest": {"Item": item}} for item in some]
        client.batch_write_item(RequestItems={table: puts})
        written += len(puts)
    return written


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one kind of request took.

    Attributes:
        request: which.
        seconds: median of the rounds.
        slowest: the slowest of them, seconds.
        cpu_seconds: median of the rounds.
        calls: calls of DynamoDB, on average.
        kilobytes: of the answer, on average.
    """

    request: str
    seconds: float
    slowest: float
    cpu_seconds: float
    calls: float
    kilobytes: float


def measured(
    request: str, rounds: int, meter: Meter, answer: Callable[[], Mapping[str, Any]]
) -> Measured:
    """Measure a request."""
    seconds, cpu, size = [], [], []
    before = meter.calls.total()
    for _ in range(rounds):
        began, used = time.perf_counter(), time.process_time()
        size.append(len(json.dumps(answer())) / 1024)
        seconds.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
    return Measured(
        request=request,
        seconds=statistics.median(seconds),
        slowest=max(seconds),
        cpu_seconds=statistics.median(cpu),
        calls=(meter.calls.total() - before) / rounds,
        kilobytes=statistics.mean(size),
    )


class Api:
    """The routes of lookup over a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lookup = load("lookup")
        self._lookup.logger.setLevel("ERROR")
        self._cursors = Cursors("s" * 64)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The body of an answer."""
        event = {
            "httpMethod": "GET",
            "path": path,
            "resource": path,
            "headers": {},
            "queryStringParameters": query,
            "multiValueQueryStringParameters": None,
            "body": None,
            "isBase64Encoded": False,
            "requestContext": {"stage": "live", "path": f"/live{path}"},
        }
        answer = self._lookup.handler(
            event, FakeContext(), ledger=self._ledger, cursors=lambda: self._cursors
        )
        assert answer["statusCode"] == 200, answer["body"]
        body: dict[str, Any] = json.loads(answer["body"])
        return body


def requests(api: Api, meter: Meter, rounds: int, today: datetime) -> Iterator[Measured]:
    """Measure every kind of request."""
    page = api.get("/v1/sources")
    assert (page["sorted_by"], len(page["sources"])) == ("verdict", LIMIT)
    cursor = page["next_cursor"]
    yield measured("page of the report", rounds, meter, lambda: api.get("/v1/sources"))
    yield measured(
        "next page of the report", rounds, meter, lambda: api.get("/v1/sources", cursor=cursor)
    )
    days = {"from": (today - timedelta(days=29)).date().isoformat()}
    yield measured("page of a period", rounds, meter, lambda: api.get("/v1/sources", **days))
    path = f"/v1/sources/{SOURCE}"
    yield measured("one source", rounds, meter, lambda: api.get(path))
    yield measured(
        "its evidence, 1,000", rounds, meter, lambda: api.get(f"{path}/evidence", limit="1000")
    )


def live(bench: Bench, rounds: int, today: datetime) -> Measured:
    """Measure the list of as many lead sources as fit on a page."""
    table, client, meter = bench.table(), bench.client(), Meter()
    fill(client, table, LIVE, today)
    meter.attach(client)
    api = Api(Ledger(client, Settings(table_name=table)))
    page = api.get("/v1/sources")
    assert (page["next_cursor"], len(page["sources"])) == (None, LIVE)
    return measured(f"all of {LIVE} sources", rounds, meter, lambda: api.get("/v1/sources"))


def report(found: list[Measured], sources: int, stored: int) -> None:
    """Print the figures as a table."""
    console = Console()
    table = Table(title=f"{sources:,} lead sources, {stored:,} items of counters")
    for heading in ("", "s", "slowest, s", "CPU, s", "calls", "KB"):
        table.add_column(heading, justify="right" if heading else "left")
    for one in found:
        table.add_row(
            one.request,
            f"{one.seconds:.2f}",
            f"{one.slowest:.2f}",
            f"{one.cpu_seconds:.2f}",
            f"{one.calls:,.0f}",
            f"{one.kilobytes:,.0f}",
        )
    console.print(table)


def main() -> int:
    """Measure, and print the figures; 1 if the target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sources", type=int, default=3000, help="lead sources (default: 3000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    use_any_credentials()
    now, meter = datetime.now(UTC), Meter()
    with emulator() as endpoint_url:
        bench = Bench(endpoint_url, lambda _: None)
        table, client = bench.table(), bench.client()
        ledger = Ledger(client, Settings(table_name=table))
        stored = fill(client, table, args.sources, now)
        ledger.record([bounce(f"lead{n}@company{n % 400}.test") for n in range(DEAD)])
        meter.attach(client)

        def audited() -> Mapping[str, Any]:
            limit = now + timedelta(minutes=14)
            run = run_audit(ledger, AuditThresholds(), announcing=None, now=now, deadline=limit)
            assert run.sources == args.sources + 1
            return run.verdicts

        found = [measured("daily audit", 1, meter, audited)]
        found += requests(Api(ledger), meter, args.rounds, now)
        found.append(live(bench, args.rounds, now))
    if args.json:
        print(json.dumps({"sources": args.sources, "runs": [asdict(one) for one in found]}))
    else:
        report(found, args.sources, stored)
    slow = [one for one in found[1:] if one.slowest > MAX_SECONDS]
    for one in slow:
        print(f"Target missed: {one.request} took {one.slowest:.1f} s", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
