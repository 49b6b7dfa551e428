"""Compares the bulk check with one lookup, and with one Query, per address, on one local DynamoDB.

A campaign of 1,000 addresses, of which one in twenty has facts, is checked in three ways: in one
call of `Ledger.check`, by a call for each address, and by a Query for each address's items, which
is what a list with the address as its partition key takes. The last says nothing about domains.

Calls are HTTP requests to DynamoDB. Ways and tables alternate, so that other load on the machine
affects all of them. CPU is that of this process, with all its threads, and without the database.

Usage: python bench/check.py [--rounds 10] [--json]
"""

import argparse
import hashlib
import json
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from bench.ledger import LARGE, SMALL, Bench, Meter
from bounceledger import state
from bounceledger.events import Kind, MailEvent
from bounceledger.ledger import Ledger, items
from bounceledger.policy import Policy
from bounceledger.settings import Settings
from bounceledger.verdict import Category, Scope, Verdict
from tests.fakes import FakeContext
from tests.functions import load
from tools.stack import emulator, use_any_credentials

SIZE = 1000
"""Addresses of a campaign; the API accepts no more in one call."""
KNOWN = 20
"""One in so many has facts."""
SINGLE = 200
"""Addresses that are looked up one by one in a round."""
SOURCE = "list"
PROVIDERS = 5
AT_PROVIDERS = 0.6
COMPANIES = 250
"""In a campaign with shared domains (*assumed*): so many of the addresses are at large mailbox
providers, the others at so many companies, some of which have several."""
WAYS = BULK, LOOKUPS, QUERIES = "one bulk check", "a lookup per address", "a Query per address"
LAMBDA_CORES = 512 / 1769
"""Share of a core that 512 MB get, by Lambda's documentation."""
READ_SECONDS = 0.010
"""What one BatchGetItem of 100 keys is *assumed* to take on AWS."""
SIDE_BY_SIDE = 10
"""Calls of one check that run at the same time."""
MAX_CALLS = {False: 20, True: 30}
"""Target: calls for 1,000 addresses at different domains, without and with a source."""
MAX_SLOWDOWN = 1.2
"""Target: time of a bulk check in the large table, relative to the small one."""


def campaign(*, shared: bool, seed: int = 0) -> list[str]:
    """Canonical addresses, each at a domain of its own or as a campaign has them."""
    if not shared:
        return [f"lead{n}@company{n}.test" for n in range(SIZE)]
    rng = random.Random(seed)
    domains = [
        f"mail{rng.randrange(PROVIDERS)}.test"
        if rng.random() < AT_PROVIDERS
        else f"company{rng.randrange(COMPANIES)}.test"
        for _ in range(SIZE)
    ]
    return [f"lead{n}@{domain}" for n, domain in enumerate(domains)]


CAMPAIGNS = {"different domains": campaign(shared=False), "shared domains": campaign(shared=True)}


def bounce(address: str) -> state.Observation:
    """A hard bounce of an address."""
    event = MailEvent(
        event_id=hashlib.sha256(address.encode()).hexdigest()[:32],
        provider="ses",
        kind=Kind.BOUNCE,
        provider_kind=Kind.BOUNCE.value,
        address=address,
        lead_source=SOURCE,
        occurred_at=datetime.now(UTC),
        message_id=f"0100018f-{address}",
        diagnostic=f"smtp; 550 5.1.1 <{address}>: Recipient address rejected: User unknown",
        status="5.1.1",
    )
    verdict = Verdict(
        category=Category.MAILBOX_UNKNOWN, scope=Scope.ADDRESS, rule="user-unknown", reply_code=550
    )
    return state.observe(event, policy=Policy(), verdict=verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What checking took, for 1,000 addresses.

    Attributes:
        way: how they were checked.
        campaign: which addresses.
        with_source: whether a lead source's entries were read as well.
        items: items in the table beside those of the campaigns.
        calls: calls of DynamoDB.
        seconds: median of the rounds.
        cpu_seconds: likewise.
    """

    way: str
    campaign: str
    with_source: bool
    items: int
    calls: float
    seconds: float
    cpu_seconds: float


class Ways:
    """The ways to check, on one table, each with a client of its own."""

    def __init__(self, bench: Bench, table: str) -> None:
        self._table = table
        clients = {way: bench.client() for way in WAYS}
        self.meters = {way: Meter() for way in clients}
        for way, client in clients.items():
            self.meters[way].attach(client)
        settings = Settings(table_name=table)
        self.bulk = Ledger(clients[BULK], settings)
        self._lookups = Ledger(clients[LOOKUPS], settings)
        self._client = clients[QUERIES]

    def check(self, way: str, addresses: Sequence[str], source: str | None) -> int:
        """Check addresses in one way; how many are suppressed."""
        match way:
            case "one bulk check":
                found = self.bulk.check(addresses, source=source)
                return sum(result.decision.suppressed for result in found)
            case "a lookup per address":
                singles = (self._lookups.check([one], source=source) for one in addresses)
                return sum(result.decision.suppressed for [result] in singles)
            case _:
                return sum(map(self._has_facts, addresses))

    def _has_facts(self, address: str) -> bool:
        partition, facts = items.facts_key(address)
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
        )
        return any(item["sk"]["S"] == facts for item in answer["Items"])


def measure(tables: Mapping[int, Ways], rounds: int) -> Iterator[Measured]:
    """Measure every campaign, with and without a source, in every way.

    Args:
        tables: ways to check, by the number of items in their table.
        rounds: how often; tables and ways alternate.
    """
    for name, addresses in CAMPAIGNS.items():
        for source in (None, SOURCE):
            tried = [
                (size, way) for size in tables for way in WAYS if source is None or way != QUERIES
            ]
            times: dict[tuple[int, str], list[tuple[float, float]]] = {one: [] for one in tried}
            calls: dict[tuple[int, str], float] = {}
            for _ in range(rounds):
                for size, way in tried:
                    some = addresses if way == BULK else addresses[:SINGLE]
                    meter = tables[size].meters[way]
                    before = meter.calls.total()
                    begin, begin_cpu = time.perf_counter(), time.process_time()
                    suppressed = tables[size].check(way, some, source)
                    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
                    assert suppressed == len(some[::KNOWN]), f"{way}: {suppressed}"
                    share = SIZE / len(some)
                    times[size, way].append((seconds * share, cpu * share))
                    calls[size, way] = (meter.calls.total() - before) * share
            for size, way in tried:
                seconds, cpu = map(statistics.median, zip(*times[size, way], strict=True))
                yield Measured(
                    way=way,
                    campaign=name,
                    with_source=source is not None,
                    items=size,
                    calls=calls[size, way],
                    seconds=seconds,
                    cpu_seconds=cpu,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One invocation of `lookup` for 1,000 addresses at different domains.

    Attributes:
        cpu_seconds: CPU from request to answer, with the client of DynamoDB.
        lambda_seconds: estimated duration at 512 MB.
    """

    cpu_seconds: float
    lambda_seconds: float


def invoke(ledger: Ledger, rounds: int) -> Invocation:
    """Measure the whole function, warm."""
    lookup = load("lookup")
    lookup.logger.setLevel("CRITICAL")
    event = {
        "httpMethod": "POST",
        "path": "/v1/suppressions/check",
        "resource": "/v1/suppressions/check",
        "headers": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "body": json.dumps({"addresses": CAMPAIGNS["different domains"]}),
        "isBase64Encoded": False,
        "requestContext": {"stage": "live", "path": "/live/v1/suppressions/check"},
    }
    spent = []
    for _ in range(rounds + 1):
        begin = time.process_time()
        answer = lookup.handler(event, FakeContext(), ledger=ledger)
        spent.append(time.process_time() - begin)
        assert answer["statusCode"] == 200
    cpu = statistics.median(spent[1:])
    waits = MAX_CALLS[False] / SIDE_BY_SIDE * READ_SECONDS
    return Invocation(cpu_seconds=cpu, lambda_seconds=cpu / LAMBDA_CORES + waits)


def report(measured: Sequence[Measured], invocation: Invocation) -> None:
    """Print the figures, each way relative to the bulk check of the same addresses."""
    console = Console(markup=False, highlight=False, soft_wrap=True)
    for base in (one for one in measured if one.way == BULK):
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(f"per {SIZE:,} addresses")
        for name in ("calls", "ratio", "ms", "ratio", "checks/s", "CPU"):
            table.add_column(name, justify="right")
        for one in (one for one in measured if _case(one) == _case(base)):
            table.add_row(
                one.way,
                f"{one.calls:,.0f}",
                f"{one.calls / base.calls:.1f}",
                f"{1000 * one.seconds:,.0f}",
                f"{one.seconds / base.seconds:.1f}",
                f"{SIZE / one.seconds:,.0f}",
                f"{1000 * one.cpu_seconds:,.0f} ms",
            )
        source = ", with a source" if base.with_source else ""
        console.print(f"\n{base.campaign}{source}, {base.items:,} other items in the table")
        console.print(table)
    console.print(f"\nA bulk check with {LARGE:,} items in the table, compared with {SMALL:,}:")
    for name, ratio in slowdowns(measured).items():
        console.print(f"  {name}: {ratio:.2f} times the time")
    console.print(
        f"\nOne call of POST /v1/suppressions/check for {SIZE:,} addresses:"
        f" {1000 * invocation.cpu_seconds:.0f} ms CPU, estimated"
        f" {1000 * invocation.lambda_seconds:.0f} ms on Lambda at 512 MB"
    )


def _case(one: Measured) -> tuple[str, bool, int]:
    return one.campaign, one.with_source, one.items


def slowdowns(measured: Sequence[Measured]) -> dict[str, float]:
    """Time of bulk checks in the large table, relative to the small one, by campaign."""
    seconds = {
        (one.campaign, one.items): one.seconds
        for one in measured
        if one.way == BULK and not one.with_source
    }
    return {name: seconds[name, LARGE] / seconds[name, SMALL] for name in CAMPAIGNS}


def missed_targets(measured: Sequence[Measured]) -> Iterator[str]:
    """Describe every target that was missed."""
    for one in measured:
        limit = MAX_CALLS[one.with_source]
        if one.way == BULK and one.calls > limit:
            yield f"{one.campaign}: {one.calls:.0f} calls, the limit is {limit}"
    for name, ratio in slowdowns(measured).items():
        if ratio > MAX_SLOWDOWN:
            yield f"{name}: {ratio:.2f} times as long, the limit is {MAX_SLOWDOWN}"


def main() -> int:
    """Measure, and print the figures; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="rounds (default: 10)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    args = parser.parse_args()
    use_any_credentials()
    with emulator() as endpoint_url:
        bench = Bench(endpoint_url, lambda _: None)
        known = sorted({one for addresses in CAMPAIGNS.values() for one in addresses[::KNOWN]})
        tables: dict[int, Ways] = {}
        for size in (SMALL, LARGE):
            table = bench.table()
            bench.fill(table, size)
            tables[size] = Ways(bench, table)
            recorded = tables[size].bulk.record([bounce(one) for one in known])
            assert all(result.ok for result in recorded)
        measured = list(measure(tables, args.rounds))
        invocation = invoke(tables[LARGE].bulk, args.rounds)
    if args.json:
        runs: list[Any] = [asdict(one) for one in measured]
        print(json.dumps({"runs": runs, "lambda": asdict(invocation)}))
    else:
        report(measured, invocation)
    missed = list(missed_targets(measured))
    for target in missed:
        print(f"Target missed: {target}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
